//! Mailjet's event API: one bare object (version 1) or an array of mixed events (version 2).

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
        Blocked, ContentError, HostUnknown, MailboxFull, NoRelaying, OnHold, Rejected,
        SpamDetected, Suspended, SystemError, Undefined, UserUnknown,
    },
    suppression::Preset,
    verp::SendHash,
};

const NAME: &str = "mailjet";

pub(super) const PROVIDER: Provider = Provider {
    name: NAME,
    title: "Mailjet",
    callbacks: &["mailjet"],
    methods: &["POST"],
    scheme: Scheme::None,
    setup: &setup::MAILJET,
    form: Form::None,
    decode,
};

/// Events whose name says all; `bounce` and `blocked` say more elsewhere.
const EVENTS: &[Word] = &[
    word("sent", Kind::Ignore, Kind::Ignore, Undefined),
    word("open", Kind::Ignore, Kind::Ignore, Undefined),
    word("click", Kind::Ignore, Kind::Ignore, Undefined),
    word("spam", Kind::Complaint, Kind::Unsubscribe, Undefined),
    word("unsub", Kind::Unsubscribe, Kind::Unsubscribe, Undefined),
];

/// `error` of a blocked mail, and of a bounce that does not say whether it is hard.
const ERRORS: &[Word] = &[
    word(
        "user unknown",
        Kind::HardBounce,
        Kind::HardBounce,
        UserUnknown,
    ),
    word(
        "mailbox inactive",
        Kind::HardBounce,
        Kind::HardBounce,
        Suspended,
    ),
    word(
        "invalid domain",
        Kind::HardBounce,
        Kind::HardBounce,
        HostUnknown,
    ),
    word("typofix", Kind::HardBounce, Kind::HardBounce, HostUnknown),
    word(
        "spam reporter",
        Kind::Complaint,
        Kind::HardBounce,
        Undefined,
    ),
    word(
        "duplicate in campaign",
        Kind::Ignore,
        Kind::HardBounce,
        Undefined,
    ),
    word("preblocked", Kind::SoftBounce, Kind::HardBounce, Undefined),
    word("blacklisted", Kind::SoftBounce, Kind::HardBounce, Undefined),
    word(
        "quota exceeded",
        Kind::SoftBounce,
        Kind::HardBounce,
        MailboxFull,
    ),
    word(
        "no mail host",
        Kind::SoftBounce,
        Kind::HardBounce,
        HostUnknown,
    ),
    word(
        "relay/access denied",
        Kind::SoftBounce,
        Kind::HardBounce,
        NoRelaying,
    ),
    word(
        "sender blocked",
        Kind::SoftBounce,
        Kind::HardBounce,
        Rejected,
    ),
    word(
        "content blocked",
        Kind::SoftBounce,
        Kind::HardBounce,
        SpamDetected,
    ),
    word("policy issue", Kind::SoftBounce, Kind::HardBounce, Blocked),
    word("greylisted", Kind::SoftBounce, Kind::HardBounce, OnHold),
];

/// `error_related_to` that is the sender's affair: it makes a hard bounce soft and a blocked mail
/// of no consequence. Mailjet's own refusals of a blocked mail are judged by their error.
const SENDERS_AFFAIR: &[(&str, bool)] = &[
    ("spam", true),
    ("content", true),
    ("system", true),
    ("mailjet", false),
];

fn decode<'a>(entry: Field<'a>, preset: Preset, rows: &mut Vec<Row<'a>>) {
    let Some(object) = entry.object() else {
        return rows.push(Row::error(NAME, "the event is not an object"));
    };
    let Some(event) = object.text("event") else {
        return rows.push(Row::error(NAME, "no `event`"));
    };
    let row = base(&object, event.clone());
    if let Some(verdict) = find(EVENTS, &event) {
        let reason = (verdict.ours == Kind::Complaint)
            .then(|| object.text("source"))
            .flatten();
        let kind = verdict.kind(preset);
        return rows.push(
            Row {
                kind,
                reason,
                ..row
            }
            .checked(),
        );
    }
    let verdict = match event.to_ascii_lowercase().as_str() {
        "bounce" => bounce(&object),
        "blocked" => blocked(&object),
        _ => {
            let note = Some("unknown event type".into());
            return rows.push(Row { note, ..row });
        }
    };
    let parts: Vec<_> = ["error_related_to", "error", "comment"]
        .iter()
        .filter_map(|name| object.text(name))
        .collect();
    let codes = Codes::of_text(object.text("comment").as_deref());
    let row = Row {
        kind: verdict.kind(preset),
        class: verdict.class,
        reason: (!parts.is_empty()).then(|| parts.join(": ").into()),
        ..row
    };
    rows.push(row.codes(codes).checked());
}

fn base<'a>(object: &Object<'a>, event: Cow<'a, str>) -> Row<'a> {
    let recipient = object.text("email");
    let message = object
        .text("Message_GUID")
        .or_else(|| object.text("MessageID").filter(|id| id != "0"))
        .unwrap_or_default();
    let time = object.get("time");
    let event_id = format!(
        "{message}:{event}:{}:{}",
        time.text().unwrap_or_default(),
        recipient.as_deref().unwrap_or_default()
    );
    let (hash, email_id) = metadata(object, recipient.as_deref());
    Row {
        event_id: Some(event_id.into()),
        raw_type: Some(event),
        hash,
        email_id,
        timestamp: time.timestamp(),
        recipient,
        ..Row::new(NAME, Kind::Ignore)
    }
}

/// `CustomID` is `<hash>-<address>`; of a copy to another address the hash is not the recipient's.
/// Else `Payload`: an object of ours, or the bare hash.
fn metadata<'a>(
    object: &Object<'a>,
    recipient: Option<&str>,
) -> (Option<Cow<'a, str>>, Option<Cow<'a, str>>) {
    let custom = object.text("CustomID").unwrap_or_default();
    if let Some((hash, address)) = custom.split_once('-')
        && SendHash::parse(hash).is_some()
        && recipient.is_some_and(|to| to.to_lowercase() == address.trim().to_lowercase())
    {
        return (Some(Cow::Owned(hash.to_owned())), None);
    }
    let payload = object.get("Payload");
    if let Some(members) = payload.object() {
        return (members.get("hashId").hash(), members.text("emailId"));
    }
    let Some(text) = payload.text() else {
        return (None, None);
    };
    if let Some(members) = Field::parse(&text).ok().and_then(Field::object) {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        return (
            members.get("hashId").hash().map(own),
            members.text("emailId").map(own),
        );
    }
    (SendHash::parse_strict(&text).map(|_| text.clone()), None)
}

fn related(object: &Object<'_>) -> Option<bool> {
    let related = object.text("error_related_to")?;
    SENDERS_AFFAIR
        .iter()
        .find(|(word, _)| related.eq_ignore_ascii_case(word))
        .map(|(_, ignored)| *ignored)
}

fn error(object: &Object<'_>) -> Option<Verdict> {
    find(ERRORS, &object.text("error")?)
}

fn bounce(object: &Object<'_>) -> Verdict {
    let said = error(object);
    let class = said.map_or(Undefined, |verdict| verdict.class);
    let flag = object.get("hard_bounce").flag();
    let is_greylisted = object
        .text("error")
        .is_some_and(|error| error.eq_ignore_ascii_case("greylisted"));
    let ours = match flag {
        _ if is_greylisted && flag != Some(true) => Kind::Ignore,
        Some(true) if related(object).is_none() => Kind::HardBounce,
        Some(_) => Kind::SoftBounce,
        None => said
            .map(|verdict| verdict.ours)
            .filter(|kind| *kind == Kind::HardBounce)
            .unwrap_or(Kind::SoftBounce),
    };
    Verdict::new(ours, Kind::HardBounce, class)
}

fn blocked(object: &Object<'_>) -> Verdict {
    let class = match object.text("error_related_to").as_deref() {
        Some("content") => ContentError,
        Some("system") => SystemError,
        _ => Undefined,
    };
    if related(object) == Some(true) {
        return Verdict::new(Kind::Ignore, Kind::HardBounce, class);
    }
    error(object).unwrap_or(Verdict::new(Kind::SoftBounce, Kind::HardBounce, class))
}
