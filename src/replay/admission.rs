//! Whether what is read is believed, by the [`crate::gate`]: whole requests, and the payloads and
//! mails that come without one.

use std::borrow::Cow;

use super::{Place, Reading, ReplayError};
use crate::{
    gate::Admission,
    webhook::{Level, Provider, Request, Scheme},
};

impl<E: From<ReplayError>> Reading<'_, E> {
    /// What came of verifying the payload `text`; `None` where it is refused, which is told then.
    pub(super) fn verification_of(
        &mut self,
        provider: &'static Provider,
        place: Place,
        text: &str,
    ) -> Result<Option<Cow<'static, str>>, E> {
        if let Some(verification) = &self.verification {
            return Ok(Some(verification.clone()));
        }
        match self.options.gate {
            None => Ok(Some("".into())),
            // The one proof that stands in the payload itself.
            Some(_) if provider.scheme == Scheme::Sns && text.contains("\"Signature\"") => {
                let request = Request {
                    body: text.as_bytes().to_vec(),
                    ..Request::default()
                };
                self.admit(provider, place, &request)
            }
            Some(gate) if gate.level(provider) == Level::Require => {
                self.bad(
                    provider,
                    place,
                    "not verified: its request is not there".into(),
                )?;
                Ok(None)
            }
            Some(_) => Ok(Some("not verified".into())),
        }
    }

    /// A mail is vouched for by the server that received it, if by anybody.
    pub(super) fn verification_of_mail(
        &mut self,
        provider: &'static Provider,
        place: Place,
        mail: &[u8],
    ) -> Result<Option<Cow<'static, str>>, E> {
        match self.options.gate {
            None => Ok(Some("".into())),
            Some(gate) if gate.trusts_mail(mail) => Ok(Some("verified by the mail server".into())),
            Some(gate) if gate.level(provider) == Level::Require => {
                let cause = "not verified: no mail server of ours vouches for this mail; see \
                             `trusted_mail_hosts` in [provider.amazon_ses]";
                self.bad(provider, place, cause.into())?;
                Ok(None)
            }
            Some(_) => Ok(Some("not verified".into())),
        }
    }

    /// Verifies a request; `None` where it is refused, which is told then.
    pub(super) fn admit(
        &mut self,
        provider: &'static Provider,
        place: Place,
        request: &Request,
    ) -> Result<Option<Cow<'static, str>>, E> {
        let Some(gate) = self.options.gate else {
            return Ok(Some("".into()));
        };
        match gate.admit(provider, request).map_err(ReplayError::from)? {
            Admission::Admitted(verification) => Ok(Some(verification.to_string().into())),
            Admission::Refused(verification) => {
                let hint = verification.hint().unwrap_or_default();
                self.bad(provider, place, format!("{verification}; {hint}"))?;
                Ok(None)
            }
            Admission::Later(error) => Err(ReplayError::Later(error).into()),
        }
    }
}
