//! The only place that names rusqlite: opening, migrating, and transactions.
//!
//! # Locking
//! Writers use `BEGIN IMMEDIATE`: a deferred transaction that upgrades fails at once whatever the
//! busy timeout. Readers go on beside them (WAL).
//!
//! # Compatibility
//! `user_version` counts the migrations. They are append-only: never edit or remove one that has
//! been released. A database of a newer version is refused.
//!
//! # One store, two engines
//! The API speaks in domain types and in sets, the SQL in numbered parameters, `ON CONFLICT` and
//! natural keys, so that another engine can stand behind it.

mod changes;
mod contacts;
mod do_not_contact;
mod error;
mod events;
mod explain;
mod exports;
mod forgotten;
mod functions;
#[cfg(test)]
mod histories;
mod history;
mod inspection;
mod lease;
mod maintenance;
mod membership;
mod outbox;
mod outlines;
mod pending;
mod quarantine;
mod raw_messages;
mod releases;
mod roll_up;
mod runs;
mod segments;
mod selection;
mod sends;
mod statistics;

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

pub use contacts::{Contact, ImportCounts, NewContact};
pub use do_not_contact::{DoNotContact, LIVE};
pub use error::StoreError;
pub use events::EventRow;
pub use explain::{Cells, Evidence};
pub use exports::Exporting;
pub use forgotten::Forgotten;
pub use inspection::Version;
pub use lease::{Holder, LeaseRefused};
pub use maintenance::{Removed, Retention};
pub use membership::Difference;
pub(crate) use membership::{BuildNote, Seen};
pub use outbox::Undelivered;
pub use outlines::Outline;
pub use pending::FolderId;
pub use quarantine::Quarantined;
pub use raw_messages::{ArchivePlace, ArchivedMail};
pub use runs::{Run, RunTraces};
pub use segments::{Member, Origin, Segment};
pub use selection::Selection;
pub use sends::{NewSend, Send};
pub use statistics::{
    DiagnosticCount, DomainCount, EventCount, Returned, Scope, SegmentCount, SourceCount,
    Statistics, SuppressedCount,
};

/// Append-only. The number of entries is the version.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_segments.sql"),
    include_str!("migrations/0003_archive.sql"),
    include_str!("migrations/0004_steering.sql"),
    include_str!("migrations/0005_forgotten.sql"),
    include_str!("migrations/0006_append.sql"),
    include_str!("migrations/0007_roll_up.sql"),
    include_str!("migrations/0008_contacts_noted.sql"),
];

/// Marks a database file as ours (`bkit`).
const APPLICATION_ID: i32 = 0x626b_6974;

/// The database.
pub struct Store {
    connection: Connection,
    outbox: bool,
}

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// How long a writer waits for another.
    pub wait: Duration,
    /// Page cache in MiB.
    pub cache: u32,
    /// Whether new suppressions are put into the outbox for a hook.
    pub outbox: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(10),
            cache: 16,
            outbox: false,
        }
    }
}

impl Store {
    /// Opens or creates the database at `path` and brings it to the present version.
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|cause| StoreError::open(path, &cause))?;
        Self::prepare(connection, options).map_err(|cause| cause.at(path))
    }

    /// A database that lives as long as the value; for tests and for commands without one.
    pub fn open_in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?, OpenOptions::default())
    }

    fn prepare(connection: Connection, options: OpenOptions) -> Result<Self, StoreError> {
        connection.busy_timeout(options.wait)?;
        connection.set_prepared_statement_cache_capacity(64);
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let known = MIGRATIONS.len();
        if usize::try_from(found).is_ok_and(|found| found > known) {
            return Err(StoreError::Newer { found, known });
        }
        connection.pragma_update(None, "journal_mode", "wal")?;
        // An acknowledged mail is gone from the server: what is committed must be on disk.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", -i64::from(options.cache) * 1024)?;
        // In pages of 4 KiB: as much as the cache holds. A page that many commits change is written
        // back to its place once.
        connection.pragma_update(None, "wal_autocheckpoint", i64::from(options.cache) * 256)?;
        functions::register(&connection)?;
        let mut store = Self {
            connection,
            outbox: options.outbox,
        };
        if usize::try_from(found).is_ok_and(|found| found < known) {
            store.migrate()?;
        }
        Ok(store)
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Exclusive)?;
        // Read again under the lock: another process may have migrated meanwhile.
        let found: usize = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found == 0 {
            let tables: i64 =
                transaction
                    .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if tables > 0 {
                return Err(StoreError::NotOurs);
            }
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        for migration in MIGRATIONS.get(found..).unwrap_or_default() {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
        transaction.commit()?;
        Ok(())
    }

    /// Begins a writing transaction; it is rolled back when dropped.
    pub fn begin(&mut self) -> Result<Batch<'_>, StoreError> {
        keep_temporary(&self.connection, "memory")?;
        self.begin_beside_temporary()
    }

    /// As [`Self::begin`], without losing the temporary tables there are.
    fn begin_beside_temporary(&mut self) -> Result<Batch<'_>, StoreError> {
        Ok(Batch {
            outbox: self.outbox,
            connection: &self.connection,
            transaction: Transaction::new_unchecked(
                &self.connection,
                TransactionBehavior::Immediate,
            )?,
        })
    }
}

/// One writing transaction: what stands in it happens as a whole or not at all.
pub struct Batch<'s> {
    connection: &'s Connection,
    transaction: Transaction<'s>,
    outbox: bool,
}

impl Batch<'_> {
    pub fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit()?;
        keep_temporary(self.connection, "default")
    }
}

/// Where SQLite keeps what it needs for a while. Each statement that a trigger hangs on keeps the
/// pages it changes, to be able to take itself back; in a file that costs as much as all the rest.
/// Sorting a whole table for reading, on the other hand, must not fill the memory. A change of place
/// drops the temporary tables there are.
fn keep_temporary(connection: &Connection, place: &str) -> Result<(), StoreError> {
    Ok(connection.pragma_update(None, "temp_store", place)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_made_once_and_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.db");
        for _ in 0..2 {
            let store = Store::open(&path, OpenOptions::default()).unwrap();
            let version: usize = store
                .connection
                .query_row("PRAGMA user_version", [], |row| row.get(0))
                .unwrap();
            assert_eq!(version, MIGRATIONS.len());
        }
    }

    #[test]
    fn files_that_are_not_ours_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "x".repeat(4096)).unwrap();
        let error = Store::open(&path, OpenOptions::default()).err().unwrap();
        assert!(
            error.to_string().contains("notes.txt") && error.to_string().contains("not a database"),
            "{error}"
        );

        let path = folder.path().join("newer.db");
        drop(Store::open(&path, OpenOptions::default()).unwrap());
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", 999)
            .unwrap();
        let error = Store::open(&path, OpenOptions::default()).err().unwrap();
        assert!(error.to_string().contains("999"), "{error}");

        let path = folder.path().join("other.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE t (x)")
            .unwrap();
        let error = Store::open(&path, OpenOptions::default()).err().unwrap();
        assert!(error.to_string().contains("other program"), "{error}");
    }
}
