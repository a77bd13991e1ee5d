//! `[connection.oauth]`: where the token comes from that stands in for a password.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Secret;

/// Services whose addresses are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    Google,
    Microsoft,
}

/// How a token is shown to the IMAP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mechanism {
    /// Google's and Microsoft's own.
    Xoauth2,
    /// RFC 7628.
    Oauthbearer,
}

impl Mechanism {
    /// The name in AUTHENTICATE.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xoauth2 => "XOAUTH2",
            Self::Oauthbearer => "OAUTHBEARER",
        }
    }
}

/// The keys of `[connection.oauth]`, and of `[mailbox.connection.oauth]` where they overrule it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OAuthKeys {
    pub service: Option<Service>,
    pub tenant: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
    pub refresh_token: Option<Secret>,
    pub token_command: Option<Vec<String>>,
    pub token_endpoint: Option<String>,
    pub scope: Option<String>,
    pub mechanism: Option<Mechanism>,
    pub token_cache: Option<PathBuf>,
    pub ca_file: Option<PathBuf>,
}

/// Logging in with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth {
    pub source: TokenSource,
    /// What the server offers, where it is not said.
    pub mechanism: Option<Mechanism>,
}

/// Where tokens come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// A program that prints one and keeps it as long as it likes.
    Command(Secret),
    Endpoint(Box<TokenEndpoint>),
}

/// A token endpoint (RFC 6749, 3.2) and what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEndpoint {
    pub url: String,
    pub client_id: String,
    pub grant: Grant,
    pub scope: Option<String>,
    /// The folder that tokens are kept in.
    pub cache: PathBuf,
    /// Authorities to be trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
}

/// What proves that we may have a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// RFC 6749, 4.4: the program itself may.
    ClientCredentials { secret: Secret },
    /// RFC 6749, 6: a person said so once.
    RefreshToken {
        token: Secret,
        secret: Option<Secret>,
    },
}

impl OAuthKeys {
    /// The secrets among these keys, with the names of theirs.
    fn secrets(&self) -> impl Iterator<Item = &Secret> {
        [&self.client_secret, &self.refresh_token]
            .into_iter()
            .flatten()
    }

    pub(super) fn has_inline_secret(&self) -> bool {
        self.secrets()
            .any(|secret| matches!(secret, Secret::Inline(_)))
    }

    pub(super) fn resolve_paths(&mut self, folder: &Path) {
        for path in [&mut self.token_cache, &mut self.ca_file]
            .into_iter()
            .flatten()
        {
            *path = folder.join(&*path);
        }
        for secret in [&mut self.client_secret, &mut self.refresh_token]
            .into_iter()
            .flatten()
        {
            secret.resolve_path(folder);
        }
    }

    /// These keys over the `general` ones. `cache` is the folder for tokens where none is named. The
    /// error completes "mailbox `x` ...".
    pub(super) fn over(&self, general: &Self, cache: &Path) -> Result<OAuth, String> {
        let mechanism = self.mechanism.or(general.mechanism);
        if let Some(command) = self.command(general) {
            return Ok(OAuth {
                source: TokenSource::Command(Secret::Command(command)),
                mechanism,
            });
        }
        let text = |own: &Option<String>, general: &Option<String>| {
            own.clone().or_else(|| general.clone())
        };
        let secret = |own: &Option<Secret>, general: &Option<Secret>| {
            own.clone().or_else(|| general.clone())
        };
        let service = self.service.or(general.service);
        let client_secret = secret(&self.client_secret, &general.client_secret);
        let grant = match secret(&self.refresh_token, &general.refresh_token) {
            Some(token) => Grant::RefreshToken {
                token,
                secret: client_secret,
            },
            None if service == Some(Service::Google) => {
                return Err(
                    "has no `refresh_token` in [connection.oauth]: Google gives tokens \
                            for a mailbox to nobody else"
                        .into(),
                );
            }
            None => Grant::ClientCredentials {
                secret: client_secret.ok_or(
                    "has neither `refresh_token` nor `client_secret` nor `token_command` in \
                     [connection.oauth]",
                )?,
            },
        };
        let tenant = text(&self.tenant, &general.tenant);
        let url = text(&self.token_endpoint, &general.token_endpoint)
            .map_or_else(|| endpoint_of(service, tenant.as_deref(), &grant), Ok)?;
        check_endpoint(&url)?;
        let scope = text(&self.scope, &general.scope);
        Ok(OAuth {
            source: TokenSource::Endpoint(Box::new(TokenEndpoint {
                client_id: text(&self.client_id, &general.client_id)
                    .ok_or("has no `client_id` in [connection.oauth]")?,
                scope: scope.or_else(|| scope_of(service, &grant)),
                url,
                grant,
                cache: self
                    .token_cache
                    .clone()
                    .or_else(|| general.token_cache.clone())
                    .unwrap_or_else(|| cache.to_owned()),
                ca_file: self.ca_file.clone().or_else(|| general.ca_file.clone()),
            })),
            mechanism,
        })
    }

    /// The command, where that is the way. What a mailbox says itself comes first; in one table the
    /// command does.
    fn command(&self, general: &Self) -> Option<Vec<String>> {
        if self.token_command.is_none() && self.secrets().next().is_some() {
            return None;
        }
        self.token_command
            .clone()
            .or_else(|| general.token_command.clone())
    }
}

fn endpoint_of(
    service: Option<Service>,
    tenant: Option<&str>,
    grant: &Grant,
) -> Result<String, String> {
    let tenant = match (service, grant) {
        (None, _) => {
            return Err("has no `token_endpoint` (or `service`) in [connection.oauth]".into());
        }
        (Some(Service::Google), _) => return Ok("https://oauth2.googleapis.com/token".into()),
        (Some(Service::Microsoft), Grant::ClientCredentials { .. }) => tenant
            .ok_or("has no `tenant` in [connection.oauth]: the directory's id, or its domain")?,
        (Some(Service::Microsoft), Grant::RefreshToken { .. }) => tenant.unwrap_or("common"),
    };
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-.".contains(&octet);
    if tenant.is_empty() || !tenant.bytes().all(plain) {
        return Err(format!(
            "has a `tenant` that is no id and no domain: `{tenant}`"
        ));
    }
    Ok(format!(
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    ))
}

fn scope_of(service: Option<Service>, grant: &Grant) -> Option<String> {
    (service == Some(Service::Microsoft)).then(|| {
        match grant {
            Grant::ClientCredentials { .. } => "https://outlook.office365.com/.default",
            Grant::RefreshToken { .. } => {
                "https://outlook.office.com/IMAP.AccessAsUser.All offline_access"
            }
        }
        .to_owned()
    })
}

/// Secrets are sent there: protected, or to this machine.
fn check_endpoint(url: &str) -> Result<(), String> {
    let local = ["127.0.0.1", "localhost", "[::1]"];
    let fits = url.starts_with("https://")
        || url.strip_prefix("http://").is_some_and(|rest| {
            let authority = rest.split('/').next().unwrap_or(rest);
            local.iter().any(|host| {
                authority
                    .strip_prefix(host)
                    .is_some_and(|port| port.is_empty() || port.starts_with(':'))
            }) && !authority.contains('@')
        });
    if fits {
        return Ok(());
    }
    Err(format!(
        "has a `token_endpoint` that is not https (http goes to this machine only): `{url}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> OAuthKeys {
        toml::from_str(text).unwrap()
    }

    fn endpoint(own: &str, general: &str) -> Result<TokenEndpoint, String> {
        match keys(own).over(&keys(general), Path::new("kept"))?.source {
            TokenSource::Endpoint(endpoint) => Ok(*endpoint),
            TokenSource::Command(command) => Err(format!("{command:?}")),
        }
    }

    #[test]
    fn services_fill_in_what_is_known_of_them() {
        let google = endpoint(
            "refresh_token = { env = 'R' }",
            "service = 'google'\nclient_id = 'c'\nclient_secret = { env = 'S' }",
        )
        .unwrap();
        assert_eq!(google.url, "https://oauth2.googleapis.com/token");
        assert_eq!(google.cache, Path::new("kept"));
        assert_eq!(
            google.grant,
            Grant::RefreshToken {
                token: Secret::Env("R".into()),
                secret: Some(Secret::Env("S".into()))
            }
        );
        let general = "service = 'microsoft'\nclient_id = 'c'\ntenant = 'example.com'\nclient_secret = { file = 's' }";
        let microsoft = endpoint("", general).unwrap();
        assert_eq!(
            microsoft.url,
            "https://login.microsoftonline.com/example.com/oauth2/v2.0/token"
        );
        assert_eq!(
            microsoft.scope.as_deref(),
            Some("https://outlook.office365.com/.default")
        );
        let delegated = endpoint("refresh_token = { env = 'R' }", general).unwrap();
        assert!(delegated.scope.unwrap().contains("IMAP.AccessAsUser.All"));
    }

    #[test]
    fn a_command_is_a_way_of_its_own() {
        let shown = endpoint("token_command = ['oama', 'access', 'x']", "client_id = 'c'");
        assert_eq!(shown.unwrap_err(), "Command(oama)");
        let both = "token_command = ['x']\nrefresh_token = { env = 'R' }";
        assert_eq!(endpoint(both, "").unwrap_err(), "Command(x)");
        // What a mailbox says itself is meant.
        let own = "client_secret = { env = 'S' }\ntoken_endpoint = 'https://x/y'\nclient_id = 'c'";
        assert!(endpoint(own, "token_command = ['x']").is_ok());
    }

    #[test]
    fn what_is_missing_or_unprotected_is_named() {
        for (text, word) in [
            ("", "neither"),
            (
                "service = 'google'\nclient_secret = { env = 'S' }",
                "`refresh_token`",
            ),
            ("refresh_token = { env = 'R' }", "`token_endpoint`"),
            (
                "service = 'microsoft'\nclient_secret = { env = 'S' }",
                "`tenant`",
            ),
            (
                "service = 'microsoft'\ntenant = 'a/b'\nclient_secret = { env = 'S' }",
                "`a/b`",
            ),
            (
                "refresh_token = { env = 'R' }\ntoken_endpoint = 'https://x/y'",
                "`client_id`",
            ),
        ] {
            let told = endpoint(text, "").unwrap_err();
            assert!(told.contains(word), "{text}: {told}");
        }
        for (url, fits) in [
            ("https://login.example.com/token", true),
            ("http://127.0.0.1:8080/token", true),
            ("http://localhost/token", true),
            ("http://localhost.example.com/token", false),
            ("http://localhost:1@example.com/token", false),
            ("http://login.example.com/token", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(check_endpoint(url).is_ok(), fits, "{url}");
        }
    }
}
