//! Archived mails judged again: events are written anew, and what they led to follows.
//!
//! A do-not-contact row whose cause no longer leads to it is taken back, unless another event of
//! the address does; what now leads to one writes it. What a person released stays released.

use std::collections::{BTreeMap, HashSet};

use super::{Item, Occasion, Settings, event_row, identity, new_suppression};
use crate::{
    address::AddressKey,
    classify::{Permanence, Reason},
    event::{EventKey, EventKind},
    store::{Batch, EventRow, NewSuppression, Store, StoreError},
    suppression::{Action, Decision, Grounds, PastEvent, Policy},
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
    let (mails, written): (Vec<Item>, Vec<Vec<EventRow>>) = known.into_iter().unzip();
    let resolved = identity::resolve(&batch, &settings.identity, &mails, occasion.now)?;
    let mut difference = Difference::default();
    for ((mail, before), who) in mails.iter().zip(written).zip(resolved) {
        let today = mail.events.iter().zip(&who);
        let today = today.map(|(event, who)| event_row(mail, event, who, occasion));
        difference.add(&batch, today.collect(), before, occasion.run)?;
    }
    batch.rewrite_events(&difference.rewritten)?;
    batch.delete_events(&difference.gone)?;
    out.other_rule = difference.other_rule;
    out.changes = difference.changes;
    follow(
        &batch,
        &settings.policy,
        &mut out.changes,
        &difference.touched,
        occasion.run,
    )?;
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
    /// Per address: the events that changed, and the time of the earliest.
    touched: BTreeMap<AddressKey, (HashSet<EventKey>, Timestamp)>,
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
            for row in old.iter().chain(&row) {
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
            self.touch(old);
            self.touch(&row);
        }
        self.rewritten.push(row);
    }

    fn touch(&mut self, row: &EventRow) {
        if let Some(address) = &row.address {
            let (keys, earliest) = self
                .touched
                .entry(address.clone())
                .or_insert_with(|| (HashSet::new(), row.occurred_at));
            keys.insert(row.key);
            *earliest = row.occurred_at.min(*earliest);
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
    touched: &BTreeMap<AddressKey, (HashSet<EventKey>, Timestamp)>,
    run: i64,
) -> Result<(), StoreError> {
    let addresses: Vec<&AddressKey> = touched.keys().collect();
    let known = batch.known_addresses(&addresses)?;
    let mut taken_back = Vec::new();
    let mut new = Vec::new();
    for ((address, (changed, earliest)), known) in touched.iter().zip(known) {
        let past = Past {
            policy,
            events: batch.events_of(address)?,
            known,
        };
        let listed = batch.do_not_contact_of(address)?;
        let mut effect = None;
        for grounds in [Grounds::Complaint, Grounds::Unsubscribe, Grounds::Bounce] {
            let row = listed.iter().find(|row| row.grounds == grounds.name());
            let cause = row.and_then(|row| row.event);
            let is_taken = cause.is_some_and(|cause| {
                // Scores depend on what else happened.
                let depends = changed.contains(&cause) || past.is_scored(cause);
                depends
                    && past
                        .leads_to(cause)
                        .is_none_or(|(leads, _)| leads != grounds)
            });
            if is_taken {
                taken_back.push((address.clone(), grounds.name().to_owned()));
            }
            let another = past.first(grounds, |event| {
                is_taken
                    || changed.contains(&event.key)
                    || (event.occurred_at >= *earliest && past.is_scored(event.key))
            });
            match (row.is_some(), is_taken, &another) {
                (true, true, None) => effect = effect.or(Some(Effect::Released)),
                (false, _, Some(_)) => effect = Some(Effect::Suppressed),
                _ => {}
            }
            new.extend(another.map(|(event, lasting)| -> NewSuppression {
                new_suppression(event, address, grounds, lasting, run)
            }));
        }
        // One address, one effect: told with the first of its changes.
        if let Some(change) = changes
            .iter_mut()
            .find(|change| change.address.as_ref() == Some(address))
        {
            change.effect = effect;
        }
    }
    batch.take_back(&taken_back)?;
    batch.suppress(&new)
}

/// Everything that came back from one address, as it stands written.
struct Past<'p> {
    policy: &'p Policy,
    /// Oldest first.
    events: Vec<EventRow>,
    /// Whether a contact or send has the address.
    known: bool,
}

impl Past<'_> {
    fn event(&self, key: EventKey) -> Option<&EventRow> {
        self.events.iter().find(|event| event.key == key)
    }

    fn is_scored(&self, key: EventKey) -> bool {
        self.event(key).is_some_and(|event| {
            matches!((event.kind, event.reason, event.permanence), (EventKind::Bounce, Some(reason), Some(permanence))
                if matches!(self.policy.action(reason, permanence), Action::Score { .. }))
        })
    }

    fn leads_to(&self, key: EventKey) -> Option<(Grounds, Option<i64>)> {
        let event = self.event(key).filter(|_| self.known)?;
        match event.kind {
            EventKind::Complaint => Some((self.policy.complaint(), None)),
            // As when it came: a send of ours is named, or the provider says so.
            EventKind::Unsubscribe if event.send_hash.is_some() || event.source != "mail" => {
                Some((Grounds::Unsubscribe, None))
            }
            EventKind::Bounce => {
                let past: Vec<PastEvent> = self
                    .events
                    .iter()
                    .filter(|past| past.occurred_at <= event.occurred_at)
                    .map(|past| PastEvent {
                        kind: past.kind,
                        reason: past.reason,
                        permanence: past.permanence,
                        occurred_at: past.occurred_at,
                    })
                    .collect();
                match self.policy.decide(event.reason?, event.permanence?, &past) {
                    Decision::Suppress { lasting } => Some((Grounds::Bounce, lasting)),
                    Decision::Keep => None,
                }
            }
            _ => None,
        }
    }

    /// The first event since the last release that leads to a row of these grounds.
    fn first(
        &self,
        grounds: Grounds,
        may: impl Fn(&EventRow) -> bool,
    ) -> Option<(&EventRow, Option<i64>)> {
        let released = |event: &&EventRow| event.kind == EventKind::Release;
        let released = self
            .events
            .iter()
            .filter(released)
            .map(|event| event.occurred_at);
        let released = released.max();
        self.events
            .iter()
            .filter(|event| released.is_none_or(|at| event.occurred_at > at) && may(event))
            .find_map(|event| {
                let (leads, lasting) = self.leads_to(event.key)?;
                (leads == grounds).then_some((event, lasting))
            })
    }
}
