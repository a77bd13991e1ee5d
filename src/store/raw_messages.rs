//! The raw archive: mails as they came, zstd, keyed by content hash.

use super::engine::{OptionalExtension, params};
use super::{Batch, Store, StoreError};
use crate::time::Timestamp;

/// A mail of 4 kB takes some 10 µs; higher levels take three times that for a few per cent.
const LEVEL: i32 = 1;

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn io_error(cause: std::io::Error) -> StoreError {
    StoreError::Io(cause.to_string())
}

/// Where a mail stands in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchivePlace {
    pub received_at: Timestamp,
    pub content: [u8; 16],
}

impl ArchivePlace {
    /// Before every mail of this time.
    pub const fn at(time: Timestamp) -> Self {
        Self {
            received_at: Timestamp(time.0.saturating_sub(1)),
            content: [0xff; 16],
        }
    }
}

/// A mail of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedMail {
    pub place: ArchivePlace,
    pub raw: Vec<u8>,
}

fn decompress(data: &[u8], size: usize) -> Result<Vec<u8>, StoreError> {
    zstd::bulk::decompress(data, size).map_err(io_error)
}

impl Batch<'_> {
    /// Keeps mails; the same content is kept once.
    pub fn archive<'m>(
        &self,
        mails: impl IntoIterator<Item = ([u8; 16], &'m [u8])>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // What zstd works in takes longer to make than a mail to compress.
        let mut compressor = zstd::bulk::Compressor::new(LEVEL).map_err(io_error)?;
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO raw_message (content, data, size, received_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (content) DO NOTHING",
        )?;
        for (content, raw) in mails {
            let data = compressor.compress(raw).map_err(io_error)?;
            insert.execute(params![content, data, raw.len(), now.0])?;
        }
        Ok(())
    }
}

impl Store {
    /// The archived mail of this content.
    pub fn raw_message(&self, content: [u8; 16]) -> Result<Option<Vec<u8>>, StoreError> {
        let found: Option<(Vec<u8>, usize)> = self
            .connection
            .prepare_cached("SELECT data, size FROM raw_message WHERE content = $1")?
            .query_row(params![content], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        found
            .map(|(data, size)| decompress(&data, size))
            .transpose()
    }

    /// Archived mails in the order they came, beginning behind `after`: at most `limit`, and no
    /// more once `bytes` are reached. Empty at the end.
    pub fn archived_after(
        &self,
        after: ArchivePlace,
        limit: u32,
        bytes: usize,
    ) -> Result<Vec<ArchivedMail>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT received_at, content, data, size FROM raw_message
             WHERE (received_at, content) > ($1, $2) ORDER BY received_at, content LIMIT $3",
        )?;
        let mut rows = select.query(params![after.received_at.0, after.content, limit])?;
        let mut page = Vec::new();
        let mut read = 0;
        while read < bytes
            && let Some(row) = rows.next()?
        {
            let (data, size): (Vec<u8>, usize) = (row.get(2)?, row.get(3)?);
            read += size;
            page.push(ArchivedMail {
                place: ArchivePlace {
                    received_at: Timestamp(row.get(0)?),
                    content: row.get(1)?,
                },
                raw: decompress(&data, size)?,
            });
        }
        Ok(page)
    }

    /// Drops archived mails older than `before`, then the oldest until at most `bytes` are left.
    pub fn trim_archive(&mut self, before: Timestamp, bytes: u64) -> Result<usize, StoreError> {
        let old = self.connection.execute(
            "DELETE FROM raw_message WHERE received_at < $1",
            params![before.0],
        )?;
        // Adding up reads the whole archive, which is a part of the database.
        let (size, unused) = self.size()?;
        if size - unused <= bytes {
            return Ok(old);
        }
        let over = self.connection.execute(
            "DELETE FROM raw_message WHERE content IN (
                 SELECT content FROM (SELECT content, sum(length(data)) OVER (ORDER BY received_at DESC, content) AS kept
                                      FROM raw_message) AS newest_first
                 WHERE kept > $1)",
            params![bytes.cast_signed()],
        )?;
        Ok(old + over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(mails: &[(u8, i64, usize)]) -> Store {
        let mut store = Store::open_in_memory().unwrap();
        let batch = store.begin().unwrap();
        for (content, at, size) in mails {
            // Noise does not shrink.
            let mut noise = u64::from(*content);
            let raw: Vec<u8> = (0..*size)
                .map(|_| {
                    noise ^= noise << 13;
                    noise ^= noise >> 7;
                    noise ^= noise << 17;
                    noise.to_be_bytes()[0]
                })
                .collect();
            batch
                .archive([([*content; 16], &*raw)], Timestamp(*at))
                .unwrap();
        }
        batch.commit().unwrap();
        store
    }

    fn kept(store: &Store) -> Vec<u8> {
        let all = store
            .archived_after(ArchivePlace::at(Timestamp(0)), 100, usize::MAX)
            .unwrap();
        all.iter().map(|mail| mail.place.content[0]).collect()
    }

    #[test]
    fn the_archive_is_read_in_pages() {
        let store = filled(&[(3, 10, 100), (1, 10, 100), (2, 9, 100), (4, 11, 100)]);
        let page = |after, bytes| {
            let page = store.archived_after(after, 2, bytes).unwrap();
            let names: Vec<u8> = page.iter().map(|mail| mail.place.content[0]).collect();
            (names, page.last().map(|mail| mail.place))
        };
        let (names, last) = page(ArchivePlace::at(Timestamp(9)), usize::MAX);
        assert_eq!(names, [2, 1]);
        let (names, last) = page(last.unwrap(), 50);
        assert_eq!(names, [3]);
        let (names, last) = page(last.unwrap(), usize::MAX);
        assert_eq!(names, [4]);
        assert!(page(last.unwrap(), usize::MAX).0.is_empty());
        assert_eq!(page(ArchivePlace::at(Timestamp(10)), usize::MAX).0, [1, 3]);
    }

    #[test]
    fn the_old_go_first_and_then_what_is_too_much() {
        let mut store = filled(&[(1, 10, 5000), (2, 20, 5000), (3, 30, 5000), (4, 40, 5000)]);
        assert_eq!(store.trim_archive(Timestamp(20), 1 << 20).unwrap(), 1);
        assert_eq!(kept(&store), [2, 3, 4]);
        assert_eq!(store.trim_archive(Timestamp(20), 12_000).unwrap(), 1);
        assert_eq!(kept(&store), [3, 4]);
        assert_eq!(store.trim_archive(Timestamp(20), 0).unwrap(), 2);
    }
}
