//! What can go wrong with the database, told to people.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot open the database `{path}`: {cause}")]
    Open { path: PathBuf, cause: String },
    #[error("`{path}`: {cause}")]
    At {
        path: PathBuf,
        cause: Box<StoreError>,
    },
    #[error("the file is not a database")]
    NotADatabase,
    #[error("the file is a database of some other program")]
    NotOurs,
    #[error("the database has version {found}, this program knows versions up to {known}")]
    Newer { found: i64, known: usize },
    #[error("the database is in use by another process and stayed so for the whole wait")]
    Busy,
    #[error("the disk is full")]
    Full,
    #[error("the database cannot be written")]
    ReadOnly,
    #[error("the database file is damaged")]
    Corrupt,
    #[error("there is not enough memory")]
    Memory,
    #[error("reading or writing the database file failed: {0}")]
    Io(String),
    #[error("cannot reach the database `{server}`: {cause}")]
    Unreachable {
        server: String,
        cause: String,
        hint: &'static str,
    },
    /// What a server lacks, or does not let one do.
    #[error("{condition}: {told}")]
    Server {
        condition: &'static str,
        told: String,
        hint: &'static str,
    },
    #[error("the connection to the database was lost: {0}")]
    Lost(String),
    #[error("another transaction was in the way: {0}")]
    Conflict(String),
    #[error("{0}")]
    Unsupported(&'static str),
    #[error("a row was expected and there is none")]
    NoRow,
    #[error("unexpected answer of the database: {0}")]
    Other(String),
}

impl StoreError {
    pub(crate) fn open(path: &Path, cause: &rusqlite::Error) -> Self {
        Self::Open {
            path: path.into(),
            cause: cause.to_string(),
        }
    }

    pub(crate) fn at(self, path: &Path) -> Self {
        match self {
            Self::At { .. } | Self::Open { .. } => self,
            cause => Self::At {
                path: path.into(),
                cause: Box::new(cause),
            },
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Open { .. } => {
                "the folder must exist and be writable; the path is `store.path` in the configuration"
            }
            Self::At { cause, .. } => cause.hint(),
            Self::NotADatabase | Self::NotOurs => {
                "set `store.path` to a new file, or to a database made by bouncekit"
            }
            Self::Newer { .. } => "use the newer program that wrote it, or restore a backup",
            Self::Busy => "wait for the other run, or raise `store.wait`",
            Self::Full => {
                "free some space and run again: nothing was lost, what was not committed is fetched again"
            }
            Self::ReadOnly => {
                "check owner and mode of the file and its folder, and how the file system is mounted"
            }
            Self::Corrupt => "restore a backup; `sqlite3 FILE .recover` may save what is in it",
            Self::Memory => {
                "run it with more memory: nothing was lost, the next run goes on where this one stopped"
            }
            Self::Io(_) => "check the disk and the file system; run again when it is mended",
            Self::Unreachable { hint, .. } | Self::Server { hint, .. } => hint,
            Self::Lost(_) => {
                "run again: what was not committed is done anew, nothing is lost or counted twice"
            }
            Self::Conflict(_) => "run again: nothing of the transaction was written",
            Self::Unsupported(_) => {
                "the chapter on PostgreSQL in the README says what does it there"
            }
            Self::NoRow | Self::Other(_) => {
                "this is a bug of the program: report it with the command you ran"
            }
        }
    }

    /// Whether the same may succeed when it is done again at once, or on a new connection.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Conflict(_)) || self.is_lost()
    }

    /// Whether the connection is gone, with what was not committed.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }

    /// Whether the database's server cannot be reached.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Lost(_))
    }

    /// Whether trying again later can help: another process held the database.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::At { cause, .. } => cause.is_busy(),
            other => matches!(other, Self::Busy),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::Full,
            // The files beside it, too: its log, and those for sorting.
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly
            }
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt,
            Some(ErrorCode::OutOfMemory) => Self::Memory,
            Some(ErrorCode::SystemIoFailure) => Self::Io(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

#[cfg(feature = "postgres")]
impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;

        let told = super::engine::told(&error);
        let Some(state) = error.code() else {
            let at_the_line = error.is_closed()
                || std::error::Error::source(&error)
                    .is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
            return if at_the_line {
                Self::Lost(told)
            } else {
                Self::Other(told)
            };
        };
        match *state {
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
                Self::Conflict(told)
            }
            SqlState::LOCK_NOT_AVAILABLE => Self::Busy,
            // A server that is on its way down, or that became a copy of another.
            SqlState::ADMIN_SHUTDOWN
            | SqlState::CRASH_SHUTDOWN
            | SqlState::CANNOT_CONNECT_NOW
            | SqlState::READ_ONLY_SQL_TRANSACTION
            | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => Self::Lost(told),
            ref state if state.code().starts_with("08") || state.code() == "57P05" => {
                Self::Lost(told)
            }
            ref state if state.code().starts_with("40") => Self::Conflict(told),
            ref state => match super::engine::condition(state.code()) {
                Some((condition, hint)) => Self::Server {
                    condition,
                    told,
                    hint,
                },
                None => Self::Other(format!("{told} (SQLSTATE {})", state.code())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_the_machine_lacks_is_no_bug_of_the_program() {
        for code in [
            ffi::SQLITE_NOMEM,
            ffi::SQLITE_IOERR_NOMEM,
            ffi::SQLITE_FULL,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_READONLY_DIRECTORY,
            ffi::SQLITE_BUSY_SNAPSHOT,
            ffi::SQLITE_CORRUPT_INDEX,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_PERM,
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = StoreError::from(error);
            assert!(
                !error.hint().contains("bug") && !error.to_string().contains("unexpected"),
                "{code}: {error}"
            );
        }
    }
}
