//! Mailchimp Transactional (Mandrill), rejection denylist, as its export `rejects.csv` has it.
//! <https://mailchimp.com/developer/transactional/api/exports/export-denylist/>
//! Its dashboard takes in addresses alone: write these with the format `plain`.

use bouncekit_core::{classify::Reason, suppression::Grounds};

use super::{Entry, Format, Read, Row, Write, classified, csv_line, date, entry, text};

pub(super) const FORMAT: Format = Format {
    name: "mandrill",
    about: "Mandrill rejection denylist, CSV as in rejects.csv",
    write: Some(Write {
        header: "email,reason,detail,created_at,expires_at\n",
        by_reason: false,
        reason: |grounds| {
            Some(match grounds {
                Grounds::Bounce => "hard-bounce",
                Grounds::Complaint => "spam",
                Grounds::Unsubscribe => "unsub",
                Grounds::Manual => "custom",
            })
        },
        lines: |listed| {
            // `2013-01-01 15:30:27` in UTC.
            let time = |at: String| at.replace('T', " ").trim_end_matches('Z').to_owned();
            let until = listed.expires_at.map(|at| time(at.to_string()));
            let detail = match listed.detail {
                Some(detail) => detail.name(),
                None => listed.comment,
            };
            csv_line(&[
                listed.address.as_str(),
                listed.reason,
                detail,
                &time(listed.since.to_string()),
                until.as_deref().unwrap_or_default(),
            ])
        },
        removed: super::addresses_apart("email\n"),
        contacts: false,
    }),
    read: Some(Read {
        columns: &["email", "reason", "created_at"],
        entry: read,
    }),
};

fn read(row: &Row) -> Result<Option<Entry>, String> {
    let mut entry = entry(row, "email")?;
    let detail = text(row, "detail").unwrap_or_default();
    entry.grounds = Some(match text(row, "reason").unwrap_or_default().as_str() {
        "hard-bounce" | "soft-bounce" | "invalid" => {
            entry.detail = Reason::from_name(&detail).or_else(|| classified(None, &detail));
            Grounds::Bounce
        }
        "spam" => Grounds::Complaint,
        "unsub" => Grounds::Unsubscribe,
        "custom" => Grounds::Manual,
        // Faults of the sender: `invalid-sender`, `test-mode-limit`, `unsigned`, `rule`.
        _ => return Ok(None),
    });
    entry.since = date(row, "created_at")?;
    entry.expires_at = date(row, "expires_at")?;
    if entry.grounds == Some(Grounds::Manual) {
        entry.comment = detail;
    } else {
        entry.diagnostic = detail;
    }
    Ok(Some(entry))
}
