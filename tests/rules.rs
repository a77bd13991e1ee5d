//! Own rules: read from a file, tried first, tested and listed.

use crate::support::TestEnv;

const MAIL: &str = "From: MAILER-DAEMON@example.net\nMessage-ID: <b1@example.net>\nDate: Mon, 1 Jun 2026 10:00:00 +0000\nSubject: Undelivered\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; one@example.com\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx.example.com\nDiagnostic-Code: smtp; 550 5.1.1 user unknown, Kennziffer 47\n--b--\n";

const RULES: &str = "[[rules]]\nid = \"number-47\"\nreason = \"mailbox_full\"\nphrases = \"Kennziffer 47|\"\nhosts = \"example.com\"\nsample = { text = \"550 Kennziffer 47\", host = \"mx.example.com\" }\n";

const CONFIG: &str =
    "rules_file = \"own.toml\"\n[[mailbox]]\nname = \"m\"\nkind = \"mbox\"\npath = \"mails\"\n";

#[test]
fn explaining_and_fetching_try_own_rules_first() {
    let env = TestEnv::with_config(CONFIG);
    env.write("own.toml", RULES);
    env.write("x.eml", MAIL);
    env.write("mails", format!("From MAILER-DAEMON\n{MAIL}\n"));
    let report = &env
        .run(["email:explain", "x.eml", "--format", "json"])
        .json()["reports"][0];
    assert_eq!(report["rule"], "number-47");
    assert_eq!(report["reason"], "mailbox_full");
    assert_eq!(report["matched"], "kennziffer 47");

    env.run(["email:fetch"]).done();
    let listed = env.run(["rules:list", "--format", "json"]).done();
    let first: serde_json::Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["rule"], &first["hits"]),
        (&"number-47".into(), &1.into())
    );
}

#[test]
fn without_configuration_and_database_the_built_in_rules_are_listed() {
    if crate::support::engine::is_about_files("there is no database") {
        return;
    }
    let env = TestEnv::new();
    let listed = env.run(["rules:list", "--format", "json"]).done();
    let rules: Vec<serde_json::Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(rules.len() > 100);
    let unknown = rules
        .iter()
        .find(|rule| rule["rule"] == "user-unknown")
        .unwrap();
    assert_eq!(unknown["fault"], "recipient");
    assert_eq!(unknown["permanence"], "hard");
    assert!(unknown["hits"].is_null());
    assert!(
        unknown["phrases"]
            .as_array()
            .unwrap()
            .contains(&"user unknown".into())
    );
    assert!(!env.path("bouncekit.db").exists());
    let text = env.run(["rules:list"]).done();
    assert!(text.contains("phrases: ") && text.contains(", +"), "{text}");
    let csv = env.run(["rules:list", "--format", "csv"]).done();
    assert_eq!(csv.lines().count(), rules.len() + 1);
}

#[test]
fn samples_are_run_and_the_built_in_verdict_is_shown() {
    let env = TestEnv::new();
    env.write("own.toml", RULES);
    let csv = env
        .run(["rules:test", "own.toml", "--format", "csv"])
        .done();
    assert_eq!(
        csv.lines().nth(1).unwrap(),
        "1,number-47,ok,number-47,mailbox_full,kennziffer 47,reply-mailbox,user_unknown"
    );
    env.write(
        "wrong.toml",
        format!("{RULES}[[rules]]\nid = \"late\"\nreason = \"filtered\"\nphrases = \"kennziffer\"\nsample = {{ text = \"kennziffer 47\", host = \"example.com\" }}\n[[rules]]\nid = \"bare\"\nreason = \"filtered\"\nreply = 599\n"),
    );
    let (out, _) = env.run(["rules:test", "wrong.toml"]).exit(1);
    assert!(out.contains("failed") && out.contains("no sample"), "{out}");
}

#[test]
fn mistakes_in_the_file_are_told_before_anything_happens() {
    let env = TestEnv::with_config(CONFIG);
    env.write("mails", format!("From MAILER-DAEMON\n{MAIL}\n"));
    env.write(
        "own.toml",
        "[[rules]]\nid = \"a\"\nreason = \"mailbox_fll\"\nphrases = \"x\"\n",
    );
    for command in [
        &["email:fetch"][..],
        &["rules:list"],
        &["rules:test"],
        &["rules:test", "own.toml"],
    ] {
        let (out, err) = env.run(command).exit(2);
        assert_eq!(out, "");
        assert!(
            err.contains("own.toml:3: ") && err.contains("`mailbox_fll`"),
            "{err}"
        );
        assert!(err.contains("hint: did you mean `mailbox_full`?"), "{err}");
    }
    assert!(!env.path("bouncekit.db").exists());
    std::fs::remove_file(env.path("own.toml")).unwrap();
    let (_, err) = env.run(["email:fetch"]).exit(2);
    assert!(
        err.contains("own.toml") && err.contains("rules_file"),
        "{err}"
    );
    let (_, err) = TestEnv::new().run(["rules:test"]).exit(2);
    assert!(err.contains("rules_file"), "{err}");
}
