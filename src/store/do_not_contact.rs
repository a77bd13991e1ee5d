//! The do-not-contact list, keyed by address, channel and reason.

use rusqlite::{Connection, params};

use super::{Batch, Store, StoreError};
use crate::{address::AddressKey, event::EventKey, suppression::Grounds, time::Timestamp};

/// The channel of everything that comes back from e-mail.
pub(super) const CHANNEL: &str = "email";

/// A row to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSuppression {
    pub address: AddressKey,
    pub grounds: Grounds,
    /// `Reason::name` for bounces, else empty.
    pub detail: String,
    /// When the event happened.
    pub since: Timestamp,
    pub comment: String,
    pub event: Option<EventKey>,
    pub run: i64,
    pub expires_at: Option<Timestamp>,
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoNotContact {
    pub address: AddressKey,
    pub grounds: String,
    pub detail: String,
    pub since: Timestamp,
    pub comment: String,
    pub event: Option<EventKey>,
    pub run: i64,
    pub expires_at: Option<Timestamp>,
}

impl Batch<'_> {
    /// Writes rows. A row that is there keeps its earliest `since`; it becomes permanent if either
    /// is; one that has expired by the new row's time is replaced as a whole.
    pub fn suppress(&self, rows: &[NewSuppression]) -> Result<(), StoreError> {
        let mut upsert = self.transaction.prepare_cached(
            "INSERT INTO do_not_contact (address_key, channel, reason, detail, since, comment, event, run, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (address_key, channel, reason) DO UPDATE SET
                 detail  = CASE WHEN do_not_contact.expires_at <= excluded.since OR excluded.since < do_not_contact.since
                                THEN excluded.detail ELSE do_not_contact.detail END,
                 event   = CASE WHEN do_not_contact.expires_at <= excluded.since OR excluded.since < do_not_contact.since
                                THEN excluded.event ELSE do_not_contact.event END,
                 comment = CASE WHEN do_not_contact.expires_at <= excluded.since OR excluded.since < do_not_contact.since
                                THEN excluded.comment ELSE do_not_contact.comment END,
                 run     = CASE WHEN do_not_contact.expires_at <= excluded.since
                                THEN excluded.run ELSE do_not_contact.run END,
                 since   = CASE WHEN do_not_contact.expires_at <= excluded.since
                                THEN excluded.since ELSE min(do_not_contact.since, excluded.since) END,
                 expires_at = CASE WHEN do_not_contact.expires_at IS NULL OR excluded.expires_at IS NULL
                                THEN NULL ELSE max(do_not_contact.expires_at, excluded.expires_at) END
             WHERE do_not_contact.expires_at IS NOT excluded.expires_at OR excluded.since < do_not_contact.since",
        )?;
        let mut order: Vec<&NewSuppression> = rows.iter().collect();
        order.sort_by(|a, b| {
            (&a.address, a.grounds, a.since).cmp(&(&b.address, b.grounds, b.since))
        });
        for row in order {
            upsert.execute(params![
                row.address.as_str(),
                CHANNEL,
                row.grounds.name(),
                row.detail,
                row.since.0,
                row.comment,
                row.event.map(|key| key.0),
                row.run,
                row.expires_at.map(|at| at.0),
            ])?;
        }
        Ok(())
    }

    /// The rows of an address, expired ones too, strongest reason first.
    pub(crate) fn do_not_contact_of(
        &self,
        address: &AddressKey,
    ) -> Result<Vec<DoNotContact>, StoreError> {
        do_not_contact_of(&self.transaction, address)
    }

    /// Removes rows whose cause is no cause any more, by address and grounds.
    pub(crate) fn take_back(&self, rows: &[(AddressKey, String)]) -> Result<(), StoreError> {
        let mut delete = self.transaction.prepare_cached(
            "DELETE FROM do_not_contact WHERE address_key = $1 AND channel = $2 AND reason = $3",
        )?;
        for (address, grounds) in rows {
            delete.execute(params![address.as_str(), CHANNEL, grounds])?;
        }
        Ok(())
    }
}

impl Store {
    /// The rows of an address, expired ones too, strongest reason first.
    pub fn do_not_contact_of(&self, address: &AddressKey) -> Result<Vec<DoNotContact>, StoreError> {
        do_not_contact_of(&self.connection, address)
    }
}

fn do_not_contact_of(
    connection: &Connection,
    address: &AddressKey,
) -> Result<Vec<DoNotContact>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT address_key, reason, detail, since, comment, event, run, expires_at FROM do_not_contact
         WHERE address_key = $1 AND channel = $2
         ORDER BY CASE reason WHEN 'complaint' THEN 0 WHEN 'unsubscribe' THEN 1 WHEN 'bounce' THEN 2 ELSE 3 END",
    )?;
    let rows = select.query_map(params![address.as_str(), CHANNEL], |row| {
        Ok(DoNotContact {
            address: AddressKey::from_stored(row.get(0)?),
            grounds: row.get(1)?,
            detail: row.get(2)?,
            since: Timestamp(row.get(3)?),
            comment: row.get(4)?,
            event: row.get::<_, Option<[u8; 16]>>(5)?.map(EventKey),
            run: row.get(6)?,
            expires_at: row.get::<_, Option<i64>>(7)?.map(Timestamp),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
