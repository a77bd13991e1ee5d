//! Do-not-contact lists as other systems read and write them: one file and one row of [`FORMATS`]
//! each.

mod elastic_email;
mod mailjet;
mod mandrill;
mod mautic;
mod own;
mod sendgrid;
mod ses;
mod sparkpost;

use bouncekit_core::{
    address::AddressKey,
    classify::{Diagnostics, Reason, Rules},
    rows::{Row, text},
    suppression::Grounds,
    time::Timestamp,
};

/// One system's format.
pub(crate) struct Format {
    pub(crate) name: &'static str,
    /// For people, in one line.
    pub(crate) about: &'static str,
    pub(crate) write: Option<Write>,
    pub(crate) read: Option<Read>,
}

/// How a list is written.
pub(crate) struct Write {
    pub(crate) header: &'static str,
    /// One line for each address and reason; else for each address, its strongest.
    pub(crate) by_reason: bool,
    /// What the system calls these grounds; `None`: it has no such entries.
    pub(crate) reason: fn(Grounds) -> Option<&'static str>,
    /// The lines of one entry.
    pub(crate) lines: fn(&Listed<'_>) -> String,
    pub(crate) removed: Removed,
    /// Entries are about contacts by their id, not about addresses.
    pub(crate) contacts: bool,
}

/// How entries that are gone since the last export are told.
pub(crate) enum Removed {
    /// Among the others.
    Inline(fn(&Gone<'_>) -> String),
    /// In a file of its own.
    Apart {
        header: &'static str,
        line: fn(&Gone<'_>) -> String,
    },
}

/// An entry to be written.
pub(crate) struct Listed<'a> {
    pub(crate) address: &'a AddressKey,
    pub(crate) grounds: Grounds,
    pub(crate) detail: Option<Reason>,
    pub(crate) since: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) comment: &'a str,
    /// What [`Write::reason`] said.
    pub(crate) reason: &'a str,
    /// The contact's id where [`Write::contacts`] is set.
    pub(crate) contact: &'a str,
    pub(crate) salt: &'a [u8],
}

/// An entry that is gone.
pub(crate) struct Gone<'a> {
    pub(crate) address: &'a AddressKey,
    pub(crate) reason: &'a str,
    pub(crate) contact: &'a str,
    pub(crate) salt: &'a [u8],
}

/// How a list is read.
pub(crate) struct Read {
    /// The columns (lower case) that give a file away as this one's; empty: only when named.
    pub(crate) columns: &'static [&'static str],
    pub(crate) entry: fn(&Row) -> Result<Option<Entry>, String>,
}

/// Who an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Address(AddressKey),
    /// Salted SHA-256 of the address.
    Hash([u8; 32]),
    /// The id of a contact.
    Contact(String),
}

/// An entry that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) who: Who,
    /// `None`: the list does not say.
    pub(crate) grounds: Option<Grounds>,
    pub(crate) detail: Option<Reason>,
    pub(crate) diagnostic: String,
    pub(crate) comment: String,
    pub(crate) since: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// Every format. Reading without `--from` takes the first whose columns are all there.
pub(crate) const FORMATS: &[Format] = &[
    own::PLAIN,
    own::CSV,
    own::NDJSON,
    own::SHA256,
    ses::CSV,
    ses::JSON,
    sendgrid::FORMAT,
    sparkpost::FORMAT,
    mandrill::FORMAT,
    elastic_email::FORMAT,
    mailjet::CSV,
    mailjet::API,
    mautic::CSV,
    mautic::API,
];

/// What is read as none of the others.
pub(crate) const OWN: fn(&Row) -> Result<Option<Entry>, String> = own::read;

pub(crate) use own::hash as own_hash;

pub(crate) fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The formats for the help.
pub(crate) fn overview() -> String {
    let lines = FORMATS.iter().map(|format| {
        let only = match (&format.write, &format.read) {
            (Some(_), None) => " (only written)",
            _ => "",
        };
        format!("  {:<14} {}{only}\n", format.name, format.about)
    });
    format!("Formats:\n{}", lines.collect::<String>())
}

/// The format of a row by its columns.
pub(crate) fn of_row(row: &Row) -> Option<&'static Read> {
    FORMATS
        .iter()
        .filter_map(|format| format.read.as_ref())
        .filter(|read| !read.columns.is_empty())
        .find(|read| read.columns.iter().all(|column| row.contains_key(column)))
}

/// The entry of an address column, the rest to be filled in.
fn entry(row: &Row, column: &str) -> Result<Entry, String> {
    let address = text(row, column).ok_or_else(|| format!("no address (column `{column}`)"))?;
    let key =
        AddressKey::parse(&address).ok_or_else(|| format!("`{address}` is not an address"))?;
    Ok(Entry {
        who: Who::Address(key),
        grounds: None,
        detail: None,
        diagnostic: String::new(),
        comment: String::new(),
        since: None,
        expires_at: None,
    })
}

/// A date in any of the shapes such lists have: ISO, a mail's, or seconds since 1970.
fn date(row: &Row, column: &str) -> Result<Option<Timestamp>, String> {
    let Some(text) = text(row, column) else {
        return Ok(None);
    };
    let seconds = || text.parse::<i64>().ok().map(Timestamp::from_seconds);
    seconds()
        .or_else(|| Timestamp::parse_iso(&text))
        .or_else(|| Timestamp::parse_mail_date(&text))
        .map(Some)
        .ok_or_else(|| format!("`{text}` is no date (column `{column}`)"))
}

/// What a diagnostic text means, if the rules know it.
fn classified(status: Option<&str>, text: &str) -> Option<Reason> {
    if text.is_empty() && status.is_none() {
        return None;
    }
    let verdict = Rules::builtin().classify(&Diagnostics {
        status: status.and_then(|status| status.parse().ok()),
        reply_code: None,
        text,
        receiving_host: "",
    });
    Some(verdict.reason).filter(|reason| !matches!(reason, Reason::Undefined | Reason::OnHold))
}

/// A line of CSV as a program reads it: quoted where needed, addresses as they are. Spreadsheets
/// are served by the format `csv`, which makes formulas harmless.
fn csv_line(cells: &[&str]) -> String {
    let mut line = String::with_capacity(96);
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        let octets = cell.as_bytes();
        let special = |octet: &u8| matches!(octet, b'"' | b',' | b'\n' | b'\r');
        if octets.iter().any(special) || cell.trim() != *cell {
            line += &format!("\"{}\"", cell.replace('"', "\"\""));
        } else {
            line += cell;
        }
    }
    line.push('\n');
    line
}

/// The address alone on a line.
fn address_line(gone: &Gone<'_>) -> String {
    csv_line(&[gone.address.as_str()])
}

/// Removals as addresses alone under a header.
const fn addresses_apart(header: &'static str) -> Removed {
    Removed::Apart {
        header,
        line: address_line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_everything_is_of_use() {
        for (index, format) in FORMATS.iter().enumerate() {
            assert!(
                !FORMATS[..index]
                    .iter()
                    .any(|other| other.name == format.name)
            );
            assert!(
                format.write.is_some() || format.read.is_some(),
                "{}",
                format.name
            );
            assert!(!format.about.is_empty());
        }
    }

    #[test]
    fn cells_are_quoted_for_programs() {
        assert_eq!(
            csv_line(&["a\"b@c", "x,y", "=z@example.com"]),
            "\"a\"\"b@c\",\"x,y\",=z@example.com\n"
        );
    }
}
