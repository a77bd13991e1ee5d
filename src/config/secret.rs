//! Secrets: where they stand, and reading them when they are needed.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

/// Where a secret stands. `Debug` never shows an inline one.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Secret {
    /// In the configuration itself.
    Inline(String),
    /// In an environment variable.
    Env(String),
    /// In a file; the first line counts.
    File(PathBuf),
    /// Printed by a command (program and arguments, no shell); the first line counts.
    Command(Vec<String>),
    /// A systemd credential: a file of this name in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("Inline(..)"),
            Self::Env(name) => write!(f, "Env({name})"),
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Command(command) => {
                write!(f, "Command({})", command.first().map_or("", |c| c))
            }
            Self::Credential(name) => write!(f, "Credential({name})"),
        }
    }
}

/// Why a secret could not be read; never holds any part of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the environment variable `{0}` is not set")]
    Unset(String),
    #[error("the secret's file `{path}` cannot be read: {cause}")]
    File { path: String, cause: String },
    #[error("the command `{program}` for the secret failed: {cause}")]
    Command { program: String, cause: String },
    #[error("no systemd credential `{0}`: $CREDENTIALS_DIRECTORY is not set")]
    NoCredentials(String),
    #[error("{0} is empty")]
    Empty(String),
}

impl Secret {
    /// Reads the secret. Trailing line ends are cut off.
    ///
    /// # Errors
    /// When its source is missing, fails or is empty.
    pub fn read(&self) -> Result<String, SecretError> {
        let text = match self {
            Self::Inline(text) => text.clone(),
            Self::Env(name) => std::env::var(name).map_err(|_| SecretError::Unset(name.clone()))?,
            Self::File(path) => first_line_of(path)?,
            Self::Command(command) => first_line(&run(command)?),
            Self::Credential(name) => {
                let folder = std::env::var_os("CREDENTIALS_DIRECTORY")
                    .ok_or_else(|| SecretError::NoCredentials(name.clone()))?;
                first_line_of(&Path::new(&folder).join(name))?
            }
        };
        if text.is_empty() {
            return Err(SecretError::Empty(format!("the secret from {self:?}")));
        }
        Ok(text)
    }

    /// A relative file is meant from the configuration's folder.
    pub fn resolve_path(&mut self, folder: &Path) {
        if let Self::File(path) = self {
            *path = folder.join(&*path);
        }
    }
}

fn first_line_of(path: &Path) -> Result<String, SecretError> {
    std::fs::read_to_string(path)
        .map(|text| first_line(&text))
        .map_err(|cause| SecretError::File {
            path: path.display().to_string(),
            cause: cause.to_string(),
        })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn run(command: &[String]) -> Result<String, SecretError> {
    let failed = |cause: String| SecretError::Command {
        program: command.first().cloned().unwrap_or_default(),
        cause,
    };
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| failed("it is an empty list".into()))?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|cause| failed(cause.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    String::from_utf8(output.stdout).map_err(|_| failed("its output is not UTF-8".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_first_line_and_never_shown() {
        let command = |text: &str| Secret::Command(vec!["printf".into(), text.into()]);
        assert_eq!(command("hunter2\\nmore").read().unwrap(), "hunter2");
        assert!(matches!(command("").read(), Err(SecretError::Empty(_))));
        let wrong = Secret::Command(vec!["false".into()]);
        assert!(matches!(wrong.read(), Err(SecretError::Command { .. })));
        assert_eq!(
            format!("{:?}", Secret::Inline("hunter2".into())),
            "Inline(..)"
        );
        let shown = format!("{:?}", command("hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
