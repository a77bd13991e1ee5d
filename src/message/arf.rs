//! Feedback reports: ARF (RFC 5965, RFC 6591), and what providers send without its machine-readable
//! part (Microsoft JMRP, older AOL and Yahoo shapes).

use super::{
    Format, Parsed, Report, ReportKind, dsn,
    mime::{self, Headers, Mail},
    reply,
};
use crate::address;

/// Reads a feedback report; `subject` is the mail's.
pub fn parse(mail: &Mail<'_>, subject: &str) -> Option<Parsed> {
    mail.part("message/feedback-report")
        .filter(|_| !is_passed_on(mail, subject))
        .map(|part| standard(mail, &part.bytes()))
        .or_else(|| without_fields(mail, subject))
}

/// A person who forwards a report, or a list that distributes it, does not report.
fn is_passed_on(mail: &Mail<'_>, subject: &str) -> bool {
    mail.mime_type != "multipart/report"
        && (reply::is_bulk(mail)
            || reply::has_answer_prefix(subject)
            || reply::has_forward_prefix(subject))
}

/// Kinds of RFC 5965 (7.3), RFC 6591 and the registry that are not a person's complaint.
const TYPES: &[(&str, ReportKind)] = &[
    ("not-spam", ReportKind::NotSpam),
    ("auth-failure", ReportKind::FeedbackOther),
    ("dmarc", ReportKind::FeedbackOther),
    ("dkim", ReportKind::FeedbackOther),
    ("spf", ReportKind::FeedbackOther),
    ("opt-out", ReportKind::Unsubscribe),
    ("opt-out-list", ReportKind::Unsubscribe),
];

fn standard(mail: &Mail<'_>, bytes: &[u8]) -> Parsed {
    let text = mime::normalise(bytes);
    let fields = Headers::parse(&text);
    let feedback_type = fields
        .get("Feedback-Type")
        .map(|value| value.trim().trim_matches('"').to_lowercase())
        .filter(|value| !value.is_empty());
    let kind = TYPES
        .iter()
        .find(|(name, _)| feedback_type.as_deref() == Some(name))
        .map_or(ReportKind::Complaint, |(_, kind)| *kind);
    let returned = dsn::returned(mail);
    let mut recipients: Vec<String> = fields
        .all("Original-Rcpt-To")
        .chain(fields.all("Removal-Recipient"))
        .chain(fields.all("X-HmXmrOriginalRecipient"))
        .filter_map(|value| readable(&value))
        .collect();
    recipients.extend(hidden_recipient(mail, returned.as_deref()));
    if recipients.is_empty() {
        // What is left of a redacted address is nobody's, but it says that there was one.
        let redacted = || {
            let to = fields.get("Original-Rcpt-To");
            let to = to.or_else(|| Headers::parse(returned.as_deref()?).get("To"))?;
            let address = address::bare(&to);
            let whole = address.matches('@').count() == 1 && !address.contains([' ', '*', '[']);
            whole.then(|| address.to_owned())
        };
        recipients.extend(addressee(returned.as_deref()).or_else(redacted));
    }
    let mut seen = std::collections::HashSet::new();
    recipients.retain(|to| seen.insert(to.to_lowercase()));
    let report = |recipient: Option<String>| Report {
        kind: Some(kind),
        recipient,
        feedback_type: feedback_type.clone(),
        reporting_mta: fields
            .get("Reporting-MTA")
            .map(|mta| mta.rsplit(';').next().unwrap_or_default().trim().to_owned()),
        ..Report::default()
    };
    let reports = one_each(recipients, report);
    Parsed {
        format: Format::Arf,
        reports,
        returned,
    }
}

/// Reports that enclose the mail complained of and say so only in words or a header of their own.
fn without_fields(mail: &Mail<'_>, subject: &str) -> Option<Parsed> {
    let returned = dsn::returned(mail)?;
    if reply::is_bulk(mail) || mail.headers.get("In-Reply-To").is_some() {
        return None;
    }
    let subject = subject.trim().to_lowercase();
    let typed = mail
        .params
        .get("report-type")
        .is_some_and(|kind| kind.eq_ignore_ascii_case("feedback-report"));
    let hidden = hidden_recipient(mail, Some(&returned));
    let by_words = SUBJECTS.iter().any(|start| subject.starts_with(start));
    if !(typed || by_words || (hidden.is_some() && !reply::has_forward_prefix(&subject))) {
        return None;
    }
    let report = |recipient| Report {
        kind: Some(ReportKind::Complaint),
        recipient,
        feedback_type: Some("abuse".into()),
        ..Report::default()
    };
    let to = hidden.or_else(|| addressee(Some(&returned)));
    Some(Parsed {
        format: Format::Arf,
        reports: one_each(to.into_iter().collect(), report),
        returned: Some(returned),
    })
}

const SUBJECTS: &[&str] = &[
    "complaint about message from",
    "email feedback report for ip",
    "email abuse report",
    "spam complaint from",
    "feedback loop complaint",
    "fbl report",
];

/// Headers in which providers name the complaining mailbox, in the report or the mail enclosed.
const RECIPIENT_HEADERS: &[&str] = &["X-HmXmrOriginalRecipient", "X-AOL-Original-Rcpt-To"];

fn hidden_recipient(mail: &Mail<'_>, returned: Option<&[u8]>) -> Option<String> {
    let inner = returned.map(Headers::parse).unwrap_or_default();
    let parts = mail.parts.iter().map(|part| &*part.headers);
    [&*mail.headers, &inner]
        .into_iter()
        .chain(parts)
        .find_map(|headers| {
            RECIPIENT_HEADERS
                .iter()
                .find_map(|name| readable(&headers.get(name)?))
        })
}

/// Whom the mail complained of was written to, if to one address.
fn addressee(returned: Option<&[u8]>) -> Option<String> {
    let to = Headers::parse(returned?).get("To")?;
    if to.matches('@').count() == 1 {
        readable(&to)
    } else {
        None
    }
}

fn one_each(recipients: Vec<String>, report: impl Fn(Option<String>) -> Report) -> Vec<Report> {
    /// More than any report names; a list of a million is an attack.
    const MOST: usize = 1000;
    if recipients.is_empty() {
        return vec![report(None)];
    }
    recipients
        .into_iter()
        .take(MOST)
        .map(|to| report(Some(to)))
        .collect()
}

/// An address that is not redacted (RFC 6590): no `redacted`, stars or rows of x in its place.
fn readable(value: &str) -> Option<String> {
    let address = address::bare(value);
    let (local, domain) = address.rsplit_once('@')?;
    let lower = local.to_lowercase();
    let hidden = local.is_empty()
        || domain.is_empty()
        || address.contains(['*', ' ', '[', '('])
        || lower.contains("redacted")
        || (lower.len() > 2 && lower.bytes().all(|b| b == b'x'))
        || domain.to_lowercase().contains("redacted");
    (!hidden).then(|| address.to_owned())
}
