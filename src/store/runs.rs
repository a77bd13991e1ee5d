//! Runs: which command did what, so that every row can be traced and taken back.

use std::collections::HashSet;

use super::engine::{OptionalExtension, Row, params};
use super::{Batch, Store, StoreError};
use crate::{address::AddressKey, time::Timestamp};

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
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM run ORDER BY id DESC LIMIT $1"
        ))?;
        let rows = select.query_map(params![limit], run)?;
        rows.collect()
    }

    /// The run of this id.
    pub fn run(&self, id: i64) -> Result<Option<Run>, StoreError> {
        self.connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE id = $1"))?
            .query_row(params![id], run)
            .optional()
    }

    /// Which runs are undone.
    pub fn undone_runs(&self) -> Result<HashSet<i64>, StoreError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT id FROM run WHERE undone_at IS NOT NULL")?;
        let rows = select.query_map(params![], |row| row.get(0))?;
        rows.collect()
    }

    /// What a run left behind.
    pub fn run_traces(&self, id: i64) -> Result<RunTraces, StoreError> {
        let count = |sql: &str| -> Result<Vec<(String, u64)>, StoreError> {
            let mut select = self.connection.prepare_cached(sql)?;
            let rows = select.query_map(params![id], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        };
        Ok(RunTraces {
            events: count(
                "SELECT CASE WHEN permanence IS NULL OR kind <> 'bounce' THEN kind ELSE permanence || '_' || kind END,
                        count(*) FROM event WHERE run = $1 GROUP BY 1 ORDER BY 2 DESC, 1",
            )?,
            listed: count(
                "SELECT CASE WHEN detail = '' THEN reason ELSE reason || ' ' || detail END, count(*)
                 FROM do_not_contact WHERE run = $1 GROUP BY 1 ORDER BY 2 DESC, 1",
            )?,
            released: count(
                "SELECT CASE WHEN d.detail = '' THEN d.reason ELSE d.reason || ' ' || d.detail END, count(*)
                 FROM event AS e JOIN released AS d ON d.release = e.key WHERE e.run = $1 GROUP BY 1 ORDER BY 2 DESC, 1",
            )?,
        })
    }
}

pub(super) const COLUMNS: &str =
    "id, command, host, pid, started_at, finished_at, accounting, undone_at";

pub(super) fn run(row: &Row<'_>) -> Result<Run, StoreError> {
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
}

/// What a run left behind: how many of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct RunTraces {
    pub events: Vec<(String, u64)>,
    /// Do-not-contact rows it caused and that are still there.
    pub listed: Vec<(String, u64)>,
    /// Do-not-contact rows it took back.
    pub released: Vec<(String, u64)>,
}

impl Batch<'_> {
    /// The accounting so far, written with the rows it counts.
    pub fn account(&self, run: i64, accounting: &str) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached("UPDATE run SET accounting = $1 WHERE id = $2")?
            .execute(params![accounting, run])?;
        Ok(())
    }

    /// From now on the events of the run count for nothing; false if they did so before.
    pub(crate) fn mark_undone(&self, run: i64, now: Timestamp) -> Result<bool, StoreError> {
        let marked = self
            .transaction
            .prepare_cached("UPDATE run SET undone_at = $1 WHERE id = $2 AND undone_at IS NULL")?
            .execute(params![now.0, run])?;
        if marked == 1 {
            self.discard_counts()?;
        }
        Ok(marked == 1)
    }

    /// Collects the addresses that the run recorded something of, for
    /// [`Self::addresses_of_run_after`]: in order they are found once, not for each chunk anew.
    pub(crate) fn collect_addresses_of_run(&self, run: i64) -> Result<(), StoreError> {
        self.transaction
            .temporary_table("undoing", &["address_key"])?;
        self.transaction.execute(
            "INSERT INTO undoing SELECT DISTINCT address_key FROM event WHERE run = $1 AND address_key IS NOT NULL
             ORDER BY address_key",
            params![run],
        )?;
        Ok(())
    }

    /// The collected addresses after a place, in their order.
    pub(crate) fn addresses_of_run_after(
        &self,
        place: Option<&AddressKey>,
        limit: u32,
    ) -> Result<Vec<AddressKey>, StoreError> {
        let mut select = self.transaction.prepare_cached(
            "SELECT address_key FROM undoing WHERE address_key > $1 ORDER BY address_key LIMIT $2",
        )?;
        let place = place.map_or("", AddressKey::as_str);
        let rows = select.query_map(params![place, limit], |row| row.get(0))?;
        rows.map(|row| row.map(AddressKey::from_stored))
            .collect::<Result<_, _>>()
    }
}
