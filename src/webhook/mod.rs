//! Who reports what, by webhook: requests of mail providers → normalised rows. Pure: no I/O, no
//! clock, no store.
//!
//! [`PROVIDERS`] is the only registry. Decoding is apart from verification: a provider's file holds
//! its vocabulary as a table and reads payloads; whether the request is the provider's is another
//! question.
//!
//! Unknown fields and unknown event types are never errors. One bad entry is one row of kind
//! [`Kind::Error`], and the others are read.
//!
//! ```
//! use bouncekit_core::{
//!     suppression::Preset,
//!     webhook::{Kind, Provider},
//! };
//!
//! let sendgrid = Provider::named("sendgrid").unwrap();
//! let payload = r#"[{"email": "anna@example.org", "event": "bounce", "type": "bounce",
//!     "status": "5.1.1", "reason": "550 5.1.1 User unknown", "timestamp": 1780000000,
//!     "sg_event_id": "a1", "hashId": "5f3e1a7b2c4d812345678"},
//!     {"email": "bert@example.org", "event": "open", "timestamp": 1780000001, "sg_event_id": "a2"}]"#;
//! let rows = sendgrid.decode_text(payload, Preset::Standard);
//! assert_eq!(rows[0].kind, Kind::HardBounce);
//! assert_eq!(rows[0].recipient.as_deref(), Some("anna@example.org"));
//! assert_eq!(rows[1].kind, Kind::Ignore);
//! ```

mod amazon_ses;
mod codes;
mod detect;
mod elasticemail;
mod event;
mod field;
pub mod form;
mod mailjet;
mod mandrill;
mod moment;
mod request;
mod row;
mod sample;
mod sendgrid;
mod setup;
pub mod signature;
mod sparkpost;
mod verify;
mod vocabulary;

pub use detect::{candidates, form_candidates};
pub use event::delivery_event;
pub use field::{Field, Object};
pub use request::{FRAME, Request};
pub use row::{Kind, Row};
pub use sample::sample;
pub use setup::{SecretIn, Setup};
pub use verify::{
    Expected, Hmac, Level, MandrillUrl, Scheme, TEST_PROOF, Verification, url_secret,
};

use crate::suppression::Preset;

/// A mail provider whose callbacks are understood.
#[derive(Debug)]
pub struct Provider {
    /// In configuration, database and output.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// The names in callback addresses, `/mailer/<name>/callback`; Mautic's among them.
    pub callbacks: &'static [&'static str],
    /// The methods it calls with.
    pub methods: &'static [&'static str],
    /// What it proves itself by.
    pub scheme: Scheme,
    /// What to do at the provider.
    pub setup: &'static Setup,
    /// What its form bodies and query strings hold.
    pub form: Form,
    /// One event, or one envelope with events in it.
    decode: for<'a> fn(Field<'a>, Preset, &mut Vec<Row<'a>>),
}

/// What form bodies and query strings of a provider hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// It posts JSON.
    None,
    /// The parameters are the event.
    Flat,
    /// This parameter holds JSON.
    Parameter(&'static str),
}

/// Every provider, by name.
pub const PROVIDERS: &[Provider] = &[
    amazon_ses::PROVIDER,
    elasticemail::PROVIDER,
    mailjet::PROVIDER,
    mandrill::PROVIDER,
    sendgrid::PROVIDER,
    sparkpost::PROVIDER,
];

/// The provider whose notifications also come as mails.
pub const MAILED: &Provider = &amazon_ses::PROVIDER;

impl Provider {
    /// The provider of this name or callback name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROVIDERS
            .iter()
            .find(|provider| provider.name == name || provider.callbacks.contains(&name))
    }

    /// Reads one JSON value that stands for itself: an event, an envelope, or an array of them.
    pub fn decode<'a>(&self, value: Field<'a>, preset: Preset, rows: &mut Vec<Row<'a>>) {
        let elements = value.elements();
        if elements.is_empty() && !value.is_empty_array() {
            return self.decode_entry(value, preset, rows);
        }
        for element in elements {
            self.decode_entry(element, preset, rows);
        }
    }

    /// Reads one element of a batch.
    pub fn decode_entry<'a>(&self, entry: Field<'a>, preset: Preset, rows: &mut Vec<Row<'a>>) {
        if let Form::Parameter(name) = self.form
            && let Some(wrapped) = entry.object().map(|object| object.get(name))
            && wrapped.is_some()
        {
            // A form that somebody kept as JSON.
            match wrapped.string() {
                Some(text) => {
                    for row in self.decode_text(&text, preset) {
                        rows.push(row);
                    }
                }
                None => self.decode(wrapped, preset, rows),
            }
            return;
        }
        (self.decode)(entry, preset, rows);
    }

    /// Reads one JSON text.
    pub fn decode_text(&self, text: &str, preset: Preset) -> Vec<Row<'static>> {
        let mut rows = Vec::new();
        match Field::parse(text.trim_start_matches('\u{feff}')) {
            Ok(value) => self.decode(value, preset, &mut rows),
            Err(error) => rows.push(Row::error(self.name, format!("invalid JSON: {error}"))),
        }
        rows.into_iter().map(Row::into_owned).collect()
    }

    /// Reads a form body or query string.
    pub fn decode_form(&self, text: &str, preset: Preset) -> Vec<Row<'static>> {
        match self.form {
            Form::None => vec![Row::error(
                self.name,
                format!("a form, but {} posts JSON", self.title),
            )],
            Form::Flat => self.decode_text(&form::to_json(text), preset),
            Form::Parameter(name) => match form::parameter(text, name) {
                Some(json) => self.decode_text(&json, preset),
                None => vec![Row::error(self.name, format!("no `{name}` in the form"))],
            },
        }
    }

    /// Reads a whole mail with a notification in it.
    pub fn decode_mail(&self, bytes: &[u8], preset: Preset) -> Vec<Row<'static>> {
        if self.name == MAILED.name {
            amazon_ses::decode_mail(bytes, preset)
        } else {
            vec![Row::error(
                self.name,
                format!("a mail, but {} sends none", self.title),
            )]
        }
    }
}

/// Whose names of callback or parameters a request carries; none or several are no answer.
pub fn provider_of(request: &Request) -> Option<&'static Provider> {
    request.callback().and_then(Provider::named)
}
