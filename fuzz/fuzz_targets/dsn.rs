//! The machine-readable part of a delivery report (RFC 3464) within an otherwise proper mail.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mail = bouncekit_fuzz::report_with("delivery-status", "message/delivery-status", bytes);
    bouncekit_fuzz::mail(&mail);
});
