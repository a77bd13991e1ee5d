//! Who reports what, by webhook: requests of mail providers → normalised rows. Pure: no I/O, no
//! clock, no store.
//!
//! [`PROVIDERS`] is the only registry. Decoding is apart from verification: a provider's file holds
//! its vocabulary as a table and reads payloads; whether the request is the provider's is another
//! question.

mod amazon_ses;
mod elasticemail;
pub mod form;
mod mailjet;
mod mandrill;
mod request;
mod sendgrid;
pub mod signature;
mod sparkpost;
mod verify;

pub use request::{FRAME, Request};
pub use verify::{
    Expected, Hmac, Level, MandrillUrl, Scheme, TEST_PROOF, Verification, url_secret,
};

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

impl Provider {
    /// The provider of this name or callback name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROVIDERS.iter().find(|provider| {
            provider.name == name || provider.callbacks.iter().any(|known| *known == name)
        })
    }
}
