//! The spool: received requests, each a file, until they are processed.
//!
//! ```text
//! spool/                       0700, files 0600
//!   tmp/                       being written
//!   new/                       received: durable before the provider is told so
//!   done/                      processed, kept for a while
//!   failed/                    NAME and NAME.reason
//! ```
//! A file is written in `tmp`, synced, renamed into `new`, and the folder synced: what stands in
//! `new` is whole and survives a crash. Names begin with the time of receipt, so that their order
//! is the order of processing, and hold the size, so that the spool's is known by listing it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::{random, time::Timestamp};

/// A spool's folder.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub files: u64,
    /// Octets.
    pub size: u64,
}

/// Why a request was not stored.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("the spool `{folder}` is full: {files} requests of {size} octets wait")]
    Full {
        folder: String,
        files: u64,
        size: u64,
    },
    #[error("the spool `{path}` cannot be written: {cause}")]
    Unwritable { path: String, cause: io::Error },
    #[error("the spool `{path}` cannot be read: {cause}")]
    Unreadable { path: String, cause: io::Error },
}

impl SpoolError {
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Full { .. } => {
                "run `bouncekit webhook:replay --spool` (from cron, every minute), or raise \
                 `spool_files` and `spool_size` in [webhook]"
            }
            Self::Unwritable { .. } | Self::Unreadable { .. } => {
                "the web server's user and cron's must be the same, and own the folder `spool` of \
                 [webhook]"
            }
        }
    }
}

const TMP: &str = "tmp";
const NEW: &str = "new";
const DONE: &str = "done";
const FAILED: &str = "failed";

/// What was received before, and lies in the folder, may go.
#[derive(Clone, Copy, Debug)]
pub struct Lasting {
    pub done: Timestamp,
    pub failed: Timestamp,
    /// What a crash left half-written.
    pub unfinished: Timestamp,
}

impl Spool {
    /// The spool at `folder`, which need not exist.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stores a request durably; answers its name.
    pub fn store(
        &self,
        provider: &str,
        frame: &[u8],
        at: Timestamp,
        limits: Limits,
    ) -> Result<String, SpoolError> {
        self.make_folders()
            .map_err(|cause| self.unwritable("", cause))?;
        let (mut files, mut size) = (0, 0);
        for name in self.names(NEW)? {
            files += 1;
            size += size_in(&name);
        }
        if files >= limits.files || size + frame.len() as u64 > limits.size {
            return Err(SpoolError::Full {
                folder: self.folder.display().to_string(),
                files,
                size,
            });
        }
        let name = new_name(provider, frame.len(), at);
        let written = self.write(&name, frame);
        if written.is_err() {
            // Half a file is nobody's.
            let _ = fs::remove_file(self.path(TMP, &name));
        }
        written.map_err(|cause| self.unwritable(NEW, cause))?;
        Ok(name)
    }

    fn write(&self, name: &str, frame: &[u8]) -> io::Result<()> {
        let path = self.path(TMP, name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(frame)?;
        file.sync_all()?;
        fs::rename(&path, self.path(NEW, name))?;
        sync_folder(&self.folder.join(NEW))
    }

    fn make_folders(&self) -> io::Result<()> {
        if self.folder.join(FAILED).is_dir() {
            return Ok(());
        }
        for name in [TMP, NEW, DONE, FAILED] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(self.folder.join(name))?;
        }
        sync_folder(&self.folder)?;
        // The spool's own entry is to survive a crash too, where this user may see to it.
        let parent = self.folder.join("..");
        File::open(parent).map_or(Ok(()), |parent| parent.sync_all())
    }

    /// The names of what waits, in the order of receipt.
    pub fn waiting(&self) -> Result<Vec<String>, SpoolError> {
        let mut names: Vec<String> = self.names(NEW)?;
        names.sort_unstable();
        Ok(names)
    }

    /// The bytes of a waiting request.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, SpoolError> {
        let path = self.path(NEW, name);
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(|cause| SpoolError::Unreadable {
                path: path.display().to_string(),
                cause,
            })?;
        Ok(bytes)
    }

    /// Where a request of this name is: waiting, failed or done.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            return None;
        }
        [NEW, FAILED, DONE]
            .into_iter()
            .map(|folder| self.path(folder, name))
            .find(|path| path.is_file())
    }

    /// Puts processed requests away. To be called after their events are committed; should it be
    /// left out by a crash, they are processed again and found to be duplicates.
    pub fn put_done<'n>(
        &self,
        names: impl IntoIterator<Item = &'n String>,
    ) -> Result<(), SpoolError> {
        let mut any = false;
        for name in names {
            self.put(name, DONE)?;
            any = true;
        }
        if !any {
            return Ok(());
        }
        sync_folder(&self.folder.join(DONE)).map_err(|cause| self.unwritable(DONE, cause))
    }

    /// Puts requests away that cannot be processed, each with the reason beside it. The reason is
    /// not synced: should a crash take it, the request is still there.
    pub fn put_failed<'n>(
        &self,
        failed: impl IntoIterator<Item = &'n (String, String)>,
    ) -> Result<(), SpoolError> {
        let mut any = false;
        for (name, reason) in failed {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(self.path(FAILED, &format!("{name}.reason")))
                .and_then(|mut file| writeln!(file, "{reason}"))
                .map_err(|cause| self.unwritable(FAILED, cause))?;
            self.put(name, FAILED)?;
            any = true;
        }
        if !any {
            return Ok(());
        }
        sync_folder(&self.folder.join(FAILED)).map_err(|cause| self.unwritable(FAILED, cause))
    }

    /// Makes what failed wait again; answers its names.
    pub fn retry_failed(&self) -> Result<Vec<String>, SpoolError> {
        let names = self.names(FAILED)?;
        for name in &names {
            fs::rename(self.path(FAILED, name), self.path(NEW, name))
                .map_err(|cause| self.unwritable(NEW, cause))?;
            // Left behind it would only explain what is no more.
            let _ = fs::remove_file(self.path(FAILED, &format!("{name}.reason")));
        }
        if !names.is_empty() {
            sync_folder(&self.folder.join(NEW)).map_err(|cause| self.unwritable(NEW, cause))?;
        }
        Ok(names)
    }

    fn put(&self, name: &str, folder: &str) -> Result<(), SpoolError> {
        fs::rename(self.path(NEW, name), self.path(folder, name))
            .map_err(|cause| self.unwritable(folder, cause))
    }

    /// Deletes what has lasted long enough. Answers how many requests.
    pub fn trim(&self, lasting: &Lasting) -> Result<usize, SpoolError> {
        let mut deleted = 0;
        for (folder, before) in [
            (DONE, lasting.done),
            (FAILED, lasting.failed),
            (TMP, lasting.unfinished),
        ] {
            let limit = stamp(before);
            for name in self.names(folder)? {
                if name.as_str() < limit.as_str()
                    && fs::remove_file(self.path(folder, &name)).is_ok()
                {
                    deleted += 1;
                    if folder == FAILED {
                        // It explains what is no more.
                        let _ = fs::remove_file(self.path(FAILED, &format!("{name}.reason")));
                    }
                }
            }
        }
        Ok(deleted)
    }

    /// How many requests wait, and how many failed.
    pub fn counts(&self) -> Result<(usize, usize), SpoolError> {
        Ok((self.names(NEW)?.len(), self.names(FAILED)?.len()))
    }

    /// The requests in a folder; other files are nobody's business. No folder, no requests.
    fn names(&self, folder: &str) -> Result<Vec<String>, SpoolError> {
        let path = self.folder.join(folder);
        let unreadable = |cause| SpoolError::Unreadable {
            path: path.display().to_string(),
            cause,
        };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(unreadable(cause)),
        };
        let mut names = Vec::new();
        for entry in entries {
            if let Ok(name) = entry.map_err(unreadable)?.file_name().into_string()
                && Path::new(&name)
                    .extension()
                    .is_some_and(|kind| kind == "http")
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn path(&self, folder: &str, name: &str) -> PathBuf {
        self.folder.join(folder).join(name)
    }

    fn unwritable(&self, folder: &str, cause: io::Error) -> SpoolError {
        SpoolError::Unwritable {
            path: self.folder.join(folder).display().to_string(),
            cause,
        }
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// `20260102T030405.678Z`: sorts as time does, and is a file name everywhere.
fn stamp(at: Timestamp) -> String {
    at.rfc3339_millis().replace(['-', ':'], "")
}

/// `<time>-<random>-<provider>-<size>.http`
fn new_name(provider: &str, size: usize, at: Timestamp) -> String {
    // Without randomness two requests of one millisecond are told apart by the process.
    let random = random::octets().unwrap_or_else(|_| u64::from(std::process::id()).to_be_bytes());
    let random = data_encoding::HEXLOWER.encode(&random);
    format!("{}-{random}-{provider}-{size}.http", stamp(at))
}

fn size_in(name: &str) -> u64 {
    name.strip_suffix(".http")
        .and_then(|name| name.rsplit('-').next()?.parse().ok())
        .unwrap_or(0)
}

/// The provider in a request's name.
pub fn provider_in(name: &str) -> Option<&str> {
    name.split('-').nth(2)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const LIMITS: Limits = Limits {
        files: 3,
        size: 100,
    };

    fn spool() -> (tempfile::TempDir, Spool) {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::at(folder.path().join("spool"));
        (folder, spool)
    }

    #[test]
    fn what_is_stored_waits_in_the_order_of_receipt() {
        let (_folder, spool) = spool();
        assert!(spool.waiting().unwrap().is_empty());
        let later = spool
            .store("mailjet", b"later", Timestamp(2_000), LIMITS)
            .unwrap();
        let first = spool
            .store("amazon_ses", b"first", Timestamp(1_999), LIMITS)
            .unwrap();
        assert_eq!(spool.waiting().unwrap(), [first.clone(), later.clone()]);
        assert_eq!(spool.read(&first).unwrap(), b"first");
        assert_eq!(provider_in(&first), Some("amazon_ses"));
        assert_eq!(size_in(&later), 5);
        assert_eq!(fs::read_dir(spool.folder.join(TMP)).unwrap().count(), 0);
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(spool.path(NEW, &first)), 0o600);
        assert_eq!(mode(spool.folder.join(NEW)), 0o700);
        assert_eq!(mode(spool.folder.clone()), 0o700);
    }

    #[test]
    fn a_full_spool_takes_nothing_more() {
        let (_folder, spool) = spool();
        let store = |size| spool.store("m", &vec![0; size], Timestamp(1), LIMITS);
        assert!(matches!(store(101), Err(SpoolError::Full { files: 0, .. })));
        store(50).unwrap();
        assert!(matches!(store(51), Err(SpoolError::Full { size: 50, .. })));
        store(1).unwrap();
        store(1).unwrap();
        assert!(matches!(store(1), Err(SpoolError::Full { files: 3, .. })));
    }

    #[test]
    fn what_cannot_be_stored_leaves_no_litter() {
        let (_folder, spool) = spool();
        spool.make_folders().unwrap();
        fs::remove_dir(spool.folder.join(NEW)).unwrap();
        let error = spool.store("m", b"x", Timestamp(1), LIMITS).unwrap_err();
        assert!(matches!(error, SpoolError::Unwritable { .. }), "{error}");
        assert_eq!(fs::read_dir(spool.folder.join(TMP)).unwrap().count(), 0);
    }

    #[test]
    fn done_and_failed_are_put_away_and_the_old_deleted() {
        let (_folder, spool) = spool();
        let names: Vec<String> = [1_000, 2_000, 3_000]
            .map(|at| spool.store("m", b"x", Timestamp(at), LIMITS).unwrap())
            .into();
        spool.put_done(&names[..2]).unwrap();
        let failed = (names[2].clone(), "it is broken".to_owned());
        spool.put_failed([&failed]).unwrap();
        assert_eq!(spool.counts().unwrap(), (0, 1));
        let reason = spool.path(FAILED, &format!("{}.reason", names[2]));
        assert_eq!(fs::read_to_string(reason).unwrap(), "it is broken\n");
        let half = spool.path(TMP, &names[0]);
        fs::write(&half, "hal").unwrap();
        let trim = |done, failed, unfinished| {
            let lasting = Lasting {
                done: Timestamp(done),
                failed: Timestamp(failed),
                unfinished: Timestamp(unfinished),
            };
            spool.trim(&lasting).unwrap()
        };
        assert_eq!(trim(2_000, 3_000, 1_000), 1);
        assert!(half.exists());
        assert_eq!(trim(2_000, 3_000, 1_001), 1);
        assert_eq!(spool.names(DONE).unwrap(), names[1..2]);
        assert_eq!(spool.find(&names[2]), Some(spool.path(FAILED, &names[2])));
        assert_eq!(spool.find("../x"), None);
        assert_eq!(spool.retry_failed().unwrap(), names[2..]);
        assert_eq!(spool.waiting().unwrap(), names[2..]);
        let in_failed = || fs::read_dir(spool.folder.join(FAILED)).unwrap().count();
        assert_eq!(in_failed(), 0);
        spool.put_failed([&failed]).unwrap();
        assert_eq!((trim(0, 3_001, 0), in_failed()), (1, 0));
    }
}
