//! Mails that nobody wants acknowledged (files, archives, a pipe): gathered into batches, then
//! the same way as a folder's.

use crate::{
    fetch::{self, Recognition},
    ingest::{self, Accounting, Item, Occasion, Settings},
    mailbox::{Body, Bounds},
    store::{Store, StoreError},
};

/// How taken mails are read and judged.
pub struct Intake<'a> {
    pub recognition: Recognition<'a>,
    pub settings: &'a Settings,
    pub bounds: Bounds,
    pub occasion: Occasion<'a>,
    pub dry_run: bool,
}

/// Mails that wait to be committed.
#[derive(Default)]
pub struct Waiting {
    items: Vec<Item>,
    bytes: u64,
}

impl Intake<'_> {
    /// Recognises a mail; a full batch is committed.
    pub fn add(
        &self,
        store: &mut Store,
        waiting: &mut Waiting,
        (place, body): (&str, Body),
        accounting: &mut Accounting,
    ) -> Result<(), StoreError> {
        if let Body::Whole(bytes) = &body {
            waiting.bytes += bytes.len() as u64;
        }
        let item = fetch::recognise_body(body, place, place, &self.recognition);
        waiting.items.push(item);
        if waiting.items.len() >= self.bounds.batch_messages
            || waiting.bytes >= self.bounds.batch_bytes
        {
            self.commit(store, waiting, accounting)?;
        }
        Ok(())
    }

    /// Commits what waits.
    pub fn commit(
        &self,
        store: &mut Store,
        waiting: &mut Waiting,
        accounting: &mut Accounting,
    ) -> Result<(), StoreError> {
        let mut items = std::mem::take(waiting).items;
        if !items.is_empty() {
            ingest::apply(
                store,
                self.settings,
                self.occasion,
                &mut items,
                accounting,
                self.dry_run,
            )?;
        }
        Ok(())
    }
}
