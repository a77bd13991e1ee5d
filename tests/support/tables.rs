//! The database's rows, for "the same end state" and "nothing changed".

use std::path::Path;

use rusqlite::{Connection, OpenFlags, types::ValueRef};

/// What a fetch leads to, but for the run that did it.
const OUTCOME: &[&str] = &[
    "event",
    "do_not_contact",
    "mailbox_cursor",
    "raw_message",
    "quarantine",
    "lease",
];

/// Every row of the tables a fetch writes, as text, sorted; columns that tell of runs left out.
pub(crate) fn outcome(database: &Path) -> Vec<String> {
    rows(database, OUTCOME)
}

/// What a run may leave behind differently: who ran, who was last there, and random salts. The log
/// of changes is a queue with positions of its own.
const OF_RUNS: &[&str] = &["run", "lease", "secret", "change_log"];

/// Every row of every table but those of [`OF_RUNS`], as [`outcome`] does.
pub(crate) fn everything(database: &Path) -> Vec<String> {
    let connection =
        Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let names: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .filter(|name: &String| !OF_RUNS.contains(&name.as_str()))
        .collect();
    assert!(names.len() > 8, "{names:?}");
    rows(
        database,
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

/// Columns that tell of runs: which, how long, how much by the last one, up to which change.
const RUN_COLUMNS: &[&str] = &["run", "build_ms", "added", "removed", "seen"];

/// How many rows a table has.
pub(crate) fn count(database: &Path, table: &str) -> usize {
    rows(database, &[table]).len()
}

fn rows(database: &Path, tables: &[&str]) -> Vec<String> {
    let connection =
        Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut found = Vec::new();
    for table in tables {
        let mut select = connection
            .prepare(&format!("SELECT * FROM {table}"))
            .unwrap();
        let names: Vec<String> = select
            .column_names()
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        let mut rows = select.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let mut text = (*table).to_owned();
            for (index, name) in names
                .iter()
                .enumerate()
                .filter(|(_, name)| !RUN_COLUMNS.contains(&name.as_str()))
            {
                let value = match row.get_ref(index).unwrap() {
                    ValueRef::Blob(octets) => data_encoding::HEXLOWER.encode(octets),
                    ValueRef::Text(octets) => String::from_utf8_lossy(octets).into_owned(),
                    other => format!("{other:?}"),
                };
                text += &format!(" {name}={value}");
            }
            found.push(text);
        }
    }
    found.sort();
    found
}
