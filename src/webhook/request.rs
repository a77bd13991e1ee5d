//! A callback request as it came: what verification needs and the spool keeps.
//!
//! # Framing
//! Stored requests stand one after the other, as mails in an mbox do:
//!
//! ```text
//! From bouncekit 2026-01-02T03:04:05.678Z
//! POST /mailer/sendgrid_api/callback?key=1 HTTP/1.1
//! content-type: application/json
//! content-length: 18
//!
//! <18 bytes, untouched>
//! ```
//!
//! The first line holds the time of receipt. The rest is an HTTP request whose `content-length` is
//! always written and always right, so that the body needs no escaping; one line end follows the
//! body. A captured HTTP request without the first line is read as well.

use crate::time::Timestamp;

/// Begins a stored request.
pub const FRAME: &str = "From bouncekit ";

/// One HTTP request of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path and query as they stood in the request line.
    pub target: String,
    /// Names as they came, in order; compared case-insensitively.
    pub headers: Vec<(String, String)>,
    /// Untouched: signatures are over these bytes.
    pub body: Vec<u8>,
    /// `None` in captures that do not say.
    pub received_at: Option<Timestamp>,
}

impl Request {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The target before its `?`.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The target after its first `?`.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The name in `/mailer/<name>/callback`, whatever stands before and after.
    pub fn callback(&self) -> Option<&str> {
        let mut segments = self.path().split('/');
        segments.find(|segment| *segment == "mailer")?;
        segments.next().filter(|name| !name.is_empty())
    }

    /// The request in the framing of the spool.
    pub fn to_frame(&self) -> Vec<u8> {
        let received = self.received_at.unwrap_or(Timestamp(0));
        let mut head = format!("{FRAME}{}\n", received.rfc3339_millis());
        let (method, target) = (token(&self.method), token(&self.target));
        head.push_str(&format!("{method} {target} HTTP/1.1\n"));
        for (name, value) in &self.headers {
            if name.eq_ignore_ascii_case("content-length")
                || name.eq_ignore_ascii_case("transfer-encoding")
            {
                continue;
            }
            head.push_str(&format!("{}: {}\n", token(name), line(value)));
        }
        head.push_str(&format!("content-length: {}\n\n", self.body.len()));
        let mut frame = head.into_bytes();
        frame.extend_from_slice(&self.body);
        frame.push(b'\n');
        frame
    }
}

/// One word: what would break the framing is percent-encoded.
fn token(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// One line: HTTP forbids line ends in header values, a careless server may pass them on.
fn line(text: &str) -> String {
    text.replace(['\r', '\n', '\0'], " ")
}
