//! SparkPost (Bird), suppression list: recipient, type, description.
//! <https://developers.sparkpost.com/api/suppression-list/>
//! Who bounces gets nothing at all; who unsubscribed or complained still gets transactional mail.

use bouncekit_core::{classify::Reason, suppression::Grounds};

use super::{Entry, Format, Read, Row, Write, classified, csv_line, date, entry, text};

pub(super) const FORMAT: Format = Format {
    name: "sparkpost",
    about: "SparkPost suppression list, CSV: recipient,type,description",
    write: Some(Write {
        header: "recipient,type,description\n",
        by_reason: false,
        reason: |grounds| Some(grounds.name()),
        lines: |listed| {
            let description = match listed.detail {
                Some(detail) => format!("{} {}", listed.reason, Reason::name(detail)),
                None => listed.reason.to_owned(),
            };
            let line = |kind| csv_line(&[listed.address.as_str(), kind, &description]);
            let campaigns = line("non_transactional");
            if listed.grounds == Grounds::Bounce {
                campaigns + &line("transactional")
            } else {
                campaigns
            }
        },
        removed: super::addresses_apart("recipient\n"),
        contacts: false,
    }),
    read: Some(Read {
        columns: &["recipient"],
        entry: read,
    }),
};

fn read(row: &Row) -> Result<Option<Entry>, String> {
    let mut entry = entry(row, "recipient")?;
    let description = text(row, "description").unwrap_or_default();
    let words = format!("{} {description}", text(row, "source").unwrap_or_default()).to_lowercase();
    let says = |all: &[&str]| all.iter().any(|word| words.contains(word));
    entry.grounds = if says(&["complain", "spam report"]) {
        Some(Grounds::Complaint)
    } else if says(&["unsubscribe"]) {
        Some(Grounds::Unsubscribe)
    } else if says(&["bounce", "invalid recipient"]) || description.starts_with('5') {
        entry.detail = named(&words).or_else(|| classified(None, &description));
        Some(Grounds::Bounce)
    } else {
        None
    };
    entry.since = date(row, "created")?;
    entry.diagnostic = description;
    Ok(Some(entry))
}

/// A reason named in a description that we wrote ourselves.
fn named(words: &str) -> Option<Reason> {
    words.split_whitespace().find_map(Reason::from_name)
}
