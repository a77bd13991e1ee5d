//! Elastic Email, suppressions. Bounces, complaints and unsubscribes are three lists, each with its
//! own import of a file of addresses (POST /v4/suppressions/{bounces,complaints,unsubscribes}/import):
//! choose with `--reason`. Its entries have Email, FriendlyErrorMessage, ErrorCode, DateUpdated, its
//! contacts a Status.
//! <https://elasticemail.com/developers/api-documentation/rest-api#tag/Suppressions>

use bouncekit_core::suppression::Grounds;

use super::{Entry, Format, Read, Row, Write, classified, csv_line, date, entry, text};

pub(super) const FORMAT: Format = Format {
    name: "elastic-email",
    about: "Elastic Email suppressions, CSV: one list a file, choose it with --reason",
    write: Some(Write {
        header: "Email\n",
        by_reason: false,
        reason: |grounds| {
            Some(match grounds {
                Grounds::Bounce => "bounces",
                Grounds::Complaint => "complaints",
                Grounds::Unsubscribe | Grounds::Manual => "unsubscribes",
            })
        },
        lines: |listed| csv_line(&[listed.address.as_str()]),
        removed: super::addresses_apart("Email\n"),
        contacts: false,
    }),
    read: Some(Read {
        columns: &["email", "dateupdated"],
        entry: read,
    }),
};

fn read(row: &Row) -> Result<Option<Entry>, String> {
    let mut entry = entry(row, "email")?;
    let status = text(row, "status").unwrap_or_default().to_lowercase();
    entry.diagnostic = text(row, "friendlyerrormessage").unwrap_or_default();
    entry.since = date(row, "dateupdated")?;
    entry.grounds = match status.as_str() {
        "abuse" | "complaint" | "complaints" => Some(Grounds::Complaint),
        "unsubscribed" => Some(Grounds::Unsubscribe),
        "bounced" | "invalid" => Some(Grounds::Bounce),
        "active" | "engaged" | "transactional" => return Ok(None),
        _ if text(row, "errorcode").is_some() => Some(Grounds::Bounce),
        _ => None,
    };
    if entry.grounds == Some(Grounds::Bounce) {
        entry.detail = classified(None, &entry.diagnostic);
    }
    Ok(Some(entry))
}
