//! What nothing decided, grouped, with rules that can be pasted.

use crate::support::TestEnv;

fn mail(number: u32) -> String {
    format!(
        "From: robot{number}@example.com\nSubject: Ticket {number} was eaten\nMessage-ID: <{number}@example.com>\n\n\
         The purple monster of ticket {number} swallowed your letter.\n"
    )
}

#[test]
fn groups_are_counted_with_a_sample_and_a_rule() {
    let env = TestEnv::with_config("");
    for number in 1..4 {
        let _ = env.run_with(["email:ingest", "-"], mail(number)).done();
    }
    let hello =
        "From: a@example.com\nSubject: \u{1b}[2JHello\nMessage-ID: <h@example.com>\n\nHi!\n";
    let _ = env.run_with(["email:ingest", "-"], hello).done();
    let text = env.run(["review"]).done();
    for wanted in [
        "3 times, latest 2026-06-01T12:00:00Z: mail that nothing recognised\n",
        "  text    ticket * was eaten | the purple monster of ticket * swallowed your letter.\n",
        "    [[rules]]\n    id = \"own-the-purple-monster-of-",
        "\"\n    reason = \"on_hold\"\n",
        "    phrases = [\"the purple monster of ticket\"]\n",
        "2 groups\n",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains('\u{1b}'));
    assert!(
        env.run(["review", "--limit", "1"])
            .done()
            .ends_with("2 groups, 1 not shown (--limit)\n")
    );
    assert_eq!(
        env.run(["review", "--since", "2026-06-02"]).done(),
        "0 groups\n"
    );
    let json = env.run(["review", "--format", "json"]).done();
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["count"], &first["kind"]),
        (&3.into(), &"unrecognised".into())
    );
    let id = first["event"].as_str().unwrap();
    assert!(env.run(["email:explain", id]).done().contains("was eaten"));
}
