//! Items that no process survives reading: the next run tries them apart, puts them away, and goes on.

use std::{fs, os::unix::process::ExitStatusExt as _, path::PathBuf};

use crate::email_fetch::fetching_env;
use crate::support::{
    TestEnv, finish,
    mailing::rows,
    mails::sample,
    proofs::{Proofs, hard_bounce},
};
use bouncekit_core::webhook::Provider;

/// A mail of so many empty parts: each costs the parser some fifty times its size.
fn of_parts(count: usize) -> String {
    let head = "From: a@example.com\nTo: news+bounce_abc@example.com\nSubject: x\n\
                MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n";
    format!("{head}{}--b--\n", "--b\n\n".repeat(count))
}

/// A Maildir with two bounces and, between them, the poison.
fn maildir(limits: &str, poison: &str) -> TestEnv {
    let env = fetching_env(&format!(
        "[[mailbox]]\nname = \"m\"\nkind = \"maildir\"\npath = \"md\"\n[limits]\n{limits}\n"
    ));
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(env.path("md").join(part)).unwrap();
    }
    env.write("md/new/1", sample("postfix", 1));
    env.write("md/new/2", poison);
    env.write("md/new/3", sample("exim", 3));
    env
}

/// What runs left of the items they were reading.
fn left(env: &TestEnv) -> Vec<PathBuf> {
    let entries = fs::read_dir(env.path("")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_str().unwrap().contains(".reading."))
        .collect()
}

fn quarantine(env: &TestEnv) -> Vec<serde_json::Value> {
    rows(&env.run(["quarantine:list", "--format", "json"]).done())
}

/// The two bounces acted, the third mail is put away for `reason`.
#[track_caller]
fn put_away(env: &TestEnv, reason: &str) {
    let all = quarantine(env);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["state"], "quarantined", "{all:?}");
    assert!(
        all[0]["reason"].as_str().unwrap().contains(reason),
        "{all:?}"
    );
    let listed = env.run(["dnc:list", "--format", "json"]).done();
    for person in ["person1@", "person3@"] {
        assert!(listed.contains(person), "{listed}");
    }
    assert!(left(env).is_empty());
    let (told, _) = env.run(["email:fetch"]).exit(0);
    assert!(told.contains(" 0 fetched"), "{told}");
}

#[test]
fn a_mail_that_exhausts_the_memory() {
    let env = maildir("message_memory = 300000000", &of_parts(2_000_000));
    // The kernel's limit stands for a machine with little memory.
    let mut limited = env.command_within(400_000, ["email:fetch"]);
    let ended = finish(limited.spawn().unwrap());
    assert!(ended.status.signal().is_some(), "{ended:?}");
    assert_eq!(left(&env).len(), 1, "it says what it was reading");

    // A look changes nothing, and does not die of it.
    let (told, _) = env.run(["email:fetch", "--dry-run"]).exit(1);
    assert!(
        told.contains("3 fetched") || told.contains("2 fetched"),
        "{told}"
    );
    assert_eq!(left(&env).len(), 1);

    let (told, _) = env.run(["email:fetch"]).exit(1);
    assert!(told.contains("1 quarantined"), "{told}");
    put_away(&env, "limits.message_memory");
    // Nor does anything else that reads the archive.
    env.run(["reclassify"]).exit(0);
    let (told, _) = env.run(["quarantine:retry", "--all"]).exit(1);
    assert!(told.contains("1 quarantined"), "{told}");
}

#[test]
fn a_mail_that_takes_too_long() {
    let env = maildir("message_time = \"1s\"", &of_parts(4_000_000));
    let (_, told) = env.run(["email:fetch"]).exit(1);
    assert!(
        told.contains("takes longer than 1s (limits.message_time)") && told.contains("apart"),
        "{told}"
    );
    assert_eq!(left(&env).len(), 1);
    let (told, _) = env.run(["email:fetch"]).exit(1);
    assert!(told.contains("1 quarantined"), "{told}");
    put_away(&env, "limits.message_time");
}

#[test]
fn what_a_killed_run_was_reading_is_read_by_the_next_if_it_is_harmless() {
    let env = maildir("", &sample("qmail", 2));
    let content = &bouncekit_core::fetch::content_key(sample("qmail", 2).as_bytes());
    // As a run leaves it that was killed: its process is no more.
    let name = data_encoding::HEXLOWER.encode(content);
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let mark = |pid: u32, host: &str| {
        let text = format!("{host} {pid} 1\n*{name} m/ UID 2   \n");
        env.write(format!("bouncekit.db.reading.{pid}"), text);
    };
    mark(1_000_000_000, host.trim());
    mark(7, "another.example");
    let (told, _) = env.run(["email:fetch"]).exit(0);
    assert!(told.contains("3 fetched = 3 acted"), "{told}");
    assert!(quarantine(&env).is_empty(), "it was harmless");
    // Whether a process of another host lives is not known here.
    assert_eq!(left(&env), [env.path("bouncekit.db.reading.7")]);
}

#[test]
fn a_callback_that_takes_too_long() {
    let env = TestEnv::new();
    let limits = "[limits]\nmessage_time = \"1s\"\n";
    let proofs = Proofs::configure(&env, limits);
    let sendgrid = Provider::named("sendgrid").unwrap();
    let events = |from: u32, to: u32| {
        let events: Vec<String> = (from..to)
            .map(|id| hard_bounce(sendgrid, &format!("user{id}@example.com"), id))
            .map(|events| events.trim().trim_matches(['[', ']']).to_owned())
            .collect();
        format!("[{}]", events.join(","))
    };
    let contacts = "email\nuser0@example.com\nuser1@example.com\n";
    env.run_with(["contacts:import", "-"], contacts).done();
    for (from, to) in [(0, 1), (10, 50_000), (1, 2)] {
        let callback = proofs.proven(sendgrid, &events(from, to));
        assert_eq!(env.call(&callback).status, 200);
    }
    let (_, told) = env.run(["webhook:replay", "--spool"]).exit(1);
    assert!(told.contains("takes longer than 1s"), "{told}");
    let (_, told) = env.run(["webhook:replay", "--spool"]).exit(1);
    assert!(told.contains("2 done, 1 failed, 0 left"), "{told}");
    let reason = fs::read_dir(env.path("spool/failed"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|kind| kind == "reason"));
    let reason = fs::read_to_string(reason.unwrap()).unwrap();
    assert!(reason.contains("limits.message_time"), "{reason}");
    let all = quarantine(&env);
    assert_eq!((all.len(), &all[0]["state"]), (1, &"quarantined".into()));
    let listed = env.run(["dnc:list", "--format", "json"]).done();
    assert!(
        listed.contains("user0@") && listed.contains("user1@"),
        "{listed}"
    );
    env.run(["webhook:replay", "--spool"]).exit(0);

    // With more patience it can be read.
    let config = fs::read_to_string(env.path("bouncekit.toml")).unwrap();
    env.write("bouncekit.toml", config.replace("\"1s\"", "\"600s\""));
    let (_, told) = env
        .run(["webhook:replay", "--spool", "--retry-failed"])
        .exit(0);
    assert!(told.contains("1 done, 0 failed, 0 left"), "{told}");
    assert!(quarantine(&env).is_empty());
}
