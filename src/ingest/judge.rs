//! From new events to the do-not-contact list.
//!
//! The entries of an address follow from its events, whatever their order of arrival. So what a
//! batch changes is the difference between the entries without its events and with them; that
//! difference is brought to what is stored. An entry the present policy would not make (it was
//! made under another one) stays as it is: a changed policy takes nobody off the list by itself.

use std::collections::{BTreeMap, HashSet};

use crate::{
    address::AddressKey,
    ascending::ascending,
    classify::Permanence,
    event::{EventKey, EventKind},
    store::{Batch, DoNotContact, EventRow, StoreError},
    suppression::{Action, Cause, Entry, Grounds, PastEvent, Policy, Subject, entries},
    time::Timestamp,
};

/// What a batch did to the list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    /// Of each row, whether it suppresses.
    pub(super) acted: Vec<bool>,
    /// The addresses whose entries were not there before.
    pub(super) added: Vec<(AddressKey, Grounds)>,
    /// The addresses whose entries were changed or taken away.
    pub(super) changed: Vec<(AddressKey, Grounds)>,
}

/// Judges the new events at `indices` of `rows`; all rows are in the event table already.
pub(super) fn judge(
    batch: &Batch<'_>,
    policy: &Policy,
    rows: &[EventRow],
    indices: impl IntoIterator<Item = usize>,
) -> Result<Judged, StoreError> {
    let acting: Vec<(&AddressKey, usize)> = indices
        .into_iter()
        .filter_map(|index| Some((rows[index].address.as_ref()?, index)))
        .filter(|(address, index)| matters(policy, &rows[*index], address))
        .collect();
    let by_address: Vec<(&AddressKey, usize)> = ascending(
        acting
            .iter()
            .map(|(address, _)| address.as_str().as_bytes()),
    )
    .into_iter()
    .map(|place| acting[place])
    .collect();
    let mut judged = Judged {
        acted: vec![false; rows.len()],
        ..Judged::default()
    };
    let mut thorough = add_at_once(batch, policy, rows, &by_address, &mut judged)?;
    leave_healthy(batch, rows, &mut thorough)?;
    leave_settled(batch, policy, rows, &mut thorough)?;

    let thorough: Vec<(&AddressKey, Vec<usize>)> = thorough.into_iter().collect();
    for some in thorough.chunks(AT_ONCE) {
        judge_thoroughly(batch, policy, rows, some, &mut judged)?;
    }
    Ok(judged)
}

/// Histories held in memory at once.
const AT_ONCE: usize = 1000;
/// Entries held in memory at once.
const ADDED_AT_ONCE: usize = 10_000;

/// Compares what follows from the whole history of each address without and with its new events.
fn judge_thoroughly(
    batch: &Batch<'_>,
    policy: &Policy,
    rows: &[EventRow],
    some: &[(&AddressKey, Vec<usize>)],
    judged: &mut Judged,
) -> Result<(), StoreError> {
    let addresses: Vec<&AddressKey> = some.iter().map(|(address, _)| *address).collect();
    let histories = batch.histories(&addresses, policy.names_campaigns())?;
    let stored = batch.entries_of(&addresses)?;
    let mut changes = Changes::default();
    for (((address, indices), history), stored) in some.iter().zip(histories).zip(stored) {
        let fresh: HashSet<EventKey> = indices.iter().map(|index| rows[*index].key).collect();
        let causes = policy.causes(address.domain(), &history);
        let after = entries(&causes);
        let mut old = history;
        old.retain(|event| !fresh.contains(&event.key));
        let before = entries(&policy.causes(address.domain(), &old));
        let new: Vec<&Cause> = causes
            .iter()
            .filter(|cause| fresh.contains(&cause.event))
            .collect();
        let added = judged.added.len();
        let states = States {
            stored: &stored,
            before: &before,
            after: &after,
        };
        reconcile(
            address,
            &states,
            |grounds, stored, after| {
                let concerned = new.iter().any(|cause| cause.grounds == grounds);
                match (stored, after) {
                    (Some(stored), Some(after)) if concerned => Some(together(stored, after)),
                    (None, after) if concerned => after,
                    (stored, _) => stored,
                }
            },
            &mut changes,
            judged,
        );
        // A late report that causes nothing itself may make an earlier one the last straw.
        let last_straw = new.is_empty() && judged.added.len() > added;
        let acting: HashSet<EventKey> = new.iter().map(|cause| cause.event).collect();
        let acted = |index: &&usize| last_straw || acting.contains(&rows[**index].key);
        for index in indices.iter().filter(acted) {
            judged.acted[*index] = true;
        }
    }
    changes.write(batch)
}

/// Whether an event can change anything.
fn matters(policy: &Policy, row: &EventRow, address: &AddressKey) -> bool {
    match row.kind {
        EventKind::Bounce => {
            let (Some(reason), Some(permanence)) = (row.reason, row.permanence) else {
                return false;
            };
            // Which override holds may depend on the campaign, which is not known here.
            policy.names_campaigns()
                || matches!(
                    policy
                        .rules(subject(row, address))
                        .action(reason, permanence),
                    Action::Suppress { .. } | Action::Score { .. }
                )
        }
        EventKind::Complaint
        | EventKind::Unsubscribe
        | EventKind::Delivered
        | EventKind::Reply
        | EventKind::Manual => true,
        _ => false,
    }
}

fn subject<'a>(row: &'a EventRow, address: &'a AddressKey) -> Subject<'a> {
    Subject {
        domain: address.domain(),
        campaign: "",
        receiving_host: &row.receiving_host,
    }
}

/// As the history will show it.
pub(super) fn past(row: &EventRow) -> PastEvent {
    PastEvent {
        source: row.source.clone(),
        send: row.send_hash.as_ref().map(|hash| hash.as_bytes().to_vec()),
        receiving_host: row.receiving_host.clone(),
        ..alone(row)
    }
}

/// As a history of nothing else: source and send matter beside other events only, the host in a
/// policy with overrides.
fn alone(row: &EventRow) -> PastEvent {
    PastEvent {
        key: row.key,
        source: String::new(),
        send: None,
        kind: row.kind,
        reason: row.reason,
        permanence: row.permanence,
        grounds: Grounds::from_name(&row.raw_type),
        receiving_host: String::new(),
        campaign: String::new(),
        note: row.note.clone(),
        occurred_at: row.occurred_at,
        received_at: row.received_at,
        expires_at: row.expires_at,
        run: row.run,
    }
}

/// The common case, without reading any history: one event that suppresses for good by itself, of
/// an address that is not on the list and never was released. Answers what is left.
fn add_at_once<'r>(
    batch: &Batch<'_>,
    policy: &Policy,
    rows: &[EventRow],
    by_address: &[(&'r AddressKey, usize)],
    judged: &mut Judged,
) -> Result<BTreeMap<&'r AddressKey, Vec<usize>>, StoreError> {
    let mut left = BTreeMap::new();
    let groups: Vec<_> = by_address.chunk_by(|one, other| one.0 == other.0).collect();
    let all = |group: &[(_, usize)]| group.iter().map(|(_, index)| *index).collect();
    if !policy.is_plain() {
        left.extend(groups.into_iter().map(|group| (group[0].0, all(group))));
        return Ok(left);
    }
    for some in groups.chunks(ADDED_AT_ONCE) {
        let addresses: Vec<&AddressKey> = some.iter().map(|group| group[0].0).collect();
        let released = batch.ever_released(&addresses)?;
        let (mut simple, mut entries_of_them) = (Vec::new(), Vec::new());
        for (group, released) in some.iter().zip(released) {
            let (address, index) = group[0];
            let entry = if group.len() > 1 || released {
                None
            } else {
                by_itself(policy, &rows[index], address)
            };
            if let Some(entry) = entry {
                simple.push((address, index));
                entries_of_them.push(DoNotContact {
                    address: address.clone(),
                    entry,
                });
            } else {
                left.insert(address, all(group));
            }
        }
        let added = batch.add_entries(&entries_of_them)?;
        for (((address, index), row), added) in simple.into_iter().zip(entries_of_them).zip(added) {
            if added {
                judged.acted[index] = true;
                judged.added.push((row.address, row.entry.grounds));
            } else {
                left.insert(address, vec![index]);
            }
        }
    }
    Ok(left)
}

/// The entry that an event causes whatever else happened.
fn by_itself(policy: &Policy, row: &EventRow, address: &AddressKey) -> Option<Entry> {
    if let (EventKind::Bounce, Some(reason), Some(permanence)) =
        (row.kind, row.reason, row.permanence)
    {
        let action = policy
            .rules(subject(row, address))
            .action(reason, permanence);
        if !matches!(action, Action::Suppress { .. }) {
            return None;
        }
    }
    let causes = policy.causes(address.domain(), &[alone(row)]);
    entries(&causes)
        .pop()
        .filter(|entry| entry.expires_at.is_none())
}

/// Takes out those whose new events only heal, with nothing later that it could matter to: almost
/// every address of a mailing whose deliveries are reported.
fn leave_healthy(
    batch: &Batch<'_>,
    rows: &[EventRow],
    thorough: &mut BTreeMap<&AddressKey, Vec<usize>>,
) -> Result<(), StoreError> {
    let healthy: Vec<(&AddressKey, Timestamp)> = thorough
        .iter()
        .filter_map(|(address, indices)| {
            let heals = |index: &usize| {
                matches!(rows[*index].kind, EventKind::Delivered | EventKind::Reply)
            };
            let first = indices.iter().map(|index| rows[*index].occurred_at).min()?;
            indices.iter().all(heals).then_some((*address, first))
        })
        .collect();
    for ((address, _), later) in healthy.iter().zip(batch.happened_after(&healthy)?) {
        if !later {
            thorough.remove(address);
        }
    }
    Ok(())
}

/// Takes out those already suppressed for good whose new events are later soft bounces: they
/// change nothing, however many there are.
fn leave_settled(
    batch: &Batch<'_>,
    policy: &Policy,
    rows: &[EventRow],
    thorough: &mut BTreeMap<&AddressKey, Vec<usize>>,
) -> Result<(), StoreError> {
    // Where entries can end, one between the first cause and the lasting one can still change which
    // event the entry stands on.
    if !policy.is_plain() {
        return Ok(());
    }
    let soft: Vec<&AddressKey> = thorough
        .iter()
        .filter(|(_, indices)| {
            indices.iter().all(|index| {
                let row = &rows[*index];
                row.kind == EventKind::Bounce && row.permanence == Some(Permanence::Soft)
            })
        })
        .map(|(address, _)| *address)
        .collect();
    for (address, stored) in soft.iter().zip(batch.entries_of(&soft)?) {
        let settled = stored
            .iter()
            .find(|entry| entry.grounds == Grounds::Bounce && entry.expires_at.is_none());
        let later = |entry: &Entry| {
            thorough[address]
                .iter()
                .all(|index| rows[*index].occurred_at > entry.since)
        };
        if settled.is_some_and(later) {
            thorough.remove(address);
        }
    }
    Ok(())
}

/// The entries of one address.
pub(super) struct States<'a> {
    pub(super) stored: &'a [Entry],
    /// What follows from the events without those in question.
    pub(super) before: &'a [Entry],
    /// What follows with them.
    pub(super) after: &'a [Entry],
}

/// Rows to be written and deleted.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) write: Vec<DoNotContact>,
    pub(super) delete: Vec<(AddressKey, Grounds)>,
}

impl Changes {
    pub(super) fn write(&self, batch: &Batch<'_>) -> Result<(), StoreError> {
        batch.delete_entries(&self.delete)?;
        batch.write_entries(&self.write)
    }
}

/// Brings the difference between `before` and `after` to what is stored. Where the stored entry
/// does not stem from `before`, `drifted` is given it and the one of `after`, and answers what is
/// to be there.
pub(super) fn reconcile(
    address: &AddressKey,
    states: &States<'_>,
    drifted: impl Fn(Grounds, Option<Entry>, Option<Entry>) -> Option<Entry>,
    changes: &mut Changes,
    judged: &mut Judged,
) {
    for grounds in Grounds::ALL.iter().copied() {
        let of = |entries: &[Entry]| entries.iter().find(|e| e.grounds == grounds).cloned();
        let (stored, before, after) = (of(states.stored), of(states.before), of(states.after));
        let target = if stored == before {
            after
        } else {
            drifted(grounds, stored.clone(), after)
        };
        if target == stored {
            continue;
        }
        let place = (address.clone(), grounds);
        if stored.is_none() {
            judged.added.push(place.clone());
        } else {
            judged.changed.push(place.clone());
        }
        match target {
            Some(entry) => changes.write.push(DoNotContact {
                address: address.clone(),
                entry,
            }),
            None => changes.delete.push(place),
        }
    }
}

/// One entry for two that were made independently.
pub(super) fn together(one: Entry, other: Entry) -> Entry {
    let (first, second) = if other.since < one.since {
        (other, one)
    } else {
        (one, other)
    };
    if first.expires_at.is_some_and(|at| at <= second.since) {
        return second;
    }
    let expires_at = match (first.expires_at, second.expires_at) {
        (Some(one), Some(other)) => Some(one.max(other)),
        _ => None,
    };
    Entry {
        expires_at,
        ..first
    }
}
