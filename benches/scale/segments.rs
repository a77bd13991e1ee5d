//! `segments:update` beside bare SQL in the sqlite3 shell, on copies of one generated database: the
//! first build of five segments, one without changes, one after 1 % of the contacts changed, and all
//! built anew.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use bouncekit_core::{
    address::AddressKey,
    classify::{Permanence, Reason},
    event::{EventKey, EventKind},
    store::{DoNotContact, EventRow, NewContact, OpenOptions, Segment, Store},
    suppression::{Entry, Grounds},
    time::{DAY, Timestamp},
};

use crate::{
    Bench, NOW,
    measure::{Cost, measured},
    population::CITIES,
    random::Random,
    table,
};

/// Segment, our filter, the same in plain SQL.
const SEGMENTS: &[[&str; 3]] = &[
    [
        "Bounced",
        "bounced",
        "EXISTS (SELECT 1 FROM do_not_contact d WHERE d.address_key = c.address_key AND d.channel = 'email'
                 AND d.reason = 'bounce' AND (d.expires_at IS NULL OR d.expires_at > :now))",
    ],
    [
        "Contactable",
        "contactable and domain != 'd3.example'",
        "NOT EXISTS (SELECT 1 FROM do_not_contact d WHERE d.address_key = c.address_key AND d.channel = 'email'
                 AND (d.expires_at IS NULL OR d.expires_at > :now)) AND c.domain <> 'd3.example'",
    ],
    [
        "Graz",
        "contact.city = 'graz'",
        "lower(c.attributes ->> 'city') = 'graz'",
    ],
    [
        "Soft",
        "soft_bounces within 30d >= 2",
        "(SELECT count(*) FROM event e WHERE e.address_key = c.address_key AND e.kind = 'bounce'
          AND e.permanence = 'soft' AND e.occurred_at > :now - 2592000000) >= 2",
    ],
    [
        "Recent",
        "last_bounce > -10d and not complained",
        "(SELECT max(e.occurred_at) FROM event e WHERE e.address_key = c.address_key AND e.kind = 'bounce')
          > :now - 864000000
         AND NOT EXISTS (SELECT 1 FROM do_not_contact d WHERE d.address_key = c.address_key AND d.channel = 'email'
                 AND d.reason = 'complaint' AND (d.expires_at IS NULL OR d.expires_at > :now))",
    ],
];

pub(crate) fn run(bench: &Bench, contacts: u64) {
    let generated = bench.folder.join(format!("segments-{contacts}.db"));
    if !generated.exists() {
        let new = bench.folder.join("new.db");
        generate(&new, contacts);
        fs::rename(new, &generated).unwrap();
    }
    let folder = tempfile::tempdir_in(&bench.folder).unwrap();
    let (ours, theirs) = (
        folder.path().join("ours.db"),
        folder.path().join("shell.db"),
    );
    fs::copy(&generated, &ours).unwrap();
    fs::copy(&generated, &theirs).unwrap();
    fs::write(
        folder.path().join("bouncekit.toml"),
        "store.path = 'ours.db'\n",
    )
    .unwrap();
    for step in ["first build", "unchanged", "1 % changed", "full rebuild"] {
        if step == "1 % changed" {
            for database in [&ours, &theirs] {
                change(database, contacts);
            }
        }
        let mut update = Command::new(env!("CARGO_BIN_EXE_bouncekit"));
        update
            .current_dir(folder.path())
            .env("BOUNCEKIT_NOW", NOW)
            .arg("segments:update");
        if step == "full rebuild" {
            update.arg("--full");
        }
        let us = measure(&mut update, "");
        let mut shell = Command::new("sqlite3");
        shell.arg(&theirs);
        let bare = measure(&mut shell, &script(step == "first build"));
        table::line(
            &format!("segments:update {step}: SQL"),
            contacts,
            &bare,
            &us,
        );
        assert_eq!(
            members(&ours),
            members(&theirs),
            "{step}: the members differ"
        );
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::parse_iso(NOW).unwrap()
}

fn address(number: u64) -> String {
    // Not in the order of ids.
    format!(
        "{:x}@d{}.example",
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20,
        number % 50
    )
}

fn open(path: &Path) -> Store {
    let options = OpenOptions {
        cache: 256,
        ..OpenOptions::default()
    };
    Store::open(path, options).unwrap()
}

fn generate(path: &Path, contacts: u64) {
    let mut random = Random(42);
    let mut store = open(path);
    let numbers: Vec<u64> = (0..contacts).collect();
    for chunk in numbers.chunks(50_000) {
        let new: Vec<NewContact> = chunk
            .iter()
            .map(|number| NewContact {
                external_id: Some(number.to_string()),
                address: address(*number),
                key: AddressKey::parse(&address(*number)).unwrap(),
                attributes: format!(
                    r#"{{"city":"{}","firstname":"Name{number}","points":{}}}"#,
                    CITIES[usize::try_from(random.below(12)).unwrap()],
                    random.below(100)
                ),
            })
            .collect();
        let batch = store.begin().unwrap();
        batch.import_contacts(&new, now()).unwrap();
        batch.commit().unwrap();
    }
    for chunk in numbers.chunks(50_000) {
        let batch = store.begin().unwrap();
        let mut events = Vec::new();
        let mut listed = Vec::new();
        for number in chunk {
            match random.below(10) {
                0 => listed.push(suppression(*number, Grounds::Bounce)),
                1 if number % 10 == 0 => listed.push(suppression(*number, Grounds::Complaint)),
                _ => {}
            }
            for _ in 0..random.below(4) {
                let ago = random.below(60 * 86_400).cast_signed() * 1000;
                events.push(event(*number, ago, random.below(u64::MAX)));
            }
        }
        batch.insert_events(&events).unwrap();
        batch.write_entries(&listed).unwrap();
        batch.commit().unwrap();
    }
    for [name, filter, _] in SEGMENTS {
        let filter = if name == &"Graz" {
            (*filter).to_owned()
        } else {
            store.read_filter(filter, &[]).unwrap().to_string()
        };
        create(&mut store, name, filter);
    }
}

pub(crate) fn create(store: &mut Store, name: &str, filter: String) {
    let batch = store.begin().unwrap();
    let segment = Segment {
        filter,
        ..Segment::new(name, now())
    };
    batch.create_segment(&segment).unwrap();
    batch.commit().unwrap();
}

fn suppression(number: u64, grounds: Grounds) -> DoNotContact {
    DoNotContact {
        address: AddressKey::parse(&address(number)).unwrap(),
        entry: Entry {
            grounds,
            detail: None,
            since: now(),
            comment: String::new(),
            event: None,
            run: 1,
            expires_at: None,
        },
    }
}

fn event(number: u64, ago: i64, salt: u64) -> EventRow {
    let soft = !salt.is_multiple_of(3);
    EventRow {
        key: EventKey::of(&[&number.to_be_bytes(), &salt.to_be_bytes()]),
        source: "mail".into(),
        kind: EventKind::Bounce,
        reason: Some(if soft {
            Reason::MailboxFull
        } else {
            Reason::UserUnknown
        }),
        permanence: Some(if soft {
            Permanence::Soft
        } else {
            Permanence::Hard
        }),
        rule: Some("status-4.2.2".into()),
        address: Some(AddressKey::parse(&address(number)).unwrap()),
        reported: None,
        send_hash: None,
        status: Some("4.2.2".into()),
        reply_code: Some(452),
        receiving_host: "mx.example".into(),
        diagnostic: "452 4.2.2 The recipient's mailbox is over quota, please try again later"
            .into(),
        raw_type: "dsn".into(),
        note: String::new(),
        content: None,
        occurred_at: Timestamp(now().0 - ago),
        received_at: now(),
        expires_at: None,
        run: 1,
    }
}

/// Changes one contact of a hundred: an attribute, an event, a do-not-contact row, in turn.
fn change(path: &Path, contacts: u64) {
    let mut store = open(path);
    let batch = store.begin().unwrap();
    let (mut people, mut events, mut listed) = (Vec::new(), Vec::new(), Vec::new());
    for number in (0..contacts).step_by(100) {
        match number / 100 % 3 {
            0 => people.push(NewContact {
                external_id: Some(number.to_string()),
                address: address(number),
                key: AddressKey::parse(&address(number)).unwrap(),
                attributes: r#"{"city":"Graz"}"#.into(),
            }),
            1 => events.push(event(number, DAY, u64::MAX)),
            _ => listed.push(suppression(number, Grounds::Bounce)),
        }
    }
    batch.import_contacts(&people, now()).unwrap();
    batch.insert_events(&events).unwrap();
    batch.write_entries(&listed).unwrap();
    batch.commit().unwrap();
}

/// What the shell is told: for each segment those who are missing, then those who are too many.
fn script(first: bool) -> String {
    let mut script = format!(
        "PRAGMA cache_size = -16384;\n.parameter set :now {}\nBEGIN IMMEDIATE;\n",
        now().0
    );
    for (id, [_, _, filter]) in (1..).zip(SEGMENTS) {
        script += &format!(
            "INSERT INTO segment_member (segment, contact, origin, since)
             SELECT {id}, c.id, 'filter', :now FROM contact c WHERE {filter} AND NOT EXISTS
                 (SELECT 1 FROM segment_member m WHERE m.segment = {id} AND m.contact = c.id);\n"
        );
        if !first {
            script += &format!(
                "DELETE FROM segment_member WHERE segment = {id} AND origin = 'filter' AND NOT EXISTS
                     (SELECT 1 FROM contact c WHERE c.id = segment_member.contact AND {filter});\n"
            );
        }
    }
    script + "COMMIT;\n"
}

fn members(path: &Path) -> Vec<(i64, u64)> {
    let mut counts: Vec<_> = open(path).member_counts().unwrap().into_iter().collect();
    counts.sort_unstable();
    counts
}

/// Runs a command to its end.
fn measure(command: &mut Command, input: &str) -> Cost {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::null());
    let (cost, ended) = measured(piped, input);
    assert!(
        ended.status.success(),
        "{command:?} after {:.1} s",
        cost.wall
    );
    cost
}
