//! One binary of end-to-end tests: linked once, run in parallel.

mod contacts;
mod email_explain;
mod email_ingest;
mod messages;
mod quarantine;
mod reclassify;
mod review;
mod support;

#[test]
fn no_test_file_is_forgotten() {
    let declared = include_str!("main.rs");
    for name in support::test_files() {
        assert!(
            declared.contains(&format!("mod {name};")),
            "tests/{name}.rs is not declared in tests/main.rs"
        );
    }
}
