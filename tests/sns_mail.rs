//! SES notifications that come as mail from SNS: all their recipients, if somebody vouches for them.

use crate::support::TestEnv;

const MAIL: &str = r#"Authentication-Results: mx.example.com 1;
 dkim=pass (2048-bit key) header.d=amazonses.com header.s=x; spf=pass smtp.mailfrom=0100@amazonses.com
From: AWS Notifications <no-reply@sns.amazonaws.com>
To: bounces@example.com
Message-ID: <0100015697743d4c@email.amazonses.com>
Date: Mon, 01 Jun 2026 11:00:00 +0000
Subject: AWS Notification Message
Content-Type: text/plain; charset=UTF-8

{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"anna@example.com"},{"emailAddress":"bert@example.com"}],"timestamp":"2026-06-01T10:59:44.101Z","feedbackId":"f1"},"mail":{"source":"news@example.com","messageId":"m1"}}

--
If you wish to stop receiving notifications from this topic, please visit ...
"#;

fn fetched(env: &TestEnv, trust: &str) -> (usize, String) {
    env.write(
        "bouncekit.toml",
        format!("[[mailbox]]\nname = 'b'\nkind = 'mbox'\npath = 'box'\nafter = 'keep'\n[provider.amazon_ses]\n{trust}\n"),
    );
    let (out, _) = env.run(["email:fetch"]).exit(0);
    let suppressed = ["anna@example.com", "bert@example.com"]
        .iter()
        .filter(|address| {
            let shown = env
                .run(["contacts:show", address, "--format", "json"])
                .json();
            !shown["do_not_contact"].as_array().unwrap().is_empty()
        });
    (suppressed.count(), out)
}

fn env(mail: &str) -> TestEnv {
    let env = TestEnv::with_config("");
    env.write("people.csv", "email\nanna@example.com\nbert@example.com\n");
    let _ = env.run(["contacts:import", "people.csv"]).done();
    env.write("box", format!("From a Mon Jun  1 11:00:00 2026\n{mail}"));
    env
}

#[test]
fn untrusted_it_is_only_recorded_and_trusted_later_it_counts() {
    let env = env(MAIL);
    assert_eq!(fetched(&env, "").0, 0);
    assert_eq!(
        fetched(&env, "trusted_mail_hosts = ['mx.other.example']").0,
        0
    );
    assert_eq!(
        fetched(&env, "trusted_mail_hosts = ['mx.example.com']").0,
        2
    );
}

#[test]
fn a_forged_one_is_not_vouched_for_by_its_own_header() {
    let forged = MAIL
        .replace("header.d=amazonses.com", "header.d=evil.example")
        .replace("0100@amazonses.com", "a@evil.example");
    let env = env(&forged);
    assert_eq!(
        fetched(&env, "trusted_mail_hosts = ['mx.example.com']").0,
        0
    );
}

#[test]
fn all_can_be_trusted() {
    let env = env(MAIL
        .split_once("From: ")
        .map(|(_, rest)| format!("From: {rest}"))
        .unwrap()
        .as_str());
    assert_eq!(
        fetched(&env, "trusted_mail_hosts = ['mx.example.com']").0,
        0
    );
    assert_eq!(fetched(&env, "trust_sns_mail = true").0, 2);
}
