//! What came back in a period, put together for people: one value, drawn as HTML, text or JSON.

mod chart;
mod diagnostics;
mod health;
mod html;
mod rate;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

pub use diagnostics::DiagnosticGroup;
pub use health::{Alarm, Limits, SourceHealth, sources};
pub use html::render as html;
pub use rate::Rate;
pub use text::render as text;

use crate::{
    classify::{Fault, Permanence, Reason},
    event::EventKind,
    store::{EventCount, Returned, Scope, Statistics, Store, StoreError, SuppressedCount},
    time::{DAY, Timestamp},
};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub now: Timestamp,
    /// The period up to now, whole days.
    pub days: u32,
    pub campaign: Option<&'a str>,
    pub limits: &'a Limits,
}

/// Everything a report shows.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// RFC 3339, UTC, as every time in the report.
    pub generated_at: String,
    pub since: String,
    pub campaign: Option<String>,
    pub totals: Totals,
    /// The period of the same length before.
    pub before: Totals,
    /// One a day, oldest first, without gaps.
    pub days: Vec<Day>,
    /// Domains with the most bounces.
    pub domains: Vec<Domain>,
    /// Campaigns sent in the period, largest first.
    pub campaigns: Vec<Campaign>,
    pub diagnostics: Vec<DiagnosticGroup>,
    pub sources: Vec<SourceHealth>,
    pub segments: Vec<Segment>,
    pub suppressed: Vec<Suppressed>,
    /// Return addresses with a wrong signature within the last day.
    pub forged: u64,
    /// Reports that name a send older than they may, within the last day.
    pub expired: u64,
    pub alarms: Vec<Alarm>,
}

/// Counts of a period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub sends: u64,
    pub hard_bounces: u64,
    pub soft_bounces: u64,
    pub complaints: u64,
    pub unsubscribes: u64,
    pub replies: u64,
    pub auto_replies: u64,
    pub unrecognised: u64,
}

/// Counts of a day.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Day {
    /// `YYYY-MM-DD`, UTC.
    pub day: String,
    #[serde(flatten)]
    pub totals: Totals,
    /// Bounces by whose fault they are.
    pub faults: BTreeMap<&'static str, u64>,
    /// Bounces by reason.
    pub reasons: BTreeMap<&'static str, u64>,
}

/// Bounces at one receiving domain.
#[derive(Clone, Debug, Serialize)]
pub struct Domain {
    pub domain: String,
    pub bounces: u64,
    pub reasons: BTreeMap<&'static str, u64>,
}

/// One campaign e-mail.
#[derive(Clone, Debug, Serialize)]
pub struct Campaign {
    pub email_id: String,
    pub sends: u64,
    pub hard_bounces: u64,
    pub soft_bounces: u64,
    pub bounce_rate: Rate,
    pub complaint_rate: Rate,
    pub unsubscribes: u64,
}

/// One segment.
#[derive(Clone, Debug, Serialize)]
pub struct Segment {
    pub name: String,
    pub members: u64,
    /// Of these, who joined within the period.
    pub joined: u64,
    /// Members at the end of each day of the period (those of today only).
    pub growth: Vec<u64>,
    pub built_at: Option<String>,
}

/// Rows of the do-not-contact list.
#[derive(Clone, Debug, Serialize)]
pub struct Suppressed {
    pub reason: String,
    pub detail: String,
    pub count: u64,
    /// Of these, older than 90 days: what `dnc:release --older-than 90d` would release.
    pub older_than_90_days: u64,
    /// No longer in force.
    pub expired: u64,
}

/// Domains, campaigns and diagnostics shown at the most.
const SHOWN: usize = 12;

impl Report {
    /// Asks the store.
    pub fn of(store: &mut Store, question: Question<'_>) -> Result<Self, StoreError> {
        let today = question.now.0.div_euclid(DAY);
        let first = today - i64::from(question.days) + 1;
        let scope = Scope {
            first,
            last: today,
            campaign: question.campaign,
        };
        let earlier = Scope {
            first: first - i64::from(question.days),
            last: first - 1,
            ..scope
        };
        let statistics = store.statistics()?;
        let days = days(
            first,
            today,
            &statistics.event_counts(scope)?,
            &statistics.send_counts(scope)?,
        );
        let mut before = Totals::default();
        for count in statistics.event_counts(earlier)? {
            before.add(&count);
        }
        before.sends = statistics
            .send_counts(earlier)?
            .iter()
            .map(|(_, n)| n)
            .sum();
        let campaigns = statistics.returned_by_campaign(scope)?;
        let by_domain = statistics.returned_by_domain(scope)?;
        let diagnostics = statistics.diagnostic_counts(scope, SHOWN)?;
        let domains = domains(&statistics, scope)?;
        let sources = health::sources(&statistics, question.now)?;
        let (forged, expired) = store.disbelieved_since(Timestamp(question.now.0 - DAY))?;
        let mut report = Self {
            forged,
            expired,
            generated_at: question.now.to_string(),
            since: Timestamp(first * DAY).day(),
            campaign: question.campaign.map(str::to_owned),
            totals: sum(&days),
            before,
            days,
            domains,
            campaigns: campaigns.iter().take(SHOWN).map(Campaign::of).collect(),
            diagnostics: diagnostics.into_iter().map(DiagnosticGroup::from).collect(),
            sources,
            segments: segments(store, first, today)?,
            suppressed: store
                .suppressed_counts(question.now, Timestamp(question.now.0 - 90 * DAY))?
                .into_iter()
                .map(Suppressed::from)
                .collect(),
            alarms: Vec::new(),
        };
        report.alarms = health::alarms(&report, &campaigns, &by_domain, question.limits);
        Ok(report)
    }

    /// The reasons that occur, the most frequent first.
    fn reasons(&self) -> Vec<&'static str> {
        let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
        for day in &self.days {
            for (reason, count) in &day.reasons {
                *counts.entry(reason).or_default() += count;
            }
        }
        let mut reasons: Vec<&'static str> = counts.keys().copied().collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse(counts[reason]));
        reasons
    }
}

impl Totals {
    pub const fn bounces(&self) -> u64 {
        self.hard_bounces + self.soft_bounces
    }

    fn add(&mut self, event: &EventCount) {
        let counted = match (event.kind, event.permanence) {
            (EventKind::Bounce, Some(Permanence::Hard)) => &mut self.hard_bounces,
            (EventKind::Bounce, _) => &mut self.soft_bounces,
            (EventKind::Complaint, _) => &mut self.complaints,
            (EventKind::Unsubscribe, _) => &mut self.unsubscribes,
            (EventKind::Reply, _) => &mut self.replies,
            (EventKind::AutoReply, _) => &mut self.auto_replies,
            (EventKind::Unrecognised, _) => &mut self.unrecognised,
            _ => return,
        };
        *counted += event.count;
    }
}

fn sum(days: &[Day]) -> Totals {
    let mut total = Totals::default();
    for Day { totals, .. } in days {
        total.sends += totals.sends;
        total.hard_bounces += totals.hard_bounces;
        total.soft_bounces += totals.soft_bounces;
        total.complaints += totals.complaints;
        total.unsubscribes += totals.unsubscribes;
        total.replies += totals.replies;
        total.auto_replies += totals.auto_replies;
        total.unrecognised += totals.unrecognised;
    }
    total
}

fn days(first: i64, last: i64, events: &[EventCount], sends: &[(i64, u64)]) -> Vec<Day> {
    let mut days: Vec<Day> = (first..=last)
        .map(|day| Day {
            day: Timestamp(day * DAY).day(),
            ..Day::default()
        })
        .collect();
    let index = |day: i64| usize::try_from(day - first).unwrap_or(usize::MAX);
    for event in events {
        let Some(day) = days.get_mut(index(event.day)) else {
            continue;
        };
        day.totals.add(event);
        if event.kind == EventKind::Bounce {
            let reason = event.reason.unwrap_or(Reason::Undefined);
            *day.faults.entry(reason.fault().name()).or_default() += event.count;
            *day.reasons.entry(reason.name()).or_default() += event.count;
        }
    }
    for (day, count) in sends {
        if let Some(day) = days.get_mut(index(*day)) {
            day.totals.sends += count;
        }
    }
    days
}

fn domains(statistics: &Statistics<'_>, scope: Scope<'_>) -> Result<Vec<Domain>, StoreError> {
    let mut domains: BTreeMap<String, Domain> = BTreeMap::new();
    for count in statistics.domain_counts(scope)? {
        let domain = domains
            .entry(count.domain.clone())
            .or_insert_with(|| Domain {
                domain: count.domain,
                bounces: 0,
                reasons: BTreeMap::new(),
            });
        domain.bounces += count.count;
        let reason = count.reason.unwrap_or(Reason::Undefined);
        *domain.reasons.entry(reason.name()).or_default() += count.count;
    }
    let mut domains: Vec<Domain> = domains.into_values().collect();
    domains.sort_by_key(|domain| std::cmp::Reverse(domain.bounces));
    domains.truncate(SHOWN);
    Ok(domains)
}

impl Campaign {
    fn of(returned: &Returned) -> Self {
        Self {
            email_id: returned.name.clone(),
            sends: returned.sends,
            hard_bounces: returned.hard,
            soft_bounces: returned.soft,
            bounce_rate: Rate::of(returned.hard + returned.soft, returned.sends),
            complaint_rate: Rate::of(returned.complaints, returned.sends),
            unsubscribes: returned.unsubscribes,
        }
    }
}

fn segments(store: &Store, first: i64, last: i64) -> Result<Vec<Segment>, StoreError> {
    let segments = store.segment_counts()?.into_iter().map(|segment| {
        let upto = |day| {
            let counted = segment.joined.iter().filter(|(joined, _)| *joined <= day);
            counted.map(|(_, count)| count).sum::<u64>()
        };
        let members = upto(i64::MAX);
        Segment {
            members,
            joined: members - upto(first - 1),
            growth: (first..=last).map(upto).collect(),
            built_at: segment.built_at.map(|at| at.to_string()),
            name: segment.name,
        }
    });
    Ok(segments.collect())
}

impl From<SuppressedCount> for Suppressed {
    fn from(count: SuppressedCount) -> Self {
        Self {
            reason: count.grounds,
            detail: count.detail,
            count: count.count,
            older_than_90_days: count.old,
            expired: count.expired,
        }
    }
}

/// The faults in the order they are drawn, with a colour each that reads on light and dark.
const FAULTS: &[(Fault, (u8, u8, u8))] = &[
    (Fault::Recipient, (0x3b, 0x82, 0xc4)),
    (Fault::RecipientHost, (0x2a, 0x9d, 0x8f)),
    (Fault::Sender, (0xd1, 0x4d, 0x41)),
    (Fault::Content, (0xda, 0x8b, 0x2b)),
    (Fault::Transport, (0x8b, 0x7e, 0xc8)),
    (Fault::Unknown, (0x87, 0x8a, 0x8c)),
];
