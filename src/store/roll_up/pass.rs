//! All events counted in one pass over them, in the order in which they lie: fetching them in any
//! other order, or looking their sends up one by one, takes ten times as long.
//!
//! A pass reads a view of the database that does not change, without a lock, and writes what came
//! of it in one short transaction, if nobody discarded the counts meanwhile. Its memory is bounded:
//! when there is too much to be held, the later days are left to a pass of their own.

use std::collections::HashMap;

use super::super::engine::{Cell, Connection, Purpose, Value, params};
use super::{
    BULK, Batch, Store, StoreError, day,
    fate::{Bits, Fate, Fates, SendDays},
    groups::{COLUMNS, Groups, NO_CAMPAIGN, SEND},
    heard::{Heard, Hearing},
    undone,
};
use crate::address::AddressKey;

/// How much is held in memory at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// So few events are counted by looking up their sends one by one.
    pub(super) few: usize,
    /// So many noted events are counted at a time.
    pub(super) noted: usize,
    /// So few of them are never worth a pass.
    pub(super) bulk: i64,
    /// Sends of which something was heard.
    pub(super) sends: usize,
    /// Groups of counts, and sends that are not there.
    pub(super) groups: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            few: 100_000,
            noted: 200_000,
            bulk: BULK,
            sends: 3_000_000,
            groups: 1_200_000,
        }
    }
}

/// How far the passes have come: what stands in `roll_up.scanned` while there are some to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The first day that is not counted yet.
    pub(super) from: i64,
    /// Tells these passes from those after a discarding.
    pub(super) token: [u8; 8],
}

impl Place {
    pub(super) const START: i64 = i64::MIN;

    /// Nothing for what an earlier version left.
    pub(super) fn read(stored: &[u8]) -> Option<Self> {
        let (from, token) = stored.split_first_chunk()?;
        Some(Self {
            from: i64::from_be_bytes(*from),
            token: <[u8; 8]>::try_from(token.strip_suffix(b"/")?).ok()?,
        })
    }

    pub(super) fn to_stored(&self) -> Vec<u8> {
        [&self.from.to_be_bytes()[..], &self.token, b"/"].concat()
    }
}

/// What a pass saw of the days from its place up to another.
pub(super) struct Pass {
    place: Place,
    /// Exclusive.
    until: i64,
    /// The last row of `uncounted` whose events it saw.
    seen: i64,
    heard: Heard,
    groups: Groups,
    /// Sends that are not there, with what was heard of them and on which day first.
    orphans: HashMap<Box<[u8]>, (Bits, i64)>,
}

/// So many rows are written by one call.
const AT_ONCE: usize = 2_000;
/// So many days of sends are added up before they are written.
const SEND_DAYS: usize = 300_000;

impl Pass {
    pub(super) fn read(store: &Store, place: Place, bounds: Bounds) -> Result<Self, StoreError> {
        let view = store.connection.begin(Purpose::Reading)?;
        let seen = view.query_row(
            "SELECT coalesce(max(id), 0) FROM uncounted",
            params![],
            |row| row.get(0),
        )?;
        let mut until = i64::MAX;
        let groups = Groups::new(undone(&view)?);
        let heard = hear(&view, &groups, place.from, &mut until, bounds)?;
        let mut pass = Self {
            place,
            until,
            seen,
            heard,
            groups,
            orphans: HashMap::new(),
        };
        pass.name_campaigns(&view)?;
        pass.count(&view, bounds)?;
        view.commit()?;
        Ok(pass)
    }

    /// Looks for the campaigns of the sends.
    fn name_campaigns(&mut self, view: &Connection) -> Result<(), StoreError> {
        let mut select = view.prepare("SELECT hash, email_id FROM send")?;
        let mut rows = select.query(params![])?;
        while let Some(row) = rows.next()? {
            if let Some(index) = self.heard.find(row.octets(0)?) {
                let campaign = self.groups.campaign(row.text(1)?);
                self.heard.set_campaign(index, campaign);
            }
        }
        Ok(())
    }

    fn count(&mut self, view: &Connection, bounds: Bounds) -> Result<(), StoreError> {
        let mut most = bounds.groups;
        let mut select = view.prepare(&format!("SELECT {COLUMNS} FROM event"))?;
        let mut rows = select.query(params![])?;
        while let Some(row) = rows.next()? {
            let today = day(row.get(0)?);
            if today < self.place.from || today >= self.until {
                continue;
            }
            let Some(event) = self.groups.read(&row)? else {
                continue;
            };
            let campaign = match row.cell(SEND)? {
                Cell::Blob(send) => self.campaign(send, event.bits, today),
                _ => NO_CAMPAIGN,
            };
            self.groups.count(&event, campaign);
            if self.groups.len() + self.orphans.len() >= most {
                let orphans = self.orphans.values().map(|(_, day)| *day);
                match middle(self.groups.days().chain(orphans)) {
                    Some(until) => {
                        self.until = until;
                        self.groups.keep_before(until);
                        self.orphans.retain(|_, (_, day)| *day < until);
                    }
                    // One day that is larger than that has to be held.
                    None => most *= 2,
                }
            }
        }
        Ok(())
    }

    /// The campaign of a send; one that is not there is noted.
    fn campaign(&mut self, send: &[u8], bits: Bits, day: i64) -> u32 {
        let found = self.heard.find(send);
        if let Some(campaign) = found.and_then(|index| self.heard.campaign(index)) {
            return campaign;
        }
        if let Some((all, first)) = self.orphans.get_mut(send) {
            *all = all.and(bits);
            *first = day.min(*first);
        } else {
            self.orphans.insert(send.into(), (bits, day));
        }
        NO_CAMPAIGN
    }
}

/// The sends that events of these days tell of. Where there are too many, `until` becomes less.
fn hear(
    view: &Connection,
    groups: &Groups,
    from: i64,
    until: &mut i64,
    bounds: Bounds,
) -> Result<Heard, StoreError> {
    let mut most = bounds.sends;
    let mut hearing = Hearing::default();
    let mut select = view.prepare(
        "SELECT occurred_at, kind, permanence, send_hash, run FROM event WHERE send_hash IS NOT NULL",
    )?;
    let mut rows = select.query(params![])?;
    while let Some(row) = rows.next()? {
        let today = day(row.get(0)?);
        if today < from || today >= *until || groups.is_undone(row.get(4)?) {
            continue;
        }
        let permanence = super::super::events::text(&row, 2)?;
        hearing.add(row.octets(3)?, today, Bits::of(row.text(1)?, permanence));
        if hearing.len() < most {
            continue;
        }
        hearing.compact();
        if hearing.len() * 2 > most {
            match middle(hearing.days()) {
                Some(middle) => {
                    *until = middle;
                    hearing.keep_before(middle);
                }
                None => most *= 2,
            }
        }
    }
    Ok(hearing.end())
}

/// A day so that about half of these are before it, but not the last of them; nothing if they are
/// all one day.
fn middle(days: impl Iterator<Item = i64>) -> Option<i64> {
    let mut days: Vec<i64> = days.collect();
    let half = days.len() / 2;
    let (before, middle, after) = days.select_nth_unstable(half);
    let middle = *middle;
    if before.iter().any(|day| *day < middle) {
        return Some(middle);
    }
    after.iter().copied().filter(|day| *day > middle).min()
}

impl Batch<'_> {
    /// Writes what a pass saw. False where that is no longer how things are, and nothing must be
    /// committed.
    pub(super) fn write_pass(&self, pass: Pass) -> Result<bool, StoreError> {
        let Pass {
            place,
            until,
            seen,
            heard,
            groups,
            orphans,
        } = pass;
        if self.scanned()? != Some(place.to_stored()) {
            return Ok(false);
        }
        let orphans = orphans.into_iter().map(|(send, (bits, _))| (send, bits));
        let mut orphans: Vec<(Box<[u8]>, Bits)> = orphans.collect();
        orphans.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for some in orphans.chunks(AT_ONCE) {
            let mut find = self
                .transaction
                .prepare_cached("SELECT 1 FROM send WHERE hash = $1")?;
            let hashes = some.iter().map(|(send, _)| [Value::Blob(send)]);
            let found = find.find_each(hashes, |_| Ok(()))?;
            // It came after the view; once it is noted below, its coming is noticed.
            if found.iter().any(Option::is_some) {
                return Ok(false);
            }
        }
        Fates::of_orphans(self, &orphans)?;
        groups.write(self)?;
        self.write_heard(&heard, place.from == Place::START)?;
        self.transaction.execute(
            "DELETE FROM uncounted WHERE id <= $1 AND day >= $2 AND day < $3",
            params![seen, place.from, until],
        )?;
        let next = Place {
            from: until,
            ..place
        };
        let next = (until < i64::MAX).then(|| next.to_stored());
        self.transaction
            .execute("UPDATE roll_up SET scanned = $1", params![next])?;
        Ok(true)
    }

    /// Adds what was heard of the sends that are there. The first of all passes finds nothing that
    /// was heard before.
    fn write_heard(&self, heard: &Heard, first: bool) -> Result<(), StoreError> {
        let mut days = SendDays::default();
        let mut some: Vec<Fate> = Vec::with_capacity(AT_ONCE);
        let mut select = self
            .transaction
            .prepare("SELECT hash, email_id, sent_at, address_key FROM send ORDER BY hash")?;
        let mut rows = select.query(params![])?;
        while let Some(row) = rows.next()? {
            let send = row.octets(0)?;
            let Some(bits) = heard.find(send).map(|index| heard.bits(index)) else {
                continue;
            };
            if bits == Bits::default() {
                continue;
            }
            some.push(Fate {
                send: send.into(),
                bits,
                campaign: row.get(1)?,
                day: day(row.get(2)?),
                address: AddressKey::from_stored(row.get(3)?),
            });
            if some.len() == AT_ONCE {
                Fates::add_to(self, &some, first, &mut days)?;
                some.clear();
                if days.len() >= SEND_DAYS {
                    std::mem::take(&mut days).write(self)?;
                }
            }
        }
        Fates::add_to(self, &some, first, &mut days)?;
        days.write(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_leaves_something_on_both_sides() {
        let middle = |days: &[i64]| middle(days.iter().copied());
        assert_eq!(middle(&[1, 2, 3, 4]), Some(3));
        assert_eq!(middle(&[7, 7, 7]), None);
        assert_eq!(middle(&[7, 7, 7, 9]), Some(9));
        assert_eq!(middle(&[1, 7, 7, 7]), Some(7));
    }

    #[test]
    fn a_place_is_told_from_a_key_of_an_event() {
        let place = Place {
            from: -3,
            token: *b"abcdefgh",
        };
        assert_eq!(Place::read(&place.to_stored()), Some(place));
        assert_eq!(Place::read(&[]), None);
        assert_eq!(Place::read(&[1; 16]), None);
    }
}
