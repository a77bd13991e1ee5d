//! Callbacks that prove themselves, for every provider, with keys made for the test.

use bouncekit_core::webhook::{
    Provider, Scheme, form,
    signature::{mandrill, sendgrid, sns::Envelope},
};
use data_encoding::BASE64;
use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    sign::Signer,
    x509::{X509Builder, X509NameBuilder},
};

use super::{TestEnv, cgi::Callback};

pub(crate) const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:bounces";
pub(crate) const CERTIFICATE: &str = "SimpleNotificationService-0a1b.pem";
const BASE: &str = "https://news.example.com";

/// The private keys of the providers.
pub(crate) struct Proofs {
    sendgrid: PKey<Private>,
    pub(crate) sns: PKey<Private>,
}

fn sign(key: &PKey<Private>, text: &[u8]) -> String {
    let mut signer = Signer::new(MessageDigest::sha256(), key).unwrap();
    BASE64.encode(&signer.sign_oneshot_to_vec(text).unwrap())
}

/// Seconds since 1970 of [`super::NOW`].
pub(crate) fn now() -> i64 {
    bouncekit_core::time::Timestamp::parse_iso(super::NOW)
        .unwrap()
        .0
        / 1000
}

impl Proofs {
    /// Writes a configuration that expects a proof of every provider; `more` stands before it.
    pub(crate) fn configure(env: &TestEnv, more: &str) -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let proofs = Self {
            sendgrid: PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap(),
            sns: PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
        };
        let public = BASE64.encode(&proofs.sendgrid.public_key_to_der().unwrap());
        for secret in [
            "mandrill-key",
            "sparkpost-token",
            "mailjet-password",
            "elastic-secret",
        ] {
            env.write(format!("secrets/{secret}"), format!("{secret}\n"));
        }
        env.write(
            "bouncekit.toml",
            format!(
                r#"
{more}
[provider.amazon_ses]
topics = ["{TOPIC}"]
certificates = "certificates"
[provider.sendgrid]
public_key = "{public}"
[provider.mandrill]
key = {{ file = "secrets/mandrill-key" }}
url = "{BASE}/mailer/mandrill/callback"
[provider.sparkpost]
token = {{ file = "secrets/sparkpost-token" }}
[provider.mailjet]
user = "mailjet"
password = {{ file = "secrets/mailjet-password" }}
[provider.elasticemail]
secret = {{ file = "secrets/elastic-secret" }}
"#
            ),
        );
        env.write(
            format!("certificates/{CERTIFICATE}"),
            certificate(&proofs.sns),
        );
        proofs
    }

    /// A callback with this body (or query, where the provider uses GET), and its proof.
    pub(crate) fn proven(&self, provider: &Provider, payload: &str) -> Callback {
        let name = provider.callbacks[0];
        match (provider.scheme, provider.name) {
            (Scheme::Sns, _) => Callback::post(name, self.envelope("Notification", payload)),
            (Scheme::SendGrid, _) => {
                let timestamp = now().to_string();
                let signature = sign(&self.sendgrid, format!("{timestamp}{payload}").as_bytes());
                Callback::post(name, payload)
                    .header(sendgrid::SIGNATURE, &signature)
                    .header(sendgrid::TIMESTAMP, &timestamp)
            }
            (Scheme::Mandrill, _) => {
                let parameters: Vec<mandrill::Parameter<'_>> = form::parameters(payload).collect();
                let url = format!("{BASE}/mailer/mandrill/callback");
                let signature = mandrill::sign("mandrill-key", &url, &parameters).unwrap();
                Callback::post(name, payload).header(mandrill::SIGNATURE, &signature)
            }
            (Scheme::Token(header), _) => {
                Callback::post(name, payload).header(header, "sparkpost-token")
            }
            (Scheme::None, "elasticemail") => {
                Callback::get(name, &format!("{payload}&secret=elastic-secret"))
            }
            (Scheme::None, _) => Callback::post(name, payload).login("mailjet", "mailjet-password"),
        }
    }

    /// A signed SNS envelope.
    pub(crate) fn envelope(&self, kind: &str, message: &str) -> Vec<u8> {
        self.envelope_with(kind, message, |_| {})
    }

    /// A signed SNS envelope, with what `change` does to it before it is signed.
    pub(crate) fn envelope_with(
        &self,
        kind: &str,
        message: &str,
        change: impl FnOnce(&mut Envelope),
    ) -> Vec<u8> {
        let confirmation = kind != "Notification";
        let mut envelope = Envelope {
            kind: kind.into(),
            message_id: "0c2b7e1e-0000-5000-8000-000000000001".into(),
            topic_arn: TOPIC.into(),
            message: message.into(),
            timestamp: super::NOW.into(),
            signature_version: "2".into(),
            signing_cert_url: format!("https://sns.eu-west-1.amazonaws.com/{CERTIFICATE}"),
            token: confirmation.then(|| "2336412f37fb687f".into()),
            subscribe_url: confirmation
                .then(|| "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription".into()),
            ..Envelope::default()
        };
        change(&mut envelope);
        envelope.signature = sign(&self.sns, envelope.signed_text().unwrap().as_bytes());
        let mut json = serde_json::json!({
            "Type": envelope.kind,
            "MessageId": envelope.message_id,
            "TopicArn": envelope.topic_arn,
            "Message": envelope.message,
            "Timestamp": envelope.timestamp,
            "SignatureVersion": envelope.signature_version,
            "Signature": envelope.signature,
            "SigningCertURL": envelope.signing_cert_url,
        });
        if confirmation {
            json["Token"] = envelope.token.into();
            json["SubscribeURL"] = envelope.subscribe_url.into();
        }
        json.to_string().into_bytes()
    }
}

/// A certificate that signs itself, as long as this century lives.
pub(crate) fn certificate(key: &PKey<Private>) -> Vec<u8> {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "sns.amazonaws.com")
        .unwrap();
    let name = name.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder
        .set_not_before(&Asn1Time::from_unix(946_684_800).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::from_unix(4_102_444_800).unwrap())
        .unwrap();
    builder.set_pubkey(key).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build().to_pem().unwrap()
}

/// A payload of each provider that says the same: this address bounced for good.
pub(crate) fn hard_bounce(provider: &Provider, address: &str, id: u32) -> String {
    let seconds = now();
    match provider.name {
        "amazon_ses" => format!(
            r#"{{"notificationType":"Bounce","bounce":{{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[{{"emailAddress":"{address}"}}],"timestamp":"{now}","feedbackId":"f{id}"}},"mail":{{"messageId":"m{id}","source":"news@example.com","destination":["{address}"]}}}}"#,
            now = super::NOW
        ),
        "elasticemail" => {
            let address = address.replace('@', "%40");
            format!(
                "status=Error&category=NoMailbox&to={address}&messageid=m{id}&date=6%2F1%2F2026+11%3A00%3A00+AM"
            )
        }
        "mailjet" => format!(
            r#"[{{"event":"bounce","time":{seconds},"MessageID":{id},"email":"{address}","hard_bounce":true,"error_related_to":"recipient","error":"user unknown"}}]"#
        ),
        "mandrill" => {
            let json = format!(
                r#"[{{"event":"hard_bounce","_id":"m{id}","ts":{seconds},"msg":{{"email":"{address}","bounce_description":"bad_mailbox"}}}}]"#
            );
            format!("mandrill_events={}", escaped(&json))
        }
        "sendgrid" => format!(
            "[{{\"event\":\"bounce\",\"type\":\"bounce\",\"email\":\"{address}\",\"timestamp\":{seconds},\"sg_event_id\":\"s{id}\",\"status\":\"5.1.1\"}}]\r\n"
        ),
        "sparkpost" => format!(
            r#"[{{"msys":{{"message_event":{{"type":"bounce","bounce_class":"10","rcpt_to":"{address}","event_id":"{id}","timestamp":"{seconds}"}}}}}}]"#
        ),
        other => panic!("there is no payload for the provider `{other}`"),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for octet in text.bytes() {
        out.push_str(&format!("%{octet:02X}"));
    }
    out
}
