//! mbox files and single messages: read, never changed.

use std::{
    collections::VecDeque,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use super::{Body, Bounds, Folder, MailboxError, Message, mbox::Mails};
use crate::config::After;

/// An mbox, a message, or a folder of messages.
pub struct Files {
    bounds: Bounds,
    paths: VecDeque<PathBuf>,
    reader: Option<(PathBuf, Mails<BufReader<File>>)>,
    uid: u32,
    limit: usize,
}

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

impl Files {
    fn next(&mut self) -> Result<Option<Message>, MailboxError> {
        if self.limit == 0 {
            return Ok(None);
        }
        loop {
            let (path, mails) = if let Some(open) = &mut self.reader {
                open
            } else {
                let Some(path) = self.paths.pop_front() else {
                    return Ok(None);
                };
                let mails = File::open(&path)
                    .map(|file| BufReader::with_capacity(64 * 1024, file))
                    .and_then(|reader| Mails::new(reader, self.bounds.message_size, false))
                    .map_err(|cause| file_error(&path, cause))?;
                self.reader.insert((path, mails))
            };
            match mails.next().map_err(|cause| file_error(path, cause))? {
                Some(body) => {
                    self.uid += 1;
                    self.limit -= 1;
                    return Ok(Some(Message {
                        uid: self.uid,
                        body,
                    }));
                }
                None => self.reader = None,
            }
        }
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
