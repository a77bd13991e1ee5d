//! The protected byte stream to an IMAP server, with limits on every wait.
//!
//! Read timeouts alone are defeated by a server that drips a byte at a time, so every read also
//! looks at the deadline of the whole connection.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs as _},
    time::{Duration, Instant},
};

use native_tls::{Certificate, HandshakeError, TlsConnector, TlsStream};

use super::MailboxError;
use crate::config::{Connection, Security};

/// A TCP stream that ends at a deadline.
#[derive(Debug)]
pub(super) struct Deadlined {
    stream: TcpStream,
    silence: Duration,
    deadline: Instant,
}

impl Deadlined {
    /// Gives the socket the shorter of the allowed silence and what is left.
    fn limit(&mut self) -> io::Result<()> {
        let left = self.left()?;
        if left < self.silence {
            self.silence = left;
            self.stream.set_read_timeout(Some(left))?;
            self.stream.set_write_timeout(Some(left))?;
        }
        Ok(())
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the total time limit (total_timeout) is over",
            ));
        }
        Ok(left)
    }

    /// Says which of the two limits a timeout was.
    fn explain(&self, error: io::Error) -> io::Error {
        if error.kind() != io::ErrorKind::WouldBlock {
            return error;
        }
        self.left().err().unwrap_or_else(|| {
            io::Error::new(
                io::ErrorKind::TimedOut,
                "the server was silent too long (read_timeout)",
            )
        })
    }
}

impl Read for Deadlined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.limit()?;
        self.stream
            .read(buffer)
            .map_err(|error| self.explain(error))
    }
}

impl Write for Deadlined {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.limit()?;
        self.stream
            .write(buffer)
            .map_err(|error| self.explain(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// What IMAP is spoken over.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(Deadlined),
    Tls(Box<TlsStream<Deadlined>>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(buffer),
            Self::Tls(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// Connects and protects; the answer says whether the greeting was read already.
pub(super) fn connect(
    connection: &Connection,
    place: &str,
    deadline: Instant,
) -> Result<(Stream, bool), MailboxError> {
    let tcp = dial(connection, place, deadline)?;
    match connection.security {
        Security::Plain => {
            let local = tcp
                .stream
                .peer_addr()
                .is_ok_and(|peer| peer.ip().is_loopback());
            if !local && !connection.allow_plain {
                return Err(MailboxError::Refused {
                    place: place.to_owned(),
                    cause: "`security = \"plain\"` would send the password unprotected".into(),
                    hint: "use security = \"tls\" or \"starttls\"; allow_plain = true is for \
                           networks you trust",
                });
            }
            Ok((Stream::Plain(tcp), false))
        }
        Security::Tls => Ok((protect(connection, place, tcp)?, false)),
        Security::StartTls => {
            let tcp = start_tls(tcp, place)?;
            Ok((protect(connection, place, tcp)?, true))
        }
    }
}

pub(super) fn dial(
    connection: &Connection,
    place: &str,
    deadline: Instant,
) -> Result<Deadlined, MailboxError> {
    let failed = |cause| MailboxError::Connect {
        place: place.to_owned(),
        cause,
    };
    let addresses = (connection.host.as_str(), connection.port)
        .to_socket_addrs()
        .map_err(failed)?;
    let mut last = io::Error::other("the name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, connection.connect_timeout) {
            Ok(stream) => {
                let silence = connection.read_timeout.max(Duration::from_millis(1));
                let set = stream
                    .set_nodelay(true)
                    .and_then(|()| stream.set_read_timeout(Some(silence)))
                    .and_then(|()| stream.set_write_timeout(Some(silence)));
                set.map_err(failed)?;
                return Ok(Deadlined {
                    stream,
                    silence,
                    deadline,
                });
            }
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// Speaks up to `STARTTLS` (RFC 9051, 6.2.1), octet by octet: whatever a stranger on the line put
/// behind the answer is not taken for the server's.
pub(super) fn start_tls(mut tcp: Deadlined, place: &str) -> Result<Deadlined, MailboxError> {
    let broken = |cause: io::Error| MailboxError::Broken {
        place: place.to_owned(),
        cause: cause.to_string(),
    };
    let greeting = line(&mut tcp).map_err(broken)?;
    check_greeting(greeting.as_bytes(), place)?;
    tcp.write_all(b"s1 STARTTLS\r\n").map_err(broken)?;
    let mut answer = line(&mut tcp).map_err(broken)?;
    while answer.starts_with('*') {
        answer = line(&mut tcp).map_err(broken)?;
    }
    if answer.to_ascii_uppercase().starts_with("S1 OK") {
        return Ok(tcp);
    }
    Err(MailboxError::Refused {
        place: place.to_owned(),
        cause: format!("the server does not start TLS: `{}`", answer.trim_end()),
        hint: "use security = \"tls\" (port 993) if the server has it",
    })
}

/// The first line of a server (RFC 9051, 7.1).
pub(super) fn check_greeting(greeting: &[u8], place: &str) -> Result<(), MailboxError> {
    let start: Vec<u8> = greeting
        .iter()
        .take(9)
        .map(u8::to_ascii_uppercase)
        .collect();
    if start.starts_with(b"* OK") || start.starts_with(b"* PREAUTH") {
        return Ok(());
    }
    let words: String = String::from_utf8_lossy(greeting)
        .trim_end()
        .chars()
        .take(200)
        .collect();
    Err(if start.starts_with(b"* BYE") {
        MailboxError::Broken {
            place: place.to_owned(),
            cause: format!("the server turns us away: `{words}`"),
        }
    } else {
        MailboxError::Refused {
            place: place.to_owned(),
            cause: format!("this is no IMAP server: it greets with `{words}`"),
            hint: "check `host` and `port`: IMAP is 993 with security = \"tls\", 143 with \
                   \"starttls\"",
        }
    })
}

fn line(tcp: &mut Deadlined) -> io::Result<String> {
    let mut line = Vec::new();
    let mut octet = [0];
    while line.len() < 8192 {
        tcp.read_exact(&mut octet)?;
        line.push(octet[0]);
        if octet[0] == b'\n' {
            return Ok(String::from_utf8_lossy(&line).into_owned());
        }
    }
    Err(io::Error::other("the server's first line does not end"))
}

fn protect(connection: &Connection, place: &str, tcp: Deadlined) -> Result<Stream, MailboxError> {
    let failed = |cause: String| MailboxError::Tls {
        place: place.to_owned(),
        hint: explain(&cause),
        cause,
    };
    let mut builder = TlsConnector::builder();
    if let Some(path) = &connection.ca_file {
        let pem = std::fs::read(path).map_err(|cause| MailboxError::File {
            path: path.display().to_string(),
            cause,
        })?;
        for certificate in certificates(&pem) {
            let certificate = Certificate::from_pem(certificate)
                .map_err(|cause| failed(format!("`{}`: {cause}", path.display())))?;
            builder.add_root_certificate(certificate);
        }
    }
    let connector = builder.build().map_err(|error| failed(error.to_string()))?;
    match connector.connect(&connection.host, tcp) {
        Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
        Err(HandshakeError::Failure(error)) => Err(failed(error.to_string())),
        Err(HandshakeError::WouldBlock(_)) => Err(failed("the handshake did not end".into())),
    }
}

/// The certificates of a PEM bundle, one by one.
fn certificates(pem: &[u8]) -> impl Iterator<Item = &[u8]> {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    let starts: Vec<usize> = memchr::memmem::find_iter(pem, BEGIN).collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([pem.len()]).collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|(start, end)| &pem[start..end])
}

/// What a failed verification means, by the words of the TLS library.
fn explain(cause: &str) -> &'static str {
    const WORDS: &[(&str, &str)] = &[
        (
            "expired",
            "the server's certificate is out of date: its admin must renew it; also check this \
             machine's clock",
        ),
        ("not yet valid", "check this machine's clock"),
        (
            "ostname mismatch",
            "the certificate is for another name: use the name it was made for as `host`",
        ),
        (
            "IP address mismatch",
            "the certificate is for another name: use the name it was made for as `host`",
        ),
        (
            "self-signed",
            "name the certificate (or its authority's) with ca_file if the server is yours",
        ),
        (
            "self signed",
            "name the certificate (or its authority's) with ca_file if the server is yours",
        ),
        (
            "local issuer",
            "the authority is unknown here: name its certificate with ca_file, or install \
             ca-certificates",
        ),
        (
            "wrong version number",
            "the server does not speak TLS on this port: try security = \"starttls\" or another port",
        ),
    ];
    WORDS
        .iter()
        .find(|(word, _)| cause.contains(word))
        .map_or("check `host`, `port` and `security`", |(_, hint)| hint)
}
