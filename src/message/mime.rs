//! MIME behind our own types: `mailparse` gives the structure, everything it cannot take is
//! guarded here, so that broken mail gives what can be had.
//!
//! Guards: line ends and leading rubbish are normalised first; header values are cut before their
//! encoded words are decoded (decoding is quadratic); a mail nested deeper than the parser goes
//! keeps its top-level headers and raw body; bad base64 and quoted-printable keep their good part;
//! unknown charsets are read as Windows-1252. Enclosed messages are leaves: callers parse them
//! again with [`Mail::parse`] and their own depth limit.

use std::{borrow::Cow, collections::BTreeMap, rc::Rc};

use mailparse::{MailHeader, ParsedMail};

/// Header values are cut to this many bytes before decoding.
const HEADER_LIMIT: usize = 16 * 1024;

/// No header is longer than this: what has no blank line before is text.
const HEADERS_LIMIT: usize = 2 * 1024 * 1024;

/// A mail with one kind of line end (LF), without what may stand before its first header.
///
/// CR-only and CRLF become LF; a byte order mark, blank lines and an mbox `From ` line are dropped.
pub fn normalise(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut text: Cow<'_, [u8]> = if memchr::memchr(b'\r', bytes).is_some() {
        let mut out = Vec::with_capacity(bytes.len());
        while let Some(at) = memchr::memchr(b'\r', bytes) {
            out.extend_from_slice(&bytes[..at]);
            out.push(b'\n');
            bytes = &bytes[at + 1..];
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        out.extend_from_slice(bytes);
        Cow::Owned(out)
    } else {
        Cow::Borrowed(bytes)
    };
    let mut start = 0;
    loop {
        let rest = &text[start..];
        let blank = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        // Blanks directly before a header would make it a folded line.
        start += blank;
        let rest = &text[start..];
        if !(rest.starts_with(b"From ") || rest.starts_with(b">From ")) {
            break;
        }
        start += memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
    }
    if start > 0 {
        text = Cow::Owned(text[start..].to_vec());
    }
    text
}

/// The headers of a mail or part, in their order.
#[derive(Debug, Default)]
pub struct Headers<'a>(Vec<MailHeader<'a>>);

impl<'a> Headers<'a> {
    /// Reads headers alone (a `message/rfc822-headers` part, a `message/delivery-status` block).
    /// `text` must be normalised; what follows the first blank line is not looked at.
    pub fn parse(text: &'a [u8]) -> Self {
        let text = &text[..text.len().min(HEADERS_LIMIT)];
        mailparse::parse_headers(text)
            .map_or_else(|_| Self::default(), |(headers, _)| Self::kept(headers))
    }

    fn kept(mut headers: Vec<MailHeader<'a>>) -> Self {
        // mailparse makes a key of a line without a colon.
        headers.retain(|header| {
            let key = header.get_key_raw();
            !key.is_empty() && key.iter().all(u8::is_ascii_graphic)
        });
        Self(headers)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first value of `name` (compared case-insensitively), decoded and unfolded.
    pub fn get(&self, name: &str) -> Option<String> {
        self.all(name).next()
    }

    /// All values of `name`, topmost first, decoded and unfolded.
    pub fn all(&self, name: &str) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .filter(move |header| header.get_key_raw().eq_ignore_ascii_case(name.as_bytes()))
            .map(value)
    }

    /// The first value as it stands, neither decoded nor cut.
    pub fn get_raw(&self, name: &str) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|header| header.get_key_raw().eq_ignore_ascii_case(name.as_bytes()))
            .map(MailHeader::get_value_raw)
    }

    /// Name and decoded value of every header, topmost first.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, String)> {
        self.0
            .iter()
            .map(|header| (String::from_utf8_lossy(header.get_key_raw()), value(header)))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

fn value(header: &MailHeader<'_>) -> String {
    decoded(header.get_value_raw())
}

/// A field's value as text: encoded words decoded, folded lines joined, cut where it is endless.
pub(super) fn decoded(raw: &[u8]) -> String {
    let raw = &raw[..raw.len().min(HEADER_LIMIT)];
    if memchr::memmem::find(raw, b"=?").is_none() {
        return unfold(&decode_charset(raw, None));
    }
    let mut line = b"X: ".to_vec();
    line.extend_from_slice(raw);
    mailparse::parse_header(&line).map_or_else(
        |_| unfold(&String::from_utf8_lossy(raw)),
        |(header, _)| unfold(&header.get_value()),
    )
}

/// Folded lines joined by one blank, NUL and other control characters as blanks.
fn unfold(text: &str) -> String {
    // C1 controls begin with 0xC2 in UTF-8.
    if !text.bytes().any(|b| b < 0x20 || b == 0x7f || b == 0xc2) {
        return text.trim().to_owned();
    }
    let text = text.replace(|c: char| c.is_control(), " ");
    let mut out = String::with_capacity(text.len());
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// A parsed mail: its headers and its leaves in reading order.
#[derive(Debug)]
pub struct Mail<'a> {
    pub headers: Rc<Headers<'a>>,
    /// Mime type of the whole, lower case, e.g. `multipart/report`.
    pub mime_type: String,
    /// Parameters of the Content-Type of the whole, names lower case.
    pub params: BTreeMap<String, String>,
    /// Never empty: a mail without MIME has one `text/plain` leaf.
    pub parts: Vec<Part<'a>>,
}

/// A leaf of the MIME tree. `message/*` is a leaf.
#[derive(Debug)]
pub struct Part<'a> {
    /// Of a mail in one part the mail's own.
    pub headers: Rc<Headers<'a>>,
    /// Lower case.
    pub mime_type: String,
    pub params: BTreeMap<String, String>,
    charset: String,
    raw: &'a [u8],
}

impl<'a> Mail<'a> {
    /// Parses what [`normalise`] returned. Cannot fail: the worst mail is headers and raw text.
    pub fn parse(text: &'a [u8]) -> Self {
        let endless = text.len() > HEADERS_LIMIT && header_end(text).is_none();
        let Some(parsed) = Some(text)
            .filter(|_| !endless)
            .and_then(|text| mailparse::parse_mail(text).ok())
        else {
            return Self::top_level_only(text);
        };
        let mime_type = parsed.ctype.mimetype.to_ascii_lowercase();
        let params = parsed.ctype.params.clone();
        let mut parts = Vec::new();
        let headers = leaves(parsed, &mut parts);
        if parts.is_empty() {
            return Self::top_level_only(text);
        }
        let headers = headers.unwrap_or_else(|| Rc::clone(&parts[0].headers));
        Self {
            headers,
            mime_type,
            params,
            parts,
        }
    }

    fn top_level_only(text: &'a [u8]) -> Self {
        let end = header_end(text).unwrap_or_else(|| text.len().min(HEADERS_LIMIT));
        let part = Part {
            headers: Rc::default(),
            mime_type: "text/plain".into(),
            params: BTreeMap::new(),
            charset: "us-ascii".into(),
            raw: &text[end..],
        };
        let headers = Rc::new(Headers::parse(&text[..end]));
        let mime_type = headers.get("Content-Type").map_or_else(
            || "text/plain".into(),
            |value| {
                value
                    .split(';')
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .to_ascii_lowercase()
            },
        );
        Self {
            headers,
            mime_type,
            params: BTreeMap::new(),
            parts: vec![part],
        }
    }

    /// The first leaf of this type.
    pub fn part(&self, mime_type: &str) -> Option<&Part<'a>> {
        self.parts.iter().find(|part| part.mime_type == mime_type)
    }
}

/// Where the body begins.
fn header_end(text: &[u8]) -> Option<usize> {
    memchr::memmem::find(&text[..text.len().min(HEADERS_LIMIT)], b"\n\n").map(|at| at + 2)
}

/// Moves the leaves out of the tree; returns the headers of a node that is not a leaf.
fn leaves<'a>(node: ParsedMail<'a>, out: &mut Vec<Part<'a>>) -> Option<Rc<Headers<'a>>> {
    if node.subparts.is_empty() {
        let raw = node
            .raw_bytes
            .get(node.get_headers().get_raw_bytes().len()..)
            .unwrap_or_default();
        out.push(Part {
            headers: Rc::new(Headers::kept(node.headers)),
            mime_type: node.ctype.mimetype.to_ascii_lowercase(),
            params: node.ctype.params,
            charset: node.ctype.charset,
            raw,
        });
        return None;
    }
    for part in node.subparts {
        leaves(part, out);
    }
    Some(Rc::new(Headers::kept(node.headers)))
}

impl Part<'_> {
    /// The body with its transfer encoding undone; what cannot be decoded stands as it came.
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        let encoding = self
            .headers
            .get("Content-Transfer-Encoding")
            .unwrap_or_default()
            .to_ascii_lowercase();
        match encoding.trim() {
            "base64" => decode_base64(self.raw).map_or(Cow::Borrowed(self.raw), Cow::Owned),
            "quoted-printable" => decode_quoted_printable(self.raw),
            _ => Cow::Borrowed(self.raw),
        }
    }

    /// The body as text, LF line ends; markup of HTML is left in.
    pub fn text(&self) -> String {
        let bytes = self.bytes();
        let text = decode_charset(&bytes, Some(&self.charset));
        if text.contains('\r') {
            text.replace("\r\n", "\n").replace('\r', "\n")
        } else {
            text.into_owned()
        }
    }
}

fn decode_base64(raw: &[u8]) -> Option<Vec<u8>> {
    let mut clean: Vec<u8> = raw
        .iter()
        .copied()
        .filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
        .collect();
    // Bits over at the end are dropped: three characters make two octets.
    while clean.len() % 4 == 1 {
        clean.pop();
    }
    let mut lenient = data_encoding::BASE64_NOPAD.specification();
    lenient.check_trailing_bits = false;
    lenient.encoding().ok()?.decode(&clean).ok()
}

/// What stands between escapes is copied at memory speed (the library's decoder goes octet by octet,
/// and fails as a whole on one bad one); what is no escape stays as it is.
fn decode_quoted_printable(raw: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'=', raw) else {
        return Cow::Borrowed(raw);
    };
    let mut out = Vec::with_capacity(raw.len());
    out.extend_from_slice(&raw[..first]);
    let mut rest = &raw[first..];
    while let Some(escape) = rest.strip_prefix(b"=") {
        let digit = |at: usize| char::from(*escape.get(at)?).to_digit(16);
        rest = if let (Some(high), Some(low)) = (digit(0), digit(1)) {
            #[expect(clippy::cast_possible_truncation, reason = "two hexadecimal digits")]
            out.push((high * 16 + low) as u8);
            &escape[2..]
        } else {
            // A line broken for transport; blanks before its end are padding.
            let padding = escape.iter().take_while(|b| b" \t\r".contains(b)).count();
            match escape.get(padding) {
                Some(b'\n') => &escape[padding + 1..],
                None => &[],
                Some(_) => {
                    out.push(b'=');
                    escape
                }
            }
        };
        let next = memchr::memchr(b'=', rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..next]);
        rest = &rest[next..];
    }
    Cow::Owned(out)
}

fn decode_charset<'b>(bytes: &'b [u8], label: Option<&str>) -> Cow<'b, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        // UTF-8 is what most unlabelled and mislabelled mail is, except the 7-bit ISO-2022 family.
        if memchr::memchr(0x1b, bytes).is_none() {
            return Cow::Borrowed(text);
        }
    }
    let encoding = label
        .and_then(|label| encoding_rs::Encoding::for_label(label.trim().as_bytes()))
        .unwrap_or(if memchr::memchr(0x1b, bytes).is_some() {
            encoding_rs::ISO_2022_JP
        } else {
            encoding_rs::WINDOWS_1252
        });
    encoding.decode_without_bom_handling(bytes).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_and_rubbish_before_the_headers() {
        for text in [
            "From: a@example.com\nSubject: x\n\nbody\n",
            "From: a@example.com\r\nSubject: x\r\n\r\nbody\r\n",
            "From: a@example.com\rSubject: x\r\rbody\r",
            "\n\nFrom b@example.com Fri Jan  2 03:04:05 2026\nFrom: a@example.com\nSubject: x\n\nbody\n",
            "\u{feff}From: a@example.com\r\nSubject: x\n\nbody\n",
        ] {
            let text = normalise(text.as_bytes());
            let mail = Mail::parse(&text);
            assert_eq!(mail.headers.get("from").as_deref(), Some("a@example.com"));
            assert_eq!(mail.headers.get("SUBJECT").as_deref(), Some("x"));
            assert_eq!(mail.parts[0].text(), "body\n");
        }
    }

    #[test]
    fn bodies_are_decoded_as_far_as_they_go() {
        let text = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe =ZZ\n--b\nContent-Type: text/plain; charset=no-such-charset\nContent-Transfer-Encoding: base64\n\nR3L8!!3+U=\n--b\nContent-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B%a!<%k\x1b(B\n--b--\n";
        let mail = Mail::parse(text.as_bytes());
        assert_eq!(mail.mime_type, "multipart/mixed");
        let texts: Vec<_> = mail
            .parts
            .iter()
            .map(|part| part.text().trim().to_owned())
            .collect();
        assert_eq!(texts[0], "Grüße =ZZ");
        assert_eq!(texts[2], "メール");
        assert!(texts[1].starts_with("Grü"));
    }

    #[test]
    fn quoted_printable_is_decoded_where_it_is() {
        for (raw, text) in [
            ("plain", "plain"),
            ("a=3Db=C3=a9", "a=b\u{e9}"),
            ("soft=\nbreak= \t\n!", "softbreak!"),
            ("=ZZ=", "=ZZ"),
            ("=4", "=4"),
            ("==41", "=A"),
        ] {
            assert_eq!(decode_quoted_printable(raw.as_bytes()), text.as_bytes());
        }
    }

    #[test]
    fn hostile_structure_gives_what_can_be_had() {
        let mut deep = String::from("Subject: deep\n");
        for level in 0..10_000 {
            use std::fmt::Write as _;
            let _ = write!(
                deep,
                "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"
            );
        }
        assert_eq!(
            Mail::parse(deep.as_bytes())
                .headers
                .get("subject")
                .as_deref(),
            Some("deep")
        );
        let wide = format!("Subject: {}\n\nx", "=?utf-8?q?=41?= ".repeat(70_000));
        assert!(
            Mail::parse(wide.as_bytes())
                .headers
                .get("subject")
                .unwrap()
                .starts_with('A')
        );
        let endless = format!(
            "Subject: endless\n{}",
            "no field\n".repeat(HEADERS_LIMIT / 4)
        );
        let mail = Mail::parse(endless.as_bytes());
        assert_eq!(mail.headers.get("subject").as_deref(), Some("endless"));
        assert_eq!(mail.parts[0].raw.len(), endless.len() - HEADERS_LIMIT);
        for text in [&b""[..], b"\n", b"\0\0\0", b"no header at all", b"From: x"] {
            let text = normalise(text);
            assert_eq!(Mail::parse(&text).parts.len(), 1);
        }
    }
}
