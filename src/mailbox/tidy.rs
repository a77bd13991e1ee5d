//! What servers really send, made readable for the parser of the `imap` crate, and no more of it
//! than was asked for.
//!
//! Servers put folder names and their admin's words in UTF-8 or Latin-1 into status lines, which
//! the parser takes for the end of the session. Outside of literals (where mails are) every octet
//! above ASCII becomes a question mark. And each command has an allowance of octets: a server whose
//! announced sizes are lies cannot fill the memory.

use std::{
    io::{self, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// How many octets the server may still send; shared between the stream and its account.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    pub(super) fn set(&self, octets: u64) {
        self.0.store(octets, Ordering::Relaxed);
    }

    fn take(&self, octets: usize) -> io::Result<()> {
        let left = self.0.load(Ordering::Relaxed);
        let Some(left) = left.checked_sub(octets as u64) else {
            return Err(io::Error::other(
                "the server sends far more than was asked for",
            ));
        };
        self.0.store(left, Ordering::Relaxed);
        Ok(())
    }
}

/// A stream of IMAP answers.
#[derive(Debug)]
pub(super) struct Tidied<S> {
    stream: S,
    allowance: Allowance,
    position: Position,
}

impl<S> Tidied<S> {
    pub(super) fn new(stream: S, allowance: Allowance) -> Self {
        Self {
            stream,
            allowance,
            position: Position::default(),
        }
    }
}

impl<S: Read> Read for Tidied<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.allowance.take(read)?;
        self.position.tidy(&mut buffer[..read]);
        Ok(read)
    }
}

impl<S: Write> Write for Tidied<S> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Where in the answers the last octet was.
#[derive(Debug, Default)]
struct Position {
    /// Octets of a literal that are still to come.
    literal: u64,
    /// The first octets of the line, enough to tell a status line.
    start: [u8; 6],
    length: usize,
    size: Size,
}

/// `{123}` at the end of a line announces a literal.
#[derive(Clone, Copy, Debug, Default)]
enum Size {
    #[default]
    None,
    Digits(u64),
    Closed(u64),
}

impl Position {
    fn tidy(&mut self, octets: &mut [u8]) {
        let mut at = 0;
        while at < octets.len() {
            let left = octets.len() - at;
            if self.literal > 0 {
                let skipped = usize::try_from(self.literal).map_or(left, |more| more.min(left));
                self.literal -= skipped as u64;
                at += skipped;
            } else {
                self.step(&mut octets[at]);
                at += 1;
            }
        }
    }

    fn step(&mut self, octet: &mut u8) {
        if !octet.is_ascii() {
            *octet = b'?';
        }
        if let Some(place) = self.start.get_mut(self.length) {
            *place = *octet;
        }
        self.length += 1;
        self.size = match (*octet, self.size) {
            (b'{', _) => Size::Digits(0),
            (digit @ b'0'..=b'9', Size::Digits(size)) => Size::Digits(
                size.saturating_mul(10)
                    .saturating_add(u64::from(digit - b'0')),
            ),
            (b'}', Size::Digits(size)) => Size::Closed(size),
            (b'\r', closed @ Size::Closed(_)) => closed,
            (b'\n', size) => {
                if let (Size::Closed(size), true) = (size, self.may_announce()) {
                    self.literal = size;
                } else {
                    self.length = 0;
                }
                Size::None
            }
            _ => Size::None,
        };
    }

    /// Status lines end in words for people, which may look like anything.
    fn may_announce(&self) -> bool {
        let status = [&b"* OK"[..], b"* NO", b"* BAD", b"* BYE", b"* PRE"];
        let upper = self.start.map(|octet| octet.to_ascii_uppercase());
        upper.starts_with(b"* ") && !status.iter().any(|word| upper.starts_with(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(text: &[u8], step: usize) -> Vec<u8> {
        let mut position = Position::default();
        let mut text = text.to_vec();
        for part in text.chunks_mut(step) {
            position.tidy(part);
        }
        text
    }

    #[test]
    fn only_what_is_no_mail_is_changed() {
        let answers = "* OK gr\u{fc}\u{df} {3}\r\n* 1 FETCH (UID 1 BODY[] {6}\r\n\u{fc}\r\n\u{fc}\r\n FLAGS {2}\r\n\u{fc})\r\na1 NO \u{fc} {9}\r\n\u{fc}\r\n";
        // One octet each, as Latin-1 has it.
        let answers: Vec<u8> = answers.chars().map(|c| c as u8).collect();
        let expected = "* OK gr?? {3}\r\n* 1 FETCH (UID 1 BODY[] {6}\r\n\u{fc}\r\n\u{fc}\r\n FLAGS {2}\r\n\u{fc})\r\na1 NO ? {9}\r\n?\r\n";
        let expected: Vec<u8> = expected.chars().map(|c| c as u8).collect();
        for step in 1..answers.len() {
            assert_eq!(
                String::from_utf8_lossy(&tidied(&answers, step)),
                String::from_utf8_lossy(&expected),
                "in pieces of {step}"
            );
        }
    }

    #[test]
    fn more_than_allowed_is_an_error() {
        let allowance = Allowance::default();
        allowance.set(10);
        let mut stream = Tidied::new(&b"0123456789ab"[..], allowance);
        let mut buffer = [0; 8];
        assert_eq!(stream.read(&mut buffer).unwrap(), 8);
        assert!(
            stream
                .read(&mut buffer)
                .unwrap_err()
                .to_string()
                .contains("more than")
        );
    }
}
