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
    if result != X509VerifyResult::OK && !(ends_early(result) && !certificates.whole_chain()) {
        return Err(refused(format!("{} (at {at})", result.error_string())));
    }
    // A chain that ends early was not looked at any further, the time included.
    if result != X509VerifyResult::OK && !lives(&leaf, at).map_err(broken)? {
        return Err(refused(format!("it was not valid at {at}")));
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
