//! The `[hooks]` table: commands that are told what happens.

use serde::Deserialize;

use super::Span;

/// The `[hooks]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hooks {
    /// Program and arguments (no shell). New suppressions come on its standard input, one JSON
    /// object a line; exit status 0 says that it took them all.
    pub on_suppress: Vec<String>,
    /// After this it is killed, and tried again later.
    pub timeout: Span,
    /// So often the same suppressions are tried.
    pub tries: u32,
    /// At most so many lines at once.
    pub batch: u32,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            on_suppress: Vec::new(),
            timeout: Span(30_000),
            tries: 10,
            batch: 100,
        }
    }
}
