//! The promises of [`super::judge`] and [`super::undo`], tried: whatever the order of arrival and the
//! batches, the list is the same, and an undone run leaves it as if it had never been.

use proptest::{prelude::*, sample::Index};

use super::{Accounting, Item, Occasion, Settings, Trial, apply, trial, undo};
use crate::{
    address::AddressKey,
    classify::{Classification, Permanence, Reason},
    event::{DeliveryEvent, EventKey, EventKind},
    store::{DoNotContact, NewSend, Selection, Store, StoreError},
    suppression::{Entry, Policy, entries},
    time::{DAY, Timestamp},
    verp::SendHash,
};

const ADDRESSES: [&str; 3] = ["anna@example.com", "bert@example.com", "carl@example.net"];

const POLICIES: [&str; 5] = [
    "",
    "threshold = 3\n[reasons]\nmailbox_full = { action = \"score 2\", for = \"6d\" }",
    "[reasons]\nmailbox_full = { action = \"suppress\", for = \"4d\" }\nuser_unknown = { action = \"suppress\", for = \"9d\" }",
    "threshold = 2\nwindow = \"5d\"\nheal = [\"reply\"]\n[[override]]\ndomains = [\"example.net\"]\nreasons = { blocked = \"suppress\" }\n\
     [[override]]\ncampaigns = [\"2\"]\nthreshold = 4",
    "preset = \"mautic\"",
];

/// Address, what happened, and when, in quarters of a day.
fn events(what: &[(usize, u8, i64)]) -> Vec<DeliveryEvent> {
    what.iter()
        .enumerate()
        .map(|(number, (address, what, at))| event(number, *address, *what, DAY + at * DAY / 4))
        .collect()
}

fn event(number: usize, address: usize, what: u8, at: i64) -> DeliveryEvent {
    let reason = |reason: Reason| (EventKind::Bounce, Some(reason));
    let (kind, reason) = match what {
        0..=5 => reason(Reason::MailboxFull),
        6 | 7 => reason(Reason::NetworkError),
        8 => reason(Reason::UserUnknown),
        9 => reason(Reason::Blocked),
        10 => (EventKind::Complaint, None),
        11 => (EventKind::Unsubscribe, None),
        12 => (EventKind::Reply, None),
        _ => (EventKind::Delivered, None),
    };
    DeliveryEvent {
        key: EventKey::of(&[&number.to_be_bytes()]),
        // Some failures are told by both.
        source: ["bounces", "sendgrid"][number % 2].into(),
        kind,
        classification: reason.map(|reason| Classification {
            reason,
            permanence: if reason == Reason::UserUnknown {
                Permanence::Hard
            } else {
                Permanence::Soft
            },
            rule: "test".into(),
        }),
        clues: Vec::new(),
        address: Some(ADDRESSES[address].into()),
        address_wins: true,
        // Of unsubscribes some count and some are only somebody's word.
        sender_proven: number.is_multiple_of(3),
        status: None,
        reply_code: None,
        diagnostic: String::new(),
        receiving_host: "mx.example.org".into(),
        raw_type: String::new(),
        occurred_at: Some(Timestamp(at)),
    }
}

fn occasion(run: i64) -> Occasion<'static> {
    Occasion {
        run,
        now: Timestamp(100 * DAY),
        folder: None,
    }
}

/// A store that got these batches, each by the run of that number.
fn after(settings: &Settings, batches: &[(i64, &[DeliveryEvent])]) -> Store {
    let mut store = Store::open_in_memory().unwrap();
    let batch = store.begin().unwrap();
    for (number, address) in ADDRESSES.iter().enumerate() {
        let send = NewSend {
            hash: SendHash::parse(&format!("h{number}")).unwrap(),
            email_id: number.to_string(),
            external_id: None,
            address: (*address).into(),
            key: AddressKey::parse(address).unwrap(),
            message_id: None,
            sent_at: Timestamp(0),
        };
        batch.import_sends(&[send]).unwrap();
    }
    batch.commit().unwrap();
    for _ in 0..3 {
        store.begin_run("test", "host", 1, Timestamp(0)).unwrap();
    }
    for (run, events) in batches {
        let mut items: Vec<Item> = events
            .iter()
            .map(|event| Item {
                events: vec![event.clone()],
                ..Item::default()
            })
            .collect();
        let mut accounting = Accounting::default();
        apply(
            &mut store,
            settings,
            occasion(*run),
            &mut items,
            &mut accounting,
            false,
        )
        .unwrap();
        assert!(accounting.balances());
    }
    store
}

/// The whole list, expired entries too.
fn listed(store: &Store) -> Vec<DoNotContact> {
    let mut rows = Vec::new();
    let everything = Selection {
        expired: true,
        ..Selection::default()
    };
    store
        .for_each_listed(&everything, Timestamp(0), |row| {
            rows.push(row);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    rows.sort_by(|a, b| (&a.address, a.entry.grounds).cmp(&(&b.address, b.entry.grounds)));
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 192, ..ProptestConfig::default() })]
    #[test]
    fn order_and_batches_make_no_difference(
        policy in 0..POLICIES.len(),
        // Six hours apart: several a day, and some at the same instant.
        what in prop::collection::vec((0..ADDRESSES.len(), 0_u8..16, 0_i64..80), 1..40),
        shuffle in prop::collection::vec(any::<Index>(), 40),
        cuts in prop::collection::vec(1_usize..9, 40),
    ) {
        let policy: Policy = toml::from_str(POLICIES[policy]).unwrap();
        let settings = Settings { policy, ..Settings::default() };
        let mut events = events(&what);
        let store = after(&settings, &[(1, &events)]);
        let all_at_once = listed(&store);
        for (place, other) in shuffle.iter().enumerate().take(events.len()) {
            let other = other.index(events.len());
            events.swap(place, other);
        }
        let mut batches = Vec::new();
        let mut rest = &events[..];
        for cut in cuts {
            let (batch, others) = rest.split_at(cut.min(rest.len()));
            batches.push((1, batch));
            rest = others;
        }
        let one_by_one = listed(&after(&settings, &batches));
        prop_assert_eq!(&all_at_once, &one_by_one);
        // Both are what the policy says of the whole history.
        let mut replayed = Vec::new();
        store
            .for_each_outline(|outline| {
                let address = outline.address;
                let history = store.history_of(address, true)?;
                let causes = settings.policy.causes(address.domain(), &history);
                replayed.extend(entries(&causes).into_iter().map(|entry| DoNotContact {
                    address: address.clone(),
                    entry,
                }));
                Ok::<_, StoreError>(())
            })
            .unwrap();
        prop_assert_eq!(&all_at_once, &replayed);
    }

    #[test]
    fn a_trial_says_what_judging_every_history_says(
        policy in 0..POLICIES.len(),
        other in 0..POLICIES.len(),
        what in prop::collection::vec((0..ADDRESSES.len(), 0_u8..16, 0_i64..80), 1..40),
        undone: bool,
        now in 1_i64..30,
    ) {
        let policy: Policy = toml::from_str(POLICIES[policy]).unwrap();
        let settings = Settings { policy, ..Settings::default() };
        let events = events(&what);
        let (first, second) = events.split_at(events.len() / 2);
        let mut store = after(&settings, &[(1, first), (2, second)]);
        if undone {
            undo(&mut store, &settings.policy, occasion(3), 2, false, |_| Ok::<_, StoreError>(())).unwrap();
        }
        let other: Policy = toml::from_str(POLICIES[other]).unwrap();
        let now = Timestamp(now * DAY);
        let mut told = Vec::new();
        trial(&store, &other, now, |found| {
            told.push(found);
            Ok::<_, StoreError>(())
        })
        .unwrap();
        let mut wanted = Vec::new();
        for address in ADDRESSES {
            let address = AddressKey::parse(address).unwrap();
            let strongest = |entries: Vec<Entry>| {
                let live = entries.into_iter().filter(|entry| entry.expires_at.is_none_or(|at| at > now));
                live.max_by_key(|entry| entry.grounds)
            };
            let row = |entry| DoNotContact { address: address.clone(), entry };
            let history = store.history_of(&address, true).unwrap();
            let listed = store.do_not_contact_of(&address).unwrap();
            let present = strongest(listed.into_iter().map(|row| row.entry).collect());
            let future = strongest(entries(&other.causes(address.domain(), &history)));
            let same = |a: &Entry, b: &Entry| {
                (a.grounds, a.detail, a.expires_at) == (b.grounds, b.detail, b.expires_at)
            };
            wanted.extend(match (present, future) {
                (None, None) => None,
                (None, Some(new)) => Some(Trial::Suppressed(row(new))),
                (Some(old), None) => Some(Trial::Freed(row(old))),
                (Some(old), Some(new)) if same(&old, &new) => Some(Trial::Stays),
                (Some(_), Some(new)) => Some(Trial::Changed(row(new))),
            });
        }
        prop_assert_eq!(told, wanted);
    }

    #[test]
    fn an_undone_run_is_as_if_it_had_never_been(
        policy in 0..POLICIES.len(),
        what in prop::collection::vec((0..ADDRESSES.len(), 0_u8..16, 0_i64..80), 4..40),
        cut in any::<Index>(),
        undone in 0_usize..3,
    ) {
        let policy: Policy = toml::from_str(POLICIES[policy]).unwrap();
        let settings = Settings { policy, ..Settings::default() };
        let events = events(&what);
        let (first, rest) = events.split_at(cut.index(events.len()));
        let (second, third) = rest.split_at(rest.len() / 2);
        let mut runs = vec![(1, first), (2, second), (3, third)];
        let mut store = after(&settings, &runs);
        let (run, _) = runs.remove(undone);
        let nothing = |_| Ok::<_, StoreError>(());
        prop_assert!(undo(&mut store, &settings.policy, occasion(4), run, false, nothing).unwrap());
        prop_assert_eq!(listed(&store), listed(&after(&settings, &runs)));
        prop_assert!(!undo(&mut store, &settings.policy, occasion(4), run, false, nothing).unwrap());
    }
}

#[test]
fn one_failure_reported_twice_counts_once() {
    let on_day =
        |number: usize, day: i64, hour: i64| event(number, 0, 0, day * DAY + hour * DAY / 24);
    // Mailbox and webhook both report each of four failures.
    let events: Vec<DeliveryEvent> = (0..4)
        .flat_map(|day| {
            let number = 2 * usize::try_from(day).unwrap();
            [on_day(number, day + 1, 3), on_day(number + 1, day + 1, 9)]
        })
        .collect();
    let settings = Settings::default();
    assert!(listed(&after(&settings, &[(1, &events)])).is_empty());
    let fifth = [on_day(8, 5, 3)];
    let store = after(&settings, &[(1, &events), (2, &fifth)]);
    assert_eq!(listed(&store).len(), 1);
}
