//! Whose code comes with the program, and on what terms: checked without a network.

use std::{fs, path::Path, process::Command};

use serde::Deserialize;

/// What `cargo deny` reads, too: there is no second list.
#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Debug, Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

fn deny() -> Deny {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/deny.toml");
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Crates that come with the cargo feature `postgres` alone, and why not without it.
const FOR_POSTGRES: &[(&str, &str)] = &[
    (
        "tokio",
        "nothing here waits for thousands of sockets; the client of PostgreSQL is written for it",
    ),
    ("tokio-postgres", "it is the feature"),
];

/// Whether an SPDX expression (`A OR B`, `A AND (B OR C)`, the older `A/B`) can be met.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let expression = expression.replace('/', " OR ");
    // OR binds weaker than AND.
    let split = |word: &str| -> Option<(String, String)> {
        let mut depth = 0;
        for (at, c) in expression.char_indices() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ if depth == 0 && expression[at..].starts_with(word) => {
                    let rest = &expression[at + word.len()..];
                    return Some((expression[..at].to_owned(), rest.to_owned()));
                }
                _ => {}
            }
        }
        None
    };
    if let Some((one, other)) = split(" OR ") {
        return is_allowed(&one, allowed) || is_allowed(&other, allowed);
    }
    if let Some((one, other)) = split(" AND ") {
        return is_allowed(&one, allowed) && is_allowed(&other, allowed);
    }
    let bare = expression.trim();
    match bare
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    {
        Some(inner) => is_allowed(inner, allowed),
        None => allowed.iter().any(|allowed| allowed == bare),
    }
}

/// Names and terms of all crates that are built with these options of cargo.
fn packages(options: &[&str]) -> Vec<(String, Option<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(options)
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50);
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    packages
        .iter()
        .map(|package| (text(&package["name"]).unwrap(), text(&package["license"])))
        .collect()
}

#[test]
fn every_crate_is_on_terms_that_are_allowed_and_none_is_banned() {
    let Deny { licenses, bans } = deny();
    assert!(licenses.allow.len() > 2 && bans.deny.len() > 2);
    for (name, terms) in packages(&[]) {
        let banned = bans.deny.iter().find(|banned| banned.name == name);
        assert!(
            banned.is_none(),
            "`{name}`: {}",
            banned.map_or("", |banned| &banned.reason)
        );
        assert!(
            terms
                .as_deref()
                .is_some_and(|terms| is_allowed(terms, &licenses.allow)),
            "`{name}` is on the terms {terms:?}"
        );
    }
}

#[test]
fn without_the_feature_postgres_its_crates_stay_out() {
    for (name, _) in packages(&["--no-default-features"]) {
        let kept_out = FOR_POSTGRES.iter().find(|(kept_out, _)| *kept_out == name);
        assert!(kept_out.is_none(), "{kept_out:?}");
    }
}

#[test]
fn terms_are_read_as_they_are_meant() {
    let list = [
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "MIT",
        "Unicode-3.0",
    ]
    .map(String::from);
    for (terms, allowed) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("MIT/Apache-2.0", true),
        ("(MIT OR GPL-2.0) AND Unicode-3.0", true),
        ("MIT AND GPL-2.0", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
        ("", false),
    ] {
        assert_eq!(is_allowed(terms, &list), allowed, "{terms}");
    }
}
