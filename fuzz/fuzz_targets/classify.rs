//! Lines of status, reply code and host, then a text: judged, and the verdict can be explained.
#![no_main]

use bouncekit_core::classify::{Diagnostics, EnhancedStatusCode, Rules};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (status, reply, host, text) = (line(), line(), line(), line());
    let diagnostics = Diagnostics {
        status: status
            .parse()
            .ok()
            .or_else(|| EnhancedStatusCode::find(text, reply.parse().ok())),
        reply_code: reply.parse().ok(),
        text,
        receiving_host: host,
    };
    let rules = Rules::builtin();
    let found = rules.explain(&diagnostics);
    let verdict = &found.classification;
    assert_eq!(*verdict, rules.classify(&diagnostics));
    // A rule that decided has a condition that was met.
    let is_rule = rules
        .conditions()
        .iter()
        .any(|rule| rule.id == verdict.rule);
    assert_eq!(is_rule, !found.matched.is_empty(), "{verdict:?}");
});
