//! Which item is being read just now, noted where the end of the process does not take it.
//!
//! A panic is caught where it happens. What no program survives (the kernel's out-of-memory killer, an
//! aborted allocation, a stack that overflows) and what must be ended from outside (a reader that does
//! not come back) would meet the same item in the next run again, and for ever. So the item in hand
//! stands in a small file: two writes without a sync an item, since only the process dies, not the
//! machine. The next run finds the file of the dead process, and the item is suspect: before it is
//! read, it is tried in a process of its own under limits. What fails there is put away as any other
//! item that fails twice, and the rest goes on.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use data_encoding::HEXLOWER;

use crate::store::Holder;

/// Names an item: the first half of SHA-256 of its bytes.
pub type ContentKey = [u8; 16];

/// What an item is, so that it can be tried as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Mail,
    /// A stored callback.
    Request,
}

/// Why an item is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub reason: String,
    /// It was put away before.
    pub for_good: bool,
}

/// Tries an item in a process of its own; the error says what became of it.
type Trial = dyn Fn(Kind, &[u8]) -> Result<(), String> + Send + Sync;

/// The attempts of one process at items.
pub struct Attempts {
    path: PathBuf,
    holder: Holder,
    /// Made with the first item; `None` where that failed.
    marker: OnceLock<Option<Marker>>,
    /// Since when which item is being read.
    current: Mutex<Option<(Instant, String)>>,
    /// Items that failed before; those put away with the reason.
    suspects: HashMap<ContentKey, Option<String>>,
    trial: Box<Trial>,
}

struct Marker {
    file: File,
    /// Where the record begins.
    at: u64,
}

/// Octets of the record: state, content, place.
const RECORD: usize = 512;

impl Attempts {
    /// `path` is a file of this process alone; `suspects` failed before.
    pub fn new(
        path: PathBuf,
        holder: Holder,
        suspects: HashMap<ContentKey, Option<String>>,
        trial: Box<Trial>,
    ) -> Self {
        Self {
            path,
            holder,
            marker: OnceLock::new(),
            current: Mutex::new(None),
            suspects,
            trial,
        }
    }

    /// Reads an item, noted meanwhile; a suspect one is tried apart before.
    pub fn read<T>(
        &self,
        kind: Kind,
        content: ContentKey,
        (place, bytes): (&str, &[u8]),
        read: impl FnOnce() -> T,
    ) -> Result<T, Refused> {
        match self.suspects.get(&content) {
            None => {}
            Some(Some(reason)) => {
                return Err(Refused {
                    reason: reason.clone(),
                    for_good: true,
                });
            }
            Some(None) => (self.trial)(kind, bytes).map_err(|reason| Refused {
                reason,
                for_good: false,
            })?,
        }
        let _noted = self.note(content, place);
        Ok(read())
    }

    /// Whether an item failed before.
    pub fn suspects(&self, content: &ContentKey) -> bool {
        self.suspects.contains_key(content)
    }

    fn note(&self, content: ContentKey, place: &str) -> Noted<'_> {
        let marker = self.marker.get_or_init(|| {
            Marker::create(&self.path, &self.holder)
                .inspect_err(|cause| log::warn!("`{}`: {cause}", self.path.display()))
                .ok()
        });
        if let Some(marker) = marker {
            marker.set(content, place);
        }
        *self.current() = Some((Instant::now(), place.to_owned()));
        Noted(self)
    }

    /// The item that has been read for longer than `longest`.
    pub fn overdue(&self, longest: Duration) -> Option<String> {
        let current = self.current();
        let (since, place) = current.as_ref()?;
        (since.elapsed() > longest).then(|| place.clone())
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Option<(Instant, String)>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Attempts {
    fn drop(&mut self) {
        if let Some(Some(_)) = self.marker.get() {
            // Left behind it names no item.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// An item is being read as long as this lives.
struct Noted<'a>(&'a Attempts);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        *self.0.current() = None;
        if let Some(Some(marker)) = self.0.marker.get() {
            marker.clear();
        }
    }
}

impl Marker {
    fn create(path: &Path, holder: &Holder) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        let head = format!("{} {} {}\n", holder.host, holder.pid, holder.started);
        file.write_all_at(head.as_bytes(), 0)?;
        Ok(Self {
            file,
            at: head.len() as u64,
        })
    }

    /// A disk that is full costs the note, not the item.
    fn set(&self, content: ContentKey, place: &str) {
        let mut record = String::with_capacity(RECORD);
        let _ = write!(record, "*{} ", HEXLOWER.encode(&content));
        for c in place.chars() {
            if record.len() + c.len_utf8() >= RECORD {
                break;
            }
            record.push(if c.is_control() { ' ' } else { c });
        }
        while record.len() + 1 < RECORD {
            record.push(' ');
        }
        record.push('\n');
        let _ = self.file.write_all_at(record.as_bytes(), self.at);
    }

    fn clear(&self) {
        let _ = self.file.write_all_at(b"-", self.at);
    }
}

/// What the file of a process says.
#[derive(Debug, PartialEq, Eq)]
pub struct Left {
    pub holder: Holder,
    /// The item that it was reading, and its place.
    pub item: Option<(ContentKey, String)>,
}

/// Reads the file of a process; `None` where it is not one, or not yet.
pub fn left(path: &Path) -> Option<Left> {
    let text = fs::read_to_string(path).ok()?;
    let (head, record) = text.split_once('\n')?;
    let mut fields = head.rsplitn(3, ' ');
    let (started, pid, host) = (fields.next()?, fields.next()?, fields.next()?);
    let holder = Holder {
        host: host.to_owned(),
        pid: pid.parse().ok()?,
        started: started.parse().ok()?,
    };
    let item = record.strip_prefix('*').and_then(|record| {
        let (content, place) = record.split_once(' ')?;
        let content = HEXLOWER.decode(content.as_bytes()).ok()?;
        Some((content.try_into().ok()?, place.trim_end().to_owned()))
    });
    Some(Left { holder, item })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(path: &Path, suspects: &[(ContentKey, Option<&str>)]) -> Attempts {
        let suspects = suspects
            .iter()
            .map(|(content, reason)| (*content, reason.map(str::to_owned)));
        let holder = Holder {
            host: "a host".into(),
            pid: 7,
            started: 42,
        };
        let trial = Box::new(|_, bytes: &[u8]| match bytes {
            b"bad" => Err("it fails apart".into()),
            _ => Ok(()),
        });
        Attempts::new(path.to_owned(), holder, suspects.collect(), trial)
    }

    #[test]
    fn the_item_in_hand_stands_in_the_file_and_only_while_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.reading");
        let attempts = attempts(&path, &[]);
        assert!(!path.exists());
        let place = format!("in\nbox \u{e9}{}", "y".repeat(1000));
        let read = attempts.read(Kind::Mail, [7; 16], (&place, b"mail"), || {
            assert!(attempts.overdue(Duration::ZERO).is_some());
            assert!(attempts.overdue(Duration::from_secs(60)).is_none());
            left(&path).unwrap()
        });
        let read = read.unwrap();
        assert_eq!((read.holder.host.as_str(), read.holder.pid), ("a host", 7));
        let (content, noted) = read.item.unwrap();
        assert_eq!(content, [7; 16]);
        assert!(noted.starts_with("in box \u{e9}yyy"), "{noted}");
        assert_eq!(left(&path).unwrap().item, None);
        assert!(attempts.overdue(Duration::ZERO).is_none());
        attempts
            .read(Kind::Mail, [8; 16], ("p", b""), || ())
            .unwrap();
        drop(attempts);
        assert!(!path.exists());
        fs::write(&path, "half a l").unwrap();
        assert_eq!(left(&path), None);
    }

    #[test]
    fn what_failed_before_is_tried_apart_and_what_was_put_away_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let suspects = [([1; 16], None), ([2; 16], Some("was put away"))];
        let attempts = attempts(&folder.path().join("x"), &suspects);
        let read = |content, bytes: &[u8]| {
            attempts.read(Kind::Mail, [content; 16], ("p", bytes), || "read")
        };
        let refused = |reason: &str, for_good| {
            Err(Refused {
                reason: reason.into(),
                for_good,
            })
        };
        assert_eq!(read(1, b"good"), Ok("read"));
        assert_eq!(read(1, b"bad"), refused("it fails apart", false));
        assert_eq!(read(2, b"good"), refused("was put away", true));
        assert_eq!(read(3, b"bad"), Ok("read"), "nobody suspects it");
    }
}
