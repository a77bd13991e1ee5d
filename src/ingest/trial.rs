//! A policy tried on everything that came back, without writing anything.
//!
//! Most addresses are judged by what the index over addresses tells of their events
//! ([`Outline`]); the events themselves are read where that does not decide, and where something
//! would change.

use crate::{
    address::AddressKey,
    classify::Permanence,
    event::EventKind,
    store::{DoNotContact, Happening, Outline, Store, StoreError},
    suppression::{Action, Cause, Entry, Grounds, PastEvent, Policy, Subject, entries},
    time::Timestamp,
};

/// What another policy would do to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    /// It may be contacted now and would not be; its strongest entry.
    Suppressed(DoNotContact),
    /// It is on the list now and would not be; its strongest entry of today.
    Freed(DoNotContact),
    /// It would stay on the list with another reason or end; the entry that it would have.
    Changed(DoNotContact),
    /// It would stay on the list.
    Stays,
}

/// Calls `each` for every address that is on the list or would be, in the order of addresses.
pub fn trial<E: From<StoreError>>(
    store: &Store,
    policy: &Policy,
    now: Timestamp,
    mut each: impl FnMut(Trial) -> Result<(), E>,
) -> Result<(), E> {
    let try_on = |outline: Outline<'_>| -> Result<Option<Trial>, StoreError> {
        let address = outline.address;
        let present = strongest(outline.listed, now);
        if let Some(view) = sight(policy, &outline) {
            let future = match view {
                Sight::Nothing => Vec::new(),
                Sight::Events => {
                    let events: Vec<PastEvent> = outline.events.iter().map(Into::into).collect();
                    future(policy, address, &events)
                }
            };
            let future = strongest(&future, now);
            if told(present) == told(future) {
                return Ok(present.map(|_| Trial::Stays));
            }
            if let (Some(entry), None) = (present, future) {
                return Ok(Some(Trial::Freed(row(address, entry))));
            }
        }
        let events = store.history_of(address, policy.names_campaigns())?;
        let future = future(policy, address, &events);
        let future = strongest(&future, now);
        if present.is_none() && future.is_some() && !acts(store, address, &events)? {
            return Ok(None);
        }
        Ok(match (present, future) {
            (None, None) => None,
            (None, Some(entry)) => Some(Trial::Suppressed(row(address, entry))),
            (Some(entry), None) => Some(Trial::Freed(row(address, entry))),
            (old, Some(new)) if told(old) == told(Some(new)) => Some(Trial::Stays),
            (Some(_), Some(new)) => Some(Trial::Changed(row(address, new))),
        })
    };
    store.for_each_outline(|outline| try_on(outline)?.map_or(Ok(()), &mut each))
}

/// What an outline is good for.
enum Sight {
    /// None of the events can suppress.
    Nothing,
    /// What its events lead to is certain but for who told them.
    Events,
}

/// Nothing where only the events themselves decide.
fn sight(policy: &Policy, outline: &Outline<'_>) -> Option<Sight> {
    if policy.names_campaigns() || policy.names_receiving_hosts() {
        return None;
    }
    // In which order different events of one instant count, their keys say.
    let told = |event: &Happening| (event.kind, event.reason, event.permanence);
    let same_instant = |pair: &[Happening]| {
        pair[0].occurred_at == pair[1].occurred_at && told(&pair[0]) != told(&pair[1])
    };
    if outline.events.windows(2).any(same_instant) {
        return None;
    }
    let rules = policy.rules(Subject {
        domain: outline.address.domain(),
        campaign: "",
        receiving_host: "",
    });
    let (mut suppresses, mut sum) = (false, 0_u32);
    for event in outline.events {
        match event.kind {
            // Whose words count does not stand in the index; but that they counted, the list says,
            // and they do under every policy.
            EventKind::Unsubscribe if began_with(outline, event) => suppresses = true,
            // Nor does what was listed and until when.
            EventKind::Unsubscribe | EventKind::Manual | EventKind::Release => return None,
            EventKind::Complaint => suppresses = true,
            EventKind::Bounce => {
                let (Some(reason), Some(permanence)) = (event.reason, event.permanence) else {
                    continue;
                };
                match rules.action(reason, permanence) {
                    Action::Suppress { .. } => suppresses = true,
                    Action::Score { points, .. } => sum = sum.saturating_add(points),
                    Action::Record | Action::Ignore => {}
                }
            }
            _ => {}
        }
    }
    if sum >= rules.threshold {
        // There may be fewer points, as two sources may have told the same and deliveries made some
        // forgotten: that only the events say. Those who do not have enough even so need no closer
        // look.
        let scored = |cause: &Cause| {
            let permanence = if cause.hard {
                Permanence::Hard
            } else {
                Permanence::Soft
            };
            let action = cause.detail.map(|reason| rules.action(reason, permanence));
            matches!(action, Some(Action::Score { .. }))
        };
        let events: Vec<PastEvent> = outline.events.iter().map(Into::into).collect();
        let causes = policy.causes(outline.address.domain(), &events);
        return (!causes.iter().any(scored)).then_some(Sight::Events);
    }
    Some(if suppresses {
        Sight::Events
    } else {
        Sight::Nothing
    })
}

/// Whether an unsubscribe is what put the address on the list.
fn began_with(outline: &Outline<'_>, event: &Happening) -> bool {
    outline.listed.iter().any(|entry| {
        entry.grounds == Grounds::Unsubscribe
            && entry.since == event.occurred_at
            && entry.expires_at.is_none()
    })
}

fn future(policy: &Policy, address: &AddressKey, events: &[PastEvent]) -> Vec<Entry> {
    entries(&policy.causes(address.domain(), events))
}

/// Of those that have not ended.
fn strongest(entries: &[Entry], now: Timestamp) -> Option<&Entry> {
    let live = |entry: &&Entry| entry.expires_at.is_none_or(|at| at > now);
    entries
        .iter()
        .filter(live)
        .max_by_key(|entry| entry.grounds)
}

/// By what entries are compared.
fn told(entry: Option<&Entry>) -> Option<impl PartialEq + use<>> {
    entry.map(|entry| (entry.grounds, entry.detail, entry.expires_at))
}

fn row(address: &AddressKey, entry: &Entry) -> DoNotContact {
    DoNotContact {
        address: address.clone(),
        entry: entry.clone(),
    }
}

/// Reports on addresses that nobody knows suppress nobody, but what a person adds does.
fn acts(store: &Store, address: &AddressKey, events: &[PastEvent]) -> Result<bool, StoreError> {
    Ok(events.iter().any(|event| event.kind == EventKind::Manual) || store.is_known(address)?)
}
