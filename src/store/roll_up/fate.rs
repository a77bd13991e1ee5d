//! What became of sends, by campaign, domain and day.

use std::collections::BTreeMap;

use super::super::engine::{Value, params};
use super::{Batch, StoreError, day};
use crate::address::AddressKey;

/// So many sends are looked up at once.
const AT_ONCE: usize = 2_000;

/// What was heard of a send, as in the table `send_fate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bits(u8);

impl Bits {
    const HARD: u8 = 1;
    const SOFT: u8 = 2;
    const COMPLAINT: u8 = 4;
    const UNSUBSCRIBE: u8 = 8;

    pub(super) fn of(kind: &str, permanence: &str) -> Self {
        Self(match (kind, permanence) {
            ("bounce", "hard") => Self::HARD,
            ("bounce", "soft") => Self::SOFT,
            ("complaint", _) => Self::COMPLAINT,
            ("unsubscribe", _) => Self::UNSUBSCRIBE,
            _ => 0,
        })
    }

    /// Both together.
    #[must_use]
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    fn counts(self) -> Change {
        let one = i64::from;
        Change {
            sends: 0,
            hard: one(self.has(Self::HARD)),
            soft: one(self.has(Self::SOFT) && !self.has(Self::HARD)),
            complaints: one(self.has(Self::COMPLAINT)),
            unsubscribes: one(self.has(Self::UNSUBSCRIBE)),
        }
    }
}

/// What is added to a row of `send_day`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    sends: i64,
    hard: i64,
    soft: i64,
    complaints: i64,
    unsubscribes: i64,
}

impl Change {
    pub(super) fn sends(sends: i64) -> Self {
        Self {
            sends,
            ..Self::default()
        }
    }

    fn from_to(before: Bits, after: Bits) -> Self {
        let (before, after) = (before.counts(), after.counts());
        Self {
            sends: 0,
            hard: after.hard - before.hard,
            soft: after.soft - before.soft,
            complaints: after.complaints - before.complaints,
            unsubscribes: after.unsubscribes - before.unsubscribes,
        }
    }
}

/// Changes by day, campaign and domain.
#[derive(Default)]
pub(super) struct SendDays {
    changes: BTreeMap<i64, BTreeMap<String, BTreeMap<String, Change>>>,
    len: usize,
}

impl SendDays {
    pub(super) fn add(&mut self, (day, email, domain): (i64, &str, &str), change: Change) {
        let emails = self.changes.entry(day).or_default();
        if !emails.contains_key(email) {
            emails.insert(email.to_owned(), BTreeMap::new());
        }
        let Some(domains) = emails.get_mut(email) else {
            return;
        };
        if let Some(sum) = domains.get_mut(domain) {
            sum.sends += change.sends;
            sum.hard += change.hard;
            sum.soft += change.soft;
            sum.complaints += change.complaints;
            sum.unsubscribes += change.unsubscribes;
        } else {
            domains.insert(domain.to_owned(), change);
            self.len += 1;
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn write(self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let mut add = batch.transaction.prepare_cached(
            "INSERT INTO send_day (day, email_id, domain, sends, hard, soft, complaints, unsubscribes)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (day, email_id, domain) DO UPDATE SET sends = send_day.sends + excluded.sends,
                 hard = send_day.hard + excluded.hard, soft = send_day.soft + excluded.soft,
                 complaints = send_day.complaints + excluded.complaints,
                 unsubscribes = send_day.unsubscribes + excluded.unsubscribes",
        )?;
        let mut empty = batch.transaction.prepare_cached(
            "DELETE FROM send_day WHERE day = $1 AND email_id = $2 AND domain = $3 AND sends <= 0",
        )?;
        let changes = || {
            self.changes.iter().flat_map(|(day, emails)| {
                emails.iter().flat_map(move |(email, domains)| {
                    domains
                        .iter()
                        .map(move |(domain, change)| (*day, email, domain, change))
                })
            })
        };
        add.execute_each(changes().map(|(day, email, domain, change)| {
            [
                Value::Integer(day),
                Value::Text(email),
                Value::Text(domain),
                Value::Integer(change.sends),
                Value::Integer(change.hard),
                Value::Integer(change.soft),
                Value::Integer(change.complaints),
                Value::Integer(change.unsubscribes),
            ]
        }))?;
        let fewer = changes().filter(|(.., change)| change.sends < 0);
        empty.execute_each(fewer.map(|(day, email, domain, _)| {
            [Value::Integer(day), Value::Text(email), Value::Text(domain)]
        }))?;
        Ok(())
    }
}

/// Sends, by their hash, and the campaigns they belong to.
pub(super) type Campaigns = Vec<(Box<[u8]>, String)>;

/// What some events say of a send that is there.
pub(super) struct Fate {
    pub(super) send: Box<[u8]>,
    pub(super) bits: Bits,
    pub(super) campaign: String,
    /// When it was sent.
    pub(super) day: i64,
    pub(super) address: AddressKey,
}

/// What some events say of sends.
#[derive(Default)]
pub(super) struct Fates(Vec<(Box<[u8]>, Bits)>);

impl Fates {
    pub(super) fn add(&mut self, send: &[u8], bits: Bits) {
        self.0.push((send.into(), bits));
    }

    /// Adds what was heard of sends that are not there to what was heard before.
    pub(super) fn of_orphans(
        batch: &Batch<'_>,
        orphans: &[(Box<[u8]>, Bits)],
    ) -> Result<(), StoreError> {
        if orphans.is_empty() {
            return Ok(());
        }
        let mut write = batch.transaction.prepare_cached(
            "INSERT INTO send_fate (hash, fate) VALUES ($1, $2)
             ON CONFLICT (hash) DO UPDATE SET fate = send_fate.fate | excluded.fate",
        )?;
        for some in orphans.chunks(AT_ONCE) {
            let rows = some.iter();
            write.execute_each(
                rows.map(|(send, bits)| [Value::Blob(send), Value::Integer(bits.0.into())]),
            )?;
        }
        batch.transaction.execute(
            "UPDATE roll_up SET orphans = 1 WHERE orphans = 0",
            params![],
        )?;
        Ok(())
    }

    /// Adds to what was heard before, of which there is nothing if this is the `first`.
    pub(super) fn add_to(
        batch: &Batch<'_>,
        fates: &[Fate],
        first: bool,
        days: &mut SendDays,
    ) -> Result<(), StoreError> {
        let before: Vec<Bits> = if first {
            vec![Bits::default(); fates.len()]
        } else {
            let mut heard = batch
                .transaction
                .prepare_cached("SELECT fate FROM send_fate WHERE hash = $1")?;
            let hashes = fates.iter().map(|fate| [Value::Blob(&fate.send)]);
            let heard = heard.find_each(hashes, |row| Ok(Bits(row.get(0)?)))?;
            heard.into_iter().map(Option::unwrap_or_default).collect()
        };
        let mut write = batch.transaction.prepare_cached(
            "INSERT INTO send_fate (hash, fate) VALUES ($1, $2) ON CONFLICT (hash) DO UPDATE SET fate = excluded.fate",
        )?;
        let worse = || {
            let all = fates.iter().zip(&before);
            all.map(|(fate, before)| (fate, *before, before.and(fate.bits)))
                .filter(|(_, before, after)| before != after)
        };
        write
            .execute_each(worse().map(|(fate, _, after)| {
                [Value::Blob(&fate.send), Value::Integer(after.0.into())]
            }))?;
        for (fate, before, after) in worse() {
            let place = (fate.day, fate.campaign.as_str(), fate.address.domain());
            days.add(place, Change::from_to(before, after));
        }
        Ok(())
    }

    /// Adds them to what was heard before. Answers the campaign of each send that is there.
    pub(super) fn write(self, batch: &Batch<'_>) -> Result<Campaigns, StoreError> {
        let mut fates = self.0;
        // In the order of the key: neighbouring rows share a page.
        fates.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        fates.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1.0 |= next.1.0;
            }
            same
        });
        let mut find = batch.transaction.prepare_cached(
            "SELECT s.email_id, s.sent_at, s.address_key, coalesce(f.fate, 0) FROM send AS s
             LEFT JOIN send_fate AS f ON f.hash = s.hash WHERE s.hash = $1",
        )?;
        let mut write = batch.transaction.prepare_cached(
            "INSERT INTO send_fate (hash, fate) VALUES ($1, $2) ON CONFLICT (hash) DO UPDATE SET fate = excluded.fate",
        )?;
        let mut days = SendDays::default();
        let mut campaigns = Vec::with_capacity(fates.len());
        let mut orphans = Vec::new();
        let mut fates = fates.into_iter();
        loop {
            let some: Vec<(Box<[u8]>, Bits)> = fates.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                break;
            }
            let hashes = some.iter().map(|(send, _)| [Value::Blob(send)]);
            let found = find.find_each(hashes, |row| {
                let address = AddressKey::from_stored(row.get(2)?);
                Ok((
                    row.get::<String>(0)?,
                    row.get::<i64>(1)?,
                    address,
                    Bits(row.get(3)?),
                ))
            })?;
            let mut worse = Vec::new();
            for ((send, bits), found) in some.into_iter().zip(found) {
                let Some((campaign, sent_at, address, before)) = found else {
                    orphans.push((send, bits));
                    continue;
                };
                let after = before.and(bits);
                if after != before {
                    let place = (day(sent_at), campaign.as_str(), address.domain());
                    days.add(place, Change::from_to(before, after));
                    worse.push((campaigns.len(), after));
                }
                campaigns.push((send, campaign));
            }
            write.execute_each(worse.iter().map(|(index, after)| {
                let (send, _) = &campaigns[*index];
                [Value::Blob(send), Value::Integer(after.0.into())]
            }))?;
        }
        days.write(batch)?;
        Self::of_orphans(batch, &orphans)?;
        Ok(campaigns)
    }
}
