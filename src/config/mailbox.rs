//! The `[[mailbox]]` tables: what is watched, where, and what becomes of a message afterwards.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{ConnectionKeys, connection::Connection};
use crate::ingest::Outcome;

/// What a folder is watched for (Mautic: "monitored email").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    Bounces,
    Unsubscribes,
    FeedbackLoops,
    Replies,
}

impl Monitor {
    pub const ALL: &[Self] = &[
        Self::Bounces,
        Self::Unsubscribes,
        Self::FeedbackLoops,
        Self::Replies,
    ];

    /// The name in configuration and options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounces => "bounces",
            Self::Unsubscribes => "unsubscribes",
            Self::FeedbackLoops => "feedback_loops",
            Self::Replies => "replies",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailboxKind {
    #[default]
    Imap,
    Maildir,
    Mbox,
    /// One message, or a folder of `.eml` files.
    File,
}

/// What becomes of a message on the server once its outcome is committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum After {
    #[default]
    Seen,
    /// Stays as it is; told from new ones by the event table alone, so it is read again each run.
    Keep,
    Delete,
    Move(String),
}

impl<'de> Deserialize<'de> for After {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "seen" => Ok(Self::Seen),
            "keep" => Ok(Self::Keep),
            "delete" => Ok(Self::Delete),
            _ => match text.strip_prefix("move:").map(str::trim) {
                Some(folder) if !folder.is_empty() => Ok(Self::Move(folder.to_owned())),
                _ => Err(serde::de::Error::custom(format!(
                    "`{text}` is none of `seen`, `keep`, `delete`, `move:FOLDER`"
                ))),
            },
        }
    }
}

/// `after`: one word for everything, or a table by outcome with `default`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum AfterKeys {
    One(After),
    By(BTreeMap<String, After>),
}

impl Default for AfterKeys {
    fn default() -> Self {
        Self::One(After::Seen)
    }
}

impl AfterKeys {
    /// What nobody could read is deleted only where its outcome is named.
    pub fn of(&self, outcome: Outcome) -> After {
        let general = match self {
            Self::One(after) => after,
            Self::By(table) => match (table.get(outcome.name()), table.get("default")) {
                (Some(named), _) => return named.clone(),
                (None, Some(default)) => default,
                (None, None) => &After::Seen,
            },
        };
        if outcome == Outcome::Quarantined && *general == After::Delete {
            return After::Seen;
        }
        general.clone()
    }

    fn check(&self) -> Result<(), String> {
        let Self::By(table) = self else { return Ok(()) };
        let known = Outcome::ALL.iter().map(|outcome| outcome.name());
        let known: Vec<&str> = known.chain(["default"]).collect();
        table
            .keys()
            .find(|key| !known.contains(&key.as_str()))
            .map_or(Ok(()), |key| {
                Err(format!(
                    "has an unknown outcome `{key}` in `after`; there are {}",
                    known.join(", ")
                ))
            })
    }
}

/// A `[[mailbox]]` as it stands in the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxKeys {
    pub name: String,
    #[serde(default)]
    pub kind: MailboxKind,
    /// What the folder is watched for; everything, unless said.
    #[serde(default)]
    pub monitors: Vec<Monitor>,
    /// The one folder to read.
    pub folder: Option<String>,
    /// Or a folder for each monitor.
    #[serde(default)]
    pub folders: BTreeMap<Monitor, String>,
    /// For `maildir`, `mbox` and `file`.
    pub path: Option<PathBuf>,
    #[serde(default)]
    pub after: AfterKeys,
    #[serde(default)]
    pub connection: ConnectionKeys,
}

/// A folder and what it is watched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    pub folder: String,
    pub monitors: Vec<Monitor>,
}

/// Where a mailbox is.
#[derive(Clone, Debug)]
pub enum Place {
    Imap(Box<Connection>),
    Maildir(PathBuf),
    Mbox(PathBuf),
    File(PathBuf),
}

/// A mailbox, ready to be read.
#[derive(Clone, Debug)]
pub struct Mailbox {
    pub name: String,
    pub place: Place,
    /// At least one; for local kinds the folder below the path, empty for the path itself.
    pub watched: Vec<Watched>,
    pub after: AfterKeys,
}

impl MailboxKeys {
    /// Fills the gaps from the general connection; `tokens` is the usual folder for OAuth tokens. The
    /// error completes "mailbox `x` ...".
    pub(super) fn resolve(
        &self,
        general: &ConnectionKeys,
        tokens: &Path,
    ) -> Result<Mailbox, String> {
        self.after.check()?;
        let path = || self.path.clone().ok_or("has no `path`");
        let place = match self.kind {
            MailboxKind::Imap => Place::Imap(Box::new(self.connection.over(general, tokens)?)),
            MailboxKind::Maildir => Place::Maildir(path()?),
            MailboxKind::Mbox => Place::Mbox(path()?),
            MailboxKind::File => Place::File(path()?),
        };
        let default_folder = match self.kind {
            MailboxKind::Imap => "INBOX",
            _ => "",
        };
        if self.folder.is_some() && !self.folders.is_empty() {
            return Err("has both `folder` and `folders`".into());
        }
        if matches!(self.kind, MailboxKind::Mbox | MailboxKind::File) {
            if self.folder.is_some() || !self.folders.is_empty() {
                return Err("is one file: it has no folders".into());
            }
            if !matches!(self.after, AfterKeys::One(After::Seen | After::Keep)) {
                return Err("is only read: `after` is not for `mbox` and `file`".into());
            }
        }
        Ok(Mailbox {
            name: self.name.clone(),
            place,
            watched: self.watched(default_folder),
            after: self.after.clone(),
        })
    }

    fn watched(&self, default_folder: &str) -> Vec<Watched> {
        if self.folders.is_empty() {
            let monitors = if self.monitors.is_empty() {
                Monitor::ALL.to_vec()
            } else {
                self.monitors.clone()
            };
            let folder = self.folder.as_deref().unwrap_or(default_folder);
            return vec![Watched {
                folder: folder.to_owned(),
                monitors,
            }];
        }
        // Two monitors of one folder are one reading of it.
        let mut watched: Vec<Watched> = Vec::new();
        for (monitor, folder) in &self.folders {
            if let Some(known) = watched.iter_mut().find(|known| known.folder == *folder) {
                known.monitors.push(*monitor);
            } else {
                watched.push(Watched {
                    folder: folder.clone(),
                    monitors: vec![*monitor],
                });
            }
        }
        watched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(text: &str) -> Result<Mailbox, String> {
        let keys: MailboxKeys = toml::from_str(text).map_err(|error| error.to_string())?;
        keys.resolve(&ConnectionKeys::default(), Path::new("t"))
    }

    #[test]
    fn one_folder_for_everything_or_one_for_each_monitor() {
        let all = mailbox("name = 'a'\nkind = 'maildir'\npath = 'x'").unwrap();
        assert_eq!(all.watched[0].monitors, Monitor::ALL);
        let own = mailbox(
            "name = 'a'\nkind = 'maildir'\npath = 'x'\n[folders]\nbounces = 'B'\nreplies = 'R'\nfeedback_loops = 'B'",
        )
        .unwrap();
        let b = own.watched.iter().find(|w| w.folder == "B").unwrap();
        assert_eq!(b.monitors, [Monitor::Bounces, Monitor::FeedbackLoops]);
    }

    #[test]
    fn after_is_a_word_or_a_table() {
        let by = mailbox(
            "name = 'a'\nkind = 'maildir'\npath = 'x'\n[after]\nacted = 'move:Done'\ndefault = 'keep'",
        )
        .unwrap();
        assert_eq!(by.after.of(Outcome::Acted), After::Move("Done".into()));
        assert_eq!(by.after.of(Outcome::Recorded), After::Keep);
        let all = AfterKeys::One(After::Delete);
        assert_eq!(all.of(Outcome::Acted), After::Delete);
        assert_eq!(all.of(Outcome::Quarantined), After::Seen);
        let wrong = "name = 'a'\nkind = 'maildir'\npath = 'x'\nafter = { actd = 'keep' }";
        assert!(mailbox(wrong).unwrap_err().contains("`actd`"));
        assert!(mailbox("name = 'a'\nkind = 'mbox'\npath = 'x'\nafter = 'delete'").is_err());
        assert!(mailbox("name = 'a'").unwrap_err().contains("`host`"));
    }
}
