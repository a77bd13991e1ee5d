//! Today's reading and rules over the archive: page by page, compared with what is written.

use crate::{
    event::EventKind,
    fetch::{self, Recognition},
    ingest::{self, Change, Item, Occasion, Settings},
    store::{ArchivePlace, ArchivedMail, Store, StoreError},
    time::Timestamp,
};

/// How the archive is read today.
pub struct Reclassification<'a> {
    pub recognition: &'a Recognition<'a>,
    /// As mail of a folder that is monitored for unsubscribes is read.
    pub unsubscribes: &'a Recognition<'a>,
    pub settings: &'a Settings,
    pub occasion: Occasion<'a>,
    /// Mails that came before are left alone.
    pub since: Timestamp,
    pub dry_run: bool,
}

/// How much was looked at, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    pub mails: u64,
    pub changed: u64,
    /// Same verdict, other rule.
    pub other_rule: u64,
    pub without_events: u64,
    pub unreadable: u64,
    pub suppressed: u64,
    pub released: u64,
}

const PAGE: u32 = 500;
const PAGE_BYTES: usize = 4 << 20;

/// Goes through the archive and tells each change.
pub fn run<E: From<StoreError>>(
    store: &mut Store,
    job: &Reclassification<'_>,
    mut tell: impl FnMut(&Change) -> Result<(), E>,
) -> Result<Counts, E> {
    let mut counts = Counts::default();
    let mut place = ArchivePlace::at(job.since);
    loop {
        let page = store.archived_after(place, PAGE, PAGE_BYTES)?;
        let Some(last) = page.last() else {
            return Ok(counts);
        };
        place = last.place;
        counts.mails += page.len() as u64;
        let unsubscribes = unsubscribes(store, &page)?;
        let mut mails = Vec::new();
        for (mail, is_unsubscribe) in page.into_iter().zip(unsubscribes) {
            let item = read(mail, is_unsubscribe, job);
            if item.unread.is_some() {
                counts.unreadable += 1;
            } else {
                mails.push(item);
            }
        }
        let rejudged = ingest::rejudge(store, job.settings, job.occasion, mails, job.dry_run)?;
        counts.changed += rejudged.changes.len() as u64;
        counts.other_rule += rejudged.other_rule;
        counts.without_events += rejudged.without_events;
        for change in &rejudged.changes {
            match change.effect {
                Some(ingest::Effect::Suppressed) => counts.suppressed += 1,
                Some(ingest::Effect::Released) => counts.released += 1,
                None => {}
            }
            tell(change)?;
        }
    }
}

/// Which mails were taken for unsubscribes when they came.
fn unsubscribes(store: &Store, page: &[ArchivedMail]) -> Result<Vec<bool>, StoreError> {
    let contents = page.iter().map(|mail| mail.place.content);
    let events = store.events_of_mails(contents)?;
    let is_unsubscribe = |mail: &ArchivedMail| {
        events.get(&mail.place.content).is_some_and(|events| {
            events
                .iter()
                .any(|event| event.kind == EventKind::Unsubscribe)
        })
    };
    Ok(page.iter().map(is_unsubscribe).collect())
}

/// What a folder was monitored for is not known any more. A mail that is an unsubscribe only by
/// its words was one of a folder for unsubscribes.
fn read(mail: ArchivedMail, was_unsubscribe: bool, job: &Reclassification<'_>) -> Item {
    let raw = was_unsubscribe.then(|| mail.raw.clone());
    let item = fetch::recognise(mail.raw, None, "archive", job.recognition);
    let is_unsubscribe = |item: &Item| {
        let mut events = item.events.iter();
        events.any(|event| event.kind == EventKind::Unsubscribe)
    };
    match raw {
        Some(raw) if !is_unsubscribe(&item) => {
            let by_words = fetch::recognise(raw, None, "archive", job.unsubscribes);
            if is_unsubscribe(&by_words) {
                by_words
            } else {
                item
            }
        }
        _ => item,
    }
}
