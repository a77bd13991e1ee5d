//! How right recognition is: labelled mails against what is read in them, field by field.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    address::{AddressKey, bare},
    classify::{Diagnostics, Permanence, Reason, Rules},
    event::{self, DeliveryEvent, EventKind},
    message::{self, Inbound, Options},
};

/// What one mail says of one recipient, as a person labelled it. What is `None` is not compared.
#[derive(Clone, Debug, Deserialize)]
pub struct Expected {
    pub recipient: Option<String>,
    #[serde(default = "bounce")]
    pub kind: String,
    #[serde(default, deserialize_with = "reason")]
    pub reason: Option<Reason>,
    pub hard: Option<bool>,
    pub status: Option<String>,
    pub feedback_type: Option<String>,
}

fn bounce() -> String {
    EventKind::Bounce.name().to_owned()
}

/// A reason under either of its names.
fn reason<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Reason>, D::Error> {
    let name = Option::<String>::deserialize(from)?;
    name.map(|name| {
        Reason::from_name(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("`{name}` is not a reason")))
    })
    .transpose()
}

/// How often a field was right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub agreed: u32,
    pub wrong: u32,
    /// Expected, but nothing was found.
    pub missing: u32,
}

impl Tally {
    pub const fn all(self) -> u32 {
        self.agreed + self.wrong + self.missing
    }

    /// Of all that was expected; 100 where nothing was.
    pub fn percent(self) -> f64 {
        match self.all() {
            0 => 100.0,
            all => f64::from(self.agreed) * 100.0 / f64::from(all),
        }
    }

    fn note<T: PartialEq>(&mut self, expected: &T, found: Option<&T>) -> bool {
        match found {
            Some(found) if found == expected => self.agreed += 1,
            Some(_) => self.wrong += 1,
            None => self.missing += 1,
        }
        found == Some(expected)
    }
}

/// What went wrong, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mistake {
    /// Somebody could be suppressed for a mail that reports no bounce.
    NonBounceTakenForBounce,
    SoftTakenForHard,
    RecipientWrong,
    RecipientMissing,
    HardTakenForSoft,
    ReasonWrong,
    StatusWrong,
    /// A report on a recipient nobody expected, in a mail with other reports.
    Unexpected,
}

impl Mistake {
    pub const fn name(self) -> &'static str {
        match self {
            Self::NonBounceTakenForBounce => "non-bounce taken for bounce",
            Self::SoftTakenForHard => "soft taken for hard",
            Self::RecipientWrong => "recipient wrong",
            Self::RecipientMissing => "recipient missing",
            Self::HardTakenForSoft => "hard taken for soft",
            Self::ReasonWrong => "reason wrong",
            Self::StatusWrong => "status wrong",
            Self::Unexpected => "not expected",
        }
    }
}

/// One disagreement between label and reading.
#[derive(Clone, Debug)]
pub struct Disagreement {
    pub mistake: Mistake,
    pub mail: String,
    pub recipient: String,
    pub expected: String,
    pub found: String,
    /// The rule that decided; empty where none was asked.
    pub rule: String,
    pub diagnostic: String,
}

/// The score of any number of labelled mails.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    pub mails: u32,
    /// Mails in which no bounce is expected.
    pub non_bounces: u32,
    pub recipient: Tally,
    pub permanence: Tally,
    pub reason: Tally,
    pub status: Tally,
    /// Expected and found reason, with how often; only where they differ.
    pub confusion: BTreeMap<(Reason, Reason), u32>,
    /// Per rule: how often the reason it gave was right.
    pub rules: BTreeMap<String, Tally>,
    pub disagreements: Vec<Disagreement>,
}

impl Evaluation {
    /// The compared fields by name.
    pub const fn fields(&self) -> [(&'static str, Tally); 4] {
        [
            ("recipient", self.recipient),
            ("hard/soft", self.permanence),
            ("reason", self.reason),
            ("status", self.status),
        ]
    }

    pub fn count(&self, mistake: Mistake) -> usize {
        self.disagreements
            .iter()
            .filter(|one| one.mistake == mistake)
            .count()
    }

    /// The disagreements, worst first, else in the order of the mails.
    pub fn worst(&self) -> Vec<&Disagreement> {
        let mut all: Vec<_> = self.disagreements.iter().collect();
        all.sort_by_key(|one| one.mistake);
        all
    }

    /// Reads the mails of one file as the program would, and compares with what is expected of
    /// them together.
    pub fn add(
        &mut self,
        mail: &str,
        bodies: &[Vec<u8>],
        expected: &[Expected],
        rules: &Rules,
        options: &Options,
    ) {
        self.mails += 1;
        let read: Vec<(Inbound, Vec<DeliveryEvent>)> = bodies
            .iter()
            .map(|body| {
                let inbound = message::parse(body, options);
                let judge = |said: &Diagnostics<'_>| rules.classify(said);
                let events = event::from_inbound(&inbound, [0; 16], "", judge);
                (inbound, events)
            })
            .collect();
        let mut found: Vec<Found<'_>> = read
            .iter()
            .flat_map(|(inbound, events)| {
                let originals = inbound
                    .reports
                    .iter()
                    .map(|report| report.original_recipient.as_deref());
                events
                    .iter()
                    .zip(originals.chain(std::iter::repeat(None)))
                    .map(|(event, original)| Found { event, original })
            })
            .collect();
        let is_bounce = expected.iter().any(|one| one.kind == "bounce");
        self.non_bounces += u32::from(!is_bounce);

        // Equal addresses first, so that one wrong recipient does not shift all the others.
        let mut open = Vec::new();
        for one in expected {
            match take(&mut found, one, Found::is_on) {
                Some(event) => self.compare(mail, one, event, true),
                None => open.push(one),
            }
        }
        for one in open {
            if let Some(event) = take(&mut found, one, Found::was_sent_to) {
                self.compare(mail, one, event, false);
            } else if let Some(event) = take(&mut found, one, |_, _| true) {
                self.compare(mail, one, event, one.recipient.is_none());
            } else {
                self.missing(mail, one);
            }
        }
        for left in found.iter().map(|found| found.event) {
            let mistake = match left.kind {
                EventKind::Bounce if !is_bounce => Mistake::NonBounceTakenForBounce,
                EventKind::Bounce | EventKind::Complaint => Mistake::Unexpected,
                _ => continue,
            };
            self.disagree(mistake, mail, "nothing", left.kind.name(), Some(left));
        }
    }

    fn compare(&mut self, mail: &str, expected: &Expected, event: &DeliveryEvent, same: bool) {
        if same {
            self.recipient.agreed += 1;
        } else {
            self.recipient.wrong += 1;
            let wanted = expected.recipient.as_deref().unwrap_or_default();
            let found = event.address.as_deref().unwrap_or("nobody");
            self.disagree(Mistake::RecipientWrong, mail, wanted, found, Some(event));
        }
        let verdict = event.classification.as_ref();
        if let Some(hard) = expected.hard {
            let found = verdict.map(|verdict| verdict.permanence == Permanence::Hard);
            if !self.permanence.note(&hard, found.as_ref()) {
                let (mistake, is, not) = if hard {
                    (Mistake::HardTakenForSoft, "hard", "soft")
                } else {
                    (Mistake::SoftTakenForHard, "soft", "hard")
                };
                let reason = verdict.map_or("", |verdict| verdict.reason.name());
                self.disagree(mistake, mail, is, &format!("{not} {reason}"), Some(event));
            }
        }
        if let Some(reason) = expected.reason {
            let found = verdict.map(|verdict| verdict.reason);
            let right = self.reason.note(&reason, found.as_ref());
            if let Some(verdict) = verdict {
                let tally = self.rules.entry(verdict.rule.clone()).or_default();
                tally.note(&reason, found.as_ref());
            }
            if !right {
                let name = found.map_or("nothing", Reason::name);
                self.disagree(Mistake::ReasonWrong, mail, reason.name(), name, Some(event));
                if let Some(found) = found {
                    *self.confusion.entry((reason, found)).or_default() += 1;
                }
            }
        }
        if let Some(status) = &expected.status {
            let found = event.status.map(|status| status.to_string());
            if !self.status.note(status, found.as_ref()) {
                let found = found.as_deref().unwrap_or("nothing");
                self.disagree(Mistake::StatusWrong, mail, status, found, Some(event));
            }
        }
    }

    /// A recipient not found counts against every field that was expected of it.
    fn missing(&mut self, mail: &str, expected: &Expected) {
        self.recipient.missing += 1;
        self.permanence.missing += u32::from(expected.hard.is_some());
        self.reason.missing += u32::from(expected.reason.is_some());
        self.status.missing += u32::from(expected.status.is_some());
        let wanted = expected.recipient.as_deref().unwrap_or("anybody");
        let wanted = format!("{} of {wanted}", expected.kind);
        self.disagree(Mistake::RecipientMissing, mail, &wanted, "nothing", None);
    }

    fn disagree(
        &mut self,
        mistake: Mistake,
        mail: &str,
        expected: &str,
        found: &str,
        event: Option<&DeliveryEvent>,
    ) {
        self.disagreements.push(Disagreement {
            mistake,
            mail: mail.to_owned(),
            recipient: event
                .and_then(|event| event.address.clone())
                .unwrap_or_default(),
            expected: expected.to_owned(),
            found: found.to_owned(),
            rule: event
                .and_then(|event| Some(event.classification.as_ref()?.rule.clone()))
                .unwrap_or_default(),
            diagnostic: event
                .map(|event| event.diagnostic.clone())
                .unwrap_or_default(),
        });
    }
}

/// A report that no expectation has claimed yet.
struct Found<'a> {
    event: &'a DeliveryEvent,
    original: Option<&'a str>,
}

impl Found<'_> {
    fn is_on(&self, expected: &Expected) -> bool {
        same_address(self.event.address.as_deref(), expected.recipient.as_deref())
    }

    /// Only Original-Recipient names whom we expect.
    fn was_sent_to(&self, expected: &Expected) -> bool {
        self.original.is_some() && same_address(self.original, expected.recipient.as_deref())
    }
}

fn take<'a>(
    found: &mut Vec<Found<'a>>,
    expected: &Expected,
    is_it: impl Fn(&Found<'a>, &Expected) -> bool,
) -> Option<&'a DeliveryEvent> {
    let at = found
        .iter()
        .position(|found| is_kind(found.event, expected) && is_it(found, expected))?;
    Some(found.remove(at).event)
}

/// Labels know no delays: a DSN with action `delayed` stands there as a soft bounce. Nor do they tell
/// complaints from feedback reports about the sender but by their Feedback-Type.
fn is_kind(found: &DeliveryEvent, expected: &Expected) -> bool {
    match (found.kind, expected.kind.as_str()) {
        (EventKind::Delayed, "bounce") => true,
        (EventKind::Note | EventKind::NotSpam, "complaint") => {
            expected.feedback_type.as_deref() == Some(&found.raw_type)
        }
        (kind, expected) => kind.name() == expected,
    }
}

fn same_address(one: Option<&str>, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (one, other) else {
        return one.is_none() && other.is_none();
    };
    match (AddressKey::parse(one), AddressKey::parse(other)) {
        (Some(one), Some(other)) => one == other,
        // Mail systems report on bare user names, too.
        _ => bare(one).eq_ignore_ascii_case(bare(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "From: MAILER-DAEMON@example.net\nSubject: x\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; One@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\n\nOriginal-Recipient: rfc822; two@example.com\nFinal-Recipient: rfc822; zwei@example.org\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full\n--b--\n";

    fn evaluate(expected: &str) -> Evaluation {
        let expected: Vec<Expected> = serde_json::from_str(expected).unwrap();
        let mut evaluation = Evaluation::default();
        evaluation.add(
            "x.eml",
            &[MAIL.as_bytes().to_vec()],
            &expected,
            Rules::builtin(),
            &Options::default(),
        );
        evaluation
    }

    fn mistakes(evaluation: &Evaluation) -> Vec<Mistake> {
        let worst = evaluation.worst();
        worst.iter().map(|one| one.mistake).collect()
    }

    #[test]
    fn agreement_is_counted_per_field() {
        let all = evaluate(
            r#"[{"recipient":"one@EXAMPLE.com","kind":"bounce","reason":"userunknown","hard":true,"status":"5.1.1"},
                {"recipient":"zwei@example.org","reason":"mailbox_full","hard":false,"status":null}]"#,
        );
        assert!(all.disagreements.is_empty(), "{all:?}");
        let agreed = all.fields().map(|(_, tally)| tally.agreed);
        assert_eq!((agreed, all.non_bounces), ([2, 2, 2, 1], 0));
        assert!(all.fields().iter().all(|(_, tally)| tally.missing == 0));
    }

    #[test]
    fn every_disagreement_is_named_worst_first() {
        let all = evaluate(
            r#"[{"recipient":"two@example.com","reason":"filtered","hard":true,"status":"5.2.1"},
                {"recipient":"one@example.com","reason":"filtered","hard":false,"status":"5.1.1"},
                {"recipient":"three@example.com","reason":"filtered","hard":false,"status":"5.1.1"}]"#,
        );
        assert_eq!(
            mistakes(&all),
            [
                Mistake::SoftTakenForHard,
                Mistake::RecipientWrong,
                Mistake::RecipientMissing,
                Mistake::HardTakenForSoft,
                Mistake::ReasonWrong,
                Mistake::ReasonWrong,
                Mistake::StatusWrong
            ]
        );
        let reason = Tally {
            agreed: 0,
            wrong: 2,
            missing: 1,
        };
        assert_eq!(all.reason, reason);
        assert_eq!(
            all.confusion.get(&(Reason::Filtered, Reason::MailboxFull)),
            Some(&1)
        );
    }

    #[test]
    fn a_bounce_nobody_expected_is_the_worst() {
        let all = evaluate("[]");
        assert_eq!(mistakes(&all), [Mistake::NonBounceTakenForBounce; 2]);
        assert_eq!(all.non_bounces, 1);
        let one = evaluate(r#"[{"recipient":"one@example.com"}]"#);
        assert_eq!(mistakes(&one), [Mistake::Unexpected]);
        let nobody = evaluate(r#"[{"recipient":null},{"recipient":null}]"#);
        assert!(nobody.disagreements.is_empty());
    }
}
