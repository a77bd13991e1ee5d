//! What we do about an event: pure policy, from an address's history to its do-not-contact entries.
//!
//! The entries of an address are a function of its events, ordered by when they happened
//! ([`Policy::causes`], [`entries`]): in which order and in which batches they arrive makes no
//! difference. What a person did (an entry added, an entry released) is an event like the others.

mod action;
mod history;
mod policy;

pub use action::{ActionText, duration};
pub use history::{Cause, Entry, PastEvent, entries};
pub use policy::{Healing, Policy, Preset, Rules, Scope, Subject, within};

/// Why an address is on the do-not-contact list; the order is the strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grounds {
    Manual,
    Bounce,
    Unsubscribe,
    Complaint,
}

impl Grounds {
    pub const ALL: &[Self] = &[
        Self::Manual,
        Self::Bounce,
        Self::Unsubscribe,
        Self::Complaint,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Bounce => "bounce",
            Self::Unsubscribe => "unsubscribe",
            Self::Complaint => "complaint",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|grounds| grounds.name() == name)
    }

    /// Whether the person asked for it: never taken back without being forced.
    pub const fn is_the_persons_will(self) -> bool {
        matches!(self, Self::Unsubscribe | Self::Complaint)
    }
}

/// What the policy says about one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Suppress at once, for good or for so many milliseconds.
    Suppress { lasting: Option<i64> },
    /// Add points; suppress at the threshold.
    Score { points: u32, lasting: Option<i64> },
    /// Keep the event, do nothing.
    Record,
    /// As `Record`, and leave it out of reports.
    Ignore,
}
