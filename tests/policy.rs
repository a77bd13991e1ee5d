//! `[policy]`: what it does, and what another one would do.

use crate::support::mailing::{addresses, bounce, full, listed, mailing, rows, unknown};

const REPUTATION: &str = "550 5.7.1 messages from [192.0.2.1] weren't sent, part of their network is on our block list (S3150)";

#[test]
fn overrides_by_domain_campaign_and_receiving_host() {
    let env = mailing(
        r#"
        [[policy.override]]
        campaigns = ["8"]
        threshold = 2
        [[policy.override]]
        domains = ["example.com"]
        reasons = { user_unknown = { action = "suppress", for = "90d" } }
        [[policy.override]]
        receiving_hosts = ["outlook.example"]
        reasons = { blocked = "suppress", user_unknown = "record" }
        "#,
    );
    for person in 1..=6 {
        full(&env, person, "20 May 2026 09:00:00");
        full(&env, person, "21 May 2026 09:00:00");
    }
    unknown(&env, 1, "22 May 2026 09:00:00");
    unknown(&env, 3, "22 May 2026 09:00:00");
    bounce(&env, 4, "22 May 2026 09:00:00", "5.7.1", REPUTATION);
    bounce(&env, 2, "22 May 2026 09:00:00", "5.7.1", REPUTATION);
    env.run(["email:fetch"]).done();
    let rows = listed(&env, &[]);
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            (text("address"), text("detail"), text("expires_at"))
        })
        .collect();
    let row = |address: &str, detail: &str, until: &str| {
        (address.to_owned(), detail.to_owned(), until.to_owned())
    };
    assert_eq!(
        found,
        [
            row("anna@example.com", "user_unknown", "2026-08-20T09:00:00Z"),
            row("dora@outlook.example", "blocked", ""),
            row("emil@example.net", "mailbox_full", ""),
            row("fritz@example.net", "mailbox_full", ""),
        ]
    );
}

#[test]
fn a_policy_is_tried_before_anyone_is_suppressed() {
    let env = mailing("");
    unknown(&env, 1, "20 May 2026 09:00:00");
    for day in 20..=22 {
        full(&env, 2, &format!("{day} May 2026 09:00:00"));
    }
    bounce(&env, 3, "22 May 2026 09:00:00", "5.7.1", REPUTATION);
    env.run(["email:fetch"]).done();
    env.run(["dnc:add", "emil@example.net", "--comment", "by phone"])
        .done();
    let before = listed(&env, &[]);
    assert_eq!(addresses(&before), ["anna@example.com", "emil@example.net"]);

    env.write("stricter.toml", "[policy]\nthreshold = 3\n");
    let said = env.run(["policy:test", "stricter.toml"]).done();
    assert!(said.contains("suppressed  bert@example.com"), "{said}");
    assert!(
        said.contains("1 (1 bounce mailbox_full) would be suppressed, 0 freed, 0 changed; 2 stay"),
        "{said}"
    );
    env.write(
        "milder.toml",
        "[store]\npath = \"elsewhere.db\"\n[policy.reasons]\nuser_unknown = \"record\"\nblocked = \"suppress\"\n",
    );
    let output = env.run(["policy:test", "milder.toml", "--format", "json"]);
    let (out, err) = output.exit(0);
    let changes: Vec<_> = rows(&out)
        .iter()
        .map(|row| format!("{} {}", row["change"], row["address"]).replace('"', ""))
        .collect();
    assert_eq!(
        changes,
        ["freed anna@example.com", "suppressed carl@outlook.example"]
    );
    assert!(err.contains("1 (1 bounce user_unknown) freed"), "{err}");
    env.write("same.toml", "[policy]\n");
    let said = env.run(["policy:test", "same.toml", "--summary"]).done();
    assert_eq!(
        said.trim(),
        "0 would be suppressed, 0 freed, 0 changed; 2 stay as they are"
    );
    assert_eq!(listed(&env, &[]), before);
    // What it foretells is what happens.
    env.write(
        "bouncekit.toml",
        format!(
            "{}[policy]\nthreshold = 3\n",
            crate::support::mailing::CONFIG
        ),
    );
    full(&env, 2, "23 May 2026 09:00:00");
    env.run(["email:fetch"]).done();
    assert_eq!(listed(&env, &["bert@example.com"]).len(), 1);
}

#[test]
fn a_mistake_in_a_policy_is_named_with_its_line() {
    let env = mailing("");
    env.write("wrong.toml", "[policy]\nthreshhold = 3\n");
    let (_, err) = env.run(["policy:test", "wrong.toml"]).exit(2);
    assert!(
        err.contains("wrong.toml:2") && err.contains("did you mean `threshold`?"),
        "{err}"
    );
    let (_, err) = env.run(["policy:test", "missing.toml"]).exit(2);
    assert!(err.contains("missing.toml"), "{err}");
}

#[test]
fn a_delivery_forgets_points_but_frees_nobody() {
    let env = mailing("");
    for day in 20..=23 {
        full(&env, 2, &format!("{day} May 2026 09:00:00"));
        full(&env, 1, &format!("{day} May 2026 09:00:00"));
    }
    full(&env, 1, "24 May 2026 09:00:00");
    let delivered = |person: usize, address: &str| {
        let mail = format!(
            "From: MAILER-DAEMON@mx.example.org\r\nTo: news+bounce_hash{person}@example.org\r\nMessage-ID: <d{person}@mx.example.org>\r\n\
             Date: 25 May 2026 09:00:00 +0000\r\nSubject: Delivered\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nDelivered.\r\n--b\r\n\
             Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n\
             Final-Recipient: rfc822; {address}\r\nAction: delivered\r\nStatus: 2.0.0\r\n--b--\r\n"
        );
        env.write(format!("back/delivered{person}.eml"), mail);
    };
    delivered(1, "anna@example.com");
    delivered(2, "bert@example.com");
    full(&env, 2, "26 May 2026 09:00:00");
    env.run(["email:fetch"]).done();
    assert_eq!(addresses(&listed(&env, &[])), ["anna@example.com"]);
}
