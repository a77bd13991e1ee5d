//! SendGrid's event webhook: a JSON array of flat objects; custom arguments are flattened among
//! the event's own members.

use std::borrow::Cow;

use super::{
    Field, Form, Kind, Provider, Row, Scheme,
    codes::Codes,
    field::Object,
    setup,
    vocabulary::{Verdict, Word, find, word},
};
use crate::{
    classify::Reason::{
        BadReputation, Expired, SpamDetected, Speeding, SystemError, Undefined, UserUnknown,
    },
    suppression::Preset,
};

const NAME: &str = "sendgrid";

pub(super) const PROVIDER: Provider = Provider {
    name: NAME,
    title: "SendGrid",
    callbacks: &["sendgrid_api", "sendgrid"],
    methods: &["POST"],
    scheme: Scheme::SendGrid,
    setup: &setup::SENDGRID,
    form: Form::None,
    decode,
};

/// Events whose name says all; `bounce` and `dropped` say more elsewhere.
const EVENTS: &[Word] = &[
    word("delivered", Kind::Ignore, Kind::Ignore, Undefined),
    word("open", Kind::Ignore, Kind::Ignore, Undefined),
    word("processed", Kind::Ignore, Kind::Ignore, Undefined),
    word("click", Kind::Ignore, Kind::Ignore, Undefined),
    word("deferred", Kind::Ignore, Kind::Ignore, Undefined),
    word("group_resubscribe", Kind::Ignore, Kind::Ignore, Undefined),
    // Mautic takes it for a bounce.
    word("spamreport", Kind::Complaint, Kind::HardBounce, Undefined),
    word(
        "unsubscribe",
        Kind::Unsubscribe,
        Kind::Unsubscribe,
        Undefined,
    ),
    word(
        "group_unsubscribe",
        Kind::Unsubscribe,
        Kind::Unsubscribe,
        Undefined,
    ),
    word("blocked", Kind::SoftBounce, Kind::Ignore, Undefined),
];

/// `type` of a bounce: `blocked` is temporary whatever its status.
const BOUNCE_TYPES: &[Word] = &[
    word("bounce", Kind::HardBounce, Kind::HardBounce, Undefined),
    word("blocked", Kind::SoftBounce, Kind::HardBounce, Undefined),
    word("expired", Kind::SoftBounce, Kind::HardBounce, Expired),
];

/// `reason` of a drop; any other is the sender's own affair.
const DROPS: &[Word] = &[
    word(
        "Bounced Address",
        Kind::HardBounce,
        Kind::HardBounce,
        UserUnknown,
    ),
    word("Invalid", Kind::HardBounce, Kind::HardBounce, UserUnknown),
    word(
        "Spam Reporting Address",
        Kind::Complaint,
        Kind::HardBounce,
        Undefined,
    ),
    word(
        "Unsubscribed Address",
        Kind::Unsubscribe,
        Kind::HardBounce,
        Undefined,
    ),
];
const OTHER_DROP: Verdict = Verdict::new(Kind::Ignore, Kind::HardBounce, Undefined);

/// `bounce_classification`, where nothing else says what kind of bounce it is.
const CLASSIFICATIONS: &[Word] = &[
    word(
        "Invalid Address",
        Kind::HardBounce,
        Kind::HardBounce,
        UserUnknown,
    ),
    word(
        "Technical Failure",
        Kind::SoftBounce,
        Kind::HardBounce,
        SystemError,
    ),
    word("Technical", Kind::SoftBounce, Kind::HardBounce, SystemError),
    word("Content", Kind::SoftBounce, Kind::HardBounce, SpamDetected),
    word(
        "Reputation",
        Kind::SoftBounce,
        Kind::HardBounce,
        BadReputation,
    ),
    word(
        "Frequency or Volume Too High",
        Kind::SoftBounce,
        Kind::HardBounce,
        Speeding,
    ),
    word(
        "Mailbox Unavailable",
        Kind::SoftBounce,
        Kind::HardBounce,
        Undefined,
    ),
    word(
        "Unclassified",
        Kind::SoftBounce,
        Kind::HardBounce,
        Undefined,
    ),
];

fn decode<'a>(entry: Field<'a>, preset: Preset, rows: &mut Vec<Row<'a>>) {
    let Some(object) = entry.object() else {
        return rows.push(Row::error(NAME, "the event is not an object"));
    };
    let Some(event) = object.text("event") else {
        return rows.push(Row::error(NAME, "no `event`"));
    };
    let row = |kind| base(&object, event.clone(), kind);
    if let Some(verdict) = find(EVENTS, &event) {
        let kind = verdict.kind(preset);
        let mut row = row(kind);
        if kind.marks() {
            row = explained(row, &object);
        }
        return rows.push(row.checked());
    }
    let row = match event.to_ascii_lowercase().as_str() {
        "bounce" => {
            let row = explained(row(Kind::SoftBounce), &object);
            let verdict = bounce(&object, &row);
            Row {
                kind: verdict.kind(preset),
                class: verdict.class,
                ..row
            }
        }
        "dropped" => {
            let row = explained(row(Kind::Ignore), &object);
            let known = find(DROPS, row.reason.as_deref().unwrap_or_default());
            let verdict = known.unwrap_or(OTHER_DROP);
            Row {
                kind: verdict.kind(preset),
                class: verdict.class,
                note: known
                    .is_none()
                    .then(|| "dropped for a reason of the sender's".into()),
                ..row
            }
        }
        other => Row {
            note: (!other.starts_with("account_")).then(|| "unknown event type".into()),
            ..row(Kind::Ignore)
        },
    };
    rows.push(row.checked());
}

fn base<'a>(object: &Object<'a>, event: Cow<'a, str>, kind: Kind) -> Row<'a> {
    let recipient = object.text("email");
    let timestamp = object.get("timestamp");
    let event_id = object.text("sg_event_id").or_else(|| {
        // Asynchronous bounces and old captures: what names the event otherwise.
        let message = object.first(&["sg_message_id", "smtp-id"])?;
        Some(Cow::Owned(format!(
            "{message}:{event}:{}:{}",
            timestamp.text().unwrap_or_default(),
            recipient.as_deref().unwrap_or_default()
        )))
    });
    let argument = |names: &[&str]| {
        object.first(names).or_else(|| {
            ["unique_args", "custom_args"]
                .iter()
                .find_map(|nested| object.object(nested).first(names))
        })
    };
    let mut row = Row {
        event_id,
        raw_type: Some(event),
        recipient,
        timestamp: timestamp.timestamp(),
        ..Row::new(NAME, kind)
    };
    row.hash = argument(&["hashId", "hashid", "mautic_hash"])
        .filter(|hash| crate::verp::SendHash::parse(hash).is_some());
    row.email_id = argument(&["emailId"]);
    row
}

/// Reason, codes and class of what did not arrive.
fn explained<'a>(row: Row<'a>, object: &Object<'a>) -> Row<'a> {
    let reason = object.text("reason");
    let codes = Codes::read(None, object.text("status").as_deref(), reason.as_deref());
    Row {
        note: object
            .text("asm_group_id")
            .map(|group| format!("unsubscribe group {group}").into()),
        reason,
        ..row
    }
    .codes(codes)
}

fn bounce(object: &Object<'_>, row: &Row<'_>) -> Verdict {
    let classified = object
        .text("bounce_classification")
        .and_then(|class| find(CLASSIFICATIONS, &class));
    let class = classified.map_or(Undefined, |verdict| verdict.class);
    let of_type = object
        .text("type")
        .and_then(|kind| find(BOUNCE_TYPES, &kind));
    if let Some(verdict) = of_type {
        return Verdict {
            class: if class == Undefined {
                verdict.class
            } else {
                class
            },
            ..verdict
        };
    }
    let by_code = row
        .enhanced_status
        .map(|status| u16::from(status.class))
        .or(row.smtp_code.map(|code| code / 100));
    let ours = match by_code {
        Some(5) => Kind::HardBounce,
        Some(4) => Kind::SoftBounce,
        _ => classified.map_or(Kind::SoftBounce, |verdict| verdict.ours),
    };
    Verdict::new(ours, Kind::HardBounce, class)
}
