//! The certificate an SNS message names: is it one to believe, at the time of the message?
//!
//! SNS certificates live about a year and messages are replayed much later, so validity is looked
//! at for the message's own time. A certificate that a person put into the folder is trusted as it
//! stands. One that was fetched must be Amazon's by name; its chain is checked as far as the
//! issuers are at hand. Amazon delivers the certificate without its issuers, so that a missing
//! issuer is the usual case: then the TLS connection to `sns.REGION.amazonaws.com` it came by is
//! its proof, unless the configuration demands the whole chain.

use openssl::{
    error::ErrorStack,
    pkey::{PKey, Public},
    stack::Stack,
    x509::{
        X509, X509StoreContext, X509VerifyResult,
        store::{X509Store, X509StoreBuilder},
        verify::{X509VerifyFlags, X509VerifyParam},
    },
};

use super::Refused;
use crate::time::{SECOND, Timestamp};

/// A certificate at hand.
#[derive(Clone, Debug)]
pub struct Found {
    /// PEM; issuers may follow the certificate itself.
    pub pem: Vec<u8>,
    /// A person put it there; otherwise it was fetched.
    pub pinned: bool,
}

/// Where certificates come from; reading them is not this module's.
pub trait Certificates {
    /// The certificate of this file name.
    fn find(&self, name: &str) -> Option<Found>;
    /// PEM of the certificates a person put there, to build chains with.
    fn anchors(&self) -> Vec<Vec<u8>>;
    /// Whether a chain that ends early is refused.
    fn whole_chain(&self) -> bool;
}

/// The key of a certificate that is to be believed at the time `at`.
pub fn key_at(
    name: &str,
    found: &Found,
    certificates: &dyn Certificates,
    at: Timestamp,
) -> Result<PKey<Public>, Refused> {
    let refused = |cause: String| Refused::Certificate {
        name: name.to_owned(),
        cause,
    };
    let broken = |error: ErrorStack| {
        let cause = error
            .errors()
            .first()
            .and_then(openssl::error::Error::reason);
        refused(format!(
            "cannot be used: {}",
            cause.unwrap_or("it is broken")
        ))
    };
    let mut chain = X509::stack_from_pem(&found.pem)
        .map_err(broken)?
        .into_iter();
    let leaf = chain
        .next()
        .ok_or_else(|| refused("there is no certificate in the file".into()))?;
    if !found.pinned && !is_of_sns(&leaf) {
        return Err(refused(
            "it is made out to another host than Amazon SNS".into(),
        ));
    }
    let store = trusted(found.pinned.then_some(&leaf), certificates, at).map_err(broken)?;
    let mut issuers = Stack::new().map_err(broken)?;
    for issuer in chain {
        issuers.push(issuer).map_err(broken)?;
    }
    let mut context = X509StoreContext::new().map_err(broken)?;
    let result = context
        .init(&store, &leaf, &issuers, |context| {
            context.verify_cert()?;
            Ok(context.error())
        })
        .map_err(broken)?;
    if result != X509VerifyResult::OK {
        if certificates.whole_chain() || !ends_early(result) {
            return Err(refused(format!("{} (at {at})", result.error_string())));
        }
        // A chain that ends early was not looked at any further, the time included.
        if !lives(&leaf, at).map_err(broken)? {
            return Err(refused(format!("it was not valid at {at}")));
        }
    }
    leaf.public_key().map_err(broken)
}

/// The certificates a chain may end at, and the time it is looked at.
fn trusted(
    pinned: Option<&X509>,
    certificates: &dyn Certificates,
    at: Timestamp,
) -> Result<X509Store, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    if let Some(leaf) = pinned {
        store.add_cert(leaf.clone())?;
    } else {
        store.set_default_paths()?;
        for pem in certificates.anchors() {
            // One unreadable file must not make the others useless.
            for anchor in X509::stack_from_pem(&pem).unwrap_or_default() {
                store.add_cert(anchor)?;
            }
        }
    }
    let mut parameters = X509VerifyParam::new()?;
    parameters.set_time(at.0.div_euclid(SECOND));
    parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    store.set_param(&parameters)?;
    Ok(store.build())
}

fn ends_early(result: X509VerifyResult) -> bool {
    // X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, .._LOCALLY and UNABLE_TO_VERIFY_LEAF_SIGNATURE.
    matches!(result.as_raw(), 2 | 20 | 21)
}

fn lives(certificate: &X509, at: Timestamp) -> Result<bool, ErrorStack> {
    let at = openssl::asn1::Asn1Time::from_unix(at.0.div_euclid(SECOND))?;
    Ok(*certificate.not_before() <= at && *certificate.not_after() >= at)
}

/// `sns.amazonaws.com` or a region's host.
fn is_of_sns(certificate: &X509) -> bool {
    let names = certificate.subject_alt_names();
    let alternative = names
        .iter()
        .flatten()
        .filter_map(|name| name.dnsname().map(str::to_owned));
    let common = certificate
        .subject_name()
        .entries_by_nid(openssl::nid::Nid::COMMONNAME)
        .filter_map(|entry| entry.data().to_string().ok());
    alternative.chain(common).any(|name| {
        name.strip_prefix("sns.").is_some_and(|rest| {
            let region = rest
                .strip_suffix("amazonaws.com")
                .or_else(|| rest.strip_suffix("amazonaws.com.cn"));
            region.is_some_and(|region| {
                region.is_empty() || region.strip_suffix('.').is_some_and(|r| !r.contains('.'))
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use openssl::{
        asn1::Asn1Time,
        bn::BigNum,
        hash::MessageDigest,
        pkey::Private,
        rsa::Rsa,
        x509::{X509Builder, X509NameBuilder, extension::BasicConstraints},
    };

    use super::*;

    struct Shelf {
        anchors: Vec<Vec<u8>>,
        whole_chain: bool,
    }

    impl Certificates for Shelf {
        fn find(&self, _: &str) -> Option<Found> {
            None
        }
        fn anchors(&self) -> Vec<Vec<u8>> {
            self.anchors.clone()
        }
        fn whole_chain(&self) -> bool {
            self.whole_chain
        }
    }

    fn key() -> PKey<Private> {
        PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
    }

    /// Valid from 1,000 to 2,000 seconds.
    fn certificate(
        name: &str,
        key: &PKey<Private>,
        issuer: Option<(&X509, &PKey<Private>)>,
        is_authority: bool,
    ) -> X509 {
        let mut subject = X509NameBuilder::new().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let subject = subject.build();
        let mut builder = X509Builder::new().unwrap();
        builder.set_version(2).unwrap();
        let serial = BigNum::from_u32(u32::try_from(name.len()).unwrap()).unwrap();
        builder
            .set_serial_number(&serial.to_asn1_integer().unwrap())
            .unwrap();
        builder.set_subject_name(&subject).unwrap();
        builder
            .set_issuer_name(issuer.map_or(&subject, |(issuer, _)| issuer.subject_name()))
            .unwrap();
        builder
            .set_not_before(&Asn1Time::from_unix(1_000).unwrap())
            .unwrap();
        builder
            .set_not_after(&Asn1Time::from_unix(2_000).unwrap())
            .unwrap();
        builder.set_pubkey(key).unwrap();
        let mut constraints = BasicConstraints::new();
        constraints.critical();
        if is_authority {
            constraints.ca();
        }
        builder
            .append_extension(constraints.build().unwrap())
            .unwrap();
        let signer = issuer.map_or(key, |(_, key)| key);
        builder.sign(signer, MessageDigest::sha256()).unwrap();
        builder.build()
    }

    fn found(certificate: &X509, pinned: bool) -> Found {
        Found {
            pem: certificate.to_pem().unwrap(),
            pinned,
        }
    }

    const WITHIN: Timestamp = Timestamp(1_500 * SECOND);
    const AFTER: Timestamp = Timestamp(2_001 * SECOND);
    const BEFORE: Timestamp = Timestamp(999 * SECOND);

    fn check(found: &Found, shelf: &Shelf, at: Timestamp) -> Result<(), String> {
        key_at("a.pem", found, shelf, at)
            .map(drop)
            .map_err(|refused| refused.to_string())
    }

    #[test]
    fn a_certificate_put_there_by_a_person_is_trusted_for_its_own_time() {
        let found = found(&certificate("anything", &key(), None, false), true);
        for whole_chain in [false, true] {
            let shelf = Shelf {
                anchors: Vec::new(),
                whole_chain,
            };
            assert_eq!(check(&found, &shelf, WITHIN), Ok(()));
            assert!(
                check(&found, &shelf, AFTER)
                    .unwrap_err()
                    .contains("expired")
            );
            assert!(check(&found, &shelf, BEFORE).is_err());
        }
    }

    #[test]
    fn a_fetched_certificate_is_amazons_and_its_chain_holds_as_far_as_it_goes() {
        let (authority_key, leaf_key) = (key(), key());
        let authority = certificate("authority", &authority_key, None, true);
        let leaf = certificate(
            "sns.amazonaws.com",
            &leaf_key,
            Some((&authority, &authority_key)),
            false,
        );
        let alone = |whole_chain| Shelf {
            anchors: Vec::new(),
            whole_chain,
        };
        let with = |anchor: &X509| Shelf {
            anchors: vec![anchor.to_pem().unwrap()],
            whole_chain: true,
        };
        let fetched = found(&leaf, false);
        assert_eq!(check(&fetched, &alone(false), WITHIN), Ok(()));
        assert!(check(&fetched, &alone(false), AFTER).is_err());
        assert!(check(&fetched, &alone(false), BEFORE).is_err());
        assert!(
            check(&fetched, &alone(true), WITHIN)
                .unwrap_err()
                .contains("issuer")
        );
        assert_eq!(check(&fetched, &with(&authority), WITHIN), Ok(()));
        assert!(
            check(&fetched, &with(&authority), AFTER)
                .unwrap_err()
                .contains("expired")
        );
        // Another authority of the same name did not sign it.
        let impostor = certificate("authority", &key(), None, true);
        assert!(check(&fetched, &with(&impostor), WITHIN).is_err());
        // One that signs itself, or is made out to another host.
        let own = certificate("sns.amazonaws.com", &leaf_key, None, false);
        assert!(check(&found(&own, false), &alone(false), WITHIN).is_err());
        let other = certificate(
            "sns.evil.example",
            &leaf_key,
            Some((&authority, &authority_key)),
            false,
        );
        let refused = check(&found(&other, false), &with(&authority), WITHIN);
        assert!(refused.unwrap_err().contains("another host"));
    }

    #[test]
    fn what_is_no_certificate_has_no_key() {
        let shelf = Shelf {
            anchors: Vec::new(),
            whole_chain: false,
        };
        for pem in [
            "",
            "x",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let found = Found {
                pem: pem.into(),
                pinned: true,
            };
            assert!(check(&found, &shelf, WITHIN).is_err(), "{pem}");
        }
    }
}
