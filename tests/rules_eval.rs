//! `rules:eval`: labelled mails in, figures out.

use crate::support::{TestEnv, corpus};

const MAIL: &str = "From: MAILER-DAEMON@example.net\nSubject: x\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; one@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\n--b--\n";

const RIGHT: &str =
    r#"[{"recipient":"one@example.com","reason":"userunknown","hard":true,"status":"5.1.1"}]"#;
const WRONG: &str =
    r#"[{"recipient":"one@example.com","reason":"filtered","hard":false,"status":"5.1.1"}]"#;

#[test]
fn every_way_to_label_is_read_alike() {
    let env = TestEnv::new();
    env.write("lines/mails/x.eml", MAIL);
    env.write(
        "lines/expected.jsonl",
        format!("{{\"file\":\"mails/x.eml\",\"results\":{RIGHT}}}\n\n"),
    );
    env.write("beside/inner/x.eml", MAIL);
    env.write("beside/inner/x.json", format!("{{\"results\":{RIGHT}}}"));
    env.write("beside/y.eml", MAIL);
    env.write("beside/y.json", RIGHT);
    for (paths, mails) in [
        (&["lines"][..], 1),
        (&["lines/expected.jsonl"], 1),
        (&["beside"], 2),
        (&["beside/y.eml", "lines"], 2),
    ] {
        let args = ["rules:eval", "--format", "json", "--min", "100"]
            .iter()
            .chain(paths);
        let json = env.run(args).json();
        assert_eq!(json["mails"], mails, "{paths:?}");
        for field in ["recipient", "hard_soft", "reason", "status"] {
            assert_eq!(json["fields"][field]["agreed"], mails, "{paths:?} {field}");
        }
        assert_eq!(json["disagreements"], serde_json::json!([]));
    }
}

#[test]
fn below_the_minimum_is_exit_1_with_the_rule_that_decided() {
    let env = TestEnv::new();
    env.write("x.eml", MAIL);
    env.write("x.json", WRONG);
    let (text, _) = env.run(["rules:eval", "x.eml", "--min", "99"]).exit(1);
    assert!(
        text.contains("soft taken for hard                1"),
        "{text}"
    );
    assert!(text.contains("filtered             user_unknown               1"));
    assert!(
        text.contains("x.eml: soft taken for hard: expected soft, found hard user_unknown for one@example.com by rule ")
    );
    assert!(env.run(["rules:eval", "x.eml"]).done().contains(" 0.00"));
}

#[test]
fn mistakes_in_labels_are_told_with_their_line() {
    let env = TestEnv::new();
    env.write("a/expected.jsonl", "{\"file\":\"x.eml\",\"results\":[]}\n");
    env.write(
        "b/expected.jsonl",
        "\n{\"file\":\"x.eml\",\"results\":[{\"recipient\":null,\"reason\":\"no_such\"}]}\n",
    );
    env.write("c/x.eml", MAIL);
    for (folder, cause) in [
        ("a", "a/x.eml"),
        ("b", "b/expected.jsonl:2`: `no_such` is not a reason"),
        ("c", "`c` holds no labelled mail"),
        ("d", "`d`"),
    ] {
        let (_, stderr) = env.run(["rules:eval", folder]).exit(2);
        assert!(
            stderr.starts_with("error: ") && stderr.contains(cause),
            "{stderr}"
        );
    }
    let (_, stderr) = env.run(["rules:eval", "c", "--min", "101"]).exit(2);
    assert!(stderr.contains("between 0 and 100"), "{stderr}");
}

/// Mails of the corpus that do report a bounce but lack their label, and so look as if they reported
/// nothing: copies with other line ends, and one of a series.
fn is_unlabelled_copy(mail: &str) -> bool {
    [".cr.eml", ".crlf.eml", ".err.eml"]
        .iter()
        .any(|end| mail.starts_with("messages/") && mail.ends_with(end))
}

#[test]
fn the_corpus_is_recognised() {
    let Some(corpus) = corpus() else { return };
    let env = TestEnv::new();
    let corpus = corpus.to_str().unwrap();
    let json = env
        .run(["rules:eval", corpus, "--format", "json", "--worst", "1000"])
        .json();
    let short: Vec<String> = [
        ("recipient", 99.5),
        ("hard_soft", 98.5),
        ("reason", 97.0),
        ("status", 99.0),
    ]
    .iter()
    .filter(|(field, least)| json["fields"][field]["percent"].as_f64().unwrap() < *least)
    .map(|(field, least)| format!("{field} below {least}: {}", json["fields"][field]))
    .collect();
    assert!(short.is_empty(), "{short:?}");
    let taken: Vec<&str> = json["disagreements"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["mistake"] == "non-bounce taken for bounce")
        .map(|one| one["mail"].as_str().unwrap())
        .filter(|mail| !is_unlabelled_copy(mail))
        .collect();
    assert!(taken.is_empty(), "{taken:?}");
}
