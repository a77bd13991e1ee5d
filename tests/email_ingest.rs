//! Mails from files, archives, folders and pipes, by the real binary.

use std::{fs, io::Write as _};

use crate::support::TestEnv;

const SENDS: &str = "{\"hash\": \"aaa1\", \"email\": \"anna@example.com\", \"email_id\": 7, \"sent_at\": \"2026-05-30T00:00:00Z\"}\n\
                     {\"hash\": \"bbb2\", \"email\": \"bert@example.com\", \"email_id\": 7, \"sent_at\": \"2026-05-30T00:00:00Z\"}\n";

fn env() -> TestEnv {
    let env = TestEnv::with_config("[store]\nwait = \"0s\"\n");
    env.write("sends.ndjson", SENDS);
    let _ = env.run(["sends:import", "sends.ndjson"]).done();
    env
}

fn bounce(hash: &str, id: u32, text: &str) -> String {
    format!(
        "Delivered-To: news+bounce_{hash}@example.org\nFrom: MAILER-DAEMON@mx.example.net\n\
         Subject: Undelivered Mail Returned to Sender\nMessage-ID: <{id}@mx.example.net>\n\
         Date: Mon, 1 Jun 2026 08:00:00 +0000\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nSorry.\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n\
         Final-Recipient: rfc822; {hash}@example.net\nAction: failed\nStatus: 5.1.1\n\
         Diagnostic-Code: smtp; 550 5.1.1 {text}\n\n--b--\n"
    )
}

fn unknown(hash: &str, id: u32) -> String {
    bounce(hash, id, "no such user here")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn tar(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, content.as_bytes())
            .unwrap();
    }
    builder.into_inner().unwrap()
}

fn suppressed(env: &TestEnv, address: &str) -> bool {
    let shown = env
        .run(["contacts:show", address, "--format", "json"])
        .json();
    !shown["do_not_contact"].as_array().unwrap().is_empty()
}

#[test]
fn every_kind_of_path_is_read_and_twice_is_once() {
    let env = env();
    env.write("one.eml", unknown("aaa1", 1));
    env.write("maildir/new/1780000000.a", unknown("aaa1", 2));
    env.write("maildir/cur/1780000001.b:2,S", unknown("bbb2", 3));
    fs::create_dir_all(env.path("maildir/tmp")).unwrap();
    env.write("folder/1.eml", unknown("aaa1", 4));
    env.write("folder/deeper/2.eml", unknown("aaa1", 5));
    let separator = "From MAILER-DAEMON Mon Jun  1 08:00:00 2026\n";
    let mbox = format!(
        "{separator}{}\n{separator}{}",
        unknown("aaa1", 6),
        unknown("bbb2", 7)
    );
    env.write("mbox", &mbox);
    env.write("mbox.gz", gzip(mbox.as_bytes()));
    let entries = [
        ("x/1.eml", &*unknown("aaa1", 8)),
        ("x/2.eml", &*unknown("aaa1", 9)),
    ];
    env.write("all.tar", tar(&entries));
    env.write("all.tgz", gzip(&tar(&entries)));
    let paths = [
        "one.eml", "maildir", "folder", "mbox", "mbox.gz", "all.tar", "all.tgz",
    ];
    let args = |more: &[&'static str]| [&["email:ingest"], &paths[..], more].concat();

    let dry = env.run(args(&["--dry-run"])).done();
    assert!(
        dry.contains("maildir (dry run): 2 fetched = 2 acted"),
        "{dry}"
    );
    assert!(!suppressed(&env, "anna@example.com"));

    let shown = env.run(args(&["--format", "json"])).json();
    let of = |index: usize, name: &str| shown["paths"][index]["accounting"][name].clone();
    let fetched: Vec<_> = (0..paths.len()).map(|path| of(path, "fetched")).collect();
    assert_eq!(fetched, [1, 2, 2, 2, 2, 2, 2]);
    assert_eq!(shown["paths"][3]["path"], "mbox");
    // The same mails in another wrapping are the same mails.
    assert_eq!(
        (of(4, "duplicate"), of(6, "duplicate")),
        (2.into(), 2.into())
    );
    assert_eq!(shown["total"]["acted"], 9);
    assert!(suppressed(&env, "anna@example.com") && suppressed(&env, "bert@example.com"));
    assert!(env.path("maildir/new/1780000000.a").exists());

    let again = env.run(args(&[])).done();
    assert_eq!(
        again.matches("2 fetched = 2 duplicate").count(),
        6,
        "{again}"
    );
    let runs = env.run(["runs:list"]).done();
    assert!(runs.contains("email:ingest"), "{runs}");
}

#[test]
fn what_is_no_mail_is_named_and_the_rest_goes_on() {
    let env = env();
    env.write("zip.eml", "PK\x03\x04 not a mail");
    env.write(
        "a.tar",
        tar(&[("notes.md", "# nothing"), ("1.eml", &unknown("aaa1", 1))]),
    );
    env.write("2.eml", unknown("bbb2", 2));
    let (out, err) = env
        .run(["email:ingest", "gone.eml", "zip.eml", "a.tar", "2.eml"])
        .exit(1);
    assert!(err.contains("error: `gone.eml`: No such file"), "{err}");
    assert!(err.contains("error: `zip.eml`: a zip archive"), "{err}");
    assert!(err.contains("error: `a.tar: notes.md`: no mail"), "{err}");
    assert!(
        out.contains("a.tar: 2 fetched = 1 acted + 1 errors"),
        "{out}"
    );
    assert!(out.contains("2.eml: 1 fetched = 1 acted"), "{out}");
}

#[test]
fn a_pipe_is_told_whether_to_keep_the_mail() {
    let env = env();
    let pipe = ["email:ingest", "--one", "-"];
    // As Postfix hands it over: with a From line, and unquoted ones inside.
    let mail = format!(
        "From MAILER-DAEMON  Mon Jun  1 08:00:00 2026\n{}\n\nFrom x@y Mon Jun  1 08:00:00 2026\nz\n",
        unknown("aaa1", 1)
    );
    {
        let mut store = env.store();
        let held = store.begin().unwrap();
        let (_, err) = env.run_with(pipe, &mail).exit(75);
        assert!(err.contains("in use by another process"), "{err}");
        drop(held);
    }
    assert!(!suppressed(&env, "anna@example.com"));
    let out = env.run_with(pipe, &mail).done();
    assert!(out.contains("-: 1 fetched = 1 acted"), "{out}");
    assert!(suppressed(&env, "anna@example.com"));

    let out = env
        .run_with(pipe, "Subject: hello\n\nIs anybody there?\n")
        .done();
    assert!(out.contains("1 unrecognised"), "{out}");
    let out = env.run_with(pipe, "no header at all\n").done();
    assert!(out.contains("1 unrecognised"), "{out}");
    assert!(env.run(pipe).done().contains("-: 0 fetched"));

    env.write("bouncekit.toml", "[store\n");
    let (_, err) = env.run_with(pipe, &mail).exit(75);
    assert!(err.contains("bouncekit.toml"), "{err}");
    // Where nobody stands behind a pipe it stays a mistake in the configuration.
    let _ = env.run(["email:ingest", "x.eml"]).exit(2);
}

#[test]
fn a_database_that_cannot_be_opened_is_tried_again() {
    let env = env();
    env.write("bouncekit.toml", "[store]\npath = \"gone/b.db\"\n");
    let (_, err) = env
        .run_with(["email:ingest", "-"], unknown("aaa1", 1))
        .exit(75);
    assert!(err.contains("gone/b.db"), "{err}");
}

#[test]
fn only_the_wanted_kinds_are_acted_on() {
    let env = env();
    env.write("1.eml", unknown("aaa1", 1));
    let out = env
        .run(["email:ingest", "--monitor", "feedback-loops", "1.eml"])
        .done();
    assert!(out.contains("1 fetched = 1 recorded (1 note)"), "{out}");
    let (_, err) = env
        .run(["email:ingest", "--monitor", "bouncing", "1.eml"])
        .exit(2);
    assert!(err.contains("feedback_loops"), "{err}");
}

#[test]
fn more_mails_than_a_batch_and_one_over_the_limit() {
    let env = env();
    env.write(
        "bouncekit.toml",
        "[limits]\nbatch_messages = 3\nmessage_size = 2000\n",
    );
    let separator = "From MAILER-DAEMON Mon Jun  1 08:00:00 2026\n";
    let mut mbox = String::new();
    for id in 0..10 {
        let mail = if id == 4 {
            bounce("bbb2", id, &"x".repeat(3000))
        } else {
            unknown("aaa1", id)
        };
        mbox += &format!("{separator}{mail}\n");
    }
    let (out, _) = env.run_with(["email:ingest", "-"], &mbox).exit(0);
    assert!(
        out.contains("10 fetched = 9 acted + 1 quarantined"),
        "{out}"
    );
}
