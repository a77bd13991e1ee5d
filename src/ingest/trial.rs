//! A policy tried on everything that came back, without writing anything.

use crate::{
    address::AddressKey,
    event::EventKind,
    store::{DoNotContact, Store, StoreError},
    suppression::{Entry, PastEvent, Policy, entries},
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
    store.for_each_history(policy.names_campaigns(), |address, events| {
        let live = |entry: &Entry| entry.expires_at.is_none_or(|at| at > now);
        let mut present: Vec<Entry> = store
            .do_not_contact_of(address)?
            .into_iter()
            .map(|row| row.entry)
            .collect();
        present.retain(live);
        let mut future = entries(&policy.causes(address.domain(), events));
        future.retain(live);
        if present.is_empty() && !future.is_empty() && !acts(store, address, events)? {
            return Ok(());
        }
        let row = |entry: &Entry| DoNotContact {
            address: address.clone(),
            entry: entry.clone(),
        };
        let strongest = |entries: &[Entry]| entries.iter().max_by_key(|e| e.grounds).map(row);
        each(match (strongest(&present), strongest(&future)) {
            (None, None) => return Ok(()),
            (None, Some(entry)) => Trial::Suppressed(entry),
            (Some(entry), None) => Trial::Freed(entry),
            (Some(old), Some(new)) => {
                let told = |row: &DoNotContact| {
                    let entry = &row.entry;
                    (entry.grounds, entry.detail, entry.expires_at)
                };
                if told(&old) == told(&new) {
                    Trial::Stays
                } else {
                    Trial::Changed(new)
                }
            }
        })
    })
}

/// Reports on addresses that nobody knows suppress nobody, but what a person adds does.
fn acts(store: &Store, address: &AddressKey, events: &[PastEvent]) -> Result<bool, StoreError> {
    Ok(events.iter().any(|event| event.kind == EventKind::Manual) || store.is_known(address)?)
}
