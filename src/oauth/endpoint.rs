//! The token endpoint: one POST (RFC 6749, 4.4 and 6).

use std::time::Duration;

use data_encoding::HEXLOWER;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{OAuthError, error::Refusal};
use crate::{
    config::{Grant, Secret, TokenEndpoint},
    https,
    time::SECOND,
};

/// For the whole exchange; Microsoft takes seconds now and then.
const PATIENCE: Duration = Duration::from_secs(20);
const LONGEST_ANSWER: u64 = 256 * 1024;

/// Where the endpoint does not say how long a token lasts (RFC 6749, 5.1 only recommends it).
const LASTING: i64 = 300 * SECOND;
/// However long one is said to last.
const LONGEST_LASTING: f64 = 24.0 * 3600.0 * 1000.0;

/// The secrets of a grant.
pub(super) struct Credentials {
    secret: Option<String>,
    refresh_token: Option<String>,
}

/// What the endpoint gave.
pub(super) struct Granted {
    pub(super) access_token: String,
    /// Milliseconds.
    pub(super) lasting: i64,
    pub(super) refresh_token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    access_token: Option<String>,
    expires_in: Option<Seconds>,
    refresh_token: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Some servers write numbers as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

impl Credentials {
    pub(super) fn read(endpoint: &TokenEndpoint) -> Result<Self, OAuthError> {
        let read = |secret: &Secret| secret.read().map_err(OAuthError::Secret);
        Ok(match &endpoint.grant {
            Grant::ClientCredentials { secret } => Self {
                secret: Some(read(secret)?),
                refresh_token: None,
            },
            Grant::RefreshToken { token, secret } => Self {
                secret: secret.as_ref().map(read).transpose()?,
                refresh_token: Some(read(token)?),
            },
        })
    }

    /// Names the token of these credentials: with others, what is kept is not used any more.
    pub(super) fn name(&self, endpoint: &TokenEndpoint) -> String {
        let mut digest = Sha256::new();
        let parts = [
            endpoint.url.as_str(),
            &endpoint.client_id,
            endpoint.scope.as_deref().unwrap_or_default(),
            self.secret.as_deref().unwrap_or_default(),
            self.refresh_token.as_deref().unwrap_or_default(),
        ];
        for part in parts {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        HEXLOWER.encode(&digest.finalize()[..10])
    }

    /// Takes our secrets out of what others say.
    fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in [&self.secret, &self.refresh_token].into_iter().flatten() {
            text = text.replace(secret, "...");
        }
        text
    }
}

/// Asks for a token; `refresh_token` stands in for the configured one.
pub(super) fn ask(
    endpoint: &TokenEndpoint,
    credentials: &Credentials,
    refresh_token: Option<&str>,
) -> Result<Granted, OAuthError> {
    let host = endpoint.url.split('/').nth(2).unwrap_or(&endpoint.url);
    let mut form = vec![("client_id", endpoint.client_id.as_str())];
    match refresh_token.or(credentials.refresh_token.as_deref()) {
        Some(token) => form.extend([("grant_type", "refresh_token"), ("refresh_token", token)]),
        None => form.push(("grant_type", "client_credentials")),
    }
    form.extend(
        credentials
            .secret
            .as_deref()
            .map(|secret| ("client_secret", secret)),
    );
    form.extend(endpoint.scope.as_deref().map(|scope| ("scope", scope)));
    let page = https::post_form(
        &endpoint.url,
        &form,
        endpoint.ca_file.as_deref(),
        PATIENCE,
        LONGEST_ANSWER,
    )
    .map_err(OAuthError::Unreachable)?;
    let answer: Answer = serde_json::from_slice(&page.body).unwrap_or_default();
    if let (Some(access_token), 200..=299) = (answer.access_token, page.status) {
        let seconds = match answer.expires_in {
            Some(Seconds::Number(number)) => Some(number),
            Some(Seconds::Text(text)) => text.parse().ok(),
            None => None,
        };
        return Ok(Granted {
            access_token,
            lasting: seconds.map_or(LASTING, milliseconds),
            refresh_token: answer.refresh_token.filter(|token| !token.is_empty()),
        });
    }
    Err(OAuthError::Refused(Box::new(Refusal {
        host: host.to_owned(),
        status: page.status,
        code: answer.error.as_deref().map(|code| credentials.hide(code)),
        description: answer
            .error_description
            .as_deref()
            .map(|text| credentials.hide(text))
            .unwrap_or_default(),
        client_credentials: matches!(endpoint.grant, Grant::ClientCredentials { .. }),
    })))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "it is within bounds by then"
)]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).clamp(0.0, LONGEST_LASTING) as i64
}
