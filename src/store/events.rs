//! Events: everything that came back, once each.

use rusqlite::{Row, params};

use super::{Batch, Store, StoreError};
use crate::{
    address::AddressKey,
    classify::{EnhancedStatusCode, Permanence, Reason},
    event::{EventKey, EventKind},
    suppression::PastEvent,
    time::Timestamp,
    verp::SendHash,
};

/// An event to be written; borrowed, since they come by the hundred thousand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent<'a> {
    pub key: EventKey,
    pub source: &'a str,
    pub kind: EventKind,
    pub reason: Option<Reason>,
    pub permanence: Option<Permanence>,
    pub rule: Option<&'a str>,
    /// Who it is charged to.
    pub address: Option<&'a AddressKey>,
    /// The address the report names, if it is another.
    pub reported: Option<&'a str>,
    pub send: Option<&'a SendHash>,
    pub status: Option<EnhancedStatusCode>,
    pub reply_code: Option<u16>,
    pub receiving_host: &'a str,
    pub diagnostic: &'a str,
    pub raw_type: &'a str,
    /// Why nothing was done, forwarding, forged, ...
    pub note: &'a str,
    /// Key of the archived mail.
    pub content: Option<[u8; 16]>,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    pub run: i64,
}

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
}

const COLUMNS: &str = "key, source, kind, reason, permanence, rule, address_key, reported, send_hash, status, reply_code,
     receiving_host, diagnostic, raw_type, note, content, occurred_at, received_at, run";

fn kind(row: &Row<'_>, index: usize) -> rusqlite::Result<EventKind> {
    let name: String = row.get(index)?;
    // A kind of a later version: shown as a note rather than failing the whole list.
    Ok(EventKind::from_name(&name).unwrap_or(EventKind::Note))
}

fn reason(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Reason>> {
    Ok(row
        .get::<_, Option<String>>(index)?
        .and_then(|name| Reason::from_name(&name)))
}

fn permanence(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Permanence>> {
    let name: Option<String> = row.get(index)?;
    Ok(name.map(|name| {
        if name == "hard" {
            Permanence::Hard
        } else {
            Permanence::Soft
        }
    }))
}

fn event(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        key: EventKey(row.get(0)?),
        source: row.get(1)?,
        kind: kind(row, 2)?,
        reason: reason(row, 3)?,
        permanence: permanence(row, 4)?,
        rule: row.get(5)?,
        address: row
            .get::<_, Option<String>>(6)?
            .map(AddressKey::from_stored),
        reported: row.get(7)?,
        send_hash: row
            .get::<_, Option<Vec<u8>>>(8)?
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
    })
}

impl Batch<'_> {
    /// Adds events; answers for each, in the given order, whether it is new.
    pub fn insert_events(&self, events: &[NewEvent<'_>]) -> Result<Vec<bool>, StoreError> {
        let mut insert = self.transaction.prepare_cached(&format!(
            "INSERT INTO event ({COLUMNS})
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
             ON CONFLICT (key) DO NOTHING"
        ))?;
        let mut order: Vec<usize> = (0..events.len()).collect();
        order.sort_unstable_by_key(|index| (events[*index].key, *index));
        let mut new = vec![false; events.len()];
        for index in order {
            let event = &events[index];
            let inserted = insert.execute(params![
                event.key.0,
                event.source,
                event.kind.name(),
                event.reason.map(Reason::name),
                event.permanence.map(Permanence::name),
                event.rule,
                event.address.map(AddressKey::as_str),
                event.reported,
                event.send.map(|hash| hash.as_str().as_bytes()),
                event.status.map(|status| status.to_string()),
                event.reply_code,
                event.receiving_host,
                event.diagnostic,
                event.raw_type,
                event.note,
                event.content,
                event.occurred_at.0,
                event.received_at.0,
                event.run,
            ])?;
            new[index] = inserted == 1;
        }
        Ok(new)
    }

    /// What happened to an address since `since`, oldest first.
    pub(crate) fn history(
        &self,
        address: &AddressKey,
        since: Timestamp,
    ) -> Result<Vec<PastEvent>, StoreError> {
        let mut select = self.transaction.prepare_cached(
            "SELECT kind, reason, permanence, occurred_at, source, send_hash FROM event
             WHERE address_key = $1 AND occurred_at >= $2 ORDER BY occurred_at, key",
        )?;
        let rows = select.query_map(params![address.as_str(), since.0], |row| {
            Ok(PastEvent {
                kind: kind(row, 0)?,
                reason: reason(row, 1)?,
                permanence: permanence(row, 2)?,
                occurred_at: Timestamp(row.get(3)?),
                source: row.get(4)?,
                send: row
                    .get::<_, Option<Vec<u8>>>(5)?
                    .map(|hash| String::from_utf8_lossy(&hash).into_owned()),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Store {
    /// Everything that came back from an address, oldest first.
    pub fn events_of(&self, address: &AddressKey) -> Result<Vec<EventRow>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM event WHERE address_key = $1 ORDER BY occurred_at, key"
        ))?;
        let rows = select.query_map([address.as_str()], event)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The events whose key begins with these bytes (a shortened id), at most two.
    pub fn events_by_key(&self, prefix: &[u8]) -> Result<Vec<EventRow>, StoreError> {
        let mut upper = prefix.to_vec();
        upper.resize(17, 0xff);
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM event WHERE key >= $1 AND key <= $2 ORDER BY key LIMIT 2"
        ))?;
        let rows = select.query_map(params![prefix, upper], event)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many events each rule decided, by rule id.
    pub fn rule_hits(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT rule, count(*) FROM event WHERE rule IS NOT NULL GROUP BY rule ORDER BY 2 DESC, 1")?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
