//! Maildir: `new` and what in `cur` carries no `S` flag.

use std::{
    collections::{BTreeMap, VecDeque},
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{Body, Bounds, Folder, MailboxError, Message};
use crate::config::After;

/// An opened Maildir folder.
pub struct Maildir {
    root: PathBuf,
    folder: String,
    bounds: Bounds,
    read_only: bool,
    /// Where each message lay when the folder was opened.
    files: BTreeMap<u32, PathBuf>,
    to_read: VecDeque<u32>,
}

impl Maildir {
    /// Opens `folder` below `root` (Maildir++: `.Name`, or a plain subfolder), the root when empty.
    pub fn open(
        root: &Path,
        folder: &str,
        bounds: Bounds,
        read_only: bool,
    ) -> Result<Self, MailboxError> {
        let mut maildir = Self {
            root: root.to_owned(),
            folder: folder.to_owned(),
            bounds,
            read_only,
            files: BTreeMap::new(),
            to_read: VecDeque::new(),
        };
        maildir.list()?;
        Ok(maildir)
    }

    fn list(&mut self) -> Result<(), MailboxError> {
        let (root, folder) = (&self.root, &self.folder);
        let here = place(root, folder);
        let mut paths = Vec::new();
        for part in ["new", "cur"] {
            let listing =
                fs::read_dir(here.join(part)).map_err(|cause| MailboxError::NoFolder {
                    place: root.display().to_string(),
                    folder: folder.to_owned(),
                    cause: format!("`{}`: {cause}", here.join(part).display()),
                    near: None,
                })?;
            for entry in listing {
                let path = entry.map_err(|cause| file_error(&here, cause))?.path();
                if is_unseen(&path) {
                    paths.push(path);
                }
            }
        }
        // The unique name starts with the time of delivery: oldest first.
        paths.sort_by_key(|path| unique_name(path));
        self.files.clear();
        self.to_read.clear();
        for path in paths {
            let mut uid = uid_of(&unique_name(&path));
            while self.files.contains_key(&uid) {
                uid = uid.wrapping_add(1);
            }
            self.to_read.push_back(uid);
            self.files.insert(uid, path);
        }
        Ok(())
    }

    fn put_away(&self, path: &Path, after: &After) -> io::Result<()> {
        let (folder, name) = match after {
            After::Keep => return Ok(()),
            After::Delete => return fs::remove_file(path),
            After::Seen => {
                let here = path.parent().and_then(Path::parent);
                (here.unwrap_or(&self.root).to_owned(), seen_name(path))
            }
            After::Move(folder) => {
                let target = place(&self.root, folder);
                for part in ["cur", "new", "tmp"] {
                    fs::create_dir_all(target.join(part))?;
                }
                (target, seen_name(path))
            }
        };
        fs::rename(path, folder.join("cur").join(name))
    }
}

fn file_error(path: &Path, cause: io::Error) -> MailboxError {
    MailboxError::File {
        path: path.display().to_string(),
        cause,
    }
}

fn place(root: &Path, folder: &str) -> PathBuf {
    if folder.is_empty() || folder.eq_ignore_ascii_case("inbox") {
        return root.to_owned();
    }
    let dotted = root.join(format!(".{}", folder.trim_start_matches('.')));
    let plain = root.join(folder);
    if plain.join("cur").is_dir() {
        plain
    } else {
        dotted
    }
}

/// The part of the file's name that no flag changes.
fn unique_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split(":2,").next().unwrap_or_default().to_owned()
}

fn flags(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split_once(":2,")
        .map_or(String::new(), |(_, flags)| flags.to_owned())
}

fn is_unseen(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden && !flags(path).contains(['S', 'T']) && path.is_file()
}

fn seen_name(path: &Path) -> String {
    let mut flags: Vec<char> = flags(path).chars().chain(['S']).collect();
    // The order of flags is part of the format.
    flags.sort_unstable();
    flags.dedup();
    format!(
        "{}:2,{}",
        unique_name(path),
        flags.iter().collect::<String>()
    )
}

fn uid_of(name: &str) -> u32 {
    let hash = Sha256::digest(name);
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

impl Folder for Maildir {
    fn uid_validity(&self) -> u32 {
        1
    }

    fn search(&mut self, limit: Option<usize>) -> Result<usize, MailboxError> {
        self.list()?;
        self.to_read.truncate(limit.unwrap_or(usize::MAX));
        Ok(self.to_read.len())
    }

    fn next_batch(&mut self) -> Result<Option<Vec<Message>>, MailboxError> {
        if self.to_read.is_empty() {
            return Ok(None);
        }
        let mut messages = Vec::new();
        let mut bytes = 0;
        while messages.len() < self.bounds.batch_messages && bytes < self.bounds.batch_bytes {
            let Some(uid) = self.to_read.pop_front() else {
                break;
            };
            let path = &self.files[&uid];
            let body = match fs::metadata(path) {
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
                Ok(file) if file.len() > self.bounds.message_size => Body::TooLarge(file.len()),
                Ok(_) => match fs::read(path) {
                    Ok(body) => Body::Whole(body),
                    Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
                    Err(cause) => Body::Unreadable(cause.to_string()),
                },
                Err(cause) => Body::Unreadable(cause.to_string()),
            };
            if let Body::Whole(body) = &body {
                bytes += body.len() as u64;
            }
            messages.push(Message { uid, body });
        }
        Ok(Some(messages))
    }

    fn acknowledge(&mut self, uids: &[u32], after: &After) -> Result<(), MailboxError> {
        if self.read_only {
            return Ok(());
        }
        for path in uids.iter().filter_map(|uid| self.files.get(uid)) {
            match self.put_away(path, after) {
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                done => done.map_err(|cause| file_error(path, cause))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        message_size: 10,
        batch_messages: 2,
        batch_bytes: 100,
    };

    #[test]
    fn unseen_messages_are_given_once_and_flagged_after() {
        let folder = tempfile::tempdir().unwrap();
        for part in ["new", "cur", "tmp"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        let put = |name: &str, body: &str| fs::write(folder.path().join(name), body).unwrap();
        put("new/1.a.h", "one");
        put("cur/2.b.h:2,F", "two");
        put("cur/3.c.h:2,S", "seen");
        put("new/4.d.h", "longer than allowed");
        let open = || Maildir::open(folder.path(), "", BOUNDS, false).unwrap();
        let mut maildir = open();
        assert_eq!(maildir.search(None).unwrap(), 3);
        let first = maildir.next_batch().unwrap().unwrap();
        assert_eq!(first[0].body, Body::Whole(b"one".to_vec()));
        assert_eq!(first.len(), 2);
        let second = maildir.next_batch().unwrap().unwrap();
        assert_eq!(second[0].body, Body::TooLarge(19));
        assert!(maildir.next_batch().unwrap().is_none());

        maildir.acknowledge(&[first[0].uid], &After::Seen).unwrap();
        maildir
            .acknowledge(&[first[1].uid], &After::Move("Done".into()))
            .unwrap();
        assert!(folder.path().join("cur/1.a.h:2,S").is_file());
        assert!(folder.path().join(".Done/cur/2.b.h:2,FS").is_file());
        let left = open();
        assert_eq!(
            left.files.keys().copied().collect::<Vec<_>>(),
            [second[0].uid]
        );
    }
}
