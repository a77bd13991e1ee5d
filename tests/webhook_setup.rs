//! `webhook:setup` and `webhook:test`, for every provider.

use bouncekit_core::webhook::{PROVIDERS, Scheme};

use crate::support::{TestEnv, cgi::Lighttpd, proofs::Proofs};

#[test]
fn every_provider_is_told_where_to_call_and_proven() {
    let env = TestEnv::new();
    Proofs::configure(&env, "[webhook]\nurl = 'https://news.example.com/'\n");
    let bare = TestEnv::with_config("");
    for provider in PROVIDERS {
        let out = env.run(["webhook:setup", provider.name]).done();
        let path = format!("news.example.com/mailer/{}/callback", provider.callbacks[0]);
        assert!(
            out.contains(&path) && out.contains("are proven before"),
            "{out}"
        );
        for part in [provider.setup.events, provider.setup.keys].concat() {
            assert!(out.contains(part), "{out}");
        }
        for secret in [
            "mandrill-key",
            "sparkpost-token",
            "mailjet-password",
            "elastic-secret",
        ] {
            assert!(!out.contains(secret), "{out}");
        }
        let out = bare.run(["webhook:setup", provider.callbacks[0]]).done();
        assert!(
            out.contains("set `url` in [webhook]") && out.contains("nothing of this provider"),
            "{out}"
        );
    }
    let (_, err) = env.run(["webhook:setup", "postmark"]).exit(2);
    assert!(
        err.contains("`postmark`") && err.contains("sparkpost"),
        "{err}"
    );
}

#[test]
fn the_keys_it_shows_are_keys_of_the_configuration() {
    for provider in PROVIDERS {
        let mut table = format!("[provider.{}]\n", provider.name);
        table.extend(provider.setup.keys.iter().map(|key| format!("{key}\n")));
        bouncekit_core::config::Config::from_toml(&table, "shown").unwrap();
    }
}

#[test]
fn the_sample_takes_the_way_of_a_callback_and_leaves_nothing() {
    let env = TestEnv::new();
    Proofs::configure(&env, "");
    for provider in PROVIDERS {
        let out = env.run(["webhook:test", provider.name]).exit(0).0;
        let (status, said) = match provider.scheme {
            Scheme::Sns | Scheme::SendGrid => ("answered: 403", "that is right"),
            _ => ("answered: 200 received", "means: hard_bounce of "),
        };
        assert!(out.contains(status) && out.contains(said), "{out}");
        assert!(out.contains("means: hard_bounce of "), "{out}");
        for secret in ["sparkpost-token", "mailjet-password", "elastic-secret"] {
            assert!(!out.contains(secret), "{out}");
        }
    }
    assert!(env.spooled("new").is_empty());
    assert_eq!(std::fs::read_dir(env.path("tmp")).unwrap().count(), 0);
    // Without a key the sample is refused, and that is a failure to be seen.
    let (out, _) = TestEnv::with_config("")
        .run(["webhook:test", "mailjet"])
        .exit(1);
    assert!(
        out.contains("answered: 403") && out.contains("webhook:setup"),
        "{out}"
    );
}

#[test]
fn the_sample_goes_to_a_real_server_too() {
    let env = TestEnv::new();
    Proofs::configure(&env, "");
    let Some(server) = Lighttpd::start(&env) else {
        return;
    };
    let url = server.url();
    for (index, name) in ["mandrill", "sparkpost", "mailjet", "elasticemail"]
        .iter()
        .enumerate()
    {
        let out = env.run(["webhook:test", name, "--url", &url]).done();
        assert!(out.contains("answered: 200 received"), "{out}");
        assert_eq!(env.spooled("new").len(), index + 1);
    }
    drop(server);
    let (_, err) = env.run(["webhook:test", "mailjet", "--url", &url]).exit(3);
    assert!(err.contains("hint: is the web server running"), "{err}");
}
