//! Looking at an IMAP server without reading mail: how it is reached, what it can do, what it has.

use std::{
    io,
    net::{IpAddr, ToSocketAddrs as _},
    time::Instant,
};

use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    nid::Nid,
    ssl::{SslConnector, SslMethod, SslVerifyMode},
    x509::{X509NameRef, X509Ref},
};

use super::{
    Account, MailboxError,
    imap::{broken, sequence_set},
    near_name, stream,
};
use crate::{
    config::{Connection, Security},
    time::{DAY, Timestamp},
};

/// How far one comes without logging in.
#[derive(Debug)]
pub struct Reached {
    pub addresses: Vec<IpAddr>,
    /// `None` where the connection is not protected.
    pub certificate: Option<Certificate>,
}

/// What a server shows of itself. It is not verified here: a log-in does that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// `TLSv1.3`.
    pub protocol: &'static str,
    /// Its own name and those of its issuers, as far as the server sends them.
    pub chain: Vec<String>,
    pub issuer: String,
    /// The names that it is for.
    pub names: Vec<String>,
    pub expires: Timestamp,
}

/// Resolves the name, connects, and looks at the certificate. Nothing secret is sent.
pub fn reach(connection: &Connection) -> Result<Reached, MailboxError> {
    let place = format!("{}:{}", connection.host, connection.port);
    let failed = |cause| MailboxError::Connect {
        place: place.clone(),
        cause,
    };
    let found = (connection.host.as_str(), connection.port)
        .to_socket_addrs()
        .map_err(failed)?;
    let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    addresses.dedup();
    let deadline = Instant::now() + connection.total_timeout;
    let tcp = stream::dial(connection, &place, deadline)?;
    let tcp = match connection.security {
        Security::Plain => {
            return Ok(Reached {
                addresses,
                certificate: None,
            });
        }
        Security::StartTls => stream::start_tls(tcp, &place)?,
        Security::Tls => tcp,
    };
    Ok(Reached {
        addresses,
        certificate: Some(
            shown(&connection.host, tcp).map_err(|cause| MailboxError::Tls {
                hint: "check `port` and `security`: port 993 is \"tls\", 143 is \"starttls\"",
                place: place.clone(),
                cause,
            })?,
        ),
    })
}

/// A handshake that believes everything, so that a certificate can be seen that is to be refused.
fn shown<S: io::Read + io::Write + std::fmt::Debug>(
    host: &str,
    tcp: S,
) -> Result<Certificate, String> {
    let mut builder =
        SslConnector::builder(SslMethod::tls_client()).map_err(|error| error.to_string())?;
    builder.set_verify(SslVerifyMode::NONE);
    let tls = builder
        .build()
        .connect(host, tcp)
        .map_err(|error| error.to_string())?;
    let own = tls.ssl().peer_certificate();
    let own = own.ok_or("the server shows no certificate")?;
    let chain = tls.ssl().peer_cert_chain();
    let chain = chain
        .into_iter()
        .flatten()
        .map(|each| common_name(each.subject_name()));
    Ok(Certificate {
        protocol: tls.ssl().version_str(),
        chain: chain.collect(),
        issuer: common_name(own.issuer_name()),
        names: names(&own),
        expires: instant(own.not_after()).ok_or("the certificate's end cannot be read")?,
    })
}

fn common_name(name: &X509NameRef) -> String {
    let kinds = [
        Nid::COMMONNAME,
        Nid::ORGANIZATIONNAME,
        Nid::ORGANIZATIONALUNITNAME,
    ];
    kinds
        .into_iter()
        .find_map(|kind| name.entries_by_nid(kind).next())
        .and_then(|entry| entry.data().to_string().ok())
        .unwrap_or_else(|| "?".into())
}

fn names(certificate: &X509Ref) -> Vec<String> {
    let alternative = certificate.subject_alt_names();
    let names: Vec<String> = alternative
        .iter()
        .flatten()
        .filter_map(|name| name.dnsname().map(str::to_owned))
        .take(20)
        .collect();
    if names.is_empty() {
        return vec![common_name(certificate.subject_name())];
    }
    names
}

fn instant(time: &Asn1TimeRef) -> Option<Timestamp> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    Some(Timestamp(
        i64::from(since.days) * DAY + i64::from(since.secs) * 1000,
    ))
}

/// Of `names` the folder that a person may have meant.
pub fn near_folder(wanted: &str, names: &[String]) -> Option<String> {
    near_name(wanted, names.iter().cloned())
}

/// A mail that holds what was searched for.
#[derive(Debug)]
pub struct Found {
    pub folder: String,
    pub header: Vec<u8>,
}

impl Account {
    /// Logs in, if that is still to be done; answers what the server says it can do.
    pub fn capabilities(&mut self) -> Result<Vec<String>, MailboxError> {
        self.session()?;
        // The crate's Debug is `Atom("UIDPLUS")`, `Auth("PLAIN")`, `Imap4rev1`.
        let named = self.capabilities.iter().map(|shown| {
            let name = shown.split('"').nth(1);
            match name {
                Some(name) if shown.starts_with("AUTH(") => format!("AUTH={name}"),
                Some(name) => name.to_owned(),
                None => shown.clone(),
            }
        });
        let mut named: Vec<String> = named.collect();
        named.sort();
        Ok(named)
    }

    /// The names of all folders that can be opened.
    pub fn folders(&mut self) -> Result<Vec<String>, MailboxError> {
        let place = self.place.clone();
        let names = self
            .session()?
            .list(Some(""), Some("*"))
            .map_err(|error| broken(&place, &error))?;
        let openable = names.iter().filter(|name| {
            // The crate does not export the type of attributes.
            let shown = name.attributes().iter();
            !shown
                .into_iter()
                .any(|one| format!("{one:?}") == "NoSelect")
        });
        Ok(openable
            .map(|name| utf7_imap::decode_utf7_imap(name.name().to_owned()))
            .collect())
    }

    /// How many messages of a folder are there, and how many unseen.
    pub fn counts(&mut self, folder: &str) -> Result<(u32, u32), MailboxError> {
        let place = self.place.clone();
        let name = utf7_imap::encode_utf7_imap(folder.to_owned());
        let status = self
            .session()?
            .status(&name, "(MESSAGES UNSEEN)")
            .map_err(|error| broken(&place, &error))?;
        Ok((status.exists, status.unseen.unwrap_or(0)))
    }

    /// Headers of the newest mails of a folder, not older than `since`, that hold `word` anywhere.
    pub fn find(
        &mut self,
        folder: &str,
        word: &str,
        since: Timestamp,
    ) -> Result<Vec<Found>, MailboxError> {
        let place = self.place.clone();
        let failed = |error: imap::Error| broken(&place, &error);
        let name = utf7_imap::encode_utf7_imap(folder.to_owned());
        let session = self.session()?;
        session.examine(&name).map_err(failed)?;
        let query = format!("SINCE {} TEXT \"{word}\"", since.search_date());
        let mut uids: Vec<u32> = session
            .uid_search(query)
            .map_err(failed)?
            .into_iter()
            .collect();
        uids.sort_unstable();
        let newest = uids.split_off(uids.len().saturating_sub(MOST_FOUND));
        if newest.is_empty() {
            return Ok(Vec::new());
        }
        let answers = session
            .uid_fetch(sequence_set(&newest), "(UID BODY.PEEK[HEADER])")
            .map_err(failed)?;
        let headers = answers.iter().filter_map(|answer| answer.header());
        Ok(headers
            .map(|header| Found {
                folder: folder.to_owned(),
                header: header.to_vec(),
            })
            .collect())
    }
}

/// A word that only one mail should hold.
const MOST_FOUND: usize = 10;
