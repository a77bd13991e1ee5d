//! Amazon SNS: RSA (PKCS#1 v1.5) over the fields of the envelope, SHA-1 for `SignatureVersion` 1
//! and SHA-256 for 2. Source: SNS developer guide, "Verifying the signatures of messages".
//!
//! A valid signature proves only that *some* AWS account sent the message: the list of topics says
//! whose messages are believed.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use openssl::{
    hash::MessageDigest,
    pkey::{PKey, Public},
    sign::Verifier,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Refused;
use crate::time::Timestamp;

/// The SNS envelope, as far as it is signed or needed to check it. Two spellings of a name in one
/// message, or a name twice, are refused: another reader might take the other one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Envelope {
    #[serde(rename = "Type")]
    pub kind: String,
    pub message_id: String,
    pub topic_arn: String,
    #[serde(default)]
    pub subject: Option<String>,
    pub message: String,
    pub timestamp: String,
    pub signature_version: String,
    pub signature: String,
    #[serde(rename = "SigningCertURL", alias = "SigningCertUrl")]
    pub signing_cert_url: String,
    #[serde(default)]
    pub token: Option<String>,
    #[serde(default, rename = "SubscribeURL", alias = "SubscribeUrl")]
    pub subscribe_url: Option<String>,
}

/// Fields for which a message is taken for another kind of thing than an envelope, and read past
/// what is signed. SNS sends none of them.
const ELSEWHERE: [&str; 4] = ["Records", "detail", "eventType", "notificationType"];

/// The type that asks us to confirm a subscription.
pub const SUBSCRIPTION_CONFIRMATION: &str = "SubscriptionConfirmation";
/// The type that tells of the end of one; confirming it would subscribe again.
pub const UNSUBSCRIBE_CONFIRMATION: &str = "UnsubscribeConfirmation";

impl Envelope {
    /// Reads a body; `None` for anything but a signed envelope.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let envelope = serde_json::from_slice(body).ok()?;
        let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
        let leads_elsewhere = ELSEWHERE.iter().any(|name| fields.contains_key(*name));
        (!leads_elsewhere).then_some(envelope)
    }

    /// The text that is signed; `None` for a type SNS does not know.
    pub fn signed_text(&self) -> Option<String> {
        let subject = self.subject.as_deref();
        let fields: &[(&str, Option<&str>)] = match self.kind.as_str() {
            "Notification" => &[
                ("Message", Some(&self.message)),
                ("MessageId", Some(&self.message_id)),
                ("Subject", subject),
                ("Timestamp", Some(&self.timestamp)),
                ("TopicArn", Some(&self.topic_arn)),
                ("Type", Some(&self.kind)),
            ],
            SUBSCRIPTION_CONFIRMATION | UNSUBSCRIBE_CONFIRMATION => &[
                ("Message", Some(&self.message)),
                ("MessageId", Some(&self.message_id)),
                ("SubscribeURL", self.subscribe_url.as_deref()),
                ("Timestamp", Some(&self.timestamp)),
                ("Token", self.token.as_deref()),
                ("TopicArn", Some(&self.topic_arn)),
                ("Type", Some(&self.kind)),
            ],
            _ => return None,
        };
        let mut text = String::new();
        for (name, value) in fields {
            if let Some(value) = value {
                text.push_str(&format!("{name}\n{value}\n"));
            }
        }
        Some(text)
    }

    /// Checks the signature against a key that was checked before.
    pub fn verify(&self, key: &PKey<Public>) -> Result<(), Refused> {
        let digest = match self.signature_version.as_str() {
            "1" => MessageDigest::sha1(),
            "2" => MessageDigest::sha256(),
            _ => return Err(Refused::Malformed("the version of the signature")),
        };
        let text = self
            .signed_text()
            .ok_or(Refused::Malformed("the type of the message"))?;
        let signature = BASE64
            .decode(self.signature.as_bytes())
            .map_err(|_| Refused::Malformed("the signature"))?;
        // An EC key would turn the very same call into another scheme.
        let check = || {
            key.rsa()?;
            Verifier::new(digest, key)?.verify_oneshot(&signature, text.as_bytes())
        };
        if check().unwrap_or(false) {
            Ok(())
        } else {
            Err(Refused::Wrong("the signature"))
        }
    }

    pub fn signed_at(&self) -> Option<Timestamp> {
        Timestamp::parse_iso(&self.timestamp)
    }

    /// The region of the topic: `arn:aws:sns:REGION:ACCOUNT:NAME`.
    pub fn topic_region(&self) -> Option<&str> {
        let mut parts = self.topic_arn.split(':');
        let head = [parts.next()?, parts.next()?, parts.next()?];
        let region = parts.next()?;
        (head[0] == "arn" && head[1].starts_with("aws") && head[2] == "sns" && is_region(region))
            .then_some(region)
    }
}

/// A URL of SNS, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnsUrl<'u> {
    pub host: &'u str,
    pub region: &'u str,
    /// Without the query.
    pub path: &'u str,
}

impl<'u> SnsUrl<'u> {
    /// Reads `https://sns.REGION.amazonaws.com[.cn]/PATH`, and nothing else: no user, no port.
    pub fn parse(url: &'u str) -> Option<Self> {
        let rest = url.strip_prefix("https://")?;
        let end = rest.find(['/', '?', '#'])?;
        let (host, rest) = rest.split_at(end);
        let path = rest.split(['?', '#']).next()?;
        let inner = host.strip_prefix("sns.")?;
        let region = inner
            .strip_suffix(".amazonaws.com")
            .or_else(|| inner.strip_suffix(".amazonaws.com.cn"))?;
        is_region(region).then_some(Self { host, region, path })
    }

    /// The file name of a signing certificate; `None` where the URL is none of one.
    pub fn certificate(url: &'u str) -> Option<(Self, &'u str)> {
        let parsed = Self::parse(url)?;
        let name = parsed.path.rsplit('/').next()?;
        let stem = name.strip_suffix(".pem")?;
        let plain = stem
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet));
        (!stem.is_empty() && !stem.starts_with('.') && plain).then_some((parsed, name))
    }
}

fn is_region(text: &str) -> bool {
    text.len() >= 3
        && text
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
}

/// The domain in which a region's SNS stands.
pub fn host_of(region: &str) -> String {
    let domain = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    format!("sns.{region}.{domain}")
}

#[cfg(test)]
mod tests {
    use openssl::{rsa::Rsa, sign::Signer};

    use super::*;

    #[test]
    fn a_signature_counts_for_its_own_fields_and_version() {
        let private = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let public = PKey::public_key_from_der(&private.public_key_to_der().unwrap()).unwrap();
        let mut envelope = Envelope {
            kind: SUBSCRIPTION_CONFIRMATION.into(),
            message: "You have chosen\nto subscribe".into(),
            token: Some("t".into()),
            subscribe_url: Some("https://example.com".into()),
            ..Envelope::default()
        };
        for (version, digest) in [("1", MessageDigest::sha1()), ("2", MessageDigest::sha256())] {
            let text = envelope.signed_text().unwrap();
            let mut signer = Signer::new(digest, &private).unwrap();
            envelope.signature =
                BASE64.encode(&signer.sign_oneshot_to_vec(text.as_bytes()).unwrap());
            envelope.signature_version = version.into();
            assert_eq!(envelope.verify(&public), Ok(()));
            let mut other = envelope.clone();
            other.token = None;
            assert!(other.verify(&public).is_err());
            other = envelope.clone();
            other.signature_version = if version == "1" { "2" } else { "1" }.into();
            assert!(other.verify(&public).is_err());
            other.signature_version = "3".into();
            assert!(other.verify(&public).is_err());
        }
        envelope.kind = "Other".into();
        assert!(envelope.verify(&public).is_err());
    }

    #[test]
    fn an_envelope_that_could_be_read_in_two_ways_is_none() {
        let fields = r#""Type":"Notification","MessageId":"1","TopicArn":"a","Message":"m","Timestamp":"t","SignatureVersion":"1","Signature":"s","SigningCertURL":"u""#;
        assert!(Envelope::parse(format!("{{{fields}}}").as_bytes()).is_some());
        assert!(
            Envelope::parse(format!("\u{feff}{{{fields},\"Subject\":null}}").as_bytes()).is_some()
        );
        for more in [
            r#""Message":"n""#,
            r#""SigningCertUrl":"v""#,
            r#""notificationType":"Bounce""#,
            r#""eventType":null"#,
            r#""Records":[]"#,
            r#""detail":{},"detail-type":"x""#,
        ] {
            assert!(Envelope::parse(format!("{{{fields},{more}}}").as_bytes()).is_none());
        }
    }

    #[test]
    fn only_sns_itself_has_certificates() {
        let name = |url| SnsUrl::certificate(url).map(|(parsed, name)| (parsed.region, name));
        assert_eq!(
            name("https://sns.us-east-1.amazonaws.com/a.pem"),
            Some(("us-east-1", "a.pem"))
        );
        assert_eq!(
            name("https://sns.cn-north-1.amazonaws.com.cn/a.pem?x"),
            Some(("cn-north-1", "a.pem"))
        );
        for url in [
            "http://sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.us-east-1.amazonaws.com",
            "https://sns.us-east-1.amazonaws.com/a",
            "https://sns.us-east-1.amazonaws.com/.pem",
            "https://sns.us-east-1.amazonaws.com/..%2f..%2fa.pem",
            "https://sns.us-east-1.amazonaws.com:443/a.pem",
            "https://u@sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.us-east-1.amazonaws.com@evil.example/a.pem",
            "https://sns.us-east-1.amazonaws.com.evil.example/a.pem",
            "https://sns.us-east-1.s3.amazonaws.com/a.pem",
            "https://sns.us-east-1.amazonaws.com\\@evil.example/a.pem",
            "https://evil.example?sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.a\n.amazonaws.com/a.pem",
            "",
        ] {
            assert_eq!(name(url), None, "{url}");
        }
    }

    #[test]
    fn the_region_stands_in_the_topic() {
        let region = |arn: &str| {
            let envelope = Envelope {
                topic_arn: arn.into(),
                ..Envelope::default()
            };
            envelope.topic_region().map(str::to_owned)
        };
        assert_eq!(
            region("arn:aws:sns:eu-west-1:1:n").as_deref(),
            Some("eu-west-1")
        );
        assert_eq!(
            region("arn:aws-cn:sns:cn-north-1:1:n").as_deref(),
            Some("cn-north-1")
        );
        assert_eq!(region("arn:aws:sqs:eu-west-1:1:n"), None);
        assert_eq!(region("arn:aws:sns:evil.example/:1:n"), None);
        assert_eq!(host_of("cn-north-1"), "sns.cn-north-1.amazonaws.com.cn");
    }
}
