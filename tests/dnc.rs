//! The do-not-contact list by hand: list, add, release.

use crate::support::{
    TestEnv,
    mailing::{addresses, bounce, full, latest_run, listed, mailing, rows, unknown},
};

/// anna and carl unknown, bert full five times, dora refused for our reputation, emil unsubscribed.
fn after_the_mailing(config: &str) -> TestEnv {
    let env = mailing(config);
    unknown(&env, 1, "1 Mar 2026 14:05:00");
    unknown(&env, 3, "1 May 2026 14:05:00");
    for day in 1..=5 {
        full(&env, 2, &format!("{day} May 2026 09:00:00"));
    }
    bounce(
        &env,
        4,
        "1 May 2026 14:30:00",
        "5.7.1",
        "550 5.7.1 messages from [192.0.2.1] weren't sent, part of their network is on our block list (S3150)",
    );
    env.run(["email:fetch"]).done();
    env.run([
        "dnc:add",
        "emil@example.net",
        "--reason",
        "unsubscribe",
        "--comment",
        "by phone",
    ])
    .done();
    env
}

#[test]
fn every_filter_chooses() {
    let env = after_the_mailing("[policy]\npreset = \"mautic\"\n");
    assert_eq!(listed(&env, &[]).len(), 5);
    for (options, wanted) in [
        (&["--reason", "mailbox_full"][..], &["bert@example.com"][..]),
        (
            &["--reason", "unsubscribe,mailbox_full"],
            &["bert@example.com", "emil@example.net"],
        ),
        (&["--fault", "sender"], &["dora@outlook.example"]),
        (
            &["--domain", "Outlook.example"],
            &["carl@outlook.example", "dora@outlook.example"],
        ),
        (
            &[
                "--receiving-host",
                "outlook.example",
                "--fault",
                "recipient",
            ],
            &["carl@outlook.example"],
        ),
        (&["--receiving-host", "ook.example"], &[]),
        (
            &["--campaign", "7", "--older-than", "60d"],
            &["anna@example.com"],
        ),
        (&["--newer-than", "2026-05-20"], &["emil@example.net"]),
        (
            &["--between", "2026-05-01 14:00", "2026-05-01 14:10"],
            &["carl@outlook.example"],
        ),
        (&["--run", "1"], &[]),
        (
            &["bert@EXAMPLE.com", "nobody@example.com"],
            &["bert@example.com"],
        ),
        (&["--limit", "1"], &["anna@example.com"]),
    ] {
        assert_eq!(addresses(&listed(&env, options)), wanted, "{options:?}");
    }
    let (_, err) = env.run(["dnc:list", "--reason", "mailbox_ful"]).exit(2);
    assert!(err.contains("did you mean `mailbox_full`?"), "{err}");
    let (_, err) = env.run(["dnc:list", "--between", "15:00", "14:00"]).exit(2);
    assert!(err.contains("is empty"), "{err}");
}

#[test]
fn a_release_is_shown_first_then_explained_and_does_not_come_back() {
    let env = after_the_mailing("");
    let selection = ["--reason", "mailbox_full", "--older-than", "20d"];
    let release = |more: &[&str]| env.run(["dnc:release"].iter().chain(&selection).chain(more));
    let would = release(&["--dry-run"]).done();
    assert!(
        would.contains("bert@example.com") && would.contains("1 would be released"),
        "{would}"
    );
    assert_eq!(listed(&env, &["--reason", "bounce"]).len(), 3);
    let did = release(&["--comment", "quota raised"]).done();
    assert!(did.contains("1 released"), "{did}");
    assert_eq!(listed(&env, &["bert@example.com"]).len(), 0);
    let shown = env.run(["contacts:show", "bert@example.com"]).done();
    assert!(
        shown.contains("release bounce mailbox_full by command line, quota raised"),
        "{shown}"
    );
    assert!(shown.contains("no: may be contacted"), "{shown}");
    // A report of the time before, that comes now, counts for nothing; a new one is the first.
    full(&env, 2, "6 May 2026 09:00:00");
    unknown(&env, 2, "7 May 2026 09:00:00");
    env.run(["email:fetch"]).done();
    assert_eq!(listed(&env, &["bert@example.com"]).len(), 0);
    unknown(&env, 2, "2 Jun 2026 09:00:00");
    env.run(["email:fetch"]).done();
    assert_eq!(
        listed(&env, &["bert@example.com"])[0]["detail"],
        "user_unknown"
    );
}

#[test]
fn what_the_person_wants_is_released_only_by_force_and_with_a_word() {
    let env = after_the_mailing("");
    let (_, err) = env.run(["dnc:release", "--reason", "unsubscribe"]).exit(2);
    assert!(err.contains("--force"), "{err}");
    assert!(
        env.run(["dnc:release", "emil@example.net", "--force"])
            .exit(2)
            .1
            .contains("--comment")
    );
    assert!(
        env.run([
            "dnc:release",
            "emil@example.net",
            "--force",
            "--comment",
            " ",
        ])
        .exit(2)
        .1
        .contains("why")
    );
    let said = env.run(["dnc:release", "emil@example.net"]).done();
    assert!(
        said.contains("0 released") && said.contains("1 complaints and unsubscribes kept"),
        "{said}"
    );
    let (_, err) = env.run(["dnc:release"]).exit(2);
    assert!(err.contains("who is to be released"), "{err}");
    env.run([
        "dnc:release",
        "emil@example.net",
        "--force",
        "--comment",
        "asked to come back",
    ])
    .done();
    assert!(listed(&env, &["emil@example.net"]).is_empty());
}

#[test]
fn the_hour_on_a_block_list_is_taken_back() {
    let env = after_the_mailing("[policy]\npreset = \"mautic\"\n");
    let incident = [
        "dnc:release",
        "--receiving-host",
        "outlook.example",
        "--between",
        "2026-05-01 14:00",
        "2026-05-01 15:10",
        "--fault",
        "sender",
        "--format",
        "json",
    ];
    let output = env.run(incident);
    let (out, err) = output.exit(0);
    assert_eq!(addresses(&rows(&out)), ["dora@outlook.example"]);
    assert!(err.contains("1 released by run"), "{err}");
    // Another hour's refusal, and the unknown user of the same hour, stay.
    assert_eq!(
        addresses(&listed(&env, &["--domain", "outlook.example"])),
        ["carl@outlook.example"]
    );
    let run = latest_run(&env);
    env.run(["runs:undo", &run]).done();
    assert_eq!(listed(&env, &["--domain", "outlook.example"]).len(), 2);
}

#[test]
fn an_entry_by_hand_ends_by_itself() {
    let mut env = mailing("");
    let said = env
        .run([
            "dnc:add",
            "anna@example.com",
            "gerd@example.org",
            "--for",
            "10d",
            "--comment",
            "on leave",
        ])
        .done();
    assert_eq!(said.matches("added").count(), 2, "{said}");
    let row = &listed(&env, &["gerd@example.org"])[0];
    assert_eq!(
        (&row["reason"], &row["expires_at"]),
        (&"manual".into(), &"2026-06-11T12:00:00Z".into())
    );
    env.set("BOUNCEKIT_NOW", "2026-06-02T12:00:00Z");
    assert!(
        env.run(["dnc:add", "anna@example.com", "--for", "5d"])
            .done()
            .contains("listed already")
    );
    env.set("BOUNCEKIT_NOW", "2026-06-11T12:00:00Z");
    assert!(listed(&env, &[]).is_empty());
    assert_eq!(listed(&env, &["--expired"]).len(), 2);
    let shown = env.run(["contacts:show", "anna@example.com"]).done();
    assert!(
        shown.contains("no: may be contacted") && shown.contains("(over)"),
        "{shown}"
    );
    let again = env
        .run(["dnc:add", "anna@example.com", "--reason", "user_unknown"])
        .done();
    assert!(again.contains("added"), "{again}");
    let (_, err) = env
        .run(["dnc:add", "anna@example.com", "--until", "2026-01-01"])
        .exit(2);
    assert!(err.contains("end before"), "{err}");
    let before = listed(&env, &[]);
    env.run(["dnc:add", "bert@example.com", "--dry-run"]).done();
    assert_eq!(listed(&env, &[]), before);
}

#[test]
fn a_filter_restricts_lists_exports_and_releases() {
    let env = mailing("");
    for person in [1, 3] {
        unknown(&env, person, "1 May 2026 14:05:00");
    }
    full(&env, 5, "1 May 2026 14:05:00");
    env.run(["email:fetch"]).done();
    env.run_with(
        ["contacts:import", "-"],
        "id,email,city\n1,anna@example.com,Graz\n3,carl@outlook.example,Wien\n",
    )
    .done();
    env.run(["dnc:add", "nobody@example.org"]).done();
    let only = ["--filter", "contact.city = graz"];
    assert_eq!(addresses(&listed(&env, &only)), ["anna@example.com"]);
    let hosts = [
        "--filter",
        "contact.city = wien",
        "--reason",
        "user_unknown",
    ];
    assert_eq!(addresses(&listed(&env, &hosts)), ["carl@outlook.example"]);
    let both = ["--filter", "contact.city = wien", "--domain", "example.com"];
    assert_eq!(listed(&env, &both).len(), 0);
    let export = env
        .run([
            "dnc:export",
            "--dry-run",
            "--quiet",
            "--filter",
            "bounced and city = Graz",
        ])
        .done();
    assert_eq!(export, "anna@example.com\n");
    let (_, err) = env.run(["dnc:list", "--filter", "city ="]).exit(2);
    assert!(err.contains("hint: "), "{err}");
    let release = env
        .run(["dnc:release", "--filter", "contact.city = wien"])
        .done();
    assert!(release.contains("1 released"), "{release}");
    assert_eq!(
        addresses(&listed(&env, &[])),
        ["anna@example.com", "nobody@example.org"]
    );
}
