//! Every payload in `fixtures/webhooks` through the real binary: its rows are those written beside
//! it, whether the provider is named or found out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bouncekit_core::webhook::PROVIDERS;
use serde_json::Value;

use crate::support::TestEnv;

fn folder(provider: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/webhooks")
        .join(provider)
}

/// Payloads with the rows they must give.
fn payloads(provider: &str) -> Vec<(PathBuf, Vec<Value>)> {
    let mut found: Vec<_> = fs::read_dir(folder(provider))
        .unwrap_or_else(|_| panic!("no fixtures for the registered provider `{provider}`"))
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.to_str().unwrap().ends_with(".expected.json"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let stem = name.split('.').next().unwrap();
            let expected = folder(provider).join(format!("{stem}.expected.json"));
            let rows = serde_json::from_slice(&fs::read(expected).unwrap()).unwrap();
            (path, rows)
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!found.is_empty(), "no fixtures for `{provider}`");
    found
}

/// What is compared: of errors only that they are errors, of notes nothing.
fn comparable(row: &Value) -> Value {
    if row["kind"] == "error" {
        return row["kind"].clone();
    }
    let mut row = row.clone();
    row.as_object_mut().unwrap().remove("note");
    row
}

fn has_errors(rows: &[Value]) -> bool {
    rows.iter().any(|row| row["kind"] == "error")
}

#[test]
fn every_payload_gives_its_rows() {
    let env = TestEnv::with_config("");
    for provider in PROVIDERS {
        for (path, wanted) in payloads(provider.name) {
            let file = path.to_str().unwrap();
            let args = ["webhook:replay", "--dry-run", "--format", "json", file];
            let named = [&args[..], &["--provider", provider.name]].concat();
            let code = i32::from(has_errors(&wanted));
            let (out, err) = env.run(named).exit(code);
            let rows: Vec<Value> = serde_json::from_str(&out).unwrap();
            let rows: Vec<Value> = rows.iter().map(comparable).collect();
            let wanted: Vec<Value> = wanted.iter().map(comparable).collect();
            assert_eq!(rows, wanted, "{file}: {err}");

            let found = env.run(args);
            if found.status.code() == Some(2) {
                // Only what holds nothing of a provider is refused.
                let sound = wanted.iter().any(Value::is_object);
                assert!(!sound, "{file} is refused: {}", found.stderr);
                assert!(found.stderr.contains("--provider"), "{}", found.stderr);
            } else {
                let rows: Vec<Value> = serde_json::from_str(&found.stdout).unwrap();
                let rows: Vec<Value> = rows.iter().map(comparable).collect();
                assert_eq!(rows, wanted, "{file}");
            }
        }
    }
}
