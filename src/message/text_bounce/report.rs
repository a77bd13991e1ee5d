//! Where the report of a mail system ends and the mail it returns begins.

use super::{
    super::{
        dsn, html,
        mime::{Mail, Part},
    },
    words,
};

/// A report without what it returns.
#[derive(Debug, Default)]
pub(in crate::message) struct Report {
    pub(in crate::message) text: String,
    pub(in crate::message) returned: Option<Vec<u8>>,
}

/// So much of a report is read; those of real mail systems are far shorter.
const LONGEST: usize = 64 * 1024;

/// The words of a mail that come before the returned message.
pub(in crate::message) fn read(mail: &Mail<'_>) -> Report {
    let mut report = Report {
        text: String::new(),
        returned: dsn::returned(mail),
    };
    // The header of a mail in one part is the mail's own.
    let in_parts = mail.parts.len() > 1;
    let is_returned = |part: &Part<'_>| in_parts && is_returned(part);
    let is_end = |part: &Part<'_>| part.mime_type.starts_with("message/") || is_returned(part);
    let before: Vec<&Part<'_>> = mail.parts.iter().take_while(|part| !is_end(part)).collect();
    if report.returned.is_none() {
        report.returned = mail
            .parts
            .iter()
            .find(|part| is_returned(part))
            .map(with_headers);
    }
    let texts = |wanted: fn(&str) -> bool| {
        let its = before.iter().filter(move |part| wanted(&part.mime_type));
        its.map(|part| part.text())
    };
    // A multipart without its boundary is what stands in it.
    let mut said: Vec<String> =
        texts(|kind| kind == "text/plain" || kind == "text" || kind.starts_with("multipart/"))
            .collect();
    if said.iter().all(|text| text.trim().is_empty()) {
        said = texts(|kind| kind == "text/html")
            .map(|text| html::text(&text))
            .collect();
    }
    for text in said {
        if report.text.len() >= LONGEST {
            break;
        }
        let (said, returned) = split(&text);
        report.text.push_str(cut(said, LONGEST));
        report.text.push('\n');
        if let Some(returned) = returned {
            if report.returned.is_none() {
                report.returned = Some(returned.as_bytes().to_vec());
            }
            break;
        }
    }
    report
}

/// The HTML part's words, for reports whose plain text says nothing.
pub(super) fn html_words(mail: &Mail<'_>) -> Option<String> {
    let text = html::text(&mail.part("text/html")?.text());
    let (said, _) = split(&text);
    Some(cut(said, LONGEST).to_owned())
}

fn cut(text: &str, length: usize) -> &str {
    let mut end = text.len().min(length);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A part whose own header is that of the returned message: some gateways put it behind a boundary
/// without a Content-Type.
fn is_returned(part: &Part<'_>) -> bool {
    part.headers.get_raw("Received").is_some() && part.headers.get_raw("Message-ID").is_some()
}

fn with_headers(part: &Part<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in part.headers.iter() {
        out.extend_from_slice(format!("{name}: {value}\n").as_bytes());
    }
    out.push(b'\n');
    out.extend_from_slice(part.text().as_bytes());
    out
}

/// Cuts a text where the returned message begins: at a line that says so, or at its headers.
fn split(text: &str) -> (&str, Option<&str>) {
    let mut at = 0;
    // Where an unbroken row of header fields began.
    let mut headers: Option<usize> = None;
    let mut fields = 0;
    let mut sure = false;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if start > LONGEST {
            break;
        }
        let bare = line.trim();
        if words::begins_returned(bare) {
            return (
                &text[..start],
                Some(text[at..].trim_start_matches(['-', '=', '\n', ' '])),
            );
        }
        match field_name(line) {
            // Either side has such fields.
            Some(name) if name.starts_with(['X', 'x']) => {}
            Some(name) => {
                headers.get_or_insert(start);
                fields += 1;
                sure |= OF_A_MESSAGE
                    .iter()
                    .any(|known| name.eq_ignore_ascii_case(known));
            }
            // A folded field.
            None if headers.is_some() && line.starts_with([' ', '\t']) && !bare.is_empty() => {}
            None => {
                headers = None;
                fields = 0;
                sure = false;
            }
        }
        if let Some(first) = headers.filter(|_| sure && fields >= 3) {
            return (&text[..first], Some(&text[first..]));
        }
    }
    (text, None)
}

/// Fields that stand in messages, but not in what mail systems say of them.
const OF_A_MESSAGE: &[&str] = &[
    "Received",
    "Return-Path",
    "Delivered-To",
    "DKIM-Signature",
    "DomainKey-Signature",
    "MIME-Version",
    "Message-ID",
    "Authentication-Results",
    "ARC-Seal",
];

/// The name of a header field that starts in the first column.
fn field_name(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(':')?;
    let plausible = (2..=40).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !words::is_status_field(name);
    plausible.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String) {
        let mail = Mail::parse(text.as_bytes());
        let report = read(&mail);
        let returned = report.returned.unwrap_or_default();
        (
            report.text.trim().to_owned(),
            String::from_utf8(returned).unwrap().trim().to_owned(),
        )
    }

    #[test]
    fn the_returned_message_is_found() {
        let message = "Received: from x\n by y\nFrom: a@example.com\nSubject: s\n\nb";
        for text in [
            format!("\n\nsorry\n\n--- Below this line is a copy of the message.\n\n{message}"),
            format!("\n\nsorry\n\n{message}"),
            format!("\n\nsorry\n\n   ----- Unsent message follows -----\n{message}"),
            format!(
                "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsorry\n--b\nContent-Type: message/rfc822\n\n{message}\n--b--\n"
            ),
        ] {
            let (said, returned) = parts(&text);
            assert_eq!(
                (said.as_str(), returned.as_str()),
                ("sorry", message),
                "{text}"
            );
        }
        let untyped = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsorry\n--b\nReceived: from x\nMessage-ID: <1@example.com>\n\nb\n--b--\n";
        assert_eq!(
            parts(untyped).1,
            "Received: from x\nMessage-ID: <1@example.com>\n\nb"
        );
    }

    #[test]
    fn what_the_mail_system_says_of_it_is_not_cut() {
        let text = "\n\nYour message\n\nTo: a@example.com\nSubject: s\nDate: d\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n";
        assert_eq!(parts(text).1, "");
        let html = "Content-Type: text/html\n\n<p>sorry <b>a@example.com</b></p>";
        assert_eq!(parts(html).0, "sorry a@example.com");
    }
}
