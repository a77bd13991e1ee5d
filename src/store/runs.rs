//! Runs: which command did what, so that every row can be traced and taken back.

use rusqlite::params;

use super::{Batch, Store, StoreError};
use crate::time::Timestamp;

/// A row of the run table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Run {
    pub id: i64,
    pub command: String,
    pub host: String,
    pub pid: u32,
    /// UTC milliseconds.
    pub started_at: i64,
    pub finished_at: Option<i64>,
    /// JSON object of counts.
    pub accounting: String,
    pub undone_at: Option<i64>,
}

impl Store {
    /// Notes that a run began; answers its id.
    pub fn begin_run(
        &mut self,
        command: &str,
        host: &str,
        pid: u32,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let id = self.connection.query_row(
            "INSERT INTO run (command, host, pid, started_at) VALUES ($1, $2, $3, $4) RETURNING id",
            params![command, host, pid, now.0],
            |row| row.get(0),
        )?;
        Ok(id)
    }

    /// Notes that a run ended, with its accounting (a JSON object).
    pub fn finish_run(
        &mut self,
        run: i64,
        accounting: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE run SET finished_at = $1, accounting = $2 WHERE id = $3",
            params![now.0, accounting, run],
        )?;
        Ok(())
    }

    /// The latest runs, newest first.
    pub fn runs(&self, limit: u32) -> Result<Vec<Run>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, command, host, pid, started_at, finished_at, accounting, undone_at FROM run ORDER BY id DESC LIMIT $1",
        )?;
        let rows = select.query_map([limit], |row| {
            Ok(Run {
                id: row.get(0)?,
                command: row.get(1)?,
                host: row.get(2)?,
                pid: row.get(3)?,
                started_at: row.get(4)?,
                finished_at: row.get(5)?,
                accounting: row.get(6)?,
                undone_at: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Batch<'_> {
    /// The accounting so far, written with the rows it counts.
    pub fn account(&self, run: i64, accounting: &str) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached("UPDATE run SET accounting = $1 WHERE id = $2")?
            .execute(params![accounting, run])?;
        Ok(())
    }
}
