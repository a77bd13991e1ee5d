//! Messages whose outcome is committed but not yet acknowledged on the server.

use super::engine::{Value, params};
use super::{Batch, Store, StoreError};

/// The folder a message lies in; UIDs mean something only within a UIDVALIDITY (RFC 9051, 2.3.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderId {
    pub mailbox: String,
    pub folder: String,
    pub uid_validity: u32,
}

impl FolderId {
    fn values(&self) -> [Value<'_>; 3] {
        [
            Value::Text(&self.mailbox),
            Value::Text(&self.folder),
            Value::Integer(self.uid_validity.into()),
        ]
    }

    /// A message's place as people read it.
    pub fn place(&self, uid: u32) -> String {
        format!("{}/{} UID {uid}", self.mailbox, self.folder)
    }
}

impl Batch<'_> {
    /// Notes committed messages; `outcome` decides what becomes of them on the server.
    pub fn note_pending(
        &self,
        folder: &FolderId,
        messages: &[(u32, &str)],
    ) -> Result<(), StoreError> {
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO mailbox_cursor (mailbox, folder, uid_validity, uid, outcome) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (mailbox, folder, uid_validity, uid) DO UPDATE SET outcome = excluded.outcome",
        )?;
        insert.execute_each(messages.iter().map(|(uid, outcome)| {
            let [mailbox, name, validity] = folder.values();
            let uid = Value::Integer((*uid).into());
            [mailbox, name, validity, uid, Value::Text(outcome)]
        }))?;
        Ok(())
    }

    /// Forgets messages that the server has acknowledged.
    pub fn acknowledged(&self, folder: &FolderId, uids: &[u32]) -> Result<(), StoreError> {
        let mut delete = self.transaction.prepare_cached(
            "DELETE FROM mailbox_cursor WHERE mailbox = $1 AND folder = $2 AND uid_validity = $3 AND uid = $4",
        )?;
        delete.execute_each(uids.iter().map(|uid| {
            let [mailbox, name, validity] = folder.values();
            [mailbox, name, validity, Value::Integer((*uid).into())]
        }))?;
        Ok(())
    }
}

impl Store {
    /// What earlier runs committed and did not acknowledge, by UID. Rows of another UIDVALIDITY are
    /// dropped: their UIDs name nothing any more, and reading the mail again changes nothing.
    pub fn pending(&mut self, folder: &FolderId) -> Result<Vec<(u32, String)>, StoreError> {
        self.connection
            .prepare_cached("DELETE FROM mailbox_cursor WHERE mailbox = $1 AND folder = $2 AND uid_validity <> $3")?
            .execute(params![folder.mailbox, folder.folder, folder.uid_validity])?;
        let mut select = self.connection.prepare_cached(
            "SELECT uid, outcome FROM mailbox_cursor WHERE mailbox = $1 AND folder = $2 AND uid_validity = $3 ORDER BY uid",
        )?;
        let rows = select.query_map(
            params![folder.mailbox, folder.folder, folder.uid_validity],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        rows.collect()
    }
}
