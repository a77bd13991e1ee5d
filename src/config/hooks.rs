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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_list_and_the_rest_has_defaults() {
        let hooks: Hooks =
            toml::from_str("on_suppress = [\"tell\", \"crm\"]\ntimeout = \"5s\"").unwrap();
        assert_eq!(
            (hooks.on_suppress.len(), hooks.tries, hooks.batch),
            (2, 10, 100)
        );
        assert_eq!(hooks.timeout, Span(5000));
        for wrong in ["on_suppress = \"tell crm\"", "on_release = []"] {
            assert!(toml::from_str::<Hooks>(wrong).is_err(), "{wrong}");
        }
    }
}
