//! Logging in with OAuth 2 tokens, at a real Dovecot that asks an authorisation server about them.

use std::{fs, os::unix::fs::PermissionsExt as _, thread, time::Duration};

use crate::email_fetch::fetching_env;
use crate::support::{
    TestEnv,
    dovecot::{Dovecot, USER, dovecot_with_tokens},
    mails::sample,
    token_server::{Answer, Form, TokenServer},
};

/// Odd enough to be searched for in every output.
const REFRESH: &str = "refresh-Zk3w";
const SECRET: &str = "secret-8vPq";

fn oauth(server: &TokenServer, keys: &str) -> String {
    format!(
        "oauth = {{ token_endpoint = \"{}\", client_id = \"client-1\", {keys} }}\n",
        server.url("token")
    )
}

/// A program that reads one mailbox with a token.
fn reader(dovecot: &Dovecot, oauth: &str) -> TestEnv {
    let mut env = fetching_env(&format!(
        "{}{oauth}[[mailbox]]\nname = \"m\"\n",
        dovecot.connection_without_password("plain")
    ));
    env.set("REFRESH", REFRESH);
    env.set("SECRET", SECRET);
    env
}

const BY_REFRESH: &str = "refresh_token = { env = \"REFRESH\" }";
const BY_CLIENT: &str = "client_secret = { env = \"SECRET\" }";

/// Runs `email:fetch`; its output must hold no secret.
fn fetch(env: &TestEnv, exit: i32) -> (String, String) {
    let output = env.run(["email:fetch"]);
    for secret in [REFRESH, SECRET, "access-", "eyJ"] {
        assert!(
            !output.stdout.contains(secret) && !output.stderr.contains(secret),
            "{output:?}"
        );
    }
    assert_eq!(output.status.code(), Some(exit), "{output:?}");
    (output.stdout, output.stderr)
}

/// The files of the token cache with their modes.
fn kept(env: &TestEnv) -> Vec<(String, u32)> {
    let folder = env.path("bouncekit.db.tokens");
    let Ok(entries) = fs::read_dir(&folder) else {
        return Vec::new();
    };
    assert_eq!(
        fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let mut files: Vec<_> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            (entry.file_name().into_string().unwrap(), mode)
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_grant_and_mechanism_logs_in_and_the_token_is_kept() {
    for (grant, kind, right) in [
        (BY_REFRESH, "refresh_token", REFRESH),
        (BY_CLIENT, "client_credentials", SECRET),
    ] {
        let server = TokenServer::of(USER, right);
        let Some(dovecot) = dovecot_with_tokens(&server.url("introspect")) else {
            return;
        };
        for mechanism in ["xoauth2", "oauthbearer"] {
            let keys = format!("{grant}, scope = \"mail\", mechanism = \"{mechanism}\"");
            let env = reader(&dovecot, &oauth(&server, &keys));
            let before = server.asked().len();
            dovecot.put("INBOX", mechanism, sample("postfix", 1));
            let (told, _) = fetch(&env, 0);
            assert!(told.contains("1 fetched"), "{told}");
            fetch(&env, 0);
            let asked = server.asked().split_off(before);
            assert_eq!(asked.len(), 1, "the second run has the token: {asked:?}");
            let said = |name: &str| asked[0].get(name).map(String::as_str);
            assert_eq!(said("grant_type"), Some(kind));
            assert_eq!(
                (said("client_id"), said("scope")),
                (Some("client-1"), Some("mail"))
            );
            let files = kept(&env);
            assert_eq!(files.len(), 2, "token and lock: {files:?}");
            assert!(files.iter().all(|(_, mode)| *mode == 0o600), "{files:?}");
        }
    }
}

#[test]
fn what_the_server_offers_is_taken_and_a_revoked_token_is_replaced() {
    let server = TokenServer::of(USER, REFRESH);
    let Some(dovecot) = dovecot_with_tokens(&server.url("introspect")) else {
        return;
    };
    let env = reader(&dovecot, &oauth(&server, BY_REFRESH));
    fetch(&env, 0);
    server.revoke();
    dovecot.put("INBOX", "a", sample("postfix", 1));
    let (told, _) = fetch(&env, 0);
    assert!(told.contains("1 fetched"), "{told}");
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_replaced_refresh_token_is_used_from_then_on() {
    let newest = std::sync::Mutex::new(REFRESH.to_owned());
    let server = TokenServer::start(USER, move |form: &Form, token: &str| -> Answer {
        let mut newest = newest.lock().unwrap();
        if form.get("refresh_token") != Some(&*newest) {
            return (400, r#"{"error":"invalid_grant"}"#.into());
        }
        *newest = format!("{newest}+");
        let body =
            format!(r#"{{"access_token":"{token}","expires_in":"60","refresh_token":"{newest}"}}"#);
        (200, body)
    });
    let Some(dovecot) = dovecot_with_tokens(&server.url("introspect")) else {
        return;
    };
    // A minute is too short to be relied on: every run asks.
    let env = reader(&dovecot, &oauth(&server, BY_REFRESH));
    for _ in 0..3 {
        fetch(&env, 0);
    }
    let shown: Vec<String> = server
        .asked()
        .iter()
        .map(|form| form["refresh_token"].replace(REFRESH, "r"))
        .collect();
    assert_eq!(shown, ["r", "r+", "r++"]);
}

#[test]
fn what_the_token_endpoint_says_comes_with_a_hint() {
    let Some(dovecot) = dovecot_with_tokens("http://127.0.0.1:9/") else {
        return;
    };
    let microsoft = |code: &str, error: &str, text: &str| {
        let body = format!(
            r#"{{"error":"{error}","error_description":"{code}: {text} Trace ID: 1 Correlation ID: 2","error_codes":[1]}}"#
        );
        (401, body)
    };
    let cases: [(Answer, &str, &str); 8] = [
        (
            microsoft("AADSTS7000222", "invalid_client", "The provided client secret keys are expired."),
            "AADSTS7000222",
            "make a new one in Entra",
        ),
        (
            // It repeats the secret.
            microsoft("AADSTS7000215", "invalid_client", &format!("Invalid client secret {SECRET}.")),
            "AADSTS7000215",
            "not its Secret ID",
        ),
        (
            microsoft("AADSTS90002", "invalid_request", "Tenant 'x' not found."),
            "AADSTS90002",
            "`tenant` is wrong",
        ),
        (
            microsoft("AADSTS65001", "invalid_grant", "The user or administrator has not consented"),
            "AADSTS65001",
            "Grant admin consent",
        ),
        (
            (400, r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#.into()),
            "expired or revoked",
            "status Testing",
        ),
        ((503, "<html>busy</html>".into()), "HTTP status 503", "next run tries again"),
        ((200, "<html>hello</html>".into()), "HTTP status 200", "`token_endpoint`"),
        (
            (200, r#"{"access_token":"a b\r\nx"}"#.into()),
            "is no token",
            "bare access token",
        ),
    ];
    for (answer, cause, hint) in cases {
        let server = TokenServer::start(USER, move |_: &Form, _: &str| answer.clone());
        let keys = format!("{BY_REFRESH}, {BY_CLIENT}");
        let env = reader(&dovecot, &oauth(&server, &keys));
        let (_, told) = fetch(&env, 3);
        assert!(told.contains(cause) && told.contains(hint), "{told}");
        assert!(!told.contains("Trace ID"), "{told}");
        let files = kept(&env);
        assert!(files.iter().all(|(name, _)| !name.contains(".json")));
    }
    // Nobody answers there.
    let keys = "oauth = { token_endpoint = \"http://127.0.0.1:9/token\", client_id = \"c\", ";
    let env = reader(&dovecot, &format!("{keys}{BY_CLIENT} }}\n"));
    let (_, told) = fetch(&env, 3);
    assert!(
        told.contains("127.0.0.1:9") && told.contains("$HTTPS_PROXY"),
        "{told}"
    );
}

/// An unsigned JWT with these claims.
fn jwt(claims: &str) -> String {
    let encode = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    format!("{}.{}.c2ln", encode(r#"{"alg":"RS256"}"#), encode(claims))
}

#[test]
fn a_refused_token_says_what_it_lacks() {
    // Whatever token is asked about, it is nobody's.
    let server = TokenServer::of(USER, "nobody's");
    let Some(dovecot) = dovecot_with_tokens(&server.url("introspect")) else {
        return;
    };
    for (token, mechanism, hint) in [
        (
            "opaque".to_owned(),
            "xoauth2",
            "the account that the token is for",
        ),
        (
            "opaque".to_owned(),
            "oauthbearer",
            "the account that the token is for",
        ),
        (
            jwt(r#"{"aud":"https://outlook.office365.com","roles":["Mail.Read"]}"#),
            "xoauth2",
            "add IMAP.AccessAsApp",
        ),
        (
            jwt(r#"{"aud":"https://outlook.office365.com","roles":["IMAP.AccessAsApp"]}"#),
            "oauthbearer",
            "Add-MailboxPermission",
        ),
    ] {
        let command = format!(
            "oauth = {{ token_command = [\"printf\", \"%s\\\\n\", \"{token}\"], mechanism = \"{mechanism}\" }}\n"
        );
        let env = reader(&dovecot, &command);
        let start = std::time::Instant::now();
        let (_, told) = fetch(&env, 3);
        assert!(told.contains("refused the access token for `u1`"), "{told}");
        assert!(told.contains(hint), "{told}");
        // The server's complaint was acknowledged; unanswered, it would wait a minute.
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}

#[test]
fn a_command_may_bring_the_token() {
    let server = TokenServer::of(USER, SECRET);
    let Some(dovecot) = dovecot_with_tokens(&server.url("introspect")) else {
        return;
    };
    // Some run of another program got the token.
    let other = reader(&dovecot, &oauth(&server, BY_CLIENT));
    fetch(&other, 0);
    let (name, _) = kept(&other).remove(0);
    let kept_file = other.path("bouncekit.db.tokens").join(name);
    let kept_json: serde_json::Value =
        serde_json::from_slice(&fs::read(kept_file).unwrap()).unwrap();
    let token = kept_json["access_token"].as_str().unwrap().to_owned();

    let env = reader(
        &dovecot,
        "oauth = { token_command = [\"cat\", \"token\"] }\n",
    );
    env.write("token", format!("{token}\n"));
    dovecot.put("INBOX", "a", sample("postfix", 1));
    let (told, _) = fetch(&env, 0);
    assert!(told.contains("1 fetched"), "{told}");
    assert!(kept(&env).is_empty());
    env.write("token", "");
    let (_, told) = fetch(&env, 3);
    assert!(told.contains("is empty"), "{told}");
}

#[test]
fn two_runs_at_once_ask_once() {
    let server = TokenServer::start(USER, |_: &Form, token: &str| {
        thread::sleep(Duration::from_millis(300));
        (
            200,
            format!(r#"{{"access_token":"{token}","expires_in":3600}}"#),
        )
    });
    let Some(dovecot) = dovecot_with_tokens(&server.url("introspect")) else {
        return;
    };
    let env = reader(&dovecot, &oauth(&server, BY_CLIENT));
    let more =
        fs::read_to_string(env.path("bouncekit.toml")).unwrap() + "[[mailbox]]\nname = \"n\"\n";
    env.write("bouncekit.toml", more);
    let runs = ["m", "n", "m", "n"].map(|mailbox| {
        let child = env.command(["email:fetch", "--mailbox", mailbox]).spawn();
        child.unwrap()
    });
    for run in runs {
        let output = crate::support::finish(run);
        // Of two runs at one mailbox one ends at once.
        assert!(matches!(output.status.code(), Some(0 | 4)), "{output:?}");
    }
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_cache_that_cannot_be_written_and_one_open_to_others() {
    let server = TokenServer::of(USER, SECRET);
    let Some(dovecot) = dovecot_with_tokens(&server.url("introspect")) else {
        return;
    };
    let env = reader(&dovecot, &oauth(&server, BY_CLIENT));
    env.write("bouncekit.db.tokens", "a file in the way");
    let (_, told) = fetch(&env, 3);
    assert!(
        told.contains("cannot be kept") && told.contains("`token_cache`"),
        "{told}"
    );
    fs::remove_file(env.path("bouncekit.db.tokens")).unwrap();
    fetch(&env, 0);
    let (name, _) = kept(&env).remove(0);
    let path = env.path("bouncekit.db.tokens").join(name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let before = server.asked().len();
    fetch(&env, 0);
    assert_eq!(server.asked().len(), before + 1, "it was not believed");
    assert!(kept(&env).iter().all(|(_, mode)| *mode == 0o600));
}

#[test]
fn doctor_looks_at_the_token() {
    let server = TokenServer::of(USER, REFRESH);
    let Some(dovecot) = dovecot_with_tokens(&server.url("introspect")) else {
        return;
    };
    let mut env = reader(&dovecot, &oauth(&server, BY_REFRESH));
    let told = env.run(["doctor"]).stdout;
    for line in [
        "ok       refresh_token of mailbox `m`: can be read",
        "ok       token: given, for 59 minutes",
        "ok       log-in: as `u1`",
    ] {
        assert!(told.contains(line), "{told}");
    }
    assert!(
        !told.contains(REFRESH) && !told.contains("access-"),
        "{told}"
    );
    env.set("REFRESH", "another");
    let output = env.run(["doctor"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(
        output.stdout.contains("error    token: ") && output.stdout.contains("invalid_grant"),
        "{output:?}"
    );
}
