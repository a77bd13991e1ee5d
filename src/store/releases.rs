//! Rows taken back by releases, kept as they were.

use super::engine::params;
use super::{Batch, StoreError, do_not_contact};
use crate::{address::AddressKey, event::EventKey, store::DoNotContact, time::Timestamp};

impl Batch<'_> {
    /// Which of these addresses were ever released from anything.
    pub(crate) fn ever_released(&self, addresses: &[&AddressKey]) -> Result<Vec<bool>, StoreError> {
        let any: bool = self
            .transaction
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM event WHERE kind = 'release')")?
            .query_row(params![], |row| row.get(0))?;
        if !any {
            return Ok(vec![false; addresses.len()]);
        }
        let mut select = self.transaction.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM event WHERE address_key = $1 AND kind = 'release')",
        )?;
        addresses
            .iter()
            .map(|address| select.query_row(params![address.as_str()], |row| row.get(0)))
            .collect()
    }

    /// When the latest event of each address happened.
    pub(crate) fn latest_events(
        &self,
        addresses: &[&AddressKey],
    ) -> Result<Vec<Option<Timestamp>>, StoreError> {
        let mut select = self
            .transaction
            .prepare_cached("SELECT max(occurred_at) FROM event WHERE address_key = $1")?;
        addresses
            .iter()
            .map(|address| {
                let at: Option<i64> =
                    select.query_row(params![address.as_str()], |row| row.get(0))?;
                Ok(at.map(Timestamp))
            })
            .collect()
    }

    /// Keeps the rows as they are now, each under the event that releases it.
    pub(crate) fn keep_released(
        &self,
        rows: &[(EventKey, &DoNotContact)],
    ) -> Result<(), StoreError> {
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO released (release, address_key, channel, reason, detail, since, comment, event, run, expires_at)
             SELECT $1, address_key, channel, reason, detail, since, comment, event, run, expires_at
             FROM do_not_contact WHERE address_key = $2 AND channel = $3 AND reason = $4
             ON CONFLICT (release) DO NOTHING",
        )?;
        for (release, row) in rows {
            insert.execute(params![
                release.0,
                row.address.as_str(),
                do_not_contact::CHANNEL,
                row.entry.grounds.name()
            ])?;
        }
        Ok(())
    }

    /// What the releases of a run took back from an address.
    pub(crate) fn released_by(
        &self,
        run: i64,
        address: &AddressKey,
    ) -> Result<Vec<DoNotContact>, StoreError> {
        let mut select = self.transaction.prepare_cached(&format!(
            "SELECT {} FROM released AS d JOIN event AS e ON e.key = d.release
             WHERE e.address_key = $1 AND e.kind = 'release' AND +e.run = $2 AND d.channel = $3",
            do_not_contact::COLUMNS
        ))?;
        let rows = select.query_map(
            params![address.as_str(), run, do_not_contact::CHANNEL],
            do_not_contact::row,
        )?;
        rows.collect()
    }
}
