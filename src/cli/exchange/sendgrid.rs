//! Twilio SendGrid. Its dashboard writes one CSV for each list: bounces (status, reason, email,
//! created), spam reports (ip, email, created), unsubscribes (email, created); `created` is in
//! seconds since 1970. It takes in only a list of unsubscribes: one column `email`.
//! <https://www.twilio.com/docs/sendgrid/ui/sending-email/global-unsubscribes>
//! A list of blocks looks like one of bounces but is about the sender: do not import it.

use bouncekit_core::suppression::Grounds;

use super::{Entry, Format, Read, Row, Write, classified, csv_line, date, entry, text};

pub(super) const FORMAT: Format = Format {
    name: "sendgrid",
    about: "SendGrid: reads bounces, spam reports, unsubscribes; writes global unsubscribes",
    write: Some(Write {
        header: "email\n",
        by_reason: false,
        reason: |_| Some("unsubscribe"),
        lines: |listed| csv_line(&[listed.address.as_str()]),
        removed: super::addresses_apart("email\n"),
        contacts: false,
    }),
    read: Some(Read {
        columns: &["email", "created"],
        entry: read,
    }),
};

fn read(row: &Row) -> Result<Option<Entry>, String> {
    let mut entry = entry(row, "email")?;
    entry.since = date(row, "created")?;
    entry.grounds = Some(
        if row.contains_key("reason") || row.contains_key("status") {
            entry.diagnostic = text(row, "reason").unwrap_or_default();
            entry.detail = classified(text(row, "status").as_deref(), &entry.diagnostic);
            Grounds::Bounce
        } else if row.contains_key("ip") {
            Grounds::Complaint
        } else {
            Grounds::Unsubscribe
        },
    );
    Ok(Some(entry))
}
