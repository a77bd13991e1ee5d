//! Every provider's callbacks, with good, bad and missing proof: a new provider is tried without
//! being named here.

use bouncekit_core::webhook::{PROVIDERS, Provider, Scheme};

use crate::support::{
    TestEnv,
    cgi::Callback,
    proofs::{CERTIFICATE, Proofs, TOPIC, hard_bounce},
};

fn refused(env: &TestEnv, callback: &Callback, what: &str) {
    let answer = env.call(callback);
    assert_eq!(answer.status, 403, "{what}: {answer:?}");
    assert!(answer.log.contains("not verified"), "{what}: {answer:?}");
    assert!(env.spooled("new").is_empty(), "{what}");
}

fn payload(provider: &Provider) -> String {
    hard_bounce(provider, "anna@example.com", 1)
}

#[test]
fn good_proof_is_taken_and_bad_or_missing_refused() {
    for provider in PROVIDERS {
        let env = TestEnv::new();
        let proofs = Proofs::configure(&env, "");
        let good = proofs.proven(provider, &payload(provider));
        let name = provider.name;

        let mut without = good.clone();
        without.headers.clear();
        without.target = without.target.replace("&secret=elastic-secret", "");
        if provider.scheme == Scheme::Sns {
            without.body = payload(provider).into_bytes();
        }
        refused(&env, &without, name);

        // One octet of the proof is another.
        let mut bad = good.clone();
        for (_, value) in &mut bad.headers {
            let last = if value.pop() == Some('A') { 'B' } else { 'A' };
            value.push(last);
        }
        bad.target = bad.target.replace("elastic-secret", "elastic-secreT");
        if provider.scheme == Scheme::Sns {
            let text = String::from_utf8(bad.body).unwrap();
            bad.body = text.replace("anna@", "emma@").into_bytes();
        }
        refused(&env, &bad, name);

        if matches!(provider.scheme, Scheme::SendGrid | Scheme::Mandrill) {
            let mut other = good.clone();
            other.body.push(b' ');
            refused(&env, &other, name);
        }

        let answer = env.call(&good);
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        assert_eq!(answer.log, "", "{name}");
        assert_eq!(env.spooled("new").len(), 1, "{name}");
    }
}

#[test]
fn without_a_key_nothing_is_believed_but_it_can_be_said_otherwise() {
    for provider in PROVIDERS {
        let env = TestEnv::with_config("");
        let proofs = Proofs::configure(&TestEnv::new(), "");
        let callback = proofs.proven(provider, &payload(provider));
        refused(&env, &callback, provider.name);
        for (level, log) in [("warn", "not verified"), ("off", "")] {
            let env = TestEnv::with_config(&format!(
                "[provider.{}]\nverify = '{level}'\n",
                provider.name
            ));
            let answer = env.call(&callback);
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(
                answer.log.contains(log) && (answer.log.is_empty() == log.is_empty()),
                "{answer:?}"
            );
            assert_eq!(env.spooled("new").len(), 1, "{}", provider.name);
        }
    }
}

#[test]
fn a_signed_request_is_good_for_a_day_only() {
    for provider in PROVIDERS {
        if !matches!(provider.scheme, Scheme::Sns | Scheme::SendGrid) {
            continue;
        }
        let mut env = TestEnv::new();
        let callback = Proofs::configure(&env, "").proven(provider, &payload(provider));
        for (now, status) in [
            ("2026-06-02T12:59:00Z", 200),
            ("2026-06-02T13:01:00Z", 403),
            ("2026-06-01T11:56:00Z", 200),
            ("2026-06-01T11:54:00Z", 403),
        ] {
            env.set("BOUNCEKIT_NOW", now);
            let answer = env.call(&callback);
            assert_eq!(
                answer.status, status,
                "{} at {now}: {answer:?}",
                provider.name
            );
        }
    }
}

#[test]
fn an_sns_message_is_believed_for_its_topic_host_and_certificate() {
    let env = TestEnv::new();
    let proofs = Proofs::configure(&env, "");
    let message = |change: fn(&mut bouncekit_core::webhook::signature::sns::Envelope)| {
        Callback::post("amazon", proofs.envelope_with("Notification", "{}", change))
    };
    refused(
        &env,
        &message(|e| e.topic_arn = TOPIC.replace("bounces", "other")),
        "topic",
    );
    for url in [
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0a1b.pem",
        "https://evil.example/SimpleNotificationService-0a1b.pem",
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
    ] {
        let callback = Callback::post(
            "amazon",
            proofs.envelope_with("Notification", "{}", |e| e.signing_cert_url = url.into()),
        );
        refused(&env, &callback, url);
    }
    let raw = message(|_| {}).header("x-amz-sns-rawdelivery", "true");
    refused(&env, &raw, "raw delivery");
    // A certificate whose time is over when the message says it was made.
    let mut old = TestEnv::new();
    let proofs = Proofs::configure(&old, "");
    old.set("BOUNCEKIT_NOW", "1999-06-01T00:00:00Z");
    let callback = Callback::post(
        "amazon",
        proofs.envelope_with("Notification", "{}", |e| {
            e.timestamp = "1999-06-01T00:00:00Z".into();
        }),
    );
    refused(&old, &callback, "certificate's time");
}

#[test]
fn what_stands_beside_the_signed_fields_is_not_smuggled_in() {
    let env = TestEnv::new();
    let proofs = Proofs::configure(&env, "");
    let signed = String::from_utf8(proofs.envelope("Notification", "{}")).unwrap();
    let provider = Provider::named("amazon_ses").unwrap();
    let bounce = payload(provider);
    let inner = bounce.trim_start_matches('{').trim_end_matches('}');
    for more in [
        format!("{inner}}}"),
        format!(r#""Records":[{{"Sns":{{"Type":"Notification","Message":{bounce}}}}}]"#),
        format!(r#""detail-type":"x","detail":{bounce}"#),
        r#""Message":"x""#.to_owned(),
    ] {
        let body = format!("{},{more}}}", signed.trim_end_matches('}'));
        refused(&env, &Callback::post("amazon", body), &more);
    }
    let more = format!("{signed}{bounce}");
    refused(&env, &Callback::post("amazon", more), "a second value");
}

#[test]
fn an_sns_message_whose_certificate_is_not_at_hand_waits_for_the_replay() {
    let env = TestEnv::new();
    let proofs = Proofs::configure(&env, "");
    std::fs::remove_file(env.path("certificates").join(CERTIFICATE)).unwrap();
    let callback = Callback::post("amazon_api", proofs.envelope("Notification", "{}"));
    let answer = env.call(&callback);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.log.contains(CERTIFICATE), "{answer:?}");
    assert_eq!(env.spooled("new").len(), 1);
}

#[test]
fn every_proof_that_is_configured_is_demanded() {
    let env = TestEnv::new();
    let proofs = Proofs::configure(&env, "");
    let config = std::fs::read_to_string(env.path("bouncekit.toml")).unwrap();
    let login = "[provider.sendgrid]\nuser = 'u'\npassword = { inline = 'p' }\n";
    env.write(
        "bouncekit.toml",
        config.replace("[provider.sendgrid]\n", login),
    );
    let provider = Provider::named("sendgrid").unwrap();
    let signed = proofs.proven(provider, &payload(provider));
    refused(&env, &signed, "no login");
    refused(&env, &signed.clone().login("u", "x"), "wrong login");
    assert_eq!(env.call(&signed.login("u", "p")).status, 200);
}

#[test]
fn no_secret_is_told() {
    let env = TestEnv::new();
    Proofs::configure(&env, "");
    for provider in PROVIDERS {
        let callback = Callback::post(provider.callbacks[0], "x").login("mailjet", "guess");
        let answer = env.call(&callback);
        for secret in [
            "mandrill-key",
            "sparkpost-token",
            "mailjet-password",
            "elastic-secret",
            "guess",
        ] {
            assert!(!format!("{answer:?}").contains(secret), "{answer:?}");
        }
    }
}
