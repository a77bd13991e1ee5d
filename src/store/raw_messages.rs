//! The raw archive (zstd, keyed by content hash) and the quarantine.

use rusqlite::{OptionalExtension, params};

use super::{Batch, Store, StoreError};
use crate::time::Timestamp;

/// zstd's default: a mail of 4 kB takes some 30 µs.
const LEVEL: i32 = 3;

impl Batch<'_> {
    /// Keeps a mail; the same content is kept once.
    pub fn archive(&self, content: [u8; 16], raw: &[u8], now: Timestamp) -> Result<(), StoreError> {
        let data =
            zstd::bulk::compress(raw, LEVEL).map_err(|cause| StoreError::Io(cause.to_string()))?;
        self.transaction
            .prepare_cached(
                "INSERT INTO raw_message (content, data, size, received_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (content) DO NOTHING",
            )?
            .execute(params![content, data, raw.len(), now.0])?;
        Ok(())
    }

    /// Notes that reading a message failed; answers how often it has by now.
    pub fn note_poison(
        &self,
        content: [u8; 16],
        source: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let tries = self
            .transaction
            .prepare_cached(
                "INSERT INTO quarantine (content, source, tries, reason, first_seen, last_seen) VALUES ($1, $2, 1, $3, $4, $4)
                 ON CONFLICT (content) DO UPDATE SET tries = quarantine.tries + 1, reason = excluded.reason,
                     last_seen = excluded.last_seen
                 RETURNING tries",
            )?
            .query_row(params![content, source, reason, now.0], |row| row.get(0))?;
        Ok(tries)
    }
}

impl Store {
    /// The archived mail of this content.
    pub fn raw_message(&self, content: [u8; 16]) -> Result<Option<Vec<u8>>, StoreError> {
        let found: Option<(Vec<u8>, usize)> = self
            .connection
            .prepare_cached("SELECT data, size FROM raw_message WHERE content = $1")?
            .query_row([content], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        found
            .map(|(data, size)| {
                zstd::bulk::decompress(&data, size)
                    .map_err(|cause| StoreError::Io(cause.to_string()))
            })
            .transpose()
    }

    /// Drops archived mails older than `before`, then the oldest until at most `bytes` are left.
    pub fn trim_archive(&mut self, before: Timestamp, bytes: u64) -> Result<usize, StoreError> {
        let old = self
            .connection
            .execute("DELETE FROM raw_message WHERE received_at < $1", [before.0])?;
        let over = self.connection.execute(
            "DELETE FROM raw_message WHERE content IN (
                 SELECT content FROM (SELECT content, sum(length(data)) OVER (ORDER BY received_at DESC, content) AS kept
                                      FROM raw_message) AS newest_first
                 WHERE kept > $1)",
            [bytes.cast_signed()],
        )?;
        Ok(old + over)
    }
}
