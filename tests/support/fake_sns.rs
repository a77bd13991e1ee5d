//! Amazon SNS as far as we ask it: an HTTPS proxy that answers for `sns.eu-west-1.amazonaws.com`
//! itself, with a certificate of a test authority.

use std::{
    io::{Read, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    ssl::{SslAcceptor, SslMethod},
    x509::{
        X509, X509Builder, X509NameBuilder,
        extension::{BasicConstraints, SubjectAlternativeName},
    },
};

pub(crate) const HOST: &str = "sns.eu-west-1.amazonaws.com";

pub(crate) struct FakeSns {
    pub(crate) proxy: String,
    /// The authority to be trusted, PEM.
    pub(crate) authority: Vec<u8>,
    /// `host target` of every request.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

fn certificate(
    name: &str,
    serial: u32,
    key: &PKey<Private>,
    issuer: Option<(&X509, &PKey<Private>)>,
) -> X509 {
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(serial).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&subject).unwrap();
    let issuer_name = issuer.map_or(&*subject, |(issuer, _)| issuer.subject_name());
    builder.set_issuer_name(issuer_name).unwrap();
    builder
        .set_not_before(&Asn1Time::from_unix(946_684_800).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::from_unix(4_102_444_800).unwrap())
        .unwrap();
    builder.set_pubkey(key).unwrap();
    if issuer.is_none() {
        let constraints = BasicConstraints::new().critical().ca().build().unwrap();
        builder.append_extension(constraints).unwrap();
    } else {
        let context = builder.x509v3_context(issuer.map(|(issuer, _)| &**issuer), None);
        let names = SubjectAlternativeName::new()
            .dns(name)
            .build(&context)
            .unwrap();
        builder.append_extension(names).unwrap();
    }
    let signer = issuer.map_or(key, |(_, key)| key);
    builder.sign(signer, MessageDigest::sha256()).unwrap();
    builder.build()
}

/// An HTTP answer.
pub(crate) fn page(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

impl FakeSns {
    /// Answers each request with what `answer` makes of its target. `named` is the host in the
    /// certificate.
    pub(crate) fn start(named: &str, answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        let key = || PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let (authority_key, leaf_key) = (key(), key());
        let authority = certificate("Test Authority", 1, &authority_key, None);
        let leaf = certificate(named, 2, &leaf_key, Some((&authority, &authority_key)));
        let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls()).unwrap();
        acceptor.set_private_key(&leaf_key).unwrap();
        acceptor.set_certificate(&leaf).unwrap();
        let acceptor = acceptor.build();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { break };
                // A client that refuses the certificate goes away.
                let _ = serve(stream, &acceptor, &answer, &log);
            }
        });
        Self {
            proxy,
            authority: authority.to_pem().unwrap(),
            asked,
        }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    acceptor: &SslAcceptor,
    answer: &impl Fn(&str) -> String,
    log: &Mutex<Vec<String>>,
) -> Option<()> {
    let connect = head(&mut stream)?;
    let host = connect.split_whitespace().nth(1)?.to_owned();
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    let mut stream = acceptor.accept(stream).ok()?;
    let request = head(&mut stream)?;
    let target = request.split_whitespace().nth(1)?.to_owned();
    log.lock().unwrap().push(format!("{host} {target}"));
    stream.write_all(answer(&target).as_bytes()).ok()?;
    let _ = stream.shutdown();
    Some(())
}

fn head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut octet = [0];
    loop {
        stream.read_exact(&mut octet).ok()?;
        head.extend(octet);
        if head.ends_with(b"\r\n\r\n") {
            return String::from_utf8(head).ok();
        }
    }
}
