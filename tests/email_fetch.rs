//! `email:fetch` against a real Dovecot: what is fetched, what becomes of it, what is counted.

use std::fs;

use serde_json::Value;

use crate::support::{
    TestEnv, corpus,
    dovecot::{Dovecot, PASSWORD, dovecot},
    mails::{self, sample, sample_names},
    tables,
};

/// A folder with a configuration, the password in the environment, and the sends of 100 people.
pub(crate) fn fetching_env(config: &str) -> TestEnv {
    let mut env = TestEnv::with_config(config);
    env.set("MAIL_PASSWORD", PASSWORD);
    env.write("sends.csv", mails::sends(100));
    env.run(["sends:import", "sends.csv"]).done();
    env
}

pub(crate) fn outcome(env: &TestEnv) -> Vec<String> {
    tables::outcome(&env.database())
}

/// Every message is counted exactly once.
#[track_caller]
pub(crate) fn assert_balance(accounting: &Value) {
    let count = |name: &str| accounting[name].as_u64().unwrap();
    let parts = [
        "acted",
        "recorded",
        "unknown_address",
        "unrecognised",
        "duplicate",
        "quarantined",
        "deferred",
    ];
    let sum: u64 = parts.into_iter().map(count).sum();
    assert_eq!(count("fetched"), sum, "{accounting}");
}

fn put_samples(dovecot: &Dovecot, folder: &str) -> usize {
    let names = sample_names();
    for (number, name) in names.iter().enumerate() {
        dovecot.put(folder, name, sample(name, number));
    }
    names.len()
}

#[test]
fn plain_starttls_and_tls_bring_the_same() {
    let Some(dovecot) = dovecot() else { return };
    let mut totals = Vec::new();
    let mut outcomes = Vec::new();
    for security in ["plain", "starttls", "tls"] {
        let count = put_samples(&dovecot, security);
        let connection = dovecot.connection(security);
        let env = fetching_env(&format!(
            "{connection}[[mailbox]]\nname = \"m\"\nfolder = \"{security}\"\n"
        ));
        let fetched = env.run(["email:fetch", "--format", "json"]).json();
        assert_eq!(fetched["total"]["fetched"], count, "{fetched}");
        assert_balance(&fetched["total"]);
        assert_eq!(dovecot.seen(security), count);
        let after = outcome(&env);
        // Again: nothing is new, nothing changes.
        let again = env.run(["email:fetch", "--format", "json"]).json();
        assert_eq!(again["total"]["fetched"], 0);
        assert_eq!(outcome(&env), after);
        totals.push(fetched["total"].clone());
        outcomes.push(after);
    }
    let total = &totals[0];
    assert!(total["acted"].as_u64() >= Some(10), "{total}");
    assert!(totals.iter().all(|other| other == total));
    assert!(outcomes.iter().all(|other| *other == outcomes[0]));
}

#[test]
fn each_monitor_may_have_its_own_folder_and_mailbox() {
    let Some(dovecot) = dovecot() else { return };
    dovecot.put("Rückläufer", "1", sample("postfix", 1));
    dovecot.put("Rückläufer", "2", sample("unsubscribe", 2));
    dovecot.put("Unsubs", "3", sample("unsubscribe", 3));
    dovecot.put("Loops", "4", sample("arf_provider", 4));
    dovecot.put("INBOX", "5", sample("reply", 5));
    dovecot.put("INBOX", "6", sample("exim", 6));
    let connection = dovecot.connection("tls");
    let env = fetching_env(&format!(
        "{connection}
[[mailbox]]
name = \"returns\"
folders = {{ bounces = \"Rückläufer\", unsubscribes = \"Unsubs\", feedback_loops = \"Loops\" }}
[[mailbox]]
name = \"answers\"
monitors = [\"replies\"]
connection = {{ security = \"starttls\", port = {} }}
",
        dovecot.port
    ));
    let fetched = env.run(["email:fetch", "--format", "json"]).json();
    let line = |folder: &str| {
        let lines = fetched["folders"].as_array().unwrap();
        let line = lines.iter().find(|line| line["folder"] == folder).unwrap();
        assert_balance(&line["accounting"]);
        line["accounting"].clone()
    };
    // An unsubscribe where only bounces are watched is recorded, not acted on.
    let returns = line("Rückläufer");
    assert_eq!(
        (&returns["acted"], &returns["recorded"]),
        (&1.into(), &1.into()),
        "{returns}"
    );
    assert_eq!(line("Unsubs")["kinds"]["unsubscribe"], 1);
    assert_eq!(line("Loops")["kinds"]["complaint"], 1);
    let inbox = line("INBOX");
    assert_eq!(
        (&inbox["acted"], &inbox["recorded"]),
        (&0.into(), &2.into()),
        "{inbox}"
    );
    for folder in ["Rückläufer", "Unsubs", "Loops", "INBOX"] {
        assert_eq!(dovecot.seen(folder), dovecot.flags(folder).len());
    }
    // The same bounce where bounces are watched still counts.
    dovecot.put("Rückläufer", "7", sample("exim", 6));
    let text = env.run(["email:fetch"]).done();
    assert!(
        text.contains("returns/Rückläufer: 1 fetched = 1 acted (1 hard bounce)"),
        "{text}"
    );
    assert!(text.contains("answers/INBOX: 0 fetched\n"), "{text}");
}

#[test]
fn all_our_samples_and_many_real_mails_are_counted_once() {
    let Some(dovecot) = dovecot() else { return };
    let mut files = mails::eml_files(&mails::fixtures().join("messages"));
    assert!(files.len() > 100);
    if let Some(corpus) = corpus() {
        files.extend(
            mails::eml_files(&corpus.join("messages"))
                .into_iter()
                .step_by(3)
                .take(150),
        );
        files.extend(
            mails::eml_files(&corpus.join("not_bounces"))
                .into_iter()
                .take(50),
        );
    }
    for (number, path) in files.iter().enumerate() {
        dovecot.put("INBOX", &format!("{number:04}"), fs::read(path).unwrap());
    }
    let connection = dovecot.connection("starttls");
    let env = fetching_env(&format!(
        "{connection}[[mailbox]]\nname = \"m\"\n[limits]\nbatch_messages = 60\n"
    ));
    let run = env.run(["-v", "email:fetch", "--format", "json"]);
    // Seven batches, each asked for before the last one came, over one session.
    assert!(!run.stderr.contains("connecting anew"), "{}", run.stderr);
    let total = run.json()["total"].clone();
    assert_eq!(total["fetched"], files.len());
    assert_balance(&total);
    assert_eq!(
        (&total["quarantined"], &total["deferred"]),
        (&0.into(), &0.into())
    );
    assert_eq!(dovecot.seen("INBOX"), files.len());
    let after = outcome(&env);
    assert!(
        env.run(["email:fetch"])
            .done()
            .contains("m/INBOX: 0 fetched")
    );
    assert_eq!(outcome(&env), after);
    // Somebody marks all as unread: everything is known already.
    dovecot.client_marks_all_unread("INBOX");
    let again = env.run(["email:fetch", "--format", "json"]).json()["total"].clone();
    assert_eq!(again["duplicate"], files.len(), "{again}");
    assert_eq!(outcome(&env), after);
}

#[test]
fn a_dry_run_changes_nothing_anywhere() {
    let Some(dovecot) = dovecot() else { return };
    let count = put_samples(&dovecot, "INBOX");
    let connection = dovecot.connection("plain");
    let env = fetching_env(&format!(
        "{connection}[[mailbox]]\nname = \"m\"\nafter = \"delete\"\n"
    ));
    let flags = dovecot.flags("INBOX");
    let (before, runs) = (outcome(&env), tables::count(&env.database(), "run"));
    let dry = env
        .run(["email:fetch", "--dry-run", "--format", "json"])
        .json();
    assert_eq!(dry["dry_run"], true);
    assert_eq!(dovecot.flags("INBOX"), flags);
    assert_eq!(outcome(&env), before);
    assert_eq!(tables::count(&env.database(), "run"), runs);
    assert!(
        env.run(["email:fetch", "--dry-run"])
            .done()
            .contains("m/INBOX (dry run): ")
    );
    // It told the truth.
    let real = env.run(["email:fetch", "--format", "json"]).json();
    assert_eq!(real["total"], dry["total"]);
    assert_eq!(real["total"]["fetched"], count);
}

#[test]
fn what_comes_after_depends_on_the_outcome() {
    let Some(dovecot) = dovecot() else { return };
    dovecot.put("INBOX", "acted", sample("postfix", 1));
    dovecot.put("INBOX", "recorded", sample("out_of_office", 2));
    dovecot.put("INBOX", "unrecognised", sample("spam", 3));
    dovecot.put(
        "INBOX",
        "unknown",
        sample("sendmail", 4)
            .replace(&mails::hash(4), "gone")
            .replace("person4@", "x@"),
    );
    dovecot.put("INBOX", "yy_duplicate", sample("postfix", 1));
    let connection = dovecot.connection("tls");
    let env = fetching_env(&format!(
        "{connection}
[[mailbox]]
name = \"m\"
[mailbox.after]
acted = \"move:Done/Bounces ü\"
recorded = \"keep\"
unrecognised = \"delete\"
duplicate = \"move:Done/Bounces ü\"
"
    ));
    let total = env.run(["email:fetch", "--format", "json"]).json()["total"].clone();
    for name in [
        "acted",
        "recorded",
        "unrecognised",
        "unknown_address",
        "duplicate",
    ] {
        assert_eq!(total[name], 1, "{name}: {total}");
    }
    let inbox = dovecot.flags("INBOX");
    let left: Vec<(&str, &str)> = inbox
        .iter()
        .map(|(name, flags)| (&**name, &**flags))
        .collect();
    assert_eq!(left, [("recorded", ""), ("unknown", "S")]);
    // Dovecot moves within a Maildir by giving new names.
    let moved = dovecot.flags("Done.Bounces ü");
    assert_eq!(moved.values().collect::<Vec<_>>(), ["S", "S"], "{moved:?}");
    // What is kept is read again, and counted as known.
    let again = env.run(["email:fetch", "--format", "json"]).json()["total"].clone();
    assert_eq!(
        (&again["fetched"], &again["duplicate"]),
        (&1.into(), &1.into())
    );
}

#[test]
fn mailboxes_and_the_number_of_messages_can_be_chosen() {
    let Some(dovecot) = dovecot() else { return };
    for number in 0..5 {
        dovecot.put("A", &number.to_string(), sample("postfix", number));
    }
    dovecot.put("B", "9", sample("postfix", 9));
    let connection = dovecot.connection("plain");
    let env = fetching_env(&format!(
        "{connection}[[mailbox]]\nname = \"a\"\nfolder = \"A\"\n[[mailbox]]\nname = \"b\"\nfolder = \"B\"\n"
    ));
    let out = env
        .run(["email:fetch", "--mailbox", "a", "--message-limit", "2"])
        .done();
    assert_eq!(out, "a/A: 2 fetched = 2 acted (2 hard bounce)\n");
    // The oldest come first.
    let seen: Vec<String> = dovecot
        .flags("A")
        .into_iter()
        .filter(|(_, flags)| flags == "S")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(seen, ["0", "1"]);
    assert_eq!(dovecot.seen("B"), 0);
    let (_, err) = env.run(["email:fetch", "--mailbox", "c"]).exit(2);
    assert!(
        err.contains("no mailbox `c`") && err.contains("a, b"),
        "{err}"
    );
    let all = env.run(["email:fetch"]).done();
    assert!(
        all.contains("a/A: 3 fetched") && all.contains("b/B: 1 fetched"),
        "{all}"
    );
}

#[test]
fn an_empty_mailbox_is_nothing_wrong() {
    let Some(dovecot) = dovecot() else { return };
    let connection = dovecot.connection("tls");
    let env = fetching_env(&format!("{connection}[[mailbox]]\nname = \"m\"\n"));
    assert_eq!(env.run(["email:fetch"]).done(), "m/INBOX: 0 fetched\n");
}

#[test]
fn new_uids_of_a_folder_lose_and_double_nothing() {
    let Some(dovecot) = dovecot() else { return };
    for number in 0..3 {
        dovecot.put("Returns", &number.to_string(), sample("postfix", number));
    }
    let connection = dovecot.connection("plain");
    let env = fetching_env(&format!(
        "{connection}[[mailbox]]\nname = \"m\"\nfolder = \"Returns\"\n"
    ));
    env.run(["email:fetch", "--message-limit", "2"]).done();
    let (validity, before) = (dovecot.uid_validity("Returns"), outcome(&env));
    // As if an earlier run had died between commit and flagging: UIDs of the old numbering.
    env.sql(&format!(
        "INSERT INTO mailbox_cursor VALUES ('m', 'Returns', {}, 3, 'acted')",
        &validity[1..]
    ));
    dovecot.forget_uids("Returns");
    let fetched = env.run(["email:fetch", "--format", "json"]).json();
    assert_ne!(dovecot.uid_validity("Returns"), validity);
    // UID 3 of the old numbering was not taken for UID 3 of the new one: it was read.
    assert_eq!(
        (&fetched["total"]["fetched"], &fetched["total"]["acted"]),
        (&1.into(), &1.into())
    );
    assert_eq!(dovecot.seen("Returns"), 3);
    assert_eq!(
        outcome(&env).len(),
        before.len() + 3,
        "one event, one do-not-contact row, one archived mail more"
    );
}
