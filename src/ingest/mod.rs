//! The only writer of events: one transaction a batch.
//!
//! Identity is resolved for the whole batch (hash → send → address), events are written once by
//! their key, new ones are judged by the policy, and what they lead to is written beside them. The
//! accounting counts every item exactly once.

mod accounting;
mod identity;
mod judge;
#[cfg(test)]
mod order;
mod preview;
mod rejudge;
mod steering;
mod trial;

pub use accounting::{Accounting, Outcome};
use identity::Resolved;
pub use identity::{Identity, Lead, Signatures};
pub use preview::{Preview, preview};
pub use rejudge::{Change, Effect, Rejudged, Verdict, rejudge};
pub use steering::{Added, Addition, Undone, add, release, undo};
pub use trial::{Trial, trial};

use std::borrow::Cow;

use crate::{
    event::{DeliveryEvent, EventKey, EventKind},
    store::{Batch, EventRow, FolderId, Store, StoreError},
    suppression::Policy,
    time::{DAY, Timestamp},
    verp::SendHash,
};

/// What came in as one piece: a mail or a webhook event. Counted once.
#[derive(Clone, Debug, Default)]
pub struct Item {
    pub events: Vec<DeliveryEvent>,
    /// For mail: the first 16 bytes of SHA-256 of its bytes.
    pub content: Option<[u8; 16]>,
    /// The mail to be archived, when the archive is on.
    pub raw: Option<Vec<u8>>,
    /// The message in its folder; noted as pending until acknowledged.
    pub uid: Option<u32>,
    /// Why it could not be read; it has no events then.
    pub unread: Option<Box<Unread>>,
    /// For webhooks: what came of verifying the request; kept in the events' notes.
    pub verification: Cow<'static, str>,
}

/// An item that could not be read.
#[derive(Clone, Debug)]
pub struct Unread {
    /// For people: mailbox, folder and UID, or the file.
    pub place: String,
    pub reason: String,
    /// Trying again is pointless (over the size limit).
    pub for_good: bool,
}

/// How reports are judged; from the configuration.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub policy: Policy,
    pub identity: Identity,
}

/// Where a batch belongs.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    pub run: i64,
    pub now: Timestamp,
    /// For mailboxes: where the items' UIDs mean something.
    pub folder: Option<&'a FolderId>,
}

/// Applies a batch in one transaction; answers the outcome of each item, in order. After an error
/// nothing of the batch is written. The events are taken out of the items.
///
/// `dry_run` does the same work and takes it back.
pub fn apply(
    store: &mut Store,
    settings: &Settings,
    occasion: Occasion<'_>,
    items: &mut [Item],
    accounting: &mut Accounting,
    dry_run: bool,
) -> Result<Vec<Outcome>, StoreError> {
    apply_with(
        store,
        settings,
        occasion,
        items,
        accounting,
        dry_run,
        &|_| Ok(()),
    )
}

/// What else is written in the transaction of a batch.
pub type Beside<'a> = &'a dyn Fn(&Batch<'_>) -> Result<(), StoreError>;

/// As [`apply`], with more in the same transaction; it may be done more than once, of which one
/// holds.
pub fn apply_with(
    store: &mut Store,
    settings: &Settings,
    occasion: Occasion<'_>,
    items: &mut [Item],
    accounting: &mut Accounting,
    dry_run: bool,
    beside: Beside<'_>,
) -> Result<Vec<Outcome>, StoreError> {
    let settings = (settings, beside);
    if !store.is_shared() {
        return attempt(store, settings, occasion, items, accounting, dry_run);
    }
    // Over a network a batch may have to be done again as a whole.
    loop {
        let (mut once, mut counted) = (items.to_vec(), accounting.clone());
        let done = attempt(store, settings, occasion, &mut once, &mut counted, dry_run);
        let outcomes = match done {
            Ok(outcomes) => outcomes,
            Err(error) => {
                store.recover(error)?;
                continue;
            }
        };
        items.swap_with_slice(&mut once);
        *accounting = counted;
        return Ok(outcomes);
    }
}

fn attempt(
    store: &mut Store,
    (settings, beside): (&Settings, Beside<'_>),
    occasion: Occasion<'_>,
    items: &mut [Item],
    accounting: &mut Accounting,
    dry_run: bool,
) -> Result<Vec<Outcome>, StoreError> {
    let batch = store.begin_appending()?;
    beside(&batch)?;
    let outcomes = apply_within(&batch, settings, occasion, items, accounting)?;
    if dry_run {
        drop(batch);
        return Ok(outcomes);
    }
    let Err(error) = batch.commit() else {
        return Ok(outcomes);
    };
    if !error.is_lost() {
        return Err(error);
    }
    // Nobody said whether it was committed: the accounting of the run, written with it, does.
    store.recover(error)?;
    let run = store.run(occasion.run)?;
    if run.is_some_and(|run| run.accounting == accounting.to_json()) {
        Ok(outcomes)
    } else {
        Err(StoreError::Lost(
            "it was lost at the end of a transaction".into(),
        ))
    }
}

/// As [`apply`], within a transaction of the caller's.
pub fn apply_within(
    batch: &Batch<'_>,
    settings: &Settings,
    occasion: Occasion<'_>,
    items: &mut [Item],
    accounting: &mut Accounting,
) -> Result<Vec<Outcome>, StoreError> {
    leave_known(batch, items)?;
    let written = Written::of(batch, settings, occasion, items)?;
    let suppressed = written.judge(batch, &settings.policy)?;
    let Written {
        of_item,
        resolved,
        rows,
        new,
    } = written;

    let mut outcomes = Vec::with_capacity(items.len());
    let mut index = 0;
    for (item, events) in items.iter_mut().zip(of_item) {
        let mut outcome = Outcome::Duplicate;
        for index in index..index + events {
            let (row, who) = (&rows[index], &resolved[index]);
            let this = outcome_of(row, new[index], suppressed[index], who);
            outcome = outcome.max(this);
            accounting.note(row, new[index], who);
        }
        index += events;
        if let (Some(content), Some(unread)) = (item.content, &item.unread) {
            let put_away = batch.note_poison(
                content,
                &unread.place,
                &unread.reason,
                occasion.now,
                unread.for_good,
            )?;
            outcome = if put_away {
                Outcome::Quarantined
            } else {
                Outcome::Deferred
            };
        }
        accounting.count(outcome);
        outcomes.push(outcome);
    }
    let raw = items
        .iter()
        .filter_map(|item| Some((item.content?, item.raw.as_deref()?)));
    batch.archive(raw, occasion.now)?;
    let read = items.iter().filter(|item| item.unread.is_none());
    batch.leave_quarantine(read.clone().filter_map(|item| item.content))?;
    if let Some(folder) = occasion.folder {
        batch.leave_places(read.filter_map(|item| Some(folder.place(item.uid?))))?;
    }
    accounting.suppressed += suppressed.iter().filter(|acted| **acted).count() as u64;
    if let Some(folder) = occasion.folder {
        let pending: Vec<(u32, &str)> = items
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| **outcome != Outcome::Deferred)
            .filter_map(|(item, outcome)| Some((item.uid?, outcome.name())))
            .collect();
        batch.note_pending(folder, &pending)?;
    }
    batch.account(occasion.run, &accounting.to_json())?;
    Ok(outcomes)
}

/// So many events of a batch are looked up to see whether it came before.
const SAMPLE: usize = 32;

/// Takes the events out of items that came before: nothing follows from them, and an item without
/// events is a duplicate. Looking up every event is worth it only where a sample says so, as when a
/// file is replayed again.
fn leave_known(batch: &Batch<'_>, items: &mut [Item]) -> Result<(), StoreError> {
    let keys: Vec<EventKey> = items
        .iter()
        .flat_map(|item| item.events.iter().map(|event| event.key))
        .collect();
    let step = (keys.len() / SAMPLE).max(1);
    let sample: Vec<EventKey> = keys.iter().step_by(step).copied().collect();
    let asked = sample.len();
    if 2 * batch.known_events(sample)?.len() <= asked {
        return Ok(());
    }
    let known = batch.known_events(keys)?;
    for item in items {
        if item.events.iter().all(|event| known.contains(&event.key)) {
            item.events.clear();
        }
    }
    Ok(())
}

/// A batch whose events are written.
struct Written {
    /// How many events each item has.
    of_item: Vec<usize>,
    /// The events of all items one after the other.
    resolved: Vec<Resolved>,
    rows: Vec<EventRow>,
    new: Vec<bool>,
}

impl Written {
    fn of(
        batch: &Batch<'_>,
        settings: &Settings,
        occasion: Occasion<'_>,
        items: &mut [Item],
    ) -> Result<Self, StoreError> {
        let mut resolved = identity::resolve(batch, &settings.identity, items, occasion.now)?;
        let of_item = items.iter().map(|item| item.events.len()).collect();
        let mut rows = Vec::with_capacity(resolved.len());
        let mut who = resolved.iter_mut();
        for item in items {
            rows.extend(event_rows(item, &mut who, occasion));
        }
        let new = batch.insert_events(&rows)?;
        Ok(Self {
            of_item,
            resolved,
            rows,
            new,
        })
    }

    /// Brings the do-not-contact list up to the new events; answers for each whether it suppresses.
    fn judge(&self, batch: &Batch<'_>, policy: &Policy) -> Result<Vec<bool>, StoreError> {
        let mut acting = Vec::new();
        for (index, who) in self.resolved.iter().enumerate() {
            let may = who.may_unsubscribe || self.rows[index].kind != EventKind::Unsubscribe;
            if self.new[index] && who.known && !who.forged && may {
                acting.push(index);
            }
        }
        Ok(judge::judge(batch, policy, &self.rows, acting)?.acted)
    }
}

fn outcome_of(row: &EventRow, new: bool, suppressed: bool, who: &Resolved) -> Outcome {
    if !new {
        Outcome::Duplicate
    } else if suppressed {
        Outcome::Acted
    } else if row.kind == EventKind::Unrecognised {
        Outcome::Unrecognised
    } else if row.address.is_none() || !who.known {
        match row.kind {
            EventKind::AutoReply | EventKind::Note => Outcome::Recorded,
            _ => Outcome::UnknownAddress,
        }
    } else {
        Outcome::Recorded
    }
}

/// The rows of an item's events, in whose place they are; takes from `resolved` who they are about.
fn event_rows<'i, 'r: 'i>(
    item: &'i mut Item,
    resolved: &'i mut impl Iterator<Item = &'r mut Resolved>,
    occasion: Occasion<'i>,
) -> impl Iterator<Item = EventRow> + 'i {
    let (content, verification) = (item.content, &item.verification);
    let of = item.events.drain(..).zip(resolved);
    of.map(move |(event, who)| EventRow {
        content,
        ..event_row(event, who, verification, occasion)
    })
}

fn event_row(
    event: DeliveryEvent,
    who: &mut Resolved,
    verification: &str,
    occasion: Occasion<'_>,
) -> EventRow {
    let verdict = event.classification;
    // A date of the sender's choice must not reach into the future: windows are counted from it.
    let occurred_at = event
        .occurred_at
        .filter(|at| at.0 <= occasion.now.0 + DAY && at.0 > 0)
        .unwrap_or(occasion.now);
    EventRow {
        key: event.key,
        source: event.source,
        kind: who.kind,
        reason: verdict.as_ref().map(|verdict| verdict.reason),
        permanence: verdict.as_ref().map(|verdict| verdict.permanence),
        rule: verdict.map(|verdict| verdict.rule),
        address: who.address.take(),
        reported: who.reported.take(),
        send_hash: who.send.take().map(SendHash::into_string),
        status: event.status.map(|status| status.to_string()),
        reply_code: event.reply_code,
        receiving_host: event.receiving_host,
        diagnostic: event.diagnostic,
        raw_type: event.raw_type,
        note: note(&who.note, verification),
        content: None,
        occurred_at,
        received_at: occasion.now,
        run: occasion.run,
        expires_at: None,
    }
}

/// What is known of who is meant, and how the webhook proved itself.
fn note(identity: &str, verification: &str) -> String {
    match (identity, verification) {
        (note, "") | ("", note) => note.to_owned(),
        _ => format!("{identity}; {verification}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        address::AddressKey,
        classify::{Classification, Permanence, Reason},
        message::{Clue, Target},
        store::NewSend,
        verp::{Keys, Purpose, ReturnToken},
    };

    const NOW: Timestamp = Timestamp(100 * DAY);

    fn store() -> Store {
        let mut store = Store::open_in_memory().unwrap();
        let batch = store.begin().unwrap();
        let send = |hash: &str, address: &str| NewSend {
            hash: SendHash::parse(hash).unwrap(),
            email_id: "7".into(),
            external_id: None,
            address: address.into(),
            key: AddressKey::parse(address).unwrap(),
            message_id: Some(format!("{hash}@mail.example")),
            sent_at: Timestamp(99 * DAY),
        };
        batch
            .import_sends(&[
                send("aaa", "anna@example.com"),
                send("bbb", "bert@example.com"),
            ])
            .unwrap();
        batch.commit().unwrap();
        store
    }

    fn event(
        id: &str,
        kind: EventKind,
        reason: Option<Reason>,
        hash: Option<&str>,
        address: Option<&str>,
    ) -> DeliveryEvent {
        let token = |hash: &str| ReturnToken {
            purpose: Purpose::Bounce,
            hash: SendHash::parse(hash).unwrap(),
            mac: None,
        };
        DeliveryEvent {
            key: EventKey::of(&[id.as_bytes()]),
            source: "bounces".into(),
            kind,
            classification: reason.map(|reason| Classification {
                reason,
                permanence: reason.permanence(),
                rule: "test".into(),
            }),
            clues: hash
                .map(|hash| Clue {
                    source: "To",
                    target: Target::Token(token(hash)),
                })
                .into_iter()
                .collect(),
            address: address.map(str::to_owned),
            address_wins: false,
            sender_proven: false,
            status: None,
            reply_code: None,
            diagnostic: String::new(),
            receiving_host: String::new(),
            raw_type: String::new(),
            occurred_at: None,
        }
    }

    fn run(
        store: &mut Store,
        settings: &Settings,
        events: Vec<DeliveryEvent>,
    ) -> (Vec<Outcome>, Accounting) {
        let mut items: Vec<Item> = events
            .into_iter()
            .map(|event| Item {
                events: vec![event],
                ..Item::default()
            })
            .collect();
        let mut accounting = Accounting::default();
        let occasion = Occasion {
            run: 1,
            now: NOW,
            folder: None,
        };
        let outcomes = apply(
            store,
            settings,
            occasion,
            &mut items,
            &mut accounting,
            false,
        )
        .unwrap();
        assert!(accounting.balances());
        (outcomes, accounting)
    }

    fn grounds(store: &Store, address: &str) -> Vec<String> {
        store
            .do_not_contact_of(&AddressKey::parse(address).unwrap())
            .unwrap()
            .into_iter()
            .map(|row| row.entry.grounds.name().to_owned())
            .collect()
    }

    #[test]
    fn a_hash_leads_to_the_person_and_twice_is_once() {
        let mut store = store();
        let bounce = || {
            event(
                "1",
                EventKind::Bounce,
                Some(Reason::UserUnknown),
                Some("aaa"),
                None,
            )
        };
        assert_eq!(
            run(&mut store, &Settings::default(), vec![bounce(), bounce()]).0,
            [Outcome::Acted, Outcome::Duplicate]
        );
        assert_eq!(
            run(&mut store, &Settings::default(), vec![bounce()]).0,
            [Outcome::Duplicate]
        );
        assert_eq!(grounds(&store, "anna@example.com"), ["bounce"]);
    }

    #[test]
    fn a_bounce_leaves_an_unsubscribe_and_the_other_way_round() {
        let mut store = store();
        let events = vec![
            event("1", EventKind::Unsubscribe, None, Some("aaa"), None),
            event(
                "2",
                EventKind::Bounce,
                Some(Reason::UserUnknown),
                Some("aaa"),
                None,
            ),
            event("3", EventKind::Complaint, None, Some("aaa"), None),
        ];
        run(&mut store, &Settings::default(), events);
        assert_eq!(
            grounds(&store, "anna@example.com"),
            ["complaint", "unsubscribe", "bounce"]
        );
    }

    #[test]
    fn forwarding_is_charged_to_the_send_but_not_the_other_recipients_of_one_report() {
        let mut store = store();
        let forwarded = event(
            "1",
            EventKind::Bounce,
            Some(Reason::UserUnknown),
            Some("aaa"),
            Some("anna@elsewhere.example"),
        );
        run(&mut store, &Settings::default(), vec![forwarded]);
        assert_eq!(grounds(&store, "anna@example.com"), ["bounce"]);
        assert!(grounds(&store, "anna@elsewhere.example").is_empty());
    }

    #[test]
    fn who_is_not_known_is_never_suppressed() {
        let mut store = store();
        let events = vec![
            event(
                "1",
                EventKind::Bounce,
                Some(Reason::UserUnknown),
                Some("zzz"),
                Some("nobody@example.com"),
            ),
            event(
                "2",
                EventKind::Bounce,
                Some(Reason::UserUnknown),
                None,
                Some("bert@example.com"),
            ),
            event("3", EventKind::Unrecognised, None, None, None),
        ];
        let (outcomes, _) = run(&mut store, &Settings::default(), events);
        assert_eq!(
            outcomes,
            [
                Outcome::UnknownAddress,
                Outcome::Acted,
                Outcome::Unrecognised
            ]
        );
        assert!(grounds(&store, "nobody@example.com").is_empty());
    }

    #[test]
    fn strict_never_believes_an_address_and_a_wrong_signature_never_falls_back_to_it() {
        let mut store = store();
        let identity = Identity {
            keys: Keys::new(vec![b"k".to_vec()]),
            signatures: Signatures::Require,
            match_by_address: false,
            hash_lasting: None,
        };
        let settings = Settings {
            identity,
            ..Settings::default()
        };
        let mut forged = event(
            "1",
            EventKind::Bounce,
            Some(Reason::UserUnknown),
            Some("aaa"),
            Some("anna@example.com"),
        );
        if let Target::Token(token) = &mut forged.clues[0].target {
            token.mac = Some("abcdefghij234567".into());
        }
        let unsigned = event(
            "2",
            EventKind::Bounce,
            Some(Reason::UserUnknown),
            Some("bbb"),
            Some("bert@example.com"),
        );
        let (_, accounting) = run(&mut store, &settings, vec![forged, unsigned]);
        assert_eq!(accounting.forged, 1);
        assert!(
            grounds(&store, "anna@example.com").is_empty()
                && grounds(&store, "bert@example.com").is_empty()
        );
    }

    #[test]
    fn soft_bounces_add_up_over_days() {
        let mut store = store();
        let on_day = |day: i64| {
            let mut event = event(
                &format!("d{day}"),
                EventKind::Bounce,
                Some(Reason::MailboxFull),
                Some("aaa"),
                None,
            );
            event.occurred_at = Some(Timestamp(day * DAY));
            event
        };
        run(
            &mut store,
            &Settings::default(),
            (90..94).map(on_day).collect(),
        );
        assert!(grounds(&store, "anna@example.com").is_empty());
        run(&mut store, &Settings::default(), vec![on_day(95)]);
        assert_eq!(grounds(&store, "anna@example.com"), ["bounce"]);
    }

    #[test]
    fn a_dry_run_leaves_nothing() {
        let mut store = store();
        let item = Item {
            events: vec![event("1", EventKind::Complaint, None, Some("aaa"), None)],
            ..Item::default()
        };
        let occasion = Occasion {
            run: 1,
            now: NOW,
            folder: None,
        };
        let outcomes = apply(
            &mut store,
            &Settings::default(),
            occasion,
            &mut [item],
            &mut Accounting::default(),
            true,
        )
        .unwrap();
        assert_eq!(outcomes, [Outcome::Acted]);
        assert!(grounds(&store, "anna@example.com").is_empty());
        let kept = event(
            "2",
            EventKind::Bounce,
            Some(Reason::AuthFailure),
            Some("aaa"),
            None,
        );
        assert_eq!(
            run(&mut store, &Settings::default(), vec![kept]).0,
            [Outcome::Recorded]
        );
        let permanence = store
            .events_of(&AddressKey::parse("anna@example.com").unwrap())
            .unwrap()[0]
            .permanence;
        assert_eq!(permanence, Some(Permanence::Soft));
    }
}
