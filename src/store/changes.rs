//! The change log: who changed since the segments were built.
//!
//! Changes of rows that are there are logged by triggers. New events, entries and contacts are logged
//! here, a whole batch at once: a trigger on their insertion makes SQLite keep a copy of every page that
//! each single row changes, which costs more than the rows.

use super::engine::{Value, params};
use super::{Batch, StoreError};
use crate::address::AddressKey;

impl Batch<'_> {
    /// Notes that something was added about these addresses; nothing while no segment waits for
    /// changes.
    pub(super) fn note_changed<'k>(
        &self,
        addresses: impl IntoIterator<Item = &'k AddressKey>,
    ) -> Result<(), StoreError> {
        let waiting: bool = self
            .transaction
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM segment WHERE seen IS NOT NULL)")?
            .query_row(params![], |row| row.get(0))?;
        if !waiting {
            return Ok(());
        }
        let mut insert = self
            .transaction
            .prepare_cached("INSERT INTO change_log (address_key) VALUES ($1)")?;
        insert.execute_each(
            addresses
                .into_iter()
                .map(|address| [Value::Text(address.as_str())]),
        )?;
        Ok(())
    }
}
