//! Upkeep of the database: checks, online copies, retention, space.

use std::path::Path;

use super::engine::params;
use super::{Batch, Store, StoreError};
use crate::time::Timestamp;

/// Rows older than these times go; `None` keeps them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retention {
    pub events: Option<Timestamp>,
    pub sends: Option<Timestamp>,
    pub runs: Option<Timestamp>,
    pub quarantine: Option<Timestamp>,
}

/// What retention removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Removed {
    pub events: usize,
    pub sends: usize,
    pub runs: usize,
    pub quarantine: usize,
    pub expired_suppressions: usize,
}

impl Store {
    /// What the database's own check complains of; empty when all is well.
    pub fn check(&self) -> Result<Vec<String>, StoreError> {
        self.connection.check()
    }

    /// Writes a consistent, compact copy to a file that must not exist; others go on meanwhile.
    pub fn back_up(&self, path: &Path) -> Result<(), StoreError> {
        self.connection.back_up(path)
    }

    /// Gives unused space back to the file system; nobody else can write meanwhile.
    pub fn vacuum(&mut self) -> Result<(), StoreError> {
        self.connection.vacuum()
    }

    /// Refreshes what the query planner knows, where it grew stale.
    pub fn optimise(&mut self) -> Result<(), StoreError> {
        self.connection.optimise()
    }

    /// The size of the database in octets, and how many of them are unused.
    pub fn size(&self) -> Result<(u64, u64), StoreError> {
        self.connection.size()
    }
}

impl Batch<'_> {
    /// Applies retention. The event that a do-not-contact row stands on is kept with it.
    pub fn retain(&self, retention: &Retention, now: Timestamp) -> Result<Removed, StoreError> {
        let delete = |sql: &str, before: Option<Timestamp>| match before {
            Some(before) => self.transaction.execute(sql, params![before.0]),
            None => Ok(0),
        };
        if let Some(before) = retention.sends {
            self.note_sends_gone_before(before)?;
        }
        let removed = Removed {
            expired_suppressions: delete(
                "DELETE FROM do_not_contact WHERE expires_at < $1",
                retention.events.map(|before| before.min(now)),
            )?,
            events: delete(
                "DELETE FROM event WHERE occurred_at < $1 AND received_at < $1
                 AND key NOT IN (SELECT event FROM do_not_contact WHERE event IS NOT NULL)",
                retention.events,
            )?,
            sends: delete("DELETE FROM send WHERE sent_at < $1", retention.sends)?,
            runs: delete(
                "DELETE FROM run WHERE started_at < $1
                 AND NOT EXISTS (SELECT 1 FROM event WHERE event.run = run.id)
                 AND id NOT IN (SELECT run FROM do_not_contact)",
                retention.runs,
            )?,
            quarantine: delete(
                "DELETE FROM quarantine WHERE last_seen < $1",
                retention.quarantine,
            )?,
        };
        if removed.events > 0 || removed.sends > 0 {
            self.discard_counts()?;
        }
        Ok(removed)
    }
}
