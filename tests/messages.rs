//! Mails of every kind, walked; and what no mail may do.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bouncekit_core::message::{Inbound, Options, ReportKind, Target, parse};
use proptest::prelude::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/messages")
}

/// Every `.eml` with the `.json` beside it.
fn fixtures() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(root())
        .unwrap()
        .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "eml"))
        .collect();
    found.sort();
    found
}

fn kind_name(kind: Option<ReportKind>) -> &'static str {
    match kind {
        None | Some(ReportKind::Bounce) => "bounce",
        Some(ReportKind::Delayed) => "delayed",
        Some(ReportKind::Delivered) => "delivered",
        Some(ReportKind::Relayed) => "relayed",
        Some(ReportKind::Complaint) => "complaint",
        Some(ReportKind::NotSpam) => "not_spam",
        Some(ReportKind::FeedbackOther) => "feedback_other",
        Some(ReportKind::Unsubscribe) => "unsubscribe",
        Some(ReportKind::Reply) => "reply",
        Some(ReportKind::AutoReply) => "auto_reply",
    }
}

/// What a mail was read as, with those fields of a report that its expectation names.
fn summary(inbound: &Inbound, expected: &serde_json::Value) -> serde_json::Value {
    let clue = |target: &Target| match target {
        Target::Token(token) => token.hash.to_string(),
        Target::MessageId(id) => id.clone(),
    };
    let mut clues: Vec<String> = Vec::new();
    for name in inbound.clues.iter().map(|found| clue(&found.target)) {
        if !clues.contains(&name) {
            clues.push(name);
        }
    }
    let reports = inbound.reports.iter().enumerate().map(|(index, report)| {
        let all = serde_json::json!({
            "kind": kind_name(report.kind),
            "recipient": report.recipient,
            "original_recipient": report.original_recipient,
            "status": report.status.map(|status| status.to_string()),
            "reply_code": report.reply_code,
            "remote_mta": report.remote_mta,
            "diagnostic": report.diagnostic,
        });
        let named = &expected["reports"][index];
        let mut kept = serde_json::Map::new();
        for (name, value) in all.as_object().unwrap() {
            if name == "kind" || name == "recipient" || named.get(name).is_some() {
                kept.insert(name.clone(), value.clone());
            }
        }
        serde_json::Value::Object(kept)
    });
    serde_json::json!({
        "format": inbound.format.name(),
        "reports": reports.collect::<Vec<_>>(),
        "clues": clues,
    })
}

#[test]
fn every_fixture_is_read_as_expected_whatever_its_line_ends() {
    let mut wrong = Vec::new();
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for path in fixtures() {
        let folder = path
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_string_lossy();
        *seen.entry(folder.into_owned()).or_default() += 1;
        let text = fs::read(&path).unwrap();
        let expected = fs::read_to_string(path.with_extension("json"))
            .unwrap_or_else(|_| panic!("{} has no expectation", path.display()));
        let mut expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
        let sort = |value: &mut serde_json::Value| {
            if let Some(clues) = value["clues"].as_array_mut() {
                clues.sort_by_key(ToString::to_string);
            }
        };
        sort(&mut expected);
        for (name, line_end) in [("LF", "\n"), ("CRLF", "\r\n"), ("CR", "\r")] {
            let lines: Vec<&[u8]> = text.split(|octet| *octet == b'\n').collect();
            let variant = lines.join(line_end.as_bytes());
            let mut found = summary(&parse(&variant, &Options::default()), &expected);
            sort(&mut found);
            if found != expected {
                wrong.push(format!(
                    "{} {name}\n  found    {found}\n  expected {expected}",
                    path.display()
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\n{} wrong",
        wrong.join("\n"),
        wrong.len()
    );
    let of = |name: &str| seen.get(name).copied().unwrap_or(0);
    let harmless = of("auto_reply") + of("not_bounce");
    let bounces = of("dsn") + of("text_bounce");
    let positive = of("arf") + of("unsubscribe") + of("reply") + of("sns_mail");
    assert!(
        harmless >= 60 && positive >= 25 && bounces >= 75,
        "{seen:?}"
    );
}

/// Read in bounded time, whatever it is.
fn read(text: &[u8]) -> Inbound {
    let start = Instant::now();
    let inbound = parse(text, &Options::default());
    // Generous for the debug build on a busy machine; what is quadratic takes minutes.
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
    inbound
}

#[test]
fn reports_of_megabytes_are_read_in_linear_time() {
    const HEAD: &str = "From: MAILER-DAEMON@example.org\nSubject: failure notice\n";
    let qmail = format!("{HEAD}\nHi. This is the qmail-send program at q.example.org.\n");
    for (head, piece) in [
        (qmail.clone(), "<dora@example.net>:\n"),
        (qmail.clone(), "550 5.1.1 "),
        (qmail.clone(), "a@"),
        (
            qmail,
            "Received: x\nMessage-ID: <1@example.org>\nFrom: MAILER-DAEMON@example.org\n\n",
        ),
        (
            format!("{HEAD}Content-Type: text/html\n\nundeliverable"),
            "<a",
        ),
        (
            format!("{HEAD}Content-Type: text/html\n\n"),
            "<p>&lt;dora@example.net&gt; undeliverable</p>",
        ),
        (
            format!(
                "{HEAD}Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; dora@example.net\nDiagnostic-Code: smtp; "
            ),
            " 550-5.1.1 no\n",
        ),
    ] {
        let size = 3_000_000 / piece.len();
        let inbound = read(format!("{head}{}", piece.repeat(size)).as_bytes());
        let longest = inbound
            .reports
            .iter()
            .map(|report| report.diagnostic.len())
            .max();
        assert!(longest.unwrap_or(0) < 20_000, "{piece}");
    }
}

#[test]
fn the_largest_mail_that_is_fetched_is_read_in_linear_time() {
    const LARGEST: usize = 25_000_000;
    const HEAD: &str = "From: MAILER-DAEMON@example.org\nSubject: failure notice\n\nHi. This is the qmail-send program at q.example.org.\n\n<dora@example.net>:\nno such user\n\n--- Below this line is a copy of the message.\n\n";
    // With a header, and without one: then no blank line ends it.
    for (head, line) in [
        (
            "From: a@example.org\nSubject: x\n\n",
            "A line of the message.\n",
        ),
        ("", "A line of the message.\n"),
        ("From: a@example.org\n", "X-Field: value\n"),
    ] {
        let size = LARGEST / line.len();
        let inbound = read(format!("{HEAD}{head}{}", line.repeat(size)).as_bytes());
        assert_eq!(
            inbound.reports[0].recipient.as_deref(),
            Some("dora@example.net")
        );
    }
}

#[test]
fn nothing_at_all_is_nothing() {
    for text in [
        &b""[..],
        b"\n",
        b"\r\n\r\n",
        b"\0",
        b"From ",
        b":",
        b"Subject",
    ] {
        assert!(read(text).reports.is_empty());
    }
}

#[test]
fn a_header_of_a_megabyte_is_cut() {
    let words = "=?utf-8?q?=41bc?= ".repeat(60_000);
    let inbound = read(format!("Subject: {words}\nFrom: a@example.com\n\nx\n").as_bytes());
    assert!(inbound.subject.starts_with("Abc") && inbound.subject.len() < 100_000);
    assert_eq!(inbound.from.as_deref(), Some("a@example.com"));
}

#[test]
fn ten_thousand_nested_parts_keep_their_headers() {
    let mut text =
        String::from("Delivered-To: n+unsubscribe_abc@example.com\nFrom: a@example.com\n");
    for level in 0..10_000 {
        text.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"
        ));
    }
    let inbound = read(text.as_bytes());
    assert_eq!(inbound.clues.len(), 1);
}

#[test]
fn invalid_base64_and_unknown_charsets_give_what_can_be_had() {
    let text = "From: a@example.com\nIn-Reply-To: <x@example.com>\nContent-Type: text/plain; charset=klingon-8\nContent-Transfer-Encoding: base64\n\n!!!!R3J=====\u{ff}\n";
    assert_eq!(read(text.as_bytes()).format.name(), "reply");
}

#[test]
fn nul_bytes_do_not_end_a_mail() {
    let inbound = read(
        b"From: a@example.com\nSubject: a\0b\nDelivered-To: n+unsubscribe_abc@example.com\n\n\0\0",
    );
    assert_eq!(inbound.format.name(), "unsubscribe");
    assert!(!inbound.subject.contains('\0'));
}

/// Found by fuzzing: the text of a report without a Diagnostic-Code is a diagnostic too.
#[test]
fn diagnostics_hold_no_control_characters() {
    let mail = b"From: MAILER-DAEMON@mx.example.net\nSubject: Returned mail\nMIME-Version: 1.0\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
        --b\n\n550 5.1.2 <anna@example.com>... Host\0unknown \x1b[31m\n\
        --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n\
        Final-Recipient: rfc822; anna@example.com\nAction: failed\nStatus: 5.1.2\n\n--b--\n";
    let inbound = read(mail);
    assert!(!inbound.reports.is_empty());
    for report in &inbound.reports {
        assert!(
            !report.diagnostic.contains(char::is_control),
            "{:?}",
            report.diagnostic
        );
    }
}

#[test]
fn broken_address_lists_still_name_the_send() {
    let inbound = read(
        b"From: a@example.com\nTo: <>, \"x, <n+bounce_abc@example.com>;;, undisclosed: (\n\nx\n",
    );
    assert_eq!(inbound.clues.len(), 1);
}

#[test]
fn a_hash_of_ten_kilobytes_is_no_hash() {
    let text = format!(
        "From: a@example.com\nTo: n+unsubscribe_{}@example.com\n\nx\n",
        "a".repeat(10_000)
    );
    let inbound = read(text.as_bytes());
    assert!(inbound.clues.is_empty() && inbound.reports.is_empty());
}

#[test]
fn words_unsubscribe_only_where_they_were_asked_for() {
    let mail = b"From: a@example.com\nTo: leave@example.com\nSubject: Abmelden\n\nBitte.\n";
    let kind = |options: &Options| parse(mail, options).format.name();
    assert_eq!(kind(&Options::default()), "other");
    let address = Options {
        unsubscribe_addresses: vec!["Leave@example.com".into()],
        ..Options::default()
    };
    assert_eq!(kind(&address), "unsubscribe");
    let folder = Options {
        unsubscribe_folder: true,
        ..Options::default()
    };
    assert_eq!(kind(&folder), "unsubscribe");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        read(&bytes);
    }

    #[test]
    fn truncations_and_splices_of_fixtures_are_read(
        one in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
    ) {
        let all = fixtures();
        let mut text = fs::read(&all[one.index(all.len())]).unwrap();
        let tail = fs::read(&all[other.index(all.len())]).unwrap();
        text.truncate(cut.index(text.len() + 1));
        read(&text);
        text.extend_from_slice(&tail[from.index(tail.len() + 1)..]);
        read(&text);
    }
}
