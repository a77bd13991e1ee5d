//! What happened to each address, as far as the index over addresses tells: enough to see who is
//! worth a closer look, without reading the wide rows of events.

use super::engine::{Row, Rows, params};
use super::{Store, StoreError, do_not_contact, events};
use crate::{
    address::AddressKey,
    event::EventKey,
    suppression::{Entry, PastEvent},
    time::Timestamp,
};

/// An address with its events and its entries. Of the events, in the order of time, only kind,
/// reason, permanence and time are known; what else there is of them is empty.
#[derive(Debug)]
pub struct Outline<'a> {
    pub address: &'a AddressKey,
    pub events: &'a [PastEvent],
    /// Expired ones too.
    pub listed: &'a [Entry],
}

fn past(row: &Row<'_>) -> Result<PastEvent, StoreError> {
    let occurred_at = Timestamp(row.get(4)?);
    Ok(PastEvent {
        key: EventKey([0; 16]),
        kind: events::kind(row, 1)?,
        reason: events::reason(row, 2)?,
        permanence: events::permanence(row, 3)?,
        occurred_at,
        received_at: occurred_at,
        source: String::new(),
        send: None,
        grounds: None,
        receiving_host: String::new(),
        campaign: String::new(),
        note: String::new(),
        expires_at: None,
        run: 0,
    })
}

impl Store {
    /// Calls `each` with every address that has events the policy reads, in the order of addresses, without the
    /// events of undone runs; memory does not grow with them.
    pub fn for_each_outline<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(Outline<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        // The run stands in the wide rows only: these are not looked at while none was undone.
        let undone = if self.undone_runs()?.is_empty() {
            ""
        } else {
            "AND e.run NOT IN (SELECT r.id FROM run AS r WHERE r.undone_at IS NOT NULL)"
        };
        let mut select = self.connection.prepare(&format!(
            "SELECT e.address_key, e.kind, e.reason, e.permanence, e.occurred_at FROM event AS e
             WHERE e.address_key IS NOT NULL {undone} ORDER BY e.address_key, e.occurred_at"
        ))?;
        let mut rows = select.query(params![])?;
        let mut listed = Listed::default();
        let mut entries = self.connection.prepare(&format!(
            "SELECT {} FROM do_not_contact AS d WHERE d.channel = $1 ORDER BY d.address_key",
            do_not_contact::COLUMNS
        ))?;
        let mut entries = entries.query(params![do_not_contact::CHANNEL])?;
        let mut present: Option<AddressKey> = None;
        let mut events = Vec::new();
        loop {
            let row = rows.next()?;
            let address = row.as_ref().map(|row| row.text(0)).transpose()?;
            if let Some(last) = &present
                && address != Some(last.as_str())
            {
                listed.of(last, &mut entries)?;
                each(Outline {
                    address: last,
                    events: &events,
                    listed: &listed.entries,
                })?;
                events.clear();
                present = None;
            }
            let (Some(row), Some(address)) = (&row, address) else {
                return Ok(());
            };
            let event = past(row)?;
            // Asked here: a list in the statement would be looked up for each row.
            if !super::history::counts(event.kind) {
                continue;
            }
            if present.is_none() {
                present = Some(AddressKey::from_stored(address.to_owned()));
            }
            events.push(event);
        }
    }
}

/// The entries of one address out of a list in the order of addresses.
#[derive(Default)]
struct Listed {
    /// The one that was read beyond them.
    next: Option<(AddressKey, Entry)>,
    entries: Vec<Entry>,
}

impl Listed {
    /// Reads on; addresses must be asked for in their order.
    fn of(&mut self, address: &AddressKey, rows: &mut Rows<'_>) -> Result<(), StoreError> {
        self.entries.clear();
        loop {
            if let Some((next, entry)) = self.next.take() {
                if next > *address {
                    self.next = Some((next, entry));
                    return Ok(());
                }
                if next == *address {
                    self.entries.push(entry);
                }
            }
            let Some(row) = rows.next()? else {
                return Ok(());
            };
            let row = do_not_contact::row(&row)?;
            self.next = Some((row.address, row.entry));
        }
    }
}
