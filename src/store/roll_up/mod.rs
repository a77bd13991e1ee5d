//! Daily counts of events, so that a report of millions of events reads thousands of rows.
//!
//! # How they stay right
//! Writing events costs next to nothing: the days of new ones are noted as stale in the same
//! transaction, and whoever asks for [`Statistics`] counts these days anew first. What was counted
//! is never corrected in place: what takes events away or changes them (an undone run, a judgement
//! made again, forgetting, retention) discards all counts, and the next who asks counts everything,
//! see [`pass`]. Events that come meanwhile leave their day stale, whether the pass had come by or
//! not.
//!
//! The fate of sends is kept beside: it only ever gets worse, so that counting an event twice
//! changes nothing.

mod fate;
mod groups;
mod heard;
mod pass;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};

use super::engine::{Connection, OptionalExtension, Value, params};
use super::{Batch, NewSend, Statistics, Store, StoreError};
use crate::{
    address::AddressKey,
    time::{DAY, Timestamp},
};
use pass::{Bounds, Pass, Place};
use tally::Tally;

/// So many events of a day are counted at a time.
const AT_ONCE: usize = 200_000;

/// The day of a time: days since 1970, UTC.
const fn day(at: i64) -> i64 {
    at.div_euclid(DAY)
}

impl Store {
    /// The counts of reports, brought up to date.
    pub fn statistics(&mut self) -> Result<Statistics<'_>, StoreError> {
        while self.has_uncounted()? {
            self.count_some(Bounds::default())?;
        }
        Ok(Statistics {
            connection: &self.connection,
        })
    }

    /// Takes one step towards the counts of all events.
    fn count_some(&mut self, bounds: Bounds) -> Result<(), StoreError> {
        let batch = self.begin()?;
        let place = batch.count_few(bounds.few)?;
        batch.commit()?;
        let Some(place) = place else {
            return Ok(());
        };
        let pass = Pass::read(self, place, bounds)?;
        let batch = self.begin()?;
        if batch.write_pass(pass)? {
            batch.commit()?;
        }
        Ok(())
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

    fn scanned(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.transaction
            .query_row("SELECT scanned FROM roll_up", params![], |row| row.get(0))
    }

    /// Counts a stale day, or all events if these are few. Else answers where a pass over all of
    /// them is to begin.
    fn count_few(&self, few: usize) -> Result<Option<Place>, StoreError> {
        if let Some(scanned) = self.scanned()? {
            return match Place::read(&scanned) {
                Some(place) => Ok(Some(place)),
                None => self.begin_passes(&scanned, few),
            };
        }
        if self.most_is_stale()? {
            self.discard_counts()?;
            return Ok(None);
        }
        let stale: Option<i64> = self
            .transaction
            .query_row(
                "SELECT day FROM stale_day ORDER BY day LIMIT 1",
                params![],
                |row| row.get(0),
            )
            .optional()?;
        if let Some(day) = stale {
            self.count_day(day)?;
        }
        Ok(None)
    }

    fn begin_passes(&self, scanned: &[u8], few: usize) -> Result<Option<Place>, StoreError> {
        if !scanned.is_empty() {
            // An earlier version counted in smaller steps.
            self.discard_counts()?;
        }
        // All that is there now will be seen.
        self.transaction
            .execute("DELETE FROM stale_day", params![])?;
        let some: usize = self.transaction.query_row(
            "SELECT count(*) FROM (SELECT 1 FROM event LIMIT $1) AS e",
            params![few + 1],
            |row| row.get(0),
        )?;
        if some <= few {
            let mut tally = Tally::new(undone(&self.transaction)?);
            let mut select = self
                .transaction
                .prepare(&format!("SELECT {} FROM event", groups::COLUMNS))?;
            let mut rows = select.query(params![])?;
            while let Some(row) = rows.next()? {
                tally.add(&row)?;
            }
            tally.write(self)?;
            self.transaction
                .execute("UPDATE roll_up SET scanned = NULL", params![])?;
            return Ok(None);
        }
        let mut token = [0; 8];
        openssl::rand::rand_bytes(&mut token)
            .map_err(|cause| StoreError::Other(cause.to_string()))?;
        let place = Place {
            from: Place::START,
            token,
        };
        self.transaction.execute(
            "UPDATE roll_up SET scanned = $1",
            params![place.to_stored()],
        )?;
        Ok(Some(place))
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

    fn count_day(&self, day: i64) -> Result<(), StoreError> {
        for table in groups::TABLES {
            self.transaction
                .prepare_cached(&format!("DELETE FROM {table} WHERE day = $1"))?
                .execute(params![day])?;
        }
        let mut tally = Tally::new(undone(&self.transaction)?);
        let mut select = self.transaction.prepare_cached(&format!(
            "SELECT {} FROM event WHERE occurred_at >= $1 AND occurred_at < $2",
            groups::COLUMNS
        ))?;
        let mut rows = select.query(params![day * DAY, (day + 1) * DAY])?;
        while let Some(row) = rows.next()? {
            tally.add(&row)?;
            if tally.len() >= AT_ONCE {
                std::mem::replace(&mut tally, Tally::new(undone(&self.transaction)?))
                    .write(self)?;
            }
        }
        tally.write(self)?;
        self.transaction
            .prepare_cached("DELETE FROM stale_day WHERE day = $1")?
            .execute(params![day])?;
        Ok(())
    }
}

/// The runs whose events do not count.
fn undone(connection: &Connection) -> Result<HashSet<i64>, StoreError> {
    let mut select = connection.prepare_cached("SELECT id FROM run WHERE undone_at IS NOT NULL")?;
    let rows = select.query_map(params![], |row| row.get(0))?;
    rows.collect()
}
