//! From the events of one address to its entries on the do-not-contact list.

use std::collections::BTreeMap;

use super::{Action, Grounds, Policy, Subject};
use crate::{
    classify::{Permanence, Reason},
    event::{EventKey, EventKind, ONLY_THEIR_WORD},
    time::{DAY, Timestamp},
};

/// What the policy needs of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastEvent {
    pub key: EventKey,
    /// The mailbox or provider that told it.
    pub source: String,
    /// The hash of the send it is about, where that is known.
    pub send: Option<Vec<u8>>,
    pub kind: EventKind,
    pub reason: Option<Reason>,
    pub permanence: Option<Permanence>,
    /// Of manual entries and releases: what was listed or taken back.
    pub grounds: Option<Grounds>,
    pub receiving_host: String,
    /// The campaign e-mail of its send; empty where it is not known.
    pub campaign: String,
    /// For manual entries the comment.
    pub note: String,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    /// When a manual entry ends.
    pub expires_at: Option<Timestamp>,
    pub run: i64,
}

/// Among so many latest failures the same one is looked for.
const RETOLD: usize = 64;

impl PastEvent {
    /// Whether this tells the failure that `earlier` told, by another source (a provider's webhook
    /// and the bounce mail): of the same send, or within a day where a send is not known.
    fn retells(&self, earlier: &Self) -> bool {
        self.source != earlier.source
            && match (&self.send, &earlier.send) {
                (Some(send), Some(other)) => send == other,
                _ => self.occurred_at.0 - earlier.occurred_at.0 <= DAY,
            }
    }

    /// The order in which events count. At one instant a bounce comes before what heals it, and
    /// both before a release, which takes back everything up to its time.
    fn order(&self) -> (Timestamp, u8, EventKey) {
        let rank = match self.kind {
            EventKind::Release => 2,
            EventKind::Delivered | EventKind::Reply => 1,
            _ => 0,
        };
        (self.occurred_at, rank, self.key)
    }
}

/// An event that puts its address on the list, by itself or as the last of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub grounds: Grounds,
    pub detail: Option<Reason>,
    pub hard: bool,
    pub comment: String,
    pub event: EventKey,
    pub run: i64,
    pub at: Timestamp,
    pub until: Option<Timestamp>,
}

/// An entry of the do-not-contact list, without its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub grounds: Grounds,
    /// Of bounces.
    pub detail: Option<Reason>,
    /// The earliest cause.
    pub since: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub comment: String,
    /// The strongest cause: for good before for a time, hard before soft, then the earliest.
    pub event: Option<EventKey>,
    /// The run that brought it.
    pub run: i64,
}

impl Policy {
    /// The events that suppress, in the order of time; `events` may have any order.
    ///
    /// Points: of the events of one day the highest count, days within the window add up, and a
    /// delivery, a reply or a release makes earlier ones forgotten. The same failure reported by
    /// mailbox and by webhook counts once, whatever the days. A cause stays one when points are forgotten later:
    /// an address that worked once after it was given up is for a person (or `for`) to release.
    pub fn causes(&self, domain: &str, events: &[PastEvent]) -> Vec<Cause> {
        self.judge(domain, events).0
    }

    /// The points of an address at its latest bounce; none where they were forgotten since.
    pub fn points(&self, domain: &str, events: &[PastEvent]) -> u32 {
        self.judge(domain, events).1
    }

    fn judge(&self, domain: &str, events: &[PastEvent]) -> (Vec<Cause>, u32) {
        let mut order: Vec<&PastEvent> = events.iter().collect();
        order.sort_by_key(|event| event.order());
        let releases: Vec<&PastEvent> = order
            .iter()
            .copied()
            .filter(|event| event.kind == EventKind::Release)
            .collect();
        // Day → the highest points of one event, and when the latest one was.
        let mut days: BTreeMap<i64, (u32, Timestamp)> = BTreeMap::new();
        let mut causes = Vec::new();
        let mut points = 0;
        let mut counted: Vec<&PastEvent> = Vec::new();
        for event in order {
            let rules = self.rules(Subject {
                domain,
                campaign: &event.campaign,
                receiving_host: &event.receiving_host,
            });
            let cause = |grounds, lasting: Option<i64>| Cause {
                grounds,
                detail: event.reason.filter(|_| grounds == Grounds::Bounce),
                hard: event.permanence == Some(Permanence::Hard),
                comment: String::new(),
                event: event.key,
                run: event.run,
                at: event.occurred_at,
                until: lasting
                    .map(|lasting| Timestamp(event.occurred_at.0.saturating_add(lasting))),
            };
            let found = match event.kind {
                EventKind::Bounce => {
                    let (Some(reason), Some(permanence)) = (event.reason, event.permanence) else {
                        continue;
                    };
                    match rules.action(reason, permanence) {
                        Action::Suppress { lasting } => cause(Grounds::Bounce, lasting),
                        Action::Score {
                            points: worth,
                            lasting,
                        } => {
                            let mut latest = counted.iter().rev().take(RETOLD);
                            if latest.any(|earlier| event.retells(earlier)) {
                                continue;
                            }
                            counted.push(event);
                            let (highest, latest) = days
                                .entry(event.occurred_at.0.div_euclid(DAY))
                                .or_insert((0, event.occurred_at));
                            *highest = worth.max(*highest);
                            *latest = event.occurred_at;
                            let begin = event.occurred_at.0.saturating_sub(rules.window);
                            points = days
                                .range(begin.div_euclid(DAY)..)
                                .filter(|(_, (_, latest))| latest.0 > begin)
                                .fold(0_u32, |sum, (_, (points, _))| sum.saturating_add(*points));
                            if points < rules.threshold {
                                continue;
                            }
                            cause(Grounds::Bounce, lasting)
                        }
                        Action::Record | Action::Ignore => continue,
                    }
                }
                EventKind::Complaint => {
                    let grounds = rules.complaint();
                    Cause {
                        comment: if grounds == Grounds::Complaint {
                            String::new()
                        } else {
                            "complaint".into()
                        },
                        ..cause(grounds, None)
                    }
                }
                EventKind::Unsubscribe if !event.note.starts_with(ONLY_THEIR_WORD) => {
                    cause(Grounds::Unsubscribe, None)
                }
                EventKind::Manual => Cause {
                    comment: event.note.clone(),
                    until: event.expires_at,
                    ..cause(event.grounds.unwrap_or(Grounds::Manual), None)
                },
                kind => {
                    let pardoned = kind == EventKind::Release
                        && event.grounds.is_none_or(|g| g == Grounds::Bounce);
                    if pardoned || rules.heals(kind) {
                        days.clear();
                        points = 0;
                    }
                    continue;
                }
            };
            if !releases
                .iter()
                .any(|release| takes_back(release, event, found.grounds))
            {
                causes.push(found);
            }
        }
        (causes, points)
    }
}

/// Whether a release covers an event. A bounce that happened before it does not come back however
/// late it is reported. A complaint, an unsubscribe or a manual entry is covered only if it was
/// known then: nobody decided about one that was still on its way.
fn takes_back(release: &PastEvent, event: &PastEvent, grounds: Grounds) -> bool {
    release.grounds.is_none_or(|released| released == grounds)
        && event.occurred_at <= release.occurred_at
        && (event.kind == EventKind::Bounce || event.received_at <= release.received_at)
}

/// The entries that these causes (in the order of time) lead to, at most one for each grounds. A
/// cause that comes when the entry had expired begins a new one.
pub fn entries(causes: &[Cause]) -> Vec<Entry> {
    let mut entries: BTreeMap<Grounds, (Entry, bool)> = BTreeMap::new();
    for cause in causes {
        let new = Entry {
            grounds: cause.grounds,
            detail: cause.detail,
            since: cause.at,
            expires_at: cause.until,
            comment: cause.comment.clone(),
            event: Some(cause.event),
            run: cause.run,
        };
        let Some((entry, hard)) = entries.get_mut(&cause.grounds) else {
            entries.insert(cause.grounds, (new, cause.hard));
            continue;
        };
        if entry.expires_at.is_some_and(|at| at <= cause.at) {
            (*entry, *hard) = (new, cause.hard);
            continue;
        }
        let for_good = |at: Option<Timestamp>| at.is_none();
        let strength = |at, hard: bool| (for_good(at), hard);
        let until = match (entry.expires_at, cause.until) {
            (Some(one), Some(other)) => Some(one.max(other)),
            _ => None,
        };
        if strength(cause.until, cause.hard) > strength(entry.expires_at, *hard) {
            (*entry, *hard) = (
                Entry {
                    since: entry.since,
                    ..new
                },
                cause.hard,
            );
        }
        entry.expires_at = until;
    }
    entries.into_values().map(|(entry, _)| entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, day: i64) -> PastEvent {
        PastEvent {
            source: "bounces".into(),
            send: None,
            key: EventKey::of(&[kind.name().as_bytes(), &day.to_be_bytes()]),
            kind,
            reason: Some(Reason::MailboxFull),
            permanence: Some(Permanence::Soft),
            grounds: None,
            receiving_host: String::new(),
            campaign: String::new(),
            note: String::new(),
            occurred_at: Timestamp(day * DAY),
            received_at: Timestamp(day * DAY),
            expires_at: None,
            run: 1,
        }
    }

    fn full(days: &[i64]) -> Vec<PastEvent> {
        days.iter()
            .map(|day| event(EventKind::Bounce, *day))
            .collect()
    }

    fn listed(policy: &Policy, events: &[PastEvent]) -> Vec<Entry> {
        entries(&policy.causes("example.com", events))
    }

    #[test]
    fn a_day_counts_once_and_points_grow_old() {
        let policy = Policy::default();
        assert!(listed(&policy, &full(&[1, 1, 1, 2, 3, 4])).is_empty());
        assert!(listed(&policy, &full(&[1, 2, 3, 4, 31])).is_empty());
        let entries = listed(&policy, &full(&[5, 4, 3, 2, 1]));
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].since, Timestamp(5 * DAY));
        assert_eq!(entries[0].detail, Some(Reason::MailboxFull));
    }

    #[test]
    fn one_failure_told_by_two_sources_counts_once() {
        let policy = Policy::default();
        let told = |source: &str, send: u8, day: i64, hours: i64| PastEvent {
            key: EventKey::of(&[source.as_bytes(), &[send]]),
            source: source.into(),
            send: Some(vec![send]),
            occurred_at: Timestamp(day * DAY + hours * DAY / 24),
            ..event(EventKind::Bounce, day)
        };
        // Four mailings, each told by mail and, after midnight, by webhook.
        let mut events: Vec<PastEvent> = (1..=4)
            .flat_map(|n| {
                let day = i64::from(n) * 2;
                [told("bounces", n, day, 23), told("sendgrid", n, day + 1, 1)]
            })
            .collect();
        assert_eq!(policy.points("example.com", &events), 4);
        assert!(listed(&policy, &events).is_empty());
        // A fifth one is another failure.
        events.push(told("sendgrid", 5, 10, 1));
        assert_eq!(listed(&policy, &events).len(), 1);
    }

    #[test]
    fn a_delivery_or_a_release_forgets_what_was_before_it() {
        let policy = Policy::default();
        for kind in [EventKind::Delivered, EventKind::Reply, EventKind::Release] {
            let mut events = full(&[1, 2, 4, 5, 6]);
            events.push(event(kind, 3));
            assert!(listed(&policy, &events).is_empty(), "{kind:?}");
            events.extend(full(&[7, 8]));
            assert_eq!(listed(&policy, &events)[0].since, Timestamp(8 * DAY));
        }
        // What suppressed before the delivery still does.
        let mut events = full(&[1, 2, 3, 4, 5]);
        events.push(event(EventKind::Delivered, 6));
        assert_eq!(listed(&policy, &events).len(), 1);
        events.push(event(EventKind::Release, 7));
        assert!(listed(&policy, &events).is_empty());
    }

    #[test]
    fn a_later_hard_bounce_is_never_hidden_behind_a_soft_one() {
        let mut events = full(&[1, 2, 3, 4, 5]);
        let hard = PastEvent {
            reason: Some(Reason::UserUnknown),
            permanence: Some(Permanence::Hard),
            ..event(EventKind::Bounce, 9)
        };
        events.push(hard.clone());
        let entries = listed(&Policy::default(), &events);
        assert_eq!(entries[0].detail, Some(Reason::UserUnknown));
        assert_eq!(entries[0].since, Timestamp(5 * DAY));
        assert_eq!(entries[0].event, Some(hard.key));
    }

    #[test]
    fn a_complaint_still_on_its_way_is_not_released() {
        let release = PastEvent {
            grounds: Some(Grounds::Complaint),
            ..event(EventKind::Release, 10)
        };
        let known = event(EventKind::Complaint, 8);
        let late = PastEvent {
            key: EventKey([9; 16]),
            received_at: Timestamp(11 * DAY),
            ..event(EventKind::Complaint, 9)
        };
        let policy = Policy::default();
        assert!(listed(&policy, &[known.clone(), release.clone()]).is_empty());
        let entries = listed(&policy, &[known, late, release]);
        assert_eq!(entries[0].since, Timestamp(9 * DAY));
    }

    #[test]
    fn an_entry_ends_by_itself_and_a_later_cause_begins_a_new_one() {
        let policy: Policy =
            toml::from_str("[reasons]\nmailbox_full = { action = \"suppress\", for = \"10d\" }")
                .unwrap();
        let entries = listed(&policy, &full(&[1, 6]));
        assert_eq!(
            (entries[0].since, entries[0].expires_at),
            (Timestamp(DAY), Some(Timestamp(16 * DAY)))
        );
        let entries = listed(&policy, &full(&[1, 11]));
        assert_eq!(entries[0].since, Timestamp(11 * DAY));
    }
}
