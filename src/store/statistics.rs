//! Counts for reports, read from the daily roll-up.

use std::collections::BTreeMap;

use super::engine::{Connection, params};
use super::{Store, StoreError, events};
use crate::{
    classify::{Permanence, Reason},
    event::EventKind,
    time::{DAY, Timestamp},
};

/// Which events and sends are counted, by when they happened.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Days since 1970, UTC.
    pub first: i64,
    /// Inclusive.
    pub last: i64,
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

/// Diagnostics that differ only in addresses and numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagnosticCount {
    pub reason: Option<Reason>,
    pub count: u64,
    /// One of them, cut.
    pub sample: String,
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

const IN_SCOPE: &str = "day >= $1 AND day <= $2 AND (CAST($3 AS TEXT) IS NULL OR campaign = $3)";

/// The counts, as of when they were asked for; events of undone runs are not among them.
pub struct Statistics<'s> {
    pub(super) connection: &'s Connection,
}

impl Statistics<'_> {
    /// Events by day, kind, reason and permanence.
    pub fn event_counts(&self, scope: Scope<'_>) -> Result<Vec<EventCount>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT day, kind, reason, permanence, CAST(sum(count) AS BIGINT) FROM day_kind
             WHERE {IN_SCOPE} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
        ))?;
        let rows = select.query_map(params![scope.first, scope.last, scope.campaign], |row| {
            let permanence: String = row.get(3)?;
            Ok(EventCount {
                day: row.get(0)?,
                kind: events::kind(row, 1)?,
                reason: events::reason(row, 2)?,
                permanence: [Permanence::Hard, Permanence::Soft]
                    .into_iter()
                    .find(|known| known.name() == permanence),
                count: row.get(4)?,
            })
        })?;
        rows.collect()
    }

    /// Sends by day (days since 1970, UTC).
    pub fn send_counts(&self, scope: Scope<'_>) -> Result<Vec<(i64, u64)>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT day, CAST(sum(sends) AS BIGINT) FROM send_day
             WHERE day >= $1 AND day <= $2 AND (CAST($3 AS TEXT) IS NULL OR email_id = $3) GROUP BY 1 ORDER BY 1",
        )?;
        let rows = select.query_map(params![scope.first, scope.last, scope.campaign], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        rows.collect()
    }

    /// Bounces by domain of the address and reason, most frequent first.
    pub fn domain_counts(&self, scope: Scope<'_>) -> Result<Vec<DomainCount>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT domain, reason, CAST(sum(count) AS BIGINT) FROM day_domain WHERE {IN_SCOPE}
             GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
        ))?;
        let rows = select.query_map(params![scope.first, scope.last, scope.campaign], |row| {
            Ok(DomainCount {
                domain: row.get(0)?,
                reason: events::reason(row, 1)?,
                count: row.get(2)?,
            })
        })?;
        rows.collect()
    }

    /// What became of the sends of each campaign that was sent in the period.
    pub fn returned_by_campaign(&self, scope: Scope<'_>) -> Result<Vec<Returned>, StoreError> {
        self.returned("email_id", scope)
    }

    /// What became of the sends to each domain in the period.
    pub fn returned_by_domain(&self, scope: Scope<'_>) -> Result<Vec<Returned>, StoreError> {
        self.returned("domain", scope)
    }

    /// `by` is a column of send_day. A send counts once for each kind, however often it was
    /// reported, and hard or soft, whatever came last.
    fn returned(&self, by: &str, scope: Scope<'_>) -> Result<Vec<Returned>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT {by}, CAST(sum(sends) AS BIGINT), CAST(sum(hard) AS BIGINT), CAST(sum(soft) AS BIGINT),
                    CAST(sum(complaints) AS BIGINT), CAST(sum(unsubscribes) AS BIGINT) FROM send_day
             WHERE day >= $1 AND day <= $2 AND (CAST($3 AS TEXT) IS NULL OR email_id = $3)
             GROUP BY 1 ORDER BY 2 DESC, 1"
        ))?;
        let rows = select.query_map(params![scope.first, scope.last, scope.campaign], |row| {
            Ok(Returned {
                name: row.get(0)?,
                sends: row.get(1)?,
                hard: row.get(2)?,
                soft: row.get(3)?,
                complaints: row.get(4)?,
                unsubscribes: row.get(5)?,
            })
        })?;
        rows.collect()
    }

    /// What hosts said of bounces, most frequent first, at most so many.
    pub fn diagnostic_counts(
        &self,
        scope: Scope<'_>,
        most: usize,
    ) -> Result<Vec<DiagnosticCount>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT reason, CAST(sum(count) AS BIGINT), min(sample) FROM day_diagnostic WHERE {IN_SCOPE}
             GROUP BY reason, shape ORDER BY 2 DESC, 3, 1"
        ))?;
        let rows = select.query_map(params![scope.first, scope.last, scope.campaign], |row| {
            Ok(DiagnosticCount {
                reason: events::reason(row, 0)?,
                count: row.get(1)?,
                sample: row.get(2)?,
            })
        })?;
        rows.take(most).collect()
    }

    /// What each mailbox and provider brought, by day of receipt.
    pub fn source_counts(&self, first: i64) -> Result<Vec<SourceCount>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT source, received_day, CAST(sum(count) AS BIGINT), CAST(sum(unrecognised) AS BIGINT), max(last)
             FROM day_source
             WHERE received_day >= $1 GROUP BY 1, 2 ORDER BY 1, 2",
        )?;
        let rows = select.query_map(params![first], |row| {
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

    /// How many events each rule decided, by rule id.
    pub fn rule_hits(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT rule, CAST(sum(count) AS BIGINT) FROM day_rule GROUP BY rule ORDER BY 2 DESC, 1",
        )?;
        let rows = select.query_map(params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }
}

impl Store {
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

    /// The do-not-contact list by reason and detail, the most frequent first.
    pub fn suppressed_counts(
        &self,
        now: Timestamp,
        old: Timestamp,
    ) -> Result<Vec<SuppressedCount>, StoreError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT reason, detail, since, expires_at FROM do_not_contact")?;
        // Counted here: there are few groups, and grouping in the database sorts all rows.
        let mut counts: Vec<SuppressedCount> = Vec::new();
        let mut rows = select.query(params![])?;
        while let Some(row) = rows.next()? {
            let (grounds, detail) = (events::text(&row, 0)?, events::text(&row, 1)?);
            let known = counts
                .iter()
                .position(|count| count.grounds == grounds && count.detail == detail);
            let index = known.unwrap_or_else(|| {
                counts.push(SuppressedCount {
                    grounds: grounds.to_owned(),
                    detail: detail.to_owned(),
                    count: 0,
                    old: 0,
                    expired: 0,
                });
                counts.len() - 1
            });
            let count = &mut counts[index];
            if row.get::<Option<i64>>(3)?.is_some_and(|at| at <= now.0) {
                count.expired += 1;
            } else {
                count.count += 1;
                count.old += u64::from(row.get::<i64>(2)? < old.0);
            }
        }
        counts.sort_by(|a, b| {
            let name = |of: &SuppressedCount| (of.grounds.clone(), of.detail.clone());
            b.count.cmp(&a.count).then_with(|| name(a).cmp(&name(b)))
        });
        Ok(counts)
    }

    /// Every segment with its present members by the day they joined, in the order of names.
    pub fn segment_counts(&self) -> Result<Vec<SegmentCount>, StoreError> {
        let mut joined: BTreeMap<i64, BTreeMap<i64, u64>> = BTreeMap::new();
        let mut select = self.connection.prepare_cached(
            "SELECT segment, since FROM segment_member WHERE origin <> 'removed'",
        )?;
        let mut rows = select.query(params![])?;
        while let Some(row) = rows.next()? {
            let days = joined.entry(row.get(0)?).or_default();
            *days.entry(row.get::<i64>(1)?.div_euclid(DAY)).or_default() += 1;
        }
        let mut segments: Vec<SegmentCount> = self
            .segments()?
            .into_iter()
            .map(|segment| SegmentCount {
                name: segment.name,
                joined: joined
                    .remove(&segment.id)
                    .unwrap_or_default()
                    .into_iter()
                    .collect(),
                built_at: segment.built_at,
            })
            .collect();
        segments.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(segments)
    }
}
