//! `email:fetch` killed, or started twice at once: nothing is lost, nothing counts twice.

use std::{
    process::Child,
    sync::mpsc,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use crate::{
    email_fetch::{fetching_env, outcome},
    support::{
        TestEnv,
        dovecot::{Dovecot, dovecot},
        finish,
        mails::{sample, sample_names},
        proxy::{Passage, Proxy},
    },
};

fn config(dovecot: &Dovecot, port: u16, after: &str) -> String {
    let connection = dovecot.connection("plain");
    let connection = connection.replace(&dovecot.port.to_string(), &port.to_string());
    format!("{connection}[[mailbox]]\nname = \"m\"\n{after}\n[limits]\nbatch_messages = 7\n")
}

fn put_samples(dovecot: &Dovecot) -> usize {
    let names = sample_names();
    for (number, name) in names.iter().enumerate() {
        dovecot.put("INBOX", &format!("{number:02}"), sample(name, number));
    }
    names.len()
}

/// A proxy that swallows every command holding `word`, and tells of the first.
fn swallowing(dovecot: &Dovecot, word: &'static str) -> (Proxy, mpsc::Receiver<()>) {
    let (told, telling) = mpsc::channel();
    let proxy = Proxy::watching(dovecot.port, move |command| {
        if command.contains(word) {
            // The test may have ended.
            let _ = told.send(());
            Passage::Swallow
        } else {
            Passage::Forward
        }
    });
    (proxy, telling)
}

fn start(env: &TestEnv) -> Child {
    env.command(["email:fetch"]).spawn().unwrap()
}

fn wait_for(telling: &mpsc::Receiver<()>) {
    telling.recv_timeout(Duration::from_secs(60)).unwrap();
}

/// Rows but for leases: the killed run's is taken over by the next one, and given back.
fn undisturbed(dovecot: &Dovecot) -> Vec<String> {
    let env = fetching_env(&config(dovecot, dovecot.port, ""));
    env.run(["email:fetch"]).done();
    dovecot.client_marks_all_unread("INBOX");
    outcome(&env)
}

#[test]
fn killed_between_commit_and_flag_it_ends_the_same() {
    for (after, word) in [("", "UID STORE"), ("after = \"move:Done\"", "UID MOVE")] {
        let Some(dovecot) = dovecot() else { return };
        let count = put_samples(&dovecot);
        let expected = undisturbed(&dovecot);
        let (proxy, telling) = swallowing(&dovecot, word);
        let env = fetching_env(&config(&dovecot, proxy.port, after));
        let mut child = start(&env);
        wait_for(&telling);
        child.kill().unwrap();
        child.wait().unwrap();
        // Committed, and nothing was put away.
        assert!(
            outcome(&env)
                .iter()
                .any(|row| row.starts_with("mailbox_cursor"))
        );
        assert_eq!(dovecot.flags("INBOX").len(), count);

        env.write("bouncekit.toml", config(&dovecot, dovecot.port, after));
        let rest = env.run(["email:fetch", "--format", "json"]).json()["total"].clone();
        assert_eq!(
            rest["duplicate"], 0,
            "what was committed is not even read again: {rest}"
        );
        assert!(rest["fetched"].as_u64() < Some(count as u64), "{rest}");
        assert_eq!(outcome(&env), expected);
        if after.is_empty() {
            assert_eq!(dovecot.seen("INBOX"), count);
        } else {
            assert_eq!(
                (dovecot.flags("INBOX").len(), dovecot.seen("Done")),
                (0, count)
            );
        }
    }
}

#[test]
fn killed_while_mails_arrive_it_ends_the_same() {
    let Some(dovecot) = dovecot() else { return };
    let count = put_samples(&dovecot);
    let expected = undisturbed(&dovecot);
    let (proxy, telling) = swallowing(&dovecot, "BODY.PEEK");
    let env = fetching_env(&config(&dovecot, proxy.port, ""));
    let mut child = start(&env);
    wait_for(&telling);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(dovecot.seen("INBOX"), 0);
    env.write("bouncekit.toml", config(&dovecot, dovecot.port, ""));
    env.run(["email:fetch"]).done();
    assert_eq!((outcome(&env), dovecot.seen("INBOX")), (expected, count));
}

#[test]
fn a_second_fetch_at_once_steps_back_and_names_the_first() {
    let Some(dovecot) = dovecot() else { return };
    let count = put_samples(&dovecot);
    dovecot.put("Other", "1", sample("postfix", 50));
    let (proxy, telling) = swallowing(&dovecot, "UID STORE");
    let env = fetching_env(&config(&dovecot, proxy.port, ""));
    let mut first = start(&env);
    wait_for(&telling);

    let other = "[[mailbox]]\nname = \"other\"\nfolder = \"Other\"\n";
    env.write("bouncekit.toml", config(&dovecot, dovecot.port, "") + other);
    let (out, err) = env.run(["email:fetch"]).exit(4);
    assert!(
        err.contains(&format!("process {} on ", first.id())),
        "{err}"
    );
    assert!(
        err.contains("mailbox `m` is being fetched") && err.contains("hint: "),
        "{err}"
    );
    // Other mailboxes are not held up.
    assert_eq!(out, "other/Other: 1 fetched = 1 acted (1 hard bounce)\n");
    // Looking on is allowed.
    assert!(
        env.run(["email:fetch", "--mailbox", "m", "--dry-run"])
            .done()
            .contains("m/INBOX (dry run): ")
    );

    first.kill().unwrap();
    first.wait().unwrap();
    // Its lease dies with it.
    env.run(["email:fetch"]).done();
    assert_eq!(dovecot.seen("INBOX"), count);
}

#[test]
fn two_fetches_started_together_count_nothing_twice() {
    let Some(dovecot) = dovecot() else { return };
    put_samples(&dovecot);
    let expected = undisturbed(&dovecot);
    let env = fetching_env(&config(&dovecot, dovecot.port, ""));
    let both = [start(&env), start(&env)].map(finish);
    let mut codes = both.map(|output| output.status.code().unwrap());
    codes.sort_unstable();
    // The second one came too late to meet the first, or stepped back.
    assert!(codes == [0, 4] || codes == [0, 0], "{codes:?}");
    assert_eq!(outcome(&env), expected);
    let database = Connection::open(env.database()).unwrap();
    let acted: u64 = database
        .query_row(
            "SELECT sum(accounting ->> 'acted') FROM run WHERE command = 'email:fetch'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let events = expected
        .iter()
        .filter(|row| row.starts_with("do_not_contact"))
        .count();
    assert_eq!(acted, events as u64);
}

#[test]
fn ended_by_ctrl_c_or_systemd_it_is_as_if_killed() {
    let Some(dovecot) = dovecot() else { return };
    let count = put_samples(&dovecot);
    let (proxy, telling) = swallowing(&dovecot, "UID STORE");
    let env = fetching_env(&config(&dovecot, proxy.port, ""));
    let mut child = start(&env);
    wait_for(&telling);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let patience = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < patience, "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
    env.write("bouncekit.toml", config(&dovecot, dovecot.port, ""));
    env.run(["email:fetch"]).done();
    assert_eq!(dovecot.seen("INBOX"), count);
}
