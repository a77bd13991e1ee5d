//! SES notifications that SNS delivers as e-mail: one JSON value in the text, bare or in the SNS
//! envelope, and a footer. Source: Amazon SES developer guide, "Notification contents".

// The fields are named as SES names them.
#![allow(clippy::struct_field_names)]

use serde::Deserialize;

use super::{Format, Parsed, Report, ReportKind, authentication, mime::Mail};
use crate::{classify::EnhancedStatusCode, time::Timestamp};

/// The exact sender of SNS; other addresses at amazonaws.com are customers' or nobody's.
const SENDER: &str = "no-reply@sns.amazonaws.com";

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Notification {
    /// Identity notifications.
    notification_type: Option<String>,
    /// Event publishing.
    event_type: Option<String>,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    delivery: Option<Delivery>,
    delivery_delay: Option<Delay>,
    mail: Original,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Bounce {
    bounce_type: String,
    bounce_sub_type: String,
    bounced_recipients: Vec<Recipient>,
    timestamp: Option<String>,
    #[serde(rename = "reportingMTA")]
    reporting_mta: Option<String>,
    #[serde(rename = "remoteMtaIp")]
    remote_mta_ip: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Recipient {
    email_address: String,
    action: Option<String>,
    status: Option<String>,
    diagnostic_code: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Complaint {
    complained_recipients: Vec<Recipient>,
    complaint_feedback_type: Option<String>,
    complaint_sub_type: Option<String>,
    timestamp: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Delivery {
    recipients: Vec<String>,
    timestamp: Option<String>,
    #[serde(rename = "reportingMTA")]
    reporting_mta: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Delay {
    delayed_recipients: Vec<Recipient>,
    delay_type: String,
    timestamp: Option<String>,
}

/// The mail the notification is about.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Original {
    message_id: Option<String>,
    source: Option<String>,
    headers: Vec<Header>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Header {
    name: String,
    value: String,
}

/// The SNS envelope ("email-json" subscriptions).
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Message")]
    message: String,
}

/// Reads a mail of SNS with an SES notification in it. A mail whose own receiver says that
/// Amazon did not sign it is somebody else's.
pub(super) fn parse(mail: &Mail<'_>, from: Option<&str>) -> Option<Parsed> {
    if !from?.eq_ignore_ascii_case(SENDER) || is_disowned(mail) {
        return None;
    }
    let text = mail.part("text/plain")?.text();
    let json = &text[text.find('{')?..];
    // Some relay breaks lines over 998 octets, in the middle of strings.
    let joined;
    let notification = if let Some(notification) = notification_of(json) {
        notification
    } else {
        joined = json.replace('\n', "");
        notification_of(&joined)?
    };
    let reports = reports(&notification)?;
    Some(Parsed {
        format: Format::SnsMail,
        reports,
        returned: Some(returned(&notification.mail)),
    })
}

/// Which mails of SNS are believed: the From of a mail is anybody's.
#[derive(Clone, Debug, Default)]
pub struct SnsTrust {
    /// All of them.
    pub all: bool,
    /// Those that one of these hosts says passed DKIM or SPF as Amazon's. The names are those our
    /// own receiving servers write into Authentication-Results (authserv-id, RFC 8601), and remove
    /// from what comes in.
    pub hosts: Vec<String>,
}

impl SnsTrust {
    /// Whether a mail of SNS with these Authentication-Results is believed.
    pub fn covers(&self, authentication_results: &[String]) -> bool {
        self.all
            || authentication::results(&self.hosts, authentication_results)
                .iter()
                .any(|result| is_pass_of_amazon(result))
    }
}

/// A notification, bare or in SNS's envelope.
fn notification_of(json: &str) -> Option<Notification> {
    first_value::<Envelope>(json).map_or_else(
        || first_value(json),
        |envelope| first_value(&envelope.message),
    )
}

/// The topmost Authentication-Results is the receiver's own: if it judged DKIM and no pass is
/// Amazon's, the From is forged.
fn is_disowned(mail: &Mail<'_>) -> bool {
    mail.headers
        .get("Authentication-Results")
        .map(|value| value.to_lowercase())
        .filter(|value| value.contains("dkim="))
        .is_some_and(|value| !value.split(';').any(is_pass_of_amazon))
}

/// One result of Authentication-Results, lower case: a pass of DKIM or SPF for Amazon's domain.
fn is_pass_of_amazon(result: &str) -> bool {
    authentication::passed_for(result.trim()).is_some_and(|domain| {
        ["amazonaws.com", "amazonses.com"].iter().any(|amazon| {
            domain == *amazon
                || domain
                    .strip_suffix(amazon)
                    .is_some_and(|sub| sub.ends_with('.'))
        })
    })
}

/// One JSON value at the start of the text; what follows is a footer.
fn first_value<'t, T: Deserialize<'t>>(json: &'t str) -> Option<T> {
    serde_json::Deserializer::from_str(json)
        .into_iter()
        .next()?
        .ok()
}

fn reports(notification: &Notification) -> Option<Vec<Report>> {
    let kind = notification
        .notification_type
        .as_deref()
        .or(notification.event_type.as_deref())?;
    let reports: Vec<Report> = match kind {
        "Bounce" => notification.bounce.as_ref().map(bounce),
        "Complaint" => notification.complaint.as_ref().map(complaint),
        "Delivery" => notification.delivery.as_ref().map(delivery),
        "DeliveryDelay" => notification.delivery_delay.as_ref().map(delay),
        _ => None,
    }?;
    (!reports.is_empty()).then_some(reports)
}

fn at(timestamp: Option<&String>) -> Option<Timestamp> {
    timestamp.and_then(|text| Timestamp::parse_iso(text))
}

fn of(kind: ReportKind, recipient: &Recipient, timestamp: Option<&String>) -> Report {
    let diagnostic = recipient.diagnostic_code.clone().unwrap_or_default();
    let diagnostic = diagnostic
        .split_once(';')
        .filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("smtp"))
        .map_or(diagnostic.as_str(), |(_, text)| text.trim());
    let reply_code = super::said::reply_code(diagnostic);
    Report {
        kind: Some(kind),
        recipient: Some(crate::address::bare(&recipient.email_address).to_owned()),
        action: recipient.action.as_deref().map(str::to_lowercase),
        status: recipient
            .status
            .as_deref()
            .and_then(|status| status.parse().ok())
            .or_else(|| EnhancedStatusCode::find(diagnostic, reply_code)),
        reply_code,
        diagnostic: diagnostic.split_whitespace().collect::<Vec<_>>().join(" "),
        occurred_at: at(timestamp),
        ..Report::default()
    }
}

fn bounce(bounce: &Bounce) -> Vec<Report> {
    let of_type = |recipient| {
        let mut report = of(ReportKind::Bounce, recipient, bounce.timestamp.as_ref());
        // SES's own verdict stands in for a code where the host gave none.
        if report.status.is_none() {
            report.status = match (bounce.bounce_type.as_str(), bounce.bounce_sub_type.as_str()) {
                ("Transient", "MailboxFull") => Some(EnhancedStatusCode::new(4, 2, 2)),
                (
                    "Permanent",
                    "General" | "NoEmail" | "Suppressed" | "OnAccountSuppressionList",
                ) => Some(EnhancedStatusCode::new(5, 1, 1)),
                ("Transient", _) => Some(EnhancedStatusCode::new(4, 0, 0)),
                _ => None,
            };
        }
        if report.diagnostic.is_empty() {
            let verdict = format!("{} {}", bounce.bounce_type, bounce.bounce_sub_type);
            verdict.trim().clone_into(&mut report.diagnostic);
        }
        report.reporting_mta = bounce
            .reporting_mta
            .as_deref()
            .map(|mta| mta.rsplit(';').next().unwrap_or_default().trim().to_owned());
        report.remote_mta.clone_from(&bounce.remote_mta_ip);
        report
    };
    bounce.bounced_recipients.iter().map(of_type).collect()
}

/// A complaint that SES made up from its own suppression list was never a person's.
fn complaint(complaint: &Complaint) -> Vec<Report> {
    let kind = match complaint.complaint_feedback_type.as_deref() {
        Some("not-spam") => ReportKind::NotSpam,
        Some("auth-failure") => ReportKind::FeedbackOther,
        _ => ReportKind::Complaint,
    };
    complaint
        .complained_recipients
        .iter()
        .map(|recipient| Report {
            feedback_type: complaint
                .complaint_feedback_type
                .clone()
                .or_else(|| complaint.complaint_sub_type.clone()),
            ..of(kind, recipient, complaint.timestamp.as_ref())
        })
        .collect()
}

fn delivery(delivery: &Delivery) -> Vec<Report> {
    delivery
        .recipients
        .iter()
        .map(|address| Report {
            kind: Some(ReportKind::Delivered),
            recipient: Some(address.clone()),
            reporting_mta: delivery.reporting_mta.clone(),
            occurred_at: at(delivery.timestamp.as_ref()),
            ..Report::default()
        })
        .collect()
}

fn delay(delay: &Delay) -> Vec<Report> {
    delay
        .delayed_recipients
        .iter()
        .map(|recipient| {
            let mut report = of(ReportKind::Delayed, recipient, delay.timestamp.as_ref());
            if report.diagnostic.is_empty() {
                report.diagnostic.clone_from(&delay.delay_type);
            }
            report
        })
        .collect()
}

/// The original's headers as a message, for the clues in them.
fn returned(original: &Original) -> Vec<u8> {
    let mut text = String::new();
    if let Some(source) = &original.source {
        text.push_str(&format!("Return-Path: <{}>\n", one_line(source)));
    }
    for header in &original.headers {
        let name = one_line(&header.name);
        if !name.contains([':', ' ']) {
            text.push_str(&format!("{name}: {}\n", one_line(&header.value)));
        }
    }
    // SES writes its own Message-ID: `<id>@<region>.amazonses.com` or `@email.amazonses.com`.
    if let Some(id) = original
        .message_id
        .as_ref()
        .filter(|_| original.headers.is_empty())
    {
        text.push_str(&format!(
            "Message-ID: <{}@email.amazonses.com>\n",
            one_line(id)
        ));
    }
    text.push('\n');
    text.into_bytes()
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_of_ours_vouches_for_amazon() {
        let trust = SnsTrust {
            all: false,
            hosts: vec!["mx.example.com".into()],
        };
        let covers = |value: &str| trust.covers(&[value.to_owned()]);
        for value in [
            "mx.example.com; dkim=pass header.d=amazonses.com header.s=x",
            "MX.example.com 1; spf=fail; dkim=pass (2048) header.i=@sns.amazonaws.com",
            "mx.example.com; spf=pass smtp.mailfrom=0100@eu-west-1.amazonses.com",
        ] {
            assert!(covers(value), "{value}");
        }
        for value in [
            "evil.example; dkim=pass header.d=amazonses.com",
            "mx.example.com; dkim=fail header.d=amazonses.com",
            "mx.example.com; dkim=pass header.d=evilamazonses.com",
            "mx.example.com; dkim=pass header.d=evil.example; spf=none smtp.mailfrom=amazonses.com",
            "mx.example.com",
        ] {
            assert!(!covers(value), "{value}");
        }
        assert!(
            !SnsTrust::default()
                .covers(&["mx.example.com; dkim=pass header.d=amazonses.com".into()])
        );
        let all = SnsTrust {
            all: true,
            hosts: Vec::new(),
        };
        assert!(all.covers(&[]));
    }
}
