//! `webhook:receive` as web servers call it: every answer it can give, and durably stored requests.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _};

use bouncekit_core::webhook::{PROVIDERS, Provider};

use crate::support::{
    TestEnv,
    cgi::{Callback, Lighttpd},
    proofs::{Proofs, hard_bounce},
};

/// A configuration that believes everybody.
fn credulous(more: &str) -> String {
    let providers = PROVIDERS
        .iter()
        .map(|provider| format!("[provider.{}]\nverify = 'off'\n", provider.name));
    format!("{more}\n{}", providers.collect::<String>())
}

#[test]
fn what_is_stored_is_the_request_byte_for_byte() {
    let env = TestEnv::with_config(&credulous(""));
    let body = b"[{\"event\":\"open\"}]\r\n\0\xff";
    let callback = Callback::post("sendgrid_api", *body)
        .header("Content-Type", "application/json")
        .header("X-Twilio-Email-Event-Webhook-Signature", "abc=");
    let answer = env.call(&callback);
    assert_eq!((answer.status, answer.body.as_str()), (200, "received\n"));
    let stored = env.spooled("new");
    let text = String::from_utf8_lossy(&stored[0]).into_owned();
    assert!(
        text.starts_with(
            "From bouncekit 2026-06-01T12:00:00.000Z\nPOST /mailer/sendgrid_api/callback HTTP/1.1\n"
        ),
        "{text}"
    );
    for line in [
        "\ncontent-type: application/json\n",
        "\nx-twilio-email-event-webhook-signature: abc=\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(
        stored[0].ends_with(&[b"\n\n", &body[..], b"\n"].concat()),
        "{text}"
    );
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&env.path("spool")), 0o700);
    let file = fs::read_dir(env.path("spool/new"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    assert_eq!(mode(&file), 0o600);
}

#[test]
fn wrong_requests_are_answered_by_their_fault() {
    let env = TestEnv::with_config(&credulous("[webhook]\nbody_limit = 1000\n"));
    let post = |name: &str, size: usize| Callback::post(name, vec![b'x'; size]);
    let at = |target: &str| Callback {
        target: target.into(),
        ..post("", 1)
    };
    for (callback, status) in [
        (post("sendgrid_api", 1000), 200),
        (post("sendgrid_api", 1001), 413),
        (post("postmark", 1), 404),
        (at("/"), 404),
        (at("/mailer/sendgrid_api"), 404),
        (at("/mailer/sendgrid_api/callback/a/b"), 404),
        (at("/x/mailer/sendgrid_api/callback/"), 200),
        (post("sendgrid_api", 1).method("GET"), 405),
        (post("sendgrid_api", 1).method("HEAD"), 405),
        (post("mailjet", 1).method("PUT"), 405),
        (post("mandrill", 0).method("HEAD"), 200),
        (
            Callback::get("elasticemail", "status=Error&to=a%40example.com"),
            200,
        ),
        (Callback::get("elasticemail", ""), 200),
    ] {
        let answer = env.call(&callback);
        assert_eq!(answer.status, status, "{callback:?}: {answer:?}");
        if status == 405 {
            assert!(answer.headers.contains("Allow: "), "{answer:?}");
        }
    }
    // HEAD and the call without a query held nothing.
    assert_eq!(env.spooled("new").len(), 3);
    // More octets than were announced are not read, fewer are an error.
    let mut command = env.command::<&str>([]);
    command.envs([
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/mailer/mailjet/callback"),
        ("CONTENT_LENGTH", "5"),
    ]);
    let output = crate::support::finish(command.spawn().unwrap());
    assert!(output.stdout.starts_with("Status: 400 "), "{output:?}");
}

#[test]
fn mautics_names_lead_to_the_providers() {
    let env = TestEnv::with_config(&credulous(""));
    for (name, provider) in [
        ("elasticemail", "elasticemail"),
        ("amazon", "amazon_ses"),
        ("amazon_api", "amazon_ses"),
        ("mandrill", "mandrill"),
        ("mailjet", "mailjet"),
        ("sparkpost", "sparkpost"),
        ("sendgrid_api", "sendgrid"),
    ] {
        assert_eq!(
            Provider::named(name).map(|known| known.name),
            Some(provider)
        );
        assert_eq!(env.call(&Callback::post(name, "x")).status, 200, "{name}");
    }
}

#[test]
fn a_full_or_unwritable_spool_makes_the_provider_try_again() {
    let env = TestEnv::with_config(&credulous("[webhook]\nspool_files = 1\n"));
    let callback = Callback::post("mailjet", "[]");
    assert_eq!(env.call(&callback).status, 200);
    let answer = env.call(&callback);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.headers.contains("Retry-After"), "{answer:?}");
    assert!(
        answer.log.contains("is full") && answer.log.contains("webhook:replay --spool"),
        "{answer:?}"
    );

    let env = TestEnv::with_config(&credulous("[webhook]\nspool = 'file/spool'\n"));
    env.write("file", "");
    assert_eq!(env.call(&callback).status, 503);
    // Nothing is taken with a configuration that cannot be read.
    env.write("bouncekit.toml", "[webhook]\nspol = 'x'\n");
    let mut command = env.command::<&str>([]);
    command
        .env("GATEWAY_INTERFACE", "CGI/1.1")
        .env("REQUEST_METHOD", "POST");
    let output = crate::support::finish(command.spawn().unwrap());
    assert!(output.stdout.starts_with("Status: 503 "), "{output:?}");
    assert!(output.stderr.contains("spol"), "{output:?}");
}

#[test]
fn mandrills_check_of_a_new_url_passes_and_fills_nothing() {
    use bouncekit_core::webhook::signature::mandrill;
    let env = TestEnv::new();
    Proofs::configure(&env, "");
    let signed = |events: &str| {
        let url = "https://news.example.com/mailer/mandrill/callback";
        let signature = mandrill::sign(
            "test-webhook",
            url,
            &[("mandrill_events".into(), events.into())],
        )
        .unwrap();
        Callback::post("mandrill", format!("mandrill_events={events}"))
            .header("X-Mandrill-Signature", &signature)
    };
    assert_eq!(env.call(&signed("[]")).status, 200);
    assert_eq!(env.call(&signed("[{}]")).status, 403);
    assert!(env.spooled("new").is_empty());
}

#[test]
fn not_started_by_a_server_it_says_what_it_is() {
    let env = TestEnv::with_config("");
    let (_, err) = env.run(["webhook:receive"]).exit(2);
    assert!(err.contains("CGI") && err.contains("webhook:test"), "{err}");
}

#[test]
fn a_real_server_with_all_providers_and_many_requests_at_once() {
    let env = TestEnv::new();
    let proofs = Proofs::configure(&env, "");
    let Some(server) = Lighttpd::start(&env) else {
        return;
    };
    let callbacks: Vec<Callback> = (0..48)
        .map(|id| {
            let provider = &PROVIDERS[id as usize % PROVIDERS.len()];
            proofs.proven(
                provider,
                &hard_bounce(provider, &format!("user{id}@example.com"), id),
            )
        })
        .collect();
    std::thread::scope(|scope| {
        for part in callbacks.chunks(6) {
            let server = &server;
            scope.spawn(move || {
                for callback in part {
                    assert_eq!(
                        server.call(callback),
                        (200, "received\n".into()),
                        "{callback:?}"
                    );
                }
            });
        }
    });
    // Each stands in the spool, whole and once.
    let mut found: BTreeMap<usize, usize> = BTreeMap::new();
    for stored in env.spooled("new") {
        let index = callbacks.iter().position(|callback| {
            let line = format!("{} {} HTTP/1.1\n", callback.method, callback.target);
            let end = [b"\n\n", &callback.body[..], b"\n"].concat();
            stored.ends_with(&end)
                && stored
                    .windows(line.len())
                    .any(|part| part == line.as_bytes())
        });
        *found
            .entry(index.expect("a request nobody sent"))
            .or_default() += 1;
    }
    assert_eq!(found.len(), callbacks.len());
    assert!(found.values().all(|times| *times == 1), "{found:?}");
    assert_eq!(fs::read_dir(env.path("spool/tmp")).unwrap().count(), 0);

    let mut forged = callbacks[0].clone();
    forged.body.push(b' ');
    forged.body.extend(b"{}");
    assert_eq!(server.call(&forged).0, 403);
    assert_eq!(server.call(&Callback::post("nobody", "x")).0, 404);
    assert_eq!(
        server.call(&Callback::post("mailjet", "").method("GET")).0,
        405
    );
    assert_eq!(
        server
            .call(&Callback::post("mandrill", "").method("HEAD"))
            .0,
        200
    );
}

#[test]
fn the_fixtures_of_all_providers_arrive_as_they_were_sent() {
    let env = TestEnv::with_config(&credulous(""));
    let Some(server) = Lighttpd::start(&env) else {
        return;
    };
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/webhooks");
    let mut sent = 0;
    for provider in PROVIDERS {
        let mut here = 0;
        for entry in fs::read_dir(root.join(provider.name)).unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().ends_with(".expected.json")
                || path.extension().is_some_and(|kind| kind == "eml")
            {
                continue;
            }
            let body = fs::read(&path).unwrap();
            if body.trim_ascii().is_empty() {
                continue;
            }
            let name = provider.callbacks[here % provider.callbacks.len()];
            assert_eq!(
                server.call(&Callback::post(name, body.clone())).0,
                200,
                "{}",
                path.display()
            );
            assert!(
                env.spooled("new")
                    .iter()
                    .any(|stored| stored.ends_with(&[b"\n\n", &body[..], b"\n"].concat())),
                "{}",
                path.display()
            );
            here += 1;
        }
        assert!(here > 0, "no fixture of {}", provider.name);
        sent += here;
    }
    assert_eq!(env.spooled("new").len(), sent);
}
