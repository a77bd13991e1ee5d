//! Delivery status notifications (RFC 3464, RFC 6533): structured fields first, the words around
//! them where fields are missing or vague.

use std::cell::OnceCell;

use super::{
    Format, Parsed, Report, ReportKind,
    mime::{self, Mail},
    said,
    text_bounce::{self, Item},
};
use crate::{address, classify::EnhancedStatusCode, time::Timestamp};

/// Reads a mail with `message/delivery-status` parts.
pub fn parse(mail: &Mail<'_>) -> Option<Parsed> {
    let mut statuses = mail.parts.iter().filter(|part| {
        ["message/delivery-status", "message/global-delivery-status"]
            .contains(&part.mime_type.as_str())
    });
    let mut bytes = statuses.next()?.bytes().into_owned();
    for part in statuses {
        bytes.extend_from_slice(b"\n\n");
        bytes.extend_from_slice(&part.bytes());
    }
    let words = text_bounce::report(mail);
    let reports = reports(&mime::normalise(&bytes), &words.text)?;
    Some(Parsed {
        format: Format::Dsn,
        reports,
        returned: words.returned,
    })
}

/// Reads the fields where they stand in plain text, without or after broken MIME.
pub(super) fn in_text(text: &str) -> Option<Vec<Report>> {
    let mut at = 0;
    let mut start = None;
    let mut names_recipient = false;
    for line in text.split_inclusive('\n') {
        let name = line.split(':').next().unwrap_or_default().trim();
        if ["Reporting-MTA", "Final-Recipient", "Action"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
        {
            start.get_or_insert(at);
            names_recipient |= name.eq_ignore_ascii_case("Final-Recipient");
        }
        at += line.len();
    }
    let start = start.filter(|_| names_recipient)?;
    reports(&text.as_bytes()[start..], &text[..start])
}

/// The returned message, or its headers.
pub(super) fn returned(mail: &Mail<'_>) -> Option<Vec<u8>> {
    [
        "message/rfc822",
        "text/rfc822-headers",
        "text/rfc822-header",
        "message/rfc822-headers",
        "text/rfc822",
        "message/global",
        "message/global-headers",
        "message/partial",
    ]
    .iter()
    .find_map(|kind| mail.part(kind))
    .map(|part| mime::normalise(&part.bytes()).into_owned())
}

/// The fields of one block, names lower case.
#[derive(Default)]
struct Fields(Vec<(String, String)>);

impl Fields {
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    fn names_recipient(&self) -> bool {
        [
            "final-recipient",
            "original-recipient",
            "x-actual-recipient",
        ]
        .iter()
        .any(|name| self.get(name).is_some())
    }

    /// An address field without its type.
    fn address(&self, name: &str) -> Option<String> {
        let value = self.get(name)?;
        let (kind, value) = typed(value);
        let value = if kind.eq_ignore_ascii_case("utf-8") {
            unescape(value)
        } else {
            value.replace("+2B", "+").replace("+3D", "=")
        };
        let bare = address::bare(&value);
        (!bare.is_empty()).then(|| bare.to_owned())
    }

    fn date(&self, name: &str) -> Option<Timestamp> {
        Timestamp::parse_mail_date(self.get(name)?)
    }
}

/// `\x{E9}` of RFC 6533 (section 3) as characters.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\x{") {
        out.push_str(&rest[..at]);
        let (hex, after) = rest[at + 3..]
            .split_once('}')
            .unwrap_or((&rest[at + 3..], ""));
        let character = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
        out.extend(character.filter(|c| !c.is_control()));
        rest = after;
    }
    out + rest
}

/// `type; value`; a semicolon within a sentence separates nothing.
fn typed(value: &str) -> (&str, &str) {
    match value.split_once(';') {
        Some((kind, rest))
            if kind.trim().len() <= 24
                && kind
                    .trim()
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) =>
        {
            (kind.trim(), rest.trim())
        }
        _ => ("", value.trim()),
    }
}

/// Blocks of fields, broken lines joined; recipients that no blank line separates are taken apart.
fn blocks(text: &[u8]) -> Vec<Fields> {
    let mut blocks = vec![Fields::default()];
    let mut raw: Vec<(String, Vec<u8>)> = Vec::new();
    let close = |raw: &mut Vec<(String, Vec<u8>)>, blocks: &mut Vec<Fields>| {
        let fields = raw
            .drain(..)
            .map(|(name, value)| (name, mime::decoded(&value)));
        let fields: Vec<_> = fields.collect();
        if !fields.is_empty() {
            blocks.push(Fields(fields));
        }
    };
    for line in text.split(|b| *b == b'\n') {
        let bare = line.trim_ascii();
        if bare.is_empty() {
            close(&mut raw, &mut blocks);
            continue;
        }
        // A MIME boundary in what is no MIME.
        if bare.starts_with(b"--") {
            continue;
        }
        let Some((name, value)) = field(line).filter(|_| raw.is_empty() || !folded(line)) else {
            if let Some((_, value)) = raw.last_mut() {
                value.push(b' ');
                value.extend_from_slice(bare);
            }
            continue;
        };
        let again = name.ends_with("-recipient") && raw.iter().any(|(known, _)| *known == name);
        if again {
            close(&mut raw, &mut blocks);
        }
        raw.push((name, value.to_vec()));
    }
    close(&mut raw, &mut blocks);
    blocks.retain(|block| !block.0.is_empty());
    blocks
}

fn folded(line: &[u8]) -> bool {
    line.starts_with(b" ") || line.starts_with(b"\t")
}

fn field(line: &[u8]) -> Option<(String, &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let (name, value) = (line[..colon].trim_ascii(), &line[colon + 1..]);
    let plausible = !name.is_empty()
        && name.len() <= 40
        && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
        && !value.starts_with(b"//");
    plausible.then(|| (String::from_utf8_lossy(name).to_ascii_lowercase(), value))
}

/// More recipients than any notification has.
const MOST: usize = 5000;

fn reports(text: &[u8], words: &str) -> Option<Vec<Report>> {
    let blocks = blocks(text);
    let message = blocks
        .iter()
        .find(|block| block.get("reporting-mta").is_some());
    let common = Common {
        reporting_mta: message
            .and_then(|block| block.get("reporting-mta"))
            .map(|value| typed(value).1.to_owned()),
        items: OnceCell::new(),
        words,
    };
    let recipients: Vec<&Fields> = blocks
        .iter()
        .filter(|block| block.names_recipient())
        .take(MOST)
        .collect();
    let alone = recipients.len() == 1;
    let reports: Vec<Report> = recipients
        .into_iter()
        .map(|fields| common.report(fields, alone))
        .collect();
    (!reports.is_empty()).then_some(reports)
}

/// What all recipients of a notification share.
struct Common<'a> {
    reporting_mta: Option<String>,
    /// What the words say of each recipient; read where the fields leave something open.
    items: OnceCell<Vec<Item>>,
    words: &'a str,
}

impl Common<'_> {
    fn items(&self) -> &[Item] {
        self.items.get_or_init(|| text_bounce::items(self.words))
    }

    fn report(&self, fields: &Fields, alone: bool) -> Report {
        let (mut recipient, original_recipient) = recipients(fields);
        // A path or a program: the words know whose it is.
        let is_mailbox = recipient.as_deref().is_some_and(text_bounce::is_address);
        if alone
            && !is_mailbox
            && let [item] = self.items()
        {
            recipient = Some(item.address.clone());
        }
        let action = fields.get("action").map(|value| {
            let word = value.split(['(', ' ', ';']).next().unwrap_or_default();
            word.to_lowercase()
        });
        let code = fields
            .get("diagnostic-code")
            .map_or("", |value| typed(value).1);
        let code = said::one_reply(code);
        let field: Option<EnhancedStatusCode> = fields.get("status").and_then(leading_status);
        let coded = field.is_some() || said::status(&code, None).is_some();
        let told = if coded && self.code_says_all(&code) {
            None
        } else {
            self.told(recipient.as_deref(), original_recipient.as_deref(), alone)
        };
        let diagnostic = self.diagnostic(&code, coded, told, alone);
        let kind = kind(action.as_deref(), field);
        let reply_code = said::reply_code(&code)
            .or_else(|| said::success_code(&code).filter(|_| kind == ReportKind::Delivered))
            .or_else(|| said::reply_code(&diagnostic))
            .or_else(|| said::reply_code(told?));
        let status = said::status(&code, reply_code).or_else(|| {
            let vague = field.is_none_or(|field| (field.subject, field.detail) == (0, 0));
            let text = told.filter(|_| vague).unwrap_or(&diagnostic);
            said::status(text, reply_code)
        });
        Report {
            kind: Some(kind),
            recipient,
            original_recipient,
            action,
            status: said::refine(field, status),
            reply_code,
            remote_mta: fields
                .get("remote-mta")
                .map(|value| host(typed(value).1))
                .filter(|host| !host.is_empty())
                .or_else(|| said::remote_host(&diagnostic)),
            diagnostic,
            reporting_mta: self.reporting_mta.clone(),
            occurred_at: fields.date("last-attempt-date"),
            feedback_type: None,
        }
    }

    /// Whether the Diagnostic-Code leaves nothing open that the words could add: codes, a sentence,
    /// and which command was refused.
    fn code_says_all(&self, code: &str) -> bool {
        let reply = said::reply_code(code);
        let names_command = ["(in reply to", ">>> ", "<<< "];
        words(code) > 1
            && reply.is_some()
            && said::status(code, reply).is_some_and(|status| status.subject > 0)
            && !names_command.iter().any(|mark| self.words.contains(mark))
    }

    /// What the words say of a recipient.
    fn told(&self, recipient: Option<&str>, original: Option<&str>, alone: bool) -> Option<&str> {
        let of = |address: Option<&str>| {
            let address = address?;
            self.items()
                .iter()
                .find(|item| item.address.eq_ignore_ascii_case(address))
        };
        of(recipient)
            .or_else(|| of(original))
            .or_else(|| {
                self.items()
                    .first()
                    .filter(|_| alone && self.items().len() == 1)
            })
            .map(|item| item.text.as_str())
    }

    /// The Diagnostic-Code; with what the words add (which command was refused), or the words where
    /// it says nothing.
    fn diagnostic(&self, code: &str, coded: bool, told: Option<&str>, alone: bool) -> String {
        let told = told.unwrap_or_default();
        if code.is_empty() {
            return match told {
                "" if alone || self.items().is_empty() => text_bounce::joined(self.words),
                // What happened may be told in sentences above it.
                told if alone && words(told) < 3 => text_bounce::joined(self.words),
                told => told.to_owned(),
            };
        }
        if told.contains("(in reply to") {
            return told.to_owned();
        }
        // Whoever leaves out the Status field (RFC 3464, 2.3.4) is a filter that judges by itself.
        if !told.is_empty() && (words(code) < 2 || !coded) {
            return format!("{code} {told}");
        }
        // As Postfix puts it, so that one phrase finds it whatever system reports.
        if let Some(command) = said::refused_command(told) {
            return format!("{code} (in reply to {command} command)");
        }
        code.to_owned()
    }
}

/// Words among what stands between blanks.
fn words(text: &str) -> usize {
    text.split(' ')
        .filter(|word| word.contains(char::is_alphabetic))
        .count()
}

/// Final- and Original-Recipient, told apart from what is no address: the path or program a mailbox
/// is delivered to.
fn recipients(fields: &Fields) -> (Option<String>, Option<String>) {
    let original = fields.address("original-recipient");
    let last = fields.address("final-recipient");
    let is_mailbox = |address: &String| {
        text_bounce::is_address(address)
            && address
                .rsplit('@')
                .next()
                .is_some_and(|domain| domain.contains('.'))
    };
    let routed = last
        .as_ref()
        .is_some_and(|address| address.starts_with('@'));
    let recipient = last
        .clone()
        .filter(|address| is_mailbox(address) && !routed)
        .or_else(|| original.clone().filter(is_mailbox))
        .or_else(|| fields.address("x-actual-recipient").filter(is_mailbox))
        // `@relay.example.net:anna@example.com`
        .or_else(|| {
            last.as_deref()
                .map(|address| address.rsplit(':').next().unwrap_or(address).to_owned())
        })
        .or_else(|| original.clone());
    (recipient, original)
}

fn leading_status(value: &str) -> Option<EnhancedStatusCode> {
    value
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .find(|word| !word.is_empty())?
        .parse()
        .ok()
}

/// A host name without the address some put behind it.
fn host(value: &str) -> String {
    value
        .split([' ', '(', '['])
        .find(|word| !word.is_empty())
        .unwrap_or_default()
        .trim_end_matches([']', ')', '.'])
        .to_owned()
}

fn kind(action: Option<&str>, status: Option<EnhancedStatusCode>) -> ReportKind {
    match action {
        Some("delayed") => ReportKind::Delayed,
        // Postfix answers so when asked whether it could deliver (`sendmail -bv`).
        Some("delivered" | "deliverable") => ReportKind::Delivered,
        Some("relayed" | "expanded") => ReportKind::Relayed,
        None if status.is_some_and(|status| status.class == 2) => ReportKind::Delivered,
        _ => ReportKind::Bounce,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: &str, words: &str) -> Vec<Report> {
        reports(status.as_bytes(), words).unwrap()
    }

    #[test]
    fn recipients_without_a_blank_line_are_taken_apart() {
        let found = read(
            "Reporting-MTA: dns; mx.example.net\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; b@example.com\nAction: delayed\nStatus: 4.2.2\n",
            "",
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].recipient.as_deref(), Some("b@example.com"));
        assert_eq!(found[1].kind, Some(ReportKind::Delayed));
        assert_eq!(found[0].reporting_mta.as_deref(), Some("mx.example.net"));
    }

    #[test]
    fn broken_lines_are_joined_and_links_are_no_fields() {
        let found = read(
            "Final-Recipient: rfc822; a@example.com\nStatus: 5.0.0 (permanent)\nDiagnostic-Code: smtp; 550-5.7.1 not accepted, see\nhttps://example.net/x\n and 550 5.7.1 ask; thanks\n",
            "",
        );
        assert_eq!(
            found[0].diagnostic,
            "550-5.7.1 not accepted, see https://example.net/x and ask; thanks"
        );
        assert_eq!(found[0].status.unwrap().to_string(), "5.7.1");
        assert_eq!(found[0].reply_code, Some(550));
    }

    #[test]
    fn who_is_meant_is_an_address() {
        for (fields, recipient) in [
            (
                "Final-Recipient: rfc822; /var/mail/a\nOriginal-Recipient: rfc822; a@example.com",
                "a@example.com",
            ),
            (
                "Final-Recipient: rfc822; @relay.example.net:a@server\nOriginal-Recipient: rfc822; a@example.com",
                "a@example.com",
            ),
            (
                "Final-Recipient: rfc822; @relay.example.net:a@example.com",
                "a@example.com",
            ),
            (
                "Final-Recipient: RFC822; <b@example.com>\nOriginal-Recipient: rfc822; a@example.com",
                "b@example.com",
            ),
            (
                "Final-Recipient: utf-8; gr\\x{FC}n@example.com",
                "grün@example.com",
            ),
            (
                "Original-Recipient: rfc822;a+2Bb@example.com",
                "a+b@example.com",
            ),
        ] {
            assert_eq!(
                read(fields, "")[0].recipient.as_deref(),
                Some(recipient),
                "{fields}"
            );
        }
    }

    #[test]
    fn words_fill_what_the_fields_leave_open() {
        let words = "This is the mail system at host x.\n\n<a@example.com>: host mx.example.com[192.0.2.1] said: 550 5.1.1 gone (in\n    reply to RCPT TO command)\n";
        let found = read(
            "Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.0.0\n",
            words,
        );
        assert_eq!(found[0].status.unwrap().to_string(), "5.1.1");
        assert_eq!(found[0].remote_mta.as_deref(), Some("mx.example.com"));
        assert!(
            found[0]
                .diagnostic
                .ends_with("(in reply to RCPT TO command)")
        );
    }

    #[test]
    fn two_words_are_read_with_the_sentences_above_them() {
        let found = read(
            "Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.0.0\n",
            "The user(s) account is disabled.\n\n<a@example.com>: user unknown\n",
        );
        assert_eq!(
            found[0].diagnostic,
            "The user(s) account is disabled. <a@example.com>: user unknown"
        );
    }

    #[test]
    fn a_code_is_read_with_the_words_of_a_filter_that_gives_no_status() {
        let words = "--- The following addresses had delivery problems ---\n\n<a@example.com>   (a@example.com... No such user)\n";
        let of = |status| {
            let fields = format!(
                "Final-Recipient: rfc822; a@example.com\nAction: failed\n{status}Diagnostic-Code: smtp; 550 a@example.com... No such user\n"
            );
            read(&fields, words)[0].diagnostic.clone()
        };
        assert_eq!(of("Status: 5.1.1\n"), "550 a@example.com... No such user");
        assert_eq!(
            of(""),
            "550 a@example.com... No such user --- The following addresses had delivery problems --- <a@example.com> (a@example.com... No such user)"
        );
    }
}
