//! The database engines: an enum over their connections, and the little that everything else of
//! the store asks of them. One SQL text serves all; what must differ stands below here.
//!
//! The names are those of rusqlite, which this was made from: `prepare_cached`, `query_map`,
//! `query_row`, `execute`, `params!`.

mod functions;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;
mod value;

use std::{path::Path, time::Duration};

use rusqlite::params_from_iter;

#[cfg(feature = "postgres")]
pub use postgres::Server;
#[cfg(feature = "postgres")]
pub(super) use postgres::{Renewal, condition, told};
pub(super) use value::{Bind, Cell, Column, OptionalExtension, Value, params};

use super::{OpenOptions, StoreError};

pub(super) type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A connection to a database.
pub(super) enum Connection {
    Sqlite(rusqlite::Connection),
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::Session>),
}

/// A row of the leases.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) host: String,
    pub(super) pid: u32,
    pub(super) started: i64,
    pub(super) since: i64,
    pub(super) has_run_out: bool,
}

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading, with everything as it stood at one moment.
    Reading,
    /// Appending rows that hang on nothing else; the rest only after [`Connection::take_turn`].
    Appending,
    /// Writing, one writer at a time.
    Writing,
}

impl Connection {
    /// Opens or creates the file and brings it to the present version.
    pub(super) fn open_file(path: &Path, options: &OpenOptions) -> Result<Self> {
        sqlite::open(path, options).map(Self::Sqlite)
    }

    /// A database that lives as long as the connection.
    pub(super) fn open_in_memory() -> Result<Self> {
        sqlite::open_in_memory().map(Self::Sqlite)
    }

    /// Connects to a server and brings the database to the present version.
    #[cfg(feature = "postgres")]
    pub(super) fn open_server(server: Server, options: &OpenOptions) -> Result<Self> {
        let session = postgres::Session::open(server, options)?;
        Ok(Self::Postgres(Box::new(session)))
    }

    /// Prepares a statement that is used once.
    pub(super) fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        Ok(match self {
            Self::Sqlite(connection) => Statement::Sqlite(connection.prepare(sql)?),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => Statement::Postgres {
                session,
                sql: sql.to_owned(),
                keep: false,
            },
        })
    }

    /// Prepares a statement, or takes the one that was prepared before.
    pub(super) fn prepare_cached(&self, sql: &str) -> Result<Statement<'_>> {
        Ok(match self {
            Self::Sqlite(connection) => Statement::SqliteCached(connection.prepare_cached(sql)?),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => Statement::Postgres {
                session,
                sql: sql.to_owned(),
                keep: true,
            },
        })
    }

    /// Runs a statement; answers how many rows it changed.
    pub(super) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize> {
        self.prepare(sql)?.execute(values)
    }

    /// Runs statements without values.
    pub(super) fn execute_batch(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.execute_batch(sql),
        }
    }

    /// The first row of a query; [`StoreError::NoRow`] without one.
    pub(super) fn query_row<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.prepare(sql)?.query_row(values, read)
    }

    /// Begins a transaction; it is rolled back when dropped.
    pub(super) fn begin(&self, purpose: Purpose) -> Result<Transaction<'_>> {
        self.start(purpose)?;
        Ok(Transaction {
            connection: self,
            open: true,
        })
    }

    /// Begins a transaction that the caller ends by hand.
    pub(super) fn start(&self, purpose: Purpose) -> Result<()> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(match purpose {
                Purpose::Reading => "BEGIN DEFERRED",
                Purpose::Appending | Purpose::Writing => "BEGIN IMMEDIATE",
            })?),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.start(purpose),
        }
    }

    /// Within a transaction that began by appending: waits until no other writes.
    pub(super) fn take_turn(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.take_turn(),
        }
    }

    /// Whether the database is on a server.
    pub(super) const fn is_shared(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => true,
        }
    }

    /// The lease of this name with its holder, if there is one: host, pid, start of the process,
    /// since when, and whether it has run out. In a file none does: who holds one on another machine
    /// that shares the disk is not to be known.
    pub(super) fn lease(&self, name: &str) -> Result<Option<Lease>> {
        let run_out = match self {
            Self::Sqlite(_) => "0 = 1",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => "expires_at < server_now()",
        };
        let sql = format!("SELECT host, pid, started, since, {run_out} FROM lease WHERE name = $1");
        let found = self.prepare_cached(&sql)?.query_row(params![name], |row| {
            Ok(Lease {
                host: row.get(0)?,
                pid: row.get(1)?,
                started: row.get(2)?,
                since: row.get(3)?,
                has_run_out: row.get(4)?,
            })
        });
        found.optional()
    }

    /// Writes a lease, in the place of one that may be there; on a server it lasts for so long.
    pub(super) fn write_lease(&self, name: &str, lease: &Lease, lasting: Duration) -> Result<()> {
        let [column, value, change] = match self {
            Self::Sqlite(_) => [String::new(), String::new(), String::new()],
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => [
                ", expires_at".to_owned(),
                format!(", server_now() + {}", lasting.as_millis()),
                ", expires_at = excluded.expires_at".to_owned(),
            ],
        };
        #[cfg(not(feature = "postgres"))]
        let _ = lasting;
        let sql = format!(
            "INSERT INTO lease (name, host, pid, started, since{column}) VALUES ($1, $2, $3, $4, $5{value})
             ON CONFLICT (name) DO UPDATE SET host = excluded.host, pid = excluded.pid,
                 started = excluded.started, since = excluded.since{change}"
        );
        self.prepare_cached(&sql)?.execute(params![
            name,
            lease.host,
            lease.pid,
            lease.started,
            lease.since
        ])?;
        Ok(())
    }

    /// Keeps the lease from running out until the answer is dropped; nothing to do for a file.
    #[cfg(feature = "postgres")]
    pub(super) fn keep_lease(
        &self,
        name: &str,
        lease: &Lease,
        lasting: Duration,
    ) -> Option<Renewal> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(session) => {
                let held = (
                    name.to_owned(),
                    lease.host.clone(),
                    lease.pid,
                    lease.started,
                );
                Some(Renewal::start(session.server().clone(), held, lasting))
            }
        }
    }

    /// After rows came with numbers of their own: new ones are numbered behind them.
    pub(super) fn number_on(&self, tables: &[&str]) -> Result<()> {
        match self {
            // It looks for the highest one itself.
            Self::Sqlite(_) => {}
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => {
                for table in tables {
                    let sql = format!(
                        "SELECT setval(pg_get_serial_sequence($1, 'id'), coalesce(max(id), 0) + 1, false) FROM {table}"
                    );
                    self.query_row(&sql, params![table], |_| Ok(()))?;
                }
            }
        }
        #[cfg(not(feature = "postgres"))]
        let _ = tables;
        Ok(())
    }

    /// After an error: makes ready for doing the same again, where that may help; else the error
    /// comes back.
    pub(super) fn recover(&self, error: StoreError) -> Result<()> {
        match self {
            Self::Sqlite(_) => Err(error),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.recover(error),
        }
    }

    /// Whether no transaction is open.
    pub(super) fn is_autocommit(&self) -> bool {
        match self {
            Self::Sqlite(connection) => connection.is_autocommit(),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => !session.in_transaction(),
        }
    }

    /// What stands around a parameter that is a set of ids, so that it becomes a table `j` with
    /// the column `value`.
    pub(super) const fn ids(&self) -> [&'static str; 2] {
        match self {
            Self::Sqlite(_) => ["json_each(", ") j"],
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => ["unnest(CAST(", " AS BIGINT[])) AS j (value)"],
        }
    }

    /// Makes an empty temporary table of this session; `key` is its primary key.
    pub(super) fn temporary_table(&self, name: &str, columns: &[&str]) -> Result<()> {
        let key = columns.join(", ");
        let columns: Vec<String> = columns
            .iter()
            .map(|column| format!("{column} TEXT NOT NULL"))
            .collect();
        let kind = match self {
            Self::Sqlite(_) => "STRICT, WITHOUT ROWID",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => "",
        };
        self.execute_batch(&format!(
            "CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({}, PRIMARY KEY ({key})) {kind};
             DELETE FROM {name};",
            columns.join(", ")
        ))
    }

    /// Where SQLite keeps what it needs for a while: in memory or not. Each statement that a trigger
    /// hangs on keeps the pages it changes, to be able to take itself back; in a file that costs as
    /// much as all the rest. Sorting a whole table for reading, on the other hand, must not fill
    /// the memory. A change of place drops the temporary tables there are.
    pub(super) fn keep_temporary(&self, in_memory: bool) -> Result<()> {
        let place = if in_memory { "memory" } else { "default" };
        match self {
            Self::Sqlite(connection) => Ok(connection.pragma_update(None, "temp_store", place)?),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Whether each row is checked to refer to rows that are there. Within a transaction this is
    /// without effect.
    pub(super) fn check_references(&self, on: bool) -> Result<()> {
        match self {
            Self::Sqlite(connection) => Ok(connection.pragma_update(None, "foreign_keys", on)?),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Ok(()),
        }
    }

    /// What the engine's own check complains of; empty when all is well.
    pub(super) fn check(&self) -> Result<Vec<String>> {
        match self {
            Self::Sqlite(connection) => sqlite::check(connection),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Ok(Vec::new()),
        }
    }

    /// Writes a consistent, compact copy to a file that must not exist.
    pub(super) fn back_up(&self, path: &Path) -> Result<()> {
        match self {
            Self::Sqlite(_) => {
                self.execute("VACUUM INTO $1", params![path.to_string_lossy().as_ref()])?;
                Ok(())
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Err(StoreError::Unsupported(
                "a backup is not written from PostgreSQL by this program: use pg_dump, or store:copy to a file",
            )),
        }
    }

    /// Gives unused space back.
    pub(super) fn vacuum(&self) -> Result<()> {
        match self {
            Self::Sqlite(connection) => sqlite::vacuum(connection),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => self.execute_batch("VACUUM ANALYZE"),
        }
    }

    /// Refreshes what the query planner knows, where it grew stale.
    pub(super) fn optimise(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => self.execute_batch("PRAGMA optimize"),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => self.execute_batch("ANALYZE"),
        }
    }

    /// The size in octets, and how many of them are unused.
    pub(super) fn size(&self) -> Result<(u64, u64)> {
        match self {
            Self::Sqlite(connection) => sqlite::size(connection),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => Ok((session.size()?, 0)),
        }
    }

    /// How the database keeps its journal, where that is a question.
    pub(super) fn journal(&self) -> Result<String> {
        match self {
            Self::Sqlite(_) => self.query_row("PRAGMA journal_mode", params![], |row| row.get(0)),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Ok("wal".into()),
        }
    }

    /// From now on deleted content is overwritten with zeros.
    pub(super) fn delete_securely(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => self.query_row("PRAGMA secure_delete = ON", params![], |_| Ok(())),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Overwrites what was deleted, also in the write-ahead log.
    pub(super) fn wipe_deleted(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => {
                self.query_row("PRAGMA wal_checkpoint(TRUNCATE)", params![], |_| Ok(()))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Ok(()),
        }
    }
}

/// Tests: makes a schema.
#[cfg(all(test, feature = "postgres"))]
pub(super) fn make_schema(server: Server, name: &str) -> Result<()> {
    let session = postgres::Session::connect(server, &OpenOptions::default())?;
    session.execute_batch(&format!("CREATE SCHEMA {name}"))
}

/// The version of the file at `path`, which is neither made nor migrated.
pub(super) fn version_of_file(path: &Path) -> Result<i64> {
    sqlite::version(path)
}

/// The version that a file is brought to.
pub(super) fn known_version() -> usize {
    sqlite::MIGRATIONS.len()
}

/// How long a connection waits for another's lock, where nothing else is said.
pub(super) const WAIT: Duration = Duration::from_secs(10);

/// A transaction: it reads and writes as the connection does.
pub(super) struct Transaction<'c> {
    connection: &'c Connection,
    open: bool,
}

impl<'c> Transaction<'c> {
    pub(super) fn commit(mut self) -> Result<&'c Connection> {
        self.connection.execute_batch("COMMIT")?;
        self.open = false;
        Ok(self.connection)
    }
}

impl std::ops::Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open && !self.connection.is_autocommit() {
            // What cannot be rolled back is rolled back when the connection ends.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

/// A prepared statement.
pub(super) enum Statement<'c> {
    Sqlite(rusqlite::Statement<'c>),
    SqliteCached(rusqlite::CachedStatement<'c>),
    #[cfg(feature = "postgres")]
    Postgres {
        session: &'c postgres::Session,
        sql: String,
        keep: bool,
    },
}

impl Statement<'_> {
    /// Runs it; answers how many rows it changed.
    pub(super) fn execute(&mut self, values: &[Value<'_>]) -> Result<usize> {
        Ok(match self {
            Self::Sqlite(statement) => statement.execute(params_from_iter(values))?,
            Self::SqliteCached(statement) => statement.execute(params_from_iter(values))?,
            #[cfg(feature = "postgres")]
            Self::Postgres { session, sql, keep } => session.execute(sql, *keep, values)?,
        })
    }

    /// Runs it once for each row of values; answers how many rows each changed.
    pub(super) fn execute_each<'v, R: AsRef<[Value<'v>]>>(
        &mut self,
        rows: impl Iterator<Item = R>,
    ) -> Result<Vec<usize>> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres { session, sql, .. } => session.execute_each(sql, rows),
            Self::Sqlite(statement) => sqlite::execute_each(statement, rows),
            Self::SqliteCached(statement) => sqlite::execute_each(statement, rows),
        }
    }

    /// As [`Self::execute_each`], where no two rows of values concern the same row of the table.
    pub(super) fn execute_for_distinct<'v, const N: usize>(
        &mut self,
        rows: impl Iterator<Item = [Value<'v>; N]>,
    ) -> Result<Vec<usize>> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres { session, sql, .. } => session.execute_for_distinct(sql, rows),
            _ => self.execute_each(rows),
        }
    }

    /// Asks it once for each row of values; answers the rows of each as what they are read to.
    pub(super) fn query_each<'v, T, const N: usize>(
        &mut self,
        rows: impl Iterator<Item = [Value<'v>; N]>,
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<Vec<T>>> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres { session, sql, .. } => session
                .fetch_each(sql, rows)?
                .iter()
                .map(|rows| rows.iter().map(|row| read(&Row::Postgres(row))).collect())
                .collect(),
            _ => rows
                .map(|values| self.query_map(&values, &mut read)?.collect())
                .collect(),
        }
    }

    /// As [`Self::query_each`], where each has one row at most.
    pub(super) fn find_each<'v, T, const N: usize>(
        &mut self,
        rows: impl Iterator<Item = [Value<'v>; N]>,
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<Option<T>>> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres { session, sql, .. } => session
                .fetch_each(sql, rows)?
                .iter()
                .map(|rows| {
                    rows.first()
                        .map(|row| read(&Row::Postgres(row)))
                        .transpose()
                })
                .collect(),
            _ => rows
                .map(|values| {
                    self.query(&values)?
                        .next()?
                        .map(|row| read(&row))
                        .transpose()
                })
                .collect(),
        }
    }

    /// Asks it; memory does not grow with the rows.
    pub(super) fn query(&mut self, values: &[Value<'_>]) -> Result<Rows<'_>> {
        Ok(match self {
            Self::Sqlite(statement) => Rows::Sqlite(statement.query(params_from_iter(values))?),
            Self::SqliteCached(statement) => {
                Rows::Sqlite(statement.query(params_from_iter(values))?)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres { session, sql, .. } => {
                Rows::Postgres(postgres::Fetched::many(session, sql, values)?)
            }
        })
    }

    /// Asks it for a few rows.
    fn query_few(&mut self, values: &[Value<'_>]) -> Result<Rows<'_>> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres { session, sql, keep } => {
                let rows = session.fetch(sql, *keep, values)?;
                Ok(Rows::Postgres(postgres::Fetched::few(rows)))
            }
            _ => self.query(values),
        }
    }

    /// Asks it for a few rows, and reads each.
    pub(super) fn query_map<T, F>(&mut self, values: &[Value<'_>], read: F) -> Result<Mapped<'_, F>>
    where
        F: FnMut(&Row<'_>) -> Result<T>,
    {
        Ok(Mapped {
            rows: self.query_few(values)?,
            read,
        })
    }

    /// Its first row; [`StoreError::NoRow`] without one.
    pub(super) fn query_row<T>(
        &mut self,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        match self.query_few(values)?.next()? {
            Some(row) => read(&row),
            None => Err(StoreError::NoRow),
        }
    }

    /// The names of the columns it answers.
    pub(super) fn column_names(&self) -> Result<Vec<String>> {
        let names = match self {
            Self::Sqlite(statement) => statement.column_names(),
            Self::SqliteCached(statement) => statement.column_names(),
            #[cfg(feature = "postgres")]
            Self::Postgres { session, sql, keep } => {
                let statement = session.prepare(sql, *keep)?;
                let columns = statement.columns().iter();
                return Ok(columns.map(|column| column.name().to_owned()).collect());
            }
        };
        Ok(names.into_iter().map(str::to_owned).collect())
    }
}

/// The rows of a query, one after the other.
pub(super) enum Rows<'s> {
    Sqlite(rusqlite::Rows<'s>),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Fetched<'s>),
}

impl Rows<'_> {
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>> {
        Ok(match self {
            Self::Sqlite(rows) => rows.next()?.map(Row::Sqlite),
            #[cfg(feature = "postgres")]
            Self::Postgres(rows) => rows.next()?.map(Row::Postgres),
        })
    }
}

/// The rows of a query as what they are read to.
pub(super) struct Mapped<'s, F> {
    rows: Rows<'s>,
    read: F,
}

impl<T, F: FnMut(&Row<'_>) -> Result<T>> Iterator for Mapped<'_, F> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        match self.rows.next() {
            Ok(Some(row)) => Some((self.read)(&row)),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

/// A row of a query.
pub(super) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    #[cfg(feature = "postgres")]
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    /// What stands in a column.
    #[inline]
    pub(super) fn cell(&self, index: usize) -> Result<Cell<'_>> {
        match self {
            Self::Sqlite(row) => sqlite::cell(row, index),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => postgres::cell(row, index),
        }
    }

    #[inline]
    pub(super) fn get<T: Column>(&self, index: usize) -> Result<T> {
        let cell = self.cell(index)?;
        T::read(cell).ok_or_else(|| value::unexpected(index, cell))
    }

    /// The octets of a blob or a text, without looking at them; none where there is nothing.
    #[inline]
    pub(super) fn raw(&self, index: usize) -> Result<&[u8]> {
        match self {
            Self::Sqlite(row) => sqlite::raw(row, index),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => match postgres::cell(row, index)? {
                Cell::Null => Ok(&[]),
                Cell::Text(text) => Ok(text.as_bytes()),
                Cell::Blob(octets) => Ok(octets),
                other => Err(value::unexpected(index, other)),
            },
        }
    }

    /// The octets of a column, without copying them.
    pub(super) fn octets(&self, index: usize) -> Result<&[u8]> {
        match self.cell(index)? {
            Cell::Blob(octets) => Ok(octets),
            other => Err(value::unexpected(index, other)),
        }
    }

    /// The text of a column, without copying it.
    pub(super) fn text(&self, index: usize) -> Result<&str> {
        match self.cell(index)? {
            Cell::Text(text) => Ok(text),
            other => Err(value::unexpected(index, other)),
        }
    }
}
