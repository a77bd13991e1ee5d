//! What servers really send, made readable for the parser of the `imap` crate, and no more of it
//! than was asked for.
//!
//! - Servers put folder names and their admin's words in UTF-8 or Latin-1 into status lines, which
//!   the parser takes for the end of the session: outside of literals every octet above ASCII
//!   becomes a question mark.
//! - The parser starts anew at every line of a mail that it waits for, which took more time than
//!   everything else together: mails are put aside here and a marker stands in their place.
//! - Each command has an allowance of octets: a server whose announced sizes are lies cannot fill
//!   the memory.

use std::{
    io::{self, Read, Write},
    sync::{
        Arc, Mutex, PoisonError,
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

/// The literals of one command's answer; shared between the stream and its account. Nothing is put
/// aside unless it is open.
#[derive(Clone, Debug, Default)]
pub(super) struct Aside(Arc<Mutex<Option<Vec<Vec<u8>>>>>);

impl Aside {
    pub(super) fn open(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    pub(super) fn close(&self) -> Literals {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Literals(taken.unwrap_or_default())
    }
}

/// What was put aside, to be fetched by the markers.
pub(super) struct Literals(Vec<Vec<u8>>);

/// Octets of a marker: the literal's number.
const MARKER: usize = 20;

impl Literals {
    /// The literal that a marker stands for; what is no marker stands for itself.
    pub(super) fn resolve(&mut self, text: &[u8]) -> Vec<u8> {
        let number = std::str::from_utf8(text)
            .ok()
            .filter(|text| text.len() == MARKER)
            .and_then(|text| text.parse::<usize>().ok());
        number
            .and_then(|number| self.0.get_mut(number))
            .map_or_else(|| text.to_vec(), std::mem::take)
    }
}

/// A stream of IMAP answers.
#[derive(Debug)]
pub(super) struct Tidied<S> {
    stream: S,
    allowance: Allowance,
    aside: Aside,
    input: Box<[u8]>,
    tidy: Tidy,
    /// How much of the tidied octets was given out.
    given: usize,
}

impl<S> Tidied<S> {
    pub(super) fn new(stream: S, allowance: Allowance, aside: Aside) -> Self {
        Self {
            stream,
            allowance,
            aside,
            input: vec![0; 64 * 1024].into_boxed_slice(),
            tidy: Tidy::default(),
            given: 0,
        }
    }
}

impl<S: Read> Read for Tidied<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.tidy.output.len() {
            self.given = 0;
            self.tidy.output.clear();
            let read = self.stream.read(&mut self.input)?;
            if read == 0 {
                return Ok(0);
            }
            self.allowance.take(read)?;
            let mut aside = self.aside.0.lock().unwrap_or_else(PoisonError::into_inner);
            self.tidy.tidy(&self.input[..read], aside.as_mut());
        }
        let left = &self.tidy.output[self.given..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.given += count;
        Ok(count)
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

/// The answers so far: what is passed on, and where in a line or literal they ended.
#[derive(Debug, Default)]
struct Tidy {
    output: Vec<u8>,
    /// Octets of a literal that are still to come.
    literal: u64,
    /// The literal that is being put aside.
    body: Option<Vec<u8>>,
    /// The first octets of the line, enough to tell a status line.
    start: [u8; 6],
    length: usize,
    size: Size,
    /// What may become the announcement of a literal, not yet passed on.
    held: Vec<u8>,
}

/// `{123}` at the end of a line announces a literal.
#[derive(Clone, Copy, Debug, Default)]
enum Size {
    #[default]
    None,
    Digits(u64),
    Closed(u64),
}

impl Tidy {
    fn tidy(&mut self, mut octets: &[u8], mut aside: Option<&mut Vec<Vec<u8>>>) {
        while let Some((octet, rest)) = octets.split_first() {
            if self.literal > 0 {
                let whole = usize::try_from(self.literal).unwrap_or(usize::MAX);
                let (part, rest) = octets.split_at(whole.min(octets.len()));
                self.literal -= part.len() as u64;
                self.body
                    .as_mut()
                    .unwrap_or(&mut self.output)
                    .extend_from_slice(part);
                octets = rest;
            } else {
                self.step(*octet, aside.as_deref());
                octets = rest;
            }
            if self.literal == 0
                && let (Some(body), Some(aside)) = (self.body.take(), aside.as_deref_mut())
            {
                aside.push(body);
            }
        }
    }

    fn step(&mut self, octet: u8, aside: Option<&Vec<Vec<u8>>>) {
        let octet = if octet.is_ascii() { octet } else { b'?' };
        if let Some(place) = self.start.get_mut(self.length) {
            *place = octet;
        }
        self.length += 1;
        let size = match (octet, self.size) {
            (b'{', _) => Size::Digits(0),
            (digit @ b'0'..=b'9', Size::Digits(size)) => Size::Digits(
                size.saturating_mul(10)
                    .saturating_add(u64::from(digit - b'0')),
            ),
            (b'}', Size::Digits(size)) => Size::Closed(size),
            (b'\r', closed @ Size::Closed(_)) => closed,
            _ => Size::None,
        };
        match (octet, self.size) {
            (b'\n', Size::Closed(size)) if self.may_announce() => {
                self.literal = size;
                if let Some(aside) = aside {
                    let number = aside.len();
                    self.held.clear();
                    self.body = Some(Vec::new());
                    let marker = format!("{{{MARKER}}}\r\n{number:0MARKER$}");
                    self.output.extend_from_slice(marker.as_bytes());
                } else {
                    self.output.append(&mut self.held);
                    self.output.push(octet);
                }
            }
            _ => {
                // A second brace begins anew.
                if matches!((octet, size), (b'{', _) | (_, Size::None)) {
                    self.output.append(&mut self.held);
                }
                let passed = if matches!(size, Size::None) {
                    &mut self.output
                } else {
                    &mut self.held
                };
                passed.push(octet);
                if octet == b'\n' {
                    self.length = 0;
                }
            }
        }
        self.size = size;
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

    /// One octet each, as Latin-1 has it.
    fn octets(text: &str) -> Vec<u8> {
        text.chars().map(|c| c as u8).collect()
    }

    /// Gives octets a few at a time.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            let (now, later) = self.0.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    fn tidied(text: &[u8], step: usize, aside: &Aside) -> Vec<u8> {
        let allowance = Allowance::default();
        allowance.set(10_000);
        let mut stream = Tidied::new(Pieces(text, step), allowance, aside.clone());
        let mut out = Vec::new();
        stream.read_to_end(&mut out).unwrap();
        out
    }

    const ANSWERS: &str = "* OK gr\u{fc}\u{df} {3}\r\n* {x} {1{2\r\n* 1 FETCH (UID 1 BODY[] {6}\r\n\u{fc}\r\n\u{fc}\r\n FLAGS {2}\r\n\u{fc}) BODY[1] {0}\r\n)\r\na1 NO \u{fc} {9}\r\n\u{fc}\r\n";

    #[test]
    fn only_what_is_no_mail_is_changed() {
        let answers = octets(ANSWERS);
        let expected = "* OK gr?? {3}\r\n* {x} {1{2\r\n* 1 FETCH (UID 1 BODY[] {6}\r\n\u{fc}\r\n\u{fc}\r\n FLAGS {2}\r\n\u{fc}) BODY[1] {0}\r\n)\r\na1 NO ? {9}\r\n?\r\n";
        for step in 1..answers.len() {
            assert_eq!(
                String::from_utf8_lossy(&tidied(&answers, step, &Aside::default())),
                String::from_utf8_lossy(&octets(expected)),
                "in pieces of {step}"
            );
        }
    }

    #[test]
    fn mails_are_put_aside_and_found_by_their_markers() {
        let answers = octets(ANSWERS);
        let expected = "* OK gr?? {3}\r\n* {x} {1{2\r\n* 1 FETCH (UID 1 BODY[] {20}\r\n00000000000000000000 FLAGS {20}\r\n00000000000000000001 BODY[1] {20}\r\n00000000000000000002)\r\na1 NO ? {9}\r\n?\r\n";
        for step in 1..answers.len() {
            let aside = Aside::default();
            aside.open();
            assert_eq!(
                String::from_utf8_lossy(&tidied(&answers, step, &aside)),
                expected,
                "in pieces of {step}"
            );
            let mut literals = aside.close();
            assert_eq!(literals.resolve(b"00000000000000000001"), octets("\u{fc})"));
            assert_eq!(
                literals.resolve(b"00000000000000000000"),
                octets("\u{fc}\r\n\u{fc}\r\n")
            );
            assert_eq!(literals.resolve(b"00000000000000000002"), b"");
            assert_eq!(literals.resolve(b"itself"), b"itself");
        }
    }

    #[test]
    fn more_than_allowed_is_an_error() {
        let allowance = Allowance::default();
        allowance.set(10);
        let mut stream = Tidied::new(Pieces(b"0123456789ab", 8), allowance, Aside::default());
        let mut buffer = [0; 8];
        assert_eq!(stream.read(&mut buffer).unwrap(), 8);
        let error = stream.read(&mut buffer).unwrap_err();
        assert!(error.to_string().contains("more than"));
    }
}
