//! What a mail is: the order of the tests is the precedence.

use super::{
    Format, Inbound, Options, Parsed, Report, ReportKind, arf, auto_reply,
    clues::Clues,
    dsn,
    mime::{self, Headers, Mail},
    text_bounce,
};
use crate::{address, time::Timestamp, verp::Purpose};

/// Mails this many levels inside one another are still looked into.
const ENCLOSED: usize = 5;

/// Reads a mail. Never fails: what nothing recognises has no reports.
pub fn parse(bytes: &[u8], options: &Options) -> Inbound {
    let text = mime::normalise(bytes);
    let mail = Mail::parse(&text);
    let headers = &mail.headers;
    let mut clues = Clues::default();
    let purpose = clues.arrival(headers, options);
    let from = headers
        .get("From")
        .map(|value| address::bare(&value).to_owned())
        .filter(|from| from.contains('@'));
    let subject = headers.get("Subject").unwrap_or_default();
    let date = headers
        .get("Date")
        .and_then(|date| Timestamp::parse_mail_date(&date));

    let parsed = recognise(&mail, &subject, from.as_deref(), purpose, &mut clues);
    if let Some(returned) = &parsed.returned {
        returned_clues(returned, &mut clues, options, 0);
    }
    let mut reports = parsed.reports;
    for report in &mut reports {
        report.occurred_at = report.occurred_at.or(date);
    }
    Inbound {
        format: parsed.format,
        reports,
        clues: clues.into_vec(),
        has_returned_message: parsed.returned.is_some(),
        message_id: headers
            .get("Message-ID")
            .map(|id| id.trim().trim_matches(['<', '>']).to_owned())
            .filter(|id| !id.is_empty()),
        from,
        subject,
        date,
        authentication_results: headers.all("Authentication-Results").take(10).collect(),
    }
}

fn recognise(
    mail: &Mail<'_>,
    subject: &str,
    from: Option<&str>,
    purpose: Option<Purpose>,
    clues: &mut Clues,
) -> Parsed {
    let one = |format, kind| Parsed {
        format,
        reports: vec![Report {
            kind: Some(kind),
            recipient: from.map(str::to_owned),
            ..Report::default()
        }],
        returned: None,
    };
    if let Some(parsed) = dsn::parse(mail) {
        return parsed;
    }
    if let Some(parsed) = arf::parse(mail) {
        return parsed;
    }
    if auto_reply::is_auto_reply(mail, subject) {
        return one(Format::AutoReply, ReportKind::AutoReply);
    }
    if purpose == Some(Purpose::Unsubscribe) {
        return one(Format::Unsubscribe, ReportKind::Unsubscribe);
    }
    if let Some(parsed) = text_bounce::parse(mail) {
        return parsed;
    }
    reply(mail, clues).map_or(
        Parsed {
            format: Format::Other,
            reports: Vec::new(),
            returned: None,
        },
        |()| one(Format::Reply, ReportKind::Reply),
    )
}

/// A person's answer points at the mail it answers.
fn reply(mail: &Mail<'_>, clues: &mut Clues) -> Option<()> {
    let answers = ["In-Reply-To", "References"];
    for name in answers {
        for value in mail.headers.all(name) {
            clues.message_ids(name, &value);
        }
    }
    for part in mail
        .parts
        .iter()
        .filter(|part| part.mime_type.starts_with("text/"))
    {
        clues.links("tracking link in the body", &part.text());
    }
    answers
        .iter()
        .any(|name| mail.headers.get(name).is_some())
        .then_some(())
}

fn returned_clues(returned: &[u8], clues: &mut Clues, options: &Options, depth: usize) {
    let text = mime::normalise(returned);
    let mail = Mail::parse(&text);
    let body: String = mail
        .parts
        .iter()
        .filter(|part| part.mime_type.starts_with("text/"))
        .map(mime::Part::text)
        .collect::<Vec<_>>()
        .join("\n");
    clues.returned(&mail.headers, &body, options);
    // Only headers came back, as text.
    if mail.headers.is_empty() {
        let bytes = returned.to_vec();
        clues.returned(&Headers::parse(&bytes), "", options);
    }
    if depth < ENCLOSED {
        for part in mail
            .parts
            .iter()
            .filter(|part| part.mime_type == "message/rfc822")
        {
            returned_clues(&part.bytes(), clues, options, depth + 1);
        }
    }
}
