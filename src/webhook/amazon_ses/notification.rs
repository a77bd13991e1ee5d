//! One SES notification (`notificationType`) or published event (`eventType`) → rows.

use std::borrow::Cow;

use super::{Envelope, NAME};
use crate::{
    classify::{
        EnhancedStatusCode,
        Reason::{
            self, ContentError, Expired, HostUnknown, MailboxFull, MessageTooBig, Undefined,
            UserUnknown,
        },
    },
    suppression::Preset,
    verp::{self, SendHash},
    webhook::{
        Field, Kind, Row,
        codes::Codes,
        field::Object,
        vocabulary::{Verdict, Word, find, word},
    },
};

/// `bounceType`. Mautic's webhook ignores all but Permanent.
const BOUNCES: &[Word] = &[
    word("Permanent", Kind::HardBounce, Kind::HardBounce, UserUnknown),
    word("Transient", Kind::SoftBounce, Kind::Ignore, Undefined),
    word("Undetermined", Kind::SoftBounce, Kind::Ignore, Undefined),
];
const OTHER_BOUNCE: Verdict = Verdict::new(Kind::SoftBounce, Kind::Ignore, Undefined);

/// `bounceSubType`, for the cause.
const SUBTYPES: &[(&str, Reason)] = &[
    ("MailboxFull", MailboxFull),
    ("MessageTooLarge", MessageTooBig),
    ("CustomTimeoutExceeded", Expired),
    ("ContentRejected", ContentError),
    ("AttachmentRejected", ContentError),
];

/// `action` of a recipient that is no failure.
const NO_FAILURES: &[&str] = &["delivered", "relayed", "expanded"];

/// `complaintFeedbackType` that is no complaint of a person.
const NO_COMPLAINTS: &[(&str, &str)] = &[
    ("not-spam", "takes a complaint back"),
    ("auth-failure", "an authentication report about the sender"),
];

/// Events of no consequence, with the member that holds their time.
const IGNORED: &[(&str, &str)] = &[
    ("Send", "send"),
    ("Delivery", "delivery"),
    ("Open", "open"),
    ("Click", "click"),
    ("DeliveryDelay", "deliveryDelay"),
    ("Reject", "reject"),
    ("Rendering Failure", "failure"),
];

/// What all rows of a notification share.
struct Notification<'o, 'a> {
    object: &'o Object<'a>,
    envelope: &'o Envelope<'a>,
    mail: Object<'a>,
    raw_type: Cow<'a, str>,
    preset: Preset,
}

pub(super) fn read<'a>(
    object: &Object<'a>,
    envelope: &Envelope<'a>,
    preset: Preset,
) -> Vec<Row<'a>> {
    let Some(raw_type) = object.first(&["eventType", "notificationType"]) else {
        return vec![Row::error(
            NAME,
            "neither `eventType` nor `notificationType`",
        )];
    };
    let notification = Notification {
        object,
        envelope,
        mail: object.object("mail"),
        raw_type,
        preset,
    };
    match notification.raw_type.as_ref() {
        "Bounce" => notification.bounce(),
        "Complaint" => notification.complaint(),
        "Subscription" => notification.subscription(),
        "AmazonSnsSubscriptionSucceeded" => vec![Row {
            note: object.text("message"),
            ..notification.row(Kind::Control, &Object::default())
        }],
        _ => notification.ignored(),
    }
}

impl<'a> Notification<'_, 'a> {
    /// A row without a recipient; `detail` is the member named as the event.
    fn row(&self, kind: Kind, detail: &Object<'a>) -> Row<'a> {
        let timestamp = detail
            .get("timestamp")
            .timestamp()
            .or(self.envelope.timestamp)
            .or_else(|| self.mail.get("timestamp").timestamp());
        // One feedback may come through several topics: its own id counts before the message's.
        let event_id = detail
            .text("feedbackId")
            .or_else(|| self.envelope.message_id.clone())
            .or_else(|| {
                let id = self.mail.text("messageId")?;
                Some(Cow::Owned(format!("{id}:{}", self.raw_type)))
            });
        let (hash, email_id) = self.metadata();
        Row {
            event_id,
            raw_type: Some(self.raw_type.clone()),
            hash,
            email_id,
            timestamp,
            ..Row::new(NAME, kind)
        }
    }

    fn bounce(&self) -> Vec<Row<'a>> {
        let bounce = self.object.object("bounce");
        let recipients = bounce.get("bouncedRecipients").elements();
        if recipients.is_empty() {
            return vec![Row::error(NAME, "a bounce without `bouncedRecipients`")];
        }
        let base = self.row(Kind::SoftBounce, &bounce);
        let of_type = bounce.text("bounceType").unwrap_or_default();
        let subtype = bounce.text("bounceSubType").unwrap_or_default();
        let each = recipients.iter().map(|recipient| {
            let (address, members) = addressee(*recipient);
            let status = members.text("status");
            let diagnostic = members.text("diagnosticCode");
            let codes = Codes::read(None, status.as_deref(), diagnostic.as_deref());
            let action = members.text("action").unwrap_or_default();
            let verdict = verdict(&of_type, &subtype, &action.to_ascii_lowercase(), codes);
            let reason = diagnostic.or_else(|| {
                let kind = [of_type.as_ref(), subtype.as_ref()];
                let kind: Vec<&str> = kind.into_iter().filter(|part| !part.is_empty()).collect();
                (!kind.is_empty()).then(|| kind.join(": ").into())
            });
            Row {
                kind: verdict.kind(self.preset),
                class: verdict.class,
                recipient: address,
                reason,
                ..base.clone()
            }
            .codes(codes)
        });
        each.collect()
    }

    fn complaint(&self) -> Vec<Row<'a>> {
        let complaint = self.object.object("complaint");
        let recipients = complaint.get("complainedRecipients").elements();
        if recipients.is_empty() {
            return vec![Row::error(
                NAME,
                "a complaint without `complainedRecipients`",
            )];
        }
        let feedback = complaint.text("complaintFeedbackType");
        let harmless = feedback.as_deref().and_then(|feedback| {
            NO_COMPLAINTS
                .iter()
                .find(|(word, _)| word.eq_ignore_ascii_case(feedback))
        });
        let ours = if harmless.is_some() {
            Kind::Ignore
        } else {
            Kind::Complaint
        };
        let verdict = Verdict::new(ours, Kind::Unsubscribe, Undefined);
        let note = match (harmless, recipients.len()) {
            (Some((_, note)), _) => Some((*note).into()),
            (None, 2..) => Some("one of several recipients at that provider complained".into()),
            (None, _) => None,
        };
        let base = Row {
            reason: feedback.or_else(|| complaint.text("complaintSubType")),
            note,
            ..self.row(verdict.kind(self.preset), &complaint)
        };
        let each = recipients.iter().map(|recipient| Row {
            recipient: addressee(*recipient).0,
            ..base.clone()
        });
        each.collect()
    }

    /// The person is not named in it: only of one destination it is known who it was.
    fn subscription(&self) -> Vec<Row<'a>> {
        let subscription = self.object.object("subscription");
        let all = subscription.object("newTopicPreferences");
        let destinations = self.mail.get("destination").elements();
        let leaves = all.get("unsubscribeAll").flag() == Some(true) && destinations.len() == 1;
        let verdict = Verdict::new(
            if leaves {
                Kind::Unsubscribe
            } else {
                Kind::Ignore
            },
            Kind::Ignore,
            Undefined,
        );
        let row = Row {
            recipient: match destinations.as_slice() {
                [only] => only.text(),
                _ => None,
            },
            reason: subscription.text("source"),
            note: (!leaves).then(|| "only the preferences for topics changed".into()),
            ..self.row(verdict.kind(self.preset), &subscription)
        };
        vec![row]
    }

    fn ignored(&self) -> Vec<Row<'a>> {
        let known = IGNORED.iter().find(|(name, _)| *name == self.raw_type);
        let detail = known.map_or_else(Object::default, |(_, member)| self.object.object(member));
        let base = Row {
            note: match (known, self.raw_type.as_ref()) {
                (Some(_), _) => None,
                (None, "Received") => Some("an inbound mail: the topic is another one".into()),
                (None, _) => Some("unknown event type".into()),
            },
            ..self.row(Kind::Ignore, &detail)
        };
        let mut recipients = detail.get("recipients").elements();
        if recipients.is_empty() {
            recipients = self.mail.get("destination").elements();
        }
        if recipients.is_empty() {
            return vec![base];
        }
        let each = recipients.iter().map(|address| Row {
            recipient: address.text(),
            ..base.clone()
        });
        each.collect()
    }

    /// Hash and e-mail of the send, from the original headers where they are included, else from
    /// the return address.
    fn metadata(&self) -> (Option<Cow<'a, str>>, Option<Cow<'a, str>>) {
        let headers: Vec<Object<'a>> = self
            .mail
            .get("headers")
            .elements()
            .into_iter()
            .filter_map(Field::object)
            .collect();
        let header = |wanted: &str| {
            headers
                .iter()
                .find(|header| {
                    header
                        .text("name")
                        .is_some_and(|name| name.eq_ignore_ascii_case(wanted))
                })
                .and_then(|header| header.text("value"))
        };
        let hash = header("X-Bouncekit-Send")
            .filter(|hash| SendHash::parse(hash).is_some())
            .or_else(|| header("List-Unsubscribe").and_then(|value| in_unsubscribe(&value)))
            .or_else(|| in_address(&self.mail.text("source")?));
        (hash, header("X-EMAIL-ID"))
    }
}

/// `/email/unsubscribe/<hash>` or `+unsubscribe_<hash>@`.
fn in_unsubscribe(value: &str) -> Option<Cow<'static, str>> {
    const LINK: &str = "/email/unsubscribe/";
    value
        .match_indices(LINK)
        .find_map(|(at, _)| {
            let rest = &value[at + LINK.len()..];
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric())
                .unwrap_or(rest.len());
            SendHash::parse(&rest[..end]).map(|_| Cow::Owned(rest[..end].to_owned()))
        })
        .or_else(|| {
            value
                .split(['<', '>', ',', ' ', '?', ':'])
                .filter(|piece| piece.contains('@'))
                .find_map(in_address)
        })
}

fn in_address(address: &str) -> Option<Cow<'static, str>> {
    let address = crate::address::bare(address);
    verp::decode(address, verp::SEPARATORS).map(|token| Cow::Owned(token.hash.as_str().to_owned()))
}

/// A recipient's address and what is said of it; relays flatten it to the address alone.
fn addressee(recipient: Field<'_>) -> (Option<Cow<'_, str>>, Object<'_>) {
    match recipient.object() {
        Some(members) => (members.text("emailAddress"), members),
        None => (recipient.text(), Object::default()),
    }
}

fn verdict(of_type: &str, subtype: &str, action: &str, codes: Codes) -> Verdict {
    let verdict = find(BOUNCES, of_type).unwrap_or(OTHER_BOUNCE);
    let class = SUBTYPES
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(subtype))
        .map_or(verdict.class, |(_, class)| *class);
    let of_kind = |ours, class| Verdict {
        ours,
        class,
        ..verdict
    };
    let is_temporary = |status: EnhancedStatusCode| status.class == 4;
    if NO_FAILURES.contains(&action) {
        return of_kind(Kind::Ignore, Undefined);
    }
    match verdict.ours {
        Kind::HardBounce if subtype == "UnsubscribedRecipient" => {
            of_kind(Kind::Unsubscribe, Undefined)
        }
        // One recipient's own report counts before the verdict on all of them.
        Kind::HardBounce if action == "delayed" || codes.status.is_some_and(is_temporary) => {
            of_kind(Kind::SoftBounce, Undefined)
        }
        // SES reports unknown domains as transient.
        Kind::SoftBounce
            if of_type.eq_ignore_ascii_case("Transient") && codes.is_status(5, 4, &[4]) =>
        {
            of_kind(Kind::HardBounce, HostUnknown)
        }
        ours => of_kind(ours, class),
    }
}
