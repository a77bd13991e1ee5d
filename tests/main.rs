//! One binary of end-to-end tests: linked once, run in parallel.

mod contacts;
mod crash;
mod email_fetch;
mod email_fetch_bad_input;
mod email_fetch_failures;
mod email_fetch_interrupted;
mod email_round_trip;
mod messages;
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
