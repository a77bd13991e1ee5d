//! `webhook:replay --spool`: from the callback to the do-not-contact row, whatever happens between.

use std::{fs, time::Duration};

use bouncekit_core::{
    spool::{Limits, Spool},
    time::Timestamp,
    webhook::{PROVIDERS, Provider, Request},
};
use serde_json::Value;

use crate::support::{
    NOW, Output, TestEnv,
    cgi::Callback,
    proofs::{CERTIFICATE, Proofs, TOPIC, hard_bounce},
};

const REPLAY: [&str; 2] = ["webhook:replay", "--spool"];

fn import(env: &TestEnv, addresses: impl IntoIterator<Item = String>) {
    let mut csv = String::from("email\n");
    csv.extend(addresses.into_iter().map(|address| format!("{address}\n")));
    env.write("people.csv", csv);
    let _ = env.run(["contacts:import", "people.csv"]).done();
}

fn shown(env: &TestEnv, address: &str) -> Value {
    env.run(["contacts:show", address, "--format", "json"])
        .json()
}

fn suppressions(env: &TestEnv, address: &str) -> usize {
    shown(env, address)["do_not_contact"]
        .as_array()
        .unwrap()
        .len()
}

fn address(provider: &Provider) -> String {
    format!("{}@example.com", provider.name.replace('_', "-"))
}

#[test]
fn every_provider_from_the_callback_to_the_row() {
    let env = TestEnv::new();
    let proofs = Proofs::configure(&env, "");
    import(&env, PROVIDERS.iter().map(address));
    for provider in PROVIDERS {
        let callback = proofs.proven(provider, &hard_bounce(provider, &address(provider), 1));
        for _ in 0..2 {
            assert_eq!(env.call(&callback).status, 200, "{}", provider.name);
        }
    }
    let dry = env
        .run(["webhook:replay", "--spool", "--dry-run"])
        .exit(0)
        .0;
    assert!(dry.contains("dry run"), "{dry}");
    assert_eq!(env.spooled("new").len(), 2 * PROVIDERS.len());

    let (out, _) = env.run(REPLAY).exit(0);
    assert!(
        out.contains("6 acted") && out.contains("6 duplicate"),
        "{out}"
    );
    for provider in PROVIDERS {
        let shown = shown(&env, &address(provider));
        assert_eq!(
            shown["do_not_contact"][0]["reason"], "bounce",
            "{}: {shown}",
            provider.name
        );
        let note = shown["events"][0]["note"].as_str().unwrap();
        assert!(
            note.starts_with("verified by "),
            "{}: {note}",
            provider.name
        );
    }
    assert!(env.spooled("new").is_empty());
    assert_eq!(env.spooled("done").len(), 2 * PROVIDERS.len());
    let (out, err) = env.run(REPLAY).exit(0);
    assert!(
        out.starts_with("0 fetched") || out.contains("0 acted"),
        "{out}{err}"
    );
}

#[test]
fn what_is_done_is_kept_for_a_while() {
    let mut env = TestEnv::new();
    let proofs = Proofs::configure(&env, "[webhook]\ndone_lasting = '2d'\n");
    let provider = Provider::named("sparkpost").unwrap();
    env.call(&proofs.proven(provider, "[]"));
    let _ = env.run(REPLAY).exit(0);
    for (now, kept) in [("2026-06-03T11:59:00Z", 1), ("2026-06-03T12:01:00Z", 0)] {
        env.set("BOUNCEKIT_NOW", now);
        let _ = env.run(REPLAY).exit(0);
        assert_eq!(env.spooled("done").len(), kept, "{now}");
    }
}

fn sparkpost_request(body: &str, token: &str, at: i64) -> Request {
    Request {
        method: "POST".into(),
        target: "/mailer/sparkpost/callback".into(),
        headers: vec![("x-messagesystems-webhook-token".into(), token.into())],
        body: body.into(),
        received_at: Some(Timestamp(at)),
    }
}

/// Puts a request of SparkPost into the spool as it would be received.
fn put(env: &TestEnv, body: &str, token: &str, at: i64) -> String {
    let request = sparkpost_request(body, token, at);
    let limits = Limits {
        files: u64::MAX,
        size: u64::MAX,
    };
    Spool::at(env.path("spool"))
        .store("sparkpost", &request.to_frame(), Timestamp(at), limits)
        .unwrap()
}

fn reason(env: &TestEnv, name: &str) -> String {
    fs::read_to_string(env.path(format!("spool/failed/{name}.reason"))).unwrap()
}

#[test]
fn what_cannot_be_processed_fails_with_its_reason_and_the_rest_is_done() {
    let env = TestEnv::new();
    Proofs::configure(&env, "");
    import(&env, ["a@example.com".into(), "b@example.com".into()]);
    let sparkpost = Provider::named("sparkpost").unwrap();
    let at = Timestamp::parse_iso(NOW).unwrap().0;
    let forged = put(
        &env,
        &hard_bounce(sparkpost, "a@example.com", 1),
        "guess",
        at,
    );
    let broken = put(&env, "[{\"msys\":", "sparkpost-token", at + 1);
    let half = hard_bounce(sparkpost, "b@example.com", 2).replacen(
        '[',
        "[{\"msys\":{\"message_event\":{\"type\":\"bounce\",\"bounce_class\":\"10\"}}},",
        1,
    );
    let half = put(&env, &half, "sparkpost-token", at + 2);
    let (out, err) = env.run(REPLAY).exit(1);
    assert!(out.contains("1 acted"), "{out}{err}");
    assert!(err.contains("3 failed"), "{err}");
    assert!(
        reason(&env, &forged).contains("not verified: token header is wrong"),
        "{}",
        reason(&env, &forged)
    );
    assert!(!reason(&env, &broken).is_empty() && !reason(&env, &half).is_empty());
    assert_eq!(suppressions(&env, "a@example.com"), 0);
    assert_eq!(suppressions(&env, "b@example.com"), 1);
    // With the right token at the provider the same request is good.
    env.write("secrets/sparkpost-token", "guess\n");
    let _ = env
        .run(["webhook:replay", "--spool", "--retry-failed"])
        .exit(1);
    assert_eq!(suppressions(&env, "a@example.com"), 1);
}

#[test]
fn a_request_that_cannot_be_read_holds_nobody_up() {
    let env = TestEnv::new();
    Proofs::configure(&env, "");
    import(&env, ["b@example.com".into()]);
    let sparkpost = Provider::named("sparkpost").unwrap();
    let at = Timestamp::parse_iso(NOW).unwrap().0;
    // Before the other: a folder where a file should be is unreadable for root too.
    let unreadable = "20200101T000000.000Z-0123456789abcdef-sparkpost-1.http";
    let good = hard_bounce(sparkpost, "b@example.com", 2);
    put(&env, &good, "sparkpost-token", at);
    fs::create_dir(env.path("spool/new").join(unreadable)).unwrap();
    let (_, err) = env.run(REPLAY).exit(3);
    assert!(
        err.contains(unreadable) && err.contains("left for the next run"),
        "{err}"
    );
    assert_eq!(suppressions(&env, "b@example.com"), 1);
}

#[test]
fn a_missing_certificate_can_be_brought_later() {
    let env = TestEnv::new();
    let proofs = Proofs::configure(&env, "");
    let provider = Provider::named("amazon_ses").unwrap();
    import(&env, [address(provider)]);
    let certificate = env.path("certificates").join(CERTIFICATE);
    let aside = env.path("aside.pem");
    fs::rename(&certificate, &aside).unwrap();
    let bounce = hard_bounce(provider, &address(provider), 1);
    assert_eq!(env.call(&proofs.proven(provider, &bounce)).status, 200);
    let (_, err) = env.run(REPLAY).exit(1);
    assert!(
        err.contains(CERTIFICATE) && err.contains("fetch_certificates"),
        "{err}"
    );
    assert_eq!(suppressions(&env, &address(provider)), 0);
    fs::rename(aside, certificate).unwrap();
    let _ = env
        .run(["webhook:replay", "--spool", "--retry-failed"])
        .exit(0);
    assert_eq!(suppressions(&env, &address(provider)), 1);
}

#[test]
fn killed_anywhere_nothing_is_lost_or_applied_twice() {
    let env = TestEnv::new();
    Proofs::configure(&env, "");
    let sparkpost = Provider::named("sparkpost").unwrap();
    let requests = 1200;
    let person = |id: u32| format!("user{id}@example.com");
    import(&env, (0..requests).map(person));
    let at = Timestamp::parse_iso(NOW).unwrap().0;
    let template = put(&env, "", "sparkpost-token", at);
    let (stamp, _) = template.split_once('-').unwrap();
    for id in 0..requests {
        // Not through the spool's own fsyncs: there are many.
        let frame = sparkpost_request(
            &hard_bounce(sparkpost, &person(id), id),
            "sparkpost-token",
            at,
        )
        .to_frame();
        let name = format!("{stamp}-{id:016x}-sparkpost-{}.http", frame.len());
        env.write(format!("spool/new/{name}"), frame);
    }
    fs::remove_file(env.path("spool/new").join(template)).unwrap();
    let mut killed = 0;
    for round in 1..25 {
        let mut child = env.command(REPLAY).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(round * 12));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        let everywhere = env.spooled("new").len() + env.spooled("done").len();
        assert_eq!(everywhere, requests as usize);
    }
    let Output { status, stderr, .. } = env.run(REPLAY);
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert!(killed > 0);
    assert!(env.spooled("new").is_empty());
    assert_eq!(env.spooled("done").len(), requests as usize);
    for id in [0, 1, requests / 2, requests - 1] {
        let shown = shown(&env, &person(id));
        assert_eq!(shown["events"].as_array().unwrap().len(), 1, "{shown}");
    }
    // All of them again: every one is known.
    let done: Vec<String> = fs::read_dir(env.path("spool/done"))
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .collect();
    let args = ["webhook:replay".to_owned()].into_iter().chain(done);
    let (out, err) = env.run(args).exit(0);
    assert!(
        out.contains("1200 duplicate") && !out.contains(" acted,"),
        "{out}{err}"
    );
}

#[test]
fn two_runs_at_once_do_not_meet() {
    let env = TestEnv::new();
    Proofs::configure(&env, "");
    let holder = bouncekit_core::store::Holder {
        host: "elsewhere".into(),
        pid: 1,
        started: 1,
    };
    let mut store = env.store();
    let folder = fs::canonicalize(env.path("")).unwrap();
    let lease = format!("spool:{}", folder.join("spool").display());
    store
        .take_lease(&lease, &holder, Timestamp(0), |_| false)
        .unwrap()
        .unwrap();
    drop(store);
    let (_, err) = env.run(REPLAY).exit(4);
    assert!(err.contains("elsewhere") && err.contains("hint: "), "{err}");
}

#[test]
fn a_subscription_is_shown_to_a_person_if_its_message_is_proven() {
    let env = TestEnv::new();
    let proofs = Proofs::configure(&env, "");
    let kinds = ["SubscriptionConfirmation", "UnsubscribeConfirmation"];
    for kind in kinds {
        let callback = Callback::post("amazon", proofs.envelope(kind, "You have chosen"));
        assert_eq!(env.call(&callback).status, 200, "{kind}");
    }
    let (_, err) = env.run(REPLAY).exit(0);
    let url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Abounces&Token=2336412f37fb687f";
    assert!(err.contains(url), "{err}");
    assert_eq!(
        err.matches("Action=ConfirmSubscription&").count(),
        1,
        "{err}"
    );
    // A foreign topic, and a region that is not the topic's.
    for (level, topic) in [
        ("require", TOPIC.replace("bounces", "theirs")),
        ("warn", TOPIC.replace("eu-west-1", "us-east-1")),
    ] {
        let body =
            proofs.envelope_with(kinds[0], "x", |envelope| envelope.topic_arn = topic.clone());
        env.write("message.json", body);
        let output = env.run(["webhook:replay", "--verify", level, "message.json"]);
        assert!(
            !output.stderr.contains("to be confirmed: `arn"),
            "{output:?}"
        );
        assert!(!output.stderr.contains("Token="), "{output:?}");
    }
}
