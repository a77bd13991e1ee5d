//! Archived mails judged again: events are written anew, and what they led to follows.
//!
//! A do-not-contact row whose cause no longer leads to it is taken back, unless another event of
//! the address does; what now leads to one writes it. What a person released stays released.

use std::collections::{BTreeMap, HashSet};

use super::{
    Item, Occasion, Settings, event_rows, identity,
    judge::{Changes, Judged, States, past, reconcile, together},
};
use crate::{
    address::AddressKey,
    classify::{Permanence, Reason},
    event::{EventKey, EventKind},
    store::{Batch, EventRow, Store, StoreError},
    suppression::{Entry, PastEvent, Policy, entries},
    time::Timestamp,
};

/// What an event said or says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub kind: EventKind,
    pub reason: Option<Reason>,
    pub permanence: Option<Permanence>,
    pub rule: Option<String>,
}

impl Verdict {
    fn of(row: &EventRow) -> Self {
        Self {
            kind: row.kind,
            reason: row.reason,
            permanence: row.permanence,
            rule: row.rule.clone(),
        }
    }

    /// Whether both mean the same, whatever rule said so.
    fn agrees(&self, other: &Self) -> bool {
        (self.kind, self.reason, self.permanence) == (other.kind, other.reason, other.permanence)
    }
}

impl std::fmt::Display for Verdict {
    /// `bounce hard user_unknown`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind.name())?;
        if let (Some(permanence), Some(reason)) = (self.permanence, self.reason) {
            write!(f, " {} {}", permanence.name(), reason.name())?;
        }
        Ok(())
    }
}

/// What a change did to the do-not-contact list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Suppressed,
    /// A row was taken back.
    Released,
}

/// A report that is judged otherwise than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub event: EventKey,
    pub received_at: Timestamp,
    /// Who it is charged to, today if at all.
    pub address: Option<AddressKey>,
    /// `None`: this report was not read from the mail.
    pub before: Option<Verdict>,
    /// `None`: this report is not read any more.
    pub after: Option<Verdict>,
    pub effect: Option<Effect>,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejudged {
    pub changes: Vec<Change>,
    /// Events with the same verdict by another rule.
    pub other_rule: u64,
    /// Mails that no event stands for: another copy was first, or their run was undone.
    pub without_events: u64,
}

/// Compares the events of archived mails, as they are read today, with those that are written.
/// `dry_run` does the same work and takes it back.
pub fn rejudge(
    store: &mut Store,
    settings: &Settings,
    occasion: Occasion<'_>,
    mails: Vec<Item>,
    dry_run: bool,
) -> Result<Rejudged, StoreError> {
    let batch = store.begin()?;
    let mut written = batch.events_of_mails(mails.iter().filter_map(|mail| mail.content))?;
    let mut out = Rejudged::default();
    let mut known = Vec::new();
    for mail in mails {
        match mail.content.and_then(|content| written.remove(&content)) {
            Some(events) => known.push((mail, events)),
            None => out.without_events += 1,
        }
    }
    let (mut mails, written): (Vec<Item>, Vec<Vec<EventRow>>) = known.into_iter().unzip();
    let mut resolved = identity::resolve(&batch, &settings.identity, &mails, occasion.now)?;
    let mut who = resolved.iter_mut();
    let mut difference = Difference::default();
    for (mail, before) in mails.iter_mut().zip(written) {
        let today = event_rows(mail, &mut who, occasion).collect();
        difference.add(&batch, today, before, occasion.run)?;
    }
    batch.rewrite_events(&difference.rewritten)?;
    batch.delete_events(&difference.gone)?;
    out.other_rule = difference.other_rule;
    out.changes = difference.changes;
    let policy = &settings.policy;
    follow(&batch, policy, &mut out.changes, &difference.touched)?;
    if !dry_run {
        batch.commit()?;
    }
    Ok(out)
}

/// Events that differ, gathered over a batch.
#[derive(Default)]
struct Difference {
    changes: Vec<Change>,
    rewritten: Vec<EventRow>,
    gone: Vec<EventKey>,
    other_rule: u64,
    touched: Touched,
}

/// What changed about each address.
type Touched = BTreeMap<AddressKey, ChangedEvents>;

/// The events of an address that changed.
#[derive(Default)]
struct ChangedEvents {
    keys: HashSet<EventKey>,
    /// As they were.
    before: Vec<PastEvent>,
}

impl Difference {
    /// Compares one mail; what is read for the first time is written.
    fn add(
        &mut self,
        batch: &Batch<'_>,
        today: Vec<EventRow>,
        mut before: Vec<EventRow>,
        run: i64,
    ) -> Result<(), StoreError> {
        let received_at = before[0].received_at;
        let source = before[0].source.clone();
        let mut added = Vec::new();
        for mut row in today {
            let same = |old: &EventRow| [row.key, row.key.unmonitored()].contains(&old.key);
            let Some(at) = before.iter().position(same) else {
                row.received_at = received_at;
                row.source.clone_from(&source);
                row.note = noted(&row.note, run, "read otherwise before");
                added.push(row);
                continue;
            };
            let old = before.remove(at);
            if old.key != row.key {
                // The folder is not monitored for it: it stays a note.
                row.kind = EventKind::Note;
            }
            self.compare(&old, row, run);
        }
        let new = batch.insert_events(&added)?;
        // One that is there came in another mail.
        let mut added = added
            .into_iter()
            .zip(new)
            .filter_map(|(row, new)| new.then_some(row));
        let mut gone = before.into_iter();
        loop {
            let (old, row) = (gone.next(), added.next());
            let Some(either) = row.as_ref().or(old.as_ref()) else {
                return Ok(());
            };
            self.changes.push(Change {
                event: either.key,
                received_at,
                address: either.address.clone(),
                before: old.as_ref().map(Verdict::of),
                after: row.as_ref().map(Verdict::of),
                effect: None,
            });
            if let Some(old) = &old {
                self.touch_old(old);
            }
            if let Some(row) = &row {
                self.touch(row);
            }
            self.gone.extend(old.map(|old| old.key));
        }
    }

    /// An event that was read before and is read today.
    fn compare(&mut self, old: &EventRow, mut row: EventRow, run: i64) {
        let (before, after) = (Verdict::of(old), Verdict::of(&row));
        if before == after {
            return;
        }
        row.key = old.key;
        row.occurred_at = old.occurred_at;
        if row.send_hash.is_none() && old.send_hash.is_some() {
            // The send is no longer in the table; it was when the mail came.
            row.send_hash.clone_from(&old.send_hash);
            row.address.clone_from(&old.address);
            row.reported.clone_from(&old.reported);
        }
        if before.agrees(&after) {
            self.other_rule += 1;
        } else {
            row.note = noted(&row.note, run, &format!("was {before}"));
            self.changes.push(Change {
                event: old.key,
                received_at: old.received_at,
                address: row.address.clone().or_else(|| old.address.clone()),
                before: Some(before),
                after: Some(after),
                effect: None,
            });
            self.touch_old(old);
            self.touch(&row);
        }
        self.rewritten.push(row);
    }

    /// An event as it is written today.
    fn touch(&mut self, row: &EventRow) {
        if let Some(address) = &row.address {
            let changed = self.touched.entry(address.clone()).or_default();
            changed.keys.insert(row.key);
        }
    }

    /// An event as it was.
    fn touch_old(&mut self, row: &EventRow) {
        if let Some(address) = &row.address {
            let changed = self.touched.entry(address.clone()).or_default();
            changed.keys.insert(row.key);
            changed.before.push(past(row));
        }
    }
}

fn noted(note: &str, run: i64, what: &str) -> String {
    let blank = if note.is_empty() { "" } else { "; " };
    format!("{note}{blank}judged again in run {run}: {what}")
}

/// Makes the do-not-contact list follow the changed events, and notes the effects.
fn follow(
    batch: &Batch<'_>,
    policy: &Policy,
    changes: &mut [Change],
    touched: &Touched,
) -> Result<(), StoreError> {
    let addresses: Vec<&AddressKey> = touched.keys().collect();
    let known = batch.known_addresses(&addresses)?;
    let histories = batch.histories(&addresses, policy.names_campaigns())?;
    let stored = batch.entries_of(&addresses)?;
    let mut writes = Changes::default();
    let mut judged = Judged::default();
    let present = known.into_iter().zip(histories).zip(stored);
    for ((address, changed), ((known, history), stored)) in touched.iter().zip(present) {
        if !known {
            continue;
        }
        let is_changed = |key: Option<EventKey>| key.is_some_and(|key| changed.keys.contains(&key));
        let mut before: Vec<PastEvent> = history
            .iter()
            .filter(|event| !is_changed(Some(event.key)))
            .cloned()
            .collect();
        before.extend(changed.before.iter().cloned());
        let states = States {
            stored: &stored,
            before: &entries(&policy.causes(address.domain(), &before)),
            after: &entries(&policy.causes(address.domain(), &history)),
        };
        // What stands on no changed event was made under another policy, and stays.
        let drifted = |_, stored: Option<Entry>, after: Option<Entry>| match (stored, after) {
            (Some(stored), after) if is_changed(stored.event) => after,
            (Some(stored), Some(after)) if is_changed(after.event) => Some(together(stored, after)),
            (None, Some(after)) if is_changed(after.event) => Some(after),
            (stored, _) => stored,
        };
        let (added, deleted) = (judged.added.len(), writes.delete.len());
        reconcile(address, &states, drifted, &mut writes, &mut judged);
        // One address, one effect: told with the first of its changes.
        if let Some(change) = changes
            .iter_mut()
            .find(|change| change.address.as_ref() == Some(address))
        {
            change.effect = if judged.added.len() > added {
                Some(Effect::Suppressed)
            } else if writes.delete.len() > deleted {
                Some(Effect::Released)
            } else {
                None
            };
        }
    }
    writes.write(batch)
}
