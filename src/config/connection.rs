//! How a mailbox is reached: general settings, and what one mailbox says otherwise.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::{
    Secret, Span,
    oauth::{OAuth, OAuthKeys},
};

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the first byte (RFC 8314; port 993).
    #[default]
    Tls,
    /// TLS after STARTTLS (port 143); refused when the server does not offer it.
    StartTls,
    /// No protection; only to this machine, unless `allow_plain` is set.
    Plain,
}

impl Security {
    pub const fn port(self) -> u16 {
        match self {
            Self::Tls => 993,
            Self::StartTls | Self::Plain => 143,
        }
    }
}

/// The keys of `[connection]`, and of each `[[mailbox]]` where they overrule it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionKeys {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub security: Option<Security>,
    pub allow_plain: Option<bool>,
    pub ca_file: Option<PathBuf>,
    pub user: Option<String>,
    pub password: Option<String>,
    pub password_env: Option<String>,
    pub password_file: Option<PathBuf>,
    pub password_command: Option<Vec<String>>,
    pub password_credential: Option<String>,
    pub oauth: Option<OAuthKeys>,
    pub connect_timeout: Option<Span>,
    pub read_timeout: Option<Span>,
    pub total_timeout: Option<Span>,
}

/// A connection with every gap filled.
#[derive(Clone, Debug)]
pub struct Connection {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub allow_plain: bool,
    pub ca_file: Option<PathBuf>,
    pub user: String,
    pub log_in: LogIn,
    pub connect_timeout: Duration,
    /// The longest silence.
    pub read_timeout: Duration,
    /// The longest time for everything done over one connection.
    pub total_timeout: Duration,
}

/// What proves who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogIn {
    Password(Secret),
    OAuth(OAuth),
}

impl ConnectionKeys {
    /// The one password key given, or none, or the complaint that there are two.
    fn secret(&self) -> Result<Option<Secret>, String> {
        let mut given: Vec<Secret> = [
            self.password.clone().map(Secret::Inline),
            self.password_env.clone().map(Secret::Env),
            self.password_file.clone().map(Secret::File),
            self.password_command.clone().map(Secret::Command),
            self.password_credential.clone().map(Secret::Credential),
        ]
        .into_iter()
        .flatten()
        .collect();
        if given.len() > 1 {
            return Err(
                "gives more than one of `password`, `password_env`, `password_file`, \
                        `password_command` and `password_credential`"
                    .into(),
            );
        }
        Ok(given.pop())
    }

    /// Whether a password or another secret stands in the file itself.
    pub fn has_inline_secret(&self) -> bool {
        let oauth = self.oauth.as_ref();
        self.password.is_some() || oauth.is_some_and(OAuthKeys::has_inline_secret)
    }

    /// A password or a token: whichever a mailbox names itself, else the general one.
    fn log_in(&self, general: &Self, tokens: &Path) -> Result<LogIn, String> {
        for keys in [self, general] {
            match (keys.secret()?, &keys.oauth) {
                (Some(_), Some(_)) => return Err("gives both a password and `oauth`".into()),
                (Some(password), None) => return Ok(LogIn::Password(password)),
                (None, Some(own)) => {
                    let general = general.oauth.clone().unwrap_or_default();
                    return own.over(&general, tokens).map(LogIn::OAuth);
                }
                (None, None) => {}
            }
        }
        Err("has neither a password nor `oauth`".into())
    }

    /// These keys over the `general` ones, with the defaults behind both; `tokens` is the folder for
    /// OAuth tokens where none is named. The error completes "mailbox `x` ...".
    pub(super) fn over(&self, general: &Self, tokens: &Path) -> Result<Connection, String> {
        let security = self.security.or(general.security).unwrap_or_default();
        let host = self.host.clone().or_else(|| general.host.clone());
        let user = self.user.clone().or_else(|| general.user.clone());
        let span = |own: Option<Span>, general: Option<Span>, seconds| {
            own.or(general)
                .map_or(Duration::from_secs(seconds), Duration::from)
        };
        Ok(Connection {
            host: host.ok_or("has no `host`")?,
            // A port belongs to the security it stands beside.
            port: self
                .port
                .or(if self.security.is_none() {
                    general.port
                } else {
                    None
                })
                .unwrap_or(security.port()),
            security,
            allow_plain: self.allow_plain.or(general.allow_plain).unwrap_or(false),
            ca_file: self.ca_file.clone().or_else(|| general.ca_file.clone()),
            user: user.ok_or("has no `user`")?,
            log_in: self.log_in(general, tokens)?,
            connect_timeout: span(self.connect_timeout, general.connect_timeout, 20),
            read_timeout: span(self.read_timeout, general.read_timeout, 60),
            total_timeout: span(self.total_timeout, general.total_timeout, 3600),
        })
    }

    pub(super) fn resolve_paths(&mut self, folder: &Path) {
        if let Some(oauth) = &mut self.oauth {
            oauth.resolve_paths(folder);
        }
        for path in [&mut self.ca_file, &mut self.password_file]
            .into_iter()
            .flatten()
        {
            *path = folder.join(&*path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_overrules_the_general_settings() {
        let general: ConnectionKeys = toml::from_str(
            "host = 'a'\nuser = 'u'\npassword_env = 'X'\nport = 9930\nread_timeout = '5s'",
        )
        .unwrap();
        let own: ConnectionKeys = toml::from_str("user = 'v'\npassword_file = 'p'").unwrap();
        let merged = own.over(&general, Path::new("t")).unwrap();
        assert_eq!((merged.host.as_str(), merged.user.as_str()), ("a", "v"));
        assert_eq!(merged.log_in, LogIn::Password(Secret::File("p".into())));
        assert_eq!(merged.port, 9930);
        assert_eq!(merged.read_timeout, Duration::from_secs(5));
        let own: ConnectionKeys = toml::from_str("security = 'starttls'").unwrap();
        assert_eq!(own.over(&general, Path::new("t")).unwrap().port, 143);
        let two: ConnectionKeys = toml::from_str("password = 'a'\npassword_env = 'X'").unwrap();
        assert!(
            two.over(&general, Path::new("t"))
                .unwrap_err()
                .contains("more than one")
        );
    }

    #[test]
    fn a_mailbox_chooses_between_password_and_token() {
        let general: ConnectionKeys =
            toml::from_str("host = 'a'\nuser = 'u'\noauth = { token_command = ['x'] }").unwrap();
        let own = |text: &str| {
            let own: ConnectionKeys = toml::from_str(text).unwrap();
            own.over(&general, Path::new("t")).map(|own| own.log_in)
        };
        assert!(matches!(own("").unwrap(), LogIn::OAuth(_)));
        assert!(matches!(
            own("password_env = 'P'").unwrap(),
            LogIn::Password(_)
        ));
        let both = own("password_env = 'P'\noauth = { token_command = ['y'] }");
        assert!(both.unwrap_err().contains("both"));
    }
}
