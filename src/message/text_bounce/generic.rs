//! Reports of systems nobody described: whom a text names, told by how addresses stand in it.

use std::sync::OnceLock;

use super::{
    engine::{self, Item, Row, items},
    pattern::{self, Pattern},
    words,
};

/// Templates by how sure they are; those of the first level that finds anyone decide.
const LEVELS: &[&[&str]] = &[
    &["<{to}>: {why}", "{code} {to}... {why}", "{to}... {why}"],
    &[
        "{to}",
        "{to}: {why}",
        "{to} ({why}",
        "{to} [{why}",
        "{to} - {why}",
        "<{to}> {why}",
    ],
    &[
        "recipient: {to}{why}",
        "recipients: {to}{why}",
        "recipient address: {to}{why}",
        "recipient email: {to}{why}",
        "recipient name: {to}{why}",
        "final recipient: {to}{why}",
        "final-recipient: {to}{why}",
        "failed recipient: {to}{why}",
        "intended recipient: {to}{why}",
        "original recipient: {to}{why}",
        "{*}rcpt to:{to}{why}",
        "addressee: {to}{why}",
        "address: {to}{why}",
        "e-mail address: {to}{why}",
        "email address: {to}{why}",
        "email: {to}{why}",
        "user: {to}{why}",
        "mailbox: {to}{why}",
        "account: {to}{why}",
        "to: {to}{why}",
        "empfänger: {to}{why}",
        "Empfänger: {to}{why}",
        "an: {to}{why}",
        "destinataire : {to}{why}",
        "destinataire: {to}{why}",
        "à : {to}{why}",
        "destinatario: {to}{why}",
        "para: {to}{why}",
        "destinatário: {to}{why}",
        "a: {to}{why}",
        "geadresseerde: {to}{why}",
        "ontvanger: {to}{why}",
        "aan: {to}{why}",
        "adresat: {to}{why}",
        "odbiorca: {to}{why}",
        "do: {to}{why}",
        "Получатель: {to}{why}",
        "получатель: {to}{why}",
        "кому: {to}{why}",
        "Кому: {to}{why}",
        "alıcı: {to}{why}",
        "Alıcı: {to}{why}",
        "kime: {to}{why}",
        "宛先: {to}{why}",
        "宛先：{to}{why}",
        "受信者: {to}{why}",
        "收件人: {to}{why}",
        "收件人：{to}{why}",
        "收件者: {to}{why}",
        "收件者：{to}{why}",
        "받는 사람: {to}{why}",
    ],
];

const ROW: Row = Row {
    end: &[
        "for further assistance",
        "for more information",
        "if you need",
        "if you have any questions",
        "please contact",
        "best regards",
        "regards",
        "-- ",
    ],
    ..Row::NEW
};

/// Whom lines of a report name by themselves. `own` are addresses that the mail carries anyway:
/// whoever wrote it and whom it was sent to.
pub(super) fn by_form(text: &str, own: &[String]) -> Vec<Item> {
    static PATTERNS: OnceLock<Vec<Vec<Pattern>>> = OnceLock::new();
    let levels =
        PATTERNS.get_or_init(|| LEVELS.iter().map(|level| engine::compile(level)).collect());
    let lines: Vec<&str> = text.lines().collect();
    for (level, patterns) in levels.iter().enumerate() {
        let mut found = items(&ROW, patterns, &lines);
        // Only the first form is so plain that a sender's own address can be meant.
        if level > 0 {
            found.retain(|item| !is_own(&item.address, own));
        }
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// So many addresses of running text are taken for recipients.
const MOST: usize = 20;

/// Addresses in running text: those in lines that say that delivery failed, else those of the first
/// line that has any.
pub(super) fn by_sentence(text: &str, own: &[String]) -> Vec<Item> {
    let of = |line: &str| {
        let mut found: Vec<Item> = Vec::new();
        for address in addresses(line).filter(|address| !is_own(address, own)) {
            if found.len() < MOST && !found.iter().any(|item| item.address == address) {
                found.push(item(address, text));
            }
        }
        Some(found).filter(|found| !found.is_empty())
    };
    text.lines()
        .filter(|line| words::says_failed(line))
        .find_map(of)
        .or_else(|| text.lines().find_map(of))
        .unwrap_or_default()
}

/// A recipient of whom the whole text speaks.
pub(super) fn item(address: &str, text: &str) -> Item {
    Item {
        address: address.to_owned(),
        text: engine::joined(text.lines()),
    }
}

/// Every address in a line.
fn addresses(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || "<>()[]{},;\"'，。；：（）「」".contains(c))
        .filter(|word| word.contains('@') && !word.contains("//"))
        .filter_map(|word| {
            let word = word.strip_prefix("mailto:").unwrap_or(word);
            let (address, length) = pattern::address(word, false)?;
            word[length..]
                .chars()
                .all(|c| !c.is_alphanumeric())
                .then_some(address)
        })
}

/// Local parts of those who run mail systems; they are named for help.
const STAFF: &[&str] = &[
    "postmaster",
    "mailer-daemon",
    "abuse",
    "support",
    "helpdesk",
    "hostmaster",
    "noc",
    "admin",
    "help",
    "noreply",
    "no-reply",
    "webmaster",
    "administrator",
    "mailmaster",
];

fn is_own(address: &str, own: &[String]) -> bool {
    let lower = address.to_lowercase();
    let local = lower.split('@').next().unwrap_or_default();
    STAFF.contains(&local) || own.contains(&lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(items: &[Item]) -> Vec<&str> {
        items.iter().map(|item| item.address.as_str()).collect()
    }

    #[test]
    fn addresses_are_found_however_they_stand() {
        let own = ["news@example.org".to_owned()];
        for text in [
            "Sorry:\n<a@example.com>: gone\nask <news@example.org>",
            "Sorry about news@example.org:\n\n  a@example.com\n    gone\n\nPlease contact postmaster@example.net",
            "From: news@example.org\nRecipient: <a@example.com>\nReason: gone",
            ">>> RCPT TO:<a@example.com>\n<<< 550 gone",
            "收件人：a@example.com\n该用户不存在",
        ] {
            assert_eq!(names(&by_form(text, &own)), ["a@example.com"], "{text}");
        }
        let sentence = "Dear news@example.org, write to postmaster@example.net.\nYour mail to a@example.com could not be delivered.";
        assert!(by_form(sentence, &own).is_empty());
        assert_eq!(names(&by_sentence(sentence, &own)), ["a@example.com"]);
    }
}
