//! The yardstick: one `UID FETCH 1:* BODY.PEEK[]` read from a socket and thrown away, in a process of
//! its own.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::Command,
};

use native_tls::{Certificate, TlsConnector};

use crate::{
    dovecot::{Dovecot, PASSWORD, USER},
    within,
};

pub(crate) fn command(dovecot: &Dovecot, security: &str, folder: &str) -> Command {
    let mut command = within::command("bare-read");
    command.arg(folder);
    if security == "tls" {
        command.arg(dovecot.tls_port.to_string()).arg(dovecot.ca());
    } else {
        command.arg(dovecot.port.to_string());
    }
    command
}

/// Arguments: folder, port, and for TLS the authority's certificate.
pub(crate) fn read(args: &[String]) {
    let tcp = TcpStream::connect(("127.0.0.1", args[1].parse().unwrap())).unwrap();
    tcp.set_nodelay(true).unwrap();
    if let Some(authority) = args.get(2) {
        let authority = Certificate::from_pem(&fs::read(authority).unwrap()).unwrap();
        let connector = TlsConnector::builder()
            .add_root_certificate(authority)
            .build()
            .unwrap();
        converse(connector.connect("localhost", tcp).unwrap(), &args[0]);
    } else {
        converse(tcp, &args[0]);
    }
}

fn converse(mut stream: impl Read + Write, folder: &str) {
    await_line(&mut stream, "* OK");
    let login = format!("LOGIN {USER} {PASSWORD}");
    let select = format!("SELECT {folder}");
    for (tag, command) in [
        ("b1", &*login),
        ("b2", &*select),
        ("b3", "UID FETCH 1:* BODY.PEEK[]"),
    ] {
        stream
            .write_all(format!("{tag} {command}\r\n").as_bytes())
            .unwrap();
        await_line(&mut stream, &format!("{tag} OK"));
    }
}

/// Reads until a line starts so.
fn await_line(stream: &mut impl Read, start: &str) {
    let wanted = format!("\n{start}");
    let mut buffer = vec![0; 64 * 1024];
    // The end of what was read before; the very first line has no line before it.
    let mut tail = b"\n".to_vec();
    loop {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "the server closed the connection");
        let last = &buffer[read.saturating_sub(512)..read];
        tail.extend_from_slice(last);
        if memchr::memmem::find(&tail, wanted.as_bytes()).is_some() && tail.ends_with(b"\r\n") {
            return;
        }
        tail.drain(..tail.len().saturating_sub(512));
    }
}
