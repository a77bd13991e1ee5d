//! Cuts a stream into pieces that stand for themselves: JSON values (elements of arrays one by
//! one), form lines, HTTP requests, mails. Memory is bounded whatever comes; a bad piece is told
//! with its place, and the next one is looked for.

use std::io::{self, Read};

use super::{
    http,
    window::{Place, Window},
};
use crate::webhook::{FRAME, Request, form};

/// The largest value, request body or line that is read.
pub const LARGEST: usize = 16 * 1024 * 1024;

/// The deepest nesting; providers stay below ten.
const DEEPEST: usize = 64;

/// So many bytes of broken values are read again in search of the next; what breaks then is given
/// up as a whole, so that time stays in proportion to the input.
const SEARCHED: usize = 256 * 1024 * 1024;

/// A value over the bound is dropped in pieces of this size.
const DROP: usize = 64 * 1024;

pub(super) struct Piece<'w> {
    pub(super) place: Place,
    pub(super) content: Content<'w>,
}

pub(super) enum Content<'w> {
    /// A JSON value by its brackets and quotes; whether it is one shows when it is read.
    Json(&'w str),
    /// A form body or query string.
    Form(&'w str),
    Request(Box<Request>),
    Mail(&'w [u8]),
    Bad(String),
}

pub(super) struct Splitter<R> {
    window: Window<R>,
    /// Within an array at the top.
    in_array: bool,
    searched: usize,
    /// What the last piece took; consumed when the next is asked for.
    taken: usize,
    /// Nothing but blanks was seen yet.
    at_start: bool,
}

/// How a JSON value ends.
enum End {
    Whole(usize),
    /// Well, but it is over a bound; consumed.
    Refused(String),
    /// In so many bytes it has no end, and why.
    Broken(usize, String),
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(input: R, place: Place) -> Self {
        Self {
            window: Window::new(input, place),
            in_array: false,
            searched: 0,
            taken: 0,
            at_start: true,
        }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.window.consume(std::mem::take(&mut self.taken));
        if self.at_start && self.window.at_least(3)?.starts_with(b"\xef\xbb\xbf") {
            self.window.consume(3);
        }
        loop {
            self.skip_blanks()?;
            let place = self.window.place();
            let Some(first) = self.window.byte(0)? else {
                if std::mem::take(&mut self.in_array) {
                    let cause = "the array ends in the middle".into();
                    return Ok(Some(Piece {
                        place,
                        content: Content::Bad(cause),
                    }));
                }
                return Ok(None);
            };
            if self.in_array && first == b']' {
                self.window.consume(1);
                self.in_array = false;
                continue;
            }
            let at_start = std::mem::replace(&mut self.at_start, false);
            match first {
                b'[' if !self.in_array => {
                    self.window.consume(1);
                    self.in_array = true;
                }
                b'{' | b'[' | b'"' => return self.value(place).map(Some),
                _ if self.in_array => return self.value(place).map(Some),
                _ => return self.line(place, at_start).map(Some),
            }
        }
    }

    /// White space, and the commas between elements.
    fn skip_blanks(&mut self) -> io::Result<()> {
        loop {
            let in_array = self.in_array;
            let is_blank = |b: &u8| b.is_ascii_whitespace() || (in_array && *b == b',');
            let bytes = self.window.bytes();
            let blanks = bytes.iter().take_while(|b| is_blank(b)).count();
            let all = blanks == bytes.len();
            self.window.consume(blanks);
            if !all || !self.window.more()? {
                return Ok(());
            }
        }
    }

    fn value(&mut self, place: Place) -> io::Result<Piece<'_>> {
        let content = match self.scan()? {
            End::Whole(length) => {
                self.taken = length;
                match std::str::from_utf8(&self.window.bytes()[..length]) {
                    Ok(text) => Content::Json(text),
                    Err(error) => Content::Bad(format!(
                        "not UTF-8 (byte {} of the value)",
                        error.valid_up_to()
                    )),
                }
            }
            End::Refused(cause) => Content::Bad(cause),
            End::Broken(hopeless, cause) => {
                self.rescue(hopeless);
                Content::Bad(cause)
            }
        };
        Ok(Piece { place, content })
    }

    /// Finds the end of the value at the start of the window by its brackets and quotes.
    fn scan(&mut self) -> io::Result<End> {
        let (mut at, mut depth, mut deepest, mut dropped) = (0, 0_usize, 0, 0);
        let mut in_string = false;
        loop {
            let there = self.window.bytes().len();
            if dropped + at > LARGEST && at <= there && (dropped == 0 || at >= DROP) {
                // Only its end is of interest any more.
                self.window.consume(at);
                dropped += at;
                at = 0;
                continue;
            }
            if at >= there {
                if self.window.more()? {
                    continue;
                }
                // A backslash at the very end escapes nothing.
                at = there;
                if depth == 0 && !in_string && dropped == 0 {
                    return Ok(End::Whole(at));
                }
                return Ok(self.broken(at, dropped, "the value ends in the middle"));
            }
            let bytes = self.window.bytes();
            let ended = loop {
                let Some(&byte) = bytes.get(at) else {
                    break false;
                };
                if in_string {
                    let Some(found) = memchr::memchr3(b'"', b'\\', b'\n', &bytes[at..]) else {
                        at = bytes.len();
                        break false;
                    };
                    at += found + 1;
                    match bytes[at - 1] {
                        b'"' => {
                            in_string = false;
                            if depth == 0 {
                                break true;
                            }
                        }
                        b'\\' => at += 1,
                        // No string of a sound value holds one: a line that was cut off. Within an
                        // array its neighbours are told apart by their brackets all the same.
                        _ if !self.in_array => {
                            let cause = "the value ends in the middle of a string";
                            return Ok(self.broken(at - 1, dropped, cause));
                        }
                        _ => {}
                    }
                    continue;
                }
                match byte {
                    // `7"x"`: a scalar ends where the next value begins.
                    b'"' | b'{' | b'[' if depth == 0 && at + dropped > 0 => {
                        return Ok(End::Whole(at));
                    }
                    b'"' => in_string = true,
                    b'{' | b'[' => {
                        depth += 1;
                        deepest = deepest.max(depth);
                    }
                    b'}' | b']' if depth > 1 => depth -= 1,
                    b'}' | b']' if depth == 1 => {
                        depth = 0;
                        at += 1;
                        break true;
                    }
                    b if depth == 0 && (b.is_ascii_whitespace() || b == b',' || b == b']') => {
                        break true;
                    }
                    b'}' if depth == 0 => {
                        at += 1;
                        break true;
                    }
                    _ => {}
                }
                at += 1;
            };
            if !ended {
                continue;
            }
            // The value ends here.
            let cause = if dropped > 0 || at > LARGEST {
                format!("longer than {LARGEST} bytes")
            } else if deepest > DEEPEST {
                format!("nested deeper than {DEEPEST}")
            } else {
                return Ok(End::Whole(at));
            };
            self.window.consume(at);
            return Ok(End::Refused(cause));
        }
    }

    /// A value that breaks off. Of a long one only the rest is left to look at.
    fn broken(&mut self, at: usize, dropped: usize, cause: &str) -> End {
        if dropped == 0 {
            return End::Broken(at, cause.to_owned());
        }
        self.window.consume(at);
        self.in_array = false;
        End::Refused(cause.to_owned())
    }

    /// After a broken value: goes on where the next one seems to begin. `hopeless` bytes of the
    /// window belong to the broken one, the next may begin among them.
    fn rescue(&mut self, hopeless: usize) {
        let bytes = &self.window.bytes()[..hopeless];
        let next = if self.searched > SEARCHED {
            None
        } else if self.in_array {
            // `},{`, the boundary of elements; else what begins one after an element cut off.
            let boundaries = || {
                memchr::memchr_iter(b',', bytes).filter_map(|at| {
                    let rest = bytes[at + 1..].trim_ascii_start();
                    let is_closed = bytes[..at].trim_ascii_end().ends_with(b"}");
                    rest.starts_with(b"{")
                        .then(|| (is_closed, bytes.len() - rest.len()))
                })
            };
            boundaries()
                .find(|(is_closed, _)| *is_closed)
                .or_else(|| boundaries().next())
                .map(|(_, at)| at)
        } else {
            // A line that begins as a value.
            memchr::memchr_iter(b'\n', bytes)
                .map(|at| at + 1)
                .find(|at| matches!(bytes.get(*at), Some(b'{' | b'[')))
        };
        if next.is_none() {
            self.in_array = false;
        }
        let next = next.unwrap_or(hopeless);
        self.searched += hopeless - next;
        self.window.consume(next);
    }

    /// What is no JSON is told by its first line.
    fn line(&mut self, place: Place, at_start: bool) -> io::Result<Piece<'_>> {
        let Some(length) = self.window.line(0, LARGEST)? else {
            self.window.skip_line()?;
            return Ok(Piece {
                place,
                content: Content::Bad(format!("a line longer than {LARGEST} bytes")),
            });
        };
        let line = self.window.bytes()[..length].trim_ascii_end();
        if line.starts_with(FRAME.as_bytes()) || http::is_request_line(line) {
            let content = http::read(&mut self.window)?;
            return Ok(Piece { place, content });
        }
        let is_query = std::str::from_utf8(line).is_ok_and(|line| query(line).is_some());
        if at_start && !is_query && (line.starts_with(b"From ") || is_header(line)) {
            self.taken = self.mail()?;
            let content = Content::Mail(&self.window.bytes()[..self.taken]);
            return Ok(Piece { place, content });
        }
        let line_length = line.len();
        self.taken = length + 1;
        let query = std::str::from_utf8(line).ok().and_then(query);
        let is_scalar =
            query.is_none() && serde_json::from_slice::<serde_json::Value>(line).is_ok();
        let content = if let Some(query) = query {
            let range = line_length - query.len()..line_length;
            Content::Form(std::str::from_utf8(&self.window.bytes()[range]).unwrap_or_default())
        } else if is_scalar {
            let text = &self.window.bytes()[..line_length];
            Content::Json(std::str::from_utf8(text).unwrap_or_default())
        } else {
            // One complaint for a whole page of something else.
            self.window.consume(std::mem::take(&mut self.taken));
            self.skip_foreign_lines()?;
            Content::Bad("neither JSON nor a form, an HTTP request or a mail".into())
        };
        Ok(Piece { place, content })
    }

    fn skip_foreign_lines(&mut self) -> io::Result<()> {
        loop {
            let Some(length) = self.window.line(0, LARGEST)? else {
                self.window.skip_line()?;
                continue;
            };
            let bytes = self.window.bytes();
            if bytes.is_empty() {
                return Ok(());
            }
            let line = bytes[..length].trim_ascii();
            let begins = matches!(line.first(), Some(b'{' | b'['))
                || line.starts_with(FRAME.as_bytes())
                || http::is_request_line(line)
                || std::str::from_utf8(line).is_ok_and(|line| query(line).is_some());
            if begins {
                return Ok(());
            }
            self.window.consume(length + 1);
        }
    }

    /// The length of a mail, up to the next `From ` line of an mbox.
    fn mail(&mut self) -> io::Result<usize> {
        let mut from = 1;
        loop {
            let bytes = self.window.bytes();
            let next = memchr::memmem::find(&bytes[from.min(bytes.len())..], b"\nFrom ");
            if let Some(at) = next {
                self.at_start = true;
                return Ok(from + at + 1);
            }
            if bytes.len() > LARGEST {
                return Ok(bytes.len());
            }
            from = bytes.len().saturating_sub(6).max(1);
            if !self.window.more()? {
                return Ok(self.window.bytes().len());
            }
        }
    }
}

/// The form body or query string that a line is: alone, after its `?`, or at the end of a URL.
fn query(line: &str) -> Option<&str> {
    let query = if line.starts_with(['?', '/']) || line.starts_with("http") {
        line.split_once('?').map_or(line, |(_, query)| query)
    } else {
        line
    };
    form::is_form(query).then_some(query)
}

fn is_header(line: &[u8]) -> bool {
    let name = line.iter().position(|b| *b == b':').map(|at| &line[..at]);
    name.is_some_and(|name| {
        name.first().is_some_and(u8::is_ascii_alphabetic)
            && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces in one letter each with their text and line; the stream comes in small reads.
    fn pieces(input: &[u8]) -> Vec<String> {
        struct Drip<'a>(&'a [u8]);
        impl Read for Drip<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let count = self.0.len().min(7).min(out.len());
                out[..count].copy_from_slice(&self.0[..count]);
                self.0 = &self.0[count..];
                Ok(count)
            }
        }
        let mut splitter = Splitter::new(Drip(input), Place::START);
        let mut out = Vec::new();
        while let Some(piece) = splitter.next().unwrap() {
            let line = piece.place.line;
            out.push(match piece.content {
                Content::Json(text) => format!("{line}j{text}"),
                Content::Form(text) => format!("{line}f{text}"),
                Content::Request(request) => format!(
                    "{line}r{} {}",
                    request.target,
                    String::from_utf8_lossy(&request.body)
                ),
                Content::Mail(bytes) => format!("{line}m{}", bytes.len()),
                Content::Bad(cause) => format!("{line}! {cause}"),
            });
        }
        out
    }

    #[test]
    fn values_lines_and_elements() {
        assert_eq!(
            pieces(b"\xef\xbb\xbf{\"a\": \"}\\\"\"}\r\n\r\n{\"b\":\n [1]}{\"c\":2}\n"),
            ["1j{\"a\": \"}\\\"\"}", "3j{\"b\":\n [1]}", "4j{\"c\":2}"]
        );
        assert_eq!(
            pieces(b"[{\"a\":1}, 7,null,[ ],\"x\"\n,{}]\n[]\n[{\"b\":2}]"),
            [
                "1j{\"a\":1}",
                "1j7",
                "1jnull",
                "1j[ ]",
                "1j\"x\"",
                "2j{}",
                "4j{\"b\":2}"
            ]
        );
        assert_eq!(pieces(b"https://x.example/y?a=1\n?b=2"), ["1fa=1", "2fb=2"]);
        assert_eq!(
            pieces(b"a=1&b=2\nGET /x?c=3 HTTP/1.1\n\n\"hi\"\n12\n"),
            ["1fa=1&b=2", "2r/x?c=3 ", "4j\"hi\"", "5j12"]
        );
    }

    #[test]
    fn after_a_broken_piece_the_next_is_found() {
        assert_eq!(
            pieces(b"{\"a\":\"x\n{\"b\":2}\n"),
            ["1! the value ends in the middle of a string", "2j{\"b\":2}"]
        );
        assert_eq!(
            pieces(b"{\"a\":\n{\"b\":2}\n{\"c\":3}\n"),
            [
                "1! the value ends in the middle",
                "2j{\"b\":2}",
                "3j{\"c\":3}"
            ]
        );
        assert_eq!(
            pieces(b"[{\"a\":1},{\"b\":\"x},{\"c\":3},{\"d\":4}]"),
            [
                "1j{\"a\":1}",
                "1! the value ends in the middle",
                "1j{\"c\":3}",
                "1j{\"d\":4}"
            ]
        );
        assert_eq!(
            pieces(b"[{\"a\":1},{\"b\""),
            ["1j{\"a\":1}", "1! the value ends in the middle"]
        );
        assert_eq!(
            pieces(b"[{\"a\":1},{\"b\\"),
            ["1j{\"a\":1}", "1! the value ends in the middle"]
        );
        assert_eq!(
            pieces(b"<html>\n<p>502\n</html>\n{\"a\":1}"),
            [
                "1! neither JSON nor a form, an HTTP request or a mail",
                "4j{\"a\":1}"
            ]
        );
        let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
        assert_eq!(pieces(&deep), ["1! nested deeper than 64"]);
        assert_eq!(
            pieces(b"[{\"a\":\"\xff\"},{\"b\":1}]"),
            ["1! not UTF-8 (byte 6 of the value)", "1j{\"b\":1}"]
        );
    }

    #[test]
    fn stored_requests_follow_each_other() {
        let request = |body: &str| Request {
            method: "POST".into(),
            target: "/mailer/sendgrid/callback".into(),
            headers: vec![("Content-Type".into(), "application/json\r\nX: 1".into())],
            body: body.into(),
            received_at: Some(crate::time::Timestamp(1_700_000_000_123)),
        };
        let (first, second) = (request("[1]\nFrom bouncekit x\n"), request(""));
        let stored = [first.to_frame(), second.to_frame()].concat();
        let mut splitter = Splitter::new(&stored[..], Place::START);
        for wanted in [&first, &second] {
            let piece = splitter.next().unwrap().unwrap();
            let Content::Request(request) = piece.content else {
                panic!("no request");
            };
            assert_eq!(request.body, wanted.body);
            assert_eq!(request.received_at, wanted.received_at);
            assert_eq!(
                request.header("content-type"),
                Some("application/json  X: 1")
            );
        }
        assert!(splitter.next().unwrap().is_none());
    }

    #[test]
    fn a_value_without_end_stays_within_bounds() {
        let long = [b"{\"a\":\"".to_vec(), vec![b'x'; LARGEST + 1_000_000]].concat();
        let whole = [&long[..], b"\"}\n{\"b\":1}\n"].concat();
        let mut splitter = Splitter::new(&whole[..], Place::START);
        let piece = splitter.next().unwrap().unwrap();
        assert!(matches!(piece.content, Content::Bad(cause) if cause.contains("longer")));
        let piece = splitter.next().unwrap().unwrap();
        assert_eq!(piece.place.line, 2);
        assert!(matches!(piece.content, Content::Json("{\"b\":1}")));
    }
}
