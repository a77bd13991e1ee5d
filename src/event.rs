//! The one normalised event, whatever brought it: what `ingest` writes.

use sha2::{Digest, Sha256};

use crate::{
    classify::{Classification, Diagnostics, EnhancedStatusCode},
    message::{Clue, Inbound, ReportKind},
    time::Timestamp,
};

/// What happened to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    Bounce,
    Complaint,
    Unsubscribe,
    Reply,
    AutoReply,
    Delivered,
    Delayed,
    /// ARF `not-spam`.
    NotSpam,
    /// Reports about the sender, relayed DSNs and provider events without consequence.
    Note,
    /// A mail that nothing recognised; kept for review.
    Unrecognised,
    /// A do-not-contact row taken back by a person.
    Release,
    /// A do-not-contact row made by a person or an import.
    Manual,
}

impl EventKind {
    pub const ALL: &[Self] = &[
        Self::Bounce,
        Self::Complaint,
        Self::Unsubscribe,
        Self::Reply,
        Self::AutoReply,
        Self::Delivered,
        Self::Delayed,
        Self::NotSpam,
        Self::Note,
        Self::Unrecognised,
        Self::Release,
        Self::Manual,
    ];

    /// The name in database and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
            Self::Unsubscribe => "unsubscribe",
            Self::Reply => "reply",
            Self::AutoReply => "auto_reply",
            Self::Delivered => "delivered",
            Self::Delayed => "delayed",
            Self::NotSpam => "not_spam",
            Self::Note => "note",
            Self::Unrecognised => "unrecognised",
            Self::Release => "release",
            Self::Manual => "manual",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// The note of a reply or an unsubscribe that no send of ours vouches for: recorded, never acted on.
pub const ONLY_THEIR_WORD: &str = "no send of ours is named: only the sender's own word";

/// The identity of an event: the same key twice changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventKey(pub [u8; 16]);

impl EventKey {
    /// The first 128 bits of SHA-256 over the fields, each ended by U+001F.
    pub fn of(fields: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for field in fields {
            hasher.update(field);
            hasher.update([0x1f]);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hasher.finalize()[..16]);
        Self(key)
    }

    /// Of an event whose folder is not monitored for it: another folder that is may still bring
    /// the same mail.
    #[must_use]
    pub fn unmonitored(self) -> Self {
        Self::of(&[&self.0, b"unmonitored"])
    }
}

/// One event of one recipient, ready for `ingest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryEvent {
    pub key: EventKey,
    /// The mailbox's name or the provider's.
    pub source: String,
    pub kind: EventKind,
    /// For bounces, and for delays, where it is only shown.
    pub classification: Option<Classification>,
    /// To be tried in order.
    pub clues: Vec<Clue>,
    /// The address the report names, original spelling.
    pub address: Option<String>,
    /// For webhooks: the payload's address is believed against the hash's send (a copy to another
    /// address carries the same hash).
    pub address_wins: bool,
    /// A host of ours vouches for the sender: who asks for themselves needs no hash.
    pub sender_proven: bool,
    pub status: Option<EnhancedStatusCode>,
    pub reply_code: Option<u16>,
    /// Attacker's text: escape where it is shown.
    pub diagnostic: String,
    /// Who refused (Remote-MTA) or the recipient's domain; may be empty.
    pub receiving_host: String,
    /// The provider's event type, `Feedback-Type` or the mail's format; for people.
    pub raw_type: String,
    pub occurred_at: Option<Timestamp>,
}

impl DeliveryEvent {
    /// What a bounce is judged by.
    pub fn diagnostics(&self) -> Diagnostics<'_> {
        Diagnostics {
            status: self.status,
            reply_code: self.reply_code,
            text: &self.diagnostic,
            receiving_host: &self.receiving_host,
        }
    }
}

/// The events of a mail: one a report, or one unrecognised. `content` is the mail's hash, `source`
/// the mailbox's name; `classify` judges bounces.
pub fn from_inbound(
    inbound: &Inbound,
    content: [u8; 16],
    source: &str,
    classify: impl Fn(&Diagnostics<'_>) -> Classification,
) -> Vec<DeliveryEvent> {
    let base = |kind, address: Option<String>| DeliveryEvent {
        key: EventKey(content),
        source: source.to_owned(),
        kind,
        classification: None,
        clues: inbound.clues.clone(),
        address,
        address_wins: false,
        sender_proven: false,
        status: None,
        reply_code: None,
        diagnostic: String::new(),
        receiving_host: String::new(),
        raw_type: inbound.format.name().to_owned(),
        occurred_at: inbound.date,
    };
    if inbound.reports.is_empty() {
        return vec![DeliveryEvent {
            diagnostic: inbound.subject.clone(),
            ..base(EventKind::Unrecognised, inbound.from.clone())
        }];
    }
    let reports = inbound.reports.iter().enumerate().map(|(index, report)| {
        let kind = match report.kind {
            None | Some(ReportKind::Bounce) => EventKind::Bounce,
            Some(ReportKind::Delayed) => EventKind::Delayed,
            Some(ReportKind::Delivered) => EventKind::Delivered,
            Some(ReportKind::Relayed | ReportKind::FeedbackOther) => EventKind::Note,
            Some(ReportKind::Complaint) => EventKind::Complaint,
            Some(ReportKind::NotSpam) => EventKind::NotSpam,
            Some(ReportKind::Unsubscribe) => EventKind::Unsubscribe,
            Some(ReportKind::Reply) => EventKind::Reply,
            Some(ReportKind::AutoReply) => EventKind::AutoReply,
        };
        let domain = report
            .recipient
            .as_deref()
            .and_then(|to| to.rsplit_once('@'))
            .map_or("", |(_, domain)| domain);
        let host = report
            .remote_mta
            .as_deref()
            .filter(|host| !host.is_empty())
            .unwrap_or(domain)
            .to_lowercase();
        let mut event = DeliveryEvent {
            key: mail_key(inbound, content, index),
            status: report.status,
            reply_code: report.reply_code,
            diagnostic: report.diagnostic.clone(),
            occurred_at: report.occurred_at.or(inbound.date),
            raw_type: report
                .feedback_type
                .clone()
                .unwrap_or_else(|| inbound.format.name().to_owned()),
            receiving_host: host,
            ..base(kind, report.recipient.clone())
        };
        if matches!(kind, EventKind::Bounce | EventKind::Delayed) {
            event.classification = Some(classify(&event.diagnostics()));
        }
        event
    });
    reports.collect()
}

/// Message-ID, reporting MTA, recipient and date name a report however often and wherever it is
/// delivered; without a Message-ID the content does.
fn mail_key(inbound: &Inbound, content: [u8; 16], index: usize) -> EventKey {
    let report = &inbound.reports[index];
    let recipient = report
        .recipient
        .as_deref()
        .unwrap_or_default()
        .to_lowercase();
    let Some(message_id) = &inbound.message_id else {
        return EventKey::of(&[
            b"content",
            &content,
            recipient.as_bytes(),
            &[u8::try_from(index.min(255)).unwrap_or(255)],
        ]);
    };
    let date = inbound.date.map_or(0, |date| date.0).to_be_bytes();
    let mta = report
        .reporting_mta
        .as_deref()
        .unwrap_or_default()
        .to_lowercase();
    // Two reports on one recipient in one mail are two events, however it is spelt.
    let same = inbound.reports[..index]
        .iter()
        .filter(|other| {
            let other = other.recipient.as_deref().unwrap_or_default();
            other.to_lowercase() == recipient
        })
        .count();
    EventKey::of(&[
        b"mail",
        message_id.as_bytes(),
        mta.as_bytes(),
        recipient.as_bytes(),
        &date,
        &same.to_be_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        classify::Rules,
        message::{self, Options},
    };

    #[test]
    fn two_reports_of_one_mail_never_share_a_key() {
        let mail = "From: MAILER-DAEMON@mx.example.net\nMessage-ID: <1@mx.example.net>\nSubject: x\n\
                    Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
                    --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n\
                    Final-Recipient: rfc822; dora@ex,amplE.net\nAction: delayed\nStatus: 4.4.1\n\n\
                    Final-Recipient: rfc822; dora@ex,ample.net\nAction: failed\nStatus: 5.1.1\n--b--\n";
        let inbound = message::parse(mail.as_bytes(), &Options::default());
        let judge = |said: &Diagnostics<'_>| Rules::builtin().classify(said);
        let events = from_inbound(&inbound, [0; 16], "", judge);
        assert_eq!(events.len(), 2, "{inbound:?}");
        assert_ne!(events[0].key, events[1].key);
    }
}
