//! Every item is counted exactly once, under the strongest of what became of its events.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::identity::Resolved;
use crate::{classify::Permanence, event::EventKind, store::EventRow};

/// What became of an item; the order is the strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Seen before: changed nothing.
    Duplicate,
    /// Read without result, kept for review.
    Unrecognised,
    /// Could not be read; left on the server and tried once more by the next run.
    Deferred,
    /// Could not be read (twice), or over the size limit.
    Quarantined,
    /// Names nobody we know.
    UnknownAddress,
    /// Kept, nobody was suppressed.
    Recorded,
    /// Somebody was suppressed.
    Acted,
}

impl Outcome {
    pub const ALL: &[Self] = &[
        Self::Acted,
        Self::Recorded,
        Self::UnknownAddress,
        Self::Unrecognised,
        Self::Duplicate,
        Self::Quarantined,
        Self::Deferred,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Unrecognised => "unrecognised",
            Self::Deferred => "deferred",
            Self::Quarantined => "quarantined",
            Self::UnknownAddress => "unknown_address",
            Self::Recorded => "recorded",
            Self::Acted => "acted",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|outcome| outcome.name() == name)
    }
}

/// The counts of a run or of one of its folders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Accounting {
    pub fetched: u64,
    pub acted: u64,
    pub recorded: u64,
    pub unknown_address: u64,
    pub unrecognised: u64,
    pub duplicate: u64,
    pub quarantined: u64,
    pub deferred: u64,
    /// Webhook events whose type says nothing of interest; counted, not kept.
    pub ignored: u64,
    /// Entries that could not be read; webhooks only.
    pub errors: u64,
    /// Do-not-contact rows written or confirmed.
    pub suppressed: u64,
    /// Reports with a wrong signature in the return address.
    pub forged: u64,
    /// Reports with the hash of a send that is too old.
    pub expired: u64,
    /// New events by kind.
    pub kinds: BTreeMap<String, u64>,
}

impl Accounting {
    pub(super) fn note(&mut self, row: &EventRow, new: bool, who: &Resolved) {
        if !new {
            return;
        }
        self.forged += u64::from(who.forged);
        self.expired += u64::from(who.expired);
        let kind = match (row.kind, row.permanence) {
            (EventKind::Bounce, Some(Permanence::Hard)) => "hard_bounce",
            (EventKind::Bounce, Some(Permanence::Soft)) => "soft_bounce",
            (kind, _) => kind.name(),
        };
        if let Some(count) = self.kinds.get_mut(kind) {
            *count += 1;
        } else {
            self.kinds.insert(kind.to_owned(), 1);
        }
    }

    /// Counts one item.
    pub fn count(&mut self, outcome: Outcome) {
        self.fetched += 1;
        *match outcome {
            Outcome::Duplicate => &mut self.duplicate,
            Outcome::Unrecognised => &mut self.unrecognised,
            Outcome::Deferred => &mut self.deferred,
            Outcome::Quarantined => &mut self.quarantined,
            Outcome::UnknownAddress => &mut self.unknown_address,
            Outcome::Recorded => &mut self.recorded,
            Outcome::Acted => &mut self.acted,
        } += 1;
    }

    /// Whether every item is counted exactly once.
    pub fn balances(&self) -> bool {
        self.fetched
            == self.acted
                + self.recorded
                + self.unknown_address
                + self.unrecognised
                + self.duplicate
                + self.quarantined
                + self.deferred
                + self.ignored
                + self.errors
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl std::ops::AddAssign<&Self> for Accounting {
    fn add_assign(&mut self, other: &Self) {
        self.fetched += other.fetched;
        self.acted += other.acted;
        self.recorded += other.recorded;
        self.unknown_address += other.unknown_address;
        self.unrecognised += other.unrecognised;
        self.duplicate += other.duplicate;
        self.quarantined += other.quarantined;
        self.deferred += other.deferred;
        self.ignored += other.ignored;
        self.errors += other.errors;
        self.suppressed += other.suppressed;
        self.forged += other.forged;
        self.expired += other.expired;
        for (kind, count) in &other.kinds {
            *self.kinds.entry(kind.clone()).or_default() += count;
        }
    }
}

impl fmt::Display for Accounting {
    /// `12 fetched = 9 acted + 1 recorded + ...`, zero terms left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fetched", self.fetched)?;
        let terms = [
            (self.acted, "acted"),
            (self.recorded, "recorded"),
            (self.unknown_address, "unknown address"),
            (self.unrecognised, "unrecognised"),
            (self.duplicate, "duplicate"),
            (self.quarantined, "quarantined"),
            (self.deferred, "deferred"),
            (self.ignored, "ignored"),
            (self.errors, "errors"),
        ];
        let mut sign = " =";
        for (count, name) in terms.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{sign} {count} {name}")?;
            sign = " +";
        }
        if !self.kinds.is_empty() {
            let kinds: Vec<String> = self
                .kinds
                .iter()
                .map(|(kind, count)| format!("{count} {}", kind.replace('_', " ")))
                .collect();
            write!(f, " ({})", kinds.join(", "))?;
        }
        if self.forged > 0 {
            write!(f, "; {} forged", self.forged)?;
        }
        if self.expired > 0 {
            write!(f, "; {} expired", self.expired)?;
        }
        Ok(())
    }
}
