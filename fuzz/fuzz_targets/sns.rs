//! An SNS envelope and, behind an empty line, a certificate. Nobody here can sign: whatever comes is
//! refused or undecided.
#![no_main]

use bouncekit_core::{
    time::Timestamp,
    webhook::{
        Expected, Provider, Request, Verification,
        signature::certificate::{Certificates, Found},
        signature::sns::{Envelope, SnsUrl},
    },
};

/// Hands out the bytes whatever the name, once as a person's and once as fetched.
struct One<'a> {
    pem: &'a [u8],
    pinned: bool,
}

impl Certificates for One<'_> {
    fn find(&self, _: &str) -> Option<Found> {
        (!self.pem.is_empty()).then(|| Found {
            pem: self.pem.to_vec(),
            pinned: self.pinned,
        })
    }

    fn anchors(&self) -> Vec<Vec<u8>> {
        vec![self.pem.to_vec()]
    }

    fn whole_chain(&self) -> bool {
        !self.pinned
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let cut = bytes.windows(2).position(|two| two == b"\n\n");
    let (body, pem) = cut.map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + 2..]));
    let Some(envelope) = Envelope::parse(body) else {
        return;
    };
    if let Some((url, name)) = SnsUrl::certificate(&envelope.signing_cert_url) {
        assert!(url.host.ends_with(".amazonaws.com") || url.host.ends_with(".amazonaws.com.cn"));
        assert!(!name.contains(['/', '\\', '\0']) && !name.starts_with('.'));
    }
    let provider = Provider::named("amazon_ses").expect("it is registered");
    let expected = Expected {
        topics: vec![
            "arn:aws:sns:eu-west-1:123456789012:bounces".into(),
            envelope.topic_arn.clone(),
        ],
        replay_window: 25 * 3_600_000,
        ..Expected::default()
    };
    let request = Request {
        method: "POST".into(),
        target: "/mailer/amazon/callback".into(),
        body: body.to_vec(),
        received_at: Some(Timestamp(1_780_000_000_000)),
        ..Request::default()
    };
    for pinned in [true, false] {
        let found = provider.verify(&request, &expected, &One { pem, pinned });
        assert!(
            matches!(
                found,
                Verification::Refused(_) | Verification::Undecided { .. }
            ),
            "{found:?}"
        );
    }
});
