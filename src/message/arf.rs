//! Feedback reports (RFC 5965).

use super::{
    Format, Parsed, Report, ReportKind, dsn,
    mime::{self, Headers, Mail},
};
use crate::{address, time::Timestamp};

/// Reads a mail with a `message/feedback-report` part.
pub fn parse(mail: &Mail<'_>) -> Option<Parsed> {
    let bytes = mail.part("message/feedback-report")?.bytes();
    let text = mime::normalise(&bytes);
    let fields = Headers::parse(&text);
    let feedback_type = fields
        .get("Feedback-Type")
        .map(|value| value.trim().to_lowercase());
    let kind = match feedback_type.as_deref() {
        Some("not-spam") => ReportKind::NotSpam,
        Some("auth-failure" | "dmarc") => ReportKind::FeedbackOther,
        Some("opt-out" | "opt-out-list") => ReportKind::Unsubscribe,
        _ => ReportKind::Complaint,
    };
    let date = fields
        .get("Arrival-Date")
        .or_else(|| fields.get("Received-Date"));
    let report = |recipient: Option<String>| Report {
        kind: Some(kind),
        recipient,
        feedback_type: feedback_type.clone(),
        reporting_mta: fields
            .get("Reporting-MTA")
            .map(|mta| mta.rsplit(';').next().unwrap_or_default().trim().to_owned()),
        occurred_at: date.as_deref().and_then(Timestamp::parse_mail_date),
        ..Report::default()
    };
    let returned = dsn::returned(mail);
    let mut recipients: Vec<String> = fields
        .all("Original-Rcpt-To")
        .chain(fields.all("Removal-Recipient"))
        .map(|value| address::bare(&value).to_owned())
        .filter(|address| address.contains('@'))
        .collect();
    recipients.dedup();
    let reports = if recipients.is_empty() {
        vec![report(None)]
    } else {
        recipients.into_iter().map(|to| report(Some(to))).collect()
    };
    Some(Parsed {
        format: Format::Arf,
        reports,
        returned,
    })
}
