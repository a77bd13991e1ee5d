//! PostgreSQL, and what speaks its wire protocol.
//!
//! # Locking
//! Writing transactions take turns by the lock on the row of `turn`, as SQLite's do by the lock on
//! the file: what is read while judging cannot change before it is written. Readers go on beside
//! them. New events are appended before the turn is taken ([`Purpose::Appending`]): that is most of
//! the work, and the unique key alone decides whose they are.
//!
//! # Lost connections
//! A statement outside a transaction is repeated on a new connection. A transaction is lost with
//! its connection; [`super::Connection::recover`] waits for a new one, so that the whole of it can
//! be done again.
//!
//! # Many statements
//! [`Session::execute_each`] has hundreds of statements on their way at once: each costs what the
//! server does for it, not a journey there and back. Insertions of a row become such of hundreds, and
//! so do queries ([`Session::fetch_each`]) and changes of distinct rows.

mod condition;
mod dialect;
mod insertion;
mod pattern;
mod renewal;
mod rows;
mod server;
mod set;
mod types;

use std::{
    cell::{Cell as Flag, RefCell},
    collections::HashMap,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Statement, error::SqlState};

pub(in crate::store) use condition::condition;
pub use server::Server;
pub(in crate::store) use server::told;

use super::{Cell, OpenOptions, Purpose, Result, StoreError, Value};
use insertion::Insertion;
pub(in crate::store) use renewal::Renewal;
pub(in crate::store) use rows::Fetched;
use types::Parameter;
pub(super) use types::cell;

/// Append-only. The number of entries is the version.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// So many statements are on their way at once.
const UNDER_WAY: usize = 500;
/// So many rows are inserted by one statement; what is left over by smaller ones.
const ROWS: [usize; 3] = [200, 20, 1];
/// So many rows are asked for, or changed, by one statement, and so many statements are on their way.
const SET: usize = 500;
const SETS_UNDER_WAY: usize = 8;
/// Fewer are asked for one by one.
const SMALL: usize = 8;
/// However small a table is when a statement is planned: it may grow under the plan.
const BY_INDEX: &str =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";
const AS_BEFORE: &str = "RESET enable_seqscan; RESET enable_hashjoin; RESET enable_mergejoin";
/// A new connection is tried for at least so long: a fail-over takes its time.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// A connection that is made anew when it is lost.
pub(in crate::store) struct Session {
    runtime: Runtime,
    server: Server,
    wait: Duration,
    link: RefCell<Link>,
    /// A transaction is open.
    open: Flag<bool>,
    /// It has its turn to write.
    turn: Flag<bool>,
    /// Names of cursors so far.
    cursors: Flag<u64>,
    /// When tries for a new connection began.
    lost_since: Flag<Option<Instant>>,
}

struct Link {
    client: Client,
    /// By their text.
    statements: HashMap<String, Statement>,
}

impl Session {
    /// Connects, and brings the database to the present version.
    pub(super) fn open(server: Server, options: &OpenOptions) -> Result<Self> {
        let session = Self::connect(server, options)?;
        let found = session.version()?;
        let known = MIGRATIONS.len();
        if usize::try_from(found).is_ok_and(|found| found > known) {
            return Err(StoreError::Newer { found, known });
        }
        if usize::try_from(found).is_ok_and(|found| found < known) {
            session.migrate()?;
        }
        Ok(session)
    }

    /// Connects, and changes nothing.
    pub(super) fn connect(server: Server, options: &OpenOptions) -> Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|cause| StoreError::Io(cause.to_string()))?;
        let link = link(&runtime, &server, options.wait)?;
        Ok(Self {
            runtime,
            server,
            wait: options.wait,
            link: RefCell::new(link),
            open: Flag::new(false),
            turn: Flag::new(false),
            cursors: Flag::new(0),
            lost_since: Flag::new(None),
        })
    }

    /// 0 where there are no tables of ours.
    pub(super) fn version(&self) -> Result<i64> {
        let link = self.link.borrow();
        let asked = self.runtime.block_on(
            link.client
                .query_opt("SELECT version FROM schema_version WHERE id = 1", &[]),
        );
        match asked {
            Ok(row) => Ok(row.map_or(0, |row| row.get(0))),
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    fn migrate(&self) -> Result<()> {
        // Two that make the table at once: the second is told so, and finds it.
        let _ = self.batch(
            "CREATE TABLE IF NOT EXISTS schema_version (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)",
        );
        self.batch(
            "INSERT INTO schema_version (id, version) VALUES (1, 0) ON CONFLICT (id) DO NOTHING",
        )?;
        let migrated = self.batch("BEGIN").and_then(|()| {
            self.batch("SELECT 1 FROM schema_version WHERE id = 1 FOR UPDATE")?;
            // Read again under the lock: another process may have migrated meanwhile.
            let found = usize::try_from(self.version()?).unwrap_or(0);
            for migration in MIGRATIONS.get(found..).unwrap_or_default() {
                self.batch(migration)?;
                self.batch("UPDATE schema_version SET version = version + 1 WHERE id = 1")?;
            }
            self.batch("COMMIT")
        });
        if migrated.is_err() {
            let _ = self.batch("ROLLBACK");
        }
        migrated
    }

    fn batch(&self, sql: &str) -> Result<()> {
        let link = self.link.borrow();
        Ok(self.runtime.block_on(link.client.batch_execute(sql))?)
    }

    pub(super) fn execute_batch(&self, sql: &str) -> Result<()> {
        let result = self.repeating(|| self.batch(sql));
        if matches!(sql, "COMMIT" | "ROLLBACK") {
            self.open.set(false);
        }
        result
    }

    pub(super) fn start(&self, purpose: Purpose) -> Result<()> {
        let sql = match purpose {
            Purpose::Reading => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            Purpose::Appending => "BEGIN",
            Purpose::Writing => "BEGIN; SELECT id FROM turn WHERE id = 1 FOR UPDATE",
        };
        let result = self.repeating(|| self.batch(sql));
        self.turn.set(purpose == Purpose::Writing);
        match result {
            Ok(()) => self.open.set(true),
            // The transaction began, but it was not its turn.
            Err(_) => drop(self.batch("ROLLBACK")),
        }
        result
    }

    /// Waits for the transaction's turn, if it did not before.
    pub(super) fn take_turn(&self) -> Result<()> {
        if self.open.get() && !self.turn.get() {
            self.batch("SELECT id FROM turn WHERE id = 1 FOR UPDATE")?;
            self.turn.set(true);
        }
        Ok(())
    }

    pub(super) fn in_transaction(&self) -> bool {
        self.open.get()
    }

    /// Does it again on a new connection where the present one is lost, outside a transaction.
    fn repeating<T>(&self, ask: impl Fn() -> Result<T>) -> Result<T> {
        loop {
            match ask() {
                Err(error) if !self.open.get() && error.is_transient() => self.recover(error)?,
                result => {
                    if result.is_ok() {
                        self.lost_since.set(None);
                    }
                    return result;
                }
            }
        }
    }

    /// Ends what is left of a transaction; waits for a connection where it is lost. The error comes
    /// back where waiting does not help, or took too long.
    pub(super) fn recover(&self, error: StoreError) -> Result<()> {
        if !error.is_transient() {
            return Err(error);
        }
        let began = self.lost_since.get().unwrap_or_else(Instant::now);
        self.lost_since.set(Some(began));
        self.open.set(false);
        if !self.link.borrow().client.is_closed() && self.batch("ROLLBACK").is_ok() {
            if began.elapsed() > self.wait.max(PATIENCE) {
                return Err(error);
            }
            if !error.is_lost() {
                std::thread::sleep(PAUSE / 10);
                return Ok(());
            }
        }
        log::warn!("{error}; a new connection is tried");
        loop {
            if began.elapsed() > self.wait.max(PATIENCE) {
                return Err(error);
            }
            std::thread::sleep(PAUSE);
            match link(&self.runtime, &self.server, self.wait) {
                Ok(link) => {
                    *self.link.borrow_mut() = link;
                    return Ok(());
                }
                Err(cause) => log::debug!("{cause}"),
            }
        }
    }

    /// The statement for this text; one that is kept is there the next time.
    pub(super) fn prepare(&self, sql: &str, keep: bool) -> Result<Statement> {
        if let Some(known) = self.link.borrow().statements.get(sql) {
            return Ok(known.clone());
        }
        let text = dialect::translate(sql);
        let statement = {
            let link = self.link.borrow();
            self.runtime.block_on(link.client.prepare(&text))
        };
        let statement = statement.map_err(|cause| of_statement(cause, &text))?;
        if keep {
            let mut link = self.link.borrow_mut();
            link.statements.insert(sql.to_owned(), statement.clone());
        }
        Ok(statement)
    }

    pub(super) fn execute(&self, sql: &str, keep: bool, values: &[Value<'_>]) -> Result<usize> {
        self.repeating(|| {
            let statement = self.prepare(sql, keep)?;
            let link = self.link.borrow();
            let changed = self.runtime.block_on(
                link.client
                    .execute_raw(&statement, values.iter().map(Parameter)),
            )?;
            Ok(usize::try_from(changed).unwrap_or(usize::MAX))
        })
    }

    /// All rows at once; for few.
    pub(super) fn fetch(
        &self,
        sql: &str,
        keep: bool,
        values: &[Value<'_>],
    ) -> Result<Vec<tokio_postgres::Row>> {
        self.repeating(|| {
            let statement = self.prepare(sql, keep)?;
            let link = self.link.borrow();
            Ok(self.runtime.block_on(async {
                let rows = link
                    .client
                    .query_raw(&statement, values.iter().map(Parameter))
                    .await?;
                rows.try_collect().await
            })?)
        })
    }

    /// Runs a statement once for each row of values; answers how many rows each changed.
    pub(super) fn execute_each<'v, R: AsRef<[Value<'v>]>>(
        &self,
        sql: &str,
        rows: impl Iterator<Item = R>,
    ) -> Result<Vec<usize>> {
        if let Some(insertion) = Insertion::parse(sql) {
            let rows: Vec<R> = rows.collect();
            return self.insert(&insertion, &rows);
        }
        let statement = self.prepare(sql, true)?;
        let link = self.link.borrow();
        let (client, statement) = (&link.client, &statement);
        let asked = stream::iter(rows).map(|values| async move {
            let changed = client
                .execute_raw(statement, values.as_ref().iter().map(Parameter))
                .await?;
            Ok::<_, StoreError>(usize::try_from(changed).unwrap_or(usize::MAX))
        });
        self.runtime
            .block_on(asked.buffered(UNDER_WAY).try_collect())
    }

    fn insert<'v, R: AsRef<[Value<'v>]>>(
        &self,
        insertion: &Insertion<'_>,
        rows: &[R],
    ) -> Result<Vec<usize>> {
        let mut pieces = Vec::new();
        let mut left = rows;
        while !left.is_empty() {
            let fitting = insertion.fitting(left, ROWS[0]);
            let size = ROWS.into_iter().find(|size| *size <= fitting).unwrap_or(1);
            let (piece, rest) = left.split_at(size);
            pieces.push((self.prepare(&insertion.text(size), true)?, piece));
            left = rest;
        }
        let link = self.link.borrow();
        let client = &link.client;
        let asked = stream::iter(&pieces).map(|(statement, piece)| async move {
            let values: Vec<&Value<'v>> = piece.iter().flat_map(AsRef::as_ref).collect();
            let values = values.into_iter().map(Parameter);
            let answered = client.query_raw(statement, values).await?;
            let answered: Vec<_> = answered.try_collect().await?;
            insertion.changed(piece, &answered)
        });
        let changed: Vec<Vec<usize>> = self
            .runtime
            .block_on(asked.buffered(UNDER_WAY).try_collect())?;
        Ok(changed.concat())
    }

    /// Asks a query once for each row of values; the rows of each.
    pub(super) fn fetch_each<'v, const N: usize>(
        &self,
        sql: &str,
        rows: impl Iterator<Item = [Value<'v>; N]>,
    ) -> Result<Vec<Vec<tokio_postgres::Row>>> {
        let rows: Vec<[Value<'v>; N]> = rows.collect();
        if rows.len() >= SMALL
            && let Some(statement) = self.prepare_set(sql)?
        {
            let mut answers: Vec<Vec<tokio_postgres::Row>> = rows.iter().map(|_| vec![]).collect();
            let numbered = set::is_numbered(sql);
            for (piece, answered) in self.ask_sets(&statement, &rows)?.into_iter().enumerate() {
                for (place, row) in answered.into_iter().enumerate() {
                    let place = if numbered { number(&row)? } else { place };
                    if let Some(answer) = answers.get_mut(piece * SET + place) {
                        answer.push(row);
                    }
                }
            }
            return Ok(answers);
        }
        let statement = self.prepare(sql, true)?;
        let link = self.link.borrow();
        let (client, statement) = (&link.client, &statement);
        let asked = stream::iter(rows).map(|values| async move {
            let rows = client
                .query_raw(statement, values.iter().map(Parameter))
                .await?;
            Ok::<_, StoreError>(rows.try_collect::<Vec<_>>().await?)
        });
        self.runtime
            .block_on(asked.buffered(UNDER_WAY).try_collect())
    }

    /// As [`Self::execute_each`], where no two rows of values concern the same row.
    pub(super) fn execute_for_distinct<'v, const N: usize>(
        &self,
        sql: &str,
        rows: impl Iterator<Item = [Value<'v>; N]>,
    ) -> Result<Vec<usize>> {
        let rows: Vec<[Value<'v>; N]> = rows.collect();
        let set = if rows.len() < SMALL {
            None
        } else {
            self.prepare_set(sql)?
        };
        let Some(statement) = set else {
            return self.execute_each(sql, rows.into_iter());
        };
        let mut changed = vec![0; rows.len()];
        for (piece, answered) in self.ask_sets(&statement, &rows)?.iter().enumerate() {
            for row in answered {
                if let Some(changed) = changed.get_mut(piece * SET + number(row)?) {
                    *changed += 1;
                }
            }
        }
        Ok(changed)
    }

    /// The statement for many rows of values in the place of one for one, where there is such.
    fn prepare_set(&self, sql: &str) -> Result<Option<Statement>> {
        let single = self.prepare(sql, true)?;
        let text = set::of_many(&dialect::translate(sql), single.params());
        text.map(|text| self.prepare(&text, true)).transpose()
    }

    /// What is answered to each [`SET`] of rows.
    fn ask_sets<const N: usize>(
        &self,
        statement: &Statement,
        rows: &[[Value<'_>; N]],
    ) -> Result<Vec<Vec<tokio_postgres::Row>>> {
        self.batch(BY_INDEX)?;
        let link = self.link.borrow();
        let client = &link.client;
        let asked = stream::iter(rows.chunks(SET)).map(|piece| async move {
            let columns = (0..N).map(|column| -> Vec<_> {
                piece.iter().map(|row| Parameter(&row[column])).collect()
            });
            let answered = client.query_raw(statement, columns).await?;
            Ok::<_, StoreError>(answered.try_collect::<Vec<_>>().await?)
        });
        let answers = self
            .runtime
            .block_on(asked.buffered(SETS_UNDER_WAY).try_collect());
        // After an error within a transaction it is taken back with it.
        let reset = self.batch(AS_BEFORE);
        let answers = answers?;
        reset.map(|()| answers)
    }

    /// Where it is connected to.
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// The size of the tables in octets.
    pub(super) fn size(&self) -> Result<u64> {
        let rows = self.fetch(
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
             WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace",
            false,
            &[],
        )?;
        let size: i64 = rows.first().map_or(0, |row| row.get(0));
        Ok(size.cast_unsigned())
    }
}

/// The place of the row of values that an answer belongs to, which is its last column.
fn number(row: &tokio_postgres::Row) -> Result<usize> {
    match cell(row, row.len() - 1)? {
        Cell::Integer(number) => Ok(usize::try_from(number - 1).unwrap_or(usize::MAX)),
        other => Err(StoreError::Other(format!(
            "{other:?} is not the number of a row"
        ))),
    }
}

/// An error of the program's own SQL shows which.
fn of_statement(cause: tokio_postgres::Error, text: &str) -> StoreError {
    match StoreError::from(cause) {
        StoreError::Other(cause) => StoreError::Other(format!("{cause} in: {text}")),
        error => error,
    }
}

fn link(runtime: &Runtime, server: &Server, wait: Duration) -> Result<Link> {
    let client = runtime.block_on(async {
        let (client, connection) = server.connect().await?;
        tokio::spawn(connection);
        Ok::<_, StoreError>(client)
    })?;
    let set_up = format!(
        "SET lock_timeout = {}; SET client_min_messages = warning; SET bytea_output = hex",
        wait.as_millis().max(1)
    );
    runtime
        .block_on(client.batch_execute(&set_up))
        .map_err(|cause| server.unreachable(&cause))?;
    Ok(Link {
        client,
        statements: HashMap::new(),
    })
}
