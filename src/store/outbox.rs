//! Suppressions on their way to a hook: there until the hook has taken them.

use super::engine::{Value, params};
use data_encoding::HEXLOWER;

use super::{Batch, Store, StoreError};
use crate::{store::DoNotContact, time::Timestamp};

/// A suppression that was not delivered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    pub id: i64,
    /// JSON object.
    pub payload: String,
    pub tries: u32,
    pub next_try_at: Timestamp,
    /// Why the last try failed.
    pub error: String,
}

impl Batch<'_> {
    /// Puts new rows into the outbox, due at once.
    pub(super) fn post<'r>(
        &self,
        rows: impl Iterator<Item = &'r DoNotContact>,
    ) -> Result<(), StoreError> {
        let mut insert = self
            .transaction
            .prepare_cached("INSERT INTO outbox (payload, next_try_at) VALUES ($1, 0)")?;
        for DoNotContact { address, entry } in rows {
            let payload = serde_json::json!({
                "address": address.as_str(),
                "reason": entry.grounds.name(),
                "detail": entry.detail,
                "since": entry.since.to_string(),
                "expires_at": entry.expires_at.map(|at| at.to_string()),
                "comment": entry.comment,
                "event": entry.event.map(|key| HEXLOWER.encode(&key.0)),
                "run": entry.run,
            });
            insert.execute(params![payload.to_string()])?;
        }
        Ok(())
    }
}

impl Store {
    /// What is due and was tried less than `tries` times, after the place `after`, oldest first.
    pub fn due(
        &self,
        now: Timestamp,
        tries: u32,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Undelivered>, StoreError> {
        self.undelivered(
            "next_try_at <= $1 AND tries < $2 AND id > $3 ORDER BY id LIMIT $4",
            params![now.0, tries, after, limit],
        )
    }

    /// What is not delivered after the place `after`, oldest first.
    pub fn outbox(&self, after: i64, limit: u32) -> Result<Vec<Undelivered>, StoreError> {
        self.undelivered("id > $1 ORDER BY id LIMIT $2", params![after, limit])
    }

    fn undelivered(
        &self,
        which: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Undelivered>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT id, payload, tries, next_try_at, error FROM outbox WHERE {which}"
        ))?;
        let rows = select.query_map(values, |row| {
            Ok(Undelivered {
                id: row.get(0)?,
                payload: row.get(1)?,
                tries: row.get(2)?,
                next_try_at: Timestamp(row.get(3)?),
                error: row.get(4)?,
            })
        })?;
        rows.collect()
    }

    /// Forgets what the hook took.
    pub fn delivered(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        let batch = self.begin()?;
        {
            let mut delete = batch
                .transaction
                .prepare_cached("DELETE FROM outbox WHERE id = $1")?;
            for id in ids {
                delete.execute(params![id])?;
            }
        }
        batch.commit()
    }

    /// Notes a failed try, with the time of the next one.
    pub fn not_delivered(
        &mut self,
        ids: &[i64],
        error: &str,
        next_try_at: Timestamp,
    ) -> Result<(), StoreError> {
        let batch = self.begin()?;
        {
            let mut update = batch.transaction.prepare_cached(
                "UPDATE outbox SET tries = tries + 1, error = $1, next_try_at = $2 WHERE id = $3",
            )?;
            for id in ids {
                update.execute(params![error, next_try_at.0, id])?;
            }
        }
        batch.commit()
    }

    /// Makes everything due at once again, also what was given up.
    pub fn retry_all(&mut self) -> Result<usize, StoreError> {
        self.connection
            .execute("UPDATE outbox SET tries = 0, next_try_at = 0", params![])
    }
}
