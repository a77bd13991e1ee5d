//! Leases: who works on one mailbox or spool, as a row in the database.

use super::engine::{OptionalExtension, params};
use super::{Store, StoreError};
use crate::time::Timestamp;

/// A process, named so that a later one with the same pid is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub host: String,
    pub pid: u32,
    /// Start time of the process in the system's ticks; 0 where it is not known.
    pub started: u64,
}

/// Another process holds the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRefused {
    pub holder: Holder,
    pub since: Timestamp,
}

impl Store {
    /// Takes the lease `name`. One whose holder `is_dead` is taken over; the answer is the refusal
    /// when the holder lives (or is on another host, where nobody can tell).
    pub fn take_lease(
        &mut self,
        name: &str,
        holder: &Holder,
        now: Timestamp,
        is_dead: impl Fn(&Holder) -> bool,
    ) -> Result<Result<(), LeaseRefused>, StoreError> {
        let batch = self.begin()?;
        let present = batch
            .transaction
            .prepare_cached("SELECT host, pid, started, since FROM lease WHERE name = $1")?
            .query_row(params![name], |row| {
                let started: i64 = row.get(2)?;
                let holder = Holder {
                    host: row.get(0)?,
                    pid: row.get(1)?,
                    started: started.cast_unsigned(),
                };
                Ok(LeaseRefused {
                    holder,
                    since: Timestamp(row.get(3)?),
                })
            })
            .optional()?;
        if let Some(refused) = present
            && !is_dead(&refused.holder)
        {
            return Ok(Err(refused));
        }
        batch
            .transaction
            .prepare_cached(
                "INSERT INTO lease (name, host, pid, started, since) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (name) DO UPDATE SET host = excluded.host, pid = excluded.pid,
                     started = excluded.started, since = excluded.since",
            )?
            .execute(params![
                name,
                holder.host,
                holder.pid,
                holder.started.cast_signed(),
                now.0
            ])?;
        batch.commit()?;
        Ok(Ok(()))
    }

    /// Gives the lease back, if it is still this holder's.
    pub fn end_lease(&mut self, name: &str, holder: &Holder) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM lease WHERE name = $1 AND host = $2 AND pid = $3 AND started = $4",
            params![name, holder.host, holder.pid, holder.started.cast_signed()],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_refused_while_its_holder_lives() {
        let mut store = Store::open_in_memory().unwrap();
        let holder = |pid| Holder {
            host: "here".into(),
            pid,
            started: u64::MAX,
        };
        store
            .take_lease("m", &holder(1), Timestamp(5), |_| false)
            .unwrap()
            .unwrap();
        let refused = store
            .take_lease("m", &holder(2), Timestamp(6), |_| false)
            .unwrap()
            .unwrap_err();
        assert_eq!(
            refused,
            LeaseRefused {
                holder: holder(1),
                since: Timestamp(5)
            }
        );
        store
            .take_lease("m", &holder(2), Timestamp(7), |dead| dead.pid == 1)
            .unwrap()
            .unwrap();
        store.end_lease("m", &holder(1)).unwrap();
        store
            .take_lease("m", &holder(3), Timestamp(8), |_| false)
            .unwrap()
            .unwrap_err();
        store.end_lease("m", &holder(2)).unwrap();
        store
            .take_lease("m", &holder(3), Timestamp(8), |_| false)
            .unwrap()
            .unwrap();
    }
}
