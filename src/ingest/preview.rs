//! What [`apply`](super::apply) would write for one item, and why; nothing stays written.

use super::{Item, Lead, Occasion, Outcome, Settings, Written, identity, outcome_of};
use crate::{
    store::{DoNotContact, EventRow, Store, StoreError},
    time::Timestamp,
};

/// One event of the item.
#[derive(Clone, Debug)]
pub struct Preview {
    pub row: EventRow,
    /// Whether the database does not know it yet.
    pub new: bool,
    /// What each clue leads to, in the order they are tried.
    pub leads: Vec<Lead>,
    /// The address belongs to a contact or a send.
    pub known: bool,
    /// Points of the address by now, this event's among them.
    pub points: u32,
    pub suppression: Option<DoNotContact>,
    pub outcome: Outcome,
}

pub fn preview(
    store: &mut Store,
    settings: &Settings,
    item: &Item,
    now: Timestamp,
) -> Result<Vec<Preview>, StoreError> {
    let batch = store.begin()?;
    let occasion = Occasion {
        run: 0,
        now,
        folder: None,
    };
    let leads = item
        .events
        .iter()
        .map(|event| identity::leads(&batch, &settings.identity, event, now))
        .collect::<Result<Vec<_>, _>>()?;
    let written = Written::of(&batch, settings, occasion, &mut [item.clone()])?;
    let suppressed = written.judge(&batch, &settings.policy)?;
    let policy = &settings.policy;
    let resolved = &written.resolved;
    let mut out = Vec::new();
    for (index, ((leads, who), row)) in leads
        .into_iter()
        .zip(resolved)
        .zip(&written.rows)
        .enumerate()
    {
        let mut points = 0;
        let mut suppression = None;
        if let Some(address) = &row.address {
            let histories = batch.histories(&[address], policy.names_campaigns())?;
            points = policy.points(address.domain(), &histories.concat());
            let entries = batch.entries_of(&[address])?.concat();
            suppression = entries
                .into_iter()
                .find(|entry| entry.event == Some(row.key) && suppressed[index])
                .map(|entry| DoNotContact {
                    address: address.clone(),
                    entry,
                });
        }
        let acted = suppressed[index];
        out.push(Preview {
            row: row.clone(),
            new: written.new[index],
            leads,
            known: who.known,
            points,
            suppression,
            outcome: outcome_of(row, written.new[index], acted, who),
        });
    }
    Ok(out)
}
