//! The normalised row: what every provider's payload becomes.

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::codes::Codes;
use crate::{
    classify::{EnhancedStatusCode, Reason},
    time::Timestamp,
};

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    HardBounce,
    SoftBounce,
    Complaint,
    Unsubscribe,
    /// Of no consequence: reported, never applied.
    Ignore,
    /// About the webhook itself: subscription notices.
    Control,
    /// One bad entry; the others are applied.
    Error,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::HardBounce => "hard_bounce",
            Self::SoftBounce => "soft_bounce",
            Self::Complaint => "complaint",
            Self::Unsubscribe => "unsubscribe",
            Self::Ignore => "ignore",
            Self::Control => "control",
            Self::Error => "error",
        }
    }

    /// Whether such a row says something about a person.
    pub const fn marks(self) -> bool {
        matches!(
            self,
            Self::HardBounce | Self::SoftBounce | Self::Complaint | Self::Unsubscribe
        )
    }
}

/// One event of one recipient, as the provider tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    pub provider: &'static str,
    pub event_id: Option<Cow<'a, str>>,
    pub raw_type: Option<Cow<'a, str>>,
    pub kind: Kind,
    /// Original spelling.
    pub recipient: Option<Cow<'a, str>>,
    pub hash: Option<Cow<'a, str>>,
    pub email_id: Option<Cow<'a, str>>,
    pub timestamp: Option<Timestamp>,
    /// Other people's text: escape where it is shown.
    pub reason: Option<Cow<'a, str>>,
    pub smtp_code: Option<u16>,
    pub enhanced_status: Option<EnhancedStatusCode>,
    /// What the provider's own class means; the text may say it better.
    pub class: Reason,
    /// For people: what is worth knowing and no column holds.
    pub note: Option<Cow<'a, str>>,
}

impl<'a> Row<'a> {
    pub(super) fn new(provider: &'static str, kind: Kind) -> Self {
        Self {
            provider,
            event_id: None,
            raw_type: None,
            kind,
            recipient: None,
            hash: None,
            email_id: None,
            timestamp: None,
            reason: None,
            smtp_code: None,
            enhanced_status: None,
            class: Reason::Undefined,
            note: None,
        }
    }

    /// An entry that cannot be read, and why.
    pub fn error(provider: &'static str, cause: impl Into<Cow<'a, str>>) -> Self {
        Self {
            reason: Some(cause.into()),
            ..Self::new(provider, Kind::Error)
        }
    }

    pub(super) fn codes(mut self, codes: Codes) -> Self {
        self.smtp_code = codes.smtp;
        self.enhanced_status = codes.status;
        self
    }

    /// A row that would mark somebody must name an address.
    pub(super) fn checked(self) -> Self {
        let is_address = |text: &str| {
            text.split_once('@')
                .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        };
        if !self.kind.marks() || self.recipient.as_deref().is_some_and(is_address) {
            return self;
        }
        let raw_type = self.raw_type.as_deref().unwrap_or_default();
        Self::error(
            self.provider,
            match self.recipient.as_deref() {
                None => format!("`{raw_type}` without an address"),
                Some(text) => format!("`{raw_type}` of `{text}`, which is not an address"),
            },
        )
    }

    /// Cut loose from the payload.
    pub fn into_owned(self) -> Row<'static> {
        let own = |text: Option<Cow<'a, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Row {
            provider: self.provider,
            event_id: own(self.event_id),
            raw_type: own(self.raw_type),
            kind: self.kind,
            recipient: own(self.recipient),
            hash: own(self.hash),
            email_id: own(self.email_id),
            timestamp: self.timestamp,
            reason: own(self.reason),
            smtp_code: self.smtp_code,
            enhanced_status: self.enhanced_status,
            class: self.class,
            note: own(self.note),
        }
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("Row", 11)?;
        row.serialize_field("provider", self.provider)?;
        row.serialize_field("event_id", &self.event_id)?;
        row.serialize_field("raw_type", &self.raw_type)?;
        row.serialize_field("kind", self.kind.name())?;
        row.serialize_field("recipient", &self.recipient)?;
        row.serialize_field("hash", &self.hash)?;
        row.serialize_field("email_id", &self.email_id)?;
        row.serialize_field("timestamp", &self.timestamp.map(|at| at.to_string()))?;
        row.serialize_field("reason", &self.reason)?;
        row.serialize_field("smtp_code", &self.smtp_code)?;
        row.serialize_field(
            "enhanced_status",
            &self.enhanced_status.map(|status| status.to_string()),
        )?;
        row.end()
    }
}
