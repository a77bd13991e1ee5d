//! SQLite: a file, opened, migrated, looked after.
//!
//! # Locking
//! Writers use `BEGIN IMMEDIATE`: a deferred transaction that upgrades fails at once whatever the
//! busy timeout. Readers go on beside them (WAL).
//!
//! # Compatibility
//! `user_version` counts the migrations. They are append-only: never edit or remove one that has
//! been released. A database of a newer version is refused.

use std::path::Path;

use rusqlite::{
    Connection, ErrorCode, OpenFlags, Statement, ToSql, TransactionBehavior,
    types::{ToSqlOutput, ValueRef},
};

use super::{Cell, OpenOptions, Result, StoreError, Value, functions};

/// Append-only. The number of entries is the version.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_segments.sql"),
    include_str!("../migrations/0003_archive.sql"),
    include_str!("../migrations/0004_steering.sql"),
    include_str!("../migrations/0005_forgotten.sql"),
    include_str!("../migrations/0006_append.sql"),
    include_str!("../migrations/0007_roll_up.sql"),
    include_str!("../migrations/0008_contacts_noted.sql"),
    include_str!("../migrations/0009_external_ids.sql"),
    include_str!("../migrations/0010_uncounted.sql"),
];

/// Marks a database file as ours (`bkit`).
const APPLICATION_ID: i32 = 0x626b_6974;

/// Octets of a page of a new database; an older one keeps its own. Most pages are written for many
/// rows at once: fewer, larger ones take a quarter of the processor time off a large replay.
const PAGE: u32 = 16_384;

pub(super) fn open(path: &Path, options: &OpenOptions) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|cause| StoreError::open(path, &cause))?;
    prepare(connection, options).map_err(|cause| cause.at(path))
}

pub(super) fn open_in_memory() -> Result<Connection> {
    prepare(Connection::open_in_memory()?, &OpenOptions::default())
}

fn prepare(mut connection: Connection, options: &OpenOptions) -> Result<Connection> {
    connection.busy_timeout(options.wait)?;
    connection.set_prepared_statement_cache_capacity(64);
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = MIGRATIONS.len();
    if usize::try_from(found).is_ok_and(|found| found > known) {
        return Err(StoreError::Newer { found, known });
    }
    if found == 0 {
        // Without effect on a file that has pages already.
        connection.pragma_update(None, "page_size", PAGE)?;
    }
    connection.pragma_update(None, "journal_mode", "wal")?;
    // An acknowledged mail is gone from the server: what is committed must be on disk.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -i64::from(options.cache) * 1024)?;
    // As much as the cache holds. A page that many commits change is written back to its place once.
    let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let pages = i64::from(options.cache) * (1 << 20) / page;
    connection.pragma_update(None, "wal_autocheckpoint", pages)?;
    functions::register(&connection)?;
    if usize::try_from(found).is_ok_and(|found| found < known) {
        migrate(&mut connection)?;
    }
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    // Read again under the lock: another process may have migrated meanwhile.
    let found: usize = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found == 0 {
        let tables: i64 =
            transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables > 0 {
            return Err(StoreError::NotOurs);
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    for migration in MIGRATIONS.get(found..).unwrap_or_default() {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
    Ok(transaction.commit()?)
}

pub(super) fn version(path: &Path) -> Result<i64> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|cause| StoreError::open(path, &cause))?;
    connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|cause| StoreError::from(cause).at(path))
}

pub(super) fn check(connection: &Connection) -> Result<Vec<String>> {
    let mut select = connection.prepare("PRAGMA quick_check(20)")?;
    let rows = select.query_map([], |row| row.get::<_, String>(0))?;
    let found: Vec<String> = rows.collect::<Result<_, _>>()?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

pub(super) fn size(connection: &Connection) -> Result<(u64, u64)> {
    let ask = |pragma: &str| {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, u64>(0))
    };
    let page = ask("page_size")?;
    Ok((ask("page_count")? * page, ask("freelist_count")? * page))
}

/// An older database gets the present size of pages, unless another process has it open.
pub(super) fn vacuum(connection: &Connection) -> Result<()> {
    let page: u32 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    if page != PAGE {
        // The size cannot be changed while there is a log.
        match connection.pragma_update(None, "journal_mode", "delete") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
            changed => changed?,
        }
        connection.pragma_update(None, "page_size", PAGE)?;
    }
    connection.execute_batch("VACUUM")?;
    Ok(connection.pragma_update(None, "journal_mode", "wal")?)
}

/// Rows share most of their values with the one before: only what changes is bound.
pub(super) fn execute_each<'v, R: AsRef<[Value<'v>]>>(
    statement: &mut Statement<'_>,
    rows: impl Iterator<Item = R>,
) -> Result<Vec<usize>> {
    let mut bound: Option<R> = None;
    rows.map(|row| {
        let before = bound.as_ref().map(R::as_ref).unwrap_or_default();
        for (index, value) in row.as_ref().iter().enumerate() {
            if before.get(index) != Some(value) {
                statement.raw_bind_parameter(index + 1, value)?;
            }
        }
        bound = Some(row);
        Ok(statement.raw_execute()?)
    })
    .collect()
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Null => ValueRef::Null,
            Self::Flag(flag) => ValueRef::Integer((*flag).into()),
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) | Self::Pattern(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(octets) => ValueRef::Blob(octets),
            Self::Ids(ids) => return Ok(ToSqlOutput::Owned(json_array(ids).into())),
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

/// A parameter that holds a set.
fn json_array(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    format!("[{}]", ids.join(","))
}

#[inline]
pub(super) fn cell<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> Result<Cell<'r>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(text) => Cell::Text(
            std::str::from_utf8(text).map_err(|cause| StoreError::Other(cause.to_string()))?,
        ),
        ValueRef::Blob(octets) => Cell::Blob(octets),
    })
}

#[inline]
pub(super) fn raw<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> Result<&'r [u8]> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(&[]),
        ValueRef::Text(octets) | ValueRef::Blob(octets) => Ok(octets),
        _ => Err(super::value::unexpected(index, cell(row, index)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_made_once_and_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.db");
        for _ in 0..2 {
            let connection = open(&path, &OpenOptions::default()).unwrap();
            let version: usize = connection
                .query_row("PRAGMA user_version", [], |row| row.get(0))
                .unwrap();
            assert_eq!(version, MIGRATIONS.len());
        }
    }

    #[test]
    fn vacuum_brings_an_older_database_to_the_present_size_of_pages() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.db");
        let old = Connection::open(&path).unwrap();
        old.pragma_update(None, "page_size", 4096).unwrap();
        old.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (x); DROP TABLE t")
            .unwrap();
        let pages = |connection: &Connection| -> (i64, String) {
            let ask = |pragma| connection.query_row(pragma, [], |row| row.get(0));
            let journal = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0));
            (ask("PRAGMA page_size").unwrap(), journal.unwrap())
        };
        let ours = open(&path, &OpenOptions::default()).unwrap();
        assert_eq!(pages(&ours), (4096, "wal".into()), "it keeps its own");
        ours.busy_timeout(std::time::Duration::ZERO).unwrap();
        vacuum(&ours).unwrap();
        assert_eq!(pages(&ours), (4096, "wal".into()), "another has it open");
        drop(old);
        vacuum(&ours).unwrap();
        assert_eq!(pages(&ours), (16_384, "wal".into()));
        assert!(check(&ours).unwrap().is_empty());
    }

    #[test]
    fn of_many_rows_each_has_its_own_values() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (a, b, c)")
            .unwrap();
        let (x, y) = (Value::Text("x"), Value::Blob(b"y"));
        let rows = [
            [Value::Integer(1), x, Value::Null],
            [Value::Integer(1), Value::Null, y],
            [Value::Null, Value::Null, y],
            [Value::Integer(1), x, Value::Text("y")],
        ];
        let mut insert = connection
            .prepare("INSERT INTO t VALUES (?1, ?2, ?3)")
            .unwrap();
        assert_eq!(execute_each(&mut insert, rows.iter()).unwrap(), [1; 4]);
        let mut select = connection
            .prepare("SELECT quote(a) || quote(b) || quote(c) FROM t ORDER BY rowid")
            .unwrap();
        let found = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let found: Vec<String> = found.map(Result::unwrap).collect();
        assert_eq!(
            found,
            ["1'x'NULL", "1NULLX'79'", "NULLNULLX'79'", "1'x''y'"]
        );
    }

    #[test]
    fn files_that_are_not_ours_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "x".repeat(4096)).unwrap();
        let error = open(&path, &OpenOptions::default()).err().unwrap();
        assert!(
            error.to_string().contains("notes.txt") && error.to_string().contains("not a database"),
            "{error}"
        );

        let path = folder.path().join("newer.db");
        drop(open(&path, &OpenOptions::default()).unwrap());
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", 999)
            .unwrap();
        let error = open(&path, &OpenOptions::default()).err().unwrap();
        assert!(error.to_string().contains("999"), "{error}");

        let path = folder.path().join("other.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE t (x)")
            .unwrap();
        let error = open(&path, &OpenOptions::default()).err().unwrap();
        assert!(error.to_string().contains("other program"), "{error}");
    }
}
