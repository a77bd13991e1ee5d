//! Signatures that nobody here made: vectors of the providers and of their libraries.

use std::{fs, path::Path};

use bouncekit_core::{
    time::Timestamp,
    webhook::{
        Expected, Hmac, MandrillUrl, Provider, Request, Verification,
        signature::{
            certificate::{Certificates, Found},
            sendgrid::PublicKey,
            sns::{Envelope, SnsUrl},
        },
    },
};
use openssl::x509::X509;
use serde_json::Value;

use crate::support::signature_vectors;

struct NoCertificates;

impl Certificates for NoCertificates {
    fn find(&self, _: &str) -> Option<Found> {
        None
    }
    fn anchors(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }
    fn whole_chain(&self) -> bool {
        true
    }
}

/// One certificate under every name.
struct One(Vec<u8>);

impl Certificates for One {
    fn find(&self, _: &str) -> Option<Found> {
        Some(Found {
            pem: self.0.clone(),
            pinned: true,
        })
    }
    fn anchors(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }
    fn whole_chain(&self) -> bool {
        true
    }
}

fn vectors(path: &Path) -> Vec<Value> {
    let vectors: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert!(!vectors.is_empty(), "{}", path.display());
    vectors
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no `{name}` in {value}"))
}

fn request(vector: &Value, body: Vec<u8>) -> Request {
    let headers = vector["headers"].as_object().unwrap();
    let header =
        |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap().to_owned());
    Request {
        method: "POST".into(),
        target: "/".into(),
        headers: headers.iter().map(header).collect(),
        body,
        ..Request::default()
    }
}

fn check(provider: &str, vector: &Value, request: &Request, expected: &Expected) {
    let verification =
        Provider::named(provider)
            .unwrap()
            .verify(request, expected, &NoCertificates);
    let valid = vector["valid"].as_bool().unwrap();
    assert_eq!(
        matches!(verification, Verification::Passed(_)),
        valid,
        "{vector}: {verification}"
    );
}

#[test]
fn sendgrid() {
    let Some(root) = signature_vectors() else {
        return;
    };
    let root = root.join("sendgrid");
    for vector in vectors(&root.join("vectors.json")) {
        let expected = Expected {
            public_key: Some(PublicKey::parse(text(&vector, "public_key")).unwrap()),
            ..Expected::default()
        };
        let body = fs::read(root.join(text(&vector, "body_file"))).unwrap();
        check("sendgrid", &vector, &request(&vector, body), &expected);
    }
}

#[test]
fn mandrill() {
    let Some(root) = signature_vectors() else {
        return;
    };
    for vector in vectors(&root.join("mandrill/vectors.json")) {
        let expected = Expected {
            hmac: Some(Hmac {
                key: text(&vector, "key").into(),
                url: MandrillUrl::Whole(text(&vector, "url").into()),
            }),
            ..Expected::default()
        };
        let body = text(&vector, "body").as_bytes().to_vec();
        check("mandrill", &vector, &request(&vector, body), &expected);
    }
}

#[test]
fn basic_authentication_and_tokens() {
    let Some(root) = signature_vectors() else {
        return;
    };
    for vector in vectors(&root.join("basic_auth_vectors.json")) {
        let expect = &vector["expect"];
        let part = |name: &str| expect[name].as_str().map(str::to_owned);
        let expected = Expected {
            basic: part("user").zip(part("password")),
            token: part("token"),
            ..Expected::default()
        };
        check(
            text(&vector, "provider"),
            &vector,
            &request(&vector, Vec::new()),
            &expected,
        );
    }
}

/// The signatures alone: one of the certificates was made years after the messages it signs.
#[test]
fn sns_signatures() {
    let Some(root) = signature_vectors() else {
        return;
    };
    let root = root.join("sns");
    for vector in vectors(&root.join("vectors.json")) {
        let body = fs::read(root.join(text(&vector, "file"))).unwrap();
        let certificate = fs::read(root.join(text(&vector, "cert"))).unwrap();
        let key = X509::from_pem(&certificate).unwrap().public_key().unwrap();
        let envelope = Envelope::parse(&body).unwrap();
        let valid = vector["valid"].as_bool().unwrap();
        assert_eq!(envelope.verify(&key).is_ok(), valid, "{vector}");
    }
    let parsed = Envelope::parse(&fs::read(root.join("public_http_3.json")).unwrap()).unwrap();
    let example = fs::read_to_string(root.join("canonical_example.txt")).unwrap();
    assert_eq!(parsed.signed_text().unwrap(), example);
}

/// Amazon's own messages as they would be replayed today: the certificate counts for their time.
#[test]
fn sns_messages() {
    let Some(root) = signature_vectors() else {
        return;
    };
    let root = root.join("sns");
    let provider = Provider::named("amazon_ses").unwrap();
    let mut seen = 0;
    for vector in vectors(&root.join("vectors.json")) {
        if text(&vector, "cert") != "public_cert.pem" {
            continue;
        }
        let body = fs::read(root.join(text(&vector, "file"))).unwrap();
        let certificate = One(fs::read(root.join("public_cert.pem")).unwrap());
        let mut expected = Expected {
            topics: vec![Envelope::parse(&body).unwrap().topic_arn],
            ..Expected::default()
        };
        let mut request = Request {
            body,
            ..Request::default()
        };
        let verification = provider.verify(&request, &expected, &certificate);
        let valid = vector["valid"].as_bool().unwrap();
        assert_eq!(verification.has_passed(), valid, "{vector}: {verification}");
        // Received years later it is a replay.
        request.received_at = Timestamp::parse_iso("2026-01-01");
        expected.replay_window = 25 * 3_600_000;
        assert!(
            !provider
                .verify(&request, &expected, &certificate)
                .has_passed()
        );
        request.received_at = None;
        expected.topics.clear();
        assert!(
            !provider
                .verify(&request, &expected, &certificate)
                .has_passed()
        );
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn addresses_of_sns_certificates() {
    let Some(root) = signature_vectors() else {
        return;
    };
    let text = fs::read_to_string(root.join("sns/signing_cert_url_cases.json")).unwrap();
    let cases: Value = serde_json::from_str(&text).unwrap();
    for case in cases["cases"].as_array().unwrap() {
        let allowed = SnsUrl::certificate(case["url"].as_str().unwrap()).is_some();
        assert_eq!(allowed, case["allowed"].as_bool().unwrap(), "{case}");
    }
}
