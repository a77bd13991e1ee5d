//! A database as months of mailings leave it.

use std::path::Path;

use bouncekit_core::{
    address::AddressKey,
    classify::{Permanence, Reason},
    event::{EventKey, EventKind},
    store::{DoNotContact, EventRow, NewContact, NewSend, OpenOptions, Store},
    suppression::{Grounds, PastEvent, Policy, entries},
    time::{DAY, Timestamp},
    verp::SendHash,
};

use crate::{
    random::Random,
    segments::{self, now},
};

/// Names of what commands are asked about.
pub(crate) struct Sample {
    pub(crate) address: String,
    pub(crate) run: i64,
    pub(crate) segment: String,
}

impl Random {
    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

const CITIES: &[&str] = &[
    "Graz",
    "Wien",
    "Linz",
    "Salzburg",
    "Innsbruck",
    "Villach",
    "Wels",
    "Steyr",
    "Leoben",
    "Krems",
];

/// Reason, permanence, what is said, rule.
const BOUNCES: &[(Reason, Permanence, &str, &str)] = &[
    (
        Reason::MailboxFull,
        Permanence::Soft,
        "452 4.2.2 The mailbox of <@> is over quota, please try again later",
        "status-x.2.2",
    ),
    (
        Reason::MailboxFull,
        Permanence::Soft,
        "552 5.2.2 <@>: mailbox full, session 1794972405.B2",
        "phrase-mailbox-full",
    ),
    (
        Reason::UserUnknown,
        Permanence::Hard,
        "550 5.1.1 <@>: Recipient address rejected: User unknown in virtual mailbox table",
        "status-5.1.1",
    ),
    (
        Reason::UserUnknown,
        Permanence::Hard,
        "550 No such user @ here",
        "phrase-no-such-user",
    ),
    (
        Reason::Blocked,
        Permanence::Soft,
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using a list",
        "phrase-blocked-using",
    ),
    (
        Reason::Blocked,
        Permanence::Soft,
        "421 4.7.0 Try again later, closing connection for @",
        "status-4.7.0",
    ),
    (
        Reason::OnHold,
        Permanence::Soft,
        "450 The flux of @ is not what it was",
        "",
    ),
];

const RUNS: u64 = 400;

/// Contacts written at once.
const CHUNK: u64 = 100_000;

/// Half of the contacts are with twenty large providers, the others spread over many domains.
fn address(number: u64) -> String {
    // Not in the order of ids.
    let local = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    if number.is_multiple_of(2) {
        format!("{local:x}@big{}.example", number / 2 % 20)
    } else {
        format!("{local:x}@d{}.example", number / 2 % 20_000)
    }
}

fn hash(number: u64, mailing: u64) -> SendHash {
    let text = format!(
        "{:014x}{mailing:08}",
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 8
    );
    SendHash::parse(&text).unwrap()
}

fn open(path: &Path) -> Store {
    let options = OpenOptions {
        cache: 2048,
        ..OpenOptions::default()
    };
    Store::open(path, options).unwrap()
}

pub(crate) fn sample(path: &Path, contacts: u64) -> Sample {
    let address = (0..contacts)
        .map(address)
        .find(|address| {
            let key = AddressKey::parse(address).unwrap();
            !open(path).do_not_contact_of(&key).unwrap().is_empty()
        })
        .unwrap();
    let events = open(path)
        .events_of(&AddressKey::parse(&address).unwrap())
        .unwrap();
    Sample {
        address,
        run: events[0].run,
        segment: "Contactable".into(),
    }
}

pub(crate) fn generate(path: &Path, contacts: u64) {
    let mut store = open(path);
    for _ in 0..RUNS {
        let run = store.begin_run("webhook:replay", "host", 1, now()).unwrap();
        let accounting = r#"{"fetched":7500,"acted":1500,"recorded":6000,"duplicate":0}"#;
        store.finish_run(run, accounting, now()).unwrap();
    }
    let mut random = Random(42);
    let numbers: Vec<u64> = (0..contacts).collect();
    for chunk in numbers.chunks(usize::try_from(CHUNK).unwrap()) {
        let people: Vec<NewContact> = chunk.iter().map(|n| person(*n, &mut random)).collect();
        let (mut sends, mut events, mut listed) = (Vec::new(), Vec::new(), Vec::new());
        for number in chunk {
            let key = AddressKey::parse(&address(*number)).unwrap();
            for mailing in 0..2 {
                sends.push(send(*number, mailing, &key, &mut random));
            }
            let (first, second) = (sends.len() - 2, sends.len() - 1);
            let theirs: Vec<EventRow> = (0..3)
                .map(|index| {
                    let of = random.one_of(&[Some(first), Some(second), Some(second), None]);
                    let send = of.map(|index| &sends[index]);
                    event(*number, index, &key, send, &mut random)
                })
                .collect();
            listed.extend(suppressions(&key, &theirs));
            events.extend(theirs);
        }
        let batch = store.begin().unwrap();
        batch.import_contacts(&people, now()).unwrap();
        batch.import_sends(&sends).unwrap();
        batch.insert_events(&events).unwrap();
        batch.write_entries(&listed).unwrap();
        batch.commit().unwrap();
    }
    for (name, filter) in [
        ("Bounced", "bounced"),
        ("Contactable", "contactable"),
        ("Graz", "contact.city = 'graz'"),
        ("Soft", "soft_bounces within 30d >= 2"),
    ] {
        let filter = store.read_filter(filter, &[]).unwrap().to_string();
        segments::create(&mut store, name, filter);
    }
    let segments = store.segments().unwrap();
    let choice = bouncekit_core::segment::Choice {
        segments: &segments.iter().map(|segment| segment.id).collect(),
        full: false,
        batch: 100_000,
        most: None,
        dry_run: false,
        now: now(),
        policy: &Policy::default(),
    };
    bouncekit_core::segment::update(&mut store, &choice, &|| std::time::Duration::ZERO).unwrap();
    store.optimise().unwrap();
}

fn person(number: u64, random: &mut Random) -> NewContact {
    NewContact {
        external_id: Some(number.to_string()),
        address: address(number),
        key: AddressKey::parse(&address(number)).unwrap(),
        attributes: format!(
            r#"{{"city":"{}","firstname":"Name{number}","points":{}}}"#,
            random.one_of(CITIES),
            random.below(100)
        ),
    }
}

fn send(number: u64, mailing: u64, key: &AddressKey, random: &mut Random) -> NewSend {
    // Forty mailings, two days apart.
    let campaign = random.below(20) * 2 + mailing;
    NewSend {
        hash: hash(number, mailing),
        email_id: campaign.to_string(),
        external_id: Some(number.to_string()),
        address: key.as_str().to_owned(),
        key: key.clone(),
        message_id: None,
        sent_at: Timestamp(now().0 - (campaign.cast_signed() * 2 + 1) * DAY),
    }
}

fn event(
    number: u64,
    index: u64,
    key: &AddressKey,
    send: Option<&NewSend>,
    random: &mut Random,
) -> EventRow {
    let kind = match random.below(100) {
        0..=49 => EventKind::Bounce,
        50 => EventKind::Complaint,
        51..=52 => EventKind::Unsubscribe,
        53..=54 => EventKind::Reply,
        55..=64 => EventKind::AutoReply,
        65..=65 => EventKind::Unrecognised,
        _ => EventKind::Delivered,
    };
    let (reason, permanence, said, rule) = random.one_of(BOUNCES);
    let is_bounce = kind == EventKind::Bounce;
    let rule = match kind {
        EventKind::Bounce if random.below(20) > 0 => rule,
        _ => "",
    };
    // What no rule decided is rare.
    let (reason, permanence, said) = if reason == Reason::OnHold && random.below(10) > 0 {
        let (reason, permanence, said, _) = BOUNCES[2];
        (reason, permanence, said)
    } else {
        (reason, permanence, said)
    };
    let ago = random.below(80 * 86_400).cast_signed() * 1000;
    let occurred_at = send.map_or(now().0 - ago, |send| {
        (send.sent_at.0 + random.below(2 * 86_400).cast_signed() * 1000).min(now().0 - 1000)
    });
    let said = said.replace('@', key.as_str());
    EventRow {
        key: EventKey::of(&[&number.to_be_bytes(), &index.to_be_bytes()]),
        source: random.one_of(&["bounces", "sendgrid", "mailjet"]).into(),
        kind,
        reason: is_bounce.then_some(reason),
        permanence: is_bounce.then_some(permanence),
        rule: (!rule.is_empty()).then(|| rule.to_owned()),
        address: (kind != EventKind::Unrecognised).then(|| key.clone()),
        reported: None,
        send_hash: send.map(|send| send.hash.as_str().to_owned()),
        status: is_bounce.then(|| said[4..9].to_owned()),
        reply_code: is_bounce.then_some(550),
        receiving_host: format!("mx{}.example", random.below(50)),
        diagnostic: if is_bounce {
            said
        } else if kind == EventKind::Unrecognised {
            format!("Your order {number} has arrived")
        } else {
            String::new()
        },
        raw_type: "dsn".into(),
        note: String::new(),
        content: None,
        occurred_at: Timestamp(occurred_at),
        received_at: Timestamp(occurred_at + 1000),
        expires_at: None,
        run: random.below(RUNS).cast_signed() + 1,
    }
}

/// What the policy makes of the events of an address.
fn suppressions(key: &AddressKey, events: &[EventRow]) -> Vec<DoNotContact> {
    let past: Vec<PastEvent> = events
        .iter()
        .filter(|event| event.address.is_some())
        .map(|row| PastEvent {
            key: row.key,
            source: row.source.clone(),
            send: row.send_hash.as_ref().map(|hash| hash.as_bytes().to_vec()),
            kind: row.kind,
            reason: row.reason,
            permanence: row.permanence,
            grounds: Grounds::from_name(&row.raw_type),
            receiving_host: row.receiving_host.clone(),
            campaign: String::new(),
            note: String::new(),
            occurred_at: row.occurred_at,
            received_at: row.received_at,
            expires_at: None,
            run: row.run,
        })
        .collect();
    entries(&Policy::default().causes(key.domain(), &past))
        .into_iter()
        .map(|entry| DoNotContact {
            address: key.clone(),
            entry,
        })
        .collect()
}
