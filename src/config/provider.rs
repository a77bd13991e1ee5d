//! The `[provider.NAME]` tables: how a mail provider proves its callbacks.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, Secret};
use crate::webhook::{
    Expected, Hmac, Level, MandrillUrl, Provider, Scheme, signature::sendgrid::PublicKey,
};

/// A `[provider.NAME]` table as it stands in the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderKeys {
    /// Unless given, `require` for what is received and `warn` for what is replayed.
    pub verify: Option<Level>,
    /// Basic authentication.
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// A secret in the URL.
    pub secret: Option<Secret>,
    /// SparkPost's token.
    pub token: Option<Secret>,
    /// Mandrill's key.
    pub key: Option<Secret>,
    /// The webhook's URL as it is spelt at Mandrill, where it is not that of `[webhook]`.
    pub url: Option<String>,
    /// SendGrid's verification key: base64 or PEM.
    pub public_key: Option<String>,
    pub public_key_file: Option<PathBuf>,
    /// ARNs of our SNS topics.
    pub topics: Vec<String>,
    /// The folder with SNS signing certificates.
    pub certificates: Option<PathBuf>,
    /// Whether a missing certificate is fetched from Amazon, by `webhook:replay` only.
    pub fetch_certificates: bool,
    /// Whether a certificate whose issuers are not at hand is refused.
    pub whole_chain: bool,
    pub confirm: Confirm,
    /// Trusted authorities for HTTPS to Amazon, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether every notification that comes as e-mail from SNS is believed.
    pub trust_sns_mail: bool,
    /// Or those for which one of these hosts vouches in Authentication-Results.
    pub trusted_mail_hosts: Vec<String>,
}

/// What becomes of an SNS subscription that waits to be confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// It is confirmed, if it is signed and the topic is one of ours.
    Auto,
    /// It is shown to a person.
    #[default]
    Print,
}

impl ProviderKeys {
    /// Complains about the table of an unknown provider, and about keys that are another's.
    pub(super) fn check(&self, name: &str, file: &str) -> Result<(), ConfigError> {
        let known = || crate::webhook::PROVIDERS.iter();
        let Some(provider) = known().find(|provider| provider.name == name) else {
            let meant = Provider::named(name).map_or_else(
                || {
                    known()
                        .map(|provider| provider.name)
                        .collect::<Vec<_>>()
                        .join(", ")
                },
                |provider| provider.name.to_owned(),
            );
            return Err(ConfigError::new(
                format!("{file}: [provider.{name}]: there is no provider `{name}`"),
                &format!("write [provider.NAME] with NAME one of: {meant}"),
            ));
        };
        let wrong = |key: &str, hint: &str| {
            Err(ConfigError::new(
                format!("{file}: [provider.{name}]: `{key}` is not for this provider"),
                hint,
            ))
        };
        let scheme = provider.scheme;
        if scheme != Scheme::Mandrill && (self.key.is_some() || self.url.is_some()) {
            let key = if self.key.is_some() { "key" } else { "url" };
            return wrong(key, "only Mandrill signs with a shared key over the URL");
        }
        if scheme != Scheme::SendGrid
            && (self.public_key.is_some() || self.public_key_file.is_some())
        {
            return wrong("public_key", "only SendGrid signs with a key pair");
        }
        if !matches!(scheme, Scheme::Token(_)) && self.token.is_some() {
            return wrong("token", "use `user` and `password`, or `secret`");
        }
        let of_sns = [
            ("topics", !self.topics.is_empty()),
            ("certificates", self.certificates.is_some()),
            ("fetch_certificates", self.fetch_certificates),
            ("whole_chain", self.whole_chain),
            ("confirm", self.confirm != Confirm::default()),
            ("ca_file", self.ca_file.is_some()),
            ("trust_sns_mail", self.trust_sns_mail),
            ("trusted_mail_hosts", !self.trusted_mail_hosts.is_empty()),
        ];
        if scheme != Scheme::Sns
            && let Some((key, _)) = of_sns.iter().find(|(_, given)| *given)
        {
            return wrong(key, "it belongs to [provider.amazon_ses]");
        }
        if self.password.is_some() != self.user.is_some() {
            return Err(ConfigError::new(
                format!("{file}: [provider.{name}]: `user` and `password` belong together"),
                "give both, or none",
            ));
        }
        Ok(())
    }

    pub(super) fn has_inline_secret(&self) -> bool {
        [&self.password, &self.secret, &self.token, &self.key]
            .into_iter()
            .any(|secret| matches!(secret, Some(Secret::Inline(_))))
    }

    pub(super) fn resolve_paths(&mut self, folder: &Path) {
        for secret in [
            &mut self.password,
            &mut self.secret,
            &mut self.token,
            &mut self.key,
        ]
        .into_iter()
        .flatten()
        {
            secret.resolve_path(folder);
        }
        for path in [
            &mut self.public_key_file,
            &mut self.certificates,
            &mut self.ca_file,
        ]
        .into_iter()
        .flatten()
        {
            *path = folder.join(&*path);
        }
    }

    /// Reads the secrets: what the requests of this provider must prove.
    pub(super) fn expected(
        &self,
        name: &str,
        base: Option<&str>,
        replay_window: i64,
    ) -> Result<Expected, ConfigError> {
        let failed = |key: &str, cause: String| {
            ConfigError::new(
                format!("[provider.{name}]: `{key}`: {cause}"),
                &format!("`bouncekit webhook:setup {name}` says where the key comes from"),
            )
        };
        let read = |key: &str, secret: &Option<Secret>| {
            let read = |secret: &Secret| {
                secret
                    .read()
                    .map_err(|error| failed(key, error.to_string()))
            };
            secret.as_ref().map(read).transpose()
        };
        // An empty password is legal with a user name that is the secret; it cannot be read as one.
        let password = match &self.password {
            Some(Secret::Inline(text)) if text.is_empty() => Some(String::new()),
            other => read("password", other)?,
        };
        let public_key = match (&self.public_key, &self.public_key_file) {
            (Some(text), _) => Some(text.clone()),
            (None, Some(path)) => Some(std::fs::read_to_string(path).map_err(|cause| {
                failed("public_key_file", format!("`{}`: {cause}", path.display()))
            })?),
            (None, None) => None,
        };
        let public_key = public_key.map(|text| {
            PublicKey::parse(&text)
                .ok_or_else(|| failed("public_key", "it is no key on P-256, base64 or PEM".into()))
        });
        let hmac = match (read("key", &self.key)?, &self.url, base) {
            (None, ..) => None,
            (Some(key), Some(url), _) => Some((key, MandrillUrl::Whole(url.clone()))),
            (Some(key), None, Some(base)) => Some((key, MandrillUrl::Base(base.to_owned()))),
            (Some(_), None, None) => {
                return Err(failed(
                    "key",
                    "the signature is over the URL too, and none is configured: set `url` in \
                     [webhook]"
                        .into(),
                ));
            }
        };
        Ok(Expected {
            basic: self.user.clone().zip(password),
            url_secret: read("secret", &self.secret)?,
            token: read("token", &self.token)?,
            public_key: public_key.transpose()?,
            hmac: hmac.map(|(key, url)| Hmac { key, url }),
            topics: self.topics.clone(),
            replay_window,
        })
    }
}
