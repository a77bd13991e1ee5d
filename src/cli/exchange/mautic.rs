//! Mautic: rows of its table `lead_donotcontact`, and calls of its REST API.
//! Its reasons: 1 unsubscribed (complaints too), 2 bounced, 3 by hand; its comments are the English
//! texts of its bounce reasons.
//! <https://devdocs.mautic.org/en/latest/rest_api/contacts.html#add-do-not-contact>

use bouncekit_core::{
    classify::{Fault, Reason},
    suppression::Grounds,
};
use serde_json::json;

use super::{Entry, Format, Listed, Read, Removed, Row, Who, Write, csv_line, date, text};

pub(super) const CSV: Format = Format {
    name: "mautic-csv",
    about: "rows of Mautic's lead_donotcontact, CSV; reads dumps of it, too",
    write: Some(Write {
        header: "lead_id,date_added,reason,channel,channel_id,comments\n",
        by_reason: false,
        reason: number,
        lines: |listed| {
            let added = listed.since.to_string().replace('T', " ");
            let added = added.trim_end_matches('Z');
            let comment = comment(listed);
            csv_line(&[
                listed.contact,
                added,
                listed.reason,
                "email",
                "\\N",
                comment,
            ])
        },
        removed: Removed::Apart {
            header: "lead_id,channel\n",
            line: |gone| csv_line(&[gone.contact, "email"]),
        },
        contacts: true,
    }),
    read: Some(Read {
        columns: &["lead_id", "reason", "channel"],
        entry: read,
    }),
};

pub(super) const API: Format = Format {
    name: "mautic-api",
    about: "calls of Mautic's REST API, one JSON object a line: method, path, body",
    write: Some(Write {
        header: "",
        by_reason: false,
        reason: number,
        lines: |listed| {
            let reason: u8 = listed.reason.parse().unwrap_or(3);
            let path = format!("/api/contacts/{}/dnc/email/add", listed.contact);
            let body = json!({"reason": reason, "comments": comment(listed)});
            format!(
                "{}\n",
                json!({"method": "POST", "path": path, "body": body})
            )
        },
        removed: Removed::Inline(|gone| {
            let path = format!("/api/contacts/{}/dnc/email/remove", gone.contact);
            format!("{}\n", json!({"method": "POST", "path": path, "body": {}}))
        }),
        contacts: true,
    }),
    read: None,
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems do not have all grounds"
)]
fn number(grounds: Grounds) -> Option<&'static str> {
    Some(match grounds {
        Grounds::Complaint | Grounds::Unsubscribe => "1",
        Grounds::Bounce => "2",
        Grounds::Manual => "3",
    })
}

/// A reason of ours and Mautic's words for it; the first of a text is the one it is read as.
const WORDS: &[(Reason, &str)] = &[
    (Reason::UserUnknown, "Unknown user or server"),
    (Reason::UserUnknown, "Unrecognized user"),
    (Reason::UserUnknown, "Email is invalid"),
    (Reason::UserUnknown, "Incorrectly formatted email address"),
    (Reason::HostUnknown, "Domain is unknown"),
    (Reason::MailboxFull, "Mailbox is full"),
    (Reason::Suspended, "Mailbox is inactive"),
    (Reason::Filtered, "User rejected this email"),
    (Reason::SpamDetected, "Blocked as spam"),
    (Reason::ContentError, "Content was rejected"),
    (Reason::MessageTooBig, "Message is oversized"),
    (Reason::Rejected, "Mail rejected"),
    (
        Reason::TooManyConnections,
        "Too many concurrent connections",
    ),
    (Reason::NetworkError, "There is a DNS loop"),
    (Reason::SyntaxError, "Server rejected request"),
    (Reason::SystemError, "Temporary system error"),
    (Reason::Expired, "Message was deferred"),
    (Reason::Expired, "Message has been delayed"),
];

fn comment<'a>(listed: &Listed<'a>) -> &'a str {
    match (listed.grounds, listed.detail) {
        (Grounds::Complaint, _) => "Marked as spam",
        (Grounds::Unsubscribe, _) if listed.comment == "complaint" => "Marked as spam",
        (Grounds::Unsubscribe, _) if listed.comment.is_empty() => "Contact unsubscribed via email",
        (Grounds::Bounce, Some(detail)) => {
            let word = WORDS.iter().find(|(reason, _)| *reason == detail);
            word.map_or_else(
                || match detail.fault() {
                    Fault::Sender | Fault::Content => "Mail rejected",
                    _ => "Delivery failed",
                },
                |(_, word)| word,
            )
        }
        (Grounds::Bounce, None) if listed.comment.is_empty() => "Delivery failed",
        _ => listed.comment,
    }
}

fn read(row: &Row) -> Result<Option<Entry>, String> {
    if text(row, "channel").is_some_and(|channel| channel != "email") {
        return Ok(None);
    }
    let contact = text(row, "lead_id").ok_or("no contact (column `lead_id`)")?;
    let comment = text(row, "comments").unwrap_or_default();
    let known = WORDS.iter().find(|(_, word)| *word == comment);
    let (grounds, detail) = match text(row, "reason").as_deref() {
        // Contactable.
        Some("0") => return Ok(None),
        Some("1") if comment == "Marked as spam" => (Grounds::Complaint, None),
        Some("1") => (Grounds::Unsubscribe, None),
        Some("2") => (Grounds::Bounce, known.map(|(reason, _)| *reason)),
        Some("3") => (Grounds::Manual, None),
        other => {
            return Err(format!(
                "`{}` is no reason of Mautic's",
                other.unwrap_or_default()
            ));
        }
    };
    Ok(Some(Entry {
        who: Who::Contact(contact),
        grounds: Some(grounds),
        detail,
        diagnostic: String::new(),
        comment,
        since: date(row, "date_added")?,
        expires_at: None,
    }))
}
