//! Mandrill (Mailchimp Transactional): a form whose `mandrill_events` is a JSON array of message
//! events and of changes to the deny and allow lists.

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
        self, Blocked, ContentError, HostUnknown, MailboxFull, MessageTooBig, NetworkError,
        NoRelaying, Rejected, SpamDetected, Suspended, SystemError, Undefined, UserUnknown,
        VirusDetected,
    },
    suppression::Preset,
};

const NAME: &str = "mandrill";

pub(super) const PROVIDER: Provider = Provider {
    name: NAME,
    title: "Mandrill",
    callbacks: &["mandrill"],
    methods: &["HEAD", "POST"],
    scheme: Scheme::Mandrill,
    setup: &setup::MANDRILL,
    form: Form::Parameter("mandrill_events"),
    decode,
};

/// `event` of a message; `reject` is judged by its reason.
const EVENTS: &[Word] = &[
    word("send", Kind::Ignore, Kind::Ignore, Undefined),
    word("delivered", Kind::Ignore, Kind::Ignore, Undefined),
    word("open", Kind::Ignore, Kind::Ignore, Undefined),
    word("click", Kind::Ignore, Kind::Ignore, Undefined),
    word("deferral", Kind::Ignore, Kind::Ignore, Undefined),
    word("inbound", Kind::Ignore, Kind::Ignore, Undefined),
    word(
        "hard_bounce",
        Kind::HardBounce,
        Kind::HardBounce,
        UserUnknown,
    ),
    // Mandrill never turns repeated ones into a hard bounce: our score must.
    word("soft_bounce", Kind::SoftBounce, Kind::Ignore, Undefined),
    word("spam", Kind::Complaint, Kind::Unsubscribe, Undefined),
    word("unsub", Kind::Unsubscribe, Kind::Unsubscribe, Undefined),
];

/// `msg.reject.reason`; the other names are the sender's affair.
const REJECTIONS: &[Word] = &[
    word(
        "hard-bounce",
        Kind::HardBounce,
        Kind::HardBounce,
        UserUnknown,
    ),
    word("invalid", Kind::HardBounce, Kind::HardBounce, UserUnknown),
    word("spam", Kind::Complaint, Kind::HardBounce, Undefined),
    word("unsub", Kind::Unsubscribe, Kind::HardBounce, Undefined),
    word("soft-bounce", Kind::SoftBounce, Kind::HardBounce, Undefined),
];
const OTHER_REJECTION: Verdict = Verdict::new(Kind::Ignore, Kind::HardBounce, Undefined);
/// The entry of the deny list may expire: nothing lasting is known.
const REJECTION_WITHOUT_REASON: Verdict =
    Verdict::new(Kind::SoftBounce, Kind::HardBounce, Undefined);

/// Reason of an entry added to the deny list; Mautic knows nothing of it.
const DENIED: &[Word] = &[
    word("hard-bounce", Kind::HardBounce, Kind::Ignore, UserUnknown),
    word("spam", Kind::Complaint, Kind::Ignore, Undefined),
    word("unsub", Kind::Unsubscribe, Kind::Ignore, Undefined),
];

/// `msg.bounce_description`.
const DESCRIPTIONS: &[(&str, Reason)] = &[
    ("bad_mailbox", UserUnknown),
    ("invalid_domain", HostUnknown),
    ("mailbox_full", MailboxFull),
    ("inactive_mailbox", Suspended),
    ("message_too_large", MessageTooBig),
    ("spam_detected", SpamDetected),
    ("spam_block", SpamDetected),
    ("virus_detected", VirusDetected),
    ("mail_block", Blocked),
    ("relay_denied", NoRelaying),
    ("sender_rejected", Rejected),
    ("attachment_rejected", ContentError),
    ("dns_failure", NetworkError),
    ("connection_error", NetworkError),
    ("general", Undefined),
    ("protocol_error", SystemError),
];

fn decode<'a>(entry: Field<'a>, preset: Preset, rows: &mut Vec<Row<'a>>) {
    let Some(object) = entry.object() else {
        return rows.push(Row::error(NAME, "the event is not an object"));
    };
    let row = match (
        object.text("event"),
        object.text("type"),
        object.text("action"),
    ) {
        (Some(event), _, _) => message(&object, &event, preset),
        (None, Some(list), Some(action)) => change(&object, &list, &action, preset),
        _ => Row::error(NAME, "neither `event` nor `type` and `action`"),
    };
    rows.push(row.checked());
}

fn message<'a>(object: &Object<'a>, event: &Cow<'a, str>, preset: Preset) -> Row<'a> {
    let msg = object.object("msg");
    let ts = object.get("ts");
    let metadata = msg.object("metadata");
    let id = object.text("_id").or_else(|| msg.text("_id"));
    let row = Row {
        // `_id` is the message's, shared by all its events.
        event_id: id
            .map(|id| Cow::Owned(format!("{id}:{event}:{}", ts.text().unwrap_or_default()))),
        recipient: msg.text("email"),
        hash: metadata.get("hashId").hash(),
        email_id: metadata.text("emailId"),
        timestamp: ts.timestamp(),
        raw_type: Some(event.clone()),
        ..Row::new(NAME, Kind::Ignore)
    };
    let reject = msg.get("reject");
    let rejection = reject
        .object()
        .and_then(|reject| reject.text("reason"))
        .or_else(|| reject.text());
    let is_reject = event.eq_ignore_ascii_case("reject");
    let verdict = if is_reject {
        rejection
            .as_deref()
            .map_or(REJECTION_WITHOUT_REASON, |reason| {
                find(REJECTIONS, &reason.replace('_', "-")).unwrap_or(OTHER_REJECTION)
            })
    } else if let Some(verdict) = find(EVENTS, event) {
        verdict
    } else {
        return Row {
            note: Some("unknown event type".into()),
            ..row
        };
    };
    if verdict.ours == Kind::Ignore && !is_reject {
        return row;
    }
    let diagnostic = msg.text("diag");
    let described = msg.text("bounce_description");
    let class = described
        .as_deref()
        .and_then(|word| {
            DESCRIPTIONS
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(word))
        })
        .map_or(verdict.class, |(_, class)| *class);
    let codes = Codes::of_text(diagnostic.as_deref());
    Row {
        kind: verdict.kind(preset),
        class,
        reason: diagnostic.or(described).or(rejection),
        note: (is_reject && verdict.ours == Kind::Ignore)
            .then(|| "rejected for a reason of the sender's".into()),
        ..row
    }
    .codes(codes)
}

fn change<'a>(object: &Object<'a>, list: &str, action: &str, preset: Preset) -> Row<'a> {
    let entry = ["reject", "entry"]
        .iter()
        .find_map(|name| object.get(name).object())
        .unwrap_or_default();
    let recipient = entry.text("email");
    let ts = object.get("ts");
    let reason = entry.first(&["reason", "detail"]);
    let adds = (list.eq_ignore_ascii_case("blacklist") || list.eq_ignore_ascii_case("denylist"))
        && (action.eq_ignore_ascii_case("add") || action.eq_ignore_ascii_case("change"));
    let verdict = reason
        .as_deref()
        .filter(|_| adds)
        .and_then(|reason| find(DENIED, &reason.replace('_', "-")));
    let event_id = format!(
        "{list}:{action}:{}:{}",
        recipient.as_deref().unwrap_or_default(),
        ts.text().unwrap_or_default()
    );
    Row {
        event_id: Some(event_id.into()),
        raw_type: Some(format!("{list}.{action}").into()),
        recipient,
        timestamp: ts.timestamp(),
        reason,
        class: verdict.map_or(Undefined, |verdict| verdict.class),
        ..Row::new(
            NAME,
            verdict.map_or(Kind::Ignore, |verdict| verdict.kind(preset)),
        )
    }
}
