//! One command on its way while the answer to the one before it is still being read.
//!
//! The server need not wait for the client then (RFC 9051, 5.5), which the `imap` crate has no way
//! for: the stream sends the command, and swallows it when the crate does.

use std::sync::{Arc, Mutex, PoisonError};

/// The command that goes out with the next, without its tag; shared between the stream and its
/// account.
#[derive(Clone, Debug, Default)]
pub(super) struct Ahead(Arc<Mutex<Option<String>>>);

impl Ahead {
    pub(super) fn announce(&self, command: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = command;
    }

    /// The command as the crate will send it behind `line`: the crate counts its tags.
    pub(super) fn behind(&self, line: &[u8]) -> Option<Vec<u8>> {
        let mut announced = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let command = announced.take()?;
        let (tag, _) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        let number: u32 = tag.strip_prefix('a')?.parse().ok()?;
        Some(format!("a{} {command}\r\n", number.checked_add(1)?).into_bytes())
    }
}

/// The line that ends the answer to the command that was sent ahead. It may come before that to the
/// command before it (RFC 9051, 5.5), which the crate does not expect.
#[derive(Debug, Default)]
pub(super) struct Completion {
    /// What the line begins with.
    tag: Option<Vec<u8>>,
    /// The line that is being received.
    line: Vec<u8>,
    /// It came.
    early: Vec<u8>,
}

impl Completion {
    /// A command begins; `next` was sent with it. What came for it already is passed on.
    pub(super) fn expect(&mut self, next: Option<&[u8]>, output: &mut Vec<u8>) {
        output.append(&mut self.early);
        let tag = next.and_then(|next| next.split_inclusive(|octet| *octet == b' ').next());
        self.tag = tag.map(<[u8]>::to_vec);
    }

    /// Whether an octet may belong to the line.
    pub(super) fn holds(&self, octet: u8, begins_a_line: bool) -> bool {
        let tagged = begins_a_line && octet != b'*';
        tagged && self.tag.is_some() || !self.line.is_empty()
    }

    /// Holds an octet back until the line says whose it is.
    pub(super) fn hold(&mut self, octet: u8, output: &mut Vec<u8>) {
        self.line.push(octet);
        if octet == b'\n' {
            let tag = self.tag.as_deref();
            let is_early = tag.is_some_and(|tag| self.line.starts_with(tag));
            let place = if is_early { &mut self.early } else { output };
            place.append(&mut self.line);
        }
    }
}
