//! What happened to each address, as far as the index over addresses tells: enough to see who is
//! worth a closer look, without reading the wide rows of events.

use super::engine::{Row, Rows, params};
use super::{Store, StoreError, do_not_contact, events};
use crate::{
    address::AddressKey,
    classify::{Permanence, Reason},
    event::{EventKey, EventKind},
    suppression::{Entry, PastEvent},
    time::Timestamp,
};

/// An address with its events, in the order of time, and its entries. Deliveries are left out: most
/// events are, and all that they can do is to make points forgotten.
#[derive(Debug)]
pub struct Outline<'a> {
    pub address: &'a AddressKey,
    pub events: &'a [Happening],
    /// Expired ones too.
    pub listed: &'a [Entry],
}

/// What the index tells of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    pub kind: EventKind,
    pub reason: Option<Reason>,
    pub permanence: Option<Permanence>,
    pub occurred_at: Timestamp,
}

impl From<&Happening> for PastEvent {
    /// What is not known of it is empty.
    fn from(happening: &Happening) -> Self {
        Self {
            key: EventKey([0; 16]),
            kind: happening.kind,
            reason: happening.reason,
            permanence: happening.permanence,
            occurred_at: happening.occurred_at,
            received_at: happening.occurred_at,
            source: String::new(),
            send: None,
            grounds: None,
            receiving_host: String::new(),
            campaign: String::new(),
            note: String::new(),
            expires_at: None,
            run: 0,
        }
    }
}

/// What the names in a column mean: there are few, and millions of rows hold them.
struct Names<T> {
    column: usize,
    read: fn(&Row<'_>, usize) -> Result<T, StoreError>,
    known: Vec<(Box<[u8]>, T)>,
}

impl<T: Copy> Names<T> {
    fn of(column: usize, read: fn(&Row<'_>, usize) -> Result<T, StoreError>) -> Self {
        Self {
            column,
            read,
            known: Vec::new(),
        }
    }

    fn read(&mut self, row: &Row<'_>) -> Result<T, StoreError> {
        let name = row.raw(self.column)?;
        if let Some((_, meaning)) = self.known.iter().find(|(known, _)| **known == *name) {
            return Ok(*meaning);
        }
        let meaning = (self.read)(row, self.column)?;
        self.known.push((name.into(), meaning));
        Ok(meaning)
    }
}

impl Store {
    /// Calls `each` with every address that has such events, in the order of addresses, without the
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
             WHERE e.address_key IS NOT NULL AND e.kind <> 'delivered' {undone} ORDER BY e.address_key, e.occurred_at"
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
        let mut kinds = Names::of(1, events::kind);
        let mut reasons = Names::of(2, events::reason);
        let mut permanences = Names::of(3, events::permanence);
        loop {
            let row = rows.next()?;
            let address = row.as_ref().map(|row| row.raw(0)).transpose()?;
            if let Some(last) = &present
                && address != Some(last.as_str().as_bytes())
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
            let Some(row) = &row else {
                return Ok(());
            };
            let kind = kinds.read(row)?;
            // Asked here: a list in the statement would be looked up for each row.
            if !super::history::counts(kind) {
                continue;
            }
            if present.is_none() {
                present = Some(AddressKey::from_stored(row.get(0)?));
            }
            events.push(Happening {
                kind,
                reason: reasons.read(row)?,
                permanence: permanences.read(row)?,
                occurred_at: Timestamp(row.get(4)?),
            });
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
