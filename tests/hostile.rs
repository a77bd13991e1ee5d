//! Diagnostics, subjects, addresses and names are the attacker's text: harmless wherever it is shown.

use bouncekit_core::webhook::Provider;

use crate::support::{TestEnv, proofs::hard_bounce};

/// Clears the screen, sets the title, turns the text round, ends a line, opens a tag, breaks a
/// label, starts a formula.
const EVIL: &str = "=HYPERLINK(1)\u{1b}[2J\u{1b}]0;gone\u{7}\u{9b}31m\u{202e}\u{2066}\u{2028}<script>alert(1)</script>\" onload='x' \\";

/// What a terminal or a reader takes for an order; line feeds and tabs are ours.
fn is_hostile(char: char) -> bool {
    (char.is_control() && !matches!(char, '\n' | '\t'))
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn world() -> TestEnv {
    let env = TestEnv::with_config(
        "[[mailbox]]\nname = \"back\"\nkind = \"file\"\npath = \"back\"\n[limits]\nmessage_size = 20000\n",
    );
    let escaped = EVIL.replace('"', "\"\"");
    // The first addresses are formulas by themselves.
    let people = [
        "=1+1@example.com",
        "+49@example.com",
        "-2@example.com",
        "anna@example.com",
    ];
    let mut contacts = String::from("id,email,note\n");
    let mut sends = String::from("tracking_hash,email_address,email_id,date_sent\n");
    for (id, address) in people.iter().enumerate() {
        contacts += &format!("\"{id}{escaped}\",{address},\"{escaped}\"\n");
        sends += &format!("hash{id},{address},\"{escaped}\",2026-05-30 08:00:00\n");
    }
    env.run_with(["contacts:import", "-"], contacts).exit(0);
    env.run_with(["sends:import", "-"], sends).exit(0);
    for (id, address) in people.iter().enumerate() {
        env.write(
            format!("back/{id}.eml"),
            format!(
                "From: MAILER-DAEMON@mx.example.com\r\nTo: news+bounce_hash{id}@example.org\r\n\
                 Message-ID: <r{id}@mx.example.com>\r\nDate: Sun, 31 May 2026 10:00:00 +0000\r\n\
                 Subject: {EVIL}\r\nMIME-Version: 1.0\r\n\
                 Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
                 --b\r\nContent-Type: text/plain\r\n\r\nsorry {EVIL}\r\n\
                 --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; {EVIL}\r\n\r\n\
                 Final-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
                 Remote-MTA: dns; {EVIL}\r\nDiagnostic-Code: smtp; 550 5.1.1 {EVIL} user unknown\r\n\r\n--b--\r\n"
            ),
        );
    }
    env.write(
        "back/9.eml",
        format!("From: {EVIL} <{EVIL}@x.example>\r\nSubject: {EVIL}\r\n\r\n{EVIL}\r\n"),
    );
    env.write(
        format!("back/{}.eml", EVIL.replace('/', "")),
        format!("Subject: {EVIL}\r\n\r\n{}", "x".repeat(30_000)),
    );
    let sendgrid = Provider::named("sendgrid").unwrap();
    let json = serde_json::to_string(EVIL).unwrap();
    let event = hard_bounce(sendgrid, "eve@example.com", 1).replacen(
        '{',
        &format!("{{\"reason\":{json},\"useragent\":{json},\"category\":[{json}],"),
        1,
    );
    let bad = format!("[{{\"event\":{json},\"email\":{json},\"timestamp\":1780000000}}]\n");
    env.write("events.json", event + &bad);
    env
}

#[track_caller]
fn assert_harmless(what: &str, text: &str) {
    if let Some(char) = text.chars().find(|char| is_hostile(*char)) {
        let line = text
            .lines()
            .find(|line| line.contains(char))
            .unwrap_or_default();
        panic!("{what}: {char:?} in {line:?}");
    }
}

#[test]
fn every_command_that_shows_it_makes_it_harmless() {
    let env = world();
    env.write("other.toml", "[policy]\npreset = \"mautic\"\n");
    let mut shown = 0;
    let run = |args: &[&str]| {
        let output = env.run(args);
        assert_harmless(&format!("{args:?} stderr"), &output.stderr);
        let code = output.status.code().unwrap();
        assert!(code == 0 || code == 1, "{args:?}: {output:?}");
        output.stdout
    };
    let evil_segment = "<script>=1+1' \"x\"";
    for args in [
        &["email:explain", "back/0.eml"][..],
        &["email:explain", "back/9.eml"],
        &["email:fetch", "--dry-run"],
        &["email:fetch", "-vv"],
        &[
            "webhook:replay",
            "--provider",
            "sendgrid",
            "--verify",
            "off",
            "events.json",
        ],
        &["segments:create", evil_segment, "--filter", "bounced"],
        &["segments:update", "--dry-run"],
        &["segments:update"],
        &["dnc:add", "-2@example.com", "--comment", EVIL],
        &["dnc:list"],
        &["contacts:list"],
        &["contacts:show", "=1+1@example.com"],
        &["segments:list"],
        &["segments:show", evil_segment],
        &["segments:explain", evil_segment, "=1+1@example.com"],
        &["runs:list"],
        &["runs:show", "1"],
        &["quarantine:list"],
        &["report"],
        &["report", "--check"],
        &["metrics"],
        &["policy:test", "other.toml"],
    ] {
        let args: Vec<&str> = if args.contains(&"-2@example.com") {
            vec!["dnc:add", "--comment", EVIL, "--", "-2@example.com"]
        } else {
            args.to_vec()
        };
        let out = run(&args);
        assert_harmless(&format!("{args:?}"), &out);
        shown += usize::from(out.contains("script"));
    }
    for command in [
        "dnc:list",
        "contacts:list",
        "segments:list",
        "runs:list",
        "quarantine:list",
    ] {
        let out = run(&[command, "--format", "csv"]);
        assert_harmless(&format!("{command} csv"), &out);
        shown += usize::from(out.contains("script"));
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(out.as_bytes());
        for record in reader.records() {
            for cell in &record.unwrap() {
                // A negative number is no formula.
                assert!(
                    !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
                        || cell.parse::<f64>().is_ok(),
                    "{command}: {cell:?}"
                );
            }
        }
        let out = run(&[command, "--format", "json"]);
        assert!(
            !out.chars().any(|char| char.is_control() && char != '\n'),
            "{command}: {out}"
        );
    }
    run(&["report", "--format", "html", "--output", "report.html"]);
    let html = std::fs::read_to_string(env.path("report.html")).unwrap();
    assert_harmless("report.html", &html);
    assert!(
        !html.contains("<script") && html.contains("&lt;script"),
        "{html}"
    );
    assert!(shown > 6, "the set is hardly shown at all: {shown}");
}
