//! Building segments: who meets the filter becomes a member, who does not any more leaves.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use super::{Bits, Compiled, Definitions, Expression, SegmentError, Table, Terms, compile};
use crate::{
    store::{BuildNote, Difference, Seen, Segment, Store, StoreError},
    suppression::Policy,
    time::Timestamp,
};

/// What is built, and how.
#[derive(Clone, Debug)]
pub struct Choice<'c> {
    /// Ids of segments.
    pub segments: &'c HashSet<i64>,
    /// Look at everybody, whatever is known of changes.
    pub full: bool,
    /// Members written by one transaction.
    pub batch: usize,
    /// Members changed in one segment by this run; the rest is left to the next.
    pub most: Option<u64>,
    /// Take everything back at the end.
    pub dry_run: bool,
    pub now: Timestamp,
    pub policy: &'c Policy,
}

/// How a segment was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everybody was looked at.
    Full,
    /// Only those who changed or may have crossed the border of a time.
    Incremental,
}

impl Mode {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

/// What a build did.
#[derive(Clone, Debug)]
pub struct Built {
    pub segment: Segment,
    pub mode: Mode,
    /// How many contacts were looked at.
    pub looked_at: u64,
    pub difference: Difference,
    pub added: u64,
    pub removed: u64,
    /// Changes left to the next run by [`Choice::most`].
    pub left: u64,
    /// Evaluating, together with the segments of the same wave.
    pub evaluating: Duration,
    pub writing: Duration,
}

/// So many changes may wait for a segment that is not built; then it is built afresh.
const LONGEST_LOG: i64 = 1_000_000;

/// Builds segments in the order of their references. `elapsed` is a stopwatch.
pub fn update(
    store: &mut Store,
    choice: &Choice<'_>,
    elapsed: &dyn Fn() -> Duration,
) -> Result<Vec<Built>, SegmentError> {
    let definitions = Definitions::load(store)?;
    let waves = definitions.waves()?;
    let ids = definitions.ids();
    let build = |store: &mut Store| {
        let mut built = Vec::new();
        for wave in &waves {
            let segments: Vec<&(Segment, Expression)> = wave
                .iter()
                .map(|index| &definitions.segments[*index])
                .filter(|(segment, _)| choice.segments.contains(&segment.id))
                .collect();
            if !segments.is_empty() {
                built.extend(build_wave(
                    store,
                    &definitions,
                    &segments,
                    &ids,
                    choice,
                    elapsed,
                )?);
            }
        }
        if !built.is_empty() {
            store.trim_change_log(LONGEST_LOG)?;
        }
        Ok(built)
    };
    if choice.dry_run {
        store.rehearse(build)
    } else {
        build(store)
    }
}

/// A segment about to be built.
struct Plan<'d> {
    segment: &'d Segment,
    compiled: Compiled,
    fingerprint: [u8; 16],
    mode: Mode,
}

fn build_wave(
    store: &mut Store,
    definitions: &Definitions,
    segments: &[&(Segment, Expression)],
    ids: &HashMap<String, i64>,
    choice: &Choice<'_>,
    elapsed: &dyn Fn() -> Duration,
) -> Result<Vec<Built>, SegmentError> {
    let began = elapsed();
    let unseen = segments
        .iter()
        .filter(|(segment, _)| segment.seen.is_none());
    let unseen: Vec<i64> = unseen.map(|(segment, _)| segment.id).collect();
    if !unseen.is_empty() {
        store.await_changes(&unseen)?;
    }
    let snapshot = store.snapshot()?;
    let terms = Terms {
        now: choice.now,
        policy: choice.policy,
        segments: ids,
        undone_runs: store.undone_runs()?.len(),
    };
    let change = store.last_change()?;
    let everybody = store.last_contact()?;
    let plans: Vec<Plan<'_>> = segments
        .iter()
        .map(|(segment, expression)| {
            let compiled = compile(expression, &terms);
            let fingerprint = fingerprint(segment, &compiled, &terms);
            let mode = mode(segment, &compiled, fingerprint, choice, change, everybody);
            Plan {
                segment,
                compiled,
                fingerprint,
                mode,
            }
        })
        .collect();
    let candidates = candidates(store, &plans, choice.now)?;
    let members = evaluate(store, &plans, &candidates)?;
    let mut evaluated = Vec::new();
    for (plan, wanted) in plans.iter().zip(members.sets) {
        let limit = (plan.mode == Mode::Incremental).then_some(&candidates);
        evaluated.push(store.difference(plan.segment.id, wanted, limit)?);
    }
    drop(snapshot);
    let evaluating = elapsed().saturating_sub(began);

    let mut built = Vec::new();
    for (plan, mut difference) in plans.into_iter().zip(evaluated) {
        let began = elapsed();
        let all = difference.leaving.len() + difference.joining.len();
        if let Some(most) = choice.most {
            difference.leaving.truncate(most);
            difference.joining.truncate(most - difference.leaving.len());
        }
        let (added, removed) = (difference.joining.len(), difference.leaving.len());
        let left = all - added - removed;
        let referred = !definitions.referring_to(&plan.segment.name).is_empty();
        store.write_difference(
            plan.segment.id,
            &difference,
            choice.now,
            choice.batch,
            referred,
        )?;
        let writing = elapsed().saturating_sub(began);
        let seen = Seen {
            change,
            at: choice.now,
            fingerprint: plan.fingerprint,
        };
        let note = BuildNote {
            seen: (left == 0).then_some(seen),
            added,
            removed,
            millis: u64::try_from((evaluating + writing).as_millis()).unwrap_or(u64::MAX),
        };
        store.note_build(plan.segment.id, &note)?;
        built.push(Built {
            segment: plan.segment.clone(),
            mode: plan.mode,
            looked_at: match plan.mode {
                Mode::Full => members.everybody,
                Mode::Incremental => candidates.len(),
            },
            difference,
            added,
            removed,
            left,
            evaluating,
            writing,
        });
    }
    Ok(built)
}

/// What the filter was compiled to, whatever the time.
fn fingerprint(segment: &Segment, compiled: &Compiled, terms: &Terms<'_>) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(segment.filter.as_bytes());
    hasher.update([0]);
    hasher.update(compiled.predicate().finish().0);
    if compiled
        .atoms
        .iter()
        .any(|atom| atom.table == Table::Points)
    {
        hasher.update(format!("{:?}", terms.policy));
    }
    // One more undone run is not noted address by address: its events are anywhere.
    if terms.undone_runs > 0
        && compiled
            .atoms
            .iter()
            .any(|atom| matches!(atom.table, Table::Event | Table::Points))
    {
        hasher.update(terms.undone_runs.to_le_bytes());
    }
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&hasher.finalize()[..16]);
    fingerprint
}

fn mode(
    segment: &Segment,
    compiled: &Compiled,
    fingerprint: [u8; 16],
    choice: &Choice<'_>,
    change: i64,
    everybody: i64,
) -> Mode {
    let (Some(seen), Some(at)) = (segment.seen, segment.built_at) else {
        return Mode::Full;
    };
    let known = segment.fingerprint == Some(fingerprint) && at <= choice.now;
    // Sends are written by the million and are not logged.
    let logged = compiled.atoms.iter().all(|atom| atom.table != Table::Send);
    // Looking somebody up costs several times what passing by in a sweep does.
    let few = change - seen <= everybody / 5 + 1000;
    if !choice.full && known && logged && few {
        Mode::Incremental
    } else {
        Mode::Full
    }
}

/// Those who changed since the plans' segments were built, and those for whom the time that has
/// passed may matter. One set for all: more than needed does no harm.
fn candidates(store: &Store, plans: &[Plan<'_>], now: Timestamp) -> Result<Bits, StoreError> {
    let mut candidates = Bits::default();
    let plans = || plans.iter().filter(|plan| plan.mode == Mode::Incremental);
    if let Some(since) = plans().filter_map(|plan| plan.segment.seen).min() {
        store.changed_contacts(since, &mut candidates)?;
    }
    for plan in plans() {
        let then = plan.segment.built_at.unwrap_or(now);
        for sql in plan
            .compiled
            .atoms
            .iter()
            .flat_map(|atom| atom.crossings(then, now))
        {
            store.collect_ids(&sql, &mut candidates)?;
        }
    }
    Ok(candidates)
}

/// Who meets the filter of each plan.
struct Members {
    sets: Vec<Bits>,
    /// How many contacts there are, where everybody was looked at.
    everybody: u64,
}

fn evaluate(store: &Store, plans: &[Plan<'_>], candidates: &Bits) -> Result<Members, StoreError> {
    let of = |mode: Mode| {
        let filters = plans.iter().filter(move |plan| plan.mode == mode);
        filters.map(|plan| &plan.compiled).collect::<Vec<_>>()
    };
    let (full, incremental) = (of(Mode::Full), of(Mode::Incremental));
    let mut everybody = 0;
    let mut full = if full.is_empty() {
        Vec::new()
    } else {
        let (sets, all) = store.evaluate_all(&full)?;
        everybody = all.len();
        sets
    }
    .into_iter();
    let mut incremental = store.evaluate_some(&incremental, candidates)?.into_iter();
    let sets = plans.iter().map(|plan| {
        let next = match plan.mode {
            Mode::Full => full.next(),
            Mode::Incremental => incremental.next(),
        };
        next.unwrap_or_default()
    });
    Ok(Members {
        sets: sets.collect(),
        everybody,
    })
}
