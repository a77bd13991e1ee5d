//! Whose payload this is, by what only one provider writes.

use super::{Form, PROVIDERS, Provider, field::Field, form};

/// The providers an entry may come from.
pub fn candidates(entry: Field<'_>) -> Vec<&'static Provider> {
    let Some(object) = entry.object() else {
        return Vec::new();
    };
    let has = |name: &str| object.has(name);
    let has_any_case = |name: &str| object.get_any_case(name).is_some();
    let is_envelope = (has("Type") && (has("MessageId") || has("TopicArn")))
        || has("Records")
        || (has("detail") && has("detail-type"));
    let is_notification =
        (has("eventType") || has("notificationType")) && (has("mail") || has("message"));
    let signs = [
        ("amazon_ses", is_envelope || is_notification),
        ("sparkpost", has("msys")),
        (
            "mandrill",
            has("mandrill_events")
                || (has("msg") && has("_id"))
                || (has("event") && has("msg"))
                || (has("type") && has("action") && (has("reject") || has("entry"))),
        ),
        ("sendgrid", has("sg_event_id") || has("sg_message_id")),
        (
            "mailjet",
            has("mj_campaign_id") || (has("MessageID") && has("time")),
        ),
        (
            "elasticemail",
            (has_any_case("transaction") || has_any_case("messageid"))
                && has_any_case("status")
                && has_any_case("to"),
        ),
    ];
    let names = signs.into_iter().filter(|(_, sign)| *sign);
    names
        .filter_map(|(name, _)| Provider::named(name))
        .collect()
}

/// The providers a form body or query string may come from.
pub fn form_candidates(text: &str) -> Vec<&'static Provider> {
    let by_parameter = PROVIDERS.iter().filter(|provider| match provider.form {
        Form::Parameter(name) => form::parameter(text, name).is_some(),
        Form::Flat | Form::None => false,
    });
    let found: Vec<_> = by_parameter.collect();
    if !found.is_empty() {
        return found;
    }
    let json = form::to_json(text);
    let flat = Field::parse(&json).map(candidates).unwrap_or_default();
    flat.into_iter()
        .filter(|provider| matches!(provider.form, Form::Flat))
        .collect()
}
