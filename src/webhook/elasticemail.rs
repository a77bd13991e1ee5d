//! Elastic Email: one event a request, its fields as query parameters; newer accounts post them as
//! a flat JSON object.

use super::{
    Field, Form, Kind, Provider, Row, Scheme, setup,
    vocabulary::{Verdict, Word, find, word},
};
use crate::{
    classify::Reason::{
        AuthFailure, Blocked, ContentError, Expired, HostUnknown, NetworkError, OnHold, Rejected,
        SpamDetected, Speeding, SystemError, Undefined, UserUnknown,
    },
    suppression::Preset,
    verp::SendHash,
};

const NAME: &str = "elasticemail";

pub(super) const PROVIDER: Provider = Provider {
    name: NAME,
    title: "Elastic Email",
    callbacks: &["elasticemail"],
    methods: &["GET", "POST"],
    scheme: Scheme::None,
    setup: &setup::ELASTICEMAIL,
    form: Form::Flat,
    decode,
};

/// `status` counts first: an open with category `Unknown` is no bounce.
const STATUSES: &[Word] = &[
    word("AbuseReport", Kind::Complaint, Kind::Unsubscribe, Undefined),
    word("Complaint", Kind::Complaint, Kind::Unsubscribe, Undefined),
    word(
        "Unsubscribed",
        Kind::Unsubscribe,
        Kind::Unsubscribe,
        Undefined,
    ),
    word("Sent", Kind::Ignore, Kind::Ignore, Undefined),
    word("Delivered", Kind::Ignore, Kind::Ignore, Undefined),
    word("Opened", Kind::Ignore, Kind::Ignore, Undefined),
    word("Clicked", Kind::Ignore, Kind::Ignore, Undefined),
    word("Success", Kind::Ignore, Kind::Ignore, Undefined),
];

/// Statuses that are judged by their category.
const FAILURES: &[&str] = &["error", "bounce", "bounced"];

const CATEGORIES: &[Word] = &[
    word("NoMailbox", Kind::HardBounce, Kind::HardBounce, UserUnknown),
    // After two days of tries.
    word(
        "DNSProblem",
        Kind::HardBounce,
        Kind::HardBounce,
        HostUnknown,
    ),
    // Full or inactive, which is not told.
    word("AccountProblem", Kind::SoftBounce, Kind::HardBounce, OnHold),
    word(
        "NotDelivered",
        Kind::SoftBounce,
        Kind::HardBounce,
        Undefined,
    ),
    word("Unknown", Kind::SoftBounce, Kind::HardBounce, Undefined),
    word("Ignore", Kind::SoftBounce, Kind::HardBounce, Undefined),
    word("Suppressed", Kind::SoftBounce, Kind::HardBounce, Undefined),
    word("Spam", Kind::SoftBounce, Kind::Unsubscribe, SpamDetected),
    word("BlackListed", Kind::SoftBounce, Kind::HardBounce, Blocked),
    word("GreyListed", Kind::SoftBounce, Kind::HardBounce, OnHold),
    word("Throttled", Kind::SoftBounce, Kind::HardBounce, Speeding),
    word("Timeout", Kind::SoftBounce, Kind::HardBounce, Expired),
    word(
        "ConnectionProblem",
        Kind::SoftBounce,
        Kind::HardBounce,
        NetworkError,
    ),
    word(
        "ConnectionTerminated",
        Kind::SoftBounce,
        Kind::HardBounce,
        NetworkError,
    ),
    word(
        "SPFProblem",
        Kind::SoftBounce,
        Kind::HardBounce,
        AuthFailure,
    ),
    word(
        "WhitelistingProblem",
        Kind::SoftBounce,
        Kind::HardBounce,
        Rejected,
    ),
    word("CodeError", Kind::SoftBounce, Kind::HardBounce, SystemError),
    word(
        "ContentFilter",
        Kind::SoftBounce,
        Kind::HardBounce,
        ContentError,
    ),
    word("ManualCancel", Kind::Ignore, Kind::HardBounce, Undefined),
];
const OTHER_CATEGORY: Verdict = Verdict::new(Kind::SoftBounce, Kind::HardBounce, Undefined);

fn decode<'a>(entry: Field<'a>, preset: Preset, rows: &mut Vec<Row<'a>>) {
    let Some(object) = entry.object() else {
        return rows.push(Row::error(NAME, "the event is not an object"));
    };
    let get = |name| object.get_any_case(name);
    let Some(status) = get("status").text() else {
        return rows.push(Row::error(NAME, "no `status`"));
    };
    let recipient = get("to").text();
    let date = get("date");
    let timestamp = date.timestamp();
    let when = timestamp.map_or_else(
        || date.text().unwrap_or_default().into_owned(),
        |at| at.to_string(),
    );
    let message = get("messageid")
        .text()
        .or_else(|| get("transaction").text())
        .unwrap_or_default();
    let event_id = format!(
        "{message}:{status}:{}:{when}",
        recipient.as_deref().unwrap_or_default()
    );
    let category = get("category").text();
    let is_failure = FAILURES
        .iter()
        .any(|failure| status.eq_ignore_ascii_case(failure));
    let (verdict, reason, note) = if is_failure {
        let verdict = category.as_deref().and_then(|word| find(CATEGORIES, word));
        let reason = category.or_else(|| Some(status.clone()));
        (verdict.unwrap_or(OTHER_CATEGORY), reason, None)
    } else if let Some(verdict) = find(STATUSES, &status) {
        let reason = verdict.ours.marks().then(|| status.clone());
        (verdict, reason, None)
    } else {
        let verdict = Verdict::new(Kind::Ignore, Kind::Ignore, Undefined);
        (verdict, None, Some("unknown status".into()))
    };
    let row = Row {
        event_id: Some(event_id.into()),
        raw_type: Some(status),
        recipient,
        // A free field of the sender's: only what looks like a hash is one.
        hash: get("postback")
            .text()
            .filter(|text| SendHash::parse_strict(text).is_some()),
        timestamp,
        reason,
        note,
        class: verdict.class,
        ..Row::new(NAME, verdict.kind(preset))
    };
    rows.push(row.checked());
}
