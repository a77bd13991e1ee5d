//! What a doctor says of one thing that it looked at.

use std::{fmt::Display, fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde::Serialize;

use super::CliError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    Ok,
    Note,
    Warning,
    Error,
}

impl Severity {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// What was looked at.
    pub(super) what: String,
    /// What was found.
    pub(super) found: String,
    /// The command or line of configuration that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
    /// A mailbox could not be reached or logged in to.
    #[serde(skip)]
    pub(super) unreachable: bool,
}

impl Finding {
    fn new(severity: Severity, what: impl Display, found: impl Display) -> Self {
        Self {
            severity,
            what: what.to_string(),
            found: found.to_string(),
            mend: None,
            unreachable: false,
        }
    }

    pub(super) fn ok(what: impl Display, found: impl Display) -> Self {
        Self::new(Severity::Ok, what, found)
    }

    pub(super) fn note(what: impl Display, found: impl Display) -> Self {
        Self::new(Severity::Note, what, found)
    }

    pub(super) fn warning(what: impl Display, found: impl Display) -> Self {
        Self::new(Severity::Warning, what, found)
    }

    pub(super) fn error(what: impl Display, found: impl Display) -> Self {
        Self::new(Severity::Error, what, found)
    }

    /// An error of a command, its hint as what mends it.
    pub(super) fn failed(what: impl Display, error: &CliError) -> Self {
        let text = error.to_string();
        let (cause, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
        let finding = Self::error(what, cause.trim_start_matches("error: ").trim_end());
        if hint.is_empty() {
            return finding;
        }
        finding.mend(hint.trim_end())
    }

    #[must_use]
    pub(super) fn mend(mut self, mend: impl Display) -> Self {
        self.mend = Some(mend.to_string());
        self
    }

    #[must_use]
    pub(super) fn unreachable(mut self) -> Self {
        self.unreachable = true;
        self
    }
}

/// Whether only its owner reads a file or folder with secrets; `fix` takes the others' rights away.
pub(super) fn privacy(what: &str, path: &Path, private: u32, fix: bool) -> Finding {
    let mode = match fs::metadata(path) {
        Ok(file) => file.permissions().mode() & 0o777,
        Err(cause) => {
            return Finding::error(what, format!("`{}`: {cause}", path.display()))
                .mend("the path in the configuration, or owner and mode of the file");
        }
    };
    let shown = format!("`{}` has mode {mode:03o}", path.display());
    let (group, others) = (mode >> 3 & 7, mode & 7);
    if group | others == 0 {
        return Finding::ok(what, shown);
    }
    if others == 0 {
        return Finding::note(what, format!("{shown}: its group may use it, too")).mend(format!(
            "chmod {private:o} {}, unless that is meant",
            path.display()
        ));
    }
    let chmod = format!("chmod {private:o} {}", path.display());
    if !fix {
        return Finding::error(what, format!("{shown}: everybody here may use it"))
            .mend(format!("{chmod} (or doctor --fix)"));
    }
    match fs::set_permissions(path, fs::Permissions::from_mode(private)) {
        Ok(()) => Finding::note(what, format!("{shown}; mended: {chmod}")),
        Err(cause) => {
            Finding::error(what, format!("{shown}, and cannot be mended: {cause}")).mend(chmod)
        }
    }
}
