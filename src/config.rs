//! The configuration file, typed.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::suppression::Policy;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub store: Store,
    pub verp: Verp,
    pub policy: Policy,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    pub path: PathBuf,
    pub wait: Span,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            path: "bouncekit.db".into(),
            wait: Span(10_000),
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Verp {
    pub return_address: Option<String>,
    pub unsubscribe_address: Option<String>,
    pub unsubscribe_url: Option<String>,
    pub hash_header: String,
}

impl Verp {
    pub fn separator(&self) -> char {
        '+'
    }
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Span(pub i64);

impl From<Span> for std::time::Duration {
    fn from(span: Span) -> Self {
        Self::from_millis(span.0.unsigned_abs())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub fn hint(&self) -> Option<String> {
        None
    }
}

impl Config {
    pub fn from_toml(text: &str, _file: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError(error.to_string()))
    }

    pub fn resolve_paths(&mut self, folder: &Path) {
        self.store.path = folder.join(&self.store.path);
    }
}
