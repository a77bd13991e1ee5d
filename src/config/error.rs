//! Mistakes in the configuration, for people.

/// What is wrong in the configuration, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct ConfigError {
    cause: String,
    hint: String,
}

const EXAMPLE: &str = "config.example.toml shows every key with its default";

impl ConfigError {
    pub(super) fn new(cause: String, hint: &str) -> Self {
        Self {
            cause,
            hint: hint.to_owned(),
        }
    }

    /// `hint` in place of the one that names the example of the configuration.
    pub(super) fn or_hint(mut self, hint: &str) -> Self {
        if self.hint == EXAMPLE {
            hint.clone_into(&mut self.hint);
        }
        self
    }

    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// File, line and key of a TOML error. The parser's own picture of the line is left out: a
    /// secret may stand there.
    pub(super) fn of_toml(error: &toml::de::Error, text: &str, file: &str) -> Self {
        let start = error.span().map_or(0, |span| span.start).min(text.len());
        let before = text.get(..start).unwrap_or_default();
        let number = before.matches('\n').count() + 1;
        let line = text.lines().nth(number - 1).unwrap_or_default();
        let key = line.split('=').next().unwrap_or_default().trim();
        let secret = ["password", "key", "secret", "token"]
            .iter()
            .any(|word| key.contains(word));
        let message = error.message();
        // The names in a complaint about an unknown key are never secret.
        let cause = if secret && !message.starts_with("unknown field") {
            format!("{file}:{number}: `{key}` has a value of the wrong type or shape")
        } else {
            let message = message.trim_end().replace('\n', "; ");
            let named = message.contains('`') || key.is_empty() || !line.contains('=');
            if named && !message.starts_with("invalid") {
                format!("{file}:{number}: {message}")
            } else {
                format!("{file}:{number}: `{key}`: {message}")
            }
        };
        Self {
            cause,
            hint: near_name(message).unwrap_or_else(|| EXAMPLE.to_owned()),
        }
    }
}

/// From "unknown field `pth`, expected one of `path`, `wait`" the likeliest name.
fn near_name(message: &str) -> Option<String> {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (wrong, known) = names.split_first()?;
    let near = known
        .iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.75)?;
    Some(format!("did you mean `{}`?", near.1))
}
