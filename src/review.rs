//! What nothing decided, grouped by what it says, with a rule proposed for each group.

use std::collections::HashMap;

use crate::{
    event::{EventKey, EventKind},
    message::mime::{self, Mail},
    store::EventRow,
    time::Timestamp,
};

/// Events that say the same but for addresses, numbers and names of hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// A bounce that no rule matched, or a mail that nothing recognised.
    pub kind: EventKind,
    /// What they have in common, see [`normalise`].
    pub text: String,
    pub count: u64,
    pub latest: Timestamp,
    /// One of them, and what it says.
    pub event: EventKey,
    pub sample: String,
}

/// Gathers groups. So many are kept apart; what comes after is counted as a whole.
#[derive(Default)]
pub struct Groups {
    groups: HashMap<(EventKind, String), Group>,
    rest: u64,
}

const GROUPS: usize = 20_000;
/// So much of a text is looked at.
const TEXT: usize = 400;

impl Groups {
    /// Adds an event; `raw` is its mail, if it is archived.
    pub fn add(&mut self, event: &EventRow, raw: Option<&[u8]>) {
        let sample = match (event.kind, raw) {
            (EventKind::Unrecognised, Some(raw)) => opening(&event.diagnostic, raw),
            _ => event.diagnostic.clone(),
        };
        let sample: String = sample.chars().take(TEXT).collect();
        let key = (event.kind, normalise(&sample));
        if let Some(group) = self.groups.get_mut(&key) {
            group.count += 1;
            group.latest = event.received_at.max(group.latest);
        } else if self.groups.len() < GROUPS {
            let group = Group {
                kind: event.kind,
                text: key.1.clone(),
                count: 1,
                latest: event.received_at,
                event: event.key,
                sample,
            };
            self.groups.insert(key, group);
        } else {
            self.rest += 1;
        }
    }

    /// The groups, the largest first, and how many events stand in none.
    pub fn into_sorted(self) -> (Vec<Group>, u64) {
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
        (groups, self.rest)
    }
}

/// Subject and first words of a mail.
fn opening(subject: &str, raw: &[u8]) -> String {
    let text = mime::normalise(raw);
    let mail = Mail::parse(&text);
    let part = mail
        .parts
        .iter()
        .find(|part| part.mime_type.starts_with("text/"));
    let body = part.map(mime::Part::text).unwrap_or_default();
    let body = without_tags(&body);
    let words: Vec<&str> = body.split_whitespace().take(30).collect();
    format!("{subject} | {}", words.join(" "))
}

/// HTML as its words.
fn without_tags(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        match tag.split_once('>') {
            Some((_, after))
                if tag.starts_with(|c: char| c.is_ascii_alphabetic() || "/!".contains(c)) =>
            {
                out.push(' ');
                rest = after;
            }
            _ => {
                out.push('<');
                rest = tag;
            }
        }
    }
    out + rest
}

/// Lower case, one blank between words; what differs from mail to mail becomes `*`. Reply codes and
/// enhanced status codes stay.
pub fn normalise(text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = word.to_lowercase().replace(['’', '‘', '`'], "'");
        if is_variable(&word) {
            if out.last().is_none_or(|last| last != "*") {
                out.push("*".into());
            }
        } else {
            out.push(word);
        }
    }
    out.join(" ")
}

fn is_variable(word: &str) -> bool {
    let core = word.trim_matches(|c: char| !c.is_alphanumeric());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_code = |text: &str| {
        is_number(text) && text.len() == 3
            || text.split('.').count() == 3 && text.split('.').all(|n| is_number(n) && n.len() <= 3)
    };
    if core.split('-').all(is_code) {
        return false;
    }
    let is_host = core.contains('.') && core.split('.').all(|label| label.len() >= 2);
    word == "*"
        || core.is_empty() && word.len() > 2
        || word.contains('@')
        || core.contains("://")
        || is_host
        || core.bytes().any(|b| b.is_ascii_digit())
}

/// A phrase of a proposed rule has at least so many characters, and at most.
const PHRASE: std::ops::RangeInclusive<usize> = 8..=80;

impl Group {
    /// The longest words that all of the group have in common.
    pub fn phrase(&self) -> Option<String> {
        let pieces = self.text.split('*').flat_map(|piece| piece.split(" | "));
        let piece = pieces
            .map(|piece| {
                piece.trim_matches(|c: char| c.is_whitespace() || ".,:;()<>\"".contains(c))
            })
            .max_by_key(|piece| piece.len())?;
        let mut phrase = String::new();
        for word in piece.split(' ') {
            if phrase.len() + word.len() >= *PHRASE.end() {
                break;
            }
            if !phrase.is_empty() {
                phrase.push(' ');
            }
            phrase.push_str(word);
        }
        PHRASE.contains(&phrase.len()).then_some(phrase)
    }

    /// A rule for the `rules_file`, to be completed: what the words mean a person must say.
    pub fn proposal(&self) -> Option<String> {
        #[derive(serde::Serialize)]
        struct Rule<'r> {
            id: String,
            reason: &'static str,
            phrases: [&'r str; 1],
            sample: &'r str,
        }
        #[derive(serde::Serialize)]
        struct File<'r> {
            rules: [Rule<'r>; 1],
        }
        let phrase = self.phrase()?;
        let words = phrase.split(|c: char| !c.is_ascii_alphanumeric());
        let mut id = "own".to_owned();
        for word in words.filter(|word| !word.is_empty()).take(4) {
            id += &format!("-{word}");
        }
        // Two groups may begin with the same words.
        let [first, second, ..] = self.event.0;
        let file = File {
            rules: [Rule {
                id: format!("{id}-{first:02x}{second:02x}"),
                reason: crate::classify::Reason::OnHold.name(),
                phrases: [&phrase],
                sample: &self.sample,
            }],
        };
        let comment = if self.kind == EventKind::Unrecognised {
            "# Rules judge what a bounce says; this mail was not read as one.\n"
        } else {
            "# Write the reason that is meant instead of on_hold.\n"
        };
        Some(format!("{comment}{}", toml::to_string(&file).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Condition, Diagnostics, Reason, Rules};

    fn event(number: u8, kind: EventKind, diagnostic: &str) -> EventRow {
        EventRow {
            key: EventKey([number; 16]),
            source: "mail".into(),
            kind,
            reason: None,
            permanence: None,
            rule: None,
            address: None,
            reported: None,
            send_hash: None,
            status: None,
            reply_code: None,
            receiving_host: String::new(),
            diagnostic: diagnostic.into(),
            raw_type: String::new(),
            note: String::new(),
            content: None,
            occurred_at: Timestamp(0),
            received_at: Timestamp(i64::from(number)),
            expires_at: None,
            run: 1,
        }
    }

    #[test]
    fn what_differs_by_names_and_numbers_is_one_group() {
        let mut groups = Groups::default();
        for (number, text) in [
            "550 5.9.9 <anna@example.com>: The Flux Capacitor is drained on mx1.example.com [id 4Fx99ab]",
            "550 5.9.9 <b@example.net>: The flux capacitor  is drained on mail.example.net [id 77]",
            "450 4.9.9 something else entirely",
        ]
        .into_iter()
        .enumerate()
        {
            let number = u8::try_from(number).unwrap();
            groups.add(&event(number, EventKind::Bounce, text), None);
        }
        let (groups, rest) = groups.into_sorted();
        assert_eq!((groups.len(), rest), (2, 0));
        let group = &groups[0];
        assert_eq!(
            group.text,
            "550 5.9.9 * the flux capacitor is drained on * [id *"
        );
        assert_eq!((group.count, group.latest), (2, Timestamp(1)));

        // The proposed rule decides its sample.
        let proposal = group.proposal().unwrap();
        let file: toml::Value = toml::from_str(&proposal).unwrap();
        let rule = &file["rules"][0];
        let own = Condition {
            id: rule["id"].as_str().unwrap().into(),
            reason: Reason::UserUnknown,
            permanence: None,
            also: Vec::new(),
            status: Vec::new(),
            reply: Vec::new(),
            phrases: vec![rule["phrases"][0].as_str().unwrap().into()],
            hosts: Vec::new(),
        };
        assert_eq!(own.id, "own-the-flux-capacitor-is-0000");
        let verdict = Rules::new(vec![own]).classify(&Diagnostics {
            text: rule["sample"].as_str().unwrap(),
            ..Diagnostics::default()
        });
        assert_eq!(verdict.rule, "own-the-flux-capacitor-is-0000");
    }

    #[test]
    fn a_mail_is_grouped_by_its_opening_words() {
        let mut groups = Groups::default();
        for (number, name) in [(1, "anna@example.com"), (2, "bert@example.com")] {
            let raw = format!(
                "Subject: Notice 123{number}\nContent-Type: text/html\n\n<html><p>Dear <b>{name}</b>, your parcel waits.</p>\n"
            );
            let subject = format!("Notice 123{number}");
            let event = event(number, EventKind::Unrecognised, &subject);
            groups.add(&event, Some(raw.as_bytes()));
        }
        let (groups, _) = groups.into_sorted();
        assert_eq!(groups.len(), 1, "{groups:?}");
        assert_eq!(groups[0].phrase().unwrap(), "your parcel waits");
    }

    #[test]
    fn too_few_words_make_no_rule() {
        let mut groups = Groups::default();
        groups.add(&event(1, EventKind::Bounce, "550 <a@b.example> 12"), None);
        groups.add(&event(2, EventKind::Bounce, ""), None);
        for group in groups.into_sorted().0 {
            assert_eq!(group.proposal(), None, "{group:?}");
        }
    }
}
