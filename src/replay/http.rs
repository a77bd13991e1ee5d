//! HTTP requests as text: captured ones, and stored ones in the framing of
//! [`crate::webhook::Request`].

use std::io::{self, Read};

use super::{
    split::{Content, LARGEST},
    window::Window,
};
use crate::{
    time::Timestamp,
    webhook::{FRAME, Request},
};

const METHODS: &[&[u8]] = &[
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"PATCH ",
    b"DELETE ",
    b"OPTIONS ",
];

/// The longest line of a head, and the most lines.
const LINE: usize = 1024 * 1024;
const LINES: usize = 1000;

/// `POST /path HTTP/1.1`, with or without the protocol.
pub(super) fn is_request_line(line: &[u8]) -> bool {
    METHODS.iter().any(|method| {
        line.strip_prefix(*method)
            .is_some_and(|rest| rest.starts_with(b"/") || rest.starts_with(b"http"))
    })
}

/// How the length of a body is told.
enum Length {
    Of(usize),
    Chunked,
    /// Up to the next request or the end.
    Rest,
}

/// Reads the request at the start of the window and consumes it.
pub(super) fn read<R: Read>(window: &mut Window<R>) -> io::Result<Content<'static>> {
    let mut request = Request::default();
    let Some(first) = head_line(window)? else {
        return bad(window, "a request line without end");
    };
    let mut request_line = first;
    let framed = request_line.strip_prefix(FRAME).map(str::to_owned);
    if let Some(received) = &framed {
        request.received_at = Timestamp::parse_iso(received);
        match head_line(window)? {
            Some(line) if is_request_line(line.as_bytes()) => request_line = line,
            _ => {
                return Ok(Content::Bad(
                    "a stored request without its request line".into(),
                ));
            }
        }
    }
    let mut words = request_line.split_whitespace();
    words
        .next()
        .unwrap_or_default()
        .clone_into(&mut request.method);
    words
        .next()
        .unwrap_or_default()
        .clone_into(&mut request.target);
    let has_head = headers(window, &mut request)?;
    let length = match request.header("content-length").map(str::trim) {
        Some(text) => match text.parse::<usize>() {
            Ok(length) => Length::Of(length),
            Err(_) => return bad(window, "a content-length that is no number"),
        },
        None if is_chunked(&request) => Length::Chunked,
        None if !has_head || matches!(request.method.as_str(), "GET" | "HEAD" | "DELETE") => {
            Length::Of(0)
        }
        None => Length::Rest,
    };
    let body = match length {
        Length::Of(length) => exactly(window, length)?,
        Length::Chunked => chunked(window)?,
        Length::Rest => rest(window)?,
    };
    if framed.is_some() && window.byte(0)? == Some(b'\n') {
        window.consume(1);
    }
    Ok(match body {
        Ok(body) => {
            request.body = body;
            Content::Request(Box::new(request))
        }
        Err(cause) => Content::Bad(cause),
    })
}

fn bad<R: Read>(window: &mut Window<R>, cause: &str) -> io::Result<Content<'static>> {
    window.skip_line()?;
    Ok(Content::Bad(cause.to_owned()))
}

fn is_chunked(request: &Request) -> bool {
    request
        .header("transfer-encoding")
        .is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"))
}

/// The next line without its end, consumed.
fn head_line<R: Read>(window: &mut Window<R>) -> io::Result<Option<String>> {
    let Some(length) = window.line(0, LINE)? else {
        return Ok(None);
    };
    let line = window.bytes()[..length].trim_ascii_end();
    let line = String::from_utf8_lossy(line).into_owned();
    window.consume(length + 1);
    Ok(Some(line))
}

/// Reads headers up to the blank line; false where the head ends without one (a bare request line).
fn headers<R: Read>(window: &mut Window<R>, request: &mut Request) -> io::Result<bool> {
    for _ in 0..LINES {
        if window.byte(0)?.is_none() {
            return Ok(false);
        }
        let Some(length) = window.line(0, LINE)? else {
            return Ok(false);
        };
        let line = window.bytes()[..length].trim_ascii_end();
        if line.is_empty() {
            window.consume(length + 1);
            return Ok(true);
        }
        let Some(colon) = line.iter().position(|b| *b == b':') else {
            return Ok(false);
        };
        if is_request_line(line) || !line[..colon].iter().all(u8::is_ascii_graphic) {
            return Ok(false);
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
        let header = (text(&line[..colon]), text(&line[colon + 1..]));
        request.headers.push(header);
        window.consume(length + 1);
    }
    Ok(false)
}

fn too_long(length: usize) -> String {
    format!("a body of {length} bytes; at most {LARGEST} are read")
}

fn exactly<R: Read>(window: &mut Window<R>, length: usize) -> io::Result<Result<Vec<u8>, String>> {
    if length > LARGEST {
        let mut left = length;
        while left > 0 {
            let here = window.bytes().len().min(left);
            window.consume(here);
            left -= here;
            if left > 0 && !window.more()? {
                break;
            }
        }
        return Ok(Err(too_long(length)));
    }
    let bytes = window.at_least(length)?;
    if bytes.len() < length {
        let found = bytes.len();
        window.consume(found);
        return Ok(Err(format!(
            "the body ends after {found} of its {length} bytes"
        )));
    }
    let body = bytes[..length].to_vec();
    window.consume(length);
    Ok(Ok(body))
}

fn chunked<R: Read>(window: &mut Window<R>) -> io::Result<Result<Vec<u8>, String>> {
    let mut body = Vec::new();
    loop {
        let size = head_line(window)?.unwrap_or_default();
        let size = size.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else {
            return Ok(Err("a chunked body that ends in the middle".into()));
        };
        if size > LARGEST - body.len() {
            return Ok(Err(too_long(body.len().saturating_add(size))));
        }
        match exactly(window, size)? {
            Ok(chunk) => body.extend_from_slice(&chunk),
            Err(cause) => return Ok(Err(cause)),
        }
        // The line end of the chunk, or the end of the (empty) trailer.
        if window.at_least(2)?.starts_with(b"\r\n") {
            window.consume(2);
        } else if window.byte(0)? == Some(b'\n') {
            window.consume(1);
        }
        if size == 0 {
            return Ok(Ok(body));
        }
    }
}

fn rest<R: Read>(window: &mut Window<R>) -> io::Result<Result<Vec<u8>, String>> {
    let mut body = Vec::new();
    loop {
        let Some(length) = window.line(0, LARGEST)? else {
            window.skip_line()?;
            return Ok(Err(too_long(LARGEST + 1)));
        };
        let bytes = window.bytes();
        let line = &bytes[..length];
        if bytes.is_empty() || line.starts_with(FRAME.as_bytes()) || is_request_line(line) {
            return Ok(Ok(body));
        }
        let with_end = (length + 1).min(bytes.len());
        if body.len() + with_end > LARGEST {
            return Ok(Err(too_long(body.len() + with_end)));
        }
        body.extend_from_slice(&bytes[..with_end]);
        window.consume(with_end);
    }
}
