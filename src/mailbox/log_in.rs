//! Logging in: by password, or by an OAuth 2 token (XOAUTH2; OAUTHBEARER, RFC 7628).

use std::cell::{Cell, RefCell};

use imap::{Authenticator, Client, Error as ImapError};
use serde::Deserialize;

use super::{
    Account, MailboxError,
    imap::{ImapSession, broken, short},
    stream::{self, Stream},
    tidy::Tidied,
};
use crate::{
    config::{Connection, LogIn, Mechanism, OAuth, Secret},
    oauth::{self, AccessToken, Claims},
};

type ImapClient = Client<Tidied<Stream>>;

impl Account {
    pub(super) fn log_in(&mut self) -> Result<ImapSession, MailboxError> {
        match self.connection.log_in.clone() {
            LogIn::Password(password) => self.by_password(&password),
            LogIn::OAuth(oauth) => self.by_token(&oauth),
        }
    }

    /// A protected connection on which the server has greeted.
    fn greeted(&self) -> Result<ImapClient, MailboxError> {
        let (stream, greeted) = stream::connect(&self.connection, &self.place, self.deadline)?;
        let mut client = Client::new(Tidied::new(
            stream,
            self.allowance.clone(),
            self.aside.clone(),
            self.ahead.clone(),
        ));
        if !greeted {
            let greeting = client
                .read_greeting()
                .map_err(|error| broken(&self.place, &error))?;
            stream::check_greeting(&greeting, &self.place)?;
        }
        Ok(client)
    }

    fn by_password(&self, password: &Secret) -> Result<ImapSession, MailboxError> {
        let password = password.read().map_err(|cause| MailboxError::Secret {
            place: self.place.clone(),
            cause,
        })?;
        let user = &self.connection.user;
        self.greeted()?
            .login(user, &password)
            .map_err(|(error, _)| match error {
                ImapError::No(_) | ImapError::Bad(_) | ImapError::Validate(_) => {
                    MailboxError::Login {
                        place: self.place.clone(),
                        user: user.clone(),
                        cause: words(&error, &password),
                    }
                }
                error => broken(&self.place, &error),
            })
    }

    /// A token that was kept may have been revoked: a fresh one is tried before anybody is told.
    fn by_token(&self, oauth: &OAuth) -> Result<ImapSession, MailboxError> {
        let token = self.token(oauth, false)?;
        match self.show(oauth, &token) {
            Err(MailboxError::Token { .. }) if token.kept => {
                self.show(oauth, &self.token(oauth, true)?)
            }
            shown => shown,
        }
    }

    /// The token to log in with.
    pub fn token(&self, oauth: &OAuth, anew: bool) -> Result<AccessToken, MailboxError> {
        oauth::access_token(oauth, self.now, anew).map_err(|cause| MailboxError::OAuth {
            place: self.place.clone(),
            cause,
        })
    }

    fn show(&self, oauth: &OAuth, token: &AccessToken) -> Result<ImapSession, MailboxError> {
        let mut client = self.greeted()?;
        let mechanism = match oauth.mechanism {
            Some(mechanism) => mechanism,
            None => offered(&mut client).map_err(|error| broken(&self.place, &error))?,
        };
        let bearer = Bearer {
            mechanism,
            connection: &self.connection,
            token: &token.text,
            shown: Cell::new(false),
            complaint: RefCell::default(),
        };
        let refused = match client.authenticate(mechanism.name(), &bearer) {
            Ok(session) => return Ok(session),
            Err((error @ (ImapError::No(_) | ImapError::Bad(_)), _)) => error,
            Err((error, _)) => return Err(broken(&self.place, &error)),
        };
        let challenge: Challenge =
            serde_json::from_slice(&bearer.complaint.into_inner()).unwrap_or_default();
        let mut cause = words(&refused, &token.text);
        if !challenge.status.is_empty() {
            cause = format!("{cause} (status {})", short(&challenge.status));
        }
        Err(MailboxError::Token {
            place: self.place.clone(),
            user: self.connection.user.clone(),
            cause,
            hint: Claims::of(&token.text).map_or_else(
                || match challenge.scope.as_str() {
                    "" => "is `user` the account that the token is for, and is IMAP switched on for it?"
                        .into(),
                    scope => format!(
                        "is `user` the account that the token is for? The server wants the scope `{}`",
                        short(scope)
                    ),
                },
                |claims| claims.hint().into(),
            ),
        })
    }
}

/// XOAUTH2 where the server has both, or says nothing: every service has it.
fn offered(client: &mut ImapClient) -> Result<Mechanism, ImapError> {
    let offered = client.capabilities()?;
    let has = |mechanism: Mechanism| offered.has_str(format!("AUTH={}", mechanism.name()));
    Ok(if has(Mechanism::Oauthbearer) && !has(Mechanism::Xoauth2) {
        Mechanism::Oauthbearer
    } else {
        Mechanism::Xoauth2
    })
}

/// The server's words on a refused log-in. It may repeat the secret; the crate's complaint about a
/// character of a password might hold it, too.
fn words(error: &ImapError, secret: &str) -> String {
    match error {
        ImapError::No(no) => short(&no.information.replace(secret, "...")),
        ImapError::Bad(bad) => short(&bad.information.replace(secret, "...")),
        _ => "user or password holds a line end or another forbidden character".into(),
    }
}

/// What a server says of a token it refuses (RFC 7628, 3.2.2; Google's and Microsoft's alike).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Challenge {
    status: String,
    scope: String,
}

/// Shows a token once; whatever the server asks then is why it refuses it.
struct Bearer<'a> {
    mechanism: Mechanism,
    connection: &'a Connection,
    token: &'a str,
    shown: Cell<bool>,
    /// What the server complained of then.
    complaint: RefCell<Vec<u8>>,
}

impl Authenticator for Bearer<'_> {
    type Response = Vec<u8>;

    fn process(&self, challenge: &[u8]) -> Vec<u8> {
        if self.shown.replace(true) {
            *self.complaint.borrow_mut() = challenge.to_vec();
            // The complaint is to be acknowledged, or the server waits (RFC 7628, 3.2.3).
            return match self.mechanism {
                Mechanism::Xoauth2 => Vec::new(),
                Mechanism::Oauthbearer => vec![1],
            };
        }
        let (user, token) = (&self.connection.user, self.token);
        match self.mechanism {
            Mechanism::Xoauth2 => format!("user={user}\x01auth=Bearer {token}\x01\x01"),
            Mechanism::Oauthbearer => {
                let (host, port) = (&self.connection.host, self.connection.port);
                // RFC 5801, 4: a comma ends the name.
                let user = user.replace('=', "=3D").replace(',', "=2C");
                format!("n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01")
            }
        }
        .into_bytes()
    }
}
