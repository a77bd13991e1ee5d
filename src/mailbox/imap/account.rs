//! A log-in at a server, and the sessions it has.

use std::time::Instant;

use imap::Error as ImapError;

use super::{ImapSession, broken, folder::ImapFolder, short};
use crate::{
    config::Connection,
    mailbox::{
        Bounds, MailboxError,
        ahead::Ahead,
        near_name,
        tidy::{Allowance, Aside},
    },
    time::Timestamp,
};

/// Octets that an answer without mails may have, beside what it says of each message.
const ANSWER: u64 = 4 << 20;
/// Octets that SEARCH and FETCH of sizes need for a message.
const PER_MESSAGE: u64 = 80;
/// However many messages a folder is said to hold.
const LONGEST_ANSWER: u64 = 512 << 20;

/// A log-in at a server. Sessions are made when needed and kept for the next folder.
pub struct Account {
    pub(in crate::mailbox) connection: Connection,
    pub(in crate::mailbox) place: String,
    /// For the lasting of tokens.
    pub(in crate::mailbox) now: Timestamp,
    pub(in crate::mailbox) deadline: Instant,
    pub(super) session: Option<ImapSession>,
    pub(in crate::mailbox) capabilities: Vec<String>,
    pub(in crate::mailbox) allowance: Allowance,
    pub(in crate::mailbox) aside: Aside,
    pub(in crate::mailbox) ahead: Ahead,
    /// Octets that the answer to the command sent ahead may have.
    pub(super) along_octets: u64,
    /// Messages in the selected folder.
    exists: u64,
}

impl Account {
    /// Nothing is connected yet. The total time limit starts here.
    pub fn new(connection: &Connection, now: Timestamp) -> Self {
        Self {
            now,
            place: format!("{}:{}", connection.host, connection.port),
            deadline: Instant::now() + connection.total_timeout,
            connection: connection.clone(),
            session: None,
            capabilities: Vec::new(),
            allowance: Allowance::default(),
            aside: Aside::default(),
            ahead: Ahead::default(),
            along_octets: 0,
            exists: 0,
        }
    }

    /// Opens a folder. `read_only` uses EXAMINE.
    pub fn open(
        &mut self,
        folder: &str,
        bounds: Bounds,
        read_only: bool,
    ) -> Result<ImapFolder<'_>, MailboxError> {
        let name = utf7_imap::encode_utf7_imap(folder.to_owned());
        let uid_validity = self.select(folder, &name, read_only)?;
        Ok(ImapFolder::new(
            self,
            (folder, name),
            read_only,
            uid_validity,
            bounds,
        ))
    }

    /// Ends the session politely; a server that went away is no error any more.
    pub fn close(&mut self) {
        if let Some(mut session) = self.session.take() {
            let _ = session.logout();
        }
    }

    pub(in crate::mailbox) fn session(&mut self) -> Result<&mut ImapSession, MailboxError> {
        self.allow_answer();
        if self.session.is_none() {
            let mut session = self.log_in()?;
            self.capabilities = match session.capabilities() {
                Ok(capabilities) => capabilities
                    .iter()
                    .map(|capability| format!("{capability:?}").to_ascii_uppercase())
                    .collect(),
                Err(ImapError::No(_) | ImapError::Bad(_)) => Vec::new(),
                Err(error) => return Err(broken(&self.place, &error)),
            };
            self.session = Some(session);
        }
        self.session.as_mut().ok_or_else(|| MailboxError::Broken {
            place: self.place.clone(),
            cause: "no session".into(),
        })
    }

    /// Lets the server answer a command that brings no mails.
    fn allow_answer(&self) {
        let most = ANSWER + PER_MESSAGE * self.exists + self.along_octets;
        self.allowance.set(most.min(LONGEST_ANSWER));
    }

    pub(super) fn has(&self, capability: &str) -> bool {
        let quoted = format!("\"{capability}\"");
        self.capabilities
            .iter()
            .any(|known| known.contains(&quoted))
    }

    /// Selects the folder; answers its UIDVALIDITY.
    pub(super) fn select(
        &mut self,
        folder: &str,
        name: &str,
        read_only: bool,
    ) -> Result<u32, MailboxError> {
        let place = self.place.clone();
        let kept = self.session.is_some();
        let session = self.session()?;
        let selected = if read_only {
            session.examine(name)
        } else {
            session.select(name)
        };
        match selected {
            // RFC 9051 wants UIDVALIDITY; a server without one keeps its UIDs for good.
            Ok(mailbox) => {
                self.exists = u64::from(mailbox.exists);
                Ok(mailbox.uid_validity.unwrap_or(1))
            }
            Err(ImapError::No(no)) => {
                let near = session.list(Some(""), Some("*")).ok().and_then(|names| {
                    let decode = |name: &str| utf7_imap::decode_utf7_imap(name.to_owned());
                    near_name(folder, names.iter().map(|name| decode(name.name())))
                });
                Err(MailboxError::NoFolder {
                    place,
                    folder: folder.to_owned(),
                    cause: short(&no.information),
                    near,
                })
            }
            // The last folder may have taken longer than the server waits.
            Err(_) if kept => {
                self.session = None;
                self.select(folder, name, read_only)
            }
            Err(error) => {
                self.session = None;
                Err(broken(&place, &error))
            }
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.close();
    }
}
