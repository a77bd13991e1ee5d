//! Messages that could not be read: tried again, then put away.

use super::engine::{Row, params};
use super::{Batch, Store, StoreError};
use crate::time::Timestamp;

/// A message that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Of its bytes, or of its place where these cannot be had.
    pub content: [u8; 16],
    /// For people: mailbox, folder and UID, or the file.
    pub place: String,
    pub tries: u32,
    pub reason: String,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// `None` while the next run tries it again.
    pub quarantined_at: Option<Timestamp>,
    /// Its bytes are in the archive.
    pub archived: bool,
}

/// So often a message is tried before it is put away.
const TRIES: u32 = 2;

fn quarantined(row: &Row<'_>) -> Result<Quarantined, StoreError> {
    Ok(Quarantined {
        content: row.get(0)?,
        place: row.get(1)?,
        tries: row.get(2)?,
        reason: row.get(3)?,
        first_seen: Timestamp(row.get(4)?),
        last_seen: Timestamp(row.get(5)?),
        quarantined_at: row.get::<Option<i64>>(6)?.map(Timestamp),
        archived: row.get(7)?,
    })
}

impl Batch<'_> {
    /// Notes that reading a message failed; answers whether it is put away: on the second try, or
    /// at once where another is pointless.
    pub fn note_poison(
        &self,
        content: [u8; 16],
        place: &str,
        reason: &str,
        now: Timestamp,
        for_good: bool,
    ) -> Result<bool, StoreError> {
        let put_away = self
            .transaction
            .prepare_cached(
                "INSERT INTO quarantine (content, source, tries, reason, first_seen, last_seen, quarantined_at)
                 VALUES ($1, $2, 1, $3, $4, $4, CASE WHEN $5 THEN CAST($4 AS BIGINT) END)
                 ON CONFLICT (content) DO UPDATE SET tries = quarantine.tries + 1, source = excluded.source,
                     reason = excluded.reason, last_seen = excluded.last_seen,
                     quarantined_at = CASE WHEN $5 OR quarantine.tries + 1 >= $6 THEN excluded.last_seen END
                 RETURNING quarantined_at IS NOT NULL",
            )?
            .query_row(params![content, place, reason, now.0, for_good, TRIES], |row| row.get(0))?;
        Ok(put_away)
    }

    /// Notes an item that may have ended a run: it is tried apart. A run is ended by many things, so
    /// that this alone puts nothing away.
    pub fn note_suspect(
        &self,
        content: [u8; 16],
        place: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached(
                "INSERT INTO quarantine (content, source, tries, reason, first_seen, last_seen)
                 VALUES ($1, $2, 1, $3, $4, $4)
                 ON CONFLICT (content) DO UPDATE SET last_seen = excluded.last_seen",
            )?
            .execute(params![content, place, reason, now.0])?;
        Ok(())
    }

    fn nothing_is_quarantined(&self) -> Result<bool, StoreError> {
        let empty = "SELECT NOT EXISTS (SELECT 1 FROM quarantine)";
        let mut select = self.transaction.prepare_cached(empty)?;
        select.query_row(params![], |row| row.get(0))
    }

    /// As [`Self::leave_quarantine`], by their places: what could not be had is known by nothing else.
    pub fn leave_places(
        &self,
        places: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<(), StoreError> {
        if self.nothing_is_quarantined()? {
            return Ok(());
        }
        let mut delete = self
            .transaction
            .prepare_cached("DELETE FROM quarantine WHERE source = $1")?;
        for place in places {
            delete.execute(params![place.as_ref()])?;
        }
        Ok(())
    }

    /// Forgets messages that could be read after all, or that nobody wants.
    pub fn leave_quarantine(
        &self,
        contents: impl IntoIterator<Item = [u8; 16]>,
    ) -> Result<(), StoreError> {
        if self.nothing_is_quarantined()? {
            return Ok(());
        }
        let mut delete = self
            .transaction
            .prepare_cached("DELETE FROM quarantine WHERE content = $1")?;
        for content in contents {
            delete.execute(params![content])?;
        }
        Ok(())
    }

    /// Lets the next run that meets these messages try them anew.
    pub fn try_again(&self, contents: &[[u8; 16]]) -> Result<(), StoreError> {
        let mut update = self.transaction.prepare_cached(
            "UPDATE quarantine SET tries = 0, quarantined_at = NULL WHERE content = $1",
        )?;
        for content in contents {
            update.execute(params![content])?;
        }
        Ok(())
    }

    /// Drops archived mails.
    pub fn forget_raw(&self, contents: &[[u8; 16]]) -> Result<(), StoreError> {
        let mut delete = self
            .transaction
            .prepare_cached("DELETE FROM raw_message WHERE content = $1")?;
        for content in contents {
            delete.execute(params![content])?;
        }
        Ok(())
    }
}

impl Store {
    /// What could not be read, oldest first.
    pub fn quarantine(&self) -> Result<Vec<Quarantined>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT content, source, tries, reason, first_seen, last_seen, quarantined_at,
                    EXISTS (SELECT 1 FROM raw_message WHERE raw_message.content = quarantine.content)
             FROM quarantine ORDER BY first_seen, content",
        )?;
        let rows = select.query_map(params![], quarantined)?;
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_put_away_on_the_second_try() {
        let mut store = Store::open_in_memory().unwrap();
        let batch = store.begin().unwrap();
        let note = |content: u8, at, for_good| {
            batch
                .note_poison([content; 16], "here", "why", Timestamp(at), for_good)
                .unwrap()
        };
        assert!(!note(1, 5, false) && note(1, 6, false) && note(2, 5, true));
        batch.try_again(&[[1; 16]]).unwrap();
        assert!(!note(1, 7, false) && note(1, 8, false));
        batch.leave_quarantine([[2; 16]]).unwrap();
        batch.commit().unwrap();
        let all = store.quarantine().unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].tries, all[0].first_seen), (2, Timestamp(5)));
        assert!(!all[0].archived);
    }
}
