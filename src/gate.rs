//! Before a request is decoded: is it its provider's, and does SNS ask to be answered?

use std::{cell::RefCell, collections::HashMap};

use crate::{
    config::{Config, ConfigError, Confirm},
    https::Client,
    message,
    sns::{self, SnsError},
    webhook::{
        Expected, Level, Provider, Request, Scheme, Verification,
        signature::Refused,
        signature::sns::{Envelope, SUBSCRIPTION_CONFIRMATION},
    },
};

/// Decides about requests by the configuration.
pub struct Gate<'a> {
    config: &'a Config,
    options: Options<'a>,
    /// Secrets are read when the first request needs them.
    expected: RefCell<HashMap<&'static str, Expected>>,
    subscriptions: RefCell<Vec<Subscription>>,
    /// Why SNS could not be asked: what waits is not to wait for each of them anew.
    unreachable: RefCell<Option<SnsError>>,
}

/// How a [`Gate`] is set up.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Overrules the configuration.
    pub level: Option<Level>,
    /// Where neither says anything.
    pub default: Option<Level>,
    /// For what the configuration allows to be asked of SNS; without it there is no network.
    pub client: Option<&'a Client>,
    /// Certificates may be fetched even where the configuration does not say so.
    pub fetch: bool,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is decoded; the verification is kept with its events.
    Admitted(Verification),
    Refused(Verification),
    /// Nothing can be said now; trying again can help.
    Later(SnsError),
}

/// A subscription that SNS asks to confirm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub topic: String,
    pub answer: Answer,
}

/// What was done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// With the subscription's ARN.
    Confirmed(String),
    /// A person may visit this URL, or run `webhook:confirm`.
    Waits(String),
    Failed(SnsError),
    /// The message is not proven, so that nothing is believed.
    Unproven(String),
}

impl<'a> Gate<'a> {
    pub fn new(config: &'a Config, options: Options<'a>) -> Self {
        Self {
            config,
            options,
            expected: RefCell::default(),
            subscriptions: RefCell::default(),
            unreachable: RefCell::default(),
        }
    }

    /// How seriously a missing proof of `provider` is taken.
    pub fn level(&self, provider: &Provider) -> Level {
        let keys = self.config.provider.get(provider.name);
        self.options
            .level
            .or_else(|| keys?.verify)
            .or(self.options.default)
            .unwrap_or(Level::Require)
    }

    /// Verifies a request, and nothing else.
    ///
    /// # Errors
    /// When a secret cannot be read.
    pub fn prove(
        &self,
        provider: &'static Provider,
        request: &Request,
    ) -> Result<Admission, ConfigError> {
        let level = self.level(provider);
        Ok(match self.verify(provider, request, level)? {
            Ok(verification) if verification.is_acceptable(level) => {
                Admission::Admitted(verification)
            }
            Ok(verification) => Admission::Refused(verification),
            Err(error) if error.is_temporary() => Admission::Later(self.note_unreachable(error)),
            Err(error) => Admission::Refused(Verification::Refused(Refused::Certificate {
                name: "of SNS".into(),
                cause: error.to_string(),
            })),
        })
    }

    fn note_unreachable(&self, error: SnsError) -> SnsError {
        if matches!(error, SnsError::Https(_)) {
            *self.unreachable.borrow_mut() = Some(error.clone());
        }
        error
    }

    /// Verifies a request, and answers SNS where that is configured.
    ///
    /// # Errors
    /// When a secret cannot be read.
    pub fn admit(
        &self,
        provider: &'static Provider,
        request: &Request,
    ) -> Result<Admission, ConfigError> {
        let admission = self.prove(provider, request)?;
        let Admission::Admitted(verification) = &admission else {
            return Ok(admission);
        };
        if provider.scheme == Scheme::Sns
            && let Some(envelope) = Envelope::parse(&request.body)
            && envelope.kind == SUBSCRIPTION_CONFIRMATION
        {
            let answer = self.answer(&envelope, verification);
            if let Answer::Failed(error) = &answer
                && error.is_temporary()
            {
                return Ok(Admission::Later(self.note_unreachable(error.clone())));
            }
            self.subscriptions.borrow_mut().push(Subscription {
                topic: envelope.topic_arn,
                answer,
            });
        }
        Ok(admission)
    }

    /// Whether a notification that came as mail is believed.
    pub fn trusts_mail(&self, mail: &[u8]) -> bool {
        let inbound = message::parse(mail, &message::Options::default());
        let trust = self.config.sns_trust();
        trust.covers(&inbound.authentication_results)
    }

    /// Verifies a request; the inner error is one of fetching the certificate.
    fn verify(
        &self,
        provider: &'static Provider,
        request: &Request,
        level: Level,
    ) -> Result<Result<Verification, SnsError>, ConfigError> {
        if level == Level::Off {
            return Ok(Ok(Verification::Off));
        }
        let mut known = self.expected.borrow_mut();
        let expected = match known.entry(provider.name) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(self.config.expected(provider)?)
            }
        };
        let fetches = self
            .config
            .provider
            .get(provider.name)
            .is_some_and(|keys| keys.fetch_certificates);
        let folder = self.config.certificates();
        let client = self
            .options
            .client
            .filter(|_| fetches || self.options.fetch);
        let unreachable = self.unreachable.borrow().clone();
        Ok(match (client, unreachable) {
            (Some(_), Some(error)) => match provider.verify(request, expected, &folder) {
                Verification::Undecided { .. } => Err(error),
                decided => Ok(decided),
            },
            _ => sns::verify(provider, request, expected, &folder, client),
        })
    }

    fn answer(&self, envelope: &Envelope, verification: &Verification) -> Answer {
        let url = match sns::confirmation_url(envelope) {
            Ok(url) => url,
            Err(error) => return Answer::Failed(error),
        };
        // Whatever the level: an unproven message is never answered.
        if !verification.has_passed() {
            return Answer::Unproven(verification.to_string());
        }
        let confirm = self
            .config
            .provider
            .get("amazon_ses")
            .map_or(Confirm::Print, |keys| keys.confirm);
        match (confirm, self.options.client) {
            (Confirm::Auto, Some(client)) => {
                if let Some(error) = self.unreachable.borrow().clone() {
                    return Answer::Failed(error);
                }
                sns::confirm(client, envelope).map_or_else(Answer::Failed, Answer::Confirmed)
            }
            _ => Answer::Waits(url),
        }
    }

    /// The subscriptions met since the last call.
    pub fn take_subscriptions(&self) -> Vec<Subscription> {
        self.subscriptions.take()
    }
}
