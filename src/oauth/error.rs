//! Why there is no token, and what to do about it.

use std::{fmt, io};

use crate::{config::SecretError, https::HttpsError};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    #[error("{0}")]
    Secret(SecretError),
    #[error("the token endpoint {0}")]
    Unreachable(HttpsError),
    #[error("{0}")]
    Refused(Box<Refusal>),
    #[error("{0} is no token: one line of visible ASCII was expected")]
    NoToken(&'static str),
    #[error("the token cannot be kept in `{path}`: {cause}")]
    Cache { path: String, cause: io::Error },
}

/// What the token endpoint said (RFC 6749, 5.2).
#[derive(Debug)]
pub struct Refusal {
    pub(super) host: String,
    pub(super) status: u16,
    pub(super) code: Option<String>,
    pub(super) description: String,
    pub(super) client_credentials: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the token endpoint `{}` gives no token: ", self.host)?;
        let Some(code) = &self.code else {
            return write!(f, "HTTP status {}", self.status);
        };
        write!(f, "{}", brief(code))?;
        // Microsoft appends identifiers for its own support.
        let description = self.description.lines().next().unwrap_or_default();
        let description = description.split(" Trace ID:").next().unwrap_or_default();
        if description.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", brief(description))
    }
}

fn brief(text: &str) -> String {
    text.chars().take(300).collect()
}

const NEW_SECRET: &str = "the client secret expired: make a new one in Entra (App registrations > \
                          Certificates & secrets) and put its Value into `client_secret`";
const WRONG_SECRET: &str = "`client_secret` is wrong: the secret's Value is wanted, not its Secret ID; \
                            make a new one in Entra (App registrations > Certificates & secrets) if \
                            it was not written down";
const WRONG_TENANT: &str = "`tenant` is wrong: the Directory (tenant) ID of the app's overview in \
                            Entra, or a domain of the directory";
const WRONG_APP: &str = "`client_id` is wrong, or the app is not of this `tenant`: see Application \
                         (client) ID in the app's overview in Entra";
const CONSENT: &str = "nobody consented: in Entra, App registrations > API permissions > Grant admin \
                       consent; or let the person sign in and consent, and use the new refresh token";
const SIGN_IN: &str =
    "the person must sign in again, and the new refresh token go into `refresh_token`";
const SCOPE: &str = "`scope` does not fit: client credentials want \
                     https://outlook.office365.com/.default, a refresh token \
                     https://outlook.office.com/IMAP.AccessAsUser.All offline_access";

/// Microsoft's numbers, and what they mean here.
/// Source: "Microsoft Entra authentication & authorization error codes".
const AADSTS: &[(&str, &str)] = &[
    ("AADSTS7000222", NEW_SECRET),
    ("AADSTS7000215", WRONG_SECRET),
    ("AADSTS7000216", WRONG_SECRET),
    (
        "AADSTS7000218",
        "the app is a confidential one: give its `client_secret`",
    ),
    ("AADSTS90002", WRONG_TENANT),
    ("AADSTS900023", WRONG_TENANT),
    ("AADSTS900021", WRONG_TENANT),
    ("AADSTS700016", WRONG_APP),
    ("AADSTS90013", WRONG_APP),
    ("AADSTS65001", CONSENT),
    ("AADSTS65004", CONSENT),
    ("AADSTS90094", CONSENT),
    ("AADSTS70011", SCOPE),
    ("AADSTS1002012", SCOPE),
    ("AADSTS500011", SCOPE),
    ("AADSTS28003", SCOPE),
    ("AADSTS700082", SIGN_IN),
    ("AADSTS70008", SIGN_IN),
    ("AADSTS50173", SIGN_IN),
    ("AADSTS50076", SIGN_IN),
    ("AADSTS50079", SIGN_IN),
    ("AADSTS50158", SIGN_IN),
    (
        "AADSTS53003",
        "a conditional access policy forbids it: its admin must let this app in",
    ),
    ("AADSTS50057", "the account is disabled"),
    ("AADSTS50034", "there is no such account in this `tenant`"),
];

impl Refusal {
    fn hint(&self) -> &'static str {
        // `AADSTS70008` begins `AADSTS700082`: numbers are compared as a whole.
        let number = self.description.find("AADSTS").map(|at| {
            let rest = &self.description[at..];
            let end = rest[6..].find(|c: char| !c.is_ascii_digit());
            &rest[..end.map_or(rest.len(), |end| end + 6)]
        });
        if let Some((_, hint)) = AADSTS.iter().find(|(known, _)| Some(*known) == number) {
            return hint;
        }
        match self.code.as_deref() {
            Some("invalid_grant") if self.client_credentials => {
                "what the endpoint says tells what it misses"
            }
            Some("invalid_grant") => {
                "the refresh token is revoked, expired or of another client: Google's end after 7 days \
                 while the consent screen is in status Testing, after 6 months without use, and when \
                 the password changes; have the account consent again and replace `refresh_token`"
            }
            Some("invalid_client" | "deleted_client") => {
                "`client_id` or `client_secret` is wrong, or the client was deleted"
            }
            Some("unauthorized_client") => {
                "this client may not use this grant: the refresh token is of another client, or the \
                 app is not set up for client credentials"
            }
            Some("invalid_scope") => SCOPE,
            Some(
                "access_denied"
                | "admin_policy_enforced"
                | "consent_required"
                | "interaction_required",
            ) => CONSENT,
            Some("unsupported_grant_type") => {
                "the endpoint knows this grant not: is `token_endpoint` the right one?"
            }
            Some("temporarily_unavailable" | "server_error" | "slow_down") => {
                "the endpoint is in trouble: the next run tries again"
            }
            None if self.status >= 500 || self.status == 429 => {
                "the endpoint is in trouble: the next run tries again"
            }
            _ => "is `token_endpoint` the right one? (a page that is no token endpoint answers so)",
        }
    }
}

impl OAuthError {
    /// The error code of the endpoint.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.code.as_deref(),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Secret(_) => "see [connection.oauth] in config.example.toml",
            Self::Unreachable(error) => error.hint(),
            Self::Refused(refusal) => refusal.hint(),
            Self::NoToken(_) => "`token_command` prints the bare access token and nothing else",
            Self::Cache { .. } => {
                "the folder (`token_cache`) must be writable for who runs this, and have room"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: &str, description: &str) -> (String, &'static str) {
        let refusal = Refusal {
            host: "login.example.com".into(),
            status: 400,
            code: (!code.is_empty()).then(|| code.to_owned()),
            description: description.into(),
            client_credentials: false,
        };
        (refusal.to_string(), refusal.hint())
    }

    #[test]
    fn what_an_endpoint_says_is_shown_with_what_to_do() {
        for (code, description, word) in [
            (
                "invalid_client",
                "AADSTS7000222: The provided client secret keys are expired.",
                "expired",
            ),
            (
                "invalid_client",
                "AADSTS7000215: Invalid client secret provided.",
                "Value",
            ),
            (
                "invalid_request",
                "AADSTS90002: Tenant 'x' not found.",
                "`tenant`",
            ),
            (
                "invalid_grant",
                "AADSTS65001: The user or administrator has not consented",
                "consent",
            ),
            (
                "invalid_grant",
                "AADSTS700082: The refresh token has expired due to inactivity.",
                "sign in",
            ),
            (
                "invalid_grant",
                "Token has been expired or revoked.",
                "Testing",
            ),
            ("invalid_scope", "", "`scope`"),
            ("something_new", "", "`token_endpoint`"),
            ("", "", "`token_endpoint`"),
        ] {
            let (_, hint) = refusal(code, description);
            assert!(hint.contains(word), "{code} {description}: {hint}");
        }
    }

    #[test]
    fn only_what_concerns_us_is_shown() {
        let long = format!(
            "AADSTS90002: {} Trace ID: abc\r\nTimestamp: x",
            "y".repeat(50)
        );
        let (told, _) = refusal("invalid_request", &long);
        assert!(told.ends_with("yyy") && !told.contains("Trace"), "{told}");
        let (told, _) = refusal("", "");
        assert!(told.ends_with("HTTP status 400"), "{told}");
    }
}
