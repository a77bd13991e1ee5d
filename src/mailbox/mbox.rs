//! The mails of one reader: a single message, or those of an mbox (mboxrd).

use std::io::{self, BufRead};

use super::Body;

/// Octets of a line that are read at once: a line without an end must not fill the memory.
const LINE: u64 = 1 << 20;

/// Cuts what a reader gives into mails.
pub(super) struct Mails<R> {
    reader: R,
    message_size: u64,
    /// It began with a `From ` line, so further ones begin further mails.
    in_mbox: bool,
    /// The first `From ` line named a weekday, as ctime(3) does: then one that does not is text.
    dated: bool,
    over: bool,
    /// The last octet of a line: files of classic Mac OS have carriage returns alone.
    line_end: u8,
}

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

impl<R: BufRead> Mails<R> {
    /// With `one`, a `From ` line at the start is dropped and the rest is one mail.
    pub(super) fn new(mut reader: R, message_size: u64, one: bool) -> io::Result<Self> {
        let start = reader.fill_buf()?;
        let has_from = start.starts_with(b"From ");
        let line_end = line_end(start);
        let from = if has_from {
            first_line(&mut reader)?
        } else {
            Vec::new()
        };
        Ok(Self {
            reader,
            message_size,
            in_mbox: has_from && !one,
            dated: names_weekday(&from),
            over: false,
            line_end,
        })
    }

    /// The next mail; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Body>> {
        if self.over {
            return Ok(None);
        }
        let mut body = Vec::new();
        let mut size = 0;
        let mut after_end = false;
        let mut another = false;
        let mut line = Vec::new();
        let mut lines = 0;
        loop {
            line.clear();
            let mut piece = io::Read::take(&mut self.reader, LINE);
            let read = piece.read_until(self.line_end, &mut line)?;
            if read == 0 {
                break;
            }
            lines += 1;
            if after_end && self.is_separator(&line) {
                another = true;
                break;
            }
            after_end = ends_message(&line);
            size += read as u64;
            if size <= self.message_size {
                // mboxrd: one `>` was put before each quoted `From `.
                let markers = line.iter().take_while(|octet| **octet == b'>').count();
                let quoted = self.in_mbox && markers > 0 && line[markers..].starts_with(b"From ");
                body.extend_from_slice(&line[usize::from(quoted)..]);
            } else {
                body = Vec::new();
            }
        }
        if !another {
            self.over = true;
            if lines == 0 && self.in_mbox {
                return Ok(None);
            }
        }
        if size > self.message_size {
            return Ok(Some(Body::TooLarge(size)));
        }
        Ok(Some(Body::Whole(body)))
    }

    fn is_separator(&self, line: &[u8]) -> bool {
        self.in_mbox && line.starts_with(b"From ") && (!self.dated || names_weekday(line))
    }
}

/// The line at the reader, whatever ends it (LF, CRLF, CR), at most [`LINE`] octets of it.
fn first_line(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() || line.len() as u64 >= LINE {
            return Ok(line);
        }
        let end = memchr::memchr2(b'\n', b'\r', buffer);
        let taken = end.map_or(buffer.len(), |end| end + 1);
        line.extend_from_slice(&buffer[..taken]);
        reader.consume(taken);
        if end.is_some() {
            if line.ends_with(b"\r") && reader.fill_buf()?.starts_with(b"\n") {
                reader.consume(1);
            }
            return Ok(line);
        }
    }
}

fn names_weekday(line: &[u8]) -> bool {
    const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    line.split(u8::is_ascii_whitespace)
        .skip(2)
        .any(|word| WEEKDAYS.contains(&word.strip_suffix(b",").unwrap_or(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(text: &str, one: bool) -> Vec<String> {
        let mut mails = Mails::new(text.as_bytes(), 1000, one).unwrap();
        let mut out = Vec::new();
        while let Some(Body::Whole(body)) = mails.next().unwrap() {
            out.push(String::from_utf8(body).unwrap());
        }
        out
    }

    #[test]
    fn a_line_of_text_is_no_separator() {
        let text = "From a@b Fri Jul  8 12:08:34 2011\nSubject: 1\n\nFrom me to you\n\n\
                    From me to you\n\nFrom c@d Sat Jul  9 12:08:34 2011\nSubject: 2\n\nx\n";
        let found = bodies(text, false);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("From me to you\n\nFrom me") && found[1].contains("Subject: 2"));
        assert_eq!(bodies(text, true).len(), 1);
    }

    #[test]
    fn a_from_line_ends_at_any_line_end() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("From a@b Fri Jul  8 12:08:34 2011{end}Subject: 1{end}{end}x{end}");
            let found = bodies(&text, false);
            assert_eq!(found, [format!("Subject: 1{end}{end}x{end}")]);
        }
    }
}
