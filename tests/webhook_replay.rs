//! `webhook:replay` on good and bad input: every event counted once, the rest of a bad file
//! applied, nobody marked by mistake.

use std::io::Write as _;

use crate::support::{Output, TestEnv};

const HASH: &str = "5f86a61cc8084320276637";

/// A store that knows anna (with a send), bert and carl.
fn env(config: &str) -> TestEnv {
    let env = TestEnv::with_config(config);
    let people = "email\nanna@example.com\nbert@example.com\ncarl@example.com\n";
    env.run_with(["contacts:import"], people).done();
    let sends = format!(
        "tracking_hash,email_address,email_id,date_sent\n{HASH},anna@example.com,7,2026-05-01 10:00:00\n"
    );
    env.run_with(["sends:import"], sends).done();
    env
}

fn sendgrid(event: &str, email: &str, id: &str, more: &str) -> String {
    format!(
        r#"{{"email":"{email}","event":"{event}","sg_event_id":"{id}","timestamp":1780000000{more}}}"#
    )
}

const HARD: &str = r#","type":"bounce","status":"5.1.1","reason":"550 5.1.1 no such user""#;

fn replay(env: &TestEnv, args: &[&str], input: impl AsRef<[u8]> + Send) -> Output {
    env.run_with([&["webhook:replay"], args].concat(), input)
}

/// The reasons for which an address is on the do-not-contact list.
fn reasons(env: &TestEnv, address: &str) -> Vec<String> {
    let shown = env
        .run(["contacts:show", address, "--format", "json"])
        .json();
    let rows = shown["do_not_contact"].as_array().unwrap();
    rows.iter()
        .map(|row| row["reason"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_event_acts_once_however_it_comes() {
    let env = env("");
    let event = sendgrid("bounce", "Anna@Example.com", "e1", HARD);
    let out = replay(&env, &[], format!("[{event}]")).done();
    assert!(
        out.starts_with("1 fetched = 1 acted (1 hard bounce)"),
        "{out}"
    );
    assert_eq!(reasons(&env, "anna@example.com"), ["bounce"]);

    let body = format!("[{event}]\r\n");
    let http = format!(
        "POST /mailer/sendgrid_api/callback HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let chunked = format!(
        "POST /any HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let stored = format!(
        "From bouncekit 2026-05-30T01:02:03.004Z\nPOST /mailer/sendgrid/callback HTTP/1.1\ncontent-length: {}\n\n{body}\n",
        body.len()
    );
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(format!("{event}\n{event}\n").as_bytes())
        .unwrap();
    for (input, events) in [
        (format!("{event}\n").into_bytes(), 1),
        (
            format!("\u{feff}[\r\n{event},\r\n{event}]\r\n").into_bytes(),
            2,
        ),
        (http.clone().into_bytes(), 1),
        (chunked.into_bytes(), 1),
        ([stored.clone(), stored, http].concat().into_bytes(), 3),
        (gzip.finish().unwrap(), 2),
    ] {
        let out = replay(&env, &[], &input).done();
        let wanted = format!("{events} fetched = {events} duplicate\n");
        assert_eq!(out, wanted, "{}", String::from_utf8_lossy(&input));
    }
}

#[test]
fn every_event_is_counted_once() {
    let env = env("");
    let lines = [
        sendgrid("bounce", "anna@example.com", "1", HARD),
        sendgrid("bounce", "anna@example.com", "1", HARD),
        sendgrid("spamreport", "bert@example.com", "2", ""),
        sendgrid("bounce", "nobody@example.com", "3", HARD),
        sendgrid("bounce", "carl@example.com", "4", r#","type":"blocked""#),
        sendgrid("delivered", "anna@example.com", "5", ""),
        sendgrid("something_new", "anna@example.com", "6", ""),
        sendgrid("bounce", "not an address", "7", HARD),
    ];
    let file = env.write("events.ndjson", lines.join("\n"));
    let file = file.to_str().unwrap();
    let wanted =
        "8 fetched = 2 acted + 1 recorded + 1 unknown address + 1 duplicate + 2 ignored + 1 errors";
    let (out, _) = replay(&env, &["--dry-run", file], "").exit(1);
    assert!(out.starts_with(&format!("dry run: {wanted}")), "{out}");
    assert!(reasons(&env, "bert@example.com").is_empty());

    let (out, err) = replay(&env, &[file], "").exit(1);
    assert!(out.starts_with(wanted), "{out}");
    assert!(err.contains("events.ndjson: line 8, offset"), "{err}");
    assert!(
        err.contains("`something_new` ignored: unknown event type"),
        "{err}"
    );
    assert_eq!(reasons(&env, "bert@example.com"), ["complaint"]);
    assert!(reasons(&env, "carl@example.com").is_empty());
    let runs = env.run(["runs:list", "--format", "json"]).done();
    assert!(runs.contains("webhook:replay"), "{runs}");
}

#[test]
fn the_address_of_the_payload_wins_over_the_hash() {
    let env = env("");
    let of_anna = format!(r#","hashId":"{HASH}"{HARD}"#);
    let unknown = format!(r#","hashId":"0123456789abc12345678"{HARD}"#);
    let lines = [
        sendgrid("bounce", "bert@example.com", "1", &of_anna),
        sendgrid("bounce", "carl@example.com", "2", &unknown),
    ];
    let out = replay(&env, &[], lines.join("\n")).done();
    assert!(out.starts_with("2 fetched = 2 acted"), "{out}");
    assert!(reasons(&env, "anna@example.com").is_empty());
    assert_eq!(reasons(&env, "bert@example.com"), ["bounce"]);
    assert_eq!(reasons(&env, "carl@example.com"), ["bounce"]);
    let shown = env.run(["contacts:show", "bert@example.com"]).done();
    assert!(shown.contains("went to another address"), "{shown}");
}

#[test]
fn the_providers_verdict_decides_not_the_text() {
    let env = env("");
    // Hard by the provider, though the text speaks of a full mailbox; soft though it says 5.1.1.
    let full = r#","type":"bounce","reason":"552 5.2.2 mailbox full""#;
    let blocked = r#","type":"blocked","reason":"550 5.1.1 user unknown, account disabled""#;
    let lines = [
        sendgrid("bounce", "anna@example.com", "1", full),
        sendgrid("bounce", "bert@example.com", "2", blocked),
        sendgrid(
            "bounce",
            "carl@example.com",
            "3",
            r#","type":"blocked","reason":"554 5.2.1 mailbox suspended""#,
        ),
    ];
    let out = replay(&env, &[], lines.join("\n")).done();
    assert!(out.contains("1 hard bounce, 2 soft bounce"), "{out}");
    assert_eq!(reasons(&env, "anna@example.com"), ["bounce"]);
    assert!(reasons(&env, "bert@example.com").is_empty());
    assert!(reasons(&env, "carl@example.com").is_empty());
}

#[test]
fn the_preset_mautic_restores_its_verdicts() {
    let env = env("[policy]\npreset = \"mautic\"");
    let lines = [
        sendgrid("bounce", "anna@example.com", "1", r#","type":"blocked""#),
        sendgrid("spamreport", "bert@example.com", "2", ""),
        sendgrid(
            "dropped",
            "carl@example.com",
            "3",
            r#","reason":"Spam Content""#,
        ),
    ];
    let out = replay(&env, &[], lines.join("\n")).done();
    assert!(out.starts_with("3 fetched = 3 acted"), "{out}");
    for address in ["anna@example.com", "bert@example.com", "carl@example.com"] {
        assert_eq!(reasons(&env, address), ["bounce"]);
    }
}

#[test]
fn since_leaves_out_what_is_older() {
    let env = env("");
    let event = sendgrid("bounce", "anna@example.com", "1", HARD);
    let (out, err) = replay(&env, &["--since", "2027-01-01"], &event).exit(0);
    assert!(out.starts_with("1 fetched = 1 ignored"), "{out}");
    assert!(err.contains("1 events before --since"), "{err}");
    let (_, err) = replay(&env, &["--since", "yesterday"], &event).exit(2);
    assert!(err.contains("`--since yesterday` is no time"), "{err}");
}

#[test]
fn whose_webhook_it_is_must_be_clear() {
    let env = env("");
    let (_, err) = replay(
        &env,
        &[],
        r#"{"email":"anna@example.com","event":"bounce"}"#,
    )
    .exit(2);
    assert!(
        err.contains("standard input is refused") && err.contains("--provider"),
        "{err}"
    );
    let both = r#"[{"msys":{},"sg_event_id":"1","event":"bounce"}]"#;
    let (_, err) = replay(&env, &[], both).exit(2);
    assert!(
        err.contains("sendgrid") && err.contains("sparkpost"),
        "{err}"
    );
    let (_, err) = replay(&env, &["--provider", "sendgird"], "[]").exit(2);
    assert!(err.contains("`sendgird`"), "{err}");
    // Nothing at all, and the providers' checks of an address, are no mistakes.
    for nothing in [
        "",
        "[]",
        "[ ]\n",
        "mandrill_events=%5B%5D",
        r#"[{"msys":{}}]"#,
    ] {
        let out = replay(&env, &[], nothing).done();
        assert_eq!(out, "0 fetched\n", "{nothing}");
    }
    // The first entry that is anybody's decides for all.
    let event = sendgrid("bounce", "anna@example.com", "1", HARD);
    let (out, _) = replay(&env, &[], format!("[null,{{\"x\":1}},{event}]")).exit(1);
    assert!(out.starts_with("3 fetched = 1 acted + 2 errors"), "{out}");
    // Of another provider nothing is believed.
    let (out, err) = replay(&env, &["--provider", "mailjet"], &event).exit(1);
    assert!(out.starts_with("1 fetched = 1 errors"), "{out}{err}");
    assert!(err.contains("an event of sendgrid"), "{err}");
    let request = format!("POST /mailer/mandrill/callback HTTP/1.1\n\n{event}");
    let (out, err) = replay(&env, &[], request).exit(1);
    assert!(out.starts_with("1 fetched = 1 errors"), "{out}{err}");
}

#[test]
fn broken_json_costs_only_itself() {
    let env = env("");
    let event = |id: &str| sendgrid("bounce", "anna@example.com", id, HARD);
    let cut = &event("0")[..60];
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let nested = format!(r#"{{"email":"a@b.c","event":"bounce","x":{deep}}}"#);
    let (a, b) = (event("1"), event("2"));
    for (name, input, good) in [
        ("a line cut off", format!("{a}\n{cut}\n{b}\n"), 2),
        ("the last line cut off", format!("{a}\n{b}\n{cut}"), 2),
        ("an array cut off", format!("[{a},{b},{cut}"), 2),
        ("an array without end", format!("[{a},{b}"), 2),
        ("an element cut off", format!("[{a},{cut},{b}]"), 2),
        (
            "a comma missing in an element",
            format!("[{a},{{\"x\":1 \"y\":2}},{b}]"),
            2,
        ),
        ("deep", format!("{a}\n{deep}\n{b}\n"), 2),
        ("deep within", format!("[{a},{nested},{b}]"), 2),
        (
            "another page",
            format!("{a}\n<html>\n<body>502</body>\n</html>\n{b}\n"),
            2,
        ),
    ] {
        let (out, err) = replay(&env, &["--dry-run", "--format", "ndjson"], &input).exit(1);
        let bad = out.matches(r#""kind":"error""#).count();
        assert_eq!(
            (out.lines().count(), bad),
            (good + 1, 1),
            "{name}: {out}{err}"
        );
        assert!(
            err.contains("line ") && err.contains("offset "),
            "{name}: {err}"
        );
    }
}

#[test]
fn what_is_not_utf8_costs_only_itself() {
    let env = env("");
    let event = sendgrid("bounce", "anna@example.com", "1", HARD);
    let mut input = format!("{event}\n{{\"event\":\"bounce\",\"email\":\"").into_bytes();
    input.extend_from_slice(b"\xc3\x28@example.com\"}\n");
    let (out, err) = replay(&env, &[], &input).exit(1);
    assert!(out.starts_with("2 fetched = 1 acted + 1 errors"), "{out}");
    assert!(err.contains("not UTF-8") && err.contains("line 2"), "{err}");
}

#[test]
fn a_line_over_the_limit_is_one_error_and_a_long_array_is_none() {
    let env = env("");
    let event = sendgrid("delivered", "anna@example.com", "1", "");
    let long = format!(
        "{event}\n{{\"event\":\"bounce\",\"reason\":\"{}\"}}\n{event}\n",
        "x".repeat(17 * 1024 * 1024)
    );
    let (out, err) = replay(&env, &[], &long).exit(1);
    assert!(out.starts_with("3 fetched = 2 ignored + 1 errors"), "{out}");
    assert!(err.contains("line 2, offset"), "{err}");

    // One line too, but of values of usual size.
    let many = vec![event.as_str(); 200_000].join(",");
    assert!(many.len() > 17 * 1024 * 1024);
    let out = replay(&env, &[], format!("[{many}]")).done();
    assert_eq!(out, "200000 fetched = 200000 ignored\n");
}

#[test]
fn one_bad_entry_among_a_hundred_thousand() {
    let env = env("");
    let mut events: Vec<String> = (0..100_000)
        .map(|id| sendgrid("open", "anna@example.com", &id.to_string(), ""))
        .collect();
    events[777] = sendgrid("bounce", "anna@example.com", "777", HARD);
    events[50_000] = r#"{"event":"bounce","sg_event_id":"x"}"#.into();
    let (out, err) = replay(&env, &[], format!("[\n{}\n]", events.join(",\n"))).exit(1);
    assert!(
        out.starts_with("100000 fetched = 1 acted + 99998 ignored + 1 errors"),
        "{out}"
    );
    assert!(err.contains("line 50002, offset"), "{err}");
    assert!(err.contains("`bounce` without an address"), "{err}");
}

#[test]
fn numbers_may_be_strings_and_times_may_be_wild() {
    let env = env("");
    let rows = |input: &str| {
        let out = replay(&env, &["--dry-run", "--format", "json"], input)
            .exit(0)
            .0;
        serde_json::from_str::<serde_json::Value>(&out).unwrap()
    };
    let sparkpost = r#"[{"msys":{"message_event":{"type":"bounce","bounce_class":"10","error_code":550,
        "event_id":92356927693813856,"rcpt_to":"anna@example.com","timestamp":1454442600.5,
        "rcpt_meta":[],"raw_reason":"550 5.1.1 no"}}}]"#;
    let row = &rows(sparkpost)[0];
    assert_eq!(row["event_id"], "92356927693813856");
    assert_eq!(row["smtp_code"], 550);
    assert_eq!(row["timestamp"], "2016-02-02T19:50:00Z");

    for (time, wanted) in [
        (
            "\"1454442600000\"",
            serde_json::json!("2016-02-02T19:50:00Z"),
        ),
        ("32503680000", serde_json::json!("3000-01-01T00:00:00Z")),
        ("0", serde_json::json!("1970-01-01T00:00:00Z")),
        ("-5", serde_json::Value::Null),
        ("1e300", serde_json::Value::Null),
        ("\"soon\"", serde_json::Value::Null),
        ("{}", serde_json::Value::Null),
    ] {
        let input = format!(
            r#"{{"event":"bounce","type":"bounce","email":"anna@example.com","sg_event_id":"t{}","timestamp":{time}}}"#,
            time.len()
        );
        assert_eq!(rows(&input)[0]["timestamp"], wanted, "{time}");
        replay(&env, &[], &input).done();
    }
    // Whatever they claim, nothing happened later than it came in.
    let shown = env.run(["contacts:show", "anna@example.com"]).done();
    assert!(!shown.contains("3000-01-01"), "{shown}");
}

#[test]
fn forms_are_read_within_bounds() {
    let env = env("");
    let event = "transaction=t&to=anna%40example.com&date=5%2F1%2F2026+1%3A02%3A03+PM&status=Error&category=NoMailbox";
    let (out, _) = replay(
        &env,
        &[],
        format!("{event}\nGET /mailer/elasticemail/callback?{event} HTTP/1.1\n\n"),
    )
    .exit(0);
    assert!(
        out.starts_with("2 fetched = 1 acted + 1 duplicate"),
        "{out}"
    );
    let many: Vec<String> = (0..10_000).map(|n| format!("&p{n}=x")).collect();
    let many = many.concat();
    let out = replay(&env, &[], format!("{event}{many}\n")).done();
    assert_eq!(out, "1 fetched = 1 duplicate\n");
    let (out, err) = replay(&env, &["--provider", "mandrill"], format!("a=b{many}")).exit(1);
    assert!(out.starts_with("1 fetched = 1 errors"), "{out}");
    assert!(err.contains("no `mandrill_events`"), "{err}");
}

#[test]
fn hostile_text_never_reaches_the_terminal() {
    let env = env("");
    let event = sendgrid("\\u001b[31mnew", "anna@example.com", "1", "");
    let (_, err) = replay(&env, &[], &event).exit(0);
    assert!(
        err.contains("unknown event type") && !err.contains('\u{1b}'),
        "{err}"
    );
}
