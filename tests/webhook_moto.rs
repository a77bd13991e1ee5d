//! An SNS that nobody here wrote: its signed messages verify, with the certificate fetched from the
//! host they name.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use bouncekit_core::webhook::Provider;
use serde_json::Value;

use crate::support::{NOW, TestEnv, proofs::hard_bounce};

/// Ends the program when the test is over.
struct Moto(Child);

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn start(message: &str) -> Option<(Moto, Value)> {
    let python = std::env::var("BOUNCEKIT_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/sns_moto.py");
    let child = Command::new(&python)
        .args([script, message])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok();
    let told = child.and_then(|child| {
        let mut moto = Moto(child);
        let mut line = String::new();
        BufReader::new(moto.0.stdout.take()?)
            .read_line(&mut line)
            .ok()?;
        Some((moto, serde_json::from_str(&line).ok()?))
    });
    if told.is_none() {
        eprintln!("skipped: `{python}` has no moto, boto3 and multipart (set BOUNCEKIT_PYTHON)");
    }
    told
}

#[test]
fn messages_of_moto_verify_with_the_certificate_they_name() {
    let provider = Provider::named("amazon_ses").unwrap();
    let Some((_moto, told)) = start(&hard_bounce(provider, "anna@example.com", 1)) else {
        return;
    };
    let text = |name: &str| told[name].as_str().unwrap();
    let mut env = TestEnv::with_config(&format!(
        "[provider.amazon_ses]\ntopics = ['{}']\nfetch_certificates = true\nca_file = '{}'\n",
        text("topic"),
        text("authority")
    ));
    env.set("HTTPS_PROXY", text("proxy"));
    env.write("people.csv", "email\nanna@example.com\n");
    let _ = env.run(["contacts:import", "people.csv"]).done();
    let replay = ["webhook:replay", "--verify", "require", "message.json"];
    env.write("message.json", text("body").replace("anna@", "emma@"));
    let (_, err) = env.run(replay).exit(1);
    assert!(err.contains("the signature is wrong"), "{err}");
    env.write("message.json", text("body"));
    let (out, err) = env.run(replay).exit(0);
    assert!(out.contains("1 acted"), "{out}{err}");
    let fetched = std::fs::read_dir(env.path("spool/certificates/fetched")).unwrap();
    assert_eq!(fetched.count(), 1);
    // As a callback it is fresh when it is made, and a replay long before.
    let envelope: Value = serde_json::from_str(text("body")).unwrap();
    for (now, status) in [(envelope["Timestamp"].as_str().unwrap(), 200), (NOW, 403)] {
        env.set("BOUNCEKIT_NOW", now);
        let callback = crate::support::cgi::Callback::post("amazon", text("body"));
        let answer = env.call(&callback);
        assert_eq!(answer.status, status, "{answer:?}");
    }
}
