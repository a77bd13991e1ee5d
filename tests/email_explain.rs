//! Why a mail is judged as it is: without anything, with a database, and by an event's id.

use crate::support::TestEnv;

const MAIL: &str = "Delivered-To: news+bounce_aaa1@example.org\nFrom: MAILER-DAEMON@mx.example.net\n\
    Subject: Undelivered \u{1b}[31mMail\nMessage-ID: <1@mx.example.net>\nDate: Mon, 1 Jun 2026 08:00:00 +0000\n\
    MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
    --b\nContent-Type: text/plain\n\nSorry.\n\
    --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n\
    Original-Recipient: rfc822; anna@example.com\nFinal-Recipient: rfc822; ANNA@example.com\n\
    Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.0.0 User unknown in virtual\n mailbox table\n\
    Remote-MTA: dns; mx.example.com\n\n--b\nContent-Type: message/rfc822\n\n\
    Return-Path: <news+bounce_zzz9@example.org>\nMessage-ID: <x@example.org>\n\nHello\n--b--\n";

const SEND: &str = "{\"hash\": \"aaa1\", \"email\": \"anna@example.com\", \"email_id\": 7, \"sent_at\": \"2026-05-30T00:00:00Z\"}\n";

#[test]
fn one_mail_is_explained_without_anything() {
    let env = TestEnv::new();
    env.write("bounce.eml", MAIL);
    let text = env.run(["email:explain", "bounce.eml"]).done();
    for wanted in [
        "format            dsn",
        "Delivered-To: bounce hash aaa1 -> not looked up: no database",
        "returned Return-Path: bounce hash zzz9",
        "  recipient       ANNA@example.com",
        "  original        anna@example.com",
        "  remote mta      mx.example.com",
        "User unknown in virtual mailbox table",
        "  reason          user_unknown",
        "  fault           recipient",
        "  matched         user unknown\n",
        "  policy          suppress (preset standard)",
        "  would write     do-not-contact, if a contact or send has the address",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains('\u{1b}'));
    let json = env
        .run_with(["email:explain", "-", "--format", "json"], MAIL)
        .json();
    assert_eq!(json["database"], false);
    assert_eq!(json["reports"][0]["reason"], "user_unknown");
    assert_eq!(json["reports"][0]["matched"], "user unknown");
    assert!(!env.path("bouncekit.db").exists());
}

#[test]
fn a_database_says_who_is_meant_and_stays_as_it_is() {
    let env = TestEnv::with_config("[archive]\nkeep = \"all\"\n");
    env.write("sends.ndjson", SEND);
    env.write("bounce.eml", MAIL);
    let _ = env.run(["sends:import", "sends.ndjson"]).done();
    for _ in 0..2 {
        let text = env.run(["email:explain", "bounce.eml"]).done();
        for wanted in [
            "hash aaa1 -> send of e-mail 7 to anna@example.com at 2026-05-30T00:00:00Z\n",
            "hash zzz9 -> no such send",
            "  charged to      anna@example.com\n",
            "do-not-contact anna@example.com, bounce (user_unknown), since 2026-06-01T08:00:00Z",
            "archive           the mail is kept",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
    }
    let _ = env.run(["email:ingest", "bounce.eml"]).done();
    let shown = env
        .run(["contacts:show", "anna@example.com", "--format", "json"])
        .json();
    let id = shown["events"][0]["id"].as_str().unwrap().to_owned();
    let text = env.run(["email:explain", &id[..8]]).done();
    assert!(
        text.contains(&format!(
            "event             {id} bounce by mail in run 2, hard user_unknown"
        )),
        "{text}"
    );
    assert!(text.contains("nothing: event"), "{text}");
    assert!(!text.contains("judged differently"), "{text}");
    let json = env.run(["email:explain", &id, "--format", "json"]).json();
    assert_eq!(json["stored"]["event"], *id);
    assert_eq!(json["reports"][0]["outcome"], "duplicate");
}

#[test]
fn a_forged_hash_is_called_so() {
    let env = TestEnv::with_config("[verp]\nkeys = [{ file = \"key\" }]\n");
    env.write("key", "a key of enough letters");
    env.write("sends.ndjson", SEND);
    let _ = env.run(["sends:import", "sends.ndjson"]).done();
    let mail = MAIL.replace("bounce_aaa1@", "bounce_aaa1_aaaaaaaaaaaaaaaa@");
    let (text, _) = env.run_with(["email:explain", "-"], mail).exit(0);
    assert!(text.contains("aaa1 -> wrong signature: forged"), "{text}");
    assert!(!text.contains("do-not-contact anna"), "{text}");
}

#[test]
fn soft_bounces_show_their_points() {
    let env = TestEnv::with_config(
        "[policy.reasons]\nhas_moved = { action = \"suppress\", for = \"90d\" }\n",
    );
    env.write("sends.ndjson", SEND);
    let _ = env.run(["sends:import", "sends.ndjson"]).done();
    let mail = MAIL.replace("User unknown in virtual", "Mailbox full, over quota");
    let text = env.run_with(["email:explain", "-"], &mail).done();
    assert!(
        text.contains("score 1; suppress at 5 within 30d, 1 so far (preset standard)"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_found_is_said() {
    let env = TestEnv::with_config("");
    env.write(
        "nothing.eml",
        "From: a@example.com\nSubject: Hello\n\nHi.\n",
    );
    let _ = env.run(["email:ingest", "nothing.eml"]).done();
    let (_, err) = env.run(["email:explain", "abcdef12"]).exit(2);
    assert!(err.contains("no file and no event `abcdef12`"), "{err}");
    let (_, err) = env.run(["email:explain", "gone.eml"]).exit(2);
    assert!(err.contains("`gone.eml`"), "{err}");
    let text = env.run(["email:explain", "nothing.eml"]).done();
    assert!(text.contains("kept for review as unrecognised"), "{text}");
}

#[test]
fn a_redacted_mail_can_be_shared_and_says_the_same() {
    let env = TestEnv::new();
    env.write("bounce.eml", MAIL);
    let shared = env.run(["email:explain", "--redact", "bounce.eml"]).done();
    for gone in ["anna", "aaa1", "zzz9", "example.com", "example.org"] {
        assert!(!shared.to_lowercase().contains(gone), "{gone}: {shared}");
    }
    let text = env.run_with(["email:explain", "-"], &shared).done();
    assert!(
        text.contains("user_unknown") && text.contains("Delivered-To: bounce hash 0001"),
        "{text}"
    );
}
