//! `demo` as a newcomer runs it.

use std::fs;

use crate::support::TestEnv;

#[test]
fn the_demo_can_be_repeated() {
    let env = TestEnv::new();
    let steady = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains(" ms"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let first = env.run(["demo"]).done();
    let second = env.run(["demo"]).done();
    assert_eq!(steady(&first), steady(&second));
    assert!(
        first.contains("157 fetched = ") && first.contains(" acted"),
        "{first}"
    );
    assert!(
        first.contains("\nTry next:\n") && first.contains("email:explain '"),
        "{first}"
    );
}

#[test]
fn what_it_proposes_works() {
    let env = TestEnv::new();
    let said = env.run(["demo", "there"]).done();
    let (_, next) = said.split_once("Try next:\n").unwrap();
    assert_eq!(next.lines().count(), 3, "{next}");
    for line in next.lines() {
        let words = line.trim().replace('\'', "");
        let words: Vec<&str> = words.split(' ').skip(1).collect();
        assert!(!env.run(words).done().is_empty());
    }
    let shown = env
        .run([
            "--config",
            "there/bouncekit.toml",
            "contacts:show",
            "yusuf.brandt2@mail.example.com",
        ])
        .done();
    assert!(shown.contains("bounce (mailbox_full)"), "{shown}");
}

#[test]
fn a_folder_that_is_not_its_own_is_left_alone() {
    let env = TestEnv::new();
    env.write("precious/letter.txt", "dear");
    let (_, err) = env.run(["demo", "precious"]).exit(2);
    assert!(
        err.contains("`precious`") && err.contains("hint: "),
        "{err}"
    );
    assert_eq!(fs::read(env.path("precious/letter.txt")).unwrap(), b"dear");
    assert_eq!(fs::read_dir(env.path("precious")).unwrap().count(), 1);
}
