//! The configuration, its secrets, the spool's folder, and how return addresses are made.

use std::path::Path;

use bouncekit_core::{
    config::{Grant, LogIn, OAuth, Place, Secret, TokenSource},
    ingest::Signatures,
};

use super::{Context, Finding, finding::privacy};

pub(super) fn configuration(context: &Context, fix: bool) -> Vec<Finding> {
    let Some(path) = &context.config_path else {
        return vec![
            Finding::note("configuration", "there is none: the defaults count").mend(
                "write bouncekit.toml, see config.example.toml; or name one with --config FILE",
            ),
        ];
    };
    let mut findings = vec![Finding::ok(
        "configuration",
        format!("`{}` is read", path.display()),
    )];
    if context.config.has_inline_secret() {
        findings.push(privacy("secrets in the configuration", path, 0o600, fix));
    }
    if context.config.rules_file.is_some() {
        findings.push(match context.rules() {
            Ok(_) => Finding::ok("rules_file", "is read"),
            Err(error) => Finding::failed("rules_file", &error),
        });
    }
    if context.config.mailbox.is_empty() && context.config.provider.is_empty() {
        findings.push(
            Finding::note("sources", "neither a mailbox nor a provider is configured")
                .mend("[[mailbox]] or [provider.NAME], see config.example.toml"),
        );
    }
    findings
}

/// Every secret: whether it can be had, and who else can.
pub(super) fn secrets(context: &Context, fix: bool) -> Vec<Finding> {
    let config = &context.config;
    let mut named: Vec<(String, Secret)> = Vec::new();
    for mailbox in config.mailboxes().unwrap_or_default() {
        if let Place::Imap(connection) = mailbox.place {
            let of = |what: &str| format!("{what} of mailbox `{}`", mailbox.name);
            named.extend(match connection.log_in {
                LogIn::Password(password) => vec![(of("password"), password)],
                LogIn::OAuth(oauth) => secrets_of(oauth)
                    .into_iter()
                    .map(|(what, secret)| (of(what), secret))
                    .collect(),
            });
        }
    }
    for (number, key) in config.verp.keys.iter().enumerate() {
        named.push((format!("signing key {}", number + 1), key.clone()));
    }
    for (name, keys) in &config.provider {
        let of_provider = [
            ("password", &keys.password),
            ("secret", &keys.secret),
            ("token", &keys.token),
            ("key", &keys.key),
        ];
        for (key, secret) in of_provider {
            if let Some(secret) = secret {
                named.push((format!("{key} of provider `{name}`"), secret.clone()));
            }
        }
    }
    named
        .iter()
        .flat_map(|(name, secret)| of_secret(name, secret, fix))
        .collect()
}

fn secrets_of(oauth: OAuth) -> Vec<(&'static str, Secret)> {
    let TokenSource::Endpoint(endpoint) = oauth.source else {
        // Its command is run when the mailbox is looked at.
        return Vec::new();
    };
    match endpoint.grant {
        Grant::ClientCredentials { secret } => vec![("client_secret", secret)],
        Grant::RefreshToken { token, secret } => [
            Some(("refresh_token", token)),
            secret.map(|secret| ("client_secret", secret)),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

fn of_secret(name: &str, secret: &Secret, fix: bool) -> Vec<Finding> {
    // An empty inline password is how some providers want it.
    let read = match secret {
        Secret::Inline(_) => Ok(()),
        other => other.read().map(drop),
    };
    let mut findings = vec![match read {
        Ok(()) => Finding::ok(name, "can be read"),
        Err(error) => Finding::error(name, error)
            .mend("cron knows neither your environment nor your folder: use a file or a command"),
    }];
    if let Secret::File(path) = secret
        && path.exists()
    {
        findings.push(privacy(name, path, 0o600, fix));
    }
    findings
}

/// The folder that received requests wait in.
pub(super) fn spool(folder: &Path, fix: bool) -> Option<Finding> {
    folder
        .exists()
        .then(|| privacy("spool", folder, 0o700, fix))
}

/// How return addresses are made and believed.
pub(super) fn return_addresses(context: &Context) -> Vec<Finding> {
    let verp = &context.config.verp;
    let mut findings = Vec::new();
    match &verp.return_address {
        None => findings.push(
            Finding::note(
                "return address",
                "none: fine as long as another program (Mautic) makes the addresses",
            )
            .mend("[verp] return_address = \"news@example.com\""),
        ),
        Some(address) => {
            findings.push(Finding::ok("return address", format!("`{address}`")));
            findings.extend(
                rewriting(address, "return_address")
                    .map(|(found, mend)| Finding::warning("return address", found).mend(mend)),
            );
        }
    }
    let separators: String = verp.separators.iter().collect();
    findings.push(if verp.separators.is_empty() {
        Finding::error("separators", "none: no return address is recognised")
            .mend("[verp] separators = [\"+\", \"-\", \"=\"]")
    } else {
        Finding::ok("separators", format!("`{separators}`"))
    });
    findings.push(match context.signing_keys() {
        Err(error) => Finding::failed("signing keys", &error),
        Ok(keys) if keys.is_empty() => Finding::note(
            "signing keys",
            "none: hashes of Mautic can be guessed, so a stranger can have an address suppressed",
        )
        .mend("openssl rand -base64 32, into a file named in [verp] keys = [{ file = \"...\" }]"),
        Ok(_) => Finding::ok("signing keys", format!("{}", verp.keys.len())),
    });
    findings.push(
        if verp.keys.is_empty() && verp.signatures == Signatures::Require {
            Finding::error(
                "signatures",
                "\"require\" without a key: no return address is believed",
            )
            .mend("[verp] keys = [...], or signatures = \"accept\"")
        } else if verp.strict {
            Finding::ok("strict", "on: reports that prove nothing are only recorded")
        } else {
            Finding::note(
                "strict",
                "off: a report may name its recipient by address alone",
            )
            .mend("[verp] strict = true, once every mail leaves with a hash")
        },
    );
    findings
}

/// Services that put an address of their own into the Return-Path, and what works there. `given`
/// says which setting named the host or address.
pub(super) fn rewriting(name: &str, given: &str) -> Option<(String, &'static str)> {
    let host = name.rsplit('@').next().unwrap_or(name).to_lowercase();
    let of = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
    if ["gmail.com", "googlemail.com", "google.com"]
        .into_iter()
        .any(of)
    {
        return Some((
            format!(
                "{given} `{name}`: Gmail sets the Return-Path of what is sent through it to the \
                 account's own address, so no hash comes back in it"
            ),
            "send the X-Bouncekit-Send header (sends:headers) and your own Message-ID: bounces \
             return them, and both are recognised; or send by another server",
        ));
    }
    if host.contains("amazonses") || of("amazonaws.com") {
        return Some((
            format!("{given} `{name}`: Amazon SES sets a Return-Path of its own"),
            "take bounces from SNS: bouncekit webhook:setup amazon_ses",
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::rewriting;

    #[test]
    fn services_that_rewrite_are_told_by_whole_labels() {
        for (name, found) in [
            ("imap.gmail.com", true),
            ("News@GoogleMail.com", true),
            ("email-smtp.eu-west-1.amazonaws.com", true),
            ("bounce@amazonses.com", true),
            ("news@notgmail.com", false),
            ("imap.example.com", false),
        ] {
            assert_eq!(rewriting(name, "host").is_some(), found, "{name}");
        }
    }
}
