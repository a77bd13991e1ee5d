//! A mail is read whatever it is, twice the same, and its diagnostics hold no control characters.
#![no_main]

use bouncekit_core::{
    classify::Rules,
    event,
    message::{self, Options},
    review,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let options = Options::default();
    let inbound = message::parse(bytes, &options);
    assert_eq!(inbound, message::parse(bytes, &options));
    for report in &inbound.reports {
        assert!(
            !report.diagnostic.contains(char::is_control),
            "{:?}",
            report.diagnostic
        );
    }
    let events = event::from_inbound(&inbound, [0; 16], "fuzz", |diagnostics| {
        Rules::builtin().classify(diagnostics)
    });
    assert_eq!(events.len(), inbound.reports.len().max(1));
    let mut keys: Vec<_> = events.iter().map(|event| event.key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), events.len(), "two events have one key");
    for event in &events {
        review::normalise(&event.diagnostic);
    }
});
