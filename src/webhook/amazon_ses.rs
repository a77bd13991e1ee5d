//! Amazon SES: its JSON inside SNS messages (as a string, as an object, or raw), from Firehose,
//! SQS, Lambda and EventBridge, and in the mails of SNS.

mod notification;

use std::borrow::Cow;

use super::{Field, Form, Kind, Provider, Row, Scheme, field::Object, setup};
use crate::{
    message::{self, Format, mime},
    suppression::Preset,
    time::Timestamp,
};

const NAME: &str = "amazon_ses";

pub(super) const PROVIDER: Provider = Provider {
    name: NAME,
    title: "Amazon SES",
    callbacks: &["amazon", "amazon_api", "amazon_ses"],
    methods: &["POST"],
    scheme: Scheme::Sns,
    setup: &setup::AMAZON_SES,
    form: Form::None,
    decode,
};

/// The notice at the start of event publishing.
const VALIDATED: &str = "Successfully validated SNS topic";

/// Envelopes within envelopes: SNS in SQS in Lambda is three.
const NESTING: u8 = 4;

/// What an envelope adds to the notification in it.
#[derive(Clone, Default)]
struct Envelope<'a> {
    message_id: Option<Cow<'a, str>>,
    timestamp: Option<Timestamp>,
}

fn decode<'a>(entry: Field<'a>, preset: Preset, rows: &mut Vec<Row<'a>>) {
    match entry.object() {
        Some(object) => open(&object, &Envelope::default(), preset, NESTING, rows),
        None => rows.push(Row::error(NAME, "the event is not an object")),
    }
}

fn open<'a>(
    object: &Object<'a>,
    envelope: &Envelope<'a>,
    preset: Preset,
    nesting: u8,
    rows: &mut Vec<Row<'a>>,
) {
    let Some(nesting) = nesting.checked_sub(1) else {
        return rows.push(Row::error(NAME, "envelopes within envelopes"));
    };
    if object.has("Records") {
        let records = object.get("Records").elements();
        for record in records.iter().filter_map(|record| record.object()) {
            match record.get("Sns").object() {
                Some(sns) => open(&sns, envelope, preset, nesting, rows),
                None => unwrap(record.get("body"), envelope, preset, nesting, rows),
            }
        }
    } else if object.has("detail") && object.has("detail-type") {
        let envelope = Envelope {
            message_id: object.text("id"),
            timestamp: object.get("time").timestamp(),
        };
        unwrap(object.get("detail"), &envelope, preset, nesting, rows);
    } else if let Some(kind) = object
        .text("Type")
        .filter(|_| !object.has("eventType") && !object.has("notificationType"))
    {
        sns(object, kind, preset, nesting, rows);
    } else {
        rows.extend(
            notification::read(object, envelope, preset)
                .into_iter()
                .map(Row::checked),
        );
    }
}

/// One SNS message.
fn sns<'a>(
    object: &Object<'a>,
    kind: Cow<'a, str>,
    preset: Preset,
    nesting: u8,
    rows: &mut Vec<Row<'a>>,
) {
    let envelope = Envelope {
        message_id: object.text("MessageId"),
        timestamp: object.get("Timestamp").timestamp(),
    };
    let notice = |kind, raw_type, note| Row {
        event_id: envelope.message_id.clone(),
        raw_type: Some(raw_type),
        timestamp: envelope.timestamp,
        note,
        ..Row::new(NAME, kind)
    };
    let said = |name: &str| object.text(name).unwrap_or_default();
    match kind.as_ref() {
        "Notification" => {
            let is_validated = object
                .text("Message")
                .is_some_and(|message| message.starts_with(VALIDATED));
            if is_validated {
                return rows.push(notice(Kind::Control, kind, None));
            }
            unwrap(object.get("Message"), &envelope, preset, nesting, rows);
        }
        "SubscriptionConfirmation" => {
            let url = object.first(&["SubscribeURL", "SubscribeUrl"]);
            let note = format!(
                "SNS asks to confirm the subscription to {}: {}",
                said("TopicArn"),
                url.unwrap_or_default()
            );
            rows.push(notice(Kind::Control, kind, Some(note.into())));
        }
        "UnsubscribeConfirmation" => {
            let note = format!(
                "the subscription to {} has ended; visiting its SubscribeURL would restore it",
                said("TopicArn")
            );
            rows.push(notice(Kind::Control, kind, Some(note.into())));
        }
        _ => rows.push(notice(
            Kind::Ignore,
            kind,
            Some("unknown type of SNS message".into()),
        )),
    }
}

/// What an envelope holds: an object, or one encoded as a string.
fn unwrap<'a>(
    content: Field<'a>,
    envelope: &Envelope<'a>,
    preset: Preset,
    nesting: u8,
    rows: &mut Vec<Row<'a>>,
) {
    if let Some(object) = content.object() {
        return open(&object, envelope, preset, nesting, rows);
    }
    let text = content.string().unwrap_or_default();
    let Some(object) = Field::parse(text.trim()).ok().and_then(Field::object) else {
        return rows.push(Row::error(NAME, "the SNS message is not JSON"));
    };
    let mut inner = Vec::new();
    open(&object, envelope, preset, nesting, &mut inner);
    for row in inner {
        rows.push(row.into_owned());
    }
}

/// A mail of SNS with a notification in it. Who may be believed is asked first, as everywhere.
pub(super) fn decode_mail(bytes: &[u8], preset: Preset) -> Vec<Row<'static>> {
    if message::parse(bytes, &message::Options::default()).format != Format::SnsMail {
        return vec![Row::error(NAME, "the mail is not a notification from SNS")];
    }
    let text = mime::normalise(bytes);
    let mail = mime::Mail::parse(&text);
    let text = mail
        .part("text/plain")
        .map(mime::Part::text)
        .unwrap_or_default();
    let json = &text[text.find('{').unwrap_or(text.len())..];
    let mut rows = Vec::new();
    match Field::parse_first(json) {
        Some(entry) => decode(entry, preset, &mut rows),
        None => rows.push(Row::error(NAME, "the mail of SNS holds no JSON")),
    }
    rows.into_iter().map(Row::into_owned).collect()
}
