//! What was exported to whom, so that the next export can be the difference.

use super::engine::{OptionalExtension, Purpose, Transaction, params};
use super::{DoNotContact, Selection, Store, StoreError, selection::for_each};
use crate::{address::AddressKey, time::Timestamp};

/// An export on its way: the list as it stood at one moment. It holds no lock while somebody reads
/// its output slowly.
pub struct Exporting<'s> {
    transaction: Transaction<'s>,
    target: &'s str,
}

impl Store {
    /// Begins an export to `target`.
    pub fn begin_export<'s>(&'s mut self, target: &'s str) -> Result<Exporting<'s>, StoreError> {
        let transaction = self.connection.begin(Purpose::Reading)?;
        transaction.temporary_table("exporting", &["address_key", "reason"])?;
        Ok(Exporting {
            transaction,
            target,
        })
    }

    /// Remembers what the latest finished export to `target` held, after its output is safe. With
    /// `removals` false what is gone was not told to the target, and is removed the next time.
    pub fn remember_export(&mut self, target: &str, removals: bool) -> Result<(), StoreError> {
        let batch = self.begin_beside_temporary()?;
        batch.transaction.execute(
            "DELETE FROM exported WHERE target = $1
             AND NOT EXISTS (SELECT 1 FROM exporting AS n WHERE n.address_key = exported.address_key AND n.reason = exported.reason)
             AND ($2 OR EXISTS (SELECT 1 FROM exporting AS n WHERE n.address_key = exported.address_key))",
            params![target, removals],
        )?;
        batch.transaction.execute(
            "INSERT INTO exported (target, address_key, reason) SELECT $1, address_key, reason FROM exporting WHERE true
             ON CONFLICT (target, address_key, reason) DO NOTHING",
            params![target],
        )?;
        batch.commit()
    }
}

impl Exporting<'_> {
    /// As [`Store::for_each_listed`].
    pub fn for_each_listed<E: From<StoreError>>(
        &self,
        selection: &Selection,
        now: Timestamp,
        each: impl FnMut(DoNotContact) -> Result<(), E>,
    ) -> Result<(), E> {
        for_each(&self.transaction, selection, now, each)
    }

    /// Notes that the export holds this; answers whether the last one to the target held it too.
    pub fn note(&self, address: &AddressKey, reason: &str) -> Result<bool, StoreError> {
        self.transaction
            .prepare_cached(
                "INSERT INTO exporting (address_key, reason) VALUES ($1, $2) ON CONFLICT (address_key, reason) DO NOTHING",
            )?
            .execute(params![address.as_str(), reason])?;
        let known = self
            .transaction
            .prepare_cached(
                "SELECT 1 FROM exported WHERE target = $1 AND address_key = $2 AND reason = $3",
            )?
            .query_row(params![self.target, address.as_str(), reason], |_| Ok(()))
            .optional()?;
        Ok(known.is_some())
    }

    /// Calls `each` with what the last export to the target held and this one does not: pairs of
    /// address and reason, or addresses as a whole.
    pub fn for_each_removed<E: From<StoreError>>(
        &self,
        by_reason: bool,
        mut each: impl FnMut(AddressKey, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut select = self
            .transaction
            .prepare_cached(
                "SELECT address_key, min(reason) FROM exported WHERE target = $1
                 AND NOT EXISTS (SELECT 1 FROM exporting AS n WHERE n.address_key = exported.address_key
                                 AND (n.reason = exported.reason OR NOT $2))
                 GROUP BY address_key, CASE WHEN $2 THEN reason ELSE '' END ORDER BY address_key",
            )?;
        let mut rows = select.query(params![self.target, by_reason])?;
        while let Some(row) = rows.next()? {
            let address = AddressKey::from_stored(row.get(0)?);
            let reason: String = row.get(1)?;
            each(address, &reason)?;
        }
        Ok(())
    }

    /// The external ids of the contacts with this address.
    pub fn external_ids(&self, address: &AddressKey) -> Result<Vec<String>, StoreError> {
        let mut select = self.transaction.prepare_cached(
            "SELECT external_id FROM contact WHERE address_key = $1 AND external_id IS NOT NULL ORDER BY id",
        )?;
        let rows = select.query_map(params![address.as_str()], |row| row.get(0))?;
        rows.collect()
    }

    /// Ends reading; the notes stay for [`Store::remember_export`].
    pub fn finish(self) -> Result<(), StoreError> {
        self.transaction.commit().map(drop)
    }
}
