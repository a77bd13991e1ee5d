//! One binary of end-to-end tests: linked once, run in parallel.

mod architecture;
mod contacts;
mod crash;
mod demo;
mod dnc;
mod docs;
mod doctor;
mod email_explain;
mod email_fetch;
mod email_fetch_bad_input;
mod email_fetch_cut;
mod email_fetch_failures;
mod email_fetch_interrupted;
mod email_ingest;
mod email_round_trip;
mod exchange;
mod faults;
mod forgery;
mod hooks;
mod hostile;
mod install;
mod licences;
mod messages;
mod oauth;
mod overlap;
mod poison;
mod policy;
mod postgres;
mod privacy;
mod quarantine;
mod reclassify;
mod report;
mod review;
mod rules;
mod rules_eval;
mod runs;
mod schema;
mod segments;
mod signature_vectors;
mod sns_mail;
mod support;
mod webhook_fixtures;
mod webhook_moto;
mod webhook_receive;
mod webhook_replay;
mod webhook_security;
mod webhook_setup;
mod webhook_sns;
mod webhook_spool;

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
