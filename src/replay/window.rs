//! A sliding window over a stream: what is not yet consumed, as one slice, with line and offset.

use std::io::{self, Read};

/// So much is read at once.
const CHUNK: usize = 256 * 1024;

pub(super) struct Window<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    place: Place,
}

/// Where something stands in the (unpacked) input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: u64,
    /// In bytes, from 0.
    pub offset: u64,
}

impl Place {
    pub const START: Self = Self { line: 1, offset: 0 };
}

impl<R: Read> Window<R> {
    pub(super) fn new(input: R, place: Place) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            at_end: false,
            place,
        }
    }

    pub(super) const fn place(&self) -> Place {
        self.place
    }

    /// What was read and not consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Reads on; false at the end of the input. Positions in [`Self::bytes`] stay what they are.
    pub(super) fn more(&mut self) -> io::Result<bool> {
        if self.at_end {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < self.end + CHUNK {
            self.buffer.resize(self.end + CHUNK, 0);
        }
        let read = loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.end += read;
        self.at_end = read == 0;
        Ok(read > 0)
    }

    /// The byte at `position`, read if need be; `None` at the end.
    pub(super) fn byte(&mut self, position: usize) -> io::Result<Option<u8>> {
        while self.end - self.start <= position {
            if !self.more()? {
                return Ok(None);
            }
        }
        Ok(Some(self.buffer[self.start + position]))
    }

    /// At least so many bytes, unless the input ends before.
    pub(super) fn at_least(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.end - self.start < count && self.more()? {}
        Ok(self.bytes())
    }

    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        let consumed = &self.buffer[self.start..self.start + count];
        self.place.line += memchr::memchr_iter(b'\n', consumed).count() as u64;
        self.place.offset += count as u64;
        self.start += count;
    }

    /// The length of the line that begins at `from`, without its line end; stops looking at `limit`
    /// and answers `None` then.
    pub(super) fn line(&mut self, from: usize, limit: usize) -> io::Result<Option<usize>> {
        let mut searched = from;
        loop {
            if let Some(at) =
                memchr::memchr(b'\n', self.bytes().get(searched..).unwrap_or_default())
            {
                return Ok(Some(searched + at - from).filter(|length| *length <= limit));
            }
            searched = self.bytes().len().max(from);
            if searched - from > limit {
                return Ok(None);
            }
            if !self.more()? {
                return Ok(Some(self.bytes().len().saturating_sub(from)));
            }
        }
    }

    /// Consumes up to and with the next line end.
    pub(super) fn skip_line(&mut self) -> io::Result<()> {
        loop {
            if let Some(at) = memchr::memchr(b'\n', self.bytes()) {
                self.consume(at + 1);
                return Ok(());
            }
            self.consume(self.bytes().len());
            if !self.more()? {
                return Ok(());
            }
        }
    }
}
