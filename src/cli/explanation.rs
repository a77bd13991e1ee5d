//! One mail explained, as text and as JSON.

use bouncekit_core::{
    classify::{Permanence, Reason},
    config::Keep,
    event::{DeliveryEvent, EventKind},
    ingest::{Lead, Preview},
    message::{Clue, Inbound, Report, Target},
    store::EventRow,
    suppression::{Action, Policy, Preset, Subject},
    time::DAY,
};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::listing::printable;

pub(crate) struct Explanation {
    pub(crate) inbound: Inbound,
    /// One a report, or one for the whole mail where there is none.
    pub(crate) events: Vec<DeliveryEvent>,
    /// What met the rule that decided, of each event.
    pub(crate) matched: Vec<String>,
    pub(crate) policy: Policy,
    pub(crate) keep: Keep,
    /// One an event, where there is a database.
    pub(crate) previews: Option<Vec<Preview>>,
    /// The event that was asked for, as it was written.
    pub(crate) stored: Option<EventRow>,
}

impl Explanation {
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                out.push_str(&format!("{name:<16}  {}\n", printable(value)));
            }
        };
        let inbound = &self.inbound;
        if let Some(stored) = &self.stored {
            line("event", &written(stored));
            if let Some(why) = self.disagreement(stored) {
                line("today", &why);
            }
        }
        line("format", inbound.format.name());
        line("subject", &inbound.subject);
        line("from", inbound.from.as_deref().unwrap_or_default());
        let message_id = inbound.message_id.as_deref();
        line("message-id", message_id.unwrap_or_default());
        let returned = inbound.has_returned_message;
        line("returned message", if returned { "yes" } else { "no" });
        for (index, clue) in inbound.clues.iter().enumerate() {
            let (what, value) = target(clue);
            let lead = self.lead(index).map_or_else(
                || "not looked up: no database".into(),
                |lead| told(lead, self.decides(index)),
            );
            line(
                &format!("clue {}", index + 1),
                &format!("{}: {what} {value} -> {lead}", clue.source),
            );
        }
        if inbound.clues.is_empty() {
            line("clues", "none: only the address can say who is meant");
        }
        if inbound.reports.is_empty() {
            line("reports", "none: kept for review as unrecognised");
        }
        for (index, event) in self.events.iter().enumerate() {
            if !inbound.reports.is_empty() {
                line(&format!("report {}", index + 1), event.kind.name());
            }
            for (name, value) in self.fields(index) {
                line(&format!("  {}", name.replace('_', " ")), &value);
            }
            line("  policy", &self.policy(index));
            for row in self.rows(index) {
                line("  would write", &row);
            }
        }
        line("archive", self.archive());
        out
    }

    pub(crate) fn json(&self) -> Value {
        let inbound = &self.inbound;
        let reports: Vec<Value> = (0..self.events.len())
            .map(|index| {
                let mut object: serde_json::Map<String, Value> = self
                    .fields(index)
                    .into_iter()
                    .map(|(name, value)| match value.parse::<u16>() {
                        Ok(number) if name == "reply_code" => (name.to_owned(), number.into()),
                        _ => (name.to_owned(), value.into()),
                    })
                    .collect();
                let event = &self.events[index];
                object.insert("kind".into(), event.kind.name().into());
                object.insert("event".into(), HEXLOWER.encode(&event.key.0).into());
                object.insert("policy".into(), self.policy(index).into());
                object.insert("would_write".into(), self.rows(index).into());
                if let Some(preview) = self.preview(index) {
                    object.insert("outcome".into(), preview.outcome.name().into());
                }
                object.into()
            })
            .collect();
        let clues: Vec<Value> = (inbound.clues.iter().enumerate())
            .map(|(index, clue)| {
                let (what, value) = target(clue);
                let lead = self.lead(index);
                json!({
                    "source": clue.source, "what": what, "value": value,
                    "leads_to": lead.map(|lead| told(lead, self.decides(index))),
                    "decides": self.decides(index),
                })
            })
            .collect();
        let unrecognised = inbound.reports.is_empty();
        json!({
            "format": inbound.format.name(),
            "subject": inbound.subject,
            "from": inbound.from,
            "message_id": inbound.message_id,
            "has_returned_message": inbound.has_returned_message,
            "database": self.previews.is_some(),
            "clues": clues,
            "recognised": !unrecognised,
            "reports": if unrecognised { Vec::new() } else { reports.clone() },
            "unrecognised": if unrecognised { reports.first().cloned() } else { None },
            "archive": self.archive(),
            "stored": self.stored.as_ref().map(|stored| json!({
                "event": HEXLOWER.encode(&stored.key.0),
                "kind": stored.kind.name(), "reason": stored.reason, "permanence": stored.permanence,
                "rule": stored.rule, "run": stored.run, "note": stored.note,
                "today": self.disagreement(stored),
            })),
        })
    }

    fn preview(&self, index: usize) -> Option<&Preview> {
        self.previews.as_ref()?.get(index)
    }

    /// What a clue leads to; the same for all events but where signatures are preferred.
    fn lead(&self, clue: usize) -> Option<&Lead> {
        self.preview(0)?.leads.get(clue)
    }

    fn decides(&self, clue: usize) -> bool {
        self.preview(0)
            .is_some_and(|preview| preview.leads.iter().position(Lead::decides) == Some(clue))
    }

    /// The filled fields of a report, in the order people read them.
    fn fields(&self, index: usize) -> Vec<(&'static str, String)> {
        let event = &self.events[index];
        let verdict = event.classification.as_ref();
        let none = Report::default();
        let report = self.inbound.reports.get(index).unwrap_or(&none);
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let all = [
            ("recipient", text(&report.recipient)),
            ("original", text(&report.original_recipient)),
            ("action", text(&report.action)),
            ("status", shown(report.status)),
            ("reply_code", shown(report.reply_code)),
            ("feedback_type", text(&report.feedback_type)),
            ("reporting_mta", text(&report.reporting_mta)),
            ("remote_mta", text(&report.remote_mta)),
            ("diagnostic", report.diagnostic.clone()),
            ("occurred_at", shown(report.occurred_at)),
            (
                "reason",
                shown(verdict.map(|verdict| verdict.reason.name())),
            ),
            (
                "fault",
                shown(verdict.map(|verdict| verdict.reason.fault().name())),
            ),
            (
                "permanence",
                shown(verdict.map(|verdict| verdict.permanence.name())),
            ),
            ("rule", shown(verdict.map(|verdict| &verdict.rule))),
            ("matched", self.matched[index].clone()),
            ("charged_to", self.charged(index)),
        ];
        all.into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    /// Who is meant, as far as the database can say.
    fn charged(&self, index: usize) -> String {
        let Some(preview) = self.preview(index) else {
            return String::new();
        };
        let who = match &preview.row.address {
            Some(address) if preview.known => address.to_string(),
            Some(address) => format!("{address}, whom no contact and no send has"),
            None => "nobody".into(),
        };
        if preview.row.note.is_empty() {
            who
        } else {
            format!("{who} ({})", preview.row.note)
        }
    }

    /// The policy's row for an event.
    fn policy(&self, index: usize) -> String {
        let event = &self.events[index];
        let (_, domain) = event
            .address
            .as_deref()
            .and_then(|address| address.rsplit_once('@'))
            .unwrap_or_default();
        let policy = self.policy.rules(Subject {
            domain: &domain.to_lowercase(),
            campaign: "",
            receiving_host: &event.receiving_host,
        });
        let preset = match policy.preset {
            Preset::Standard => "preset standard",
            Preset::Mautic => "preset mautic",
        };
        let Some(verdict) = event
            .classification
            .as_ref()
            .filter(|_| event.kind == EventKind::Bounce)
        else {
            return match event.kind {
                EventKind::Complaint => {
                    format!("suppress as {} ({preset})", policy.complaint().name())
                }
                EventKind::Unsubscribe => "suppress as unsubscribe".into(),
                _ => "record".into(),
            };
        };
        let lasting = |lasting: Option<i64>| {
            lasting.map_or_else(String::new, |span| format!(" for {}d", span / DAY))
        };
        let action = match policy.action(verdict.reason, verdict.permanence) {
            Action::Suppress { lasting: span } => format!("suppress{}", lasting(span)),
            Action::Score {
                points,
                lasting: span,
            } => {
                let so_far = self.preview(index).map_or_else(String::new, |preview| {
                    format!(", {} so far", preview.points)
                });
                format!(
                    "score {points}; suppress{} at {} within {}d{so_far}",
                    lasting(span),
                    policy.threshold,
                    policy.window / DAY
                )
            }
            Action::Record => "record".into(),
            Action::Ignore => "ignore".into(),
        };
        let from = if policy.reasons.contains_key(&verdict.reason) {
            format!("policy.reasons.{}", verdict.reason.name())
        } else {
            preset.to_owned()
        };
        format!("{action} ({from})")
    }

    /// The rows that `email:fetch` would write for an event.
    fn rows(&self, index: usize) -> Vec<String> {
        let event = &self.events[index];
        let Some(preview) = self.preview(index) else {
            let mut rows = vec![format!("event {}", event.kind.name())];
            if self.policy(index).starts_with("suppress") {
                rows.push("do-not-contact, if a contact or send has the address".into());
            }
            return rows;
        };
        let id = HEXLOWER.encode(&event.key.0[..4]);
        if !preview.new {
            return vec![format!("nothing: event {id} is written already")];
        }
        let mut rows = vec![format!("event {id} {}", preview.row.kind.name())];
        if let Some(row) = &preview.suppression {
            let entry = &row.entry;
            let detail = entry
                .detail
                .map_or_else(String::new, |reason| format!(" ({})", reason.name()));
            let until = entry
                .expires_at
                .map_or_else(String::new, |at| format!(" until {at}"));
            rows.push(format!(
                "do-not-contact {}, {}{detail}, since {}{until}",
                row.address,
                entry.grounds.name(),
                entry.since
            ));
        }
        rows
    }

    fn archive(&self) -> &'static str {
        match self.keep {
            Keep::All => "the mail is kept",
            Keep::Unrecognised if self.inbound.reports.is_empty() => {
                "the mail is kept, as nothing recognised it"
            }
            Keep::Unrecognised => "not kept: recognised (archive.keep = \"unrecognised\")",
            Keep::None => "not kept (archive.keep = \"none\")",
        }
    }

    /// How today's reading of the mail differs from the event that was written.
    fn disagreement(&self, stored: &EventRow) -> Option<String> {
        let today = self
            .events
            .iter()
            .find(|event| [event.key, event.key.unmonitored()].contains(&stored.key));
        let Some(today) = today else {
            return Some("read differently: no report of the mail is this event any more".into());
        };
        let (reason, permanence) = today
            .classification
            .as_ref()
            .map(|verdict| (verdict.reason, verdict.permanence))
            .unzip();
        if (stored.reason, stored.permanence) == (reason, permanence) {
            return None;
        }
        Some(format!(
            "judged differently: {} {} {}; see reclassify",
            today.kind.name(),
            permanence.map_or("", Permanence::name),
            reason.map_or("", Reason::name),
        ))
    }
}

/// A written event in one line.
fn written(event: &EventRow) -> String {
    let mut line = format!(
        "{} {} by {} in run {}",
        HEXLOWER.encode(&event.key.0),
        event.kind.name(),
        event.source,
        event.run
    );
    if let (Some(permanence), Some(reason)) = (event.permanence, event.reason) {
        line += &format!(", {} {}", permanence.name(), reason.name());
    }
    if let Some(rule) = &event.rule {
        line += &format!(", rule {rule}");
    }
    if let Some(address) = &event.address {
        line += &format!(", charged to {address}");
    }
    line
}

/// What a clue names: purpose and hash with whether it is signed, or a Message-ID.
fn target(clue: &Clue) -> (String, String) {
    match &clue.target {
        Target::Token(token) => {
            let signed = if token.mac.is_some() { ", signed" } else { "" };
            (
                format!("{} hash{signed}", token.purpose.name()),
                token.hash.to_string(),
            )
        }
        Target::MessageId(id) => ("Message-ID".into(), id.clone()),
    }
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn told(lead: &Lead, decides: bool) -> String {
    let used = if decides { "" } else { " (not needed)" };
    match lead {
        Lead::Send(send) => format!(
            "send of e-mail {} to {} at {}{used}",
            send.email_id, send.address, send.sent_at
        ),
        Lead::Unknown => "no such send".into(),
        Lead::Forged => "wrong signature: forged".into(),
        Lead::Expired(send) => format!(
            "send to {} at {}: too old (hash_lasting)",
            send.address, send.sent_at
        ),
        Lead::Unproven(send) => format!("send to {}, but not signed as it must be", send.address),
    }
}
