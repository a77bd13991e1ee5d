//! What could not be read: listed, tried again, dropped.

use bouncekit_core::{fetch::content_key, time::Timestamp};

use crate::support::TestEnv;

const BIG: &str = "From: a@example.com\nSubject: a long one\n\n0123456789 0123456789 0123456789\n";

fn list(env: &TestEnv) -> Vec<serde_json::Value> {
    env.run(["quarantine:list", "--format", "json"])
        .done()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_mail_over_the_limit_is_listed_and_let_in_once_the_limit_is_raised() {
    let env = TestEnv::with_config("[limits]\nmessage_size = 50\n");
    env.write("big.eml", BIG);
    let (out, _) = env.run(["email:ingest", "big.eml"]).exit(1);
    assert!(out.contains("1 quarantined"), "{out}");
    let all = list(&env);
    assert_eq!(all.len(), 1);
    assert_eq!(
        (&all[0]["state"], &all[0]["place"], &all[0]["archived"]),
        (&"quarantined".into(), &"big.eml".into(), &false.into())
    );
    assert!(all[0]["reason"].as_str().unwrap().contains("message_size"));
    let id = all[0]["id"].as_str().unwrap();

    let (_, err) = env.run(["quarantine:retry", "ffffffff"]).exit(2);
    assert!(err.contains("`ffffffff`"), "{err}");
    let out = env.run(["quarantine:retry", id, "--dry-run"]).done();
    assert!(
        out.contains("(dry run): tried when it is met again"),
        "{out}"
    );
    assert_eq!(list(&env), all);
    let _ = env.run(["quarantine:retry", id]).done();
    assert_eq!(list(&env)[0]["state"], "deferred");
    let _ = env.run(["quarantine:drop", "--all", "--dry-run"]).done();
    assert_eq!(list(&env).len(), 1);
    assert!(env.run(["quarantine:drop", id]).done().contains("dropped"));
    assert!(list(&env).is_empty());
}

#[test]
fn an_archived_one_is_read_again_at_once() {
    let env = TestEnv::with_config("");
    assert!(list(&env).is_empty());
    // As an earlier version of the program left a mail that one of its readers failed on.
    let mut store = env.store();
    let batch = store.begin().unwrap();
    let key = content_key(BIG.as_bytes());
    for day in 0..2 {
        let put_away = batch
            .note_poison(
                key,
                "box/INBOX UID 7",
                "a reader failed",
                Timestamp(day),
                false,
            )
            .unwrap();
        assert_eq!(put_away, day == 1);
    }
    batch
        .archive([(key, BIG.as_bytes())], Timestamp(0))
        .unwrap();
    batch.commit().unwrap();
    drop(store);

    let out = env.run(["quarantine:retry", "--all", "--dry-run"]).done();
    assert!(
        out.contains("box/INBOX UID 7 (dry run): 1 fetched = 1 unrecognised"),
        "{out}"
    );
    assert_eq!(list(&env).len(), 1);
    let out = env.run(["quarantine:retry", "--all"]).done();
    assert!(out.contains("1 fetched = 1 unrecognised"), "{out}");
    assert!(list(&env).is_empty());
    assert!(env.run(["runs:list"]).done().contains("quarantine:retry"));
}
