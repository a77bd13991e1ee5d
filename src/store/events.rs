//! Events: everything that came back, once each.

use std::collections::{HashMap, HashSet};

use super::engine::{Cell, Connection, Row, Value, params};
use super::{Batch, Store, StoreError};
use crate::{
    address::AddressKey,
    ascending::ascending,
    classify::{Permanence, Reason},
    event::{EventKey, EventKind},
    time::Timestamp,
};

/// A row of the event table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    pub key: EventKey,
    pub source: String,
    pub kind: EventKind,
    pub reason: Option<Reason>,
    pub permanence: Option<Permanence>,
    pub rule: Option<String>,
    /// Who it is charged to.
    pub address: Option<AddressKey>,
    /// The address the report names, if it is another.
    pub reported: Option<String>,
    pub send_hash: Option<String>,
    pub status: Option<String>,
    pub reply_code: Option<u16>,
    pub receiving_host: String,
    pub diagnostic: String,
    pub raw_type: String,
    /// Why nothing was done, forwarding, forged, ...
    pub note: String,
    /// Key of the archived mail.
    pub content: Option<[u8; 16]>,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    pub run: i64,
    /// When a manual entry of the do-not-contact list ends.
    pub expires_at: Option<Timestamp>,
}

const COLUMNS: &str = "key, source, kind, reason, permanence, rule, address_key, reported, send_hash, status, reply_code,
     receiving_host, diagnostic, raw_type, note, content, occurred_at, received_at, run, expires_at";

/// A text without a copy; empty where there is none.
pub(super) fn text<'r>(row: &'r Row<'_>, index: usize) -> Result<&'r str, StoreError> {
    match row.cell(index)? {
        Cell::Null => Ok(""),
        _ => row.text(index),
    }
}

pub(super) fn kind(row: &Row<'_>, index: usize) -> Result<EventKind, StoreError> {
    let name = row.text(index)?;
    // A kind of a later version: shown as a note rather than failing the whole list.
    Ok(EventKind::from_name(name).unwrap_or(EventKind::Note))
}

pub(super) fn reason(row: &Row<'_>, index: usize) -> Result<Option<Reason>, StoreError> {
    Ok(Some(text(row, index)?)
        .filter(|name| !name.is_empty())
        .and_then(Reason::from_name))
}

pub(super) fn permanence(row: &Row<'_>, index: usize) -> Result<Option<Permanence>, StoreError> {
    Ok(match text(row, index)? {
        "" => None,
        "hard" => Some(Permanence::Hard),
        _ => Some(Permanence::Soft),
    })
}

fn event(row: &Row<'_>) -> Result<EventRow, StoreError> {
    Ok(EventRow {
        key: EventKey(row.get(0)?),
        source: row.get(1)?,
        kind: kind(row, 2)?,
        reason: reason(row, 3)?,
        permanence: permanence(row, 4)?,
        rule: row.get(5)?,
        address: row.get::<Option<String>>(6)?.map(AddressKey::from_stored),
        reported: row.get(7)?,
        send_hash: row
            .get::<Option<Vec<u8>>>(8)?
            .map(|hash| String::from_utf8_lossy(&hash).into_owned()),
        status: row.get(9)?,
        reply_code: row.get(10)?,
        receiving_host: row.get(11)?,
        diagnostic: row.get(12)?,
        raw_type: row.get(13)?,
        note: row.get(14)?,
        content: row.get(15)?,
        occurred_at: Timestamp(row.get(16)?),
        received_at: Timestamp(row.get(17)?),
        run: row.get(18)?,
        expires_at: row.get::<Option<i64>>(19)?.map(Timestamp),
    })
}

fn events_of(connection: &Connection, address: &AddressKey) -> Result<Vec<EventRow>, StoreError> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM event WHERE address_key = $1 ORDER BY occurred_at, key"
    ))?;
    let rows = select.query_map(params![address.as_str()], event)?;
    rows.collect()
}

fn events_of_mails(
    connection: &Connection,
    contents: impl Iterator<Item = [u8; 16]>,
) -> Result<HashMap<[u8; 16], Vec<EventRow>>, StoreError> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM event WHERE content = $1 ORDER BY key"
    ))?;
    let mut found = HashMap::new();
    for content in contents {
        let rows = select.query_map(params![content], event)?;
        let rows: Vec<EventRow> = rows.collect::<Result<_, _>>()?;
        if !rows.is_empty() {
            found.insert(content, rows);
        }
    }
    Ok(found)
}

/// In the order of [`COLUMNS`].
fn values(event: &EventRow) -> [Value<'_>; 20] {
    [
        Value::Blob(&event.key.0),
        Value::Text(&event.source),
        Value::Text(event.kind.name()),
        event.reason.map(Reason::name).into(),
        event.permanence.map(Permanence::name).into(),
        event.rule.as_deref().into(),
        event.address.as_ref().map(AddressKey::as_str).into(),
        event.reported.as_deref().into(),
        event.send_hash.as_ref().map(String::as_bytes).into(),
        event.status.as_deref().into(),
        event.reply_code.map(i64::from).into(),
        Value::Text(&event.receiving_host),
        Value::Text(&event.diagnostic),
        Value::Text(&event.raw_type),
        Value::Text(&event.note),
        event.content.as_ref().map(|content| &content[..]).into(),
        Value::Integer(event.occurred_at.0),
        Value::Integer(event.received_at.0),
        Value::Integer(event.run),
        event.expires_at.map(|at| at.0).into(),
    ]
}

impl Batch<'_> {
    /// Adds events; answers for each, in the given order, whether it is new. One that only an
    /// undone run recorded is taken over by the present run, and is new.
    pub fn insert_events(&self, events: &[EventRow]) -> Result<Vec<bool>, StoreError> {
        let mut insert = self.transaction.prepare_cached(&format!(
            "INSERT INTO event ({COLUMNS})
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
             ON CONFLICT (key) DO NOTHING"
        ))?;
        // The index of addresses is the wide one.
        let order = ascending(events.iter().map(|event| {
            let address = event.address.as_ref().map(AddressKey::as_str);
            address.unwrap_or_default().as_bytes()
        }));
        let mut new = vec![false; events.len()];
        let mut known = Vec::new();
        let inserted = insert.execute_each(order.iter().map(|index| values(&events[*index])))?;
        self.transaction.take_turn()?;
        for (index, inserted) in order.into_iter().zip(inserted) {
            new[index] = inserted == 1;
            if inserted == 0 {
                known.push(index);
            }
        }
        self.take_over(events, &known, &mut new)?;
        let addresses = events.iter().zip(&new).filter(|(_, new)| **new);
        self.note_changed(
            addresses
                .clone()
                .filter_map(|(event, _)| event.address.as_ref()),
        )?;
        self.note_new_events(addresses.map(|(event, _)| event))?;
        Ok(new)
    }

    /// Which of these events are there. None, as long as there are undone runs: what only they recorded
    /// counts as new.
    pub(crate) fn known_events(
        &self,
        mut keys: Vec<EventKey>,
    ) -> Result<HashSet<EventKey>, StoreError> {
        if self.has_undone_runs()? {
            return Ok(HashSet::new());
        }
        let mut select = self
            .transaction
            .prepare_cached("SELECT key FROM event WHERE key = $1")?;
        keys.sort_unstable();
        let found = select.find_each(keys.iter().map(|key| [Value::Blob(&key.0)]), |row| {
            row.get(0).map(EventKey)
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    fn has_undone_runs(&self) -> Result<bool, StoreError> {
        self.transaction
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM run WHERE undone_at IS NOT NULL)")?
            .query_row(params![], |row| row.get(0))
    }

    /// Gives events that only an undone run recorded to the present run.
    fn take_over(
        &self,
        events: &[EventRow],
        known: &[usize],
        new: &mut [bool],
    ) -> Result<(), StoreError> {
        if known.is_empty() || !self.has_undone_runs()? {
            return Ok(());
        }
        let mut update = self.transaction.prepare_cached(
            "UPDATE event SET source = $1, kind = $2, reason = $3, permanence = $4, rule = $5, address_key = $6,
                 reported = $7, send_hash = $8, note = $9, received_at = $10, run = $11
             WHERE key = $12 AND run IN (SELECT id FROM run WHERE undone_at IS NOT NULL)",
        )?;
        for index in known {
            let event = &events[*index];
            let updated = update.execute(params![
                event.source,
                event.kind.name(),
                event.reason.map(Reason::name),
                event.permanence.map(Permanence::name),
                event.rule,
                event.address.as_ref().map(AddressKey::as_str),
                event.reported,
                event.send_hash.as_ref().map(String::as_bytes),
                event.note,
                event.received_at.0,
                event.run,
                event.key.0,
            ])?;
            new[*index] = updated == 1;
        }
        // They happened when they happened first, which may be on a day that nobody counts again.
        if known.iter().any(|index| new[*index]) {
            self.discard_counts()?;
        }
        Ok(())
    }

    /// What these mails led to, by the mail's key.
    pub(crate) fn events_of_mails(
        &self,
        contents: impl Iterator<Item = [u8; 16]>,
    ) -> Result<HashMap<[u8; 16], Vec<EventRow>>, StoreError> {
        events_of_mails(&self.transaction, contents)
    }

    /// Writes events anew that are there: who is meant and what it means, not where and when it
    /// came from.
    pub(crate) fn rewrite_events(&self, events: &[EventRow]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        self.discard_counts()?;
        let mut update = self.transaction.prepare_cached(
            "UPDATE event SET kind = $1, reason = $2, permanence = $3, rule = $4, address_key = $5, reported = $6,
                 send_hash = $7, status = $8, reply_code = $9, receiving_host = $10, diagnostic = $11, raw_type = $12,
                 note = $13
             WHERE key = $14",
        )?;
        for event in events {
            update.execute(params![
                event.kind.name(),
                event.reason.map(Reason::name),
                event.permanence.map(Permanence::name),
                event.rule,
                event.address.as_ref().map(AddressKey::as_str),
                event.reported,
                event.send_hash.as_ref().map(String::as_bytes),
                event.status,
                event.reply_code,
                event.receiving_host,
                event.diagnostic,
                event.raw_type,
                event.note,
                event.key.0,
            ])?;
        }
        Ok(())
    }

    pub(crate) fn delete_events(&self, keys: &[EventKey]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.discard_counts()?;
        let mut delete = self
            .transaction
            .prepare_cached("DELETE FROM event WHERE key = $1")?;
        for key in keys {
            delete.execute(params![key.0])?;
        }
        Ok(())
    }
}

impl Store {
    /// What these mails led to, by the mail's key.
    pub fn events_of_mails(
        &self,
        contents: impl Iterator<Item = [u8; 16]>,
    ) -> Result<HashMap<[u8; 16], Vec<EventRow>>, StoreError> {
        events_of_mails(&self.connection, contents)
    }

    /// Everything that came back from an address, oldest first.
    pub fn events_of(&self, address: &AddressKey) -> Result<Vec<EventRow>, StoreError> {
        events_of(&self.connection, address)
    }

    /// The events whose key begins with these bytes (a shortened id), at most two.
    pub fn events_by_key(&self, prefix: &[u8]) -> Result<Vec<EventRow>, StoreError> {
        let mut upper = prefix.to_vec();
        upper.resize(17, 0xff);
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM event WHERE key >= $1 AND key <= $2 ORDER BY key LIMIT 2"
        ))?;
        let rows = select.query_map(params![prefix, upper], event)?;
        rows.collect()
    }

    /// Calls `each` for every event that nothing decided since `since`: mails that nothing
    /// recognised, and bounces that no rule matched.
    pub fn for_each_undecided<E: From<StoreError>>(
        &self,
        since: Timestamp,
        mut each: impl FnMut(EventRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut select = self
            .connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM event
                 WHERE received_at >= $1 AND (kind = 'unrecognised' OR kind = 'bounce' AND reason IN ('on_hold', 'undefined'))
                 ORDER BY key"
            ))?;
        let mut rows = select.query(params![since.0])?;
        while let Some(row) = rows.next()? {
            each(event(&row)?)?;
        }
        Ok(())
    }
}
