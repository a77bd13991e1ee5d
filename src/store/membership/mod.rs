//! Who is in a segment: evaluating filters over all contacts or over those that changed, and
//! writing the difference.
//!
//! All segments of one wave are evaluated together. Over everybody, each table is swept once for
//! all conditions on it, the answers are bits, and `and`, `or`, `not` are operations on bits. Over
//! those that changed, the same conditions are probed contact by contact. The difference to the
//! members is computed in a read transaction and written in short ones of its own.

mod evaluation;
mod notes;

use super::engine::{Purpose, Transaction, params};
use super::{Contact, Store, StoreError};
use crate::{segment::Bits, time::Timestamp};
pub(super) use evaluation::bound;
pub(crate) use notes::{BuildNote, Seen};

/// Who is to join a segment and who is to leave it.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    pub joining: Bits,
    pub leaving: Bits,
}

/// A transaction for reading, or none where one is open already.
pub(crate) struct Snapshot<'s>(#[allow(dead_code)] Option<Transaction<'s>>);

/// So many rows are written by one statement.
const STATEMENT: usize = 10_000;

impl Store {
    /// Begins a view of the database that does not change.
    pub(crate) fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        if self.connection.is_autocommit() {
            Ok(Snapshot(Some(self.connection.begin(Purpose::Reading)?)))
        } else {
            Ok(Snapshot(None))
        }
    }

    /// Does all of `work` and takes everything back, whatever comes of it.
    pub fn rehearse<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.connection.start(Purpose::Writing)?;
        let result = work(self);
        self.connection.execute_batch("ROLLBACK")?;
        result
    }

    /// Runs `work` as one writing transaction, or as a part of the one that is open.
    fn atomically<T>(
        &mut self,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if !self.connection.is_autocommit() {
            return work(self);
        }
        let transaction = self.connection.begin(Purpose::Writing)?;
        let result = work(self)?;
        transaction.commit()?;
        Ok(result)
    }

    /// What has to change so that `wanted` are the members among `candidates`, or among all.
    pub(crate) fn difference(
        &self,
        segment: i64,
        mut wanted: Bits,
        candidates: Option<&Bits>,
    ) -> Result<Difference, StoreError> {
        let mut leaving = Bits::default();
        let mut meet = |contact: i64, by_filter: bool| {
            if by_filter && !wanted.contains(contact) {
                leaving.insert(contact);
            }
            // Whoever has a row, of whatever origin, needs none.
            wanted.remove(contact);
        };
        if let Some(candidates) = candidates {
            let [before, after] = self.connection.ids();
            let mut select = self.connection.prepare_cached(&format!(
                "SELECT m.contact, m.origin = 'filter' FROM {before}$1{after} CROSS JOIN segment_member m
                 WHERE m.contact = j.value AND m.segment = $2"
            ))?;
            for ids in chunks(candidates) {
                let mut rows = select.query(params![ids.as_slice(), segment])?;
                while let Some(row) = rows.next()? {
                    meet(row.get(0)?, row.get(1)?);
                }
            }
        } else {
            let mut select = self.connection.prepare_cached(
                "SELECT contact, origin = 'filter' FROM segment_member WHERE segment = $1 ORDER BY contact",
            )?;
            let mut rows = select.query(params![segment])?;
            while let Some(row) = rows.next()? {
                meet(row.get(0)?, row.get(1)?);
            }
        }
        Ok(Difference {
            joining: wanted,
            leaving,
        })
    }

    /// Writes a difference in transactions of at most `batch` rows. With `log`, those concerned are
    /// noted as changed, for the segments that refer to this one.
    pub(crate) fn write_difference(
        &mut self,
        segment: i64,
        difference: &Difference,
        now: Timestamp,
        batch: usize,
        log: bool,
    ) -> Result<(), StoreError> {
        // Every transaction sees for itself that segment and contact are there: checking each row
        // once more costs as much as writing it.
        self.connection.check_references(false)?;
        let result = self.write_batches(segment, difference, now, batch, log);
        self.connection.check_references(true)?;
        result
    }

    fn write_batches(
        &mut self,
        segment: i64,
        difference: &Difference,
        now: Timestamp,
        batch: usize,
        log: bool,
    ) -> Result<(), StoreError> {
        for (bits, joins) in [(&difference.leaving, false), (&difference.joining, true)] {
            let mut ids = bits.iter().peekable();
            while ids.peek().is_some() {
                self.atomically(|store| {
                    let mut left = batch.max(1);
                    while left > 0 && ids.peek().is_some() {
                        let some: Vec<i64> = ids.by_ref().take(left.min(STATEMENT)).collect();
                        left -= some.len();
                        store.write_rows(segment, &some, joins, now, log)?;
                    }
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// One statement for all: it is four times faster than one a row.
    fn write_rows(
        &self,
        segment: i64,
        ids: &[i64],
        joins: bool,
        now: Timestamp,
        log: bool,
    ) -> Result<(), StoreError> {
        let [before, after] = self.connection.ids();
        if joins {
            // Segment or contact may have gone since it was looked at, or a person have decided.
            self.connection
                .prepare_cached(&format!(
                    "INSERT INTO segment_member (segment, contact, origin, since)
                     SELECT s.id, c.id, 'filter', $1 FROM segment s CROSS JOIN {before}$2{after} CROSS JOIN contact c
                     WHERE s.id = $3 AND c.id = j.value
                     ON CONFLICT (segment, contact) DO NOTHING"
                ))?
                .execute(params![now.0, ids, segment])?;
        } else {
            self.connection
                .prepare_cached(&format!(
                    "DELETE FROM segment_member WHERE segment = $1 AND origin = 'filter'
                     AND contact IN (SELECT j.value FROM {before}$2{after})"
                ))?
                .execute(params![segment, ids])?;
        }
        if log {
            self.connection
                .prepare_cached(&format!(
                    "INSERT INTO change_log (contact) SELECT j.value FROM {before}$1{after}"
                ))?
                .execute(params![ids])?;
        }
        Ok(())
    }
}

/// The ids in sets that one statement takes.
fn chunks(bits: &Bits) -> impl Iterator<Item = Vec<i64>> {
    let mut ids = bits.iter().peekable();
    std::iter::from_fn(move || {
        ids.peek()?;
        Some(ids.by_ref().take(STATEMENT).collect())
    })
}
