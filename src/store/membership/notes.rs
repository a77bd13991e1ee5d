//! What a build has seen of the change log, noted at its segment.

use super::super::engine::params;
use super::{Store, StoreError};
use crate::{segment::Bits, time::Timestamp};

/// What a segment's build saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// The last row of the change log.
    pub(crate) change: i64,
    pub(crate) at: Timestamp,
    pub(crate) fingerprint: [u8; 16],
}

/// The result of a build, for the segment's row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BuildNote {
    /// None if the build is to be continued: the next one begins where this one did.
    pub(crate) seen: Option<Seen>,
    pub(crate) added: u64,
    pub(crate) removed: u64,
    pub(crate) millis: u64,
}

impl Store {
    /// The last row of the change log, 0 without one.
    pub(crate) fn last_change(&self) -> Result<i64, StoreError> {
        self.connection.query_row(
            "SELECT coalesce(max(id), 0) FROM change_log",
            params![],
            |row| row.get(0),
        )
    }

    /// The highest id of a contact: about how many there are.
    pub(crate) fn last_contact(&self) -> Result<i64, StoreError> {
        self.connection.query_row(
            "SELECT coalesce(max(id), 0) FROM contact",
            params![],
            |row| row.get(0),
        )
    }

    /// The contacts of the change log after row `since`.
    pub(crate) fn changed_contacts(&self, since: i64, into: &mut Bits) -> Result<(), StoreError> {
        for sql in [
            "SELECT l.contact FROM change_log l WHERE l.id > $1 AND l.contact IS NOT NULL",
            "SELECT c.id FROM change_log l CROSS JOIN contact c
             WHERE l.id > $1 AND l.address_key IS NOT NULL AND c.address_key = l.address_key",
        ] {
            let mut select = self.connection.prepare_cached(sql)?;
            let mut rows = select.query(params![since])?;
            while let Some(row) = rows.next()? {
                into.insert(row.get(0)?);
            }
        }
        Ok(())
    }

    /// Has changes logged from now on for segments that are looked at as a whole: what is committed
    /// while they are would else be seen by nobody. Until the build is noted they still start afresh.
    pub(crate) fn await_changes(&mut self, segments: &[i64]) -> Result<(), StoreError> {
        self.atomically(|store| {
            let mut update = store.connection.prepare_cached(
                "UPDATE segment SET seen = (SELECT coalesce(max(id), 0) FROM change_log), fingerprint = NULL
                 WHERE id = $1 AND seen IS NULL",
            )?;
            for segment in segments {
                update.execute(params![*segment])?;
            }
            Ok(())
        })
    }

    /// Notes the end of a segment's build.
    pub(crate) fn note_build(&mut self, segment: i64, note: &BuildNote) -> Result<(), StoreError> {
        self.atomically(|store| {
            let BuildNote {
                seen,
                added,
                removed,
                millis,
            } = *note;
            store
                .connection
                .prepare_cached(
                    "UPDATE segment SET added = $1, removed = $2, build_ms = $3,
                            built_at = coalesce($4, built_at), seen = coalesce($5, seen),
                            fingerprint = coalesce($6, fingerprint)
                     WHERE id = $7",
                )?
                .execute(params![
                    added,
                    removed,
                    millis,
                    seen.map(|seen| seen.at.0),
                    seen.map(|seen| seen.change),
                    seen.map(|seen| seen.fingerprint),
                    segment
                ])?;
            Ok(())
        })
    }

    /// Drops the changes that every segment has seen, and lets segments that lag more than `most`
    /// changes behind start afresh instead of being waited for.
    pub(crate) fn trim_change_log(&mut self, most: i64) -> Result<(), StoreError> {
        let last = self.last_change()?;
        self.atomically(|store| {
            store.connection.execute(
                "UPDATE segment SET seen = NULL WHERE seen < $1",
                params![last - most],
            )?;
            // The last row stays: ids must go on rising.
            store.connection.execute(
                "DELETE FROM change_log WHERE id < $1
                   AND id <= (SELECT coalesce(min(seen), $1) FROM segment)",
                params![last],
            )?;
            Ok(())
        })
    }
}
