//! What the policy reads: the events of addresses, without those of undone runs.

use super::engine::{Row, Value, params};
use super::{Batch, Store, StoreError, events};
use crate::{
    address::AddressKey,
    event::{EventKey, EventKind},
    suppression::{Grounds, PastEvent},
    time::Timestamp,
};

/// The kinds that can change what the policy says.
pub(super) const KINDS: &str =
    "('bounce', 'complaint', 'unsubscribe', 'delivered', 'reply', 'manual', 'release')";

/// Whether a kind is one of [`KINDS`].
pub(super) const fn counts(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Bounce
            | EventKind::Complaint
            | EventKind::Unsubscribe
            | EventKind::Delivered
            | EventKind::Reply
            | EventKind::Manual
            | EventKind::Release
    )
}

/// Events of undone runs count for nothing.
const NOT_UNDONE: &str =
    "NOT EXISTS (SELECT 1 FROM run WHERE run.id = e.run AND run.undone_at IS NOT NULL)";

/// The columns of [`past`]. The campaign costs a look-up for each event, so only a policy that
/// names campaigns reads it.
fn columns(campaigns: bool) -> String {
    let campaign = if campaigns {
        "coalesce((SELECT s.email_id FROM send AS s WHERE s.hash = e.send_hash), '')"
    } else {
        "''"
    };
    format!(
        "e.key, e.kind, e.reason, e.permanence, e.raw_type, e.receiving_host, {campaign}, e.note, e.occurred_at,
         e.received_at, e.expires_at, e.run, e.source, e.send_hash"
    )
}

fn past(row: &Row<'_>) -> Result<PastEvent, StoreError> {
    Ok(PastEvent {
        key: EventKey(row.get(0)?),
        kind: events::kind(row, 1)?,
        reason: events::reason(row, 2)?,
        permanence: events::permanence(row, 3)?,
        grounds: Grounds::from_name(row.text(4)?),
        receiving_host: row.get(5)?,
        campaign: row.get(6)?,
        note: row.get(7)?,
        occurred_at: Timestamp(row.get(8)?),
        received_at: Timestamp(row.get(9)?),
        expires_at: row.get::<Option<i64>>(10)?.map(Timestamp),
        run: row.get(11)?,
        source: row.get(12)?,
        send: row.get(13)?,
    })
}

impl Batch<'_> {
    /// What happened to each address.
    pub(crate) fn histories(
        &self,
        addresses: &[&AddressKey],
        campaigns: bool,
    ) -> Result<Vec<Vec<PastEvent>>, StoreError> {
        let mut select = self.transaction.prepare_cached(&format!(
            "SELECT {} FROM event AS e WHERE e.address_key = $1 AND e.kind IN {KINDS} AND {NOT_UNDONE}",
            columns(campaigns)
        ))?;
        select.query_each(
            addresses
                .iter()
                .map(|address| [Value::Text(address.as_str())]),
            past,
        )
    }

    /// What the run recorded of each address, undone or not. (The plus keeps SQLite from going
    /// through all events of the run for each address.)
    pub(crate) fn events_of_run(
        &self,
        run: i64,
        addresses: &[&AddressKey],
        campaigns: bool,
    ) -> Result<Vec<Vec<PastEvent>>, StoreError> {
        let mut select = self.transaction.prepare_cached(&format!(
            "SELECT {} FROM event AS e WHERE e.address_key = $1 AND e.kind IN {KINDS} AND +e.run = $2",
            columns(campaigns)
        ))?;
        select.query_each(
            addresses
                .iter()
                .map(|address| [Value::Text(address.as_str()), Value::Integer(run)]),
            past,
        )
    }

    /// Whether each address had anything happen after the time.
    pub(crate) fn happened_after(
        &self,
        addresses: &[(&AddressKey, Timestamp)],
    ) -> Result<Vec<bool>, StoreError> {
        let mut select = self.transaction.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM event WHERE address_key = $1 AND occurred_at > $2)",
        )?;
        addresses
            .iter()
            .map(|(address, at)| {
                select.query_row(params![address.as_str(), at.0], |row| row.get(0))
            })
            .collect()
    }
}

impl Store {
    /// What happened to an address.
    pub fn history_of(
        &self,
        address: &AddressKey,
        campaigns: bool,
    ) -> Result<Vec<PastEvent>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT {} FROM event AS e WHERE e.address_key = $1 AND e.kind IN {KINDS} AND {NOT_UNDONE}",
            columns(campaigns)
        ))?;
        let rows = select.query_map(params![address.as_str()], past)?;
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_that_count_are_those_that_are_asked_for() {
        for kind in EventKind::ALL {
            let asked = KINDS.contains(&format!("'{}'", kind.name()));
            assert_eq!(counts(*kind), asked, "{}", kind.name());
        }
    }
}
