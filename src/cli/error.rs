//! Errors as people see them: `error: cause`, then `hint: what to do`.

use std::{fmt, io};

use bouncekit_core::{
    segment::{FilterError, SegmentError},
    store::StoreError,
};

use super::listing::printable;

/// How a command ended, as the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    Done,
    /// Some items failed, the rest was done.
    SomeFailed,
    Usage,
    /// A source could not be reached or logged in to.
    Unreachable,
    /// Another run holds the lock.
    Locked,
    /// A pipe from an MTA must be tried again (EX_TEMPFAIL of sysexits.h).
    TemporaryFailure,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::SomeFailed => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Locked => 4,
            Self::TemporaryFailure => 75,
        }
    }
}

/// Why a command stopped.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) exit: Exit,
    cause: String,
    /// Lines that show the place of a mistake.
    picture: Vec<String>,
    hint: Option<String>,
    closed_pipe: bool,
}

impl CliError {
    /// A mistake in usage or configuration.
    pub(crate) fn usage(cause: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, cause)
    }

    pub(crate) fn new(exit: Exit, cause: impl fmt::Display) -> Self {
        Self {
            exit,
            cause: cause.to_string(),
            picture: Vec::new(),
            hint: None,
            closed_pipe: false,
        }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Says where the mistake stands.
    #[must_use]
    pub(crate) fn within(mut self, place: &str) -> Self {
        self.cause = format!("{place}: {}", self.cause);
        self
    }

    /// A file that could not be read or written.
    pub(crate) fn file(path: &std::path::Path, cause: &io::Error) -> Self {
        Self::new(Exit::Usage, format!("`{}`: {cause}", path.display()))
    }

    /// Whether only our reader went away (`| head`).
    pub(crate) const fn is_closed_pipe(&self) -> bool {
        self.closed_pipe
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", printable(&self.cause))?;
        for line in &self.picture {
            writeln!(f, "  {}", printable(line))?;
        }
        self.hint
            .as_ref()
            .map_or(Ok(()), |hint| writeln!(f, "hint: {}", printable(hint)))
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let exit = if error.is_busy() {
            Exit::Locked
        } else if error.is_unreachable() {
            Exit::Unreachable
        } else {
            Exit::Usage
        };
        Self::new(exit, &error).hint(error.hint())
    }
}

impl From<FilterError> for CliError {
    fn from(error: FilterError) -> Self {
        Self {
            picture: error.picture().into(),
            ..Self::usage(&error).hint(error.hint())
        }
    }
}

impl From<SegmentError> for CliError {
    fn from(error: SegmentError) -> Self {
        match error {
            SegmentError::Filter(error) => error.into(),
            SegmentError::Store(error) => error.into(),
            SegmentError::Stored(_, ref cause) => Self {
                picture: cause.picture().into(),
                ..Self::usage(&error)
                    .hint("give it another with `segments:edit NAME --filter '...'`")
            },
            SegmentError::Circle(_) => {
                Self::usage(&error).hint("take one of the references out of its filter")
            }
        }
    }
}

impl From<io::Error> for CliError {
    /// Errors of our own output; files are named by [`CliError::file`].
    fn from(error: io::Error) -> Self {
        let closed_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Self {
            closed_pipe,
            ..Self::new(
                Exit::SomeFailed,
                format!("writing the output failed: {error}"),
            )
        }
    }
}
