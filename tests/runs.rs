//! Runs: shown, and undone.

use crate::support::mailing::{addresses, full, latest_run, listed, mailing, unknown};

#[test]
fn what_an_undone_run_brought_is_in_no_count() {
    let env = mailing("");
    unknown(&env, 1, "1 May 2026 14:05:00");
    env.run(["email:fetch"]).done();
    unknown(&env, 3, "2 May 2026 14:05:00");
    full(&env, 4, "2 May 2026 14:05:00");
    env.run(["email:fetch"]).done();
    let totals = || {
        let report = env
            .run(["report", "--since", "60d", "--format", "json"])
            .json();
        let hits = env.run(["rules:list", "--format", "json"]).done();
        let hits: u64 = hits
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .filter_map(|rule| rule["hits"].as_u64())
            .sum();
        let count = |value: &serde_json::Value, name: &str| value[name].as_u64().unwrap();
        let campaign = &report["campaigns"][0];
        (
            count(&report["totals"], "hard_bounces") + count(&report["totals"], "soft_bounces"),
            count(campaign, "hard_bounces") + count(campaign, "soft_bounces"),
            count(&report["sources"][0], "events"),
            env.run(["metrics"])
                .done()
                .lines()
                .filter(|line| line.starts_with("bouncekit_events_total"))
                .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
                .sum::<u64>(),
            hits,
        )
    };
    assert_eq!(totals(), (3, 3, 3, 3, 3));
    env.run(["runs:undo", &latest_run(&env)]).done();
    assert_eq!(totals(), (1, 1, 1, 1, 1));
    // Read again, they count again.
    std::fs::write(env.path("bouncekit.toml"), "").unwrap();
    env.run(["email:ingest", "back"]).done();
    assert_eq!(totals().0, 3);
}

#[test]
fn undoing_a_run_takes_back_what_only_it_caused() {
    let env = mailing("");
    unknown(&env, 1, "1 May 2026 14:05:00");
    env.run(["email:fetch"]).done();
    unknown(&env, 1, "2 May 2026 14:05:00");
    unknown(&env, 3, "2 May 2026 14:05:00");
    env.run(["email:fetch"]).done();
    let second = latest_run(&env);
    let first = (second.parse::<u32>().unwrap() - 1).to_string();
    let shown = env.run(["runs:show", &second]).done();
    assert!(
        shown.contains("2 hard_bounce") && shown.contains("1 bounce user_unknown"),
        "{shown}"
    );

    let would = env.run(["runs:undo", &second, "--dry-run"]).done();
    assert!(would.contains("removed  carl@outlook.example"), "{would}");
    assert_eq!(listed(&env, &[]).len(), 2);
    let did = env.run(["runs:undo", &second]).done();
    assert!(did.contains("1 removed, 0 restored, 0 changed"), "{did}");
    assert_eq!(addresses(&listed(&env, &[])), ["anna@example.com"]);
    let shown = env.run(["contacts:show", "carl@outlook.example"]).done();
    assert!(
        shown.contains(&format!("run {second} is undone")),
        "{shown}"
    );
    let (_, err) = env.run(["runs:undo", &second]).exit(2);
    assert!(err.contains("was undone at 2026-06-01T12:00:00Z"), "{err}");
    let undoing = latest_run(&env);
    let (_, err) = env.run(["runs:undo", &undoing]).exit(2);
    assert!(err.contains("itself an undoing"), "{err}");
    assert!(
        env.run(["runs:undo", "999"])
            .exit(2)
            .1
            .contains("no run 999")
    );

    // The first run goes, too; then the same mails count anew.
    env.run(["runs:undo", &first]).done();
    assert!(listed(&env, &[]).is_empty());
    let again = env.run(["email:fetch"]).done();
    assert!(again.contains("3 acted"), "{again}");
    assert_eq!(listed(&env, &[]).len(), 2);
}

#[test]
fn undoing_a_part_of_a_score_frees_and_undoing_a_release_brings_back() {
    let env = mailing("");
    for day in 1..=4 {
        full(&env, 2, &format!("{day} May 2026 09:00:00"));
    }
    env.run(["email:fetch"]).done();
    full(&env, 2, "5 May 2026 09:00:00");
    env.run(["email:fetch"]).done();
    let fifth = latest_run(&env);
    let before = listed(&env, &[]);
    assert_eq!(addresses(&before), ["bert@example.com"]);

    env.run(["dnc:release", "bert@example.com"]).done();
    let release = latest_run(&env);
    let shown = env.run(["runs:show", &release, "--format", "json"]).json();
    assert_eq!(shown["released"]["bounce mailbox_full"], 1);
    let did = env.run(["runs:undo", &release]).done();
    assert!(did.contains("0 removed, 1 restored"), "{did}");
    assert_eq!(listed(&env, &[]), before);

    env.run(["runs:undo", &fifth]).done();
    assert!(listed(&env, &[]).is_empty());
}

#[test]
fn an_undone_release_comes_back_as_it_was_under_any_policy() {
    let env =
        mailing("[policy.reasons]\nmailbox_full = { action = \"suppress\", for = \"60d\" }\n");
    full(&env, 2, "20 May 2026 09:00:00");
    env.run(["email:fetch"]).done();
    let before = listed(&env, &[]);
    assert_eq!(before[0]["expires_at"], "2026-07-19T09:00:00Z");
    env.run(["dnc:release", "--reason", "mailbox_full"]).done();
    env.write("bouncekit.toml", crate::support::mailing::CONFIG);
    env.run(["runs:undo", &latest_run(&env)]).done();
    assert_eq!(listed(&env, &[]), before);
}

#[test]
fn undoing_an_entry_by_hand_leaves_the_others() {
    let env = mailing("");
    unknown(&env, 1, "1 May 2026 14:05:00");
    env.run(["email:fetch"]).done();
    env.run([
        "dnc:add",
        "anna@example.com",
        "bert@example.com",
        "--comment",
        "wrong file",
    ])
    .done();
    assert_eq!(listed(&env, &[]).len(), 3);
    env.run(["runs:undo", &latest_run(&env)]).done();
    let left = listed(&env, &[]);
    assert_eq!((left.len(), &left[0]["reason"]), (1, &"bounce".into()));
}
