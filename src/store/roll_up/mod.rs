//! Daily counts of events, so that a report of millions of events reads thousands of rows.
//!
//! # How they stay right
//! Writing events costs next to nothing: the keys of new ones are noted in the same transaction, and
//! whoever asks for [`Statistics`] adds these to the counts first. So that nobody has to wait for a
//! bulk, the commands of cron count it, see [`Store::count_bulk`]. What was counted is never
//! corrected in place: what takes events away or changes them (an undone run, a judgement made
//! again, forgetting, retention) discards all counts, and everything is counted anew, see [`pass`].
//! Of the events that come meanwhile the pass knows which ones it saw; the others stay noted.
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

use std::collections::{BTreeMap, HashSet};

use super::engine::{Connection, Value, params};
use super::{Batch, EventRow, NewSend, Statistics, Store, StoreError};
use crate::{
    address::AddressKey,
    random,
    time::{DAY, Timestamp},
};
use pass::{Bounds, Pass, Place};
use tally::Tally;

/// So many noted events are asked for at a time.
const KEYS: usize = 2_000;
/// So many events may be left to whoever asks for the counts: a fraction of a second.
const BULK: i64 = 50_000;

/// The day of a time: days since 1970, UTC.
const fn day(at: i64) -> i64 {
    at.div_euclid(DAY)
}

impl Store {
    /// The counts of reports, brought up to date.
    pub fn statistics(&mut self) -> Result<Statistics<'_>, StoreError> {
        self.count()?;
        Ok(Statistics {
            connection: &self.connection,
        })
    }

    /// Brings the counts up to date where whoever asks for them next would have to wait for it.
    pub fn count_bulk(&mut self) -> Result<(), StoreError> {
        if self.waiting()? > BULK {
            self.count()?;
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), StoreError> {
        while self.has_uncounted()? {
            self.count_some(Bounds::default())?;
        }
        Ok(())
    }

    /// How many events there are to be counted; where that is more than [`BULK`], about.
    fn waiting(&self) -> Result<i64, StoreError> {
        let is_discarded: bool = self.connection.query_row(
            "SELECT scanned IS NOT NULL FROM roll_up",
            params![],
            |row| row.get(0),
        )?;
        if is_discarded {
            let some = "SELECT count(*) FROM (SELECT 1 FROM event LIMIT $1) AS e";
            let read = |row: &super::engine::Row<'_>| row.get(0);
            return self.connection.query_row(some, params![BULK + 1], read);
        }
        noted(&self.connection)
    }

    /// Takes one step towards the counts of all events.
    fn count_some(&mut self, bounds: Bounds) -> Result<(), StoreError> {
        let batch = self.begin()?;
        let place = batch.count_few(bounds)?;
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
            "SELECT EXISTS (SELECT 1 FROM uncounted) OR (SELECT scanned IS NOT NULL FROM roll_up)",
            params![],
            |row| row.get(0),
        )
    }
}

impl Batch<'_> {
    /// Notes new events as not counted.
    pub(super) fn note_new_events<'e>(
        &self,
        events: impl Iterator<Item = &'e EventRow>,
    ) -> Result<(), StoreError> {
        if self.is_discarded()? {
            // All will be seen.
            return Ok(());
        }
        let mut days: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
        for event in events {
            let keys = days.entry(day(event.occurred_at.0)).or_default();
            keys.extend(event.key.0);
        }
        let mut insert = self
            .transaction
            .prepare_cached("INSERT INTO uncounted (day, events) VALUES ($1, $2)")?;
        insert.execute_each(
            days.iter()
                .map(|(day, keys)| [Value::Integer(*day), Value::Blob(keys)]),
        )?;
        Ok(())
    }

    /// Whether there are no counts of events.
    fn is_discarded(&self) -> Result<bool, StoreError> {
        let is_discarded = self
            .transaction
            .prepare_cached("SELECT length(scanned) = 0 FROM roll_up")?
            .query_row(params![], |row| row.get::<Option<bool>>(0))?;
        Ok(is_discarded == Some(true))
    }

    /// Discards all counts of events: some are no longer what they were.
    pub(super) fn discard_counts(&self) -> Result<(), StoreError> {
        if self.is_discarded()? {
            return Ok(());
        }
        self.transaction.execute_batch(
            "DELETE FROM day_kind; DELETE FROM day_domain; DELETE FROM day_source; DELETE FROM day_rule;
             DELETE FROM day_diagnostic; DELETE FROM send_fate; DELETE FROM uncounted;
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
            let heard = heard.find_each(hashes.map(|hash| [Value::Blob(hash)]), |_| Ok(()))?;
            if heard.iter().any(Option::is_some) {
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

    /// Counts some of the noted events, or all that there are if these are few. Else answers where a
    /// pass over all of them is to begin.
    fn count_few(&self, bounds: Bounds) -> Result<Option<Place>, StoreError> {
        if let Some(scanned) = self.scanned()? {
            return match Place::read(&scanned) {
                Some(place) => Ok(Some(place)),
                None => self.begin_passes(&scanned, bounds.few),
            };
        }
        if self.most_is_uncounted(bounds.bulk)? {
            self.discard_counts()?;
        } else {
            self.count_noted(bounds.noted)?;
        }
        Ok(None)
    }

    fn begin_passes(&self, scanned: &[u8], few: usize) -> Result<Option<Place>, StoreError> {
        if !scanned.is_empty() {
            // An earlier version counted in smaller steps.
            self.discard_counts()?;
        }
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
        let token = random::octets().map_err(|cause| StoreError::Other(cause.to_string()))?;
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

    /// Whether one pass over all events is less work than looking up the noted ones, which lie
    /// scattered, and their sends.
    fn most_is_uncounted(&self, bulk: i64) -> Result<bool, StoreError> {
        let noted = noted(&self.transaction)?;
        if noted <= bulk {
            return Ok(false);
        }
        let counted: i64 = self.transaction.query_row(
            "SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM day_kind",
            params![],
            |row| row.get(0),
        )?;
        Ok(noted > counted)
    }

    fn count_noted(&self, most: usize) -> Result<(), StoreError> {
        let mut keys: Vec<[u8; 16]> = Vec::new();
        let mut last = None;
        {
            let mut select = self
                .transaction
                .prepare_cached("SELECT id, events FROM uncounted ORDER BY id")?;
            let mut rows = select.query(params![])?;
            while keys.len() < most
                && let Some(row) = rows.next()?
            {
                last = Some(row.get::<i64>(0)?);
                keys.extend(row.octets(1)?.as_chunks().0);
            }
        }
        // In the order of their index.
        keys.sort_unstable();
        let mut tally = Tally::new(undone(&self.transaction)?);
        let mut select = self.transaction.prepare_cached(&format!(
            "SELECT {} FROM event WHERE key = $1",
            groups::COLUMNS
        ))?;
        for some in keys.chunks(KEYS) {
            select.query_each(some.iter().map(|key| [Value::Blob(key)]), |row| {
                tally.add(row)
            })?;
        }
        tally.write(self)?;
        self.transaction
            .execute("DELETE FROM uncounted WHERE id <= $1", params![last])?;
        Ok(())
    }
}

/// How many events are noted as not counted.
fn noted(connection: &Connection) -> Result<i64, StoreError> {
    connection.query_row(
        "SELECT CAST(coalesce(sum(length(events)), 0) / 16 AS BIGINT) FROM uncounted",
        params![],
        |row| row.get(0),
    )
}

/// The runs whose events do not count.
fn undone(connection: &Connection) -> Result<HashSet<i64>, StoreError> {
    let mut select = connection.prepare_cached("SELECT id FROM run WHERE undone_at IS NOT NULL")?;
    let rows = select.query_map(params![], |row| row.get(0))?;
    rows.collect()
}
