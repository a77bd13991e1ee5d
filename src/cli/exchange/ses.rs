//! Amazon SES v2, account-level suppression list: files of CreateImportJob (action PUT; removals are
//! for one with action DELETE).
//! <https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html>
//! SES knows two reasons; an unsubscribe is none of them, and would block transactional mail, too.

use bouncekit_core::suppression::Grounds;
use serde_json::json;

use super::{Entry, Format, Read, Removed, Row, Write, csv_line, date, entry, text};

pub(super) const CSV: Format = Format {
    name: "ses",
    about: "Amazon SES v2 import job, CSV: address,BOUNCE|COMPLAINT (at most 100,000 a job)",
    write: Some(Write {
        header: "",
        by_reason: false,
        reason: named,
        lines: |listed| csv_line(&[listed.address.as_str(), listed.reason]),
        removed: super::addresses_apart(""),
        contacts: false,
    }),
    read: Some(Read {
        columns: &["emailaddress", "reason"],
        entry: read,
    }),
};

pub(super) const JSON: Format = Format {
    name: "ses-json",
    about: "Amazon SES v2 import job, JSON lines",
    write: Some(Write {
        header: "",
        by_reason: false,
        reason: named,
        lines: |listed| {
            format!(
                "{}\n",
                json!({"emailAddress": listed.address.as_str(), "reason": listed.reason})
            )
        },
        removed: Removed::Apart {
            header: "",
            line: |gone| format!("{}\n", json!({"emailAddress": gone.address.as_str()})),
        },
        contacts: false,
    }),
    read: Some(Read {
        columns: &["emailaddress", "reason"],
        entry: read,
    }),
};

fn named(grounds: Grounds) -> Option<&'static str> {
    match grounds {
        Grounds::Bounce => Some("BOUNCE"),
        Grounds::Complaint => Some("COMPLAINT"),
        Grounds::Unsubscribe | Grounds::Manual => None,
    }
}

fn read(row: &Row) -> Result<Option<Entry>, String> {
    let mut entry = entry(row, "emailaddress")?;
    let reason = text(row, "reason").unwrap_or_default();
    entry.grounds = Some(match reason.to_uppercase().as_str() {
        "BOUNCE" => Grounds::Bounce,
        "COMPLAINT" => Grounds::Complaint,
        _ => return Err(format!("`{reason}` is neither BOUNCE nor COMPLAINT")),
    });
    // `aws sesv2 list-suppressed-destinations` has it.
    entry.since = date(row, "lastupdatetime")?;
    Ok(Some(entry))
}
