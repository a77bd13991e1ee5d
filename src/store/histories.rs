//! Whatever happened in whatever order: building from the changes gives what looking at everybody
//! gives.

use std::{collections::HashSet, time::Duration};

use proptest::prelude::*;

use super::{
    engine::{Value, params},
    *,
};
use crate::{
    address::AddressKey,
    classify::{Permanence, Reason},
    event::{EventKey, EventKind},
    segment::{Choice, Mode, update},
    suppression::{Entry, Grounds, Policy},
    time::{DAY, HOUR, Timestamp},
};

const START: i64 = 20_000 * DAY + 7 * HOUR;

/// Each refers to time, rows or other segments in its own way.
const SEGMENTS: &[&str] = &[
    "bounced",
    "soft_bounces within 30d >= 2",
    "last_bounce > -10d or contact.joined > -20d",
    "segment = s0 and not contact.city = 'graz'",
    "score >= 2",
    "segment = s3 or (segment != s1 and created > -15d)",
    "contactable and last_event < -5d",
    "contact.joined = today-3d or listed_until < +4d",
    "first_bounce < -25d and receiving_host ends '.example'",
    "sends > 0 and not segment in (s0, s2)",
    "bounce_reason within 3d = mailbox_full or replied within 8d or changed > -2d",
    "listed_since > -6d and contact.age between 2 and 4",
];

#[derive(Clone, Debug)]
enum Step {
    Import {
        contact: u8,
        address: u8,
        city: bool,
        days: i64,
    },
    Event {
        address: u8,
        kind: usize,
        soft: bool,
        hours_ago: i64,
    },
    Reclassify {
        event: usize,
    },
    Forget {
        event: usize,
    },
    List {
        address: u8,
        grounds: usize,
        days: Option<i64>,
    },
    Release {
        address: u8,
    },
    Send {
        address: u8,
    },
    Undo {
        run: i64,
    },
    ByHand {
        segment: usize,
        contact: u8,
        origin: Origin,
    },
    ByFilter {
        segment: usize,
        contact: u8,
    },
    Pass {
        hours: i64,
    },
    Update {
        segments: Vec<usize>,
        most: Option<u64>,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let address = || 0_u8..6;
    let contact = || 0_u8..8;
    let segment = || 0..SEGMENTS.len();
    prop_oneof![
        4 => (contact(), address(), any::<bool>(), -30_i64..10)
            .prop_map(|(contact, address, city, days)| Step::Import { contact, address, city, days }),
        6 => (address(), 0_usize..4, any::<bool>(), -5_i64..900)
            .prop_map(|(address, kind, soft, hours_ago)| Step::Event { address, kind, soft, hours_ago }),
        1 => (0_usize..20).prop_map(|event| Step::Reclassify { event }),
        1 => (0_usize..20).prop_map(|event| Step::Forget { event }),
        3 => (address(), 0_usize..4, prop::option::of(1_i64..12))
            .prop_map(|(address, grounds, days)| Step::List { address, grounds, days }),
        1 => address().prop_map(|address| Step::Release { address }),
        1 => address().prop_map(|address| Step::Send { address }),
        1 => (1_i64..=RUNS).prop_map(|run| Step::Undo { run }),
        2 => (segment(), contact(), any::<bool>()).prop_map(|(segment, contact, inside)| Step::ByHand {
            segment,
            contact,
            origin: if inside { Origin::Added } else { Origin::Removed },
        }),
        1 => (segment(), contact()).prop_map(|(segment, contact)| Step::ByFilter { segment, contact }),
        4 => (1_i64..300).prop_map(|hours| Step::Pass { hours }),
        4 => (prop::collection::vec(segment(), 0..8), prop::option::weighted(0.2, 1_u64..3))
            .prop_map(|(segments, most)| Step::Update { segments, most }),
    ]
}

/// The runs that events come by, in turn.
const RUNS: i64 = 3;

struct World {
    store: Store,
    now: Timestamp,
    events: u8,
    segments: Vec<i64>,
}

fn key(address: u8) -> AddressKey {
    AddressKey::parse(&format!("a{address}@example.com")).unwrap()
}

impl World {
    fn new() -> Self {
        let mut store = Store::open_in_memory().unwrap();
        let now = Timestamp(START);
        for _ in 0..RUNS {
            store.begin_run("test", "host", 1, now).unwrap();
        }
        let names: Vec<String> = (0..SEGMENTS.len()).map(|n| format!("s{n}")).collect();
        let mut segments = Vec::new();
        for (name, filter) in names.iter().zip(SEGMENTS) {
            let filter = store.read_filter(filter, &names).unwrap().to_string();
            let batch = store.begin().unwrap();
            let segment = Segment {
                filter,
                ..Segment::new(name, now)
            };
            segments.push(batch.create_segment(&segment).unwrap());
            batch.commit().unwrap();
        }
        Self {
            store,
            now,
            events: 0,
            segments,
        }
    }

    fn contact(&self, number: u8) -> Option<i64> {
        let id = number.to_string();
        self.store
            .contact_with_external_id(&id)
            .unwrap()
            .map(|contact| contact.id)
    }

    fn update(
        &mut self,
        segments: &HashSet<i64>,
        full: bool,
        most: Option<u64>,
        dry_run: bool,
    ) -> Vec<crate::segment::Built> {
        let choice = Choice {
            segments,
            full,
            batch: 2,
            most,
            dry_run,
            now: self.now,
            policy: &Policy::default(),
        };
        update(&mut self.store, &choice, &|| Duration::ZERO).unwrap()
    }

    // A flat list of what can happen.
    #[allow(clippy::too_many_lines)]
    fn take(&mut self, step: &Step) {
        let now = self.now;
        let execute = |store: &Store, sql: &str, values: &[Value<'_>]| {
            store.connection.execute(sql, values).unwrap();
        };
        match step {
            Step::Import {
                contact,
                address,
                city,
                days,
            } => {
                let batch = self.store.begin().unwrap();
                let joined = Timestamp(now.0 + days * DAY).day();
                let city = if *city { "Graz" } else { "Wien" };
                let attributes =
                    format!(r#"{{"city": "{city}", "joined": "{joined}", "age": "{contact}"}}"#);
                let new = NewContact {
                    external_id: Some(contact.to_string()),
                    address: key(*address).to_string(),
                    key: key(*address),
                    attributes,
                };
                batch.import_contacts(&[new], now).unwrap();
                batch.commit().unwrap();
            }
            Step::Event {
                address,
                kind,
                soft,
                hours_ago,
            } => {
                self.events += 1;
                let row = event(
                    self.events,
                    *address,
                    *kind,
                    *soft,
                    now.0 - hours_ago * HOUR,
                    now,
                );
                let batch = self.store.begin().unwrap();
                batch.insert_events(&[row]).unwrap();
                batch.commit().unwrap();
            }
            Step::Reclassify { event } => execute(
                &self.store,
                "UPDATE event SET permanence = 'soft', reason = 'mailbox_full' WHERE source = $1",
                params![event.to_string()],
            ),
            Step::Forget { event } => {
                execute(
                    &self.store,
                    "DELETE FROM event WHERE source = $1",
                    params![event.to_string()],
                );
            }
            Step::List {
                address,
                grounds,
                days,
            } => {
                let batch = self.store.begin().unwrap();
                let row = DoNotContact {
                    address: key(*address),
                    entry: Entry {
                        grounds: Grounds::ALL[*grounds],
                        detail: None,
                        since: now,
                        comment: String::new(),
                        event: None,
                        run: 1,
                        expires_at: days.map(|days| Timestamp(now.0 + days * DAY)),
                    },
                };
                batch.write_entries(&[row]).unwrap();
                batch.commit().unwrap();
            }
            Step::Release { address } => execute(
                &self.store,
                "DELETE FROM do_not_contact WHERE address_key = $1",
                params![key(*address).as_str()],
            ),
            Step::Send { address } => execute(
                &self.store,
                "INSERT INTO send (hash, email_id, address, address_key, sent_at) VALUES (randomblob(8), '1', $1, $1, $2)",
                params![key(*address).as_str(), now.0],
            ),
            Step::Undo { run } => {
                let batch = self.store.begin().unwrap();
                batch.mark_undone(*run, now).unwrap();
                batch.commit().unwrap();
            }
            Step::ByHand {
                segment,
                contact,
                origin,
            } => {
                if let Some(contact) = self.contact(*contact) {
                    let batch = self.store.begin().unwrap();
                    batch
                        .set_by_hand(self.segments[*segment], &[contact], *origin, now)
                        .unwrap();
                    batch.commit().unwrap();
                }
            }
            Step::ByFilter { segment, contact } => {
                if let Some(contact) = self.contact(*contact) {
                    let batch = self.store.begin().unwrap();
                    batch
                        .leave_to_filter(self.segments[*segment], &[contact])
                        .unwrap();
                    batch.commit().unwrap();
                }
            }
            Step::Pass { hours } => self.now = Timestamp(now.0 + hours * HOUR),
            Step::Update { segments, most } => {
                let segments = segments.iter().map(|index| self.segments[*index]).collect();
                self.update(&segments, false, *most, false);
            }
        }
    }
}

fn event(number: u8, address: u8, kind: usize, soft: bool, at: i64, now: Timestamp) -> EventRow {
    let kind = [
        EventKind::Bounce,
        EventKind::Bounce,
        EventKind::Reply,
        EventKind::Delivered,
    ][kind];
    let bounce = kind == EventKind::Bounce;
    EventRow {
        key: EventKey::of(&[&[number]]),
        source: number.to_string(),
        kind,
        reason: bounce.then_some(if soft {
            Reason::MailboxFull
        } else {
            Reason::UserUnknown
        }),
        permanence: bounce.then_some(if soft {
            Permanence::Soft
        } else {
            Permanence::Hard
        }),
        rule: None,
        address: Some(key(address)),
        reported: None,
        send_hash: None,
        status: None,
        reply_code: None,
        receiving_host: if soft { "mx.example" } else { "mx.other" }.into(),
        diagnostic: String::new(),
        raw_type: String::new(),
        note: String::new(),
        content: None,
        occurred_at: Timestamp(at),
        received_at: now,
        expires_at: None,
        run: i64::from(number) % RUNS + 1,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn building_from_changes_is_building_from_everybody(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        let all: HashSet<i64> = world.segments.iter().copied().collect();
        world.update(&all, false, None, false);
        for built in world.update(&all, true, None, true) {
            prop_assert_eq!(built.mode, Mode::Full);
            prop_assert!(
                built.added + built.removed == 0,
                "{}: {} missing, {} too many",
                built.segment.filter, built.added, built.removed
            );
        }
        // With nothing changed nobody is looked at, but by those who ask for sends.
        for built in world.update(&all, false, None, false) {
            prop_assert_eq!(built.added + built.removed, 0);
        }
    }

    #[test]
    fn probing_one_by_one_is_sweeping(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        let (store, now) = (&world.store, world.now);
        let everybody: crate::segment::Bits = (1..=store.last_contact().unwrap()).collect();
        for text in SEGMENTS {
            let names: Vec<String> = (0..SEGMENTS.len()).map(|n| format!("s{n}")).collect();
            let expression = store.read_filter(text, &names).unwrap();
            let compiled = store.compile_filter(&expression, &Policy::default(), now).unwrap();
            let swept = store.evaluate_all(&[&compiled]).unwrap().0.remove(0);
            let probed = store.evaluate_some(&[&compiled], &everybody).unwrap().remove(0);
            let mut listed = crate::segment::Bits::default();
            store
                .for_each_meeting(&compiled, |contact| {
                    listed.insert(contact.id);
                    Ok::<_, StoreError>(())
                })
                .unwrap();
            let ids = |bits: &crate::segment::Bits| bits.iter().collect::<Vec<_>>();
            prop_assert_eq!(ids(&swept), ids(&probed), "{}", text);
            prop_assert_eq!(ids(&swept), ids(&listed), "{}", text);
        }
    }
}
