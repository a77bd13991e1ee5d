//! Who meets filters: among all contacts, or among some.

use super::super::engine::{Bind, Row, Value};
use super::{Contact, Store, StoreError, chunks};
use crate::segment::{Atom, Bits, Bound, Compiled, Sql, Table, Tree};

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
pub(in crate::store) fn bound(sql: &Sql) -> (String, Vec<Value<'_>>) {
    let (text, values) = sql.finish();
    (text, values.into_iter().map(Bind::value).collect())
}

/// So many conditions are computed by one statement, with so many parameters at most.
const COLUMNS: usize = 200;
const PARAMETERS: usize = 20_000;

impl Store {
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
