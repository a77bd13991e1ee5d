//! `[hooks] on_suppress`: told once, at last, whatever happens in between.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::support::{
    TestEnv,
    mailing::{CONFIG, listed, mailing, rows, unknown},
};

/// A mailing whose hook is this shell script.
fn hooked(script: &str, more: &str) -> TestEnv {
    let env = mailing("");
    write_hook(&env, script);
    let hook = env.path("hook");
    env.write(
        "bouncekit.toml",
        format!(
            "{CONFIG}[hooks]\non_suppress = [{:?}, \"told\"]\n{more}",
            hook.display().to_string()
        ),
    );
    env
}

fn write_hook(env: &TestEnv, script: &str) {
    let hook = env.write("hook", format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn each_new_suppression_is_told_once() {
    let env = hooked("cat >> \"$1\"", "");
    unknown(&env, 1, "1 May 2026 14:05:00");
    unknown(&env, 3, "1 May 2026 14:05:00");
    env.run(["email:fetch", "--dry-run"]).done();
    env.run(["email:fetch"]).done();
    let told = rows(&fs::read_to_string(env.path("told")).unwrap());
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["address"], "anna@example.com");
    assert_eq!(
        (&told[0]["reason"], &told[0]["detail"]),
        (&"bounce".into(), &"user_unknown".into())
    );
    // Another bounce of hers is nothing new; an entry by hand is.
    unknown(&env, 1, "2 May 2026 14:05:00");
    env.run(["email:fetch"]).done();
    env.run(["dnc:add", "anna@example.com", "bert@example.com"])
        .done();
    assert_eq!(
        fs::read_to_string(env.path("told"))
            .unwrap()
            .lines()
            .count(),
        4
    );
    assert_eq!(env.run(["hooks:list", "--format", "json"]).done(), "");
}

#[test]
fn a_hook_that_fails_is_tried_again_by_a_later_run() {
    let mut env = hooked(
        "echo first >&2; echo \"no, sorry\" >&2; exit 3",
        "tries = 2\n",
    );
    let (out, err) = env.run(["dnc:add", "anna@example.com"]).exit(0);
    assert!(out.contains("added"), "{out}");
    assert!(err.contains("exit status: 3: no, sorry"), "{err}");
    assert_eq!(listed(&env, &[]).len(), 1);
    // Too early for another try.
    env.run(["dnc:release", "nobody@example.com"]).done();
    let waiting = rows(&env.run(["hooks:list", "--format", "json"]).done());
    assert_eq!((waiting.len(), &waiting[0]["tries"]), (1, &1.into()));
    env.set("BOUNCEKIT_NOW", "2026-06-01T13:00:00Z");
    let (_, err) = env.run(["dnc:release", "nobody@example.com"]).exit(0);
    assert!(err.contains("no, sorry"), "{err}");
    assert!(env.run(["hooks:list"]).done().contains("given up"));
    write_hook(&env, "cat > \"$1\"");
    assert!(
        env.run(["hooks:deliver"])
            .done()
            .contains("0 delivered, 0 failed")
    );
    assert!(
        env.run(["hooks:deliver", "--all"])
            .done()
            .contains("1 delivered, 0 failed")
    );
    assert!(
        fs::read_to_string(env.path("told"))
            .unwrap()
            .contains("anna@example.com")
    );
}

#[test]
fn a_hook_that_hangs_is_killed_and_one_that_is_missing_is_named() {
    let env = hooked("exec sleep 60", "timeout = \"1s\"\n");
    let (_, err) = env.run(["dnc:add", "anna@example.com"]).exit(0);
    assert!(err.contains("was killed after 1 s"), "{err}");
    let env = hooked("", "");
    fs::remove_file(env.path("hook")).unwrap();
    let (_, err) = env.run(["dnc:add", "anna@example.com"]).exit(0);
    assert!(err.contains("hook`: No such file"), "{err}");
    let (_, err) = mailing("").run(["hooks:deliver"]).exit(2);
    assert!(err.contains("no hook is configured"), "{err}");
}
