//! What [`apply`](super::apply) would write for one item, and why; nothing stays written.

use super::{Item, Lead, Occasion, Outcome, Settings, history, identity, judge_items, outcome_of};
use crate::{
    store::{EventRow, NewSuppression, Store, StoreError},
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
    pub suppression: Option<NewSuppression>,
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
    let judged = judge_items(&batch, settings, occasion, std::slice::from_ref(item))?;
    let suppression = |index| {
        let mut all = judged.suppressions.iter();
        all.find(|(of, _)| *of == index).map(|(_, row)| row.clone())
    };
    let events = item.events.iter().zip(judged.resolved.iter().flatten());
    let mut out = Vec::new();
    for (index, ((event, who), row)) in events.zip(&judged.rows).enumerate() {
        let points = match &row.address {
            Some(address) => {
                let past = history(&batch, &settings.policy, row, address)?;
                settings.policy.points(&past)
            }
            None => 0,
        };
        let suppression = suppression(index);
        out.push(Preview {
            row: row.clone(),
            new: judged.new[index],
            leads: identity::leads(&batch, &settings.identity, event, now)?,
            known: who.known,
            points,
            outcome: outcome_of(row, judged.new[index], suppression.is_some(), who),
            suppression,
        });
    }
    Ok(out)
}
