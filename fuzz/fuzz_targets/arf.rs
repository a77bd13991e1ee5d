//! The machine-readable part of a complaint (RFC 5965) within an otherwise proper mail.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mail = bouncekit_fuzz::report_with("feedback-report", "message/feedback-report", bytes);
    bouncekit_fuzz::mail(&mail);
});
