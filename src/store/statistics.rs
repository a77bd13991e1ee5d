//! Counts for reports: each a grouping the database does, a row a group.

use super::engine::{Row, params};
use super::{Store, StoreError};
use crate::{
    classify::{Permanence, Reason},
    event::EventKind,
    time::{DAY, Timestamp},
};

/// Which events and sends are counted.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub since: Timestamp,
    /// Exclusive.
    pub until: Timestamp,
    /// Only of this campaign e-mail.
    pub campaign: Option<&'a str>,
}

/// Events of one sort on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventCount {
    /// Days since 1970, UTC.
    pub day: i64,
    pub kind: EventKind,
    pub reason: Option<Reason>,
    pub permanence: Option<Permanence>,
    pub count: u64,
}

/// Bounces of one domain for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainCount {
    pub domain: String,
    pub reason: Option<Reason>,
    pub count: u64,
}

/// What became of sends of one campaign or one domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    pub name: String,
    pub sends: u64,
    pub hard: u64,
    pub soft: u64,
    pub complaints: u64,
    pub unsubscribes: u64,
}

/// One mailbox or provider on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceCount {
    pub source: String,
    /// Days since 1970, UTC, of receipt.
    pub day: i64,
    pub count: u64,
    pub unrecognised: u64,
    pub last: Timestamp,
}

/// Rows of the do-not-contact list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppressedCount {
    pub grounds: String,
    pub detail: String,
    /// In force.
    pub count: u64,
    /// Of these, from before the given time.
    pub old: u64,
    /// No longer in force.
    pub expired: u64,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentCount {
    pub name: String,
    /// Members by the day they joined (days since 1970, UTC), in order of the days.
    pub joined: Vec<(i64, u64)>,
    pub built_at: Option<Timestamp>,
}

const IN_SCOPE: &str =
    "event.occurred_at >= $1 AND event.occurred_at < $2 AND (CAST($3 AS TEXT) IS NULL OR EXISTS
     (SELECT 1 FROM send WHERE send.hash = event.send_hash AND send.email_id = $3))";

fn kind(row: &Row<'_>, index: usize) -> Result<EventKind, StoreError> {
    let name: String = row.get(index)?;
    Ok(EventKind::from_name(&name).unwrap_or(EventKind::Note))
}

fn reason(row: &Row<'_>, index: usize) -> Result<Option<Reason>, StoreError> {
    let name: Option<String> = row.get(index)?;
    Ok(name.as_deref().and_then(Reason::from_name))
}

impl Store {
    /// Events by day, kind, reason and permanence.
    pub fn event_counts(&self, scope: Scope<'_>) -> Result<Vec<EventCount>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT occurred_at / {DAY}, kind, reason, permanence, count(*) FROM event
             WHERE {IN_SCOPE} GROUP BY 1, 2, 3, 4 ORDER BY 1"
        ))?;
        let rows = select.query_map(
            params![scope.since.0, scope.until.0, scope.campaign],
            |row| {
                let permanence: Option<String> = row.get(3)?;
                Ok(EventCount {
                    day: row.get(0)?,
                    kind: kind(row, 1)?,
                    reason: reason(row, 2)?,
                    permanence: permanence.map(|name| {
                        if name == Permanence::Hard.name() {
                            Permanence::Hard
                        } else {
                            Permanence::Soft
                        }
                    }),
                    count: row.get(4)?,
                })
            },
        )?;
        rows.collect()
    }

    /// Sends by day (days since 1970, UTC).
    pub fn send_counts(&self, scope: Scope<'_>) -> Result<Vec<(i64, u64)>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT sent_at / {DAY}, count(*) FROM send
             WHERE sent_at >= $1 AND sent_at < $2 AND (CAST($3 AS TEXT) IS NULL OR email_id = $3) GROUP BY 1 ORDER BY 1"
        ))?;
        let rows = select.query_map(
            params![scope.since.0, scope.until.0, scope.campaign],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        rows.collect()
    }

    /// Bounces by the domain of the address and the reason, the most frequent first.
    pub fn domain_counts(&self, scope: Scope<'_>) -> Result<Vec<DomainCount>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT substr(address_key, instr(address_key, '@') + 1), reason, count(*) FROM event
             WHERE kind = 'bounce' AND address_key IS NOT NULL AND {IN_SCOPE}
             GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 NULLS FIRST"
        ))?;
        let rows = select.query_map(
            params![scope.since.0, scope.until.0, scope.campaign],
            |row| {
                Ok(DomainCount {
                    domain: row.get(0)?,
                    reason: reason(row, 1)?,
                    count: row.get(2)?,
                })
            },
        )?;
        rows.collect()
    }

    /// What became of the sends of each campaign that was sent in the period.
    pub fn returned_by_campaign(&self, scope: Scope<'_>) -> Result<Vec<Returned>, StoreError> {
        self.returned("send.email_id", scope)
    }

    /// What became of the sends to each domain in the period.
    pub fn returned_by_domain(&self, scope: Scope<'_>) -> Result<Vec<Returned>, StoreError> {
        self.returned(
            "substr(send.address_key, instr(send.address_key, '@') + 1)",
            scope,
        )
    }

    /// `by` is an expression of ours over `send`. A send counts once for each kind, however often
    /// it was reported.
    fn returned(&self, by: &str, scope: Scope<'_>) -> Result<Vec<Returned>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "WITH fate AS (
                 SELECT send_hash, max(CASE WHEN kind = 'bounce' AND permanence = 'hard' THEN 1 ELSE 0 END) AS hard,
                        max(CASE WHEN kind = 'bounce' AND permanence = 'soft' THEN 1 ELSE 0 END) AS soft,
                        max(CASE WHEN kind = 'complaint' THEN 1 ELSE 0 END) AS complaint, max(CASE WHEN kind = 'unsubscribe' THEN 1 ELSE 0 END) AS unsubscribe
                 FROM event WHERE occurred_at >= $1 AND send_hash IS NOT NULL GROUP BY send_hash)
             SELECT {by}, count(*), coalesce(sum(fate.hard), 0), count(*) FILTER (WHERE fate.soft > fate.hard),
                    coalesce(sum(fate.complaint), 0), coalesce(sum(fate.unsubscribe), 0)
             FROM send LEFT JOIN fate ON fate.send_hash = send.hash
             WHERE send.sent_at >= $1 AND send.sent_at < $2 AND (CAST($3 AS TEXT) IS NULL OR send.email_id = $3)
             GROUP BY 1 ORDER BY 2 DESC, 1"
        ))?;
        let rows = select.query_map(
            params![scope.since.0, scope.until.0, scope.campaign],
            |row| {
                Ok(Returned {
                    name: row.get(0)?,
                    sends: row.get(1)?,
                    hard: row.get(2)?,
                    soft: row.get(3)?,
                    complaints: row.get(4)?,
                    unsubscribes: row.get(5)?,
                })
            },
        )?;
        rows.collect()
    }

    /// Calls `each` for every bounce of the period with its reason and diagnostic text.
    pub fn for_each_diagnostic(
        &self,
        scope: Scope<'_>,
        mut each: impl FnMut(Option<Reason>, &str),
    ) -> Result<(), StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT reason, diagnostic FROM event WHERE kind = 'bounce' AND {IN_SCOPE}"
        ))?;
        let mut rows = select.query(params![scope.since.0, scope.until.0, scope.campaign])?;
        while let Some(row) = rows.next()? {
            each(reason(&row, 0)?, row.text(1)?);
        }
        Ok(())
    }

    /// What each mailbox and provider brought, by day of receipt.
    pub fn source_counts(&self, since: Timestamp) -> Result<Vec<SourceCount>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT source, received_at / {DAY}, count(*), count(*) FILTER (WHERE kind = 'unrecognised'), max(received_at) FROM event
             WHERE received_at >= $1 AND kind NOT IN ('release', 'manual') GROUP BY 1, 2 ORDER BY 1, 2"
        ))?;
        let rows = select.query_map(params![since.0], |row| {
            Ok(SourceCount {
                source: row.get(0)?,
                day: row.get(1)?,
                count: row.get(2)?,
                unrecognised: row.get(3)?,
                last: Timestamp(row.get(4)?),
            })
        })?;
        rows.collect()
    }

    /// Reports that runs counted since then with a wrong signature in the return address, and with
    /// the hash of a send that is too old.
    pub fn disbelieved_since(&self, since: Timestamp) -> Result<(u64, u64), StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT CAST(coalesce(sum(CAST(accounting ->> 'forged' AS BIGINT)), 0) AS BIGINT),
                    CAST(coalesce(sum(CAST(accounting ->> 'expired' AS BIGINT)), 0) AS BIGINT)
             FROM run WHERE started_at >= $1",
        )?;
        select.query_row(params![since.0], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The do-not-contact list by reason and detail.
    pub fn suppressed_counts(
        &self,
        now: Timestamp,
        old: Timestamp,
    ) -> Result<Vec<SuppressedCount>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT reason, detail, count(*) FILTER (WHERE expires_at IS NULL OR expires_at > $1),
                    count(*) FILTER (WHERE (expires_at IS NULL OR expires_at > $1) AND since < $2),
                    count(*) FILTER (WHERE expires_at <= $1)
             FROM do_not_contact GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
        )?;
        let rows = select.query_map(params![now.0, old.0], |row| {
            Ok(SuppressedCount {
                grounds: row.get(0)?,
                detail: row.get(1)?,
                count: row.get(2)?,
                old: row.get(3)?,
                expired: row.get(4)?,
            })
        })?;
        rows.collect()
    }

    /// Every segment with its present members by the day they joined.
    pub fn segment_counts(&self) -> Result<Vec<SegmentCount>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT segment.name, segment.built_at, member.since / {DAY}, count(member.contact)
             FROM segment LEFT JOIN segment_member member
                  ON member.segment = segment.id AND member.origin <> 'removed'
             GROUP BY segment.id, segment.name, segment.built_at, 3 ORDER BY segment.name, 3"
        ))?;
        let mut rows = select.query(params![])?;
        let mut segments: Vec<SegmentCount> = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            if segments.last().is_none_or(|last| last.name != name) {
                segments.push(SegmentCount {
                    name,
                    joined: Vec::new(),
                    built_at: row.get::<Option<i64>>(1)?.map(Timestamp),
                });
            }
            if let (Some(day), Some(segment)) = (row.get::<Option<i64>>(2)?, segments.last_mut()) {
                segment.joined.push((day, row.get(3)?));
            }
        }
        Ok(segments)
    }
}
