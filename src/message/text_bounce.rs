//! Bounces without a machine-readable part.

use super::{Format, Parsed, Report, ReportKind, dsn, mime::Mail};
use crate::classify::EnhancedStatusCode;

/// Reads a free-text bounce with `X-Failed-Recipients`.
pub fn parse(mail: &Mail<'_>) -> Option<Parsed> {
    let failed = mail.headers.get("X-Failed-Recipients")?;
    let text = mail
        .parts
        .iter()
        .find(|part| part.mime_type == "text/plain")?
        .text();
    let (report, returned) = text
        .split_once("\n------ This is a copy of")
        .unwrap_or((&text, ""));
    let diagnostic = report.split_whitespace().collect::<Vec<_>>().join(" ");
    let status = EnhancedStatusCode::find(&diagnostic, None);
    let reports = failed
        .split(',')
        .map(|address| Report {
            kind: Some(ReportKind::Bounce),
            recipient: Some(crate::address::bare(address).to_owned()),
            status,
            diagnostic: diagnostic.clone(),
            ..Report::default()
        })
        .collect();
    let returned = returned
        .split_once('\n')
        .map(|(_, rest)| rest.as_bytes().to_vec())
        .or_else(|| dsn::returned(mail));
    Some(Parsed {
        format: Format::Text("exim"),
        reports,
        returned,
    })
}
