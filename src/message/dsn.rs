//! Delivery status notifications (RFC 3464, RFC 6533).

use super::{
    Format, Parsed, Report, ReportKind,
    mime::{self, Headers, Mail, Part},
};
use crate::{classify::EnhancedStatusCode, time::Timestamp};

/// Reads a mail with a `message/delivery-status` part.
pub fn parse(mail: &Mail<'_>) -> Option<Parsed> {
    let part = mail
        .part("message/delivery-status")
        .or_else(|| mail.part("message/global-delivery-status"))?;
    let bytes = part.bytes();
    let text = mime::normalise(&bytes);
    let mut blocks = blocks(&text)
        .into_iter()
        .map(Headers::parse)
        .filter(|block| !block.is_empty());
    let mut first = blocks.next()?;
    let mut recipients: Vec<Headers<'_>> = blocks.collect();
    if first
        .get("Final-Recipient")
        .or_else(|| first.get("Original-Recipient"))
        .is_some()
    {
        recipients.insert(0, std::mem::take(&mut first));
    }
    let reporting_mta = first
        .get("Reporting-MTA")
        .map(|value| after_type(&value).to_owned());
    let arrival = first
        .get("Arrival-Date")
        .and_then(|date| Timestamp::parse_mail_date(&date));
    let human = mail
        .parts
        .iter()
        .find(|part| part.mime_type == "text/plain")
        .map(Part::text)
        .unwrap_or_default();
    let reports = recipients
        .iter()
        .map(|fields| report(fields, reporting_mta.as_ref(), arrival, &human))
        .collect::<Vec<_>>();
    if reports.is_empty() {
        return None;
    }
    Some(Parsed {
        format: Format::Dsn,
        reports,
        returned: returned(mail),
    })
}

/// The returned message, or its headers.
pub(super) fn returned(mail: &Mail<'_>) -> Option<Vec<u8>> {
    [
        "message/rfc822",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global",
        "message/global-headers",
    ]
    .iter()
    .find_map(|kind| mail.part(kind))
    .map(|part| mime::normalise(&part.bytes()).into_owned())
}

fn blocks(text: &[u8]) -> Vec<&[u8]> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = memchr::memmem::find(rest, b"\n\n").map_or(rest.len(), |at| at + 1);
        blocks.push(&rest[..end]);
        rest = rest[end..].trim_ascii_start();
    }
    blocks
}

fn after_type(value: &str) -> &str {
    value.split_once(';').map_or(value, |(_, rest)| rest).trim()
}

fn report(
    fields: &Headers<'_>,
    reporting_mta: Option<&String>,
    arrival: Option<Timestamp>,
    human: &str,
) -> Report {
    let address = |name: &str| {
        fields
            .get(name)
            .map(|value| crate::address::bare(after_type(&value)).to_owned())
            .filter(|address| !address.is_empty())
    };
    let action = fields.get("Action").map(|value| {
        value
            .split(['(', ' '])
            .next()
            .unwrap_or_default()
            .trim()
            .to_lowercase()
    });
    let diagnostic = fields
        .get("Diagnostic-Code")
        .map(|value| after_type(&value).to_owned())
        .unwrap_or_default();
    let diagnostic = if diagnostic.is_empty() {
        human.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        diagnostic
    };
    let reply_code = reply_code(&diagnostic);
    let status = fields
        .get("Status")
        .and_then(|value| {
            value
                .split(['(', ' '])
                .next()
                .unwrap_or_default()
                .parse()
                .ok()
        })
        .or_else(|| EnhancedStatusCode::find(&diagnostic, reply_code));
    let kind = match action.as_deref() {
        Some("delayed") => ReportKind::Delayed,
        // Postfix answers so when asked whether it could deliver (`sendmail -bv`).
        Some("delivered" | "deliverable") => ReportKind::Delivered,
        Some("relayed" | "expanded") => ReportKind::Relayed,
        _ => ReportKind::Bounce,
    };
    Report {
        kind: Some(kind),
        recipient: address("Final-Recipient").or_else(|| address("Original-Recipient")),
        original_recipient: address("Original-Recipient"),
        action,
        status,
        reply_code,
        diagnostic,
        reporting_mta: reporting_mta.cloned(),
        remote_mta: fields
            .get("Remote-MTA")
            .map(|value| after_type(&value).to_owned()),
        occurred_at: fields
            .get("Last-Attempt-Date")
            .and_then(|date| Timestamp::parse_mail_date(&date))
            .or(arrival),
        feedback_type: None,
    }
}

/// An SMTP reply code at the start of a diagnostic text.
pub(super) fn reply_code(text: &str) -> Option<u16> {
    let digits = text.get(..3)?;
    let ends = text[3..]
        .chars()
        .next()
        .is_none_or(|c| c == ' ' || c == '-');
    digits
        .parse()
        .ok()
        .filter(|code| ends && (200..600).contains(code))
}
