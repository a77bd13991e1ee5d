//! Sends: one e-mail to one address, named by its hash.

use std::collections::{BTreeMap, HashMap};

use super::engine::{Row, Value, params};
use super::{Batch, ImportCounts, Store, StoreError};
use crate::{address::AddressKey, ascending::ascending, time::Timestamp, verp::SendHash};

/// A send as imported or minted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSend {
    pub hash: SendHash,
    /// The campaign e-mail.
    pub email_id: String,
    /// The contact's id where the send came from.
    pub external_id: Option<String>,
    pub address: String,
    pub key: AddressKey,
    /// Without angle brackets.
    pub message_id: Option<String>,
    pub sent_at: Timestamp,
}

/// A stored send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    pub hash: SendHash,
    pub email_id: String,
    pub address: String,
    pub key: AddressKey,
    pub sent_at: Timestamp,
}

/// What a report on a send is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SentTo {
    pub(crate) key: AddressKey,
    pub(crate) sent_at: Timestamp,
}

const COLUMNS: &str = "hash, email_id, address, address_key, sent_at";

fn send(row: &Row<'_>) -> Result<Send, StoreError> {
    let hash: Vec<u8> = row.get(0)?;
    let hash = std::str::from_utf8(&hash)
        .ok()
        .and_then(SendHash::parse)
        .ok_or_else(|| {
            StoreError::Other("a send hash of 1-64 letters and digits was expected".into())
        })?;
    Ok(Send {
        hash,
        email_id: row.get(1)?,
        address: row.get(2)?,
        key: AddressKey::from_stored(row.get(3)?),
        sent_at: Timestamp(row.get(4)?),
    })
}

impl Batch<'_> {
    /// Adds sends; a known hash keeps its send, only a missing Message-ID is filled in.
    pub fn import_sends(&self, sends: &[NewSend]) -> Result<ImportCounts, StoreError> {
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO send (hash, email_id, external_id, address, address_key, message_id, sent_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (hash) DO NOTHING",
        )?;
        let mut fill = self.transaction.prepare_cached(
            "UPDATE send SET message_id = $1 WHERE hash = $2 AND message_id IS NULL AND CAST($1 AS TEXT) IS NOT NULL",
        )?;
        let order = ascending(sends.iter().map(|new| new.hash.as_str().as_bytes()));
        let order: Vec<&NewSend> = order.into_iter().map(|place| &sends[place]).collect();
        let mut counts = ImportCounts::default();
        let mut all_new = Vec::new();
        let added = insert.execute_each(order.iter().map(|new| {
            [
                Value::Blob(new.hash.as_str().as_bytes()),
                Value::Text(&new.email_id),
                new.external_id.as_deref().into(),
                Value::Text(&new.address),
                Value::Text(new.key.as_str()),
                new.message_id.as_deref().into(),
                Value::Integer(new.sent_at.0),
            ]
        }))?;
        let mut to_fill: Vec<[Value<'_>; 2]> = Vec::new();
        for (new, added) in order.into_iter().zip(added) {
            let hash = Value::Blob(new.hash.as_str().as_bytes());
            if added == 1 {
                counts.added += 1;
                all_new.push(new);
            } else if let Some(id) = &new.message_id
                // Of several the first fills it.
                && to_fill.last().is_none_or(|[_, last]| *last != hash)
            {
                to_fill.push([Value::Text(id), hash]);
            } else {
                counts.unchanged += 1;
            }
        }
        for filled in fill.execute_for_distinct(to_fill.into_iter())? {
            if filled == 1 {
                counts.updated += 1;
            } else {
                counts.unchanged += 1;
            }
        }
        // A known hash is of somebody who is not forgotten.
        self.remember(&all_new.iter().map(|new| &new.key).collect::<Vec<_>>())?;
        self.note_new_sends(&all_new)?;
        Ok(counts)
    }

    /// Notes that sends were opened; the first time of each is kept.
    pub fn note_opened<'h>(
        &self,
        opened: impl Iterator<Item = (&'h SendHash, Timestamp)>,
    ) -> Result<(), StoreError> {
        let mut update = self.transaction.prepare_cached(
            "UPDATE send SET opened_at = $1 WHERE hash = $2 AND (opened_at IS NULL OR opened_at > $1)",
        )?;
        let mut first: BTreeMap<&[u8], i64> = BTreeMap::new();
        for (hash, at) in opened {
            let first = first.entry(hash.as_str().as_bytes()).or_insert(at.0);
            *first = at.0.min(*first);
        }
        let first = first.into_iter();
        update.execute_for_distinct(
            first.map(|(hash, at)| [Value::Integer(at), Value::Blob(hash)]),
        )?;
        Ok(())
    }

    /// Where the sends of these hashes went; `None` where there is no such send.
    pub(crate) fn sent_to(&self, hashes: &[&SendHash]) -> Result<Vec<Option<SentTo>>, StoreError> {
        let mut select = self
            .transaction
            .prepare_cached("SELECT address_key, sent_at FROM send WHERE hash = $1")?;
        let hashes: Vec<&[u8]> = hashes.iter().map(|hash| hash.as_str().as_bytes()).collect();
        let order = ascending(hashes.iter().copied());
        let values = order.iter().map(|place| [Value::Blob(hashes[*place])]);
        let in_order = select.find_each(values, |row| {
            Ok(SentTo {
                key: AddressKey::from_stored(row.get(0)?),
                sent_at: Timestamp(row.get(1)?),
            })
        })?;
        let mut found = vec![None; hashes.len()];
        for (place, sent_to) in order.into_iter().zip(in_order) {
            found[place] = sent_to;
        }
        Ok(found)
    }

    /// The send of this hash.
    pub(crate) fn send(&self, hash: &SendHash) -> Result<Send, StoreError> {
        self.transaction
            .prepare_cached(&format!("SELECT {COLUMNS} FROM send WHERE hash = $1"))?
            .query_row(params![hash.as_str().as_bytes()], send)
    }

    /// The sends with these Message-IDs. One that several sends share names nobody and is left out.
    pub(crate) fn sends_by_message_id(
        &self,
        mut ids: Vec<&str>,
    ) -> Result<HashMap<String, Send>, StoreError> {
        let mut select = self.transaction.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM send WHERE message_id = $1 LIMIT 2"
        ))?;
        ids.sort_unstable();
        ids.dedup();
        let mut found = HashMap::new();
        let sends = select.query_each(ids.iter().map(|id| [Value::Text(id)]), send)?;
        for (id, sends) in ids.into_iter().zip(sends) {
            if let Ok([send]) = <[Send; 1]>::try_from(sends) {
                found.insert(id.to_owned(), send);
            }
        }
        Ok(found)
    }
}

impl Store {
    /// The sends to this address, newest first, at most `limit`.
    pub fn sends_to(&self, key: &AddressKey, limit: u32) -> Result<Vec<Send>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM send WHERE address_key = $1 ORDER BY sent_at DESC LIMIT $2"
        ))?;
        let rows = select.query_map(params![key.as_str(), limit], send)?;
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_that_comes_later_is_filled_in() {
        let mut store = Store::open_in_memory().unwrap();
        let send = |message_id: Option<&str>| NewSend {
            hash: SendHash::parse("abc").unwrap(),
            email_id: "7".into(),
            external_id: None,
            address: "anna@example.com".into(),
            key: AddressKey::parse("anna@example.com").unwrap(),
            message_id: message_id.map(str::to_owned),
            sent_at: Timestamp(0),
        };
        let batch = store.begin().unwrap();
        batch.import_sends(&[send(None)]).unwrap();
        let counts = batch.import_sends(&[send(Some("m@example.com"))]).unwrap();
        assert_eq!(counts.updated, 1);
        let found = batch.sends_by_message_id(vec!["m@example.com"]).unwrap();
        assert_eq!(found["m@example.com"].hash.as_str(), "abc");
    }
}
