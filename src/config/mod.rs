//! The configuration file, typed: unknown keys are refused, relative paths are meant from its folder.

mod connection;
mod error;
mod hooks;
mod mailbox;
mod oauth;
mod provider;
mod rules;
mod secret;
mod webhook;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer};

pub use connection::{Connection, ConnectionKeys, LogIn, Security};
pub use error::ConfigError;
pub use hooks::Hooks;
pub use mailbox::{After, AfterKeys, Mailbox, MailboxKeys, MailboxKind, Monitor, Place, Watched};
pub use oauth::{Grant, Mechanism, OAuth, OAuthKeys, Service, TokenEndpoint, TokenSource};
pub use provider::{Confirm, ProviderKeys};
pub use rules::{OwnRule, OwnSample, own_rules};
pub use secret::{Secret, SecretError};
pub use webhook::Webhook;

use crate::{
    certificates,
    ingest::Signatures,
    message::SnsTrust,
    suppression::{Policy, duration},
    time::{DAY, SECOND},
    verp::SEPARATORS,
    webhook::{Expected, Provider},
};

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub store: Store,
    pub verp: Verp,
    /// General settings of all IMAP mailboxes.
    pub connection: ConnectionKeys,
    pub mailbox: Vec<MailboxKeys>,
    pub limits: Limits,
    pub archive: Archive,
    pub retention: Retention,
    pub policy: Policy,
    pub alarms: crate::report::Limits,
    pub webhook: Webhook,
    /// Mail providers by name, see [`crate::webhook::PROVIDERS`].
    pub provider: BTreeMap<String, ProviderKeys>,
    pub hooks: Hooks,
    /// Segments that `segments:apply` brings into the database.
    pub segment: Vec<SegmentKeys>,
    /// A file with own classification rules.
    pub rules_file: Option<PathBuf>,
}

/// The `[store]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    pub path: PathBuf,
    /// A PostgreSQL database, in the place of the file.
    pub url: Option<String>,
    pub password_env: Option<String>,
    pub password_file: Option<PathBuf>,
    pub password_command: Option<Vec<String>>,
    pub password_credential: Option<String>,
    /// How long to wait while another run writes.
    pub wait: Span,
}

impl Store {
    /// Where the password of `url` stands, if not in it.
    pub fn secret(&self) -> Option<Secret> {
        let file = self.password_file.clone().map(Secret::File);
        let command = || self.password_command.clone().map(Secret::Command);
        let credential = || self.password_credential.clone().map(Secret::Credential);
        let env = self.password_env.clone().map(Secret::Env);
        env.or(file).or_else(command).or_else(credential)
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            path: "bouncekit.db".into(),
            url: None,
            password_env: None,
            password_file: None,
            password_command: None,
            password_credential: None,
            wait: Span(30_000),
        }
    }
}

/// A `[[segment]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentKeys {
    pub name: String,
    /// In the filter language.
    pub filter: String,
    /// Whether `segments:update` builds it unasked.
    #[serde(default = "yes")]
    pub published: bool,
}

const fn yes() -> bool {
    true
}

/// The `[verp]` table: how our return addresses look and how far they are believed.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Verp {
    pub return_address: Option<String>,
    /// The return address, unless given.
    pub unsubscribe_address: Option<String>,
    pub unsubscribe_url: Option<String>,
    pub hash_header: String,
    /// The first one mints; all are read.
    pub separators: Vec<char>,
    /// Signing keys, newest first; the newest signs.
    pub keys: Vec<Secret>,
    pub signatures: Signatures,
    pub match_by_address: bool,
    /// How long after the send its hash is believed, but for unsubscribing; for ever, unless given.
    pub hash_lasting: Option<Span>,
    /// Only reports that prove they answer a mail of ours are believed.
    pub strict: bool,
    /// Hosts (authserv-id) whose Authentication-Results prove who asks to be unsubscribed without
    /// a hash.
    pub trusted_mail_hosts: Vec<String>,
}

impl Default for Verp {
    fn default() -> Self {
        Self {
            return_address: None,
            unsubscribe_address: None,
            unsubscribe_url: None,
            hash_header: crate::message::Options::default().hash_header,
            separators: SEPARATORS.to_vec(),
            keys: Vec::new(),
            signatures: Signatures::default(),
            match_by_address: true,
            hash_lasting: None,
            strict: false,
            trusted_mail_hosts: Vec::new(),
        }
    }
}

impl Verp {
    /// The separator of minted addresses.
    pub fn separator(&self) -> char {
        self.separators.first().copied().unwrap_or('+')
    }
}

/// The `[limits]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Octets; a larger message is recorded as such and not read.
    pub message_size: u32,
    /// Messages asked for at once.
    pub batch_messages: usize,
    /// Octets asked for at once.
    pub batch_bytes: u64,
    /// Webhook events applied in one transaction.
    pub batch_events: usize,
    /// The longest time for reading one item.
    pub message_time: Span,
    /// Octets for reading an item that ended an earlier run.
    pub message_memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size: 25 * 1024 * 1024,
            batch_messages: 500,
            batch_bytes: 4 * 1024 * 1024,
            // Large enough that sorted by key they share pages.
            batch_events: 100_000,
            message_time: Span(60 * SECOND),
            message_memory: 1 << 30,
        }
    }
}

/// The `[archive]` table: raw mails kept, so that they can be judged again.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Archive {
    pub keep: Keep,
    pub lasting: Span,
    /// Octets, compressed.
    pub size: u64,
}

/// The `[retention]` table: how long rows are kept; for ever, unless said.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    pub events: Option<Span>,
    pub sends: Option<Span>,
    pub runs: Option<Span>,
    pub quarantine: Option<Span>,
}

/// Which mails the archive keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// So that `reclassify` can judge everything again.
    #[default]
    All,
    /// What nothing recognised.
    Unrecognised,
    None,
}

impl Default for Archive {
    fn default() -> Self {
        Self {
            keep: Keep::default(),
            lasting: Span(90 * DAY),
            size: 1024 * 1024 * 1024,
        }
    }
}

/// Milliseconds, written as `90s`, `5m`, `2h`, `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub i64);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        duration(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl From<Span> for std::time::Duration {
    fn from(span: Span) -> Self {
        Self::from_millis(span.0.unsigned_abs())
    }
}

impl Config {
    /// Reads the configuration `text`; `file` names it in errors.
    ///
    /// # Errors
    /// With file, line and key, and a near name for a misspelt one.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, ConfigError> {
        let config: Self =
            toml::from_str(text).map_err(|error| ConfigError::of_toml(&error, text, file))?;
        for (index, mailbox) in config.mailbox.iter().enumerate() {
            let twice = config.mailbox[..index]
                .iter()
                .any(|m| m.name == mailbox.name);
            if twice || mailbox.name.is_empty() {
                return Err(ConfigError::new(
                    format!(
                        "{file}: two mailboxes are named `{}` (or one is nameless)",
                        mailbox.name
                    ),
                    "give each [[mailbox]] its own `name`",
                ));
            }
            config.resolved(mailbox, file)?;
        }
        for (name, provider) in &config.provider {
            provider.check(name, file)?;
        }
        for (index, segment) in config.segment.iter().enumerate() {
            let same =
                |other: &SegmentKeys| other.name.to_lowercase() == segment.name.to_lowercase();
            if config.segment[..index].iter().any(same) {
                return Err(ConfigError::new(
                    format!("{file}: two segments are named `{}`", segment.name),
                    "give each [[segment]] its own `name`",
                ));
            }
        }
        if config.limits.batch_messages == 0
            || config.limits.batch_bytes == 0
            || config.limits.batch_events == 0
        {
            return Err(ConfigError::new(
                format!("{file}: a batch of 0 never ends"),
                "leave out [limits] to get the defaults",
            ));
        }
        Ok(config)
    }

    /// The mailboxes, with every gap filled from `[connection]`.
    ///
    /// # Errors
    /// Never after [`Config::from_toml`], which tried it.
    pub fn mailboxes(&self) -> Result<Vec<Mailbox>, ConfigError> {
        let resolve = |mailbox| self.resolved(mailbox, "the configuration");
        self.mailbox.iter().map(resolve).collect()
    }

    /// The folder for OAuth tokens where none is named: the database's can be written to.
    fn tokens(&self) -> PathBuf {
        let mut name = self.store.path.clone().into_os_string();
        name.push(".tokens");
        name.into()
    }

    fn resolved(&self, mailbox: &MailboxKeys, file: &str) -> Result<Mailbox, ConfigError> {
        let resolved = mailbox.resolve(&self.connection, &self.tokens());
        resolved.map_err(|what| {
            ConfigError::new(
                format!("{file}: mailbox `{}` {what}", mailbox.name),
                "config.example.toml shows every key of a [[mailbox]]; connection keys stand in \
                 [connection] or [mailbox.connection]",
            )
        })
    }

    /// The table of a provider; an empty one where there is none.
    pub fn provider(&self, provider: &Provider) -> ProviderKeys {
        self.provider
            .get(provider.name)
            .cloned()
            .unwrap_or_default()
    }

    /// Where SNS signing certificates are.
    pub fn certificates(&self) -> certificates::Folder {
        let amazon = self.provider.get("amazon_ses");
        let given = amazon.and_then(|keys| keys.certificates.clone());
        certificates::Folder {
            path: given.unwrap_or_else(|| self.webhook.spool.join("certificates")),
            whole_chain: amazon.is_some_and(|keys| keys.whole_chain),
        }
    }

    /// Which notifications are believed that come as e-mail from SNS.
    pub fn sns_trust(&self) -> SnsTrust {
        self.provider
            .get("amazon_ses")
            .map_or_else(SnsTrust::default, |keys| SnsTrust {
                all: keys.trust_sns_mail,
                hosts: keys.trusted_mail_hosts.clone(),
            })
    }

    /// What requests of `provider` must prove; reads its secrets.
    ///
    /// # Errors
    /// When a secret cannot be read or a key is none.
    pub fn expected(&self, provider: &Provider) -> Result<Expected, ConfigError> {
        let webhook = &self.webhook;
        self.provider(provider).expected(
            provider.name,
            webhook.url.as_deref(),
            webhook.replay_window.0,
        )
    }

    /// Whether any secret stands in the file itself.
    pub fn has_inline_secret(&self) -> bool {
        self.connection.has_inline_secret()
            || self
                .mailbox
                .iter()
                .any(|m| m.connection.has_inline_secret())
            || self
                .verp
                .keys
                .iter()
                .any(|key| matches!(key, Secret::Inline(_)))
            || self.provider.values().any(ProviderKeys::has_inline_secret)
    }

    /// Makes relative paths start at `folder`, that of the file: cron's folder does not matter.
    pub fn resolve_paths(&mut self, folder: &Path) {
        self.store.path = folder.join(&self.store.path);
        if let Some(path) = &mut self.store.password_file {
            *path = folder.join(&*path);
        }
        self.connection.resolve_paths(folder);
        for mailbox in &mut self.mailbox {
            mailbox.connection.resolve_paths(folder);
            if let Some(path) = &mut mailbox.path {
                *path = folder.join(&*path);
            }
        }
        for key in &mut self.verp.keys {
            key.resolve_path(folder);
        }
        self.webhook.spool = folder.join(&self.webhook.spool);
        for provider in self.provider.values_mut() {
            provider.resolve_paths(folder);
        }
        if let Some(path) = &mut self.rules_file {
            *path = folder.join(&*path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> (String, String) {
        let error = Config::from_toml(text, "f.toml").unwrap_err();
        (error.to_string(), error.hint().to_owned())
    }

    #[test]
    fn errors_name_file_line_and_key_with_a_near_name() {
        let (cause, hint) = error("\n[store]\npth = 'x'\n");
        assert!(cause.starts_with("f.toml:3: "), "{cause}");
        assert!(cause.contains("`pth`"), "{cause}");
        assert!(hint.contains("`path`"), "{hint}");
        let (cause, _) = error("[store]\nwait = 'soon'\n");
        assert!(
            cause.contains("f.toml:2") && cause.contains("`soon`"),
            "{cause}"
        );
    }

    #[test]
    fn errors_never_show_a_secret() {
        for text in [
            "[connection]\npassword = ['hunter2']",
            "[verp]\nkeys = 'hunter2'",
            "[connection]\npassword = hunter2",
        ] {
            let (cause, hint) = error(text);
            assert!(
                !cause.contains("hunter2") && !hint.contains("hunter2"),
                "{cause} {hint}"
            );
        }
    }
}
