//! Who is in a segment: evaluating filters over all contacts or over those that changed, and
//! writing the difference.
//!
//! All segments of one wave are evaluated together. Over everybody, each table is swept once for
//! all conditions on it, the answers are bits, and `and`, `or`, `not` are operations on bits. Over
//! those that changed, the same conditions are probed contact by contact. The difference to the
//! members is computed in a read transaction and written in short ones of its own.

use super::engine::{Bind, Purpose, Row, Transaction, Value, params};
use super::{Contact, Store, StoreError};
use crate::{
    segment::{Atom, Bits, Bound, Compiled, Sql, Table, Tree},
    time::Timestamp,
};

/// Who is to join a segment and who is to leave it.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    pub joining: Bits,
    pub leaving: Bits,
}

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

impl Bind for Bound {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Integer(number) => Value::Integer(*number),
            Self::Real(number) => Value::Real(*number),
            Self::Text(text) => Value::Text(text),
            Self::Ids(ids) => Value::Ids(ids),
            Self::Pattern(text) => Value::Pattern(text),
        }
    }
}

/// The text of a statement and its values.
pub(super) fn bound(sql: &Sql) -> (String, Vec<Value<'_>>) {
    let (text, values) = sql.finish();
    (text, values.into_iter().map(Bind::value).collect())
}

/// A transaction for reading, or none where one is open already.
pub(crate) struct Snapshot<'s>(#[allow(dead_code)] Option<Transaction<'s>>);

/// So many rows are written by one statement.
const STATEMENT: usize = 10_000;
/// So many conditions are computed by one statement, with so many parameters at most.
const COLUMNS: usize = 200;
const PARAMETERS: usize = 20_000;

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

    /// Adds the ids that a query answers.
    pub(crate) fn collect_ids(&self, sql: &Sql, into: &mut Bits) -> Result<(), StoreError> {
        self.for_each_row(sql, |row| {
            into.insert(row.get(0)?);
            Ok(())
        })
    }

    fn for_each_row<E: From<StoreError>>(
        &self,
        sql: &Sql,
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (text, values) = bound(sql);
        let mut select = self.connection.prepare(&text)?;
        let mut rows = select.query(&values)?;
        while let Some(row) = rows.next()? {
            each(&row)?;
        }
        Ok(())
    }

    /// For each of the filters, everybody who meets it; and everybody.
    pub(crate) fn evaluate_all(
        &self,
        filters: &[&Compiled],
    ) -> Result<(Vec<Bits>, Bits), StoreError> {
        let mut atoms: Vec<&Atom> = Vec::new();
        for atom in filters.iter().flat_map(|filter| &filter.atoms) {
            if !atoms.contains(&atom) {
                atoms.push(atom);
            }
        }
        let mut answers: Vec<Bits> = vec![Bits::default(); atoms.len()];
        let contact_atoms: Vec<usize> = (0..atoms.len())
            .filter(|index| atoms[*index].table == Table::Contact)
            .collect();
        let everybody = self.sweep_contacts(&atoms, &contact_atoms, &mut answers)?;
        let mut rest: Vec<usize> = (0..atoms.len())
            .filter(|index| atoms[*index].table != Table::Contact)
            .collect();
        while let Some(first) = rest.first().copied() {
            if atoms[first].table == Table::Member {
                rest.remove(0);
                let mut sql = Sql::text("SELECT m.contact FROM segment_member m WHERE ");
                sql.append(&atoms[first].rows);
                self.collect_ids(&sql, &mut answers[first])?;
                continue;
            }
            let (mut together, others): (Vec<usize>, Vec<usize>) = rest
                .iter()
                .partition(|index| atoms[**index].shares_source_with(atoms[first]));
            let fitting = fitting(&atoms, &together);
            rest = together.split_off(fitting);
            rest.extend(others);
            self.sweep_addresses(&atoms, &together, &everybody, &mut answers)?;
        }
        let sets = filters
            .iter()
            .map(|filter| {
                let find = |index: usize| {
                    let wanted = &filter.atoms[index];
                    let at = atoms.iter().position(|atom| *atom == wanted);
                    &answers[at.unwrap_or_default()]
                };
                combine(&filter.tree, &everybody, &find)
            })
            .collect();
        Ok((sets, everybody))
    }

    /// One pass over the contacts; answers everybody.
    fn sweep_contacts(
        &self,
        atoms: &[&Atom],
        mut indexes: &[usize],
        answers: &mut [Bits],
    ) -> Result<Bits, StoreError> {
        let mut everybody = Bits::default();
        loop {
            let (now, later) = indexes.split_at(fitting(atoms, indexes));
            let mut sql = Sql::text("SELECT c.id");
            for index in now {
                sql.push(", (")
                    .append(&atoms[*index].expression)
                    .push(") IS TRUE");
            }
            sql.push(" FROM contact c");
            self.for_each_row(&sql, |row| {
                let id = row.get(0)?;
                everybody.insert(id);
                for (column, index) in now.iter().enumerate() {
                    if row.get(column + 1)? {
                        answers[*index].insert(id);
                    }
                }
                Ok::<_, StoreError>(())
            })?;
            if later.is_empty() {
                return Ok(everybody);
            }
            indexes = later;
        }
    }

    /// One pass over a table in the order of addresses. Contacts without a row there get what the
    /// conditions say of no rows.
    fn sweep_addresses(
        &self,
        atoms: &[&Atom],
        indexes: &[usize],
        everybody: &Bits,
        answers: &mut [Bits],
    ) -> Result<(), StoreError> {
        let first = atoms[indexes[0]];
        let columns = |sql: &mut Sql| {
            for (number, index) in indexes.iter().enumerate() {
                sql.push(", (")
                    .append(&atoms[*index].expression)
                    .push(&format!(") IS TRUE AS a{number}"));
            }
        };
        let mut nobody = Sql::text("SELECT 0");
        columns(&mut nobody);
        nobody
            .push(" FROM ")
            .append(&first.source(&Sql::text("IS NULL AND FALSE")));
        let mut without = vec![false; indexes.len()];
        self.for_each_row(&nobody, |row| {
            for (number, without) in without.iter_mut().enumerate() {
                *without = row.get(number + 1)?;
            }
            Ok::<_, StoreError>(())
        })?;
        for (index, without) in indexes.iter().zip(&without) {
            if *without {
                answers[*index] = everybody.clone();
            }
        }
        let row_name = first.row();
        let mut sql = Sql::text("SELECT c.id, g.* FROM (SELECT ");
        sql.push(&format!("{row_name}.address_key AS address_key"));
        columns(&mut sql);
        sql.push(" FROM ")
            .append(&first.source(&Sql::text("IS NOT NULL")));
        sql.push(&format!(
            " GROUP BY {row_name}.address_key) g CROSS JOIN contact c WHERE c.address_key = g.address_key"
        ));
        self.for_each_row(&sql, |row| {
            let id = row.get(0)?;
            for (number, index) in indexes.iter().enumerate() {
                let answer: bool = row.get(number + 2)?;
                if answer && !without[number] {
                    answers[*index].insert(id);
                } else if !answer && without[number] {
                    answers[*index].remove(id);
                }
            }
            Ok(())
        })
    }

    /// For each of the filters, who of `candidates` meets it.
    pub(crate) fn evaluate_some(
        &self,
        filters: &[&Compiled],
        candidates: &Bits,
    ) -> Result<Vec<Bits>, StoreError> {
        let mut answers = vec![Bits::default(); filters.len()];
        for (filter, answer) in filters.iter().zip(&mut answers) {
            let predicate = filter.predicate();
            for ids in chunks(candidates) {
                let [before, after] = self.connection.ids();
                let mut sql = Sql::text(format!("SELECT c.id FROM {before}"));
                sql.bind(Bound::Ids(ids))
                    .push(after)
                    .push(" CROSS JOIN contact c WHERE c.id = j.value AND ")
                    .append(&predicate);
                self.collect_ids(&sql, answer)?;
            }
        }
        Ok(answers)
    }

    /// Calls `each` for everybody who meets the filter, in the order of ids. Who they are is found in
    /// one pass over each table: probing contact by contact jumps about in it.
    pub fn for_each_meeting<E: From<StoreError>>(
        &self,
        filter: &Compiled,
        mut each: impl FnMut(Contact) -> Result<(), E>,
    ) -> Result<(), E> {
        let snapshot = self.snapshot()?;
        let (mut answers, everybody) = self.evaluate_all(&[filter])?;
        let meeting = answers.pop().unwrap_or_default();
        // A look-up each costs more than reading past the others.
        if meeting.len() * 4 < everybody.len() {
            for id in meeting.iter() {
                if let Some(contact) = self.contact(id)? {
                    each(contact)?;
                }
            }
        } else {
            self.for_each_contact(|contact| {
                if meeting.contains(contact.id) {
                    each(contact)?;
                }
                Ok::<_, E>(())
            })?;
        }
        drop(snapshot);
        Ok(())
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
        self.check_references(false)?;
        let result = self.write_batches(segment, difference, now, batch, log);
        self.check_references(true)?;
        result
    }

    /// Within a transaction this is without effect.
    fn check_references(&self, on: bool) -> Result<(), StoreError> {
        self.connection.check_references(on)
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

/// How many of the atoms fit into one statement; at least one.
fn fitting(atoms: &[&Atom], indexes: &[usize]) -> usize {
    let mut parameters = 0;
    let fitting = indexes.iter().take(COLUMNS).take_while(|index| {
        parameters += atoms[**index].expression.finish().1.len();
        parameters <= PARAMETERS
    });
    fitting.count().max(usize::from(!indexes.is_empty()))
}

/// The ids in sets that one statement takes.
fn chunks(bits: &Bits) -> impl Iterator<Item = Vec<i64>> {
    let mut ids = bits.iter().peekable();
    std::iter::from_fn(move || {
        ids.peek()?;
        Some(ids.by_ref().take(STATEMENT).collect())
    })
}

fn combine<'b>(tree: &Tree, everybody: &Bits, find: &impl Fn(usize) -> &'b Bits) -> Bits {
    match tree {
        Tree::Atom(index) => find(*index).clone(),
        Tree::Not(inner) => {
            let mut bits = everybody.clone();
            bits.take(&combine(inner, everybody, find));
            bits
        }
        Tree::All(parts) => {
            let mut bits = everybody.clone();
            for part in parts {
                bits.keep(&combine(part, everybody, find));
            }
            bits
        }
        Tree::Any(parts) => {
            let mut bits = Bits::default();
            for part in parts {
                bits.add(&combine(part, everybody, find));
            }
            bits
        }
    }
}
