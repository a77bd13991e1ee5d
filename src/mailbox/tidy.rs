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
    collections::VecDeque,
    io::{self, Read, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::ahead::{Ahead, Completion};

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

/// The literals of answers; shared between the stream and its account. Nothing is put aside unless
/// it is open.
#[derive(Clone, Debug, Default)]
pub(super) struct Aside(Arc<Mutex<Literals>>);

#[derive(Debug, Default)]
struct Literals {
    open: bool,
    /// The number of the first of them.
    first: usize,
    kept: VecDeque<Vec<u8>>,
}

/// Octets that are set aside for a mail because a server announces it; more only as it comes.
const ANNOUNCED: usize = 64 * 1024;
/// Octets of a marker: the literal's number.
const MARKER: usize = 20;

impl Aside {
    /// With `false`, what nobody asked for is dropped.
    pub(super) fn open(&self, open: bool) {
        let mut literals = self.literals();
        literals.open = open;
        if !open {
            literals.first += literals.kept.len();
            literals.kept.clear();
        }
    }

    /// The literal that a marker stands for, and no earlier one any more; what is no marker stands
    /// for itself.
    pub(super) fn resolve(&self, text: &[u8]) -> Vec<u8> {
        let number = std::str::from_utf8(text)
            .ok()
            .filter(|text| text.len() == MARKER)
            .and_then(|text| text.parse::<usize>().ok());
        let mut literals = self.literals();
        let place = number
            .and_then(|number| number.checked_sub(literals.first))
            .filter(|place| *place < literals.kept.len());
        let Some(place) = place else {
            return text.to_vec();
        };
        literals.first += place + 1;
        literals
            .kept
            .drain(..=place)
            .next_back()
            .unwrap_or_default()
    }

    fn literals(&self) -> MutexGuard<'_, Literals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Literals {
    /// The number of the next.
    fn next(&self) -> usize {
        self.first + self.kept.len()
    }
}

/// A stream of IMAP answers.
#[derive(Debug)]
pub(super) struct Tidied<S> {
    stream: S,
    allowance: Allowance,
    aside: Aside,
    ahead: Ahead,
    /// What was written since the last flush: a command.
    line: Vec<u8>,
    /// The command that was sent ahead.
    sent: Option<Vec<u8>>,
    input: Box<[u8]>,
    tidy: Tidy,
    /// How much of the tidied octets was given out.
    given: usize,
}

impl<S> Tidied<S> {
    pub(super) fn new(stream: S, allowance: Allowance, aside: Aside, ahead: Ahead) -> Self {
        Self {
            stream,
            allowance,
            aside,
            ahead,
            line: Vec::new(),
            sent: None,
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
            let mut literals = self.aside.literals();
            self.tidy.tidy(&self.input[..read], &mut literals);
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
        self.line.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            let next = self.ahead.behind(&line);
            let mut out = match self.sent.take() {
                None => line,
                Some(sent) if sent == line => Vec::new(),
                Some(_) => return Err(io::Error::other("another command was sent ahead")),
            };
            out.extend_from_slice(next.as_deref().unwrap_or_default());
            self.tidy
                .ahead
                .expect(next.as_deref(), &mut self.tidy.output);
            self.sent = next;
            self.stream.write_all(&out)?;
        }
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
    ahead: Completion,
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
    fn tidy(&mut self, mut octets: &[u8], aside: &mut Literals) {
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
                self.step(*octet, aside);
                octets = rest;
            }
            if self.literal == 0
                && let Some(body) = self.body.take()
            {
                aside.kept.push_back(body);
            }
        }
    }

    fn step(&mut self, octet: u8, aside: &Literals) {
        let octet = if octet.is_ascii() { octet } else { b'?' };
        if self.ahead.holds(octet, self.length == 0) {
            self.ahead.hold(octet, &mut self.output);
            return;
        }
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
                if aside.open {
                    let number = aside.next();
                    self.held.clear();
                    self.body = Some(Vec::with_capacity(
                        usize::try_from(size).map_or(ANNOUNCED, |size| size.min(ANNOUNCED)),
                    ));
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
        let mut stream = Tidied::new(
            Pieces(text, step),
            allowance,
            aside.clone(),
            Ahead::default(),
        );
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
            aside.open(true);
            assert_eq!(
                String::from_utf8_lossy(&tidied(&answers, step, &aside)),
                expected,
                "in pieces of {step}"
            );
            assert_eq!(
                aside.resolve(b"00000000000000000000"),
                octets("\u{fc}\r\n\u{fc}\r\n")
            );
            assert_eq!(aside.resolve(b"00000000000000000002"), b"");
            assert_eq!(
                aside.resolve(b"00000000000000000001"),
                b"00000000000000000001",
                "it was passed over"
            );
            assert_eq!(aside.resolve(b"itself"), b"itself");
        }
    }

    #[test]
    fn more_than_allowed_is_an_error() {
        let allowance = Allowance::default();
        allowance.set(10);
        let mut stream = Tidied::new(
            Pieces(b"0123456789ab", 8),
            allowance,
            Aside::default(),
            Ahead::default(),
        );
        let mut buffer = [0; 8];
        assert_eq!(stream.read(&mut buffer).unwrap(), 8);
        let error = stream.read(&mut buffer).unwrap_err();
        assert!(error.to_string().contains("more than"));
    }

    /// Takes what is written, gives what is to be read.
    #[derive(Default)]
    struct Line {
        written: Vec<u8>,
        answers: Vec<u8>,
    }

    impl Read for Line {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.answers.len().min(buffer.len());
            buffer[..count].copy_from_slice(&self.answers[..count]);
            self.answers.drain(..count);
            Ok(count)
        }
    }

    impl Write for Line {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.written.extend_from_slice(buffer);
            Ok(buffer.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_command_goes_out_ahead_once_and_its_end_is_told_when_it_is_due() {
        let (allowance, ahead) = (Allowance::default(), Ahead::default());
        allowance.set(10_000);
        let line = Line::default();
        let mut stream = Tidied::new(line, allowance, Aside::default(), ahead.clone());
        let send = |stream: &mut Tidied<Line>, command: &str, next: Option<&str>| {
            ahead.announce(next.map(str::to_owned));
            stream.write_all(command.as_bytes()).unwrap();
            stream
                .flush()
                .map(|()| String::from_utf8(std::mem::take(&mut stream.stream.written)).unwrap())
        };
        let read = |stream: &mut Tidied<Line>, answers: &str| {
            stream.stream.answers = answers.into();
            let mut out = Vec::new();
            stream.read_to_end(&mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let out = send(&mut stream, "a7 ONE\r\n", Some("TWO")).unwrap();
        assert_eq!(out, "a7 ONE\r\na8 TWO\r\n");
        // The server ends the second before the first.
        assert_eq!(read(&mut stream, "* 1 EXISTS\r\na8 OK t"), "* 1 EXISTS\r\n");
        assert_eq!(read(&mut stream, "wo\r\na7 OK one\r\n"), "a7 OK one\r\n");
        let out = send(&mut stream, "a8 TWO\r\n", Some("THREE")).unwrap();
        assert_eq!(out, "a9 THREE\r\n", "TWO is there already");
        assert_eq!(read(&mut stream, ""), "a8 OK two\r\n");
        let error = send(&mut stream, "a9 ANOTHER\r\n", None).unwrap_err();
        assert!(error.to_string().contains("sent ahead"));
    }
}
