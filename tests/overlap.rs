//! Many runs at once on one database: nobody is told of a lock, nothing counts twice.

use std::process::Child;

use bouncekit_core::{store::Holder, time::Timestamp, webhook::Provider};
use rusqlite::Connection;

use crate::{
    email_fetch::fetching_env,
    support::{
        TestEnv,
        dovecot::dovecot,
        finish,
        mails::{sample, sample_names},
        proofs::hard_bounce,
        tables,
    },
};

const REPLAY: [&str; 4] = ["webhook:replay", "--verify", "off", "events.json"];

/// Contacts and webhook events of 500 people, and segments of them.
fn prepare(env: &TestEnv) {
    let sendgrid = Provider::named("sendgrid").unwrap();
    let (mut people, mut events) = (String::from("email,age\n"), String::new());
    for id in 0..500 {
        let address = format!("user{id}@example.com");
        people += &format!("{address},{}\n", id % 90);
        events += &hard_bounce(sendgrid, &address, id);
    }
    env.write("events.json", events);
    env.run_with(["contacts:import", "-"], people).done();
    env.run(["segments:create", "young", "--filter", "age < 30"])
        .exit(0);
    env.run(["segments:create", "gone", "--filter", "bounced"])
        .exit(0);
}

fn rows(env: &TestEnv) -> Vec<String> {
    tables::everything(&env.database())
}

#[test]
fn ten_fetches_ten_replays_and_an_update_at_once() {
    let Some(dovecot) = dovecot() else { return };
    let names = sample_names();
    for number in 0..60 {
        let name = &names[number % names.len()];
        dovecot.put("INBOX", &format!("{number:02}"), sample(name, number));
    }
    let config =
        dovecot.connection("plain") + "[[mailbox]]\nname = \"m\"\n[limits]\nbatch_messages = 5\n";
    let calm = fetching_env(&config);
    prepare(&calm);
    calm.run(["email:fetch"]).done();
    calm.run(REPLAY).exit(0);
    calm.run(["segments:update"]).done();
    dovecot.client_marks_all_unread("INBOX");

    let env = fetching_env(&config);
    prepare(&env);
    let mut children: Vec<(&str, Child)> = Vec::new();
    for _ in 0..10 {
        children.push(("fetch", env.command(["email:fetch"]).spawn().unwrap()));
        children.push(("replay", env.command(REPLAY).spawn().unwrap()));
    }
    let update = env.command(["segments:update"]).spawn().unwrap();
    children.push(("update", update));
    let pids: Vec<String> = children
        .iter()
        .map(|(_, child)| format!("process {} on ", child.id()))
        .collect();
    let mut fetched = 0;
    for (name, child) in children {
        let output = finish(child);
        let said = &output.stderr;
        for word in ["locked", "in use", "bug"] {
            assert!(!said.contains(word), "{name}: {said}");
        }
        match (name, output.status.code()) {
            ("fetch", Some(4)) => assert!(
                pids.iter().any(|pid| said.contains(pid)) && said.contains("hint: "),
                "{said}"
            ),
            ("fetch", Some(0)) => fetched += 1,
            (_, code) => assert_eq!(code, Some(0), "{name}: {said}"),
        }
    }
    assert!(fetched > 0);
    // Which of what was there already is up to chance; now it saw everything.
    env.run(["segments:update"]).done();
    assert_eq!(rows(&env), rows(&calm));

    let sum = |env: &TestEnv, command: &str, what: &str| -> i64 {
        Connection::open(env.database())
            .unwrap()
            .query_row(
                "SELECT sum(accounting ->> $1) FROM run WHERE command = $2",
                [what, command],
                |row| row.get(0),
            )
            .unwrap()
    };
    for command in ["email:fetch", "webhook:replay"] {
        for what in ["acted", "recorded", "suppressed"] {
            assert_eq!(
                sum(&env, command, what),
                sum(&calm, command, what),
                "{command}: {what}"
            );
        }
    }
}

/// This machine's name, as runs note it.
fn host(env: &TestEnv) -> String {
    Connection::open(env.database())
        .unwrap()
        .query_row("SELECT host FROM run LIMIT 1", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn a_lease_dies_with_its_process_but_not_when_that_is_elsewhere() {
    let env = TestEnv::with_config(
        "[[mailbox]]\nname = \"m\"\nkind = \"file\"\npath = \"back\"\n[webhook]\nspool = \"spool\"\n",
    );
    prepare(&env);
    env.write("back/1.eml", sample("postfix", 1));
    std::fs::create_dir(env.path("spool")).unwrap();
    // A process that ended; should its number be another's by now, the start time differs.
    let mut child = env.command(["contacts:list"]).spawn().unwrap();
    let gone = child.id();
    child.wait().unwrap();
    // Any run, so that this machine's name is noted.
    env.run_with(
        ["sends:import", "-"],
        "tracking_hash,email_address,email_id\nx1,a@example.com,1\n",
    )
    .exit(0);
    let spool = std::fs::canonicalize(env.path("spool")).unwrap();
    for (name, command) in [
        ("mailbox:m".to_owned(), &["email:fetch"][..]),
        ("segments".to_owned(), &["segments:update"]),
        (
            format!("spool:{}", spool.display()),
            &["webhook:replay", "--spool"],
        ),
    ] {
        let hold = |host: &str, started: u64| {
            let holder = Holder {
                host: host.into(),
                pid: gone,
                started,
            };
            let mut store = env.store();
            let since = Timestamp(1_780_000_000_000);
            store
                .take_lease(&name, &holder, since, |_| true)
                .unwrap()
                .unwrap();
        };
        hold("far.example", 1);
        let (_, err) = env.run(command).exit(4);
        for word in [
            &format!("process {gone} on far.example since 2026-05-28"),
            "hint: ",
        ] {
            assert!(err.contains(word), "{name}: no `{word}` in {err}");
        }
        hold(&host(&env), 1);
        env.run(command).exit(0);
        assert_eq!(env.count("lease"), 0, "{name}");
    }
}
