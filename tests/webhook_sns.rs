//! What is asked of SNS itself: subscriptions confirmed, certificates fetched; and how it fails.

use std::fs;

use bouncekit_core::webhook::Provider;

use crate::support::{
    TestEnv,
    cgi::Callback,
    fake_sns::{FakeSns, HOST, page},
    proofs::{CERTIFICATE, Proofs, TOPIC, certificate, hard_bounce},
};

const ARN: &str = "arn:aws:sns:eu-west-1:123456789012:bounces:2bcfbf39-05c3";
const ASKED: &str = "sns.eu-west-1.amazonaws.com:443 /?Action=ConfirmSubscription&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Abounces&Token=2336412f37fb687f";
const SUBSCRIPTION: &str = "SubscriptionConfirmation";

fn confirmed(arn: &str) -> String {
    let xml = format!(
        "<ConfirmSubscriptionResponse><ConfirmSubscriptionResult><SubscriptionArn>{arn}</SubscriptionArn></ConfirmSubscriptionResult></ConfirmSubscriptionResponse>"
    );
    page("200 OK", &xml)
}

/// A folder that reaches the fake SNS, with these keys in `[provider.amazon_ses]`.
fn with(sns: &FakeSns, keys: &str) -> (TestEnv, Proofs) {
    let mut env = TestEnv::new();
    let proofs = Proofs::configure(&env, "");
    env.write("authority.pem", &sns.authority);
    let config = fs::read_to_string(env.path("bouncekit.toml")).unwrap();
    let table = "[provider.amazon_ses]\n";
    env.write(
        "bouncekit.toml",
        config.replace(
            table,
            &format!("{table}{keys}\nca_file = 'authority.pem'\n"),
        ),
    );
    env.set("HTTPS_PROXY", sns.proxy.clone());
    (env, proofs)
}

#[test]
fn a_subscription_is_confirmed_by_an_address_of_our_own_making() {
    let sns = FakeSns::start(HOST, |_| confirmed(ARN));
    let (env, proofs) = with(&sns, "confirm = 'auto'");
    let callback = Callback::post("amazon", proofs.envelope(SUBSCRIPTION, "x"));
    assert_eq!(env.call(&callback).status, 200);
    assert!(sns.asked().is_empty(), "receiving asks nobody");
    let (_, err) = env.run(["webhook:replay", "--spool", "--dry-run"]).exit(0);
    assert!(
        err.contains("to be confirmed") && sns.asked().is_empty(),
        "{err}"
    );
    let (_, err) = env.run(["webhook:replay", "--spool"]).exit(0);
    assert!(
        err.contains(&format!("confirmed: `{TOPIC}`, subscription `{ARN}`")),
        "{err}"
    );
    assert_eq!(sns.asked(), [ASKED]);
}

#[test]
fn by_hand_from_a_file_or_the_spool() {
    let sns = FakeSns::start(HOST, |_| confirmed(ARN));
    let (env, proofs) = with(&sns, "");
    env.write("message.json", proofs.envelope(SUBSCRIPTION, "x"));
    let out = env
        .run(["webhook:confirm", "message.json", "--dry-run"])
        .done();
    assert!(
        out.starts_with("would visit https://sns.eu-west-1.amazonaws.com/?"),
        "{out}"
    );
    assert!(sns.asked().is_empty());
    let out = env.run(["webhook:confirm", "message.json"]).done();
    assert!(out.contains(ARN), "{out}");
    env.call(&Callback::post(
        "amazon",
        proofs.envelope(SUBSCRIPTION, "x"),
    ));
    let (_, err) = env.run(["webhook:replay", "--spool"]).exit(0);
    let name = err
        .split("webhook:confirm ")
        .nth(1)
        .unwrap()
        .split('`')
        .next()
        .unwrap();
    let out = env.run(["webhook:confirm", name]).done();
    assert!(out.contains(ARN), "{out}");
    assert_eq!(sns.asked(), [ASKED, ASKED]);
}

#[test]
fn what_is_not_proven_or_not_asked_is_never_confirmed() {
    let sns = FakeSns::start(HOST, |_| confirmed(ARN));
    let (env, proofs) = with(&sns, "confirm = 'auto'\nverify = 'warn'");
    let foreign = proofs.envelope_with(SUBSCRIPTION, "x", |e| {
        e.topic_arn = TOPIC.replace("bounces", "theirs");
    });
    let forged = String::from_utf8(proofs.envelope(SUBSCRIPTION, "x"))
        .unwrap()
        .replace("2336412f", "2336412e")
        .into_bytes();
    let end = proofs.envelope("UnsubscribeConfirmation", "x");
    for (body, cause) in [
        (foreign, "topic"),
        (forged, "signature"),
        (end, "subscribe again"),
    ] {
        env.write("message.json", &body);
        let (_, err) = env.run(["webhook:confirm", "message.json"]).exit(2);
        assert!(err.contains(cause) && err.contains("hint: "), "{err}");
        assert_eq!(env.call(&Callback::post("amazon", body)).status, 200);
        let _ = env.run(["webhook:replay", "--spool"]).exit(0);
        assert_eq!(sns.asked(), [""; 0], "{cause}");
    }
}

#[test]
fn what_fails_says_why_and_what_to_do() {
    type Case = (&'static str, fn(&str) -> String, i32, [&'static str; 2]);
    let cases: [Case; 5] = [
        (
            HOST,
            |_| confirmed("pending confirmation"),
            1,
            ["pending", "Request confirmation"],
        ),
        (
            HOST,
            |_| {
                page(
                    "400 Bad Request",
                    "<Error><Code>InvalidParameter</Code><Message>Invalid token</Message></Error>",
                )
            },
            1,
            ["Invalid token", "three days"],
        ),
        (
            HOST,
            |_| {
                "HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into()
            },
            1,
            ["302", "hint: "],
        ),
        (
            HOST,
            |_| page("200 OK", &"x".repeat(100_000)),
            3,
            ["cannot be asked", "hint: "],
        ),
        (
            "sns.evil.example",
            |_| confirmed(ARN),
            3,
            ["certificate", "ca_file"],
        ),
    ];
    for (named, answer, code, said) in cases {
        let sns = FakeSns::start(named, answer);
        let (env, proofs) = with(&sns, "");
        env.write("message.json", proofs.envelope(SUBSCRIPTION, "x"));
        let (_, err) = env.run(["webhook:confirm", "message.json"]).exit(code);
        assert!(said.iter().all(|part| err.contains(part)), "{err}");
        assert!(
            sns.asked().iter().all(|asked| !asked.contains("evil")),
            "{:?}",
            sns.asked()
        );
    }
    let sns = FakeSns::start(HOST, |_| confirmed(ARN));
    let (mut env, proofs) = with(&sns, "confirm = 'auto'");
    env.set("HTTPS_PROXY", "http://127.0.0.1:1");
    env.write("message.json", proofs.envelope(SUBSCRIPTION, "x"));
    let (_, err) = env.run(["webhook:confirm", "message.json"]).exit(3);
    assert!(err.contains("hint: is this machine allowed"), "{err}");
    // In the spool it waits for a better network.
    env.call(&Callback::post(
        "amazon",
        proofs.envelope(SUBSCRIPTION, "x"),
    ));
    let (_, err) = env.run(["webhook:replay", "--spool"]).exit(3);
    assert!(err.contains("1 left"), "{err}");
    env.set("HTTPS_PROXY", sns.proxy.clone());
    let (_, err) = env.run(["webhook:replay", "--spool"]).exit(0);
    assert!(err.contains(ARN), "{err}");
}

#[test]
fn a_certificate_that_is_not_there_fails_and_the_next_is_asked_for() {
    let sns = FakeSns::start(HOST, |_| page("404 Not Found", ""));
    let (mut env, proofs) = with(&sns, "fetch_certificates = true");
    for name in ["a", "b"] {
        let body = proofs.envelope_with("Notification", "{}", |envelope| {
            envelope.signing_cert_url = format!("https://{HOST}/{name}.pem");
        });
        assert_eq!(env.call(&Callback::post("amazon", body)).status, 200);
    }
    // Without a network all wait, and it is tried once only.
    env.set("HTTPS_PROXY", "http://127.0.0.1:1");
    let (_, err) = env.run(["webhook:replay", "--spool"]).exit(3);
    assert!(err.contains("2 left"), "{err}");
    env.set("HTTPS_PROXY", sns.proxy.clone());
    let (_, err) = env.run(["webhook:replay", "--spool"]).exit(1);
    assert!(err.contains("2 failed") && err.contains("404"), "{err}");
    assert_eq!(sns.asked().len(), 2);
}

#[test]
fn a_missing_certificate_is_fetched_once_if_that_is_allowed() {
    let shelf = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let there = std::sync::Arc::clone(&shelf);
    let sns = FakeSns::start(HOST, move |_| page("200 OK", &there.lock().unwrap()));
    let (env, proofs) = with(&sns, "fetch_certificates = true");
    *shelf.lock().unwrap() =
        String::from_utf8(fs::read(env.path("certificates").join(CERTIFICATE)).unwrap()).unwrap();
    fs::remove_file(env.path("certificates").join(CERTIFICATE)).unwrap();
    let provider = Provider::named("amazon_ses").unwrap();
    for id in 0..2 {
        let bounce = hard_bounce(provider, "anna@example.com", id);
        env.call(&proofs.proven(provider, &bounce));
    }
    // It signs itself, so that its chain is wrong: fetching is not believing.
    let (_, err) = env.run(["webhook:replay", "--spool"]).exit(1);
    assert!(
        err.contains("self-signed") || err.contains("self signed"),
        "{err}"
    );
    assert_eq!(sns.asked(), [format!("{HOST}:443 /{CERTIFICATE}")]);
    // A person who knows it may put it among the trusted ones.
    env.write(
        format!("certificates/{CERTIFICATE}"),
        certificate(&proofs.sns),
    );
    let (out, _) = env
        .run(["webhook:replay", "--spool", "--retry-failed"])
        .exit(0);
    assert!(out.starts_with("2 fetched"), "{out}");
}
