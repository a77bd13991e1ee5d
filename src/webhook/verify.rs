//! Whether a request is its provider's: which proofs a provider has, and checking those that the
//! configuration expects. Apart from decoding, and without I/O.
//!
//! | provider | proof of its own | besides |
//! |---|---|---|
//! | Amazon SES (through SNS) | signature by certificate, and the list of topics | basic authentication, secret in the URL |
//! | SendGrid | ECDSA signature | the same |
//! | Mandrill | HMAC signature | the same |
//! | SparkPost | token header | the same |
//! | Mailjet, Elastic Email | none | the same |
//!
//! Every proof that is configured is demanded.

use std::{borrow::Cow, fmt};

use serde::Deserialize;

use super::{
    Provider, Request, form,
    signature::{
        Refused,
        certificate::{self, Certificates},
        credentials, mandrill,
        sendgrid::{self, PublicKey},
        sns::{Envelope, SnsUrl},
        within_window,
    },
};
use crate::time::Timestamp;

/// What a provider proves itself by, beside what any HTTP client can be told to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// SNS signs the envelope with a certificate of Amazon's.
    Sns,
    /// ECDSA over timestamp and body.
    SendGrid,
    /// HMAC over URL and parameters.
    Mandrill,
    /// A token in this header, told the provider beforehand.
    Token(&'static str),
    /// Nothing.
    None,
}

/// The proof of Mandrill's check of a new URL: it holds no event.
pub const TEST_PROOF: &str = "Mandrill's test key";

/// How seriously a failed proof is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What is not proven is refused.
    Require,
    /// What is not proven is accepted, and says so.
    Warn,
    /// Nothing is checked.
    Off,
}

/// The proofs expected of one provider's requests; from the configuration.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// User and password.
    pub basic: Option<(String, String)>,
    /// In the URL, after `/callback/` or as the parameter `secret`.
    pub url_secret: Option<String>,
    /// For [`Scheme::Token`].
    pub token: Option<String>,
    /// For [`Scheme::SendGrid`].
    pub public_key: Option<PublicKey>,
    /// For [`Scheme::Mandrill`].
    pub hmac: Option<Hmac>,
    /// For [`Scheme::Sns`]: ARNs of our topics.
    pub topics: Vec<String>,
    /// How old a signature may be when it is received, in milliseconds.
    pub replay_window: i64,
}

impl Expected {
    /// Whether a request can pass at all.
    pub const fn proves(&self, scheme: Scheme) -> bool {
        let signed = match scheme {
            Scheme::Sns => !self.topics.is_empty(),
            Scheme::SendGrid => self.public_key.is_some(),
            Scheme::Mandrill => self.hmac.is_some(),
            Scheme::Token(_) => self.token.is_some(),
            Scheme::None => false,
        };
        // Without a topic no message of SNS passes, whatever else it brings.
        let told = self.basic.is_some() || self.url_secret.is_some();
        signed || (told && !matches!(scheme, Scheme::Sns))
    }
}

/// Mandrill's key and the URL as it is spelt there.
#[derive(Clone)]
pub struct Hmac {
    pub key: String,
    pub url: MandrillUrl,
}

impl MandrillUrl {
    /// The URL of a request to `target`.
    pub fn of(&self, target: &str) -> String {
        match self {
            Self::Whole(url) => url.clone(),
            Self::Base(base) => format!("{}{target}", base.trim_end_matches('/')),
        }
    }
}

impl fmt::Debug for Hmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hmac(..)")
    }
}

/// What is known of the URL that Mandrill signs.
#[derive(Clone, Debug)]
pub enum MandrillUrl {
    /// As spelt at Mandrill.
    Whole(String),
    /// Scheme and host; the rest is the request's.
    Base(String),
}

/// What came of checking a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// These proofs hold.
    Passed(Vec<&'static str>),
    /// The signing certificate is not at hand.
    Undecided {
        url: String,
        name: String,
    },
    Refused(Refused),
    /// The configuration expects no proof.
    NothingExpected,
    Off,
}

impl Verification {
    pub const fn is_acceptable(&self, level: Level) -> bool {
        matches!(
            (self, level),
            (Self::Passed(_), _) | (_, Level::Warn | Level::Off)
        )
    }

    pub const fn has_passed(&self) -> bool {
        matches!(self, Self::Passed(_))
    }

    /// What a person can do where it did not pass.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Passed(_) | Self::Off => None,
            Self::Undecided { .. } => Some(
                "put the certificate into the folder `certificates` of [provider.amazon_ses], or \
                 set `fetch_certificates = true` there",
            ),
            Self::Refused(refused) => Some(refused.hint()),
            Self::NothingExpected => Some(
                "give a key, a password or a `secret` in [provider.NAME] (`bouncekit \
                 webhook:setup NAME` says which), or set `verify = \"warn\"`",
            ),
        }
    }
}

impl fmt::Display for Verification {
    /// For events, the spool and logs: `verified by ...` or `not verified: why`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(proofs) => write!(f, "verified by {}", proofs.join(" and ")),
            Self::Undecided { name, .. } => {
                write!(f, "not verified: the certificate `{name}` is not at hand")
            }
            Self::Refused(refused) => write!(f, "not verified: {refused}"),
            Self::NothingExpected => f.write_str("not verified: no proof is configured"),
            Self::Off => f.write_str("not verified: switched off"),
        }
    }
}

impl Provider {
    /// Checks `request` for every proof that is expected of this provider.
    pub fn verify(
        &self,
        request: &Request,
        expected: &Expected,
        certificates: &dyn Certificates,
    ) -> Verification {
        let mut passed = Vec::new();
        match told(self.scheme, request, expected, &mut passed)
            .and_then(|()| signed(self.scheme, request, expected, certificates))
        {
            Ok(Signed::Proven) => passed.push("signature"),
            Ok(Signed::TestKey) => passed.push(TEST_PROOF),
            Ok(Signed::NotExpected) if passed.is_empty() => return Verification::NothingExpected,
            Ok(Signed::NotExpected) => {}
            Ok(Signed::NoCertificate { url, name }) => {
                return Verification::Undecided { url, name };
            }
            Err(refused) => return Verification::Refused(refused),
        }
        Verification::Passed(passed)
    }
}

/// Checks the secrets that are sent as they stand.
fn told(
    scheme: Scheme,
    request: &Request,
    expected: &Expected,
    passed: &mut Vec<&'static str>,
) -> Result<(), Refused> {
    if let Some((user, password)) = &expected.basic {
        credentials::basic(request.header("Authorization"), user, password)?;
        passed.push("basic authentication");
    }
    if let Some(secret) = &expected.url_secret {
        let given = url_secret(request);
        credentials::secret(given.as_deref(), secret, "secret in the URL")?;
        passed.push("secret in the URL");
    }
    if let (Scheme::Token(header), Some(token)) = (scheme, &expected.token) {
        credentials::secret(request.header(header), token, "token header")?;
        passed.push("token");
    }
    Ok(())
}

/// The secret after `/callback/`, or that of the parameter `secret`.
pub fn url_secret(request: &Request) -> Option<String> {
    let path = request.path().rsplit_once("/callback/");
    let in_path = path.map(|(_, secret)| secret.trim_end_matches('/').to_owned());
    in_path
        .filter(|secret| !secret.is_empty())
        .or_else(|| form::parameter(request.query()?, "secret").map(Cow::into_owned))
}

enum Signed {
    Proven,
    /// Mandrill's check of a new URL.
    TestKey,
    NotExpected,
    NoCertificate {
        url: String,
        name: String,
    },
}

fn signed(
    scheme: Scheme,
    request: &Request,
    expected: &Expected,
    certificates: &dyn Certificates,
) -> Result<Signed, Refused> {
    match (scheme, &expected.public_key, &expected.hmac) {
        (Scheme::Sns, _, _) => sns(request, expected, certificates),
        (Scheme::SendGrid, Some(key), _) => {
            let signature = request
                .header(sendgrid::SIGNATURE)
                .ok_or(Refused::Missing("signature header"))?;
            let timestamp = request.header(sendgrid::TIMESTAMP).unwrap_or_default();
            sendgrid::verify(key, signature, timestamp, &request.body)?;
            let signed_at = timestamp
                .parse()
                .map(Timestamp::from_seconds)
                .map_err(|_| Refused::Malformed("the timestamp header"))?;
            fresh(signed_at, request, expected)?;
            Ok(Signed::Proven)
        }
        (Scheme::Mandrill, _, Some(hmac)) => mandrill(request, hmac),
        _ => Ok(Signed::NotExpected),
    }
}

fn mandrill(request: &Request, hmac: &Hmac) -> Result<Signed, Refused> {
    let text = std::str::from_utf8(&request.body).map_err(|_| Refused::Malformed("the form"))?;
    let parameters: Vec<mandrill::Parameter<'_>> = form::parameters(text).collect();
    let signature = request
        .header(mandrill::SIGNATURE)
        .ok_or(Refused::Missing("signature header"))?;
    let url = hmac.url.of(&request.target);
    if mandrill::is_test(&parameters)
        && mandrill::verify(mandrill::TEST_KEY, &url, &parameters, signature).is_ok()
    {
        return Ok(Signed::TestKey);
    }
    mandrill::verify(&hmac.key, &url, &parameters, signature)?;
    Ok(Signed::Proven)
}

fn sns(
    request: &Request,
    expected: &Expected,
    certificates: &dyn Certificates,
) -> Result<Signed, Refused> {
    if request
        .header("x-amz-sns-rawdelivery")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    {
        return Err(Refused::RawDelivery);
    }
    let envelope =
        Envelope::parse(&request.body).ok_or(Refused::Malformed("the signed SNS envelope"))?;
    if !expected.topics.contains(&envelope.topic_arn) {
        return Err(Refused::ForeignTopic(envelope.topic_arn));
    }
    let Some((_, name)) = SnsUrl::certificate(&envelope.signing_cert_url) else {
        return Err(Refused::ForeignCertificate(envelope.signing_cert_url));
    };
    let signed_at = envelope
        .signed_at()
        .ok_or(Refused::Malformed("the time of the message"))?;
    fresh(signed_at, request, expected)?;
    let Some(found) = certificates.find(name) else {
        return Ok(Signed::NoCertificate {
            url: envelope.signing_cert_url.clone(),
            name: name.to_owned(),
        });
    };
    let key = certificate::key_at(name, &found, certificates, signed_at)?;
    envelope.verify(&key)?;
    Ok(Signed::Proven)
}

/// A capture that does not say when it was received can be of any age.
fn fresh(signed: Timestamp, request: &Request, expected: &Expected) -> Result<(), Refused> {
    request.received_at.map_or(Ok(()), |received| {
        within_window(signed, received, expected.replay_window)
    })
}
