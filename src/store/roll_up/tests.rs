//! Whatever happened in whatever order: the counts are those of all events, counted one by one.

use super::super::engine::{Connection, params};
use proptest::prelude::*;

use super::*;
use crate::{
    classify::{Permanence, Reason},
    event::{EventKey, EventKind},
    store::{EventRow, Retention, Scope},
    verp::SendHash,
};

const START: i64 = 20_000 * DAY;

#[derive(Clone, Debug)]
enum Step {
    Events {
        of: Vec<Of>,
        run: usize,
    },
    Sends {
        numbers: Vec<u8>,
    },
    Undo {
        run: usize,
    },
    Forget {
        address: u8,
    },
    Reclassify {
        number: u8,
    },
    Delete {
        number: u8,
    },
    Retain {
        days: i64,
        sends: bool,
    },
    Ask,
    /// A step of counting, of which little is held in memory.
    CountSome {
        sends: usize,
        groups: usize,
    },
    /// The two halves of such a step, with others' work between them.
    Read {
        sends: usize,
        groups: usize,
    },
    Write,
}

/// An event: which, what, when and of which send.
#[derive(Clone, Debug)]
struct Of {
    number: u8,
    kind: usize,
    day: i64,
    send: Option<u8>,
    address: u8,
}

const KINDS: &[(EventKind, Option<Permanence>)] = &[
    (EventKind::Bounce, Some(Permanence::Hard)),
    (EventKind::Bounce, Some(Permanence::Soft)),
    (EventKind::Complaint, None),
    (EventKind::Unsubscribe, None),
    (EventKind::Delivered, None),
    (EventKind::Unrecognised, None),
    (EventKind::Release, None),
];

fn step() -> impl Strategy<Value = Step> {
    let of = (
        0_u8..40,
        0..KINDS.len(),
        0_i64..12,
        prop::option::of(0_u8..12),
        0_u8..6,
    )
        .prop_map(|(number, kind, day, send, address)| Of {
            number,
            kind,
            day,
            send,
            address,
        });
    prop_oneof![
        6 => (prop::collection::vec(of, 1..8), 0_usize..3).prop_map(|(of, run)| Step::Events { of, run }),
        3 => prop::collection::vec(0_u8..12, 1..6).prop_map(|numbers| Step::Sends { numbers }),
        1 => (0_usize..3).prop_map(|run| Step::Undo { run }),
        1 => (0_u8..6).prop_map(|address| Step::Forget { address }),
        1 => (0_u8..40).prop_map(|number| Step::Reclassify { number }),
        1 => (0_u8..40).prop_map(|number| Step::Delete { number }),
        1 => (0_i64..12, any::<bool>()).prop_map(|(days, sends)| Step::Retain { days, sends }),
        3 => Just(Step::Ask),
        2 => (1_usize..8, 1_usize..16).prop_map(|(sends, groups)| Step::CountSome { sends, groups }),
        2 => (1_usize..8, 1_usize..16).prop_map(|(sends, groups)| Step::Read { sends, groups }),
        3 => Just(Step::Write),
    ]
}

fn address(number: u8) -> AddressKey {
    AddressKey::parse(&format!("a{number}@d{}.example", number % 3)).unwrap()
}

fn hash(number: u8) -> SendHash {
    SendHash::parse(&format!("send{number}")).unwrap()
}

fn row(of: &Of, run: i64) -> EventRow {
    let (kind, permanence) = KINDS[of.kind];
    let reason = permanence.map(|permanence| match permanence {
        Permanence::Hard => Reason::UserUnknown,
        Permanence::Soft => Reason::MailboxFull,
    });
    // The same event always happened at the same time, whatever brings it.
    let occurred_at = START + i64::from(of.number % 12) * DAY + i64::from(of.number);
    EventRow {
        key: EventKey::of(&[&[of.number]]),
        source: format!("source{}", of.number % 2),
        kind,
        reason,
        permanence,
        rule: permanence.map(|permanence| permanence.name().to_owned()),
        address: (kind != EventKind::Unrecognised).then(|| address(of.address)),
        reported: None,
        send_hash: of.send.map(|send| hash(send).as_str().to_owned()),
        status: None,
        reply_code: None,
        receiving_host: String::new(),
        diagnostic: format!("550 {} unknown", address(of.number % 4)),
        raw_type: String::new(),
        note: String::new(),
        content: None,
        occurred_at: Timestamp(occurred_at),
        received_at: Timestamp(occurred_at + of.day * DAY / 2),
        expires_at: None,
        run,
    }
}

fn take(store: &mut Store, runs: &mut [i64], step: &Step) {
    let batch = match step {
        Step::Ask => {
            store.statistics().unwrap();
            return;
        }
        Step::Undo { run } => {
            let batch = store.begin().unwrap();
            batch.mark_undone(runs[*run], Timestamp(START)).unwrap();
            batch.commit().unwrap();
            runs[*run] = store
                .begin_run("test", "host", 1, Timestamp(START))
                .unwrap();
            return;
        }
        _ => store.begin().unwrap(),
    };
    match step {
        Step::Events { of, run } => {
            let rows: Vec<EventRow> = of.iter().map(|of| row(of, runs[*run])).collect();
            batch.insert_events(&rows).unwrap();
        }
        Step::Sends { numbers } => {
            let send = |number: &u8| NewSend {
                hash: hash(*number),
                email_id: (number % 3).to_string(),
                external_id: None,
                address: address(number % 6).to_string(),
                key: address(number % 6),
                message_id: None,
                sent_at: Timestamp(START + i64::from(*number) * DAY),
            };
            let sends: Vec<NewSend> = numbers.iter().map(send).collect();
            batch.import_sends(&sends).unwrap();
        }
        Step::Forget { address: number } => {
            batch.forget(&address(*number), runs[0]).unwrap();
        }
        Step::Reclassify { number } => {
            let of = Of {
                number: *number,
                kind: 1,
                day: 0,
                send: None,
                address: 0,
            };
            batch.rewrite_events(&[row(&of, runs[0])]).unwrap();
        }
        Step::Delete { number } => {
            batch.delete_events(&[EventKey::of(&[&[*number]])]).unwrap();
        }
        Step::Retain { days, sends } => {
            let before = Timestamp(START + days * DAY + DAY / 2);
            let retention = Retention {
                events: Some(before).filter(|_| !sends),
                sends: Some(before).filter(|_| *sends),
                ..Retention::default()
            };
            batch.retain(&retention, Timestamp(START)).unwrap();
        }
        Step::Ask
        | Step::Undo { .. }
        | Step::CountSome { .. }
        | Step::Read { .. }
        | Step::Write => {}
    }
    batch.commit().unwrap();
}

/// The rows of a query as text.
fn rows(connection: &Connection, sql: &str) -> Vec<String> {
    let mut select = connection.prepare(sql).unwrap();
    let columns = select.column_names().unwrap().len();
    let rows = select.query_map(params![], |row| {
        let cells: Vec<String> = (0..columns)
            .map(|index| format!("{:?}", row.cell(index).unwrap()))
            .collect();
        Ok(cells.join(" "))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Each roll-up beside the query over all events that it stands for.
const PAIRS: &[[&str; 2]] = &[
    [
        "SELECT day, campaign, kind, reason, permanence, count FROM day_kind",
        "SELECT day, campaign, kind, reason, permanence, count(*) FROM counted GROUP BY 1, 2, 3, 4, 5",
    ],
    [
        "SELECT day, campaign, domain, reason, count FROM day_domain",
        "SELECT day, campaign, domain, reason, count(*) FROM counted
         WHERE kind = 'bounce' AND domain <> '' GROUP BY 1, 2, 3, 4",
    ],
    [
        "SELECT day, received_day, source, count, unrecognised, last FROM day_source",
        "SELECT day, received_at / 86400000, source, count(*), count(*) FILTER (WHERE kind = 'unrecognised'), max(received_at)
         FROM counted WHERE kind <> 'release' GROUP BY 1, 2, 3",
    ],
    [
        "SELECT day, rule, count FROM day_rule",
        "SELECT day, rule, count(*) FROM counted WHERE rule <> '' GROUP BY 1, 2",
    ],
    [
        "SELECT day, campaign, reason, count FROM day_diagnostic",
        "SELECT day, campaign, reason, count(*) FROM counted
         WHERE kind = 'bounce' AND diagnostic <> '' GROUP BY 1, 2, 3",
    ],
    [
        "SELECT day, min(sample) FROM day_diagnostic GROUP BY 1",
        "SELECT day, min(diagnostic) FROM counted WHERE kind = 'bounce' AND diagnostic <> '' GROUP BY 1",
    ],
    [
        "SELECT day, email_id, domain, sends, hard, soft, complaints, unsubscribes FROM send_day",
        "WITH fate AS (
             SELECT send_hash, max(CASE WHEN permanence = 'hard' THEN 1 ELSE 0 END) AS hard,
                    max(CASE WHEN permanence = 'soft' THEN 1 ELSE 0 END) AS soft,
                    max(CASE WHEN kind = 'complaint' THEN 1 ELSE 0 END) AS complaint,
                    max(CASE WHEN kind = 'unsubscribe' THEN 1 ELSE 0 END) AS unsubscribe
             FROM counted WHERE send_hash IS NOT NULL GROUP BY 1)
         SELECT sent_at / 86400000, email_id, substr(address_key, instr(address_key, '@') + 1), count(*),
                coalesce(sum(hard), 0), count(*) FILTER (WHERE soft > hard), coalesce(sum(complaint), 0),
                coalesce(sum(unsubscribe), 0)
         FROM send LEFT JOIN fate ON send_hash = hash GROUP BY 1, 2, 3",
    ],
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn counts_are_those_of_all_events(steps in prop::collection::vec(step(), 1..40), finely: bool) {
        let mut store = Store::open_in_memory().unwrap();
        let mut runs: Vec<i64> = (0..3)
            .map(|_| store.begin_run("test", "host", 1, Timestamp(START)).unwrap())
            .collect();
        let bounds = |sends: &usize, groups: &usize| Bounds {
            few: 3,
            noted: 4,
            bulk: 6,
            sends: *sends,
            groups: *groups,
        };
        let mut read = None;
        for step in &steps {
            match step {
                Step::CountSome { sends, groups } => store.count_some(bounds(sends, groups)).unwrap(),
                Step::Read { sends, groups } => {
                    let batch = store.begin().unwrap();
                    let place = batch.count_few(bounds(sends, groups)).unwrap();
                    batch.commit().unwrap();
                    read = place.map(|place| Pass::read(&store, place, bounds(sends, groups)).unwrap());
                }
                Step::Write => {
                    if let Some(pass) = read.take() {
                        let batch = store.begin().unwrap();
                        if batch.write_pass(pass).unwrap() {
                            batch.commit().unwrap();
                        }
                    }
                }
                step => take(&mut store, &mut runs, step),
            }
        }
        if finely {
            while store.has_uncounted().unwrap() {
                store.count_some(bounds(&2, &5)).unwrap();
            }
        }
        store.statistics().unwrap();
        // Last: a transaction drops what is temporary.
        store
            .connection
            .execute_batch(
                "CREATE TEMP VIEW counted AS
                 SELECT occurred_at / 86400000 AS day, coalesce(send.email_id, '') AS campaign, kind,
                        coalesce(reason, '') AS reason, coalesce(permanence, '') AS permanence,
                        coalesce(rule, '') AS rule, source, received_at, diagnostic, send_hash,
                        coalesce(substr(event.address_key, instr(event.address_key, '@') + 1), '') AS domain
                 FROM event LEFT JOIN send ON send.hash = event.send_hash
                 WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.id = event.run AND undone_at IS NOT NULL)",
            )
            .unwrap();
        for [counts, events] in PAIRS {
            let sorted = |sql: &str| {
                let mut rows = rows(&store.connection, sql);
                rows.sort_unstable();
                rows
            };
            prop_assert_eq!(sorted(counts), sorted(events), "{}", counts);
        }
    }
}

#[test]
fn a_campaign_is_counted_by_itself_and_a_period_has_its_ends() {
    let mut store = Store::open_in_memory().unwrap();
    let run = store
        .begin_run("test", "host", 1, Timestamp(START))
        .unwrap();
    take(
        &mut store,
        &mut [run],
        &Step::Sends {
            numbers: vec![0, 1],
        },
    );
    let of = |number, send| Of {
        number,
        kind: 0,
        day: 0,
        send: Some(send),
        address: 0,
    };
    let of = vec![of(0, 0), of(1, 1), of(2, 0), of(3, 0)];
    take(&mut store, &mut [run], &Step::Events { of, run: 0 });
    let statistics = store.statistics().unwrap();
    let first = START / DAY;
    let scope = Scope {
        first,
        last: first + 2,
        campaign: Some("0"),
    };
    let counted: u64 = statistics
        .event_counts(scope)
        .unwrap()
        .iter()
        .map(|count| count.count)
        .sum();
    assert_eq!(counted, 2);
    let returned = statistics.returned_by_campaign(scope).unwrap();
    assert_eq!(
        (returned.len(), returned[0].sends, returned[0].hard),
        (1, 1, 1)
    );
    assert_eq!(statistics.diagnostic_counts(scope, 5).unwrap()[0].count, 2);
}

/// What has no date of its own is dated by its arrival, which is another the second time.
#[test]
fn an_event_taken_over_from_an_undone_run_counts_on_its_day() {
    let mut store = Store::open_in_memory().unwrap();
    let mut runs = [store
        .begin_run("test", "host", 1, Timestamp(START))
        .unwrap()];
    let arrives = |store: &mut Store, run, days| {
        let of = Of {
            number: 0,
            kind: 0,
            day: 0,
            send: None,
            address: 0,
        };
        let event = EventRow {
            occurred_at: Timestamp(START + days * DAY),
            ..row(&of, run)
        };
        let batch = store.begin().unwrap();
        assert_eq!(batch.insert_events(&[event]).unwrap(), [true]);
        batch.commit().unwrap();
    };
    arrives(&mut store, runs[0], 0);
    take(&mut store, &mut runs, &Step::Undo { run: 0 });
    take(&mut store, &mut runs, &Step::Ask);
    arrives(&mut store, runs[0], 3);
    let scope = Scope {
        first: START / DAY,
        last: START / DAY + 9,
        campaign: None,
    };
    let counts = store.statistics().unwrap().event_counts(scope).unwrap();
    assert_eq!(counts.iter().map(|count| count.count).sum::<u64>(), 1);
}
