//! Proofs that a request comes from the provider: pure functions from bytes and keys to a verdict.
//!
//! OpenSSL does the mathematics: native-tls links it on Linux already, and it alone of the usual
//! choices checks a certificate chain *at a given time*, which old SNS messages need.

pub mod certificate;
pub mod credentials;
pub mod mandrill;
pub mod sendgrid;
pub mod sns;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::time::{MINUTE, Timestamp};

/// Why a proof does not count. Never holds a secret or what the other side sent as one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no {0}")]
    Missing(&'static str),
    #[error("{0} cannot be read")]
    Malformed(&'static str),
    #[error("{0} is wrong")]
    Wrong(&'static str),
    #[error("it was signed at {signed} and received at {received}: outside the replay window")]
    OutsideWindow {
        signed: Timestamp,
        received: Timestamp,
    },
    #[error("the certificate's address `{0}` is not one of Amazon SNS")]
    ForeignCertificate(String),
    #[error("the certificate `{name}`: {cause}")]
    Certificate { name: String, cause: String },
    #[error("the topic `{0}` is not in the list of topics")]
    ForeignTopic(String),
    #[error("it came by raw delivery, which is not signed")]
    RawDelivery,
}

impl Refused {
    /// What a person can do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Missing(_) | Self::Malformed(_) => {
                "switch the proof on at the provider (`bouncekit webhook:setup` says where), or \
                 set `verify` for it in [webhook]"
            }
            Self::Wrong(_) => {
                "compare the key, password or URL in [webhook] with the one at the provider; \
                 anything that rewrites the body or the URL on its way breaks a signature"
            }
            Self::OutsideWindow { .. } => {
                "somebody sends an old request again, or a clock is wrong; `replay_window` in \
                 [webhook] says how old a signature may be"
            }
            Self::ForeignCertificate(_) => "only https://sns.REGION.amazonaws.com/NAME.pem is one",
            Self::Certificate { .. } => {
                "put the right certificate into the folder `certificates` of [webhook.amazon]"
            }
            Self::ForeignTopic(_) => {
                "add the topic's ARN to `topics` in [webhook.amazon] if it is yours"
            }
            Self::RawDelivery => "switch raw message delivery off at the SNS subscription",
        }
    }
}

/// Compares two secrets in a time that tells neither their difference nor their length.
pub fn same_secret(given: &[u8], expected: &[u8]) -> bool {
    Sha256::digest(given)
        .ct_eq(&Sha256::digest(expected))
        .into()
}

/// So far the provider's clock may run before ours.
const CLOCK_SKEW: i64 = 5 * MINUTE;

/// Refuses what was signed too long before it was received, or after.
pub fn within_window(signed: Timestamp, received: Timestamp, window: i64) -> Result<(), Refused> {
    let age = received.0.saturating_sub(signed.0);
    if (-CLOCK_SKEW..=window).contains(&age) {
        Ok(())
    } else {
        Err(Refused::OutsideWindow { signed, received })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_reaches_back_but_hardly_forward() {
        let at = |age: i64| {
            within_window(
                Timestamp(1_000_000_000 - age),
                Timestamp(1_000_000_000),
                60_000,
            )
        };
        assert!(at(0).is_ok() && at(60_000).is_ok() && at(-CLOCK_SKEW).is_ok());
        assert!(at(60_001).is_err() && at(-CLOCK_SKEW - 1).is_err());
        assert!(within_window(Timestamp(i64::MIN), Timestamp(i64::MAX), 60_000).is_err());
    }

    #[test]
    fn secrets_are_the_same_or_not() {
        assert!(same_secret(b"abc", b"abc"));
        assert!(!same_secret(b"abc", b"abcd") && !same_secret(b"", b"abc"));
    }
}
