//! A mail cut where its encoding changes: header fields, text, encoded text, attachments.

use data_encoding::BASE64;

use crate::message::mime::Headers;

/// The pieces, one after the other, are the mail.
#[derive(Debug)]
pub(super) enum Piece {
    /// A field with its folded lines and line end.
    Header(Vec<u8>),
    Text(Vec<u8>),
    /// A text part, decoded.
    Encoded(Encoding, Vec<u8>),
    /// A part that is no text.
    Attachment(Encoding),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
}

impl Encoding {
    pub(super) fn write(self, text: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Identity => out.extend_from_slice(text),
            Self::Base64 => {
                for line in text.chunks(57) {
                    out.extend_from_slice(BASE64.encode(line).as_bytes());
                    out.push(b'\n');
                }
            }
            Self::QuotedPrintable => {
                out.extend_from_slice(&quoted_printable::encode(text));
                out.push(b'\n');
            }
        }
    }

    fn read(self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Identity => text.to_vec(),
            Self::Base64 => {
                let mut digits: Vec<u8> = text
                    .iter()
                    .copied()
                    .filter(|octet| octet.is_ascii_alphanumeric() || b"+/".contains(octet))
                    .collect();
                // What is left of a group that was cut says nothing whole.
                digits.truncate(digits.len() - usize::from(digits.len() % 4 == 1));
                let mut decoder = data_encoding::BASE64_NOPAD.specification();
                decoder.check_trailing_bits = false;
                decoder
                    .encoding()
                    .ok()
                    .and_then(|decoder| decoder.decode(&digits).ok())
                    .unwrap_or_default()
            }
            Self::QuotedPrintable => {
                quoted_printable::decode(text, quoted_printable::ParseMode::Robust)
                    .unwrap_or_else(|_| text.to_vec())
            }
        }
    }
}

/// What the header of a part says of its body.
struct Body {
    encoding: Encoding,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// Begins with a header of its own.
    Message,
    Attachment,
}

pub(super) fn cut(raw: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut boundaries: Vec<Vec<u8>> = Vec::new();
    let mut header: Vec<Vec<u8>> = Vec::new();
    let mut in_header = true;
    let mut body = Body {
        encoding: Encoding::Identity,
        kind: Kind::Text,
    };
    let mut waiting: Vec<u8> = Vec::new();
    for line in lines(raw) {
        let bare = line.trim_ascii_end();
        let boundary = bare.strip_prefix(b"--").filter(|name| {
            let name = name.strip_suffix(b"--").unwrap_or(name);
            boundaries.iter().any(|known| known == name)
        });
        if let Some(name) = boundary {
            finish(&mut pieces, &mut waiting, &body);
            pieces.extend(header.drain(..).map(Piece::Header));
            pieces.push(Piece::Text(line.to_vec()));
            in_header = !name.ends_with(b"--");
            body = Body {
                encoding: Encoding::Identity,
                kind: Kind::Text,
            };
        } else if !in_header {
            waiting.extend_from_slice(line);
        } else if bare.is_empty() {
            body = described(&header, &mut boundaries);
            pieces.extend(header.drain(..).map(Piece::Header));
            pieces.push(Piece::Text(line.to_vec()));
            in_header = body.kind == Kind::Message && body.encoding == Encoding::Identity;
        } else if let (Some(last), true) = (
            header.last_mut(),
            line.starts_with(b" ") || line.starts_with(b"\t"),
        ) {
            last.extend_from_slice(line);
        } else {
            header.push(line.to_vec());
        }
    }
    pieces.extend(header.into_iter().map(Piece::Header));
    finish(&mut pieces, &mut waiting, &body);
    pieces
}

/// Lines with their ends, whichever of LF, CRLF and CR these are.
fn lines(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    let only_cr = memchr::memchr(b'\n', raw).is_none();
    raw.split_inclusive(move |octet| *octet == if only_cr { b'\r' } else { b'\n' })
}

fn finish(pieces: &mut Vec<Piece>, waiting: &mut Vec<u8>, body: &Body) {
    let text = std::mem::take(waiting);
    if text.is_empty() {
        return;
    }
    pieces.push(match (body.kind, body.encoding) {
        (Kind::Attachment, encoding) => Piece::Attachment(encoding),
        (_, Encoding::Identity) => Piece::Text(text),
        (_, encoding) => Piece::Encoded(encoding, encoding.read(&text)),
    });
}

fn described(header: &[Vec<u8>], boundaries: &mut Vec<Vec<u8>>) -> Body {
    let text = header.concat();
    let text = crate::message::mime::normalise(&text).into_owned();
    let headers = Headers::parse(&text);
    let get = |name| headers.get(name).unwrap_or_default();
    let content_type = get("Content-Type");
    let mime_type = content_type.to_lowercase();
    let encoding = match get("Content-Transfer-Encoding")
        .trim()
        .to_lowercase()
        .as_str()
    {
        "base64" => Encoding::Base64,
        "quoted-printable" => Encoding::QuotedPrintable,
        _ => Encoding::Identity,
    };
    if mime_type.starts_with("multipart/") {
        let boundary = content_type
            .split(';')
            .map(str::trim)
            .find(|parameter| parameter.to_lowercase().starts_with("boundary="))
            .map(|parameter| parameter["boundary=".len()..].trim_matches('"').as_bytes());
        boundaries.extend(boundary.map(<[u8]>::to_vec));
    }
    let kind =
        if mime_type.starts_with("message/rfc822") || mime_type.starts_with("message/global;") {
            Kind::Message
        } else if mime_type.is_empty()
            || ["text/", "message/", "multipart/"]
                .iter()
                .any(|like| mime_type.starts_with(like))
        {
            Kind::Text
        } else {
            Kind::Attachment
        };
    Body { encoding, kind }
}

/// A header field with its encoded words (RFC 2047) as UTF-8; as it is where it has none.
pub(super) fn decoded(field: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(field);
    let Some((name, _)) = text.split_once(':').filter(|_| text.contains("=?")) else {
        return field.to_vec();
    };
    let normal = crate::message::mime::normalise(field).into_owned();
    let value = Headers::parse(&normal).get(name.trim());
    value.map_or_else(
        || field.to_vec(),
        |value| format!("{name}: {value}\n").into_bytes(),
    )
}
