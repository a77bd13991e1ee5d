//! OAuth 2 access tokens for mailboxes: kept as long as they hold, else asked for anew.
//!
//! Two runs at once ask once: whoever comes second waits for the lock of the token's file and finds
//! the token in it. A refresh token that the endpoint replaces is kept there too, since the old one
//! may be worth nothing from then on.

mod cache;
mod claims;
mod endpoint;
mod error;

use std::{fmt, path::PathBuf};

pub use claims::Claims;
pub use error::OAuthError;

use crate::{
    config::{OAuth, TokenEndpoint, TokenSource},
    time::Timestamp,
};
use cache::{Cache, Kept};

/// An access token. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    pub text: String,
    /// `None` where only its source knows.
    pub expires_at: Option<Timestamp>,
    /// It was there already, so that it may be worth nothing any more.
    pub kept: bool,
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("expires_at", &self.expires_at)
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

/// A token by the way of the configuration. `anew`: a kept one was refused.
pub fn access_token(oauth: &OAuth, now: Timestamp, anew: bool) -> Result<AccessToken, OAuthError> {
    let endpoint = match &oauth.source {
        TokenSource::Command(command) => {
            let text = command.read().map_err(OAuthError::Secret)?;
            return Ok(AccessToken {
                text: checked(text.trim(), "the command's output")?,
                expires_at: None,
                kept: false,
            });
        }
        TokenSource::Endpoint(endpoint) => endpoint,
    };
    let credentials = endpoint::Credentials::read(endpoint)?;
    let cache = Cache::lock(&endpoint.cache, &credentials.name(endpoint))?;
    let kept = cache.read();
    if let Some(kept) = &kept
        && !anew
        && kept.holds_at(now)
    {
        return Ok(AccessToken {
            text: kept.access_token.clone(),
            expires_at: Some(kept.expires_at),
            kept: true,
        });
    }
    let replaced = kept.and_then(|kept| kept.refresh_token);
    let granted = match &replaced {
        // The one of the configuration may be newer than what came of it.
        Some(_) => {
            endpoint::ask(endpoint, &credentials, replaced.as_deref()).or_else(
                |error| match error.code() {
                    Some("invalid_grant") => endpoint::ask(endpoint, &credentials, None),
                    _ => Err(error),
                },
            )?
        }
        None => endpoint::ask(endpoint, &credentials, None)?,
    };
    let kept = Kept {
        access_token: checked(&granted.access_token, "the token endpoint's token")?,
        obtained_at: now,
        expires_at: Timestamp(now.0 + granted.lasting),
        refresh_token: granted.refresh_token.or(replaced),
    };
    cache.write(&kept)?;
    Ok(AccessToken {
        text: kept.access_token,
        expires_at: Some(kept.expires_at),
        kept: false,
    })
}

/// The file that an endpoint's token is kept in, if it is there.
pub fn kept_in(endpoint: &TokenEndpoint) -> Option<PathBuf> {
    let credentials = endpoint::Credentials::read(endpoint).ok()?;
    let path = cache::path(&endpoint.cache, &credentials.name(endpoint));
    path.exists().then_some(path)
}

/// A token as RFC 6750 (2.1) spells it: it must not bring fields of its own into the log-in.
fn checked(text: &str, what: &'static str) -> Result<String, OAuthError> {
    let fits = |octet: u8| octet.is_ascii_graphic();
    if text.is_empty() || text.len() > LONGEST || !text.bytes().all(fits) {
        return Err(OAuthError::NoToken(what));
    }
    Ok(text.to_owned())
}

/// Microsoft's are about 2 KiB.
const LONGEST: usize = 32 * 1024;
