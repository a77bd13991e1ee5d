//! Counts of events in memory, by what reports group them by.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;
use sha2::{Digest, Sha256};

use super::super::{
    engine::{Row, Value},
    events::text,
};
use super::{Batch, StoreError, day, fate::Bits};
use crate::shape::shape;

/// The columns that [`Groups::read`] reads.
pub(super) const COLUMNS: &str =
    "occurred_at, received_at, kind, reason, permanence, rule, source, address_key, diagnostic, run,
     send_hash";
/// Where the hash of the send stands in them.
pub(super) const SEND: usize = 10;

/// So many different texts of a day are told apart; what comes new after that is left out, so that
/// memory is bounded.
const TEXTS: usize = 20_000;
/// A text takes as much memory as so many other groups.
const TEXT: usize = 6;

/// Samples are cut at so many characters.
const SAMPLE: usize = 240;

type Map<K, V> = HashMap<K, V, RandomState>;

/// Texts by number: a group is a few integers.
#[derive(Default)]
struct Names {
    numbers: Map<String, u32>,
    names: Vec<String>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }

    fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }

    /// The place of each name in their order, by number.
    fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..).take(self.names.len()).collect();
        order.sort_unstable_by_key(|number| self.name(*number));
        let mut ranks = vec![0; order.len()];
        for (rank, number) in (0..).zip(order) {
            ranks[number as usize] = rank;
        }
        ranks
    }
}

/// An event, but for its campaign.
#[derive(Clone, Copy)]
pub(super) struct Event {
    pub(super) day: i64,
    /// What it says of its send.
    pub(super) bits: Bits,
    kind: u32,
    reason: u32,
    permanence: u32,
    /// Of a bounce whose address is known.
    domain: Option<u32>,
    shape: Option<[u8; 8]>,
}

/// Day, campaign, kind, reason and permanence.
type KindKey = (i64, u32, u32, u32, u32);
/// Day, campaign, domain and reason.
type DomainKey = (i64, u32, u32, u32);
/// Day, campaign, reason and shape.
type ShapeKey = (i64, u32, u32, [u8; 8]);

/// Counts of some events.
pub(super) struct Groups {
    undone: HashSet<i64>,
    names: Names,
    kinds: Map<KindKey, i64>,
    domains: Map<DomainKey, i64>,
    shapes: Map<ShapeKey, i64>,
    /// By day and shape.
    samples: Map<(i64, [u8; 8]), String>,
    /// How many of each day.
    texts: Map<i64, usize>,
    /// Of the texts of shapes.
    keys: Map<String, [u8; 8]>,
    /// Day, day of receipt, source → count, unrecognised, latest.
    sources: Map<(i64, i64, u32), (i64, i64, i64)>,
    rules: Map<(i64, u32), i64>,
}

/// The number of the campaign of events that have none.
pub(super) const NO_CAMPAIGN: u32 = 0;

impl Groups {
    /// Events of the undone runs are left out.
    pub(super) fn new(undone: HashSet<i64>) -> Self {
        let mut names = Names::default();
        names.number("");
        Self {
            undone,
            names,
            kinds: Map::default(),
            domains: Map::default(),
            shapes: Map::default(),
            samples: Map::default(),
            texts: Map::default(),
            keys: Map::default(),
            sources: Map::default(),
            rules: Map::default(),
        }
    }

    /// The number of a campaign.
    pub(super) fn campaign(&mut self, name: &str) -> u32 {
        self.names.number(name)
    }

    /// Whether the events of a run are left out.
    pub(super) fn is_undone(&self, run: i64) -> bool {
        !self.undone.is_empty() && self.undone.contains(&run)
    }

    /// Reads an event with the [`COLUMNS`]; nothing where its run is undone. It is counted when its
    /// campaign is known.
    pub(super) fn read(&mut self, row: &Row<'_>) -> Result<Option<Event>, StoreError> {
        if self.is_undone(row.get(9)?) {
            return Ok(None);
        }
        let (occurred_at, received_at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let today = day(occurred_at);
        let (kind, permanence) = (text(row, 2)?, text(row, 4)?);
        let is_bounce = kind == "bounce";
        let rule = text(row, 5)?;
        if !rule.is_empty() {
            let rule = self.names.number(rule);
            *self.rules.entry((today, rule)).or_default() += 1;
        }
        if !matches!(kind, "release" | "manual") {
            let source = self.names.number(text(row, 6)?);
            let place = (today, day(received_at), source);
            let (count, unrecognised, last) =
                self.sources.entry(place).or_insert((0, 0, received_at));
            *count += 1;
            *unrecognised += i64::from(kind == "unrecognised");
            *last = received_at.max(*last);
        }
        let address = text(row, 7)?;
        let domain = (is_bounce && !address.is_empty()).then(|| {
            let domain = address.rsplit('@').next().unwrap_or_default();
            self.names.number(domain)
        });
        let shape = match text(row, 8)? {
            said if is_bounce && !said.is_empty() => self.sample(today, said),
            _ => None,
        };
        Ok(Some(Event {
            day: today,
            bits: Bits::of(kind, permanence),
            kind: self.names.number(kind),
            reason: self.names.number(text(row, 3)?),
            permanence: self.names.number(permanence),
            domain,
            shape,
        }))
    }

    /// Keeps the first in the order of texts as the sample of all of a day that are alike.
    fn sample(&mut self, day: i64, said: &str) -> Option<[u8; 8]> {
        let shape = shape(said);
        let key = self.keys.get(&shape).copied().unwrap_or_else(|| {
            let mut key = [0; 8];
            key.copy_from_slice(&Sha256::digest(&shape)[..8]);
            if self.keys.len() < TEXTS {
                self.keys.insert(shape, key);
            }
            key
        });
        let cut = said
            .char_indices()
            .nth(SAMPLE)
            .map_or(said, |(end, _)| &said[..end]);
        if let Some(sample) = self.samples.get_mut(&(day, key)) {
            if cut < sample.as_str() {
                cut.clone_into(sample);
            }
            return Some(key);
        }
        let texts = self.texts.entry(day).or_default();
        if *texts >= TEXTS {
            return None;
        }
        *texts += 1;
        self.samples.insert((day, key), cut.to_owned());
        Some(key)
    }

    pub(super) fn count(&mut self, event: &Event, campaign: u32) {
        let Event {
            day,
            kind,
            reason,
            permanence,
            ..
        } = *event;
        let place = (day, campaign, kind, reason, permanence);
        *self.kinds.entry(place).or_default() += 1;
        if let Some(domain) = event.domain {
            let place = (day, campaign, domain, reason);
            *self.domains.entry(place).or_default() += 1;
        }
        if let Some(shape) = event.shape {
            let place = (day, campaign, reason, shape);
            *self.shapes.entry(place).or_default() += 1;
        }
    }

    /// How many groups there are: what takes memory.
    pub(super) fn len(&self) -> usize {
        self.domains.len() + self.kinds.len() + self.shapes.len() + TEXT * self.samples.len()
    }

    /// The days of the groups, each as often as it has some.
    pub(super) fn days(&self) -> impl Iterator<Item = i64> {
        let kinds = self.kinds.keys().map(|key| key.0);
        let shapes = self.shapes.keys().map(|key| key.0);
        let domains = self.domains.keys().map(|key| key.0);
        domains.chain(kinds).chain(shapes)
    }

    /// Forgets what was counted of later days.
    pub(super) fn keep_before(&mut self, until: i64) {
        self.kinds.retain(|key, _| key.0 < until);
        self.domains.retain(|key, _| key.0 < until);
        self.shapes.retain(|key, _| key.0 < until);
        self.samples.retain(|key, _| key.0 < until);
        self.texts.retain(|day, _| *day < until);
        self.sources.retain(|key, _| key.0 < until);
        self.rules.retain(|key, _| key.0 < until);
    }

    /// Adds the counts to those that are there.
    pub(super) fn write(mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let ranks = self.names.ranks();
        let rank = |number: u32| ranks[number as usize];
        // In the order of the keys: neighbouring rows share a page.
        let kinds = sorted(std::mem::take(&mut self.kinds), |(day, c, k, r, p)| {
            (*day, rank(*c), rank(*k), rank(*r), rank(*p))
        });
        self.write_kinds(batch, &kinds)?;
        drop(kinds);
        let domains = sorted(std::mem::take(&mut self.domains), |(day, c, d, r)| {
            (*day, rank(*c), rank(*d), rank(*r))
        });
        self.write_domains(batch, &domains)?;
        drop(domains);
        let shapes = sorted(std::mem::take(&mut self.shapes), |(day, c, r, shape)| {
            (*day, rank(*c), rank(*r), *shape)
        });
        self.write_shapes(batch, &shapes)?;
        self.write_sources(batch)?;
        self.write_rules(batch)
    }

    fn write_kinds(&self, batch: &Batch<'_>, kinds: &[(KindKey, i64)]) -> Result<(), StoreError> {
        let mut add = batch.transaction.prepare_cached(
            "INSERT INTO day_kind (day, campaign, kind, reason, permanence, count) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (day, campaign, kind, reason, permanence) DO UPDATE SET count = day_kind.count + excluded.count",
        )?;
        let name = |number: &u32| self.names.name(*number);
        add.execute_each(kinds.iter().map(
            |((day, campaign, kind, reason, permanence), count)| {
                [
                    Value::Integer(*day),
                    Value::Text(name(campaign)),
                    Value::Text(name(kind)),
                    Value::Text(name(reason)),
                    Value::Text(name(permanence)),
                    Value::Integer(*count),
                ]
            },
        ))?;
        Ok(())
    }

    fn write_domains(
        &self,
        batch: &Batch<'_>,
        domains: &[(DomainKey, i64)],
    ) -> Result<(), StoreError> {
        let mut add = batch.transaction.prepare_cached(
            "INSERT INTO day_domain (day, campaign, domain, reason, count) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (day, campaign, domain, reason) DO UPDATE SET count = day_domain.count + excluded.count",
        )?;
        let name = |number: &u32| self.names.name(*number);
        add.execute_each(
            domains
                .iter()
                .map(|((day, campaign, domain, reason), count)| {
                    [
                        Value::Integer(*day),
                        Value::Text(name(campaign)),
                        Value::Text(name(domain)),
                        Value::Text(name(reason)),
                        Value::Integer(*count),
                    ]
                }),
        )?;
        Ok(())
    }

    fn write_shapes(
        &self,
        batch: &Batch<'_>,
        shapes: &[(ShapeKey, i64)],
    ) -> Result<(), StoreError> {
        let mut add = batch.transaction.prepare_cached(
            "INSERT INTO day_diagnostic (day, campaign, reason, shape, count, sample) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (day, campaign, reason, shape) DO UPDATE SET
                 count = day_diagnostic.count + excluded.count,
                 sample = CASE WHEN excluded.sample < day_diagnostic.sample THEN excluded.sample
                               ELSE day_diagnostic.sample END",
        )?;
        let name = |number: &u32| self.names.name(*number);
        add.execute_each(
            shapes
                .iter()
                .map(|((day, campaign, reason, shape), count)| {
                    [
                        Value::Integer(*day),
                        Value::Text(name(campaign)),
                        Value::Text(name(reason)),
                        Value::Blob(shape),
                        Value::Integer(*count),
                        Value::Text(&self.samples[&(*day, *shape)]),
                    ]
                }),
        )?;
        Ok(())
    }

    fn write_sources(&self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let mut add = batch.transaction.prepare_cached(
            "INSERT INTO day_source (day, received_day, source, count, unrecognised, last) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (day, received_day, source) DO UPDATE SET
                 count = day_source.count + excluded.count,
                 unrecognised = day_source.unrecognised + excluded.unrecognised,
                 last = CASE WHEN excluded.last > day_source.last THEN excluded.last ELSE day_source.last END",
        )?;
        add.execute_each(self.sources.iter().map(|(place, counts)| {
            let ((day, received_day, source), (count, unrecognised, last)) = (place, counts);
            [
                Value::Integer(*day),
                Value::Integer(*received_day),
                Value::Text(self.names.name(*source)),
                Value::Integer(*count),
                Value::Integer(*unrecognised),
                Value::Integer(*last),
            ]
        }))?;
        Ok(())
    }

    fn write_rules(&self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let mut add = batch.transaction.prepare_cached(
            "INSERT INTO day_rule (day, rule, count) VALUES ($1, $2, $3)
             ON CONFLICT (day, rule) DO UPDATE SET count = day_rule.count + excluded.count",
        )?;
        add.execute_each(self.rules.iter().map(|((day, rule), count)| {
            [
                Value::Integer(*day),
                Value::Text(self.names.name(*rule)),
                Value::Integer(*count),
            ]
        }))?;
        Ok(())
    }
}

fn sorted<K, O: Ord>(groups: Map<K, i64>, order: impl Fn(&K) -> O) -> Vec<(K, i64)> {
    let mut groups: Vec<(K, i64)> = groups.into_iter().collect();
    groups.sort_unstable_by_key(|(key, _)| order(key));
    groups
}
