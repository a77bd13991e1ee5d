//! What should alarm: rates beyond their limits, sources that fell silent or are not understood.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Rate, Report};
use crate::{
    store::{Returned, Statistics, StoreError},
    time::{DAY, Timestamp},
};

/// The `[alarms]` table: shares are 0 to 1.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    pub bounce_rate: f64,
    /// A warning; Google and Yahoo ask senders to stay below it.
    pub complaint_rate: f64,
    /// An alarm; beyond it they refuse mail.
    pub complaint_rate_severe: f64,
    /// Fewer sends than this say nothing.
    pub minimum_sends: u64,
    /// Share of what a source brings that nothing recognised.
    pub unrecognised: f64,
    /// A source is silent when nothing came for so many times its longest usual gap.
    pub silence_factor: u32,
    /// Return addresses with a wrong signature within a day.
    pub forged: u64,
    /// Reports that name a send older than they may, within a day.
    pub expired: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bounce_rate: 0.05,
            complaint_rate: 0.001,
            complaint_rate_severe: 0.003,
            minimum_sends: 200,
            unrecognised: 0.2,
            silence_factor: 3,
            forged: 20,
            expired: 20,
        }
    }
}

/// Something beyond a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// `bounce_rate`, `complaint_rate`, `silence`, `unrecognised`, `forged` or
    /// `expired`.
    pub kind: &'static str,
    /// What it is about: `total`, a campaign, a domain or a source.
    pub about: String,
    /// For people.
    pub text: String,
}

/// One mailbox or provider.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceHealth {
    pub source: String,
    /// RFC 3339, UTC.
    pub last_event: String,
    /// Whole days since.
    pub silent_days: i64,
    /// The longest time between two days with events, in days; 0 while too little is known.
    pub usual_gap: i64,
    /// Within the last 90 days.
    pub events: u64,
    pub unrecognised: Rate,
}

impl SourceHealth {
    /// How it fell silent, if it did: longer than its habit allows.
    pub fn silence(&self, limits: &Limits) -> Option<String> {
        let limit = self.usual_gap * i64::from(limits.silence_factor);
        (limit > 0 && self.silent_days > limit).then(|| {
            format!(
                "nothing for {} days, the longest gap before was {} (last: {})",
                self.silent_days, self.usual_gap, self.last_event
            )
        })
    }
}

/// Sources are looked at over so many days.
const LOOKED_BACK: i64 = 90;

/// A source with fewer days of events has no habit yet.
const HABIT: usize = 5;

/// What each mailbox and provider brought lately.
pub fn sources(
    statistics: &Statistics<'_>,
    now: Timestamp,
) -> Result<Vec<SourceHealth>, StoreError> {
    let mut days: BTreeMap<String, Vec<crate::store::SourceCount>> = BTreeMap::new();
    for count in statistics.source_counts(now.0.div_euclid(DAY) - LOOKED_BACK)? {
        days.entry(count.source.clone()).or_default().push(count);
    }
    let health = days.into_iter().filter_map(|(source, days)| {
        let last = days.iter().map(|day| day.last).max()?;
        let gaps = days.windows(2).map(|pair| pair[1].day - pair[0].day);
        let events: u64 = days.iter().map(|day| day.count).sum();
        let unrecognised = days.iter().map(|day| day.unrecognised).sum();
        Some(SourceHealth {
            last_event: last.to_string(),
            silent_days: (now.0 - last.0).max(0) / DAY,
            usual_gap: if days.len() < HABIT {
                0
            } else {
                gaps.max().unwrap_or(0)
            },
            events,
            unrecognised: Rate::of(unrecognised, events),
            source,
        })
    });
    Ok(health.collect())
}

/// Judged by the lower end of the interval: an alarm is not chance.
pub(super) fn alarms(
    report: &Report,
    campaigns: &[Returned],
    domains: &[Returned],
    limits: &Limits,
) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    let mut rates = |about: &str, returned: &Returned| {
        if returned.sends < limits.minimum_sends {
            return;
        }
        let bounces = Rate::of(returned.hard + returned.soft, returned.sends);
        if bounces.low > limits.bounce_rate {
            alarms.push(Alarm {
                kind: "bounce_rate",
                about: about.to_owned(),
                text: beyond("bounces", &bounces, limits.bounce_rate),
            });
        }
        let complaints = Rate::of(returned.complaints, returned.sends);
        let limit = if complaints.low > limits.complaint_rate_severe {
            limits.complaint_rate_severe
        } else {
            limits.complaint_rate
        };
        if complaints.low > limit {
            alarms.push(Alarm {
                kind: "complaint_rate",
                about: about.to_owned(),
                text: beyond("complaints", &complaints, limit),
            });
        }
    };
    let mut total = Returned::default();
    for campaign in campaigns {
        total.sends += campaign.sends;
        total.hard += campaign.hard;
        total.soft += campaign.soft;
        total.complaints += campaign.complaints;
    }
    rates("total", &total);
    for campaign in campaigns {
        rates(&format!("campaign {}", campaign.name), campaign);
    }
    for domain in domains {
        rates(&format!("domain {}", domain.name), domain);
    }
    for source in &report.sources {
        if let Some(text) = source.silence(limits) {
            alarms.push(Alarm {
                kind: "silence",
                about: source.source.clone(),
                text,
            });
        }
        if source.unrecognised.low > limits.unrecognised {
            alarms.push(Alarm {
                kind: "unrecognised",
                about: source.source.clone(),
                text: beyond("unrecognised", &source.unrecognised, limits.unrecognised),
            });
        }
    }
    if report.forged > limits.forged {
        alarms.push(Alarm {
            kind: "forged",
            about: "return addresses".into(),
            text: format!(
                "{} reports with a wrong signature within a day, the limit is {}: somebody is guessing",
                report.forged, limits.forged
            ),
        });
    }
    if report.expired > limits.expired {
        alarms.push(Alarm {
            kind: "expired",
            about: "return addresses".into(),
            text: format!(
                "{} reports on sends older than verp.hash_lasting within a day, the limit is {}: somebody \
                 replays old return addresses",
                report.expired, limits.expired
            ),
        });
    }
    alarms
}

fn beyond(what: &str, rate: &Rate, limit: f64) -> String {
    format!(
        "{what}: {} ({} of {}, at least {:.2} %), the limit is {:.2} %",
        rate.percent(),
        rate.count,
        rate.of,
        rate.low * 100.0,
        limit * 100.0
    )
}
