//! Tokens on disk: one file for each token, mode 600, replaced as a whole under a lock.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::OAuthError;
use crate::time::{MINUTE, Timestamp};

/// A token that is about to end does not outlive the log-in.
const RESERVE: i64 = 2 * MINUTE;

/// What is kept between runs.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) access_token: String,
    pub(super) obtained_at: Timestamp,
    pub(super) expires_at: Timestamp,
    /// What the endpoint gave in the place of the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<String>,
}

impl Kept {
    /// A clock that was set back makes the end of a token unknown.
    pub(super) fn holds_at(&self, now: Timestamp) -> bool {
        self.obtained_at <= now && now.0 + RESERVE < self.expires_at.0
    }
}

/// The file of one token, locked until dropped.
pub(super) struct Cache {
    path: PathBuf,
    _lock: File,
}

pub(super) fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

impl Cache {
    pub(super) fn lock(folder: &Path, name: &str) -> Result<Self, OAuthError> {
        let failed = |cause: io::Error| OAuthError::Cache {
            path: folder.display().to_string(),
            cause,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(format!("{name}.lock")))
            .map_err(failed)?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|cause| failed(cause.into()))?;
        Ok(Self {
            path: path(folder, name),
            _lock: lock,
        })
    }

    /// What is kept; nothing where the file is damaged, or somebody else could have written it.
    pub(super) fn read(&self) -> Option<Kept> {
        let mode = fs::metadata(&self.path).ok()?.mode();
        if mode & 0o077 != 0 {
            log::warn!(
                "`{}` was open to others and is not used; it is written anew",
                self.path.display()
            );
            return None;
        }
        serde_json::from_slice(&fs::read(&self.path).ok()?).ok()
    }

    pub(super) fn write(&self, kept: &Kept) -> Result<(), OAuthError> {
        let beside = self.path.with_extension("new");
        let write = || {
            // A left-over may have another mode.
            let _ = fs::remove_file(&beside);
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&beside)?;
            file.write_all(&serde_json::to_vec(kept)?)?;
            // A refresh token that was replaced stands nowhere else.
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        };
        write().map_err(|cause| OAuthError::Cache {
            path: self.path.display().to_string(),
            cause,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn kept(at: i64) -> Kept {
        Kept {
            access_token: "t".into(),
            obtained_at: Timestamp(at),
            expires_at: Timestamp(at + 60 * MINUTE),
            refresh_token: Some("r".into()),
        }
    }

    #[test]
    fn a_token_holds_until_shortly_before_its_end() {
        let token = kept(100 * MINUTE);
        for (minute, holds) in [
            (99, false),
            (100, true),
            (157, true),
            (158, false),
            (200, false),
        ] {
            assert_eq!(
                token.holds_at(Timestamp(minute * MINUTE)),
                holds,
                "{minute}"
            );
        }
    }

    #[test]
    fn the_file_is_private_whole_and_locked() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("a/b");
        let cache = Cache::lock(&folder, "x").unwrap();
        assert!(cache.read().is_none());
        cache.write(&kept(5)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&cache.path), mode(&folder)), (0o600, 0o700));
        assert_eq!(cache.read().unwrap().refresh_token.as_deref(), Some("r"));

        let lock = File::open(folder.join("x.lock")).unwrap();
        let try_lock = || flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok();
        assert!(!try_lock());
        fs::set_permissions(&cache.path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(cache.read().is_none(), "somebody else could have read it");
        cache.write(&kept(6)).unwrap();
        assert_eq!(mode(&cache.path), 0o600);
        drop(cache);
        assert!(try_lock());
    }
}
