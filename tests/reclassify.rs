//! The archive judged again. Earlier verdicts are put into the database as an earlier version
//! with other rules would have left them.

use crate::support::TestEnv;

const CONFIG: &str = "[archive]\nkeep = \"all\"\n";
const UNKNOWN: &str = "550 5.1.1 User unknown in virtual mailbox table";
const FULL: &str = "452 4.2.2 mailbox full";

fn env() -> TestEnv {
    let env = TestEnv::with_config(CONFIG);
    let send = |hash: &str, name: &str| {
        format!(
            "{{\"hash\": \"{hash}\", \"email\": \"{name}@example.com\", \"email_id\": 7, \"sent_at\": \"2026-05-01T00:00:00Z\"}}\n"
        )
    };
    env.write("sends.ndjson", send("aaa1", "anna") + &send("bbb2", "bert"));
    let _ = env.run(["sends:import", "sends.ndjson"]).done();
    env
}

/// A bounce of day `day` in May 2026.
fn bounce(hash: &str, day: u32, text: &str) -> String {
    let status = text.split(' ').nth(1).unwrap();
    format!(
        "Delivered-To: news+bounce_{hash}@example.org\nFrom: MAILER-DAEMON@mx.example.net\n\
         Subject: Undelivered Mail\nMessage-ID: <{hash}.{day}@mx.example.net>\n\
         Date: Sun, {day} May 2026 08:00:00 +0000\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nSorry.\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n\
         Final-Recipient: rfc822; {hash}@example.net\nAction: failed\nStatus: {status}\n\
         Diagnostic-Code: smtp; {text}\n\n--b--\n"
    )
}

fn ingest(env: &TestEnv, mails: &[String]) {
    for mail in mails {
        let _ = env.run_with(["email:ingest", "-"], mail).done();
    }
}

fn sql(env: &TestEnv, text: &str) {
    env.sql(text);
}

fn shown(env: &TestEnv, address: &str) -> serde_json::Value {
    env.run(["contacts:show", address, "--format", "json"])
        .json()
}

/// Grounds and detail of the rows of an address.
fn listed(env: &TestEnv, address: &str) -> Vec<String> {
    let rows = shown(env, address)["do_not_contact"].clone();
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| {
            format!(
                "{} {}",
                row["reason"].as_str().unwrap(),
                row["detail"].as_str().unwrap_or_default()
            )
        })
        .collect()
}

const UNDECIDED: &str =
    "UPDATE event SET reason = 'on_hold', permanence = 'soft', rule = 'no-rule';
     DELETE FROM do_not_contact;";

#[test]
fn what_suppresses_today_is_written_and_told() {
    let env = env();
    ingest(&env, &[bounce("aaa1", 3, UNKNOWN), bounce("bbb2", 4, FULL)]);
    sql(&env, UNDECIDED);
    let dry = env.run(["reclassify"]).done();
    for wanted in [
        "anna@example.com  bounce soft on_hold  bounce hard user_unknown  no-rule",
        "     1  bounce soft on_hold -> bounce hard user_unknown\n",
        "     1  bounce soft on_hold -> bounce soft mailbox_full\n",
        "2 mails: 2 changed, 1 addresses suppressed; nothing was written",
    ] {
        assert!(dry.contains(wanted), "{wanted}: {dry}");
    }
    assert!(listed(&env, "anna@example.com").is_empty());

    let done = env.run(["reclassify", "--apply", "--format", "csv"]).done();
    assert_eq!(done.lines().count(), 3, "{done}");
    assert!(done.contains(",suppressed"), "{done}");
    assert_eq!(listed(&env, "anna@example.com"), ["bounce user_unknown"]);
    assert!(listed(&env, "bert@example.com").is_empty());
    let event = shown(&env, "anna@example.com")["events"][0].clone();
    assert_eq!(event["reason"], "user_unknown");
    assert!(
        event["note"]
            .as_str()
            .unwrap()
            .ends_with("was bounce soft on_hold"),
        "{event}"
    );
    assert!(env.run(["runs:list"]).done().contains("reclassify"));
    let again = env.run(["reclassify", "--apply"]).done();
    assert_eq!(again, "2 mails: 0 changed\n");
}

/// What the events said before is not kept, so nothing is taken back by half.
#[test]
fn judging_again_is_taken_back_by_judging_again() {
    let env = env();
    ingest(&env, &[bounce("aaa1", 3, UNKNOWN)]);
    sql(&env, UNDECIDED);
    let _ = env.run(["reclassify", "--apply"]).done();
    let runs = env.run(["runs:list", "--format", "csv"]).done();
    let run = runs
        .lines()
        .find(|line| line.contains("reclassify"))
        .and_then(|line| line.split(',').next())
        .unwrap();
    let (_, told) = env.run(["runs:undo", run]).exit(2);
    assert!(
        told.contains("cannot be taken back") && told.contains("hint: put the former rules back"),
        "{told}"
    );
    assert_eq!(listed(&env, "anna@example.com"), ["bounce user_unknown"]);
    env.write(
        "former.toml",
        "[[rules]]\nid = \"former\"\nphrases = [\"user unknown\"]\nreason = \"on_hold\"\n\
         sample = \"550 5.1.1 User unknown\"\n",
    );
    env.write(
        "bouncekit.toml",
        format!("rules_file = \"former.toml\"\n{CONFIG}"),
    );
    let _ = env.run(["reclassify", "--apply"]).done();
    assert!(listed(&env, "anna@example.com").is_empty());
}

#[test]
fn what_no_longer_suppresses_is_taken_back_unless_something_else_does() {
    let env = env();
    ingest(
        &env,
        &[
            bounce("aaa1", 3, FULL),
            bounce("bbb2", 3, FULL),
            bounce("bbb2", 4, UNKNOWN),
        ],
    );
    sql(
        &env,
        "UPDATE event SET reason = 'user_unknown', permanence = 'hard', rule = 'old' WHERE reason = 'mailbox_full';
         INSERT INTO do_not_contact (address_key, reason, detail, since, event, run)
             SELECT address_key, 'bounce', reason, occurred_at, key, run FROM event WHERE rule = 'old'
             ON CONFLICT DO UPDATE SET since = excluded.since, event = excluded.event;
         INSERT INTO do_not_contact (address_key, reason, since, run) VALUES ('anna@example.com', 'manual', 1, 1);",
    );
    let out = env.run(["reclassify", "--apply"]).done();
    assert!(out.contains("2 changed, 1 addresses released"), "{out}");
    assert_eq!(listed(&env, "anna@example.com"), ["manual "]);
    assert_eq!(listed(&env, "bert@example.com"), ["bounce user_unknown"]);
    let row = shown(&env, "bert@example.com")["do_not_contact"][0].clone();
    assert_eq!(row["since"], "2026-05-04T08:00:00Z");
}

#[test]
fn points_are_counted_again() {
    let env = env();
    let days: Vec<String> = (3..8).map(|day| bounce("aaa1", day, FULL)).collect();
    ingest(&env, &days);
    assert_eq!(listed(&env, "anna@example.com"), ["bounce mailbox_full"]);
    // One of the five was no full mailbox: four points do not suppress.
    let env = self::env();
    let mut mails = days;
    mails[1] = bounce("aaa1", 4, "550 5.7.1 message rejected as spam");
    ingest(&env, &mails);
    assert!(listed(&env, "anna@example.com").is_empty());
    sql(
        &env,
        "UPDATE event SET reason = 'mailbox_full', permanence = 'soft', rule = 'old';
         INSERT INTO do_not_contact (address_key, reason, detail, since, event, run)
             SELECT address_key, 'bounce', reason, occurred_at, key, run FROM event ORDER BY occurred_at DESC LIMIT 1;",
    );
    let out = env.run(["reclassify", "--apply"]).done();
    assert!(out.contains("1 addresses released"), "{out}");
    assert!(listed(&env, "anna@example.com").is_empty());
}

#[test]
fn a_point_more_can_suppress_with_a_later_one() {
    let env = env();
    let days: Vec<String> = (3..8).map(|day| bounce("aaa1", day, FULL)).collect();
    ingest(&env, &days);
    sql(
        &env,
        "DELETE FROM do_not_contact;
         UPDATE event SET reason = 'spam_detected', rule = 'old'
             WHERE key = (SELECT key FROM event ORDER BY occurred_at LIMIT 1);",
    );
    let out = env.run(["reclassify", "--apply"]).done();
    assert!(out.contains("1 changed, 1 addresses suppressed"), "{out}");
    assert_eq!(listed(&env, "anna@example.com"), ["bounce mailbox_full"]);
}

#[test]
fn a_mail_that_nothing_recognised_gets_its_events() {
    let env = env();
    ingest(&env, &[bounce("aaa1", 3, UNKNOWN)]);
    sql(
        &env,
        "UPDATE event SET key = content, kind = 'unrecognised', reason = NULL, permanence = NULL, rule = NULL,
             address_key = NULL, send_hash = NULL;
         DELETE FROM do_not_contact;",
    );
    let out = env.run(["reclassify", "--apply"]).done();
    assert!(
        out.contains("     1  unrecognised -> bounce hard user_unknown"),
        "{out}"
    );
    assert_eq!(listed(&env, "anna@example.com"), ["bounce user_unknown"]);
    assert_eq!(env.run(["reclassify"]).done(), "1 mails: 0 changed\n");
    // The same mail fetched again is still the same mail.
    let mail = bounce("aaa1", 3, UNKNOWN);
    let out = env.run_with(["email:ingest", "-"], mail).done();
    assert!(out.contains("1 duplicate"), "{out}");
}

#[test]
fn what_a_person_released_stays_released() {
    let env = env();
    ingest(&env, &[bounce("aaa1", 3, UNKNOWN)]);
    sql(&env, UNDECIDED);
    sql(
        &env,
        "INSERT INTO event (key, source, kind, address_key, occurred_at, received_at, run)
         VALUES (randomblob(16), 'person', 'release', 'anna@example.com', 1780000000000, 1780000000000, 1);",
    );
    let out = env.run(["reclassify", "--apply"]).done();
    assert!(out.contains("1 mails: 1 changed\n"), "{out}");
    assert!(listed(&env, "anna@example.com").is_empty());
}

#[test]
fn an_unsubscribe_by_words_and_an_unmonitored_bounce_stay_what_they_were() {
    let env = env();
    let words = "From: anna@example.com\nTo: leave@example.org\nSubject: Abmelden\n\
                 References: <x@example.org>\nMessage-ID: <u1@example.com>\n\nBitte.\n";
    env.write("words.eml", words);
    let out = env
        .run(["email:ingest", "--monitor", "unsubscribes", "words.eml"])
        .done();
    assert!(out.contains("1 unsubscribe"), "{out}");
    env.write("bounce.eml", bounce("aaa1", 3, UNKNOWN));
    let out = env
        .run(["email:ingest", "--monitor", "replies", "bounce.eml"])
        .done();
    assert!(out.contains("1 note"), "{out}");
    assert_eq!(
        env.run(["reclassify", "--apply"]).done(),
        "2 mails: 0 changed\n"
    );
}

#[test]
fn only_what_is_archived_and_recent_enough_is_looked_at() {
    let env = env();
    ingest(&env, &[bounce("aaa1", 3, UNKNOWN)]);
    let mails = |args: &[&str]| env.run([&["reclassify"], args].concat()).done();
    assert_eq!(mails(&["--since", "2026-06-01"]), "1 mails: 0 changed\n");
    assert_eq!(mails(&["--since", "1d"]), "1 mails: 0 changed\n");
    assert_eq!(mails(&["--since", "2026-06-02"]), "0 mails: 0 changed\n");
    let (_, err) = env.run(["reclassify", "--since", "lately"]).exit(2);
    assert!(err.contains("`lately`"), "{err}");
    env.write("bouncekit.toml", "[archive]\nkeep = \"none\"\nsize = 0\n");
    ingest(&env, &[bounce("bbb2", 3, UNKNOWN)]);
    assert_eq!(mails(&[]), "0 mails: 0 changed\n");
}
