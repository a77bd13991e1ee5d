//! SendGrid's signed event webhook: ECDSA on P-256 over SHA-256 of the timestamp header and the
//! body, byte for byte (it ends in CRLF, which is signed too).
//! Source: sendgrid/docs, "Getting started with the event webhook security features".

use data_encoding::BASE64;
use openssl::{
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Public},
    sign::Verifier,
};

use super::Refused;

pub const SIGNATURE: &str = "X-Twilio-Email-Event-Webhook-Signature";
pub const TIMESTAMP: &str = "X-Twilio-Email-Event-Webhook-Timestamp";

/// The verification key that SendGrid shows at its webhook.
#[derive(Clone, Debug)]
pub struct PublicKey(PKey<Public>);

impl PublicKey {
    /// Reads base64 of a SubjectPublicKeyInfo, as SendGrid shows it, or PEM; `None` for anything
    /// but a key on P-256.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let key = if text.starts_with("-----BEGIN") {
            PKey::public_key_from_pem(text.as_bytes()).ok()?
        } else {
            PKey::public_key_from_der(&BASE64.decode(text.as_bytes()).ok()?).ok()?
        };
        let curve = key.ec_key().ok()?.group().curve_name()?;
        (curve == Nid::X9_62_PRIME256V1).then_some(Self(key))
    }
}

/// Checks `body` against the two headers.
pub fn verify(
    key: &PublicKey,
    signature: &str,
    timestamp: &str,
    body: &[u8],
) -> Result<(), Refused> {
    if timestamp.is_empty() {
        return Err(Refused::Missing("timestamp header"));
    }
    let signature = BASE64
        .decode(signature.as_bytes())
        .ok()
        .filter(|signature| !signature.is_empty())
        .ok_or(Refused::Malformed("the signature header"))?;
    let check = || {
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key.0)?;
        verifier.update(timestamp.as_bytes())?;
        verifier.update(body)?;
        verifier.verify(&signature)
    };
    // A signature that is no DER is an error of the library; for us it is as wrong as any other.
    if check().unwrap_or(false) {
        Ok(())
    } else {
        Err(Refused::Wrong("the signature"))
    }
}

#[cfg(test)]
mod tests {
    use openssl::{
        ec::{EcGroup, EcKey},
        sign::Signer,
    };

    use super::*;

    fn pair(curve: Nid) -> PKey<openssl::pkey::Private> {
        let group = EcGroup::from_curve_name(curve).unwrap();
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    }

    fn sign(key: &PKey<openssl::pkey::Private>, text: &[u8]) -> String {
        let mut signer = Signer::new(MessageDigest::sha256(), key).unwrap();
        BASE64.encode(&signer.sign_oneshot_to_vec(text).unwrap())
    }

    #[test]
    fn the_body_counts_byte_for_byte() {
        let private = pair(Nid::X9_62_PRIME256V1);
        let der = BASE64.encode(&private.public_key_to_der().unwrap());
        let pem = String::from_utf8(private.public_key_to_pem().unwrap()).unwrap();
        let signature = sign(&private, b"1700000000[{}]\r\n");
        for text in [der, pem] {
            let key = PublicKey::parse(&text).unwrap();
            assert_eq!(verify(&key, &signature, "1700000000", b"[{}]\r\n"), Ok(()));
            let wrong = Err(Refused::Wrong("the signature"));
            assert_eq!(verify(&key, &signature, "1700000000", b"[{}]"), wrong);
            assert_eq!(verify(&key, &signature, "1700000001", b"[{}]\r\n"), wrong);
            assert_eq!(verify(&key, "AAAA", "1700000000", b"[{}]\r\n"), wrong);
            assert!(verify(&key, "", "1700000000", b"[{}]\r\n").is_err());
            assert!(verify(&key, "!", "1700000000", b"[{}]\r\n").is_err());
        }
    }

    #[test]
    fn only_keys_on_p256_are_keys() {
        let other = pair(Nid::SECP384R1);
        let der = BASE64.encode(&other.public_key_to_der().unwrap());
        assert!(PublicKey::parse(&der).is_none());
        assert!(PublicKey::parse("").is_none());
        assert!(PublicKey::parse("-----BEGIN PUBLIC KEY-----\nAAAA\n").is_none());
    }
}
