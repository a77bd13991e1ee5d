//! What a person does to the do-not-contact list: add, release, undo. Each act is an event, so that
//! it is shown beside the others, counts in their order, and can be undone.

use std::collections::HashSet;

use super::{
    Occasion,
    judge::{self, Changes, Judged, States, reconcile, together},
};
use crate::{
    address::AddressKey,
    classify::{Permanence, Reason},
    event::{EventKey, EventKind},
    store::{Batch, DoNotContact, EventRow, Selection, Store, StoreError},
    suppression::{Entry, Grounds, PastEvent, Policy, entries},
    time::{DAY, Timestamp},
};

/// An entry that a person or an imported list wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The same key twice changes nothing.
    pub key: EventKey,
    /// `command line`, or the format of the list.
    pub source: String,
    pub address: AddressKey,
    pub grounds: Grounds,
    /// For bounces, as far as it is known.
    pub detail: Option<Reason>,
    pub diagnostic: String,
    pub comment: String,
    pub since: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// What became of an addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    New,
    /// The address was listed on these grounds already; the entry changed (it began earlier or
    /// lasts longer).
    Changed,
    /// Nothing changed: listed already, or the very same addition was made and perhaps released
    /// before.
    Unchanged,
}

/// Puts addresses on the list, in one transaction; answers for each what became of it.
pub fn add(
    store: &mut Store,
    policy: &Policy,
    occasion: Occasion<'_>,
    additions: &[Addition],
    dry_run: bool,
) -> Result<Vec<Added>, StoreError> {
    let batch = store.begin()?;
    let rows: Vec<EventRow> = additions
        .iter()
        .map(|addition| EventRow {
            raw_type: addition.grounds.name().into(),
            reason: addition.detail,
            permanence: addition.detail.map(Reason::permanence),
            diagnostic: addition.diagnostic.clone(),
            note: addition.comment.clone(),
            occurred_at: Timestamp(addition.since.0.min(occasion.now.0 + DAY)),
            expires_at: addition.expires_at,
            ..act(
                addition.key,
                &addition.source,
                EventKind::Manual,
                &addition.address,
                occasion,
            )
        })
        .collect();
    let new = batch.insert_events(&rows)?;
    let judged = judge::judge(&batch, policy, &rows, (0..rows.len()).filter(|i| new[*i]))?;
    let mut added: HashSet<_> = judged.added.into_iter().collect();
    let mut changed: HashSet<_> = judged.changed.into_iter().collect();
    let outcomes = additions
        .iter()
        .map(|addition| {
            // Two lines about one address are one new entry.
            let place = (addition.address.clone(), addition.grounds);
            if added.remove(&place) {
                Added::New
            } else if changed.remove(&place) {
                Added::Changed
            } else {
                Added::Unchanged
            }
        })
        .collect();
    if !dry_run {
        batch.commit()?;
    }
    Ok(outcomes)
}

/// The event of an act, with what every act has.
fn act(
    key: EventKey,
    source: &str,
    kind: EventKind,
    address: &AddressKey,
    occasion: Occasion<'_>,
) -> EventRow {
    EventRow {
        key,
        source: source.to_owned(),
        kind,
        reason: None,
        permanence: None::<Permanence>,
        rule: None,
        address: Some(address.clone()),
        reported: None,
        send_hash: None,
        status: None,
        reply_code: None,
        receiving_host: String::new(),
        diagnostic: String::new(),
        raw_type: String::new(),
        note: String::new(),
        content: None,
        occurred_at: occasion.now,
        received_at: occasion.now,
        run: occasion.run,
        expires_at: None,
    }
}

/// Rows released in one transaction.
const CHUNK: u32 = 5000;

/// Takes the rows of a selection off the list; what is the person's will (complaints,
/// unsubscribes) only if `forced`. Each row is told to `each`, with whether it was released.
pub fn release<E: From<StoreError>>(
    store: &mut Store,
    occasion: Occasion<'_>,
    selection: &Selection,
    comment: &str,
    forced: bool,
    dry_run: bool,
    mut each: impl FnMut(&DoNotContact, bool) -> Result<(), E>,
) -> Result<(), E> {
    let mut place: Option<(AddressKey, Grounds)> = None;
    loop {
        let batch = store.begin()?;
        let after = place.as_ref().map(|(address, grounds)| (address, *grounds));
        let rows = batch.listed_after(selection, occasion.now, after, CHUNK)?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        place = Some((last.address.clone(), last.entry.grounds));
        let may = |row: &&DoNotContact| forced || !row.entry.grounds.is_the_persons_will();
        let released: Vec<&DoNotContact> = rows.iter().filter(may).collect();
        if dry_run {
            drop(batch);
        } else {
            release_rows(&batch, occasion, &released, comment)?;
            batch.commit()?;
        }
        for row in &rows {
            each(row, may(&row))?;
        }
    }
}

fn release_rows(
    batch: &Batch<'_>,
    occasion: Occasion<'_>,
    rows: &[&DoNotContact],
    comment: &str,
) -> Result<(), StoreError> {
    let addresses: Vec<&AddressKey> = rows.iter().map(|row| &row.address).collect();
    let latest = batch.latest_events(&addresses)?;
    let events: Vec<EventRow> = rows
        .iter()
        .zip(latest)
        .map(|(row, latest)| EventRow {
            raw_type: row.entry.grounds.name().into(),
            reason: row.entry.detail,
            note: comment.to_owned(),
            // A report dated a little into the future is taken back as well.
            occurred_at: occasion.now.max(latest.unwrap_or(occasion.now)),
            ..act(
                EventKey::of(&[
                    b"release",
                    row.address.as_str().as_bytes(),
                    row.entry.grounds.name().as_bytes(),
                    &occasion.run.to_be_bytes(),
                ]),
                "command line",
                EventKind::Release,
                &row.address,
                occasion,
            )
        })
        .collect();
    batch.insert_events(&events)?;
    let kept: Vec<(EventKey, &DoNotContact)> = events
        .iter()
        .map(|event| event.key)
        .zip(rows.iter().copied())
        .collect();
    batch.keep_released(&kept)?;
    let places: Vec<(AddressKey, Grounds)> = rows
        .iter()
        .map(|row| (row.address.clone(), row.entry.grounds))
        .collect();
    batch.delete_entries(&places)
}

/// What undoing a run does to one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// The run caused it, nothing else does.
    Removed(DoNotContact),
    /// The run had released it.
    Restored(DoNotContact),
    /// Other events still cause it, but it began later, ends sooner, or has another reason.
    Changed(DoNotContact),
}

/// Makes the events of a run count for nothing: entries that only they caused go, entries that its
/// releases took away come back. One transaction: a run is undone or it is not. False if it was
/// undone before.
pub fn undo<E: From<StoreError>>(
    store: &mut Store,
    policy: &Policy,
    occasion: Occasion<'_>,
    run: i64,
    dry_run: bool,
    mut each: impl FnMut(Undone) -> Result<(), E>,
) -> Result<bool, E> {
    let batch = store.begin()?;
    if !batch.mark_undone(run, occasion.now)? {
        return Ok(false);
    }
    batch.collect_addresses_of_run(run)?;
    let mut place: Option<AddressKey> = None;
    loop {
        let addresses = batch.addresses_of_run_after(place.as_ref(), CHUNK)?;
        let Some(last) = addresses.last() else {
            break;
        };
        place = Some(last.clone());
        for undone in undo_chunk(&batch, policy, run, &addresses)? {
            each(undone)?;
        }
    }
    if !dry_run {
        batch.commit()?;
    }
    Ok(true)
}

fn undo_chunk(
    batch: &Batch<'_>,
    policy: &Policy,
    run: i64,
    addresses: &[AddressKey],
) -> Result<Vec<Undone>, StoreError> {
    let addresses: Vec<&AddressKey> = addresses.iter().collect();
    let campaigns = policy.names_campaigns();
    let without = batch.histories(&addresses, campaigns)?;
    let of_run = batch.events_of_run(run, &addresses, campaigns)?;
    let stored = batch.entries_of(&addresses)?;
    let mut all = Changes::default();
    let mut told = Vec::new();
    for (((address, without), of_run), stored) in
        addresses.iter().zip(without).zip(of_run).zip(stored)
    {
        let causes = |events: &[PastEvent]| entries(&policy.causes(address.domain(), events));
        let mut after = causes(&without);
        let before = causes(&[without, of_run].concat());
        // What a release took away comes back as it was, whatever the policy says today.
        let mut back = HashSet::new();
        for row in batch.released_by(run, address)? {
            let entry = row.entry;
            back.insert(entry.grounds);
            match after.iter_mut().find(|e| e.grounds == entry.grounds) {
                Some(present) if present.since > entry.since => {
                    *present = together(entry, present.clone());
                }
                Some(_) => {}
                None => after.push(entry),
            }
        }
        let states = States {
            stored: &stored,
            before: &before,
            after: &after,
        };
        let (mut changes, mut judged) = (Changes::default(), Judged::default());
        reconcile(
            address,
            &states,
            |grounds, stored, after| match (stored, after) {
                // The run caused it under another policy.
                (Some(stored), after) if stored.run == run => after,
                (Some(stored), Some(after)) if back.contains(&grounds) => {
                    Some(together(stored, after))
                }
                (None, after) if back.contains(&grounds) => after,
                (stored, _) => stored,
            },
            &mut changes,
            &mut judged,
        );
        tell(address, &changes, &judged, &stored, &mut told);
        all.write.append(&mut changes.write);
        all.delete.append(&mut changes.delete);
    }
    all.write(batch)?;
    Ok(told)
}

fn tell(
    address: &AddressKey,
    changes: &Changes,
    judged: &Judged,
    stored: &[Entry],
    told: &mut Vec<Undone>,
) {
    for row in &changes.write {
        let place = (address.clone(), row.entry.grounds);
        told.push(if judged.added.contains(&place) {
            Undone::Restored(row.clone())
        } else {
            Undone::Changed(row.clone())
        });
    }
    for entry in stored {
        if changes.delete.contains(&(address.clone(), entry.grounds)) {
            told.push(Undone::Removed(DoNotContact {
                address: address.clone(),
                entry: entry.clone(),
            }));
        }
    }
}
