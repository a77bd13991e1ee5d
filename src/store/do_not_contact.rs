//! The do-not-contact list, keyed by address, channel and reason.

use super::engine::{Row, Value, params};
use super::{Batch, Store, StoreError};
use crate::{
    address::AddressKey,
    ascending::ascending,
    classify::Reason,
    event::EventKey,
    suppression::{Entry, Grounds},
    time::Timestamp,
};

/// The channel of everything that comes back from e-mail.
pub(super) const CHANNEL: &str = "email";

/// The SQL condition of a row `d` of do_not_contact that has not ended; `$1` is the present time.
pub const LIVE: &str = "(d.expires_at IS NULL OR d.expires_at > $1)";

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoNotContact {
    pub address: AddressKey,
    pub entry: Entry,
}

impl DoNotContact {
    /// Whether it still holds: the same as [`LIVE`].
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.entry.expires_at.is_none_or(|at| at > now)
    }
}

/// The columns that [`row`] reads, of a table `d` with the columns of do_not_contact.
pub(super) const COLUMNS: &str =
    "d.address_key, d.reason, d.detail, d.since, d.comment, d.event, d.run, d.expires_at";

/// Strongest reason first.
pub(super) const STRENGTH: &str = "CASE d.reason WHEN 'complaint' THEN 0 WHEN 'unsubscribe' THEN 1 WHEN 'bounce' THEN 2 ELSE 3 END";

pub(super) fn row(row: &Row<'_>) -> Result<DoNotContact, StoreError> {
    Ok(DoNotContact {
        address: AddressKey::from_stored(row.get(0)?),
        entry: Entry {
            grounds: Grounds::from_name(row.text(1)?).unwrap_or(Grounds::Manual),
            detail: Some(row.text(2)?)
                .filter(|detail| !detail.is_empty())
                .and_then(Reason::from_name),
            since: Timestamp(row.get(3)?),
            comment: row.get(4)?,
            event: row.get::<Option<[u8; 16]>>(5)?.map(EventKey),
            run: row.get(6)?,
            expires_at: row.get::<Option<i64>>(7)?.map(Timestamp),
        },
    })
}

fn sorted(rows: &[DoNotContact]) -> Vec<usize> {
    ascending(rows.iter().map(|row| row.address.as_str().as_bytes()))
}

impl Batch<'_> {
    /// Adds rows; answers for each whether it was added. One that is there already stays.
    pub fn add_entries(&self, rows: &[DoNotContact]) -> Result<Vec<bool>, StoreError> {
        let added = self.insert_entries(
            rows,
            "ON CONFLICT (address_key, channel, reason) DO NOTHING",
        )?;
        if self.outbox {
            let new = rows.iter().zip(&added).filter(|(_, added)| **added);
            self.post(new.map(|(row, _)| row))?;
        }
        Ok(added)
    }

    /// Writes rows, in the place of those that are there.
    pub fn write_entries(&self, rows: &[DoNotContact]) -> Result<(), StoreError> {
        if self.outbox {
            let mut new = Vec::new();
            for row in rows {
                let there = self.entries_of(&[&row.address])?.concat();
                if !there.iter().any(|entry| entry.grounds == row.entry.grounds) {
                    new.push(row);
                }
            }
            self.post(new.into_iter())?;
        }
        self.insert_entries(
            rows,
            "ON CONFLICT (address_key, channel, reason) DO UPDATE SET detail = excluded.detail,
                 since = excluded.since, comment = excluded.comment, event = excluded.event, run = excluded.run,
                 expires_at = excluded.expires_at",
        )?;
        Ok(())
    }

    fn insert_entries(
        &self,
        rows: &[DoNotContact],
        on_conflict: &str,
    ) -> Result<Vec<bool>, StoreError> {
        let mut insert = self.transaction.prepare_cached(&format!(
            "INSERT INTO do_not_contact (address_key, channel, reason, detail, since, comment, event, run, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) {on_conflict}"
        ))?;
        let mut written = vec![false; rows.len()];
        let order = sorted(rows);
        let changed = insert.execute_each(order.iter().map(|index| {
            let DoNotContact { address, entry } = &rows[*index];
            [
                Value::Text(address.as_str()),
                Value::Text(CHANNEL),
                Value::Text(entry.grounds.name()),
                Value::Text(entry.detail.map_or("", Reason::name)),
                Value::Integer(entry.since.0),
                Value::Text(&entry.comment),
                entry.event.as_ref().map(|key| &key.0[..]).into(),
                Value::Integer(entry.run),
                entry.expires_at.map(|at| at.0).into(),
            ]
        }))?;
        for (index, changed) in order.into_iter().zip(changed) {
            written[index] = changed == 1;
        }
        let written_rows = rows.iter().zip(&written).filter(|(_, written)| **written);
        self.note_changed(written_rows.map(|(row, _)| &row.address))?;
        Ok(written)
    }

    /// Takes rows off the list.
    pub fn delete_entries(&self, rows: &[(AddressKey, Grounds)]) -> Result<(), StoreError> {
        let mut delete = self.transaction.prepare_cached(
            "DELETE FROM do_not_contact WHERE address_key = $1 AND channel = $2 AND reason = $3",
        )?;
        for (address, grounds) in rows {
            delete.execute(params![address.as_str(), CHANNEL, grounds.name()])?;
        }
        Ok(())
    }

    /// The entries of each address, expired ones too.
    pub(crate) fn entries_of(
        &self,
        addresses: &[&AddressKey],
    ) -> Result<Vec<Vec<Entry>>, StoreError> {
        let mut select = self.transaction.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM do_not_contact AS d WHERE d.address_key = $1 AND d.channel = $2"
        ))?;
        select.query_each(
            addresses
                .iter()
                .map(|address| [Value::Text(address.as_str()), Value::Text(CHANNEL)]),
            |found| Ok(row(found)?.entry),
        )
    }
}

impl Store {
    /// The rows of an address, expired ones too, strongest reason first.
    pub fn do_not_contact_of(&self, address: &AddressKey) -> Result<Vec<DoNotContact>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM do_not_contact AS d WHERE d.address_key = $1 AND d.channel = $2 ORDER BY {STRENGTH}"
        ))?;
        let rows = select.query_map(params![address.as_str(), CHANNEL], row)?;
        rows.collect()
    }
}
