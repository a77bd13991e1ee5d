//! Leases: who works on one mailbox or spool, as a row in the database.
//!
//! In a file a lease ends with its holder, whose process can be looked at; one of another machine
//! (a shared disk) is never taken over. On a server a lease runs out unless its holder renews it, so
//! that a machine that is gone holds nobody up.

use std::time::Duration;

use super::engine::{Lease, params};
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

/// So long a lease on a server lasts when its holder is heard of no more.
const LASTING: Duration = Duration::from_secs(60);

impl Store {
    /// Takes the lease `name`. One that has run out or whose holder `is_dead` is taken over; the
    /// answer is the refusal when the holder lives (or is on another host, where nobody can tell).
    pub fn take_lease(
        &mut self,
        name: &str,
        holder: &Holder,
        now: Timestamp,
        is_dead: impl Fn(&Holder) -> bool,
    ) -> Result<Result<(), LeaseRefused>, StoreError> {
        let batch = self.begin()?;
        if let Some(present) = batch.transaction.lease(name)? {
            let refused = LeaseRefused {
                holder: Holder {
                    host: present.host,
                    pid: present.pid,
                    started: present.started.cast_unsigned(),
                },
                since: Timestamp(present.since),
            };
            if !present.has_run_out && !is_dead(&refused.holder) {
                return Ok(Err(refused));
            }
        }
        let lease = Lease {
            host: holder.host.clone(),
            pid: holder.pid,
            started: holder.started.cast_signed(),
            since: now.0,
            has_run_out: false,
        };
        batch.transaction.write_lease(name, &lease, LASTING)?;
        batch.commit()?;
        #[cfg(feature = "postgres")]
        self.renewals
            .extend(self.connection.keep_lease(name, &lease, LASTING));
        Ok(Ok(()))
    }

    /// Gives the lease back, if it is still this holder's.
    pub fn end_lease(&mut self, name: &str, holder: &Holder) -> Result<(), StoreError> {
        #[cfg(feature = "postgres")]
        self.renewals.retain(|renewal| !renewal.is_of(name));
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
