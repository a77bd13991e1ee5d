//! A server whose connections all end after n octets, for n from the first to the last of a session:
//! the right error, nothing lost, and the next run completes.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

use crate::{
    email_fetch::{fetching_env, outcome},
    support::{
        dovecot::dovecot,
        fake_imap::{Answer, FakeImap},
        mails::sample,
    },
};

/// Every so many octets; all of them with `BOUNCEKIT_CUTS=1`.
fn stride() -> usize {
    std::env::var("BOUNCEKIT_CUTS").map_or(149, |text| text.parse().unwrap())
}

/// The rows that are not among the others.
fn beside<'a>(rows: &'a [String], others: &[String]) -> Vec<&'a String> {
    rows.iter().filter(|row| !others.contains(row)).collect()
}

#[test]
fn a_session_that_ends_after_any_number_of_octets_loses_nothing() {
    if crate::support::engine::is_about_files(
        "a database anew for each of hundreds of cuts takes minutes; `crash` tries kills there",
    ) {
        return;
    }
    let mails = ["postfix", "exim", "unsubscribe", "arf_provider"];
    let mails = mails.iter().enumerate();
    let mails: Vec<Vec<u8>> = mails
        .map(|(number, name)| sample(name, number).into_bytes())
        .collect();
    let server = FakeImap::start(mails, |_| Answer::Proper);
    let config = format!(
        "{}[[mailbox]]\nname = \"m\"\nafter = \"move:Done\"\n[limits]\nbatch_messages = 2\n",
        server.connection()
    );
    let env = fetching_env(&config);
    let empty = fs::read(env.path("bouncekit.db")).unwrap();
    let before = outcome(&env);
    env.run(["email:fetch"]).done();
    let (expected, whole) = (outcome(&env), server.longest());
    assert_ne!(before, expected);

    let (mut cuts, mut halfway) = (0, 0);
    // The first and the last octets tell most.
    let at = (0..40)
        .chain((40..whole - 40).step_by(stride()))
        .chain(whole - 40..whole);
    for octets in at {
        for file in ["bouncekit.db-wal", "bouncekit.db-shm"] {
            let _ = fs::remove_file(env.path(file));
        }
        fs::write(env.path("bouncekit.db"), &empty).unwrap();
        server.cut_after(octets);
        let cut = env.run(["email:fetch"]);
        cuts += 1;
        let code = cut.status.code();
        // Each connection may bring a part; mails too long for any of them are tried again.
        let too_long = cut.stdout.contains("deferred") && !cut.stdout.contains("quarantined");
        assert!(
            matches!(code, Some(0 | 3)) || (code == Some(1) && too_long),
            "{octets}: {cut:?}"
        );
        if code == Some(3) {
            assert!(
                cut.stderr.starts_with("error: mailbox `m`") && cut.stderr.contains("\nhint: "),
                "{octets}: {cut:?}"
            );
        }
        let found = outcome(&env);
        halfway += usize::from(found != before && found != expected);
        // Done is done: nothing is left for the next run, not even to be acknowledged.
        assert!(
            code != Some(0) || found == expected,
            "{octets}: {cut:?}\nonly after the cut: {:#?}\nonly without it: {:#?}\n{:#?}",
            beside(&found, &expected),
            beside(&expected, &found),
            server.commands()
        );
        server.cut_after(usize::MAX);
        env.run(["email:fetch"]).done();
        assert_eq!(outcome(&env), expected, "after {octets} octets");
    }
    println!("{cuts} cuts of a session of {whole} octets, {halfway} with a part committed");
    assert!(halfway > 0);
}

/// UIDs mean something under one UIDVALIDITY only (RFC 9051, 2.3.1.1): what an earlier session left to
/// be acknowledged would mark, move or delete other people's mail.
#[test]
fn a_folder_made_anew_gets_no_acknowledgement_of_the_old_one() {
    let mails: Vec<Vec<u8>> = ["postfix", "exim"]
        .into_iter()
        .enumerate()
        .map(|(number, name)| sample(name, number).into_bytes())
        .collect();
    for anew_at_once in [false, true] {
        let validity = Arc::new(AtomicU32::new(7));
        let told = Arc::clone(&validity);
        let server = FakeImap::start(mails.clone(), move |command| {
            let now = told.load(SeqCst);
            if command.starts_with("SELECT") {
                let shown = if now == 7 { 7 } else { 8 };
                Answer::raw(format!(
                    "* 2 EXISTS\r\n* OK [UIDVALIDITY {shown}] ok\r\n{{tag}} OK done\r\n"
                ))
            } else if command.starts_with("UID STORE") && now < 9 {
                if anew_at_once {
                    told.store(8, SeqCst);
                }
                Answer::Last(Vec::new())
            } else {
                Answer::Proper
            }
        });
        let env = fetching_env(&format!(
            "{}[[mailbox]]\nname = \"m\"\n",
            server.connection()
        ));
        let (_, err) = env.run(["email:fetch"]).exit(3);
        assert_eq!(err.contains("was made anew"), anew_at_once, "{err}");
        let stores = |commands: &[String]| {
            let stores = commands.iter().filter(|line| line.starts_with("UID STORE"));
            stores.count()
        };
        let first = server.commands().len();
        assert_eq!(stores(&server.commands()), if anew_at_once { 1 } else { 2 });
        assert!(
            outcome(&env)
                .iter()
                .any(|row| row.starts_with("mailbox_cursor"))
        );

        validity.store(9, SeqCst);
        let (told, _) = env.run(["email:fetch"]).exit(0);
        assert!(told.contains("2 fetched = 2 duplicate"), "{told}");
        let again = server.commands().split_off(first);
        let read = again.iter().position(|line| line.contains("BODY.PEEK"));
        assert_eq!(stores(&again[..read.unwrap()]), 0, "{again:?}");
        assert_eq!(stores(&again), 1, "{again:?}");
        assert!(
            !outcome(&env)
                .iter()
                .any(|row| row.starts_with("mailbox_cursor"))
        );
    }
}

#[test]
fn a_certificate_that_changed_between_two_runs() {
    let (Some(first), Some(second)) = (dovecot(), dovecot()) else {
        return;
    };
    let mailbox = "[[mailbox]]\nname = \"m\"\n";
    let env = fetching_env(&format!("{}{mailbox}", first.connection("tls")));
    first.put("INBOX", "1", sample("postfix", 1));
    let (told, _) = env.run(["email:fetch"]).exit(0);
    assert!(told.contains("1 fetched = 1 acted"), "{told}");
    let before = outcome(&env);

    // The same host now shows a certificate of an authority that nobody here knows.
    second.put("INBOX", "2", sample("exim", 2));
    let (ours, other) = (
        first.ca().display().to_string(),
        second.ca().display().to_string(),
    );
    let changed = second.connection("tls").replace(&other, &ours);
    env.write("bouncekit.toml", format!("{changed}{mailbox}"));
    let (_, told) = env.run(["email:fetch"]).exit(3);
    assert!(
        told.contains("TLS failed") && told.contains("hint: "),
        "{told}"
    );
    assert_eq!((outcome(&env), second.seen("INBOX")), (before, 0));
    let told = env.run(["doctor"]).stdout;
    assert!(
        told.contains("error    TLS: ") && told.contains("issued by"),
        "{told}"
    );

    env.write(
        "bouncekit.toml",
        format!("{}{mailbox}", second.connection("tls")),
    );
    let (told, _) = env.run(["email:fetch"]).exit(0);
    assert!(told.contains("1 fetched = 1 acted"), "{told}");
    assert_eq!(second.seen("INBOX"), 1);
}
