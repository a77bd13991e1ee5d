//! Any mail.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bouncekit_fuzz::mail(bytes));
