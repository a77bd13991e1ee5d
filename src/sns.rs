//! What needs Amazon SNS itself: confirming a subscription, fetching a signing certificate.
//!
//! A URL from a message is never fetched as it stands. The confirmation's is built from region,
//! topic and token; a certificate's must be one of SNS, see [`SnsUrl`].

use crate::{
    certificates::{Folder, LARGEST},
    https::{Client, HttpsError},
    webhook::{
        Expected, Provider, Request, Verification,
        signature::sns::{
            Envelope, SUBSCRIPTION_CONFIRMATION, SnsUrl, UNSUBSCRIBE_CONFIRMATION, host_of,
        },
    },
};

/// Why a subscription was not confirmed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnsError {
    #[error("the message is no SubscriptionConfirmation but `{0}`")]
    NoConfirmation(String),
    #[error("confirming an UnsubscribeConfirmation would subscribe again")]
    Unsubscribed,
    #[error("the topic `{topic}` and `{url}` are of different regions")]
    Region { topic: String, url: String },
    #[error("`{0}` in the message cannot be one of SNS")]
    Malformed(&'static str),
    #[error(transparent)]
    Https(#[from] HttpsError),
    #[error("SNS answered {status}: {message}")]
    Answer { status: u16, message: String },
    #[error("SNS still calls the subscription pending")]
    Pending,
    #[error("the certificate `{name}` could not be kept: {cause}")]
    Kept { name: String, cause: String },
}

impl SnsError {
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoConfirmation(_) => "there is nothing to confirm in other messages",
            Self::Unsubscribed => {
                "to subscribe again, do it at SNS (Amazon SNS, Topics, Create subscription)"
            }
            Self::Region { .. } | Self::Malformed(_) => {
                "the message was not made by SNS: leave it alone"
            }
            Self::Https(error) => error.hint(),
            Self::Answer { .. } => {
                "a token lives three days and counts once: at SNS choose \"Request confirmation\" \
                 for the subscription, and confirm the new message"
            }
            Self::Pending => {
                "at SNS choose \"Request confirmation\" for the subscription, and confirm the new \
                 message"
            }
            Self::Kept { .. } => "is the folder `certificates` of [provider.amazon_ses] writable?",
        }
    }

    /// Whether trying again later can help.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Https(_) | Self::Kept { .. } => true,
            Self::Answer { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }
}

/// The URL that confirms the subscription a message asks for.
pub fn confirmation_url(envelope: &Envelope) -> Result<String, SnsError> {
    match envelope.kind.as_str() {
        SUBSCRIPTION_CONFIRMATION => {}
        UNSUBSCRIBE_CONFIRMATION => return Err(SnsError::Unsubscribed),
        other => return Err(SnsError::NoConfirmation(other.to_owned())),
    }
    let region = envelope
        .topic_region()
        .ok_or(SnsError::Malformed("TopicArn"))?;
    let urls = [
        Some(&envelope.signing_cert_url),
        envelope.subscribe_url.as_ref(),
    ];
    for url in urls.into_iter().flatten() {
        if SnsUrl::parse(url).is_none_or(|url| url.region != region) {
            return Err(SnsError::Region {
                topic: envelope.topic_arn.clone(),
                url: url.clone(),
            });
        }
    }
    let token = envelope.token.as_deref().unwrap_or_default();
    let is_token = (1..=1024).contains(&token.len())
        && token.bytes().all(|octet| octet.is_ascii_alphanumeric());
    if !is_token {
        return Err(SnsError::Malformed("Token"));
    }
    let topic = percent_encoded(&envelope.topic_arn);
    Ok(format!(
        "https://{}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}",
        host_of(region)
    ))
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            out.push(char::from(octet));
        } else {
            out.push_str(&format!("%{octet:02X}"));
        }
    }
    out
}

/// The answer of SNS is below 1 KiB.
const ANSWER: u64 = 64 * 1024;

/// Confirms a subscription whose message was verified; answers the subscription's ARN.
pub fn confirm(client: &Client, envelope: &Envelope) -> Result<String, SnsError> {
    let page = client.get(&confirmation_url(envelope)?, ANSWER)?;
    subscription_in(page.status, &String::from_utf8_lossy(&page.body))
}

fn subscription_in(status: u16, answer: &str) -> Result<String, SnsError> {
    let said = |message: &str| SnsError::Answer {
        status,
        message: message.to_owned(),
    };
    if status != 200 {
        let message = element(answer, "Message").or_else(|| element(answer, "Code"));
        return Err(said(message.unwrap_or("no explanation")));
    }
    match element(answer, "SubscriptionArn") {
        Some(arn) if arn.starts_with("arn:") => Ok(arn.to_owned()),
        Some(other) if other.to_lowercase().contains("pending") => Err(SnsError::Pending),
        _ => Err(said("no SubscriptionArn in it")),
    }
}

/// The text of the first `<name>` in a small XML answer.
fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once('<')?;
    Some(text.trim())
}

/// Verifies a request; with a client, a certificate that is not at hand is fetched and kept.
///
/// # Errors
/// Only when fetching fails: nothing is known of the request then.
pub fn verify(
    provider: &Provider,
    request: &Request,
    expected: &Expected,
    folder: &Folder,
    client: Option<&Client>,
) -> Result<Verification, SnsError> {
    let verification = provider.verify(request, expected, folder);
    let (Verification::Undecided { url, name }, Some(client)) = (&verification, client) else {
        return Ok(verification);
    };
    fetch(client, url, name, folder)?;
    Ok(provider.verify(request, expected, folder))
}

/// Fetches the certificate `name` of SNS and keeps it.
fn fetch(client: &Client, url: &str, name: &str, folder: &Folder) -> Result<(), SnsError> {
    let (place, _) = SnsUrl::certificate(url).ok_or(SnsError::Malformed("SigningCertURL"))?;
    let url = format!("https://{}{}", place.host, place.path);
    let page = client.get(&url, LARGEST)?;
    if page.status != 200 {
        return Err(SnsError::Answer {
            status: page.status,
            message: format!("there is no certificate `{name}`"),
        });
    }
    if openssl::x509::X509::from_pem(&page.body).is_err() {
        return Err(SnsError::Answer {
            status: page.status,
            message: format!("`{name}` is no certificate"),
        });
    }
    folder
        .keep(name, &page.body)
        .map_err(|cause| SnsError::Kept {
            name: name.to_owned(),
            cause: cause.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            kind: SUBSCRIPTION_CONFIRMATION.into(),
            topic_arn: "arn:aws:sns:eu-west-1:123:bounces".into(),
            token: Some("0a1B".into()),
            signing_cert_url: "https://sns.eu-west-1.amazonaws.com/a.pem".into(),
            subscribe_url: Some("https://sns.eu-west-1.amazonaws.com/?Action=x".into()),
            ..Envelope::default()
        }
    }

    #[test]
    fn the_url_is_built_from_region_topic_and_token() {
        assert_eq!(
            confirmation_url(&envelope()).unwrap(),
            "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription\
             &TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123%3Abounces&Token=0a1B"
        );
        let china = Envelope {
            topic_arn: "arn:aws-cn:sns:cn-north-1:1:n".into(),
            signing_cert_url: "https://sns.cn-north-1.amazonaws.com.cn/a.pem".into(),
            subscribe_url: None,
            ..envelope()
        };
        assert!(
            confirmation_url(&china)
                .unwrap()
                .starts_with("https://sns.cn-north-1.amazonaws.com.cn/?")
        );
    }

    #[test]
    fn what_does_not_fit_together_is_not_confirmed() {
        let other = |change: fn(&mut Envelope)| {
            let mut envelope = envelope();
            change(&mut envelope);
            confirmation_url(&envelope).unwrap_err()
        };
        assert_eq!(
            other(|e| e.kind = UNSUBSCRIBE_CONFIRMATION.into()),
            SnsError::Unsubscribed
        );
        assert!(matches!(
            other(|e| e.kind = "Notification".into()),
            SnsError::NoConfirmation(_)
        ));
        assert!(matches!(
            other(|e| e.topic_arn = "arn:aws:sns:us-east-1:1:n".into()),
            SnsError::Region { .. }
        ));
        assert!(matches!(
            other(|e| e.subscribe_url = Some("https://evil.example/".into())),
            SnsError::Region { .. }
        ));
        assert_eq!(
            other(|e| e.token = Some("a&Action=x".into())),
            SnsError::Malformed("Token")
        );
        assert_eq!(other(|e| e.token = None), SnsError::Malformed("Token"));
        assert_eq!(
            other(|e| e.topic_arn = "x".into()),
            SnsError::Malformed("TopicArn")
        );
    }

    #[test]
    fn the_answer_is_understood() {
        let arn = "arn:aws:sns:eu-west-1:123:bounces:2bcf";
        let xml = |arn: &str| format!("<R><SubscriptionArn>{arn}</SubscriptionArn></R>");
        assert_eq!(subscription_in(200, &xml(arn)).unwrap(), arn);
        assert_eq!(
            subscription_in(200, &xml("pending confirmation")),
            Err(SnsError::Pending)
        );
        assert!(subscription_in(200, "<html>").is_err());
        let error = subscription_in(
            400,
            "<Error><Code>InvalidParameter</Code><Message>Invalid token</Message>",
        );
        assert_eq!(
            error.unwrap_err().to_string(),
            "SNS answered 400: Invalid token"
        );
    }
}
