//! Daily counts of events, so that a report of millions of events reads thousands of rows.
//!
//! # How they stay right
//! Writing events costs next to nothing: the days of new ones are noted as stale in the same
//! transaction, and whoever asks for [`Statistics`] counts these days anew first. What was counted
//! is never corrected in place: what takes events away or changes them (an undone run, a judgement
//! made again, forgetting, retention) discards all counts, and the next who asks counts everything,
//! in one pass over the events in the order of their keys. Each step of that is a short transaction
//! and leaves off where the next goes on, so that writers get their turn. Events that come
//! meanwhile leave their day stale, whether the pass had come by or not.
//!
//! The fate of sends is kept beside: it only ever gets worse, so that counting an event twice
//! changes nothing.

mod fate;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};

use super::engine::{OptionalExtension, Value, params};
use super::{Batch, NewSend, Statistics, Store, StoreError};
use crate::{
    address::AddressKey,
    time::{DAY, Timestamp},
};
use tally::Tally;

/// Events counted in one transaction.
const AT_ONCE: usize = 200_000;

/// The day of a time: days since 1970, UTC.
const fn day(at: i64) -> i64 {
    at.div_euclid(DAY)
}

impl Store {
    /// The counts of reports, brought up to date.
    pub fn statistics(&mut self) -> Result<Statistics<'_>, StoreError> {
        while self.has_uncounted()? {
            let batch = self.begin()?;
            batch.count_some()?;
            batch.commit()?;
        }
        Ok(Statistics {
            connection: &self.connection,
        })
    }

    /// Asked without a lock on writers: mostly there is nothing to do.
    fn has_uncounted(&self) -> Result<bool, StoreError> {
        self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM stale_day) OR (SELECT scanned IS NOT NULL FROM roll_up)",
            params![],
            |row| row.get(0),
        )
    }
}

/// The columns that [`Tally::add`] reads.
const COLUMNS: &str =
    "key, occurred_at, received_at, kind, reason, permanence, rule, source, address_key, send_hash,
     diagnostic, run";

impl Batch<'_> {
    /// Notes that new events happened at these times.
    pub(super) fn note_new_events(
        &self,
        times: impl Iterator<Item = Timestamp>,
    ) -> Result<(), StoreError> {
        let days: BTreeSet<i64> = times.map(|at| day(at.0)).collect();
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO stale_day (day) VALUES ($1) ON CONFLICT (day) DO NOTHING",
        )?;
        insert.execute_each(days.into_iter().map(|day| [Value::Integer(day)]))?;
        Ok(())
    }

    /// Discards all counts of events: some are no longer what they were.
    pub(super) fn discard_counts(&self) -> Result<(), StoreError> {
        let is_discarded = self
            .transaction
            .prepare_cached("SELECT length(scanned) = 0 FROM roll_up")?
            .query_row(params![], |row| row.get::<Option<bool>>(0))?;
        if is_discarded == Some(true) {
            return Ok(());
        }
        self.transaction.execute_batch(
            "DELETE FROM day_kind; DELETE FROM day_domain; DELETE FROM day_source; DELETE FROM day_rule;
             DELETE FROM day_diagnostic; DELETE FROM send_fate; DELETE FROM stale_day;
             UPDATE send_day SET hard = 0, soft = 0, complaints = 0, unsubscribes = 0;
             UPDATE roll_up SET orphans = 0;",
        )?;
        self.transaction
            .execute("UPDATE roll_up SET scanned = $1", params![[0_u8; 0]])?;
        Ok(())
    }

    /// Counts new sends; those of which something was heard already have all counted anew.
    pub(super) fn note_new_sends(&self, sends: &[&NewSend]) -> Result<(), StoreError> {
        if sends.is_empty() {
            return Ok(());
        }
        let mut days = fate::SendDays::default();
        for send in sends {
            let place = (
                day(send.sent_at.0),
                send.email_id.as_str(),
                send.key.domain(),
            );
            days.add(place, fate::Change::sends(1));
        }
        days.write(self)?;
        let orphans: bool = self
            .transaction
            .prepare_cached("SELECT orphans FROM roll_up")?
            .query_row(params![], |row| row.get(0))?;
        if orphans {
            let mut heard = self
                .transaction
                .prepare_cached("SELECT 1 FROM send_fate WHERE hash = $1")?;
            let hashes = sends.iter().map(|send| send.hash.as_str().as_bytes());
            let heard = heard.query_each(hashes.map(|hash| [Value::Blob(hash)]), |_| Ok(()))?;
            if heard.iter().any(|rows| !rows.is_empty()) {
                return self.discard_counts();
            }
        }
        Ok(())
    }

    /// Takes the sends of an address out of the counts. The counts of events must be discarded too.
    pub(super) fn note_sends_gone(&self, address: &AddressKey) -> Result<(), StoreError> {
        let mut select = self
            .transaction
            .prepare_cached("SELECT sent_at, email_id FROM send WHERE address_key = $1")?;
        let mut rows = select.query(params![address.as_str()])?;
        let mut days = fate::SendDays::default();
        while let Some(row) = rows.next()? {
            let email: String = row.get(1)?;
            let place = (day(row.get(0)?), email.as_str(), address.domain());
            days.add(place, fate::Change::sends(-1));
        }
        days.write(self)
    }

    /// The same for all sends from before a time.
    pub(super) fn note_sends_gone_before(&self, before: Timestamp) -> Result<(), StoreError> {
        let mut select = self
            .transaction
            .prepare_cached("SELECT sent_at, email_id, address_key FROM send WHERE sent_at < $1")?;
        let mut rows = select.query(params![before.0])?;
        let mut days = fate::SendDays::default();
        while let Some(row) = rows.next()? {
            let email: String = row.get(1)?;
            let address = AddressKey::from_stored(row.get(2)?);
            let place = (day(row.get(0)?), email.as_str(), address.domain());
            days.add(place, fate::Change::sends(-1));
        }
        days.write(self)
    }

    /// Counts what fits into one transaction.
    fn count_some(&self) -> Result<(), StoreError> {
        let scanned: Option<Vec<u8>> =
            self.transaction
                .query_row("SELECT scanned FROM roll_up", params![], |row| row.get(0))?;
        if let Some(place) = scanned {
            return self.count_after(&place);
        }
        if self.most_is_stale()? {
            return self.discard_counts();
        }
        let stale: Option<i64> = self
            .transaction
            .query_row(
                "SELECT day FROM stale_day ORDER BY day LIMIT 1",
                params![],
                |row| row.get(0),
            )
            .optional()?;
        stale.map_or(Ok(()), |day| self.count_day(day))
    }

    /// Whether one pass over all events is less work than fetching those of the stale days: these
    /// lie scattered.
    fn most_is_stale(&self) -> Result<bool, StoreError> {
        let count = |sql: &str| -> Result<i64, StoreError> {
            self.transaction.query_row(sql, params![], |row| row.get(0))
        };
        let days = count("SELECT count(*) FROM (SELECT 1 FROM stale_day LIMIT 3) AS s")?;
        // A day or two are no more than that, and the usual case.
        if days < 3 {
            return Ok(false);
        }
        let stale = count(
            "SELECT count(*) FROM stale_day AS s JOIN event AS e
             ON e.occurred_at >= s.day * 86400000 AND e.occurred_at < (s.day + 1) * 86400000",
        )?;
        let counted = count("SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM day_kind")?;
        Ok(stale > 10_000 && stale > counted / 4)
    }

    /// The next events of the pass over all of them.
    fn count_after(&self, place: &[u8]) -> Result<(), StoreError> {
        if place.is_empty() {
            // It will see all that is there now.
            self.transaction
                .execute("DELETE FROM stale_day", params![])?;
        }
        let mut tally = Tally::new(self.undone()?);
        let mut select = self.transaction.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM event WHERE key > $1 ORDER BY key LIMIT $2"
        ))?;
        let mut rows = select.query(params![place, i64::try_from(AT_ONCE).unwrap_or(i64::MAX)])?;
        let (mut last, mut seen) = (None, 0);
        while let Some(row) = rows.next()? {
            tally.add(&row)?;
            last = Some(row.get::<[u8; 16]>(0)?);
            seen += 1;
        }
        tally.write(self)?;
        // The last ones of all: from now on only what comes new.
        let last = last.filter(|_| seen == AT_ONCE);
        self.transaction
            .execute("UPDATE roll_up SET scanned = $1", params![last])?;
        Ok(())
    }

    fn count_day(&self, day: i64) -> Result<(), StoreError> {
        for table in tally::TABLES {
            self.transaction
                .prepare_cached(&format!("DELETE FROM {table} WHERE day = $1"))?
                .execute(params![day])?;
        }
        let mut tally = Tally::new(self.undone()?);
        let mut select = self.transaction.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM event WHERE occurred_at >= $1 AND occurred_at < $2"
        ))?;
        let mut rows = select.query(params![day * DAY, (day + 1) * DAY])?;
        while let Some(row) = rows.next()? {
            tally.add(&row)?;
            if tally.len() >= AT_ONCE {
                std::mem::replace(&mut tally, Tally::new(self.undone()?)).write(self)?;
            }
        }
        tally.write(self)?;
        self.transaction
            .prepare_cached("DELETE FROM stale_day WHERE day = $1")?
            .execute(params![day])?;
        Ok(())
    }

    fn undone(&self) -> Result<HashSet<i64>, StoreError> {
        let mut select = self
            .transaction
            .prepare_cached("SELECT id FROM run WHERE undone_at IS NOT NULL")?;
        let rows = select.query_map(params![], |row| row.get(0))?;
        rows.collect()
    }
}
