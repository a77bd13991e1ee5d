//! Events counted by what reports group them by.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::super::{
    engine::{Cell, Row, Value},
    events::text,
};
use super::{
    Batch, StoreError, day,
    fate::{Bits, Fates},
};
use crate::shape::shape;

/// The tables that are keyed by day and hold nothing else.
pub(super) const TABLES: &[&str] = &[
    "day_kind",
    "day_domain",
    "day_source",
    "day_rule",
    "day_diagnostic",
];

/// So many different texts are told apart at a time; what comes new after that is left out, so
/// that memory is bounded.
const TEXTS: usize = 20_000;

/// Samples are cut at so many characters.
const SAMPLE: usize = 240;

/// Texts by number: a group is a few integers.
#[derive(Default)]
struct Names {
    numbers: HashMap<String, u32>,
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
}

/// Of an event, what its campaign is still to be looked up for.
struct Counted {
    day: i64,
    kind: u32,
    reason: u32,
    permanence: u32,
    /// Of a bounce whose address is known.
    domain: Option<u32>,
    shape: Option<[u8; 8]>,
    send: Option<Box<[u8]>>,
}

/// Day, campaign, kind, reason and permanence.
type KindKey = (i64, u32, u32, u32, u32);
/// Day, campaign, domain and reason.
type DomainKey = (i64, u32, u32, u32);
/// Day, campaign, reason and shape.
type ShapeKey = (i64, u32, u32, [u8; 8]);

/// Counts of some events.
#[derive(Default)]
pub(super) struct Tally {
    undone: HashSet<i64>,
    names: Names,
    events: Vec<Counted>,
    fates: Fates,
    /// By day and shape.
    samples: HashMap<(i64, [u8; 8]), String>,
    /// Day, day of receipt, source → count, unrecognised, latest.
    sources: HashMap<(i64, i64, u32), (i64, i64, i64)>,
    rules: HashMap<(i64, u32), i64>,
}

impl Tally {
    /// Events of the undone runs are left out.
    pub(super) fn new(undone: HashSet<i64>) -> Self {
        Self {
            undone,
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Adds an event with the columns of [`super::COLUMNS`].
    pub(super) fn add(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        if !self.undone.is_empty() && self.undone.contains(&row.get(11)?) {
            return Ok(());
        }
        let (occurred_at, received_at): (i64, i64) = (row.get(1)?, row.get(2)?);
        let today = day(occurred_at);
        let kind = text(row, 3)?;
        let is_bounce = kind == "bounce";
        let rule = text(row, 6)?;
        if !rule.is_empty() {
            let rule = self.names.number(rule);
            *self.rules.entry((today, rule)).or_default() += 1;
        }
        if !matches!(kind, "release" | "manual") {
            let source = self.names.number(text(row, 7)?);
            let place = (today, day(received_at), source);
            let (count, unrecognised, last) =
                self.sources.entry(place).or_insert((0, 0, received_at));
            *count += 1;
            *unrecognised += i64::from(kind == "unrecognised");
            *last = received_at.max(*last);
        }
        let address = text(row, 8)?;
        let domain = (is_bounce && !address.is_empty()).then(|| {
            let domain = address.rsplit('@').next().unwrap_or_default();
            self.names.number(domain)
        });
        let shape = match text(row, 10)? {
            said if is_bounce && !said.is_empty() => self.sample(today, said),
            _ => None,
        };
        let send = match row.cell(9)? {
            Cell::Blob(send) => Some(send),
            _ => None,
        };
        if let Some(send) = send {
            self.fates.add(send, Bits::of(kind, text(row, 5)?));
        }
        self.events.push(Counted {
            day: today,
            kind: self.names.number(kind),
            reason: self.names.number(text(row, 4)?),
            permanence: self.names.number(text(row, 5)?),
            domain,
            shape,
            send: send.map(Box::from),
        });
        Ok(())
    }

    /// Keeps the first in the order of texts as the sample of all of a day that are alike.
    fn sample(&mut self, day: i64, said: &str) -> Option<[u8; 8]> {
        let mut key = [0; 8];
        key.copy_from_slice(&Sha256::digest(shape(said))[..8]);
        let cut = said
            .char_indices()
            .nth(SAMPLE)
            .map_or(said, |(end, _)| &said[..end]);
        if let Some(sample) = self.samples.get_mut(&(day, key)) {
            if cut < sample.as_str() {
                cut.clone_into(sample);
            }
        } else if self.samples.len() < TEXTS {
            self.samples.insert((day, key), cut.to_owned());
        } else {
            return None;
        }
        Some(key)
    }

    /// Adds the counts to those that are there.
    pub(super) fn write(mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let campaigns = std::mem::take(&mut self.fates).write(batch)?;
        let campaigns: HashMap<&[u8], u32> = campaigns
            .iter()
            .map(|(send, campaign)| (&**send, self.names.number(campaign)))
            .collect();
        let none = self.names.number("");
        let mut kinds: HashMap<KindKey, i64> = HashMap::new();
        let mut domains: HashMap<DomainKey, i64> = HashMap::new();
        let mut shapes: HashMap<ShapeKey, i64> = HashMap::new();
        for event in &self.events {
            let campaign = event.send.as_ref().and_then(|send| campaigns.get(&**send));
            let campaign = *campaign.unwrap_or(&none);
            let Counted { day, reason, .. } = *event;
            let kind = (day, campaign, event.kind, reason, event.permanence);
            *kinds.entry(kind).or_default() += 1;
            if let Some(domain) = event.domain {
                *domains.entry((day, campaign, domain, reason)).or_default() += 1;
            }
            if let Some(shape) = event.shape {
                *shapes.entry((day, campaign, reason, shape)).or_default() += 1;
            }
        }
        self.write_kinds(batch, &sorted(kinds))?;
        self.write_domains(batch, &sorted(domains))?;
        self.write_shapes(batch, &sorted(shapes))?;
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

/// By day first: neighbouring rows share a page.
fn sorted<K: Ord>(groups: HashMap<K, i64>) -> Vec<(K, i64)> {
    let mut groups: Vec<(K, i64)> = groups.into_iter().collect();
    groups.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    groups
}
