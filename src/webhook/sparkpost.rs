//! SparkPost and Momentum: a JSON array of `{"msys": {<class>: {...}}}`; an empty `msys` is the
//! ping of a new webhook.

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
        AuthFailure, Blocked, ContentError, Expired, Filtered, HostUnknown, MailboxFull,
        MessageTooBig, NetworkError, NoRelaying, OnHold, PolicyViolation, SpamDetected,
        SystemError, Undefined, UserUnknown, VirusDetected,
    },
    suppression::Preset,
};

const NAME: &str = "sparkpost";

pub(super) const PROVIDER: Provider = Provider {
    name: NAME,
    title: "SparkPost",
    callbacks: &["sparkpost"],
    methods: &["POST"],
    scheme: Scheme::Token("X-MessageSystems-Webhook-Token"),
    setup: &setup::SPARKPOST,
    form: Form::None,
    decode,
};

/// Types of consequence; any other is ignored.
const TYPES: &[Word] = &[
    word(
        "policy_rejection",
        Kind::SoftBounce,
        Kind::HardBounce,
        PolicyViolation,
    ),
    word(
        "spam_complaint",
        Kind::Complaint,
        Kind::Unsubscribe,
        Undefined,
    ),
    word(
        "list_unsubscribe",
        Kind::Unsubscribe,
        Kind::Unsubscribe,
        Undefined,
    ),
    word(
        "link_unsubscribe",
        Kind::Unsubscribe,
        Kind::Unsubscribe,
        Undefined,
    ),
];

/// Types that are known to be of no consequence.
const IGNORED: &[&str] = &[
    "ab_test_cancelled",
    "ab_test_completed",
    "amp_click",
    "amp_initial_open",
    "amp_open",
    "click",
    "delay",
    "delivery",
    "error",
    "generation_failure",
    "initial_open",
    "injection",
    "open",
    "relay_delivery",
    "relay_injection",
    "relay_message",
    "relay_permfail",
    "relay_rejection",
    "relay_tempfail",
    "sms_status",
    "success",
];

/// `bounce_class` of a bounce. Blocks (50-54) are about our address or content, not a person.
const CLASSES: &[Word] = &[
    word("1", Kind::SoftBounce, Kind::Ignore, Undefined),
    word("10", Kind::HardBounce, Kind::HardBounce, UserUnknown),
    word("15", Kind::HardBounce, Kind::Ignore, UserUnknown),
    word("20", Kind::SoftBounce, Kind::Ignore, OnHold),
    word("21", Kind::SoftBounce, Kind::Ignore, NetworkError),
    word("22", Kind::SoftBounce, Kind::Ignore, MailboxFull),
    word("23", Kind::SoftBounce, Kind::Ignore, MessageTooBig),
    word("24", Kind::SoftBounce, Kind::Ignore, Expired),
    word("25", Kind::SoftBounce, Kind::Ignore, PolicyViolation),
    word("26", Kind::SoftBounce, Kind::Ignore, PolicyViolation),
    word("30", Kind::HardBounce, Kind::HardBounce, Undefined),
    word("40", Kind::SoftBounce, Kind::Ignore, SystemError),
    word("50", Kind::SoftBounce, Kind::HardBounce, Blocked),
    word("51", Kind::SoftBounce, Kind::HardBounce, SpamDetected),
    word("52", Kind::SoftBounce, Kind::HardBounce, SpamDetected),
    word("53", Kind::SoftBounce, Kind::HardBounce, VirusDetected),
    word("54", Kind::SoftBounce, Kind::HardBounce, NoRelaying),
    word("60", Kind::Ignore, Kind::Ignore, Undefined),
    word("70", Kind::SoftBounce, Kind::Ignore, OnHold),
    word("80", Kind::Ignore, Kind::Ignore, Undefined),
    word("90", Kind::Unsubscribe, Kind::HardBounce, Undefined),
    word("100", Kind::Ignore, Kind::Ignore, Undefined),
];

/// `fbtype` that is no complaint.
const NO_COMPLAINTS: &[Word] = &[
    word("not-spam", Kind::Ignore, Kind::Unsubscribe, Undefined),
    word("auth-failure", Kind::Ignore, Kind::Unsubscribe, AuthFailure),
];

fn decode<'a>(entry: Field<'a>, preset: Preset, rows: &mut Vec<Row<'a>>) {
    let msys = entry
        .object()
        .map(|object| object.get("msys"))
        .filter(|msys| msys.is_some());
    let Some(msys) = msys else {
        return rows.push(Row::error(NAME, "no `msys`"));
    };
    let Some(msys) = msys.object() else {
        return rows.push(Row::error(NAME, "`msys` is not an object"));
    };
    for (class, event) in msys.iter() {
        rows.push(match event.object() {
            Some(event) => read(class, &event, preset).checked(),
            None => Row::error(NAME, format!("`{class}` is not an object")),
        });
    }
}

fn read<'a>(class: &str, event: &Object<'a>, preset: Preset) -> Row<'a> {
    let raw_type = match event.text("type") {
        Some(raw_type) => raw_type,
        // Inbound mail has no type.
        None if class == "relay_message" => Cow::Borrowed("relay_message"),
        None => return Row::error(NAME, "no `type`"),
    };
    let recipient = event.first(&["rcpt_to", "raw_rcpt_to"]);
    // A copy to another person carries the metadata of the first.
    let is_copy = is_copy(event);
    let meta = if is_copy {
        Object::default()
    } else {
        event.object("rcpt_meta")
    };
    let event_id = event.text("event_id").or_else(|| {
        let message = event.first(&["message_id", "transmission_id"])?;
        let timestamp = event.text("timestamp").unwrap_or_default();
        let to = recipient.as_deref().unwrap_or_default();
        Some(format!("{message}:{raw_type}:{timestamp}:{to}").into())
    });
    let row = Row {
        event_id,
        recipient,
        hash: meta.get("hashId").hash(),
        email_id: meta.text("emailId"),
        timestamp: event.get("timestamp").timestamp(),
        ..Row::new(NAME, Kind::Ignore)
    };
    let name = raw_type.to_ascii_lowercase();
    let is_bounce = matches!(name.as_str(), "bounce" | "out_of_band");
    if !is_bounce && name != "generation_rejection" && find(TYPES, &name).is_none() {
        let known = IGNORED.contains(&name.as_str());
        return Row {
            note: (!known).then(|| "unknown event type".into()),
            raw_type: Some(raw_type),
            ..row
        };
    }
    let row = Row {
        raw_type: Some(raw_type),
        ..explained(row, event)
    };
    let verdict = match name.as_str() {
        "bounce" | "out_of_band" => bounce(event, &row, name == "out_of_band"),
        // A block of the whole account's suppression list; the rest is the sender's template.
        "generation_rejection" => {
            let suppressed = row
                .reason
                .as_deref()
                .is_some_and(|reason| reason.to_ascii_lowercase().contains("suppress"));
            let ours = if suppressed {
                Kind::SoftBounce
            } else {
                Kind::Ignore
            };
            Verdict::new(ours, Kind::Ignore, Filtered)
        }
        "spam_complaint" => return complaint(row, event, is_copy, preset),
        _ => find(TYPES, &name).unwrap_or(Verdict::new(Kind::Ignore, Kind::Ignore, Undefined)),
    };
    let kind = if is_copy {
        Kind::Ignore
    } else {
        verdict.kind(preset)
    };
    let row = if kind == Kind::Unsubscribe && !is_bounce {
        Row {
            reason: None,
            ..row
        }
        .codes(Codes::default())
    } else {
        row
    };
    Row {
        kind,
        class: verdict.class,
        ..row
    }
}

fn explained<'a>(row: Row<'a>, event: &Object<'a>) -> Row<'a> {
    let reason = event.first(&["raw_reason", "reason"]);
    let codes = Codes::read(event.text("error_code").as_deref(), None, reason.as_deref());
    Row { reason, ..row }.codes(codes)
}

fn is_copy(event: &Object<'_>) -> bool {
    event
        .text("rcpt_type")
        .is_some_and(|kind| kind.eq_ignore_ascii_case("cc") || kind.eq_ignore_ascii_case("bcc"))
}

fn complaint<'a>(row: Row<'a>, event: &Object<'a>, is_copy: bool, preset: Preset) -> Row<'a> {
    let feedback = event.text("fbtype");
    let verdict = feedback
        .as_deref()
        .and_then(|kind| find(NO_COMPLAINTS, kind))
        .or_else(|| find(TYPES, "spam_complaint"));
    let kind = verdict.map_or(Kind::Complaint, |verdict| verdict.kind(preset));
    Row {
        kind: if is_copy { Kind::Ignore } else { kind },
        reason: feedback,
        ..row
    }
    .codes(Codes::default())
}

fn bounce(event: &Object<'_>, row: &Row<'_>, out_of_band: bool) -> Verdict {
    let known = event
        .text("bounce_class")
        .and_then(|class| find(CLASSES, &class));
    let verdict = known.unwrap_or_else(|| {
        let codes = Codes {
            smtp: row.smtp_code,
            status: row.enhanced_status,
        };
        if codes.is_status(5, 1, &[1, 3, 6, 10]) {
            Verdict::new(Kind::HardBounce, Kind::Ignore, UserUnknown)
        } else if codes.is_status(5, 1, &[2]) || codes.is_status(5, 4, &[4]) {
            Verdict::new(Kind::HardBounce, Kind::Ignore, HostUnknown)
        } else if codes.is_status(5, 6, &[0, 1, 2, 3, 4, 5, 6, 7]) {
            Verdict::new(Kind::SoftBounce, Kind::Ignore, ContentError)
        } else {
            Verdict::new(Kind::SoftBounce, Kind::Ignore, Undefined)
        }
    });
    if out_of_band {
        // Mautic does not look at the class of these.
        return Verdict {
            mautic: Kind::HardBounce,
            ..verdict
        };
    }
    verdict
}
