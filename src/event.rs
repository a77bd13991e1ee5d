//! The one normalised event, whatever brought it: what `ingest` writes.

use sha2::{Digest, Sha256};

use crate::{
    classify::{Classification, EnhancedStatusCode},
    message::Clue,
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
}

/// One event of one recipient, ready for `ingest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryEvent {
    pub key: EventKey,
    /// The mailbox's name or the provider's.
    pub source: String,
    pub kind: EventKind,
    /// For bounces.
    pub classification: Option<Classification>,
    /// To be tried in order.
    pub clues: Vec<Clue>,
    /// The address the report names, original spelling.
    pub address: Option<String>,
    /// For webhooks: the payload's address is believed against the hash's send (a copy to another
    /// address carries the same hash).
    pub address_wins: bool,
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
