//! Where mails come from: one interface over IMAP, Maildir, mbox and files.
//!
//! A folder gives its messages in batches bounded by count and octets, and takes back what became
//! of them once the caller has committed it. Nothing on the server changes before that.

mod ahead;
mod feed;
mod files;
mod imap;
mod log_in;
mod maildir;
mod mbox;
mod probe;
mod stream;
mod tidy;

use std::io;

pub use feed::{Feed, Found, Take};
pub use files::open_file;
pub use imap::Account;
pub use maildir::Maildir;
pub use probe::{Certificate, Found as FoundMail, Reached, near_folder, reach};

use crate::{
    config::{After, SecretError},
    oauth::OAuthError,
};

/// A message as its folder gave it.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// Names the message within its folder and UIDVALIDITY.
    pub uid: u32,
    pub body: Body,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    Whole(Vec<u8>),
    /// Octets; over the limit, not read.
    TooLarge(u64),
    /// The server (or the disk) would not give it out; the reason.
    Unreadable(String),
}

/// How much is asked for at once.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Octets of one message.
    pub message_size: u64,
    pub batch_messages: usize,
    pub batch_bytes: u64,
}

/// An opened folder with the messages that are to be read.
pub trait Folder: Send {
    /// 1 where a folder has none of its own.
    fn uid_validity(&self) -> u32;
    /// Looks for unseen messages, oldest first, at most `limit`; answers how many there are (0 where
    /// that is not known before the end).
    fn search(&mut self, limit: Option<usize>) -> Result<usize, MailboxError>;
    /// The next messages; `None` at the end. Vanished ones are left out.
    fn next_batch(&mut self) -> Result<Option<Vec<Message>>, MailboxError>;
    /// Flags, moves or deletes messages whose outcome is committed; vanished ones are no error.
    fn acknowledge(&mut self, uids: &[u32], after: &After) -> Result<(), MailboxError>;
}

/// Why a mailbox could not be read.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    #[error("{place}: cannot connect: {cause}")]
    Connect { place: String, cause: io::Error },
    #[error("{place}: TLS failed: {cause}")]
    Tls {
        place: String,
        cause: String,
        hint: &'static str,
    },
    #[error("{place}: {cause}")]
    Refused {
        place: String,
        cause: String,
        hint: &'static str,
    },
    #[error("{place}: the server refused the log-in of `{user}`: {cause}")]
    Login {
        place: String,
        user: String,
        cause: String,
    },
    #[error("{place}: the password cannot be had: {cause}")]
    Secret { place: String, cause: SecretError },
    #[error("{place}: no access token: {cause}")]
    OAuth { place: String, cause: OAuthError },
    #[error("{place}: the server refused the access token for `{user}`: {cause}")]
    Token {
        place: String,
        user: String,
        cause: String,
        hint: String,
    },
    #[error("{place}: no folder `{folder}`: {cause}")]
    NoFolder {
        place: String,
        folder: String,
        cause: String,
        near: Option<String>,
    },
    #[error("{place}: {cause}")]
    Broken { place: String, cause: String },
    #[error("`{path}`: {cause}")]
    File { path: String, cause: io::Error },
}

impl MailboxError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Connect { .. } => {
                "check `host`, `port` and the network; `connect_timeout` limits the wait".into()
            }
            Self::Tls { hint, .. } | Self::Refused { hint, .. } => (*hint).into(),
            Self::Login { .. } => "check `user` and the password; providers with two-factor \
                                   log-in want an app password"
                .into(),
            Self::Secret { .. } => "see the password keys in config.example.toml".into(),
            Self::OAuth { cause, .. } => cause.hint().into(),
            Self::Token { hint, .. } => hint.clone(),
            Self::NoFolder {
                near: Some(near), ..
            } => format!("did you mean `{near}`?"),
            Self::NoFolder { .. } => "the folder's full name is wanted, with its parents".into(),
            // Exchange Online takes the token and only then finds that it opens no mailbox.
            Self::Broken { cause, .. } if cause.contains("authenticated but not connected") => {
                "the token is good, the mailbox is not open to it: is `user` its right name? For                  client credentials: Add-MailboxPermission in Exchange, see README"
                    .into()
            }
            Self::Broken { .. } => {
                "what was committed stays; the next run goes on where this one ended".into()
            }
            Self::File { .. } => "check the `path` of the mailbox and its permissions".into(),
        }
    }
}

/// Of `names` the one a person may have meant.
fn near_name(wanted: &str, names: impl IntoIterator<Item = String>) -> Option<String> {
    let likeness = |name: &str| strsim::jaro_winkler(&wanted.to_lowercase(), &name.to_lowercase());
    names
        .into_iter()
        .map(|name| {
            (
                likeness(name.rsplit(['/', '.']).next().unwrap_or(&name)).max(likeness(&name)),
                name,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
