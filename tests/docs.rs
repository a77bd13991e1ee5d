//! What README, CHANGELOG, `--help` and the example configuration say is true.

use std::{fs, path::Path, process::Command};

use bouncekit_core::config::Config;

use crate::support::{TestEnv, finish};

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

#[test]
fn what_readme_tells_to_type_works() {
    let readme = read("README.md");
    let blocks = blocks(&readme, "sh run");
    assert!(!blocks.is_empty());
    let env = TestEnv::new();
    let folder = env.path("bin");
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bouncekit"), folder.join("bouncekit")).unwrap();
    for block in blocks {
        let script = block.replace("cargo run --release -- ", "bouncekit ");
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command
            .args(["-eu", "-c", &script])
            .current_dir(env.path(""))
            .env_clear()
            .env("PATH", path)
            .env("HOME", env.path("home"))
            .env("BOUNCEKIT_NOW", crate::support::NOW)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let output = finish(command.spawn().unwrap());
        assert!(output.status.success(), "{script}\n{output:?}");
    }
}

#[test]
fn the_changelog_speaks_of_this_version() {
    let changelog = read("CHANGELOG.md");
    assert!(
        changelog.contains("## [Unreleased]")
            || changelog.contains(&format!("## [{}]", env!("CARGO_PKG_VERSION")))
    );
}
