//! A few events counted: the sends they belong to are looked up one by one.

use std::collections::{HashMap, HashSet};

use super::super::engine::{Cell, Row};
use super::{
    Batch, StoreError,
    fate::Fates,
    groups::{Event, Groups, NO_CAMPAIGN, SEND},
};

pub(super) struct Tally {
    groups: Groups,
    events: Vec<(Event, Option<Box<[u8]>>)>,
    fates: Fates,
}

impl Tally {
    /// Events of the undone runs are left out.
    pub(super) fn new(undone: HashSet<i64>) -> Self {
        Self {
            groups: Groups::new(undone),
            events: Vec::new(),
            fates: Fates::default(),
        }
    }

    /// Adds an event with the columns of [`super::groups::COLUMNS`].
    pub(super) fn add(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let Some(event) = self.groups.read(row)? else {
            return Ok(());
        };
        let send = match row.cell(SEND)? {
            Cell::Blob(send) => Some(send),
            _ => None,
        };
        if let Some(send) = send {
            self.fates.add(send, event.bits);
        }
        self.events.push((event, send.map(Box::from)));
        Ok(())
    }

    /// Adds the counts to those that are there.
    pub(super) fn write(mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let campaigns = self.fates.write(batch)?;
        let campaigns: HashMap<&[u8], u32> = campaigns
            .iter()
            .map(|(send, campaign)| (&**send, self.groups.campaign(campaign)))
            .collect();
        for (event, send) in &self.events {
            let campaign = send.as_ref().and_then(|send| campaigns.get(&**send));
            self.groups.count(event, *campaign.unwrap_or(&NO_CAMPAIGN));
        }
        self.groups.write(batch)
    }
}
