//! What claims to be a payload of this provider.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bouncekit_fuzz::payload("sendgrid", bytes));
