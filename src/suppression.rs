//! What we do about an event: pure policy, from reason and history to a decision.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::{
    classify::{Permanence, Reason},
    event::EventKind,
    time::{DAY, Timestamp},
};

/// Why an address is on the do-not-contact list; the order is the strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grounds {
    Manual,
    Bounce,
    Unsubscribe,
    Complaint,
}

impl Grounds {
    pub const ALL: &[Self] = &[
        Self::Manual,
        Self::Bounce,
        Self::Unsubscribe,
        Self::Complaint,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Bounce => "bounce",
            Self::Unsubscribe => "unsubscribe",
            Self::Complaint => "complaint",
        }
    }
}

/// What the policy says about one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Suppress at once, for good or for so many milliseconds.
    Suppress { lasting: Option<i64> },
    /// Add points; suppress at the threshold.
    Score { points: u32, lasting: Option<i64> },
    /// Keep the event, do nothing.
    Record,
    /// As `Record`, and leave it out of reports.
    Ignore,
}

/// What is done about one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// For good, or for so many milliseconds from the event.
    Suppress {
        lasting: Option<i64>,
    },
    Keep,
}

/// Among so many latest failures the same one is looked for.
const RETOLD: usize = 64;

/// Named starting points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Hard recipient failures suppress at once, soft ones score, sender-side ones never hurt.
    #[default]
    Standard,
    /// Every recognised bounce suppresses; a complaint is stored as an unsubscribe.
    Mautic,
}

/// The `[policy]` table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    pub preset: Preset,
    /// Points at which a scored address is suppressed.
    pub threshold: u32,
    /// Points are counted within this time.
    #[serde(deserialize_with = "lasting")]
    pub window: i64,
    /// Events that make earlier points forgotten.
    pub heal: Vec<Healing>,
    /// Exceptions from the preset, by reason.
    pub reasons: BTreeMap<Reason, ActionText>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            preset: Preset::Standard,
            threshold: 5,
            window: 30 * DAY,
            heal: vec![Healing::Delivered, Healing::Reply],
            reasons: BTreeMap::new(),
        }
    }
}

/// What the policy needs of an address's past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastEvent {
    /// The mailbox or provider that told it.
    pub source: String,
    /// The hash of the send it is about, where that is known.
    pub send: Option<String>,
    pub kind: EventKind,
    pub reason: Option<Reason>,
    pub permanence: Option<Permanence>,
    pub occurred_at: Timestamp,
}

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
}

/// What proves that an address works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Healing {
    Delivered,
    Reply,
}

/// An action as written in the configuration: `"suppress"`, `"score 2"`, `"record"`, `"ignore"`, or
/// a table `{ action = "suppress", for = "90d" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionText(pub Action);

impl<'de> Deserialize<'de> for ActionText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            action: String,
            r#for: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Text {
            Word(String),
            Table(Table),
        }
        let (word, span) = match Text::deserialize(deserializer)? {
            Text::Word(word) => (word, None),
            Text::Table(table) => (table.action, table.r#for),
        };
        let lasting = span
            .map(|span| duration(&span))
            .transpose()
            .map_err(serde::de::Error::custom)?;
        action(&word, lasting)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

fn action(word: &str, lasting: Option<i64>) -> Result<Action, String> {
    let mut words = word.split_whitespace();
    let action = match (words.next(), words.next(), words.next()) {
        (Some("suppress"), None, None) => Action::Suppress { lasting },
        (Some("score"), points, None) => match points.unwrap_or("1").parse() {
            Ok(points) if points > 0 => Action::Score { points, lasting },
            _ => {
                return Err(format!(
                    "`{word}`: the points after `score` must be a number from 1"
                ));
            }
        },
        (Some("record"), None, None) => Action::Record,
        (Some("ignore"), None, None) => Action::Ignore,
        _ => {
            return Err(format!(
                "`{word}` is no action: one of `suppress`, `score N`, `record`, `ignore` was expected"
            ));
        }
    };
    if lasting.is_some() && matches!(action, Action::Record | Action::Ignore) {
        return Err(format!("`for` has no meaning with `{word}`"));
    }
    Ok(action)
}

/// Reads `90d`, `12h`, `30m`, `45s` as milliseconds.
pub fn duration(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let wrong =
        || format!("`{text}` is no duration: write a number and s, m, h, d or w, e.g. `30d`");
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?);
    let unit = match unit.trim() {
        "s" => crate::time::SECOND,
        "m" | "min" => crate::time::MINUTE,
        "h" => crate::time::HOUR,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return Err(wrong()),
    };
    digits
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(wrong)
}

fn lasting<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    duration(&text).map_err(serde::de::Error::custom)
}

impl Policy {
    /// What a bounce of this reason leads to.
    pub fn action(&self, reason: Reason, permanence: Permanence) -> Action {
        if let Some(ActionText(action)) = self.reasons.get(&reason) {
            return *action;
        }
        let suppress = Action::Suppress { lasting: None };
        let score = Action::Score {
            points: 1,
            lasting: None,
        };
        match self.preset {
            Preset::Mautic => suppress,
            Preset::Standard => match reason {
                // A provider may call a sender-side failure hard; it still is not the recipient's.
                Reason::UserUnknown | Reason::HostUnknown | Reason::HasMoved => match permanence {
                    Permanence::Hard => suppress,
                    Permanence::Soft => score,
                },
                Reason::Suspended => suppress,
                Reason::NotAccept | Reason::Filtered | Reason::OnHold | Reason::Undefined => {
                    match permanence {
                        Permanence::Hard => suppress,
                        Permanence::Soft => score,
                    }
                }
                Reason::MailboxFull
                | Reason::Expired
                | Reason::NetworkError
                | Reason::SystemError
                | Reason::SystemFull
                | Reason::MailerError => score,
                Reason::Rejected
                | Reason::Blocked
                | Reason::BadReputation
                | Reason::RequirePtr
                | Reason::AuthFailure
                | Reason::PolicyViolation
                | Reason::SecurityError
                | Reason::FailedStarttls
                | Reason::Speeding
                | Reason::TooManyConnections
                | Reason::NoRelaying
                | Reason::SpamDetected
                | Reason::VirusDetected
                | Reason::ContentError
                | Reason::NotCompliantRfc
                | Reason::MessageTooBig
                | Reason::ExceedLimit
                | Reason::SyntaxError => Action::Record,
            },
        }
    }

    /// Grounds of a complaint; Mautic knows none.
    pub const fn complaint(&self) -> Grounds {
        match self.preset {
            Preset::Standard => Grounds::Complaint,
            Preset::Mautic => Grounds::Unsubscribe,
        }
    }

    /// What becomes of a bounce, given the address's events within the window (this one among
    /// them), ordered by time.
    pub fn decide(
        &self,
        reason: Reason,
        permanence: Permanence,
        history: &[PastEvent],
    ) -> Decision {
        match self.action(reason, permanence) {
            Action::Suppress { lasting } => Decision::Suppress { lasting },
            Action::Score { lasting, .. } if self.points(history) >= self.threshold => {
                Decision::Suppress { lasting }
            }
            Action::Score { .. } | Action::Record | Action::Ignore => Decision::Keep,
        }
    }

    /// Adds up the points of an address at its latest event: at most one event's points a day, one
    /// failure told twice once, within the window, forgotten after a delivery or reply.
    pub fn points(&self, history: &[PastEvent]) -> u32 {
        let Some(latest) = history.last().map(|event| event.occurred_at.0) else {
            return 0;
        };
        let mut days: BTreeMap<i64, u32> = BTreeMap::new();
        let mut counted: Vec<&PastEvent> = Vec::new();
        for event in history {
            let heals = match event.kind {
                EventKind::Delivered => self.heal.contains(&Healing::Delivered),
                EventKind::Reply => self.heal.contains(&Healing::Reply),
                _ => false,
            };
            if heals {
                days.clear();
                continue;
            }
            let (EventKind::Bounce, Some(reason), Some(permanence)) =
                (event.kind, event.reason, event.permanence)
            else {
                continue;
            };
            if event.occurred_at.0 <= latest - self.window {
                continue;
            }
            if let Action::Score { points, .. } = self.action(reason, permanence) {
                if counted
                    .iter()
                    .rev()
                    .take(RETOLD)
                    .any(|earlier| event.retells(earlier))
                {
                    continue;
                }
                counted.push(event);
                let day = days.entry(event.occurred_at.0.div_euclid(DAY)).or_default();
                *day = points.max(*day);
            }
        }
        days.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(kind: EventKind, day: i64) -> PastEvent {
        PastEvent {
            source: "bounces".into(),
            send: None,
            kind,
            reason: Some(Reason::MailboxFull),
            permanence: Some(Permanence::Soft),
            occurred_at: Timestamp(day * DAY),
        }
    }

    #[test]
    fn a_day_counts_once_and_a_delivery_forgets() {
        let policy = Policy::default();
        let bounces = |days: &[i64]| {
            days.iter()
                .map(|day| past(EventKind::Bounce, *day))
                .collect::<Vec<_>>()
        };
        assert_eq!(policy.points(&bounces(&[1, 1, 2, 3])), 3);
        assert_eq!(policy.points(&bounces(&[1, 2, 3, 32])), 2);
        let healed = [
            past(EventKind::Bounce, 1),
            past(EventKind::Delivered, 2),
            past(EventKind::Bounce, 3),
        ];
        assert_eq!(policy.points(&healed), 1);
        let keep = policy.decide(
            Reason::MailboxFull,
            Permanence::Soft,
            &bounces(&[1, 2, 3, 4]),
        );
        assert_eq!(keep, Decision::Keep);
        let suppress = policy.decide(
            Reason::MailboxFull,
            Permanence::Soft,
            &bounces(&[1, 2, 3, 4, 5]),
        );
        assert_eq!(suppress, Decision::Suppress { lasting: None });
    }

    #[test]
    fn one_failure_told_twice_counts_once() {
        let policy = Policy::default();
        let told = |source: &str, send: Option<&str>, hour: i64| PastEvent {
            source: source.into(),
            send: send.map(str::to_owned),
            occurred_at: Timestamp(hour * crate::time::HOUR),
            ..past(EventKind::Bounce, 0)
        };
        let points = |history: &[PastEvent]| policy.points(history);
        // Told before midnight by the provider, after it by the bounce mail.
        assert_eq!(
            points(&[told("sendgrid", None, 23), told("bounces", None, 25)]),
            1
        );
        assert_eq!(
            points(&[
                told("sendgrid", Some("a"), 23),
                told("bounces", Some("a"), 70)
            ]),
            1
        );
        assert_eq!(
            points(&[
                told("sendgrid", Some("a"), 23),
                told("bounces", Some("b"), 25)
            ]),
            2
        );
        assert_eq!(
            points(&[told("bounces", None, 23), told("bounces", None, 25)]),
            2
        );
    }

    #[test]
    fn presets_and_exceptions() {
        let policy: Policy = toml::from_str(
            "[reasons]\nblocked = \"score 2\"\nsuspended = { action = \"suppress\", for = \"90d\" }",
        )
        .unwrap();
        assert_eq!(
            policy.action(Reason::UserUnknown, Permanence::Hard),
            Action::Suppress { lasting: None }
        );
        assert_eq!(
            policy.action(Reason::AuthFailure, Permanence::Soft),
            Action::Record
        );
        assert_eq!(
            policy.action(Reason::Blocked, Permanence::Soft),
            Action::Score {
                points: 2,
                lasting: None
            }
        );
        assert_eq!(
            policy.action(Reason::Suspended, Permanence::Soft),
            Action::Suppress {
                lasting: Some(90 * DAY)
            }
        );
        let mautic: Policy = toml::from_str("preset = \"mautic\"").unwrap();
        assert_eq!(
            mautic.action(Reason::AuthFailure, Permanence::Soft),
            Action::Suppress { lasting: None }
        );
        assert_eq!(mautic.complaint(), Grounds::Unsubscribe);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, wanted) in [
            ("[reasons]\nblocked = \"skore\"", "`skore` is no action"),
            (
                "[reasons]\nblocked = { action = \"record\", for = \"3d\" }",
                "no meaning",
            ),
            ("window = \"3 moons\"", "`3 moons` is no duration"),
            ("[reasons]\nblokked = \"record\"", "blokked"),
        ] {
            let error = toml::from_str::<Policy>(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
