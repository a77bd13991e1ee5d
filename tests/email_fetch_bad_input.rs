//! Mails, servers, files and disks that are not as they should be: told, counted, survived.

use std::{
    fs,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::Value;

use crate::{
    email_fetch::{assert_balance, fetching_env, outcome},
    support::{
        TestEnv,
        dovecot::dovecot,
        fake_imap::{Answer, FakeImap, body},
        mails::{self, hash, sample},
        proxy::{Passage, Proxy},
        tables,
    },
};

const ONE: &str = "[[mailbox]]\nname = \"m\"\n";

fn total(env: &TestEnv, status: i32) -> Value {
    let (out, err) = env.run(["email:fetch", "--format", "json"]).exit(status);
    let value: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    assert_balance(&value["total"]);
    value["total"].clone()
}

/// Mails that are hard to read; most still name their send.
fn odd_mails() -> Vec<(&'static str, Vec<u8>)> {
    let to = |number| {
        format!(
            "Delivered-To: news+bounce_{}@news.example.com\n",
            hash(number)
        )
    };
    let mut nested = to(1) + "From: MAILER-DAEMON@mx.example\n";
    for level in 0..10_000 {
        nested += &format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
    }
    let long_hash = "a".repeat(10_000);
    let bounce = sample("postfix", 2);
    let base64 = bounce.replacen(
        "Content-Type: text/plain; charset=us-ascii",
        "Content-Type: text/plain; charset=klingon-8\nContent-Transfer-Encoding: base64",
        1,
    );
    vec![
        ("empty", Vec::new()),
        ("blank", b"\r\n".to_vec()),
        (
            "megabyte of header",
            format!("Subject: {}\n{bounce}", "=?utf-8?q?=41bc?= ".repeat(60_000)).into_bytes(),
        ),
        ("nested", nested.into_bytes()),
        ("invalid base64, unknown charset", base64.into_bytes()),
        (
            "NUL",
            bounce
                .replace("Undelivered", "Un\0delivered")
                .replace("mailbox table", "mail\0box\u{1b}[31m table")
                .into_bytes(),
        ),
        (
            "address lists",
            bounce
                .replace("To: news", "To: <>, \"x, <a@b>;;, undisclosed: (, news")
                .into_bytes(),
        ),
        (
            "hash",
            format!("To: n+bounce_{long_hash}@news.example.com\nFrom: a@b.example\n\nx\n")
                .into_bytes(),
        ),
        ("binary", (0..=255).cycle().take(20_000).collect()),
        (
            "a line of ten megabytes",
            format!("{bounce}{}\n", "no such user ".repeat(800_000)).into_bytes(),
        ),
        ("cut", bounce.as_bytes()[..bounce.len() / 2].to_vec()),
    ]
}

#[test]
fn odd_mails_are_counted_and_never_stop_the_run() {
    let Some(dovecot) = dovecot() else { return };
    let mails = odd_mails();
    for (number, (_, mail)) in mails.iter().enumerate() {
        dovecot.put("INBOX", &format!("{number:02}"), mail);
    }
    dovecot.put("INBOX", "99", sample("postfix", 3));
    let env = fetching_env(&(dovecot.connection("tls") + ONE));
    let total = total(&env, 0);
    assert_eq!(total["fetched"], mails.len() + 1, "{total}");
    assert_eq!(dovecot.seen("INBOX"), mails.len() + 1);
    // The good one behind them, and the bounces that are odd only in places.
    assert!(total["acted"].as_u64() >= Some(2), "{total}");
    for person in [2, 3] {
        let shown = env.run(["contacts:show", &mails::address(person)]).done();
        assert!(
            shown.contains("user_unknown") && !shown.contains('\u{1b}'),
            "{shown}"
        );
    }
}

#[test]
fn a_message_over_the_limit_is_counted_and_not_read() {
    let Some(dovecot) = dovecot() else { return };
    dovecot.put(
        "INBOX",
        "1",
        format!("{}{}", sample("postfix", 1), "x".repeat(20_000)),
    );
    dovecot.put("INBOX", "2", sample("postfix", 2));
    // What could not be read is never deleted unasked.
    let config =
        dovecot.connection("plain") + ONE + "after = \"delete\"\n[limits]\nmessage_size = 10000\n";
    let env = fetching_env(&config);
    let total = total(&env, 1);
    assert_eq!(
        (&total["quarantined"], &total["acted"]),
        (&1.into(), &1.into()),
        "{total}"
    );
    let left = dovecot.flags("INBOX");
    assert_eq!(
        left.iter()
            .map(|(name, flags)| (&**name, &**flags))
            .collect::<Vec<_>>(),
        [("1", "S")]
    );
    assert!(
        outcome(&env)
            .iter()
            .any(|row| row.starts_with("quarantine") && row.contains("limits.message_size"))
    );
    env.run(["email:fetch"]).done();
}

#[test]
fn a_message_that_vanishes_between_search_and_fetch_is_no_error() {
    let Some(dovecot) = dovecot() else { return };
    let dovecot = std::sync::Arc::new(dovecot);
    for number in 1..=4 {
        dovecot.put("INBOX", &number.to_string(), sample("postfix", number));
    }
    // Another client deletes two of them just before they are asked for.
    let (other, done) = (std::sync::Arc::downgrade(&dovecot), AtomicBool::new(false));
    let proxy = Proxy::watching(dovecot.port, move |command| {
        if let (true, Some(dovecot)) = (command.contains("BODY.PEEK"), other.upgrade())
            && !done.swap(true, Ordering::SeqCst)
        {
            let mut client = dovecot.client();
            client.select("INBOX").unwrap();
            client
                .uid_store("2:3", "+FLAGS.SILENT (\\Deleted)")
                .unwrap();
            client.expunge().unwrap();
        }
        Passage::Forward
    });
    let connection = dovecot
        .connection("plain")
        .replace(&dovecot.port.to_string(), &proxy.port.to_string());
    let env = fetching_env(&(connection + ONE));
    let total = total(&env, 0);
    assert_eq!(
        (&total["fetched"], &total["acted"]),
        (&2.into(), &2.into()),
        "{total}"
    );
    assert_eq!(dovecot.seen("INBOX"), 2);
}

/// A mock is used here and below: Dovecot cannot be made to answer like this.
#[test]
fn nil_bodies_unknown_answers_and_long_lines_are_read_over() {
    let mails = vec![
        sample("postfix", 1).into_bytes(),
        sample("postfix", 2).into_bytes(),
    ];
    let second = mails[1].clone();
    let fake = FakeImap::start(mails, move |command| {
        if command.contains("BODY.PEEK") {
            let mut answer = b"* 1 FETCH (UID 1 BODY[] NIL)\r\n".to_vec();
            answer.extend_from_slice(b"* 17 EXISTS\r\n* OK Still 50% here, gr\xfc\xdfe\r\n* 3 FETCH (FLAGS (\\Seen))\r\n");
            answer.extend_from_slice(format!("* OK {}\r\n", "x".repeat(600_000)).as_bytes());
            answer.extend_from_slice(b"* 99 FETCH (UID 99 BODY[] {3}\r\nabc)\r\n");
            answer.extend(body(2, &second));
            answer.extend_from_slice(b"{tag} OK done\r\n");
            Answer::Raw(answer)
        } else {
            Answer::Proper
        }
    });
    let env = fetching_env(&(fake.connection() + ONE));
    let first = total(&env, 1);
    assert_eq!(
        first["fetched"], 2,
        "nothing that was not asked for: {first}"
    );
    assert_eq!(
        (&first["acted"], &first["deferred"]),
        (&1.into(), &1.into()),
        "{first}"
    );
    let second = total(&env, 1);
    assert_eq!(
        (&second["duplicate"], &second["quarantined"]),
        (&1.into(), &1.into()),
        "{second}"
    );
    assert!(
        outcome(&env)
            .iter()
            .any(|row| row.contains("the server gives no body"))
    );
}

/// One message makes every answer that holds it unreadable, in one way or another: it alone is put
/// away, after the second run.
#[test]
fn one_message_that_breaks_the_session_is_isolated_and_quarantined() {
    type Lie = fn(usize, &[u8]) -> Vec<u8>;
    let lies: [(&str, Lie); 4] = [
        ("less announced than sent", |uid, mail| {
            let announced = format!(
                "* {uid} FETCH (UID {uid} BODY[] {{{}}}\r\n",
                mail.len() - 300
            );
            [announced.as_bytes(), mail, b")\r\n"].concat()
        }),
        ("no IMAP at all", |_, _| {
            b"<html>502 Bad Gateway</html>\r\n".to_vec()
        }),
        ("the end", |_, _| b"* BYE Internal error\r\n".to_vec()),
        ("endless", |_, _| vec![b'x'; 3 << 20]),
    ];
    for (name, lie) in lies {
        let mails: Vec<Vec<u8>> = (1..=9)
            .map(|number| sample("postfix", number).into_bytes())
            .collect();
        let script_mails = mails.clone();
        let fake = FakeImap::start(mails, move |command| {
            let Some(set) = command
                .strip_prefix("UID FETCH ")
                .filter(|_| command.contains("BODY.PEEK"))
            else {
                return Answer::Proper;
            };
            let set = set.split(' ').next().unwrap();
            if !crate::support::fake_imap::holds(set, 6) {
                return Answer::Proper;
            }
            let mut answer = lie(6, &script_mails[5]);
            if name == "the end" {
                return Answer::Last(answer);
            }
            answer.extend_from_slice(b"{tag} OK done\r\n");
            Answer::Raw(answer)
        });
        let env = fetching_env(&(fake.connection() + "read_timeout = \"2s\"\n" + ONE));
        let first = total(&env, 1);
        assert_eq!(
            (&first["acted"], &first["deferred"]),
            (&8.into(), &1.into()),
            "{name}: {first}"
        );
        let stored = |uid| {
            fake.commands().iter().any(|command| {
                command.strip_prefix("UID STORE ").is_some_and(|rest| {
                    crate::support::fake_imap::holds(rest.split(' ').next().unwrap(), uid)
                })
            })
        };
        assert!(stored(5) && !stored(6) && stored(7), "{name}");
        // The mock keeps no flags, so the eight are offered again.
        let second = total(&env, 1);
        assert_eq!(
            (&second["duplicate"], &second["quarantined"]),
            (&8.into(), &1.into()),
            "{name}: {second}"
        );
        assert!(stored(6), "{name}");
        assert!(
            outcome(&env)
                .iter()
                .any(|row| row.starts_with("quarantine") && row.contains("UID 6")),
            "{name}"
        );
    }
}

#[test]
fn a_server_that_sends_without_end_is_cut_off_in_bounded_memory() {
    let endless = |command: &str, word: &str, octets: &'static [u8]| {
        if command.contains(word) {
            Answer::Endless(
                octets.repeat(100_000 / octets.len()),
                std::time::Duration::ZERO,
            )
        } else {
            Answer::Proper
        }
    };
    for (word, octets) in [
        ("SEARCH", &b"x"[..]),
        ("SEARCH", b"* SEARCH 1 2 3\r\n"),
        ("BODY.PEEK", b"* 1 FETCH (UID 1 BODY[] {99999999999}\r\n"),
        ("CAPABILITY", b"* OK wait\r\n"),
    ] {
        let fake = FakeImap::start(vec![b"x".to_vec()], move |command| {
            endless(command, word, octets)
        });
        let env = fetching_env(&(fake.connection() + "total_timeout = \"50s\"\n" + ONE));
        // Half a gigabyte of address space: an answer of any length would not fit.
        let output = Command::new("prlimit")
            .args([
                "--as=536870912",
                env!("CARGO_BIN_EXE_bouncekit"),
                "email:fetch",
            ])
            .current_dir(env.path(""))
            .env("MAIL_PASSWORD", "x")
            .output();
        let Ok(output) = output else {
            eprintln!("skipped: no prlimit(1) here");
            return;
        };
        let err = String::from_utf8(output.stderr).unwrap();
        let (code, words) = if word == "BODY.PEEK" {
            (1, "")
        } else {
            (3, "far more than was asked for")
        };
        assert_eq!(output.status.code(), Some(code), "{word}: {err}");
        assert!(err.contains(words), "{word}: {err}");
    }
}

#[test]
fn databases_that_are_not_ours_are_refused_before_anything_is_fetched() {
    if crate::support::engine::is_about_files("it writes into the file") {
        return;
    }
    let Some(dovecot) = dovecot() else { return };
    dovecot.put("INBOX", "1", sample("postfix", 1));
    let config = dovecot.connection("plain") + ONE;
    let env = fetching_env(&config);
    let refused = |words: &[&str]| {
        let (out, err) = env.run(["email:fetch"]).exit(2);
        assert_eq!(out, "");
        for word in words {
            assert!(err.contains(word), "no `{word}` in {err}");
        }
        assert_eq!(dovecot.seen("INBOX"), 0);
    };
    let version = |version: i64| {
        let database = rusqlite::Connection::open(env.path("bouncekit.db")).unwrap();
        database
            .pragma_update(None, "user_version", version)
            .unwrap();
    };
    version(999);
    refused(&["bouncekit.db", "version 999", "hint: use the newer program"]);
    for name in ["bouncekit.db", "bouncekit.db-wal", "bouncekit.db-shm"] {
        let _ = fs::remove_file(env.path(name));
    }
    env.write("bouncekit.db", "Dear diary, ".repeat(500));
    refused(&["bouncekit.db", "not a database", "hint: set `store.path`"]);
    fs::remove_file(env.path("bouncekit.db")).unwrap();
    let other = rusqlite::Connection::open(env.path("bouncekit.db")).unwrap();
    other.execute_batch("CREATE TABLE diary (entry)").unwrap();
    refused(&["bouncekit.db", "other program"]);
    env.write(
        "bouncekit.toml",
        format!("{config}[store]\npath = \"no/such/folder/b.db\"\n"),
    );
    refused(&["no/such/folder/b.db", "hint: the folder must exist"]);
}

#[test]
fn a_full_disk_loses_nothing() {
    if crate::support::engine::is_about_files(
        "it is the disk under the file that fills; what a server says of its own is tried in `postgres`",
    ) {
        return;
    }
    let Some(dovecot) = dovecot() else { return };
    let disk = SmallDisk::mount();
    let Some(disk) = disk else { return };
    for number in 0..100_u32 {
        // Incompressible, unrecognised and so archived.
        let mut state = number + 1;
        let noise: String = (0..40_000).map(|_| char::from(noise(&mut state))).collect();
        dovecot.put(
            "INBOX",
            &format!("{number:03}"),
            format!("Subject: {number}\n\n{noise}\n"),
        );
    }
    let path = disk.0.path().join("b.db");
    let store = format!("[store]\npath = \"{}\"\n", path.display());
    let config = dovecot.connection("plain") + ONE + "[limits]\nbatch_messages = 10\n" + &store;
    let env = TestEnv::with_config(&config);
    let mut env = env;
    env.set("MAIL_PASSWORD", crate::support::dovecot::PASSWORD);
    let (_, err) = env.run(["email:fetch"]).exit(2);
    assert!(
        err.contains("the disk is full") && err.contains("hint: free some space"),
        "{err}"
    );
    let committed = tables::count(&path, "event");
    assert!(committed < 100);
    assert!(
        dovecot.seen("INBOX") <= committed,
        "only what is committed is flagged"
    );
    // Room again: the rest follows.
    let roomy = env.path("roomy.db");
    fs::copy(&path, &roomy).unwrap();
    let _ = fs::copy(path.with_extension("db-wal"), env.path("roomy.db-wal"));
    env.write(
        "bouncekit.toml",
        config.replace(&path.display().to_string(), &roomy.display().to_string()),
    );
    let rest = env.run(["email:fetch", "--format", "json"]).json();
    assert_balance(&rest["total"]);
    assert_eq!(
        (tables::count(&roomy, "event"), dovecot.seen("INBOX")),
        (100, 100)
    );
}

/// A printable octet (xorshift).
fn noise(state: &mut u32) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    b'!' + state.to_be_bytes()[1] % 90
}

/// A file system of 2 MB in memory.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(folder.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("skipped: this user may not mount a small disk");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn maildir_mbox_and_files_are_mailboxes_too() {
    let mut env = fetching_env("");
    env.write("maildir/new/1.a.host", sample("postfix", 1));
    env.write("maildir/cur/2.a.host:2,S", sample("postfix", 2));
    env.write("maildir/cur/3.a.host:2,F", sample("sendmail", 3));
    env.write("maildir/tmp/4.a.host", sample("postfix", 4));
    env.write("maildir/.Unsubs/new/5.a.host", sample("unsubscribe", 5));
    fs::create_dir_all(env.path("maildir/.Unsubs/cur")).unwrap();
    let mut mbox = String::new();
    for mail in [sample("postfix", 6), sample("exim", 7), "x\n".to_owned()] {
        mbox += &format!("From MAILER-DAEMON Sun May 31 09:00:00 2026\n{mail}\n");
    }
    env.write("returned.mbox", mbox);
    env.write("one.eml", sample("google", 8));
    env.write("many/1.eml", sample("domino", 9));
    env.write("many/2.eml", sample("postfix", 10).replace('\n', "\r\n"));
    env.write(
        "bouncekit.toml",
        "
[[mailbox]]
name = \"a\"
kind = \"maildir\"
path = \"maildir\"
folders = { bounces = \"INBOX\", unsubscribes = \"Unsubs\" }
[[mailbox]]
name = \"b\"
kind = \"mbox\"
path = \"returned.mbox\"
[[mailbox]]
name = \"c\"
kind = \"file\"
path = \"one.eml\"
[[mailbox]]
name = \"d\"
kind = \"file\"
path = \"many\"
",
    );
    env.set("MAIL_PASSWORD", "none");
    let dry = env
        .run(["email:fetch", "--dry-run", "--format", "json"])
        .json();
    assert!(env.path("maildir/new/1.a.host").is_file());
    let real = env.run(["email:fetch", "--format", "json"]).json();
    assert_eq!(real["total"], dry["total"]);
    assert_eq!(real["total"]["fetched"], 9, "{real}");
    assert_eq!(real["total"]["acted"], 8, "{real}");
    assert!(env.path("maildir/cur/1.a.host:2,S").is_file());
    assert!(env.path("maildir/cur/3.a.host:2,FS").is_file());
    let before = outcome(&env);
    let again = env.run(["email:fetch", "--format", "json"]).json();
    // Files carry no flags: read again, known already.
    assert_eq!(
        (&again["total"]["fetched"], &again["total"]["duplicate"]),
        (&6.into(), &6.into())
    );
    assert_eq!(outcome(&env), before);
}
