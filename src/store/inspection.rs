//! What a doctor asks of a database: that nothing is changed by asking.

use std::path::Path;

use super::engine::{self, OptionalExtension as _, params};
use super::{Holder, LeaseRefused, Run, Store, StoreError, runs};
use crate::time::Timestamp;

/// The version of a database, and the version that this program brings it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    pub found: i64,
    pub known: usize,
}

impl Store {
    /// The version of the database at `path`, which is neither made nor migrated.
    pub fn version(path: &Path) -> Result<Version, StoreError> {
        Ok(Version {
            found: engine::version_of_file(path)?,
            known: engine::known_version(),
        })
    }

    /// How the database keeps its journal: `wal`, unless the file system cannot.
    pub fn journal(&self) -> Result<String, StoreError> {
        self.connection.journal()
    }

    /// Every lease by name: who holds it, and since when.
    pub fn leases(&self) -> Result<Vec<(String, LeaseRefused)>, StoreError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT name, host, pid, started, since FROM lease ORDER BY name")?;
        let rows = select.query_map(params![], |row| {
            let started: i64 = row.get(3)?;
            let holder = Holder {
                host: row.get(1)?,
                pid: row.get(2)?,
                started: started.cast_unsigned(),
            };
            let since = Timestamp(row.get(4)?);
            Ok((row.get(0)?, LeaseRefused { holder, since }))
        })?;
        rows.collect()
    }

    /// Runs that began before `before` and never ended, newest first.
    pub fn unfinished_runs(&self, before: Timestamp, limit: u32) -> Result<Vec<Run>, StoreError> {
        let columns = runs::COLUMNS;
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT {columns} FROM run WHERE finished_at IS NULL AND started_at < $1 ORDER BY id DESC LIMIT $2"
        ))?;
        let rows = select.query_map(params![before.0, limit], runs::run)?;
        rows.collect()
    }

    /// When a run of `command` last ended.
    pub fn last_finished(&self, command: &str) -> Result<Option<Timestamp>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT finished_at FROM run WHERE command = $1 AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1",
        )?;
        let found = select
            .query_row(params![command], |row| row.get(0))
            .optional()?;
        Ok(found.map(Timestamp))
    }

    /// The latest time at which anything was noted.
    pub fn latest(&self) -> Result<Option<Timestamp>, StoreError> {
        let latest: Option<i64> = self.connection.query_row(
            "SELECT max(at) FROM (SELECT max(started_at) AS at FROM run UNION ALL SELECT max(received_at) FROM event) AS noted",
            params![],
            |row| row.get(0),
        )?;
        Ok(latest.map(Timestamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_leases_are_told_apart_by_what_became_of_them() {
        let mut store = Store::open_in_memory().unwrap();
        assert_eq!(store.latest().unwrap(), None);
        let done = store.begin_run("fetch", "h", 1, Timestamp(10)).unwrap();
        store.finish_run(done, "{}", Timestamp(12)).unwrap();
        let left = store.begin_run("fetch", "h", 2, Timestamp(20)).unwrap();
        let ids = |before| {
            let runs = store.unfinished_runs(Timestamp(before), 9).unwrap();
            runs.iter().map(|run| run.id).collect::<Vec<_>>()
        };
        assert_eq!((ids(20), ids(21)), (vec![], vec![left]));
        assert_eq!(store.last_finished("fetch").unwrap(), Some(Timestamp(12)));
        assert_eq!(store.last_finished("replay").unwrap(), None);
        assert_eq!(store.latest().unwrap(), Some(Timestamp(20)));
        let holder = Holder {
            host: "h".into(),
            pid: 2,
            started: u64::MAX,
        };
        store
            .take_lease("m", &holder, Timestamp(5), |_| false)
            .unwrap()
            .unwrap();
        let leases = store.leases().unwrap();
        assert_eq!(leases[0].0, "m");
        assert_eq!(leases[0].1.holder, holder);
    }

    #[test]
    fn asking_for_the_version_makes_no_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.db");
        assert!(Store::version(&path).is_err());
        assert!(!path.exists());
        drop(Store::open(&path, super::super::OpenOptions::default()).unwrap());
        let version = Store::version(&path).unwrap();
        assert_eq!(usize::try_from(version.found), Ok(version.known));
    }
}
