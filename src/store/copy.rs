//! A whole database moved to another engine, or to another place: row by row as a stream, checked
//! by reading back what was written.

use sha2::{Digest, Sha256};

use super::engine::{Cell, Connection, Purpose, Value, params};
use super::{Store, StoreError};

/// What is copied, a table after those it refers to. Who holds which lease stays where it is.
const TABLES: &[&str] = &[
    "contact",
    "send",
    "run",
    "event",
    "do_not_contact",
    "segment",
    "segment_member",
    "mailbox_cursor",
    "raw_message",
    "quarantine",
    "released",
    "exported",
    "outbox",
    "change_log",
    "secret",
    "forgotten",
    "day_kind",
    "day_domain",
    "day_source",
    "day_rule",
    "day_diagnostic",
    "send_day",
    "send_fate",
    "uncounted",
    "roll_up",
];

/// Tables of which a new database holds rows already.
const FILLED: &[&str] = &["roll_up"];

/// Tables whose rows are numbered as they come.
const NUMBERED: &[&str] = &[
    "contact",
    "run",
    "segment",
    "outbox",
    "change_log",
    "uncounted",
];

/// Rows written at once, and as many octets.
const AT_ONCE: usize = 1_000;
const OCTETS: usize = 4 << 20;

/// What was copied of a table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CopiedTable {
    pub table: &'static str,
    pub rows: u64,
    /// Over all cells of all rows, whatever their order: 128 bits in hexadecimal.
    pub checksum: String,
}

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the target is not empty: its table `{0}` has rows")]
    NotEmpty(&'static str),
    #[error(
        "what was written to `{table}` is not what was read: {read} rows with the checksum {of_read}, now {written} with {of_written}"
    )]
    Differs {
        table: &'static str,
        read: u64,
        of_read: String,
        written: u64,
        of_written: String,
    },
}

/// Rows counted, and their hashes added up: the same in whatever order they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    hashes: u128,
}

impl Sum {
    fn add(&mut self, row: &[Owned]) {
        let mut hash = Sha256::new();
        for cell in row {
            cell.hash(&mut hash);
        }
        let mut octets = [0; 16];
        octets.copy_from_slice(&hash.finalize()[..16]);
        self.rows += 1;
        self.hashes = self.hashes.wrapping_add(u128::from_be_bytes(octets));
    }

    fn hex(&self) -> String {
        format!("{:032x}", self.hashes)
    }
}

/// A cell that outlives its row.
#[derive(Debug)]
enum Owned {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Owned {
    fn of(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Integer(number) => Self::Integer(number),
            Cell::Real(number) => Self::Real(number),
            // PostgreSQL's text holds no NUL.
            Cell::Text(text) => Self::Text(text.replace('\0', "\u{fffd}")),
            Cell::Blob(octets) => Self::Blob(octets.to_vec()),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Integer(*number),
            Self::Real(number) => Value::Real(*number),
            Self::Text(text) => Value::Text(text),
            Self::Blob(octets) => Value::Blob(octets),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Blob(octets) => octets.len(),
            _ => 8,
        }
    }

    /// Its sort and length go before it, so that no two rows run together to the same.
    fn hash(&self, into: &mut Sha256) {
        let (sort, octets): (u8, &[u8]) = match self {
            Self::Null => (0, &[]),
            Self::Integer(number) => (1, &number.to_be_bytes()),
            Self::Real(number) => (2, &number.to_be_bytes()),
            Self::Text(text) => (3, text.as_bytes()),
            Self::Blob(octets) => (4, octets),
        };
        into.update([sort]);
        into.update((octets.len() as u64).to_be_bytes());
        into.update(octets);
    }
}

impl Store {
    /// Copies everything into `target`, which must be empty, in one transaction each; `rehearsal`
    /// does the same and takes it back. Memory does not grow with the rows.
    pub fn copy_to(
        &mut self,
        target: &mut Self,
        rehearsal: bool,
    ) -> Result<Vec<CopiedTable>, CopyError> {
        let source = self.connection.begin(Purpose::Reading)?;
        target.connection.check_references(false)?;
        let copied = target.take_all(&source, rehearsal);
        target.connection.check_references(true)?;
        copied
    }

    fn take_all(
        &mut self,
        source: &Connection,
        rehearsal: bool,
    ) -> Result<Vec<CopiedTable>, CopyError> {
        let target = self.connection.begin(Purpose::Writing)?;
        for table in TABLES
            .iter()
            .copied()
            .filter(|table| !FILLED.contains(table))
        {
            let sql = format!("SELECT EXISTS (SELECT 1 FROM {table})");
            if target.query_row(&sql, params![], |row| row.get(0))? {
                return Err(CopyError::NotEmpty(table));
            }
        }
        for table in FILLED {
            target.execute(&format!("DELETE FROM {table}"), params![])?;
        }
        let mut copied = Vec::with_capacity(TABLES.len());
        for table in TABLES.iter().copied() {
            let read = copy_table(source, &target, table)?;
            let written = sum_of(&target, table)?;
            if read != written {
                return Err(CopyError::Differs {
                    table,
                    read: read.rows,
                    of_read: read.hex(),
                    written: written.rows,
                    of_written: written.hex(),
                });
            }
            copied.push(CopiedTable {
                table,
                rows: read.rows,
                checksum: read.hex(),
            });
        }
        target.number_on(NUMBERED)?;
        if !rehearsal {
            target.commit()?;
        }
        Ok(copied)
    }
}

/// The columns of a table in the order of their names: engines may have them in another.
fn columns(connection: &Connection, table: &str) -> Result<Vec<String>, StoreError> {
    let mut names = connection
        .prepare(&format!("SELECT * FROM {table}"))?
        .column_names()?;
    names.sort_unstable();
    Ok(names)
}

fn copy_table(source: &Connection, target: &Connection, table: &str) -> Result<Sum, StoreError> {
    let names = columns(source, table)?;
    let numbers: Vec<String> = (1..=names.len())
        .map(|number| format!("${number}"))
        .collect();
    let names = names.join(", ");
    let mut insert = target.prepare_cached(&format!(
        "INSERT INTO {table} ({names}) VALUES ({})",
        numbers.join(", ")
    ))?;
    let mut sum = Sum::default();
    let (mut waiting, mut octets) = (Vec::new(), 0);
    let mut write = |waiting: &mut Vec<Vec<Owned>>| -> Result<(), StoreError> {
        let rows = waiting
            .iter()
            .map(|row| -> Vec<Value<'_>> { row.iter().map(Owned::value).collect() });
        insert.execute_each(rows)?;
        waiting.clear();
        Ok(())
    };
    for_each_row(source, table, &names, |row| {
        sum.add(&row);
        octets += row.iter().map(Owned::len).sum::<usize>();
        waiting.push(row);
        if waiting.len() >= AT_ONCE || octets >= OCTETS {
            octets = 0;
            write(&mut waiting)?;
        }
        Ok(())
    })?;
    write(&mut waiting)?;
    Ok(sum)
}

fn sum_of(connection: &Connection, table: &str) -> Result<Sum, StoreError> {
    let names = columns(connection, table)?.join(", ");
    let mut sum = Sum::default();
    for_each_row(connection, table, &names, |row| {
        sum.add(&row);
        Ok(())
    })?;
    Ok(sum)
}

fn for_each_row(
    connection: &Connection,
    table: &str,
    names: &str,
    mut each: impl FnMut(Vec<Owned>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let width = names.split(", ").count();
    let mut select = connection.prepare(&format!("SELECT {names} FROM {table}"))?;
    let mut rows = select.query(params![])?;
    while let Some(row) = rows.next()? {
        let cells = (0..width).map(|index| Ok(Owned::of(row.cell(index)?)));
        each(cells.collect::<Result<_, StoreError>>()?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn every_table_is_copied_but_the_leases() {
        let store = Store::open_in_memory().unwrap();
        if store.is_shared() {
            return;
        }
        let mut select = store
            .connection
            .prepare(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            )
            .unwrap();
        let names = select
            .query_map(params![], |row| row.get::<String>(0))
            .unwrap();
        let mut names: Vec<String> = names.collect::<Result<_, _>>().unwrap();
        names.retain(|name| name != "lease");
        names.sort();
        let mut copied = TABLES.to_vec();
        copied.sort_unstable();
        assert_eq!(names, copied);
    }

    #[test]
    fn only_an_empty_target_is_filled_and_numbers_go_on() {
        let (mut one, mut other) = (
            Store::open_in_memory().unwrap(),
            Store::open_in_memory().unwrap(),
        );
        for _ in 0..3 {
            one.begin_run("a\0b", "h", 1, Timestamp(5)).unwrap();
        }
        let rehearsed = one.copy_to(&mut other, true).unwrap();
        assert!(other.runs(9).unwrap().is_empty());
        let copied = one.copy_to(&mut other, false).unwrap();
        assert_eq!(rehearsed, copied);
        let runs = copied.iter().find(|copied| copied.table == "run").unwrap();
        assert_eq!(runs.rows, 3);
        assert_eq!(other.runs(9).unwrap().len(), 3);
        assert_eq!(other.begin_run("a", "h", 1, Timestamp(5)).unwrap(), 4);
        let refused = one.copy_to(&mut other, false);
        assert!(matches!(refused, Err(CopyError::NotEmpty("run"))));
    }

    #[test]
    fn the_checksum_sees_every_cell_but_not_the_order() {
        let row = |a: &str, b: &str| vec![Owned::Text(a.into()), Owned::Text(b.into())];
        let sum = |rows: &[Vec<Owned>]| {
            let mut sum = Sum::default();
            for row in rows {
                sum.add(row);
            }
            sum
        };
        assert_eq!(
            sum(&[row("a", "b"), row("c", "d")]),
            sum(&[row("c", "d"), row("a", "b")])
        );
        assert_ne!(sum(&[row("ab", "c")]), sum(&[row("a", "bc")]));
        assert_ne!(
            sum(&[row("a", "b")]),
            sum(&[vec![Owned::Null, Owned::Null]])
        );
    }
}
