//! A certificate authority of the tests' own.

use std::{fs, path::Path};

use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    x509::{
        X509, X509Builder, X509Name,
        extension::{BasicConstraints, SubjectAlternativeName},
    },
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    Now,
    Expired,
}

/// Writes `ca.pem`, `server.pem` (for `localhost` and 127.0.0.1) and `server.key` into `folder`.
pub(crate) fn write(folder: &Path, validity: Validity) {
    let (ca_key, server_key) = (key(), key());
    let mut ca = certificate("bouncekit test authority", 1, &ca_key, Validity::Now);
    ca.set_issuer_name(&name("bouncekit test authority"))
        .unwrap();
    let is_ca = BasicConstraints::new().critical().ca().build().unwrap();
    ca.append_extension(is_ca).unwrap();
    ca.sign(&ca_key, MessageDigest::sha256()).unwrap();
    let ca = ca.build();

    let mut server = certificate("localhost", 2, &server_key, validity);
    server.set_issuer_name(ca.subject_name()).unwrap();
    let names = SubjectAlternativeName::new()
        .dns("localhost")
        .ip("127.0.0.1")
        .build(&server.x509v3_context(Some(&ca), None))
        .unwrap();
    server.append_extension(names).unwrap();
    server.sign(&ca_key, MessageDigest::sha256()).unwrap();
    let server: X509 = server.build();

    fs::write(folder.join("ca.pem"), ca.to_pem().unwrap()).unwrap();
    fs::write(folder.join("server.pem"), server.to_pem().unwrap()).unwrap();
    let private = server_key.private_key_to_pem_pkcs8().unwrap();
    fs::write(folder.join("server.key"), private).unwrap();
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn name(common: &str) -> X509Name {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", common).unwrap();
    name.build()
}

fn certificate(common: &str, serial: u32, key: &PKey<Private>, validity: Validity) -> X509Builder {
    const DAY: i64 = 24 * 60 * 60;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    let end = if validity == Validity::Expired {
        -DAY
    } else {
        30 * DAY
    };
    let at = |time| Asn1Time::from_unix(time).unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(serial).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&name(common)).unwrap();
    builder.set_not_before(&at(now - 60 * DAY)).unwrap();
    builder.set_not_after(&at(now + end)).unwrap();
    builder.set_pubkey(key).unwrap();
    builder
}
