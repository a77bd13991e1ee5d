//! Forgetting a person: everything goes but a salted hash, under which the suppression stands.

use super::engine::{OptionalExtension, Value, params};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{Batch, Store, StoreError};
use crate::address::AddressKey;

/// What was removed of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Forgotten {
    pub contacts: usize,
    pub sends: usize,
    pub events: usize,
    /// Archived mails about them, or that name them.
    pub archived_mails: usize,
    /// Texts of other events that named them and were blanked.
    pub mentions: usize,
    /// Do-not-contact rows that now stand under the hash alone.
    pub suppressions: usize,
}

impl Batch<'_> {
    /// Removes all that is known of an address.
    pub fn forget(&self, address: &AddressKey, run: i64) -> Result<Forgotten, StoreError> {
        self.transaction.execute(
            "INSERT INTO secret (name, value) VALUES ('salt', randomblob(32)) ON CONFLICT (name) DO NOTHING",
            params![],
        )?;
        let mark = mark(&self.salt()?, address)?;
        let key = address.as_str();
        let suppressions = self.transaction.execute(
            "INSERT INTO forgotten (mark, channel, reason, since, run, expires_at)
             SELECT $1, channel, reason, since, $2, expires_at FROM do_not_contact WHERE address_key = $3
             ON CONFLICT (mark, channel, reason) DO UPDATE SET since = CASE WHEN forgotten.since < excluded.since THEN forgotten.since ELSE excluded.since END",
            params![mark, run, key],
        )?;
        self.transaction.execute(
            "DELETE FROM do_not_contact WHERE address_key = $1",
            params![key],
        )?;
        self.note_sends_gone(address)?;
        // The samples of diagnostics go with the counts.
        self.discard_counts()?;
        let archived_mails = self.forget_mails(key)?;
        let run_sql = |sql: &str| self.transaction.execute(sql, params![key]);
        let events = run_sql("DELETE FROM event WHERE address_key = $1 OR lower(reported) = $1")?;
        let mentions = run_sql(
            "UPDATE event SET diagnostic = '', note = 'a person named here was forgotten'
             WHERE instr(lower(diagnostic), $1) > 0 OR instr(lower(note), $1) > 0",
        )?;
        let contacts = run_sql("DELETE FROM contact WHERE address_key = $1")?;
        let sends = run_sql("DELETE FROM send WHERE address_key = $1")?;
        // What was told to other systems stays with them: the next difference says nothing of it.
        for table in [
            "DELETE FROM exported WHERE address_key = $1",
            "DELETE FROM released WHERE address_key = $1",
            "DELETE FROM outbox WHERE instr(lower(payload), $1) > 0",
            // Last, since the deletions above are noted there; a deleted contact is no member any more.
            "DELETE FROM change_log WHERE address_key = $1",
        ] {
            run_sql(table)?;
        }
        Ok(Forgotten {
            contacts,
            sends,
            events,
            archived_mails,
            mentions,
            suppressions,
        })
    }

    /// Drops archived mails of the address's events, and every other one that holds the address.
    fn forget_mails(&self, key: &str) -> Result<usize, StoreError> {
        let mut gone: Vec<[u8; 16]> = Vec::new();
        let mut select = self.transaction.prepare(
            "SELECT content, data, size, EXISTS (SELECT 1 FROM event WHERE event.content = raw_message.content
                        AND (event.address_key = $1 OR lower(event.reported) = $1))
             FROM raw_message",
        )?;
        let mut rows = select.query(params![key])?;
        while let Some(row) = rows.next()? {
            let theirs: bool = row.get(3)?;
            let named = || -> Result<bool, StoreError> {
                let data = row.octets(1)?;
                let raw = zstd::bulk::decompress(data, row.get(2)?)
                    .map_err(|cause| StoreError::Io(cause.to_string()))?;
                Ok(memchr::memmem::find(&raw.to_ascii_lowercase(), key.as_bytes()).is_some())
            };
            if theirs || named()? {
                gone.push(row.get(0)?);
            }
        }
        let mut mails = self
            .transaction
            .prepare("DELETE FROM raw_message WHERE content = $1")?;
        let mut quarantined = self
            .transaction
            .prepare("DELETE FROM quarantine WHERE content = $1")?;
        for content in &gone {
            mails.execute(params![content])?;
            quarantined.execute(params![content])?;
        }
        Ok(gone.len())
    }

    fn salt(&self) -> Result<Vec<u8>, StoreError> {
        let select = "SELECT value FROM secret WHERE name = 'salt'";
        self.transaction
            .query_row(select, params![], |row| row.get(0))
    }

    /// Puts forgotten people who come back by an import on the list again, under their address.
    pub(super) fn remember(&self, addresses: &[&AddressKey]) -> Result<(), StoreError> {
        let anybody: Option<i64> = self
            .transaction
            .prepare_cached("SELECT 1 FROM forgotten LIMIT 1")?
            .query_row(params![], |row| row.get(0))
            .optional()?;
        if anybody.is_none() {
            return Ok(());
        }
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO do_not_contact (address_key, channel, reason, since, comment, run, expires_at)
             SELECT $1, channel, reason, since, 'stood under a hash: was forgotten, and came back by an import', run, expires_at
             FROM forgotten WHERE mark = $2
             ON CONFLICT (address_key, channel, reason) DO NOTHING",
        )?;
        let salt = self.salt()?;
        let marks = addresses.iter().map(|address| mark(&salt, address));
        let marks: Vec<Vec<u8>> = marks.collect::<Result<_, _>>()?;
        let mut known = self
            .transaction
            .prepare_cached("SELECT 1 FROM forgotten WHERE mark = $1 LIMIT 1")?;
        let known = known.find_each(marks.iter().map(|mark| [Value::Blob(mark)]), |_| Ok(()))?;
        let mut back = Vec::new();
        for ((address, mark), known) in addresses.iter().zip(&marks).zip(known) {
            if known.is_some() && insert.execute(params![address.as_str(), mark])? > 0 {
                back.push(*address);
            }
        }
        self.note_changed(back)
    }
}

/// Under what a forgotten person stands.
fn mark(salt: &[u8], address: &AddressKey) -> Result<Vec<u8>, StoreError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(salt)
        .map_err(|cause| StoreError::Other(cause.to_string()))?;
    mac.update(address.as_str().as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

impl Store {
    /// Overwrites what was deleted, also in the write-ahead log.
    pub fn wipe_deleted(&mut self) -> Result<(), StoreError> {
        self.connection.wipe_deleted()
    }

    /// From now on deleted content is overwritten with zeros.
    pub fn delete_securely(&mut self) -> Result<(), StoreError> {
        self.connection.delete_securely()
    }
}
