//! A configuration, or a file of own rules: refused with its place, or every question it can be asked
//! has an answer.
#![no_main]

use std::path::Path;

use bouncekit_core::{
    config::{Config, own_rules},
    webhook::PROVIDERS,
};

libfuzzer_sys::fuzz_target!(|text: &str| {
    match own_rules(text, "rules.toml") {
        Ok(_) => {}
        Err(error) => assert!(error.to_string().contains("rules.toml")),
    }
    let mut config = match Config::from_toml(text, "config.toml") {
        Ok(config) => config,
        Err(error) => {
            assert!(error.to_string().contains("config.toml"));
            return;
        }
    };
    config.resolve_paths(Path::new("/nowhere"));
    let _ = config.mailboxes();
    config.has_inline_secret();
    config.verp.separator();
    for provider in PROVIDERS {
        config.provider(provider);
    }
    // Secrets are not read: a command in them would be run.
    let _ = format!("{config:?}");
});
