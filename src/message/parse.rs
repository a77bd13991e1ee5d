//! What a mail is: the order of the tests is the precedence.

use super::{
    Format, Inbound, Options, Parsed, Report, ReportKind, arf, auto_reply,
    clues::Clues,
    dsn,
    mail_system::is_mail_system,
    mime::{self, Headers, Mail},
    reply, sns_mail, text_bounce, unsubscribe,
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
    let from = headers.get("From").and_then(|value| sender(&value));
    let subject = headers.get("Subject").unwrap_or_default();
    let date = headers
        .get("Date")
        .and_then(|date| Timestamp::parse_mail_date(&date));

    let parsed = recognise(
        &mail,
        &subject,
        from.as_deref(),
        purpose,
        options,
        &mut clues,
    );
    if let Some(returned) = &parsed.returned {
        returned_clues(returned, &mut clues, options, 0);
    }
    let mut reports = parsed.reports;
    for report in &mut reports {
        report.diagnostic.retain(|c| !c.is_control());
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

/// The address of a From field, also as `a@example.com (Anna)`.
fn sender(value: &str) -> Option<String> {
    let address = address::bare(value);
    let address = if address.contains(['(', ' ', ',', '"']) {
        address
            .split([' ', ',', '(', ')', '<', '>', '"'])
            .find(|piece| piece.contains('@'))?
    } else {
        address
    };
    address.contains('@').then(|| address.to_owned())
}

fn recognise(
    mail: &Mail<'_>,
    subject: &str,
    from: Option<&str>,
    purpose: Option<Purpose>,
    options: &Options,
    clues: &mut Clues,
) -> Parsed {
    let nothing = Parsed {
        format: Format::Other,
        reports: Vec::new(),
        returned: None,
    };
    let one = |format, kind, recipient: Option<String>| Parsed {
        format,
        reports: vec![Report {
            kind: Some(kind),
            recipient,
            ..Report::default()
        }],
        returned: None,
    };
    let by_sender = |format, kind| one(format, kind, from.map(str::to_owned));
    let automatic = || {
        let recipient = auto_reply::receipt_recipient(mail).or_else(|| from.map(str::to_owned));
        one(Format::AutoReply, ReportKind::AutoReply, recipient)
    };

    if is_statistics(mail, subject) {
        return nothing;
    }
    let told_by_person = is_passed_on(mail, subject);
    if !told_by_person && let Some(parsed) = dsn::parse(mail) {
        return parsed;
    }
    if let Some(parsed) = arf::parse(mail, subject).or_else(|| sns_mail::parse(mail, from)) {
        return parsed;
    }
    // An address with a hash of ours asks nothing of the words, only that no program answered.
    let to_unsubscribe = purpose == Some(Purpose::Unsubscribe);
    if is_mail_system(mail) {
        if let Some(parsed) = text_bounce::parse(mail, subject, true).filter(|_| !told_by_person) {
            return parsed;
        }
        if auto_reply::is_auto_reply_of_mail_system(mail, subject) {
            return automatic();
        }
        return nothing;
    }
    let answered = if to_unsubscribe {
        auto_reply::is_auto_replied(mail, subject)
    } else {
        auto_reply::is_auto_reply(mail, subject)
    };
    if answered {
        return automatic();
    }
    if unsubscribe::is_unsubscribe(mail, subject, purpose, options) {
        return by_sender(Format::Unsubscribe, ReportKind::Unsubscribe);
    }
    if !told_by_person && let Some(parsed) = text_bounce::parse(mail, subject, false) {
        return parsed;
    }
    if auto_reply::is_generated(mail) {
        return automatic();
    }
    if reply::parse(mail, subject, purpose.is_some(), clues) {
        return by_sender(Format::Reply, ReportKind::Reply);
    }
    nothing
}

/// Daily statistics about many mails: DMARC aggregate reports (RFC 7489, 7.2.1.1) and TLS-RPT
/// (RFC 8460, 5.3).
fn is_statistics(mail: &Mail<'_>, subject: &str) -> bool {
    let subject = subject.trim().to_lowercase();
    let named = |part: &mime::Part<'_>| {
        let disposition = part.headers.get("Content-Disposition").unwrap_or_default();
        let name = part
            .params
            .get("name")
            .cloned()
            .unwrap_or(disposition)
            .to_lowercase();
        // `receiver!policy-domain!begin!end.xml.gz`
        name.matches('!').count() >= 3
            && (name.contains(".xml") || name.contains(".zip") || name.contains(".json"))
    };
    mail.parts
        .iter()
        .any(|part| part.mime_type.starts_with("application/tlsrpt") || named(part))
        || mail
            .params
            .get("report-type")
            .is_some_and(|kind| kind.eq_ignore_ascii_case("tlsrpt"))
        || (subject.contains("report domain:") && subject.contains("submitter:"))
}

/// A person or a list hands on what a mail system said: the bounce is somebody else's. A
/// `multipart/report` is believed unless a list sends it.
fn is_passed_on(mail: &Mail<'_>, subject: &str) -> bool {
    if mail.headers.get("X-Failed-Recipients").is_some() {
        return false;
    }
    // The list itself refuses a post (fml); its answers carry the list's header.
    let by_list = mail.headers.get("X-MLServer").is_some()
        && mail
            .headers
            .get("From")
            .is_some_and(|from| from.contains("-admin@"));
    if reply::is_bulk(mail) && !is_mail_system(mail) && !by_list {
        return true;
    }
    mail.mime_type != "multipart/report"
        && !is_mail_system(mail)
        && (mail.headers.get("In-Reply-To").is_some()
            || reply::has_answer_prefix(subject)
            || reply::has_forward_prefix(subject))
}

fn returned_clues(returned: &[u8], clues: &mut Clues, options: &Options, depth: usize) {
    let text = mime::normalise(returned);
    let mail = Mail::parse(&text);
    let texts = mail
        .parts
        .iter()
        .filter(|part| part.mime_type.starts_with("text/"));
    clues.returned(&mail.headers, texts, options);
    // Only headers came back, as text.
    if mail.headers.is_empty() {
        clues.returned(&Headers::parse(returned), std::iter::empty(), options);
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
