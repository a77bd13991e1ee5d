//! Mandrill: HMAC-SHA1 over the webhook's URL and the decoded parameters sorted by name, without
//! separators; base64 of the binary digest. Source: Mailchimp, "Authenticating webhook requests".

use std::borrow::Cow;

use data_encoding::BASE64;
use openssl::{error::ErrorStack, hash::MessageDigest, pkey::PKey, sign::Signer};

use super::{Refused, same_secret};

pub const SIGNATURE: &str = "X-Mandrill-Signature";

/// Mandrill's check of a new URL is signed with this key, since there is no other yet.
pub const TEST_KEY: &str = "test-webhook";

/// A decoded form parameter.
pub type Parameter<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The signature of `parameters` sent to `url`, which is spelt exactly as at Mandrill.
///
/// # Errors
/// When the library refuses HMAC-SHA1 (a FIPS build).
pub fn sign(key: &str, url: &str, parameters: &[Parameter<'_>]) -> Result<String, ErrorStack> {
    let mut sorted: Vec<&Parameter<'_>> = parameters.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let key = PKey::hmac(key.as_bytes())?;
    let mut signer = Signer::new(MessageDigest::sha1(), &key)?;
    signer.update(url.as_bytes())?;
    for (name, value) in sorted {
        signer.update(name.as_bytes())?;
        signer.update(value.as_bytes())?;
    }
    Ok(BASE64.encode(&signer.sign_to_vec()?))
}

/// Checks the signature header.
pub fn verify(
    key: &str,
    url: &str,
    parameters: &[Parameter<'_>],
    signature: &str,
) -> Result<(), Refused> {
    let wrong = Refused::Wrong("the signature");
    let expected = sign(key, url, parameters).map_err(|_| wrong.clone())?;
    if same_secret(signature.as_bytes(), expected.as_bytes()) {
        Ok(())
    } else {
        Err(wrong)
    }
}

/// Whether this is the empty batch by which Mandrill tries a new URL.
pub fn is_test(parameters: &[Parameter<'_>]) -> bool {
    matches!(parameters, [(name, events)] if name == "mandrill_events" && events.trim() == "[]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(name: &'a str, value: &'a str) -> Parameter<'a> {
        (name.into(), value.into())
    }

    #[test]
    fn the_url_counts_to_the_last_slash_and_the_order_does_not() {
        let url = "https://example.com/hook";
        let parameters = [of("z", "last"), of("mandrill_events", "[]")];
        let turned = [parameters[1].clone(), parameters[0].clone()];
        let signature = sign("k", url, &parameters).unwrap();
        assert_eq!(verify("k", url, &turned, &signature), Ok(()));
        for (key, url) in [("other", url), ("k", "https://example.com/hook/")] {
            assert!(verify(key, url, &parameters, &signature).is_err());
        }
        assert!(verify("k", url, &parameters[..1], &signature).is_err());
        assert!(verify("k", url, &parameters, "").is_err());
    }

    #[test]
    fn the_test_is_an_empty_batch_and_nothing_else() {
        assert!(is_test(&[of("mandrill_events", "[]")]));
        assert!(!is_test(&[of("mandrill_events", "[{}]")]));
        assert!(!is_test(&[of("mandrill_events", "[]"), of("x", "")]));
        assert!(!is_test(&[]));
    }
}
