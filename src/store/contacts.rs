//! Contacts: the people, by external id or by address.

use super::engine::{Connection, OptionalExtension, Row, Value, params};
use super::{Batch, Store, StoreError};
use crate::address::AddressKey;

/// A person as imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewContact {
    pub external_id: Option<String>,
    /// As given.
    pub address: String,
    pub key: AddressKey,
    /// JSON object.
    pub attributes: String,
}

/// A stored person.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Contact {
    pub id: i64,
    pub external_id: Option<String>,
    pub address: String,
    /// JSON object.
    pub attributes: String,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ImportCounts {
    pub added: u64,
    pub updated: u64,
    pub unchanged: u64,
}

impl std::ops::AddAssign for ImportCounts {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }
}

/// Of the columns id, external_id, address, attributes.
pub(super) fn contact(row: &Row<'_>) -> Result<Contact, StoreError> {
    Ok(Contact {
        id: row.get(0)?,
        external_id: row.get(1)?,
        address: row.get(2)?,
        attributes: row.get(3)?,
    })
}

impl Batch<'_> {
    /// Which of these addresses belong to a contact or a send.
    pub(crate) fn known_addresses(&self, keys: &[&AddressKey]) -> Result<Vec<bool>, StoreError> {
        let mut known = self.transaction.prepare_cached(IS_KNOWN)?;
        let known = known.find_each(keys.iter().map(|key| [Value::Text(key.as_str())]), |row| {
            row.get(0)
        })?;
        Ok(known.into_iter().map(|known| known == Some(true)).collect())
    }
}

const IS_KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM contact WHERE address_key = $1) OR EXISTS (SELECT 1 FROM send WHERE address_key = $1)";

fn is_known(connection: &Connection, key: &AddressKey) -> Result<bool, StoreError> {
    let mut known = connection.prepare_cached(IS_KNOWN)?;
    known.query_row(params![key.as_str()], |row| row.get(0))
}

impl Store {
    /// The contact with this id.
    pub fn contact(&self, id: i64) -> Result<Option<Contact>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, external_id, address, attributes FROM contact WHERE id = $1",
        )?;
        select.query_row(params![id], contact).optional()
    }

    /// The contact with this id where it came from.
    pub fn contact_with_external_id(&self, id: &str) -> Result<Option<Contact>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, external_id, address, attributes FROM contact WHERE external_id = $1",
        )?;
        select.query_row(params![id], contact).optional()
    }

    /// Whether the address belongs to a contact or a send.
    pub fn is_known(&self, key: &AddressKey) -> Result<bool, StoreError> {
        is_known(&self.connection, key)
    }

    /// The address of the contact with this external id.
    pub fn address_of_external_id(&self, id: &str) -> Result<Option<AddressKey>, StoreError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT address_key FROM contact WHERE external_id = $1")?;
        let found = select.query_row(params![id], |row| row.get(0)).optional()?;
        Ok(found.map(AddressKey::from_stored))
    }

    /// Calls `each` with every address of a contact or a send.
    pub fn for_each_known_address<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(AddressKey) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut select = self
            .connection
            .prepare_cached("SELECT address_key FROM contact UNION SELECT address_key FROM send")?;
        let mut rows = select.query(params![])?;
        while let Some(row) = rows.next()? {
            each(AddressKey::from_stored(row.get(0)?))?;
        }
        Ok(())
    }

    /// The contacts with this address, oldest first.
    pub fn contacts_with_address(&self, key: &AddressKey) -> Result<Vec<Contact>, StoreError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT id, external_id, address, attributes FROM contact WHERE address_key = $1 ORDER BY id")?;
        let rows = select.query_map(params![key.as_str()], contact)?;
        rows.collect()
    }

    /// Calls `each` for every contact, in the order of ids; memory does not grow with them.
    pub fn for_each_contact<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(Contact) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, external_id, address, attributes FROM contact ORDER BY id",
        )?;
        let mut rows = select.query(params![])?;
        while let Some(row) = rows.next()? {
            each(contact(&row)?)?;
        }
        Ok(())
    }
}
