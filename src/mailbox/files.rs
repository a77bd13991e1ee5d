//! mbox files and single messages: read, never changed.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use super::{Body, Bounds, Folder, MailboxError, Message};
use crate::config::After;

/// An mbox, a message, or a folder of messages.
pub struct Files {
    bounds: Bounds,
    paths: VecDeque<PathBuf>,
    reader: Option<(PathBuf, BufReader<File>)>,
    /// The `From ` line that starts the next message was read already.
    in_mbox: bool,
    line_end: u8,
    uid: u32,
    limit: usize,
}

/// Octets of a line that are read at once.
const LINE: u64 = 1 << 20;

/// Opens what lies at `path`: each file starting with `From ` is an mbox, any other one message.
pub fn open_file(path: &Path, bounds: Bounds) -> Result<Files, MailboxError> {
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|cause| file_error(path, cause))?;
        paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|cause| file_error(path, cause))?;
        paths.retain(|path| path.is_file());
        paths.sort();
    } else if let Err(cause) = std::fs::metadata(path) {
        return Err(file_error(path, cause));
    }
    Ok(Files {
        bounds,
        paths: paths.into(),
        reader: None,
        in_mbox: false,
        line_end: b'\n',
        uid: 0,
        limit: usize::MAX,
    })
}

fn file_error(path: &Path, cause: std::io::Error) -> MailboxError {
    MailboxError::File {
        path: path.display().to_string(),
        cause,
    }
}

/// The last octet of a line: files of classic Mac OS have carriage returns alone.
fn line_end(start: &[u8]) -> u8 {
    let first = memchr::memchr2(b'\r', b'\n', start);
    let alone = |at: usize| start[at] == b'\r' && start.get(at + 1) != Some(&b'\n');
    if first.is_some_and(alone) {
        b'\r'
    } else {
        b'\n'
    }
}

/// Whether a `From ` line may come next: after a blank line, and after a last MIME boundary, which
/// some writers put no blank line behind.
fn ends_message(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.is_empty() || (line.len() > 4 && line.starts_with(b"--") && line.ends_with(b"--"))
}

impl Files {
    fn next(&mut self) -> Result<Option<Message>, MailboxError> {
        if self.limit == 0 {
            return Ok(None);
        }
        loop {
            if self.reader.is_none() {
                let Some(path) = self.paths.pop_front() else {
                    return Ok(None);
                };
                let file = File::open(&path).map_err(|cause| file_error(&path, cause))?;
                let mut reader = BufReader::with_capacity(64 * 1024, file);
                let start = reader
                    .fill_buf()
                    .map_err(|cause| file_error(&path, cause))?;
                self.in_mbox = start.starts_with(b"From ");
                self.line_end = line_end(start);
                if self.in_mbox {
                    let mut line = Vec::new();
                    reader
                        .read_until(self.line_end, &mut line)
                        .map_err(|cause| file_error(&path, cause))?;
                }
                self.reader = Some((path, reader));
            }
            if let Some(body) = self.message()? {
                self.uid += 1;
                self.limit -= 1;
                return Ok(Some(Message {
                    uid: self.uid,
                    body,
                }));
            }
        }
    }

    /// The message at the reader, up to the next `From ` line; `None` closes the file.
    fn message(&mut self) -> Result<Option<Body>, MailboxError> {
        let Some((path, reader)) = &mut self.reader else {
            return Ok(None);
        };
        let mut body = Vec::new();
        let mut size = 0;
        let mut after_end = false;
        let mut another = false;
        let mut line = Vec::new();
        let mut lines = 0;
        loop {
            line.clear();
            // A line without an end must not fill the memory.
            let read = reader
                .by_ref()
                .take(LINE)
                .read_until(self.line_end, &mut line)
                .map_err(|cause| file_error(path, cause))?;
            if read == 0 {
                break;
            }
            lines += 1;
            if self.in_mbox && after_end && line.starts_with(b"From ") {
                another = true;
                break;
            }
            after_end = ends_message(&line);
            size += read as u64;
            if size <= self.bounds.message_size {
                // mboxrd: one `>` was put before each quoted `From `.
                let markers = line.iter().take_while(|octet| **octet == b'>').count();
                let quoted = self.in_mbox && markers > 0 && line[markers..].starts_with(b"From ");
                body.extend_from_slice(&line[usize::from(quoted)..]);
            }
        }
        if !another {
            self.reader = None;
            if lines == 0 && self.in_mbox {
                return Ok(None);
            }
        }
        if size > self.bounds.message_size {
            return Ok(Some(Body::TooLarge(size)));
        }
        Ok(Some(Body::Whole(body)))
    }
}

impl Folder for Files {
    fn uid_validity(&self) -> u32 {
        1
    }

    fn search(&mut self, limit: Option<usize>) -> Result<usize, MailboxError> {
        self.limit = limit.unwrap_or(usize::MAX);
        Ok(0)
    }

    fn next_batch(&mut self) -> Result<Option<Vec<Message>>, MailboxError> {
        let mut messages = Vec::new();
        let mut bytes = 0;
        while messages.len() < self.bounds.batch_messages && bytes < self.bounds.batch_bytes {
            let Some(message) = self.next()? else { break };
            if let Body::Whole(body) = &message.body {
                bytes += body.len() as u64;
            }
            messages.push(message);
        }
        Ok((!messages.is_empty()).then_some(messages))
    }

    fn acknowledge(&mut self, _: &[u32], _: &After) -> Result<(), MailboxError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_mbox_is_cut_at_its_from_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mbox");
        let text = "From a Mon\nSubject: 1\n\nbody\n>From here\n>>From there\nFrom inside\n\n\
                    From b Tue\nSubject: 2\n\nx\n--b--\nFrom c Wed\n0123456789012345678901234567890123456789012345678901234567890123456789\n";
        std::fs::write(&path, text).unwrap();
        let bounds = Bounds {
            message_size: 70,
            batch_messages: 10,
            batch_bytes: 1000,
        };
        let mut files = open_file(&path, bounds).unwrap();
        let bodies: Vec<Body> = files
            .next_batch()
            .unwrap()
            .unwrap()
            .into_iter()
            .map(|message| message.body)
            .collect();
        let first = "Subject: 1\n\nbody\nFrom here\n>From there\nFrom inside\n\n";
        assert_eq!(bodies[0], Body::Whole(first.into()));
        assert_eq!(bodies[1], Body::Whole("Subject: 2\n\nx\n--b--\n".into()));
        assert_eq!(bodies[2], Body::TooLarge(71));
        assert!(files.next_batch().unwrap().is_none());
    }

    #[test]
    fn carriage_returns_alone_end_lines_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mac");
        std::fs::write(
            &path,
            "From a Mon\rSubject: 1\r\rbody\r\rFrom b Tue\rSubject: 2\r",
        )
        .unwrap();
        let bounds = Bounds {
            message_size: 70,
            batch_messages: 10,
            batch_bytes: 1000,
        };
        let messages = open_file(&path, bounds)
            .unwrap()
            .next_batch()
            .unwrap()
            .unwrap();
        assert_eq!(
            messages[0].body,
            Body::Whole("Subject: 1\r\rbody\r\r".into())
        );
        assert_eq!(messages[1].body, Body::Whole("Subject: 2\r".into()));
    }
}
