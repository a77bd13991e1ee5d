//! What README, CHANGELOG, `--help` and the example configuration say is true.

use std::{fs, path::Path, process::Command};

use bouncekit_core::config::Config;

use crate::support::{
    TestEnv,
    dovecot::{PASSWORD, USER, dovecot},
    finish,
};

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The fenced blocks of a text whose info string is `info`, also those of list items.
fn blocks(text: &str, info: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(this) = line.strip_prefix("```") else {
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if this == info {
            found.push(block.join("\n"));
        }
    }
    found
}

/// The example with its commented keys in force; `# or:` lines stay comments.
fn uncommented(example: &str) -> String {
    let key = |line: &str| {
        line.strip_prefix('#').is_some_and(|rest| {
            rest.starts_with('[')
                || rest.starts_with(|c: char| c.is_ascii_lowercase() && rest.contains(" = "))
        })
    };
    let lines = example
        .lines()
        .map(|line| if key(line) { &line[1..] } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_configuration_is_one() {
    let example = read("config.example.toml");
    Config::from_toml(&example, "config.example.toml").unwrap();
    let plain = uncommented(&example);
    Config::from_toml(&plain, "uncommented").unwrap();
    let mut alternatives = 0;
    for line in example.lines() {
        let Some(other) = line.strip_prefix("# or: ") else {
            continue;
        };
        alternatives += 1;
        // It stands for the key above it, which an earlier alternative may name again.
        let (before, _) = example.split_once(line).unwrap();
        let replaced = before
            .lines()
            .rev()
            .find(|line| line.starts_with('#') && !line.starts_with("# "))
            .unwrap();
        let text = plain.replacen(&replaced[1..], other, 1);
        assert_ne!(text, plain, "{line}");
        Config::from_toml(&text, line).unwrap();
    }
    assert!(alternatives > 0);
}

#[test]
fn the_example_configuration_shows_every_key() {
    let example = read("config.example.toml");
    let plain = uncommented(&example);
    let tables: Vec<&str> = plain
        .lines()
        .filter_map(|line| {
            line.trim_start_matches('[')
                .split_once(']')
                .filter(|_| line.starts_with('['))
        })
        .map(|(name, _)| name)
        .collect();
    assert!(tables.len() > 5, "{tables:?}");
    // In a test text without [[mailbox]] they are those of [connection].
    let tables = tables
        .into_iter()
        .map(|name| name.trim_start_matches("mailbox."));
    for table in std::iter::once("").chain(tables) {
        // The parser itself tells the names it knows.
        let text = match table {
            "" => "no_such_key = 1".to_owned(),
            "policy.reasons" => continue,
            _ => {
                let array = example.contains(&format!("[[{table}]]"));
                let header = if array {
                    format!("[[{table}]]")
                } else {
                    format!("[{table}]")
                };
                format!("{header}\nno_such_key = 1")
            }
        };
        let error = Config::from_toml(&text, "t").unwrap_err().to_string();
        let names: Vec<&str> = error.split('`').skip(1).step_by(2).collect();
        assert_eq!(names.first(), Some(&"no_such_key"), "{error}");
        for name in &names[1..] {
            let shown = example.lines().any(|line| {
                let line = line.trim_start_matches("# or: ").trim_start_matches('#');
                line.starts_with(&format!("{name} ="))
                    || line.starts_with(&format!("[{name}"))
                    || line.starts_with(&format!("[[{name}"))
                    || (!table.is_empty() && line.starts_with(&format!("[{table}.{name}")))
                    || (!table.is_empty() && line.starts_with(&format!("[[{table}.{name}")))
            });
            assert!(shown, "`{name}` of [{table}] is not in config.example.toml");
        }
    }
}

/// The commands as `--help` lists them.
fn commands() -> Vec<String> {
    let help = TestEnv::new().run(["--help"]).done();
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let names = list
        .lines()
        .take_while(|line| !line.trim().is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned);
    names.collect()
}

#[test]
fn every_command_is_in_the_table_and_has_a_help_text() {
    let readme = read("README.md");
    let env = TestEnv::new();
    let commands = commands();
    assert!(commands.len() > 5, "{commands:?}");
    for name in &commands {
        assert!(
            readme.contains(&format!("| `{name}")),
            "`{name}` is not in README's table of commands"
        );
        let help = env.run([name, "--help"]).done();
        assert!(help.contains("Usage: "), "{help}");
    }
    for line in readme.lines() {
        let Some((name, _)) = line
            .strip_prefix("| `")
            .and_then(|rest| rest.split_once(['`', ' ']))
        else {
            continue;
        };
        if name.contains(':') || name == "demo" {
            assert!(commands.iter().any(|known| known == name), "README: {line}");
        }
    }
}

/// Puts `bouncekit` on the PATH of scripts that run in the environment's folder.
fn shell(env: &TestEnv) -> impl Fn(&str) -> String {
    let folder = env.path("bin");
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bouncekit"), folder.join("bouncekit")).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    move |script| {
        let mut command = Command::new("sh");
        command
            .args(["-eu", "-c", script])
            .current_dir(env.path(""))
            .env_clear()
            .env("PATH", &path)
            .env("HOME", env.path("home"))
            .env("BOUNCEKIT_NOW", crate::support::NOW)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let output = finish(command.spawn().unwrap());
        assert!(output.status.success(), "{script}\n{output:?}");
        output.stdout
    }
}

#[test]
fn what_readme_tells_to_type_works() {
    let readme = read("README.md");
    let blocks = blocks(&readme, "sh run");
    assert!(!blocks.is_empty());
    let env = TestEnv::new();
    let run = shell(&env);
    for block in blocks {
        run(&block.replace("cargo run --release -- ", "bouncekit "));
    }
}

/// The set-up of README, with its host and its places replaced and nothing else: the person of its
/// own CSV bounces, is fetched, and ends in the segment.
#[test]
fn the_five_minutes_of_readme_lead_to_a_segment() {
    let Some(dovecot) = dovecot() else {
        return;
    };
    let readme = read("README.md");
    let (_, steps) = readme
        .split_once("## Five minutes with a real mailbox")
        .unwrap();
    let env = TestEnv::new();
    let mut config = blocks(steps, "toml")[0].clone();
    let secret = env.write("password", PASSWORD);
    for (shown, here) in [
        (
            "\"/var/lib/bouncekit/bouncekit.db\"",
            "\"bouncekit.db\"".to_owned(),
        ),
        (
            "\"imap.example.com\"",
            format!(
                "\"localhost\"\nport = {}\nca_file = \"{}\"",
                dovecot.tls_port,
                dovecot.ca().display()
            ),
        ),
        ("\"news@example.com\"", format!("\"{USER}\"")),
        (
            "\"/etc/bouncekit/password\"",
            format!("\"{}\"", secret.display()),
        ),
    ] {
        assert!(config.contains(shown), "{config}");
        config = config.replace(shown, &here);
    }
    env.write("bouncekit.toml", &config);
    let run = shell(&env);
    let import = blocks(steps, "sh run")[0].clone();
    run(&import);
    let cells = import.replace("\\n", " ");
    let hash = cells
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| word.len() == 21)
        .unwrap();
    let to = format!("news+bounce_{hash}@example.com");
    dovecot.put(
        "INBOX",
        "1",
        format!(
            "Return-Path: <>\nDelivered-To: {to}\nFrom: MAILER-DAEMON@mx.example\nTo: {to}\n\
             Subject: Undelivered Mail Returned to Sender\nX-Failed-Recipients: anna@example.com\n\n\
             anna@example.com\n    550 5.1.1 <anna@example.com>: User unknown\n"
        ),
    );
    let look = blocks(steps, "sh")[0].clone();
    let (dry, act) = look.split_once('\n').unwrap();
    let told = run(dry);
    assert!(told.contains("(dry run): 1 fetched = 1 acted"));
    assert_eq!(dovecot.seen("INBOX"), 0);
    let told = run(act);
    assert!(told.contains("1 fetched = 1 acted"), "{told}");
    assert!(told.contains("user_unknown"), "{told}");
    assert_eq!(dovecot.seen("INBOX"), 1);
    let segment = blocks(steps, "sh run")
        .into_iter()
        .find(|block| block.contains("segments:create Bounced"))
        .unwrap();
    let told = run(&segment);
    assert!(told.contains("anna@example.com"));
}

#[test]
fn the_changelog_speaks_of_this_version() {
    let changelog = read("CHANGELOG.md");
    assert!(
        changelog.contains("## [Unreleased]")
            || changelog.contains(&format!("## [{}]", env!("CARGO_PKG_VERSION")))
    );
}
