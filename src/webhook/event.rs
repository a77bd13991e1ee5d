//! A normalised row → the event that `ingest` writes.

use super::{Kind, Row};
use crate::{
    classify::{Classification, Diagnostics, Fault, Permanence, Reason},
    event::{DeliveryEvent, EventKey, EventKind},
    message::{Clue, Target},
    verp::{Purpose, ReturnToken, SendHash},
};

/// The event of a row that marks somebody; `None` for rows of no consequence.
///
/// The provider's verdict decides whether a bounce is hard; `classify` names the cause, as far as it
/// does not contradict.
pub fn delivery_event(
    row: &Row<'_>,
    classify: impl FnOnce(&Diagnostics<'_>) -> Classification,
) -> Option<DeliveryEvent> {
    let (kind, permanence) = match row.kind {
        Kind::HardBounce => (EventKind::Bounce, Some(Permanence::Hard)),
        Kind::SoftBounce => (EventKind::Bounce, Some(Permanence::Soft)),
        Kind::Complaint => (EventKind::Complaint, None),
        Kind::Unsubscribe => (EventKind::Unsubscribe, None),
        Kind::Ignore | Kind::Control | Kind::Error => return None,
    };
    let diagnostic = one_line(row.reason.as_deref().unwrap_or_default());
    let receiving_host = row
        .recipient
        .as_deref()
        .and_then(|to| to.rsplit_once('@'))
        .map_or_else(String::new, |(_, domain)| one_line(&domain.to_lowercase()));
    let classification = permanence.map(|permanence| {
        let found = classify(&Diagnostics {
            status: row.enhanced_status,
            reply_code: row.smtp_code,
            text: &diagnostic,
            receiving_host: &receiving_host,
        });
        judge(row, permanence, found)
    });
    let clues = row
        .hash
        .as_deref()
        .and_then(SendHash::parse)
        .map(|hash| Clue {
            source: "webhook",
            target: Target::Token(ReturnToken {
                purpose: Purpose::Bounce,
                hash,
                mac: None,
            }),
        });
    Some(DeliveryEvent {
        key: key(row),
        source: row.provider.to_owned(),
        kind,
        classification,
        clues: clues.into_iter().collect(),
        address: row.recipient.as_deref().map(str::to_owned),
        address_wins: true,
        sender_proven: false,
        status: row.enhanced_status,
        reply_code: row.smtp_code,
        diagnostic,
        receiving_host,
        raw_type: row.raw_type.as_deref().unwrap_or_default().to_owned(),
        occurred_at: row.timestamp,
    })
}

/// The identity of what a row tells: providers deliver again, in other batches and orders, and
/// their event ids alone are not unique.
fn key(row: &Row<'_>) -> EventKey {
    let recipient = row.recipient.as_deref().unwrap_or_default().to_lowercase();
    let timestamp = row
        .timestamp
        .map_or_else(String::new, |at| at.0.to_string());
    EventKey::of(&[
        row.provider.as_bytes(),
        row.event_id.as_deref().unwrap_or_default().as_bytes(),
        row.raw_type.as_deref().unwrap_or_default().as_bytes(),
        recipient.as_bytes(),
        row.hash.as_deref().unwrap_or_default().as_bytes(),
        timestamp.as_bytes(),
    ])
}

fn judge(row: &Row<'_>, permanence: Permanence, found: Classification) -> Classification {
    if fits(found.reason, permanence) && found.reason != Reason::Undefined {
        return Classification {
            permanence,
            ..found
        };
    }
    let reason = if fits(row.class, permanence) {
        row.class
    } else {
        Reason::OnHold
    };
    Classification {
        reason,
        permanence,
        rule: format!("webhook-{}", row.provider),
    }
}

/// Whether a cause goes with the provider's verdict. A hard bounce is the recipient's: a text about
/// the sender or about a passing trouble does not overrule the provider, who knows more than it
/// tells. A disabled mailbox suppresses at once, which a soft bounce never may.
fn fits(reason: Reason, permanence: Permanence) -> bool {
    match permanence {
        Permanence::Hard => {
            matches!(
                reason.fault(),
                Fault::Recipient | Fault::RecipientHost | Fault::Unknown
            ) && !matches!(
                reason,
                Reason::MailboxFull
                    | Reason::SystemError
                    | Reason::SystemFull
                    | Reason::MailerError
            )
        }
        Permanence::Soft => reason != Reason::Suspended,
    }
}

fn one_line(text: &str) -> String {
    if text.contains(char::is_control) {
        let words = text.split(|c: char| c.is_whitespace() || c.is_control());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join(" ")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn diagnostics_hold_no_control_characters() {
        assert_eq!(
            one_line("550\r\n no\u{7f}\u{1b}[2Jbody \u{9b}x"),
            "550 no [2Jbody x"
        );
        assert_eq!(one_line("two  spaces"), "two  spaces");
    }
}
