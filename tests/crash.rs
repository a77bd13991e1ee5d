//! kill -9 at random instants: after a rerun every row is as if nothing had happened.
//!
//! `BOUNCEKIT_KILLS` is the number of kills per command, `BOUNCEKIT_SEED` repeats a run.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command},
    time::{Duration, Instant},
};

use bouncekit_core::webhook::{PROVIDERS, Provider};

use crate::{
    email_fetch::fetching_env,
    support::{
        TestEnv,
        cgi::Callback,
        chance::Chance,
        dovecot::{Dovecot, dovecot},
        engine::Saved,
        mails::{sample, sample_names},
        proofs::{Proofs, hard_bounce},
        tables,
    },
};

/// Kills per command.
fn wanted() -> usize {
    std::env::var("BOUNCEKIT_KILLS").map_or(6, |number| number.parse().unwrap())
}

fn rows(env: &TestEnv) -> Vec<String> {
    tables::everything(&env.database())
}

/// Whether the kill came before the end.
fn killed(mut child: Child) -> bool {
    child.kill().unwrap();
    child.wait().unwrap().signal() == Some(9)
}

/// Kills `command` again and again, each time in a world that `reset` makes new; once in three
/// times its rerun too. The end must be that of an undisturbed run. Answers how many kills left a
/// part of the work done.
fn survive(name: &str, env: &TestEnv, command: &dyn Fn() -> Command, reset: &dyn Fn()) -> usize {
    let finish = || {
        let output = crate::support::finish(command().spawn().unwrap());
        assert_eq!(output.status.code(), Some(0), "{name}: {output:?}");
    };
    let mut chance = Chance::new(name);
    reset();
    let before = rows(env);
    let start = Instant::now();
    finish();
    let span = start.elapsed();
    let expected = rows(env);
    assert_ne!(expected, before, "{name} does nothing");

    let (mut kills, mut halfway, mut rounds) = (0, 0, 0);
    while kills < wanted() {
        rounds += 1;
        assert!(
            rounds < 100 + 20 * wanted(),
            "{name} ends before it is killed"
        );
        reset();
        for _ in 0..=u32::from(rounds % 3 == 0) {
            let child = command().spawn().unwrap();
            std::thread::sleep(chance.within(span));
            kills += usize::from(killed(child));
        }
        let found = rows(env);
        halfway += usize::from(found != before && found != expected);
        finish();
        let found = rows(env);
        if found != expected {
            let missing: Vec<_> = expected.iter().filter(|row| !found.contains(row)).collect();
            let extra: Vec<_> = found.iter().filter(|row| !expected.contains(row)).collect();
            panic!("{name}, round {rounds}: missing {missing:#?}, too many {extra:#?}");
        }
    }
    println!("{name}: {kills} kills survived, {halfway} of them between two commits");
    halfway
}

/// Mails of every sample, and what fetches them in small batches.
fn mailbox(dovecot: &Dovecot, after: &str) -> TestEnv {
    let names = sample_names();
    for number in 0..110 {
        let name = &names[number % names.len()];
        dovecot.put("INBOX", &format!("{number:03}"), sample(name, number));
    }
    dovecot.make_folder("Done");
    let connection = dovecot.connection("plain");
    fetching_env(&format!(
        "{connection}[[mailbox]]\nname = \"m\"\n{after}\n[limits]\nbatch_messages = 7\n"
    ))
}

#[test]
fn email_fetch() {
    let Some(dovecot) = dovecot() else { return };
    let env = mailbox(&dovecot, "");
    let saved = Saved::of(&env);
    survive(
        "email:fetch",
        &env,
        &|| env.command(["email:fetch"]),
        &|| {
            saved.restore(&env);
            dovecot.client_marks_all_unread("INBOX");
        },
    );
    assert_eq!(dovecot.seen("INBOX"), 110);
}

#[test]
fn email_fetch_that_moves() {
    let Some(dovecot) = dovecot() else { return };
    let env = mailbox(&dovecot, "after = \"move:Done\"");
    let saved = Saved::of(&env);
    survive(
        "email:fetch with move",
        &env,
        &|| env.command(["email:fetch"]),
        &|| {
            saved.restore(&env);
            let mut client = dovecot.client();
            if client.select("Done").unwrap().exists > 0 {
                client.mv("1:*", "INBOX").unwrap();
            }
            client.logout().unwrap();
            dovecot.client_marks_all_unread("INBOX");
        },
    );
    assert_eq!(
        (dovecot.flags("INBOX").len(), dovecot.flags("Done").len()),
        (0, 110),
        "no mail is lost or doubled by a kill in the middle of moving"
    );
}

fn person(id: u32) -> String {
    format!("user{id}@example.com")
}

/// Contacts 0 to `count`.
fn import(env: &TestEnv, count: u32) {
    let mut csv = String::from("email,age\n");
    for id in 0..count {
        csv += &format!("{},{}\n", person(id), id % 90);
    }
    env.run_with(["contacts:import", "-"], csv).done();
}

#[test]
fn webhook_replay_of_a_file() {
    let env = TestEnv::new();
    import(&env, 3000);
    let sendgrid = Provider::named("sendgrid").unwrap();
    let lines = (0..3000).map(|id| hard_bounce(sendgrid, &person(id), id));
    env.write("events.json", lines.collect::<String>());
    let saved = Saved::of(&env);
    survive(
        "webhook:replay FILE",
        &env,
        &|| env.command(["webhook:replay", "--verify", "off", "events.json"]),
        &|| saved.restore(&env),
    );
}

#[test]
fn webhook_replay_of_a_file_in_many_commits() {
    let env = TestEnv::with_config("[limits]\nbatch_events = 40\n");
    import(&env, 2000);
    let sendgrid = Provider::named("sendgrid").unwrap();
    let lines = (0..2000).map(|id| hard_bounce(sendgrid, &person(id), id));
    env.write("events.json", lines.collect::<String>());
    let saved = Saved::of(&env);
    let halfway = survive(
        "webhook:replay FILE in batches of 40",
        &env,
        &|| env.command(["webhook:replay", "--verify", "off", "events.json"]),
        &|| saved.restore(&env),
    );
    assert!(halfway > 0, "no kill came between two commits");
}

/// The requests of all providers, proven.
fn callbacks(proofs: &Proofs, count: u32) -> Vec<Callback> {
    (0..count)
        .map(|id| {
            let provider = &PROVIDERS[id as usize % PROVIDERS.len()];
            proofs.proven(provider, &hard_bounce(provider, &person(id), id))
        })
        .collect()
}

#[test]
fn webhook_replay_of_the_spool() {
    let env = TestEnv::new();
    let proofs = Proofs::configure(&env, "");
    import(&env, 600);
    for callback in callbacks(&proofs, 60) {
        assert_eq!(env.call(&callback).status, 200);
    }
    // The same requests ten times more: every copy is a duplicate, whoever comes first.
    for path in fs::read_dir(env.path("spool/new")).unwrap() {
        let path = path.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let (stamp, rest) = name.split_once('-').unwrap();
        let (random, rest) = rest.split_once('-').unwrap();
        for copy in 0..10 {
            let name = format!("{stamp}-{copy:x}{}-{rest}", &random[1..]);
            env.write(format!("spool/new/{name}"), fs::read(&path).unwrap());
        }
    }
    let everything = env.spooled("new").len();
    assert!(everything >= 600, "{everything}");
    let saved = Saved::of(&env);
    survive(
        "webhook:replay --spool",
        &env,
        &|| env.command(["webhook:replay", "--spool"]),
        &|| {
            saved.restore(&env);
            for entry in fs::read_dir(env.path("spool/done")).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap();
                fs::rename(&path, env.path("spool/new").join(name)).unwrap();
            }
            assert_eq!(env.spooled("new").len(), everything);
        },
    );
    assert_eq!(env.spooled("done").len(), everything);
}

/// Starts the program as a web server does, with the whole request written.
fn receive(env: &TestEnv, callback: &Callback) -> Child {
    let mut child = env.start_cgi(callback);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&callback.body).unwrap();
    child
}

#[test]
fn webhook_receive() {
    let env = TestEnv::new();
    let proofs = Proofs::configure(&env, "");
    let kills = wanted();
    let count = u32::try_from(kills).unwrap() + 12;
    import(&env, count);
    let saved = Saved::of(&env);
    let callbacks = callbacks(&proofs, count);
    let replay = || env.run(["webhook:replay", "--spool"]).exit(0);

    let mut span = Duration::ZERO;
    for callback in &callbacks {
        let start = Instant::now();
        assert_eq!(env.call(callback).status, 200);
        span = span.max(start.elapsed());
    }
    replay();
    let expected = rows(&env);
    saved.restore(&env);
    fs::remove_dir_all(env.path("spool")).unwrap();

    let mut chance = Chance::new("webhook:receive");
    let (mut killed, mut acknowledged) = (0, 0);
    let mut next = callbacks.iter().cycle();
    let mut sent = 0;
    while killed < kills || sent < callbacks.len() {
        sent += 1;
        assert!(sent < 100 + 20 * kills, "it ends before it is killed");
        let callback = next.next().unwrap();
        let before = env.spooled("new").len();
        let mut child = receive(&env, callback);
        std::thread::sleep(chance.within(span));
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().signal() == Some(9));
        let mut answer = String::new();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_to_string(&mut answer).unwrap();
        if answer.starts_with("Status: 200") {
            acknowledged += 1;
            assert_eq!(
                env.spooled("new").len(),
                before + 1,
                "acknowledged and lost"
            );
            assert!(answer.contains("\r\n\r\n"), "half an answer: {answer}");
        } else {
            // What a provider does that got no answer.
            assert_eq!(env.call(callback).status, 200);
        }
    }
    replay();
    assert_eq!(rows(&env), expected);
    println!("webhook:receive: {killed} kills survived, {acknowledged} after the answer");
}

#[test]
fn segments_update() {
    let env = TestEnv::new();
    import(&env, 2000);
    for (name, filter) in [
        ("young", "age < 30"),
        ("old", "age >= 60"),
        ("odd", "address contains '7'"),
        ("neither", "not segment = young and not segment = old"),
    ] {
        let output = env.run(["segments:create", name, "--filter", filter]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    let saved = Saved::of(&env);
    survive(
        "segments:update",
        &env,
        &|| env.command(["segments:update", "--batch-limit", "50"]),
        &|| saved.restore(&env),
    );
}

#[test]
fn dnc_import() {
    let env = TestEnv::new();
    import(&env, 100);
    // More than are written by one transaction.
    let mut list = String::from("email,reason,comment\n");
    for id in 0..21_000 {
        let reason = ["bounce", "unsubscribe", "complaint"][id as usize % 3];
        list += &format!("{},{reason},by the old system\n", person(id));
    }
    env.write("list.csv", list);
    let saved = Saved::of(&env);
    survive(
        "dnc:import",
        &env,
        &|| env.command(["dnc:import", "list.csv"]),
        &|| saved.restore(&env),
    );
}
