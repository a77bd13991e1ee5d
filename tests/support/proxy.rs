//! A TCP proxy between the program and a real IMAP server, for the accidents of networks: it can
//! look at each command, hold one back for good, and cut the line after so many octets of answers.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

pub(crate) struct Proxy {
    pub(crate) port: u16,
}

/// What becomes of a command of the program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    Forward,
    /// Never reaches the server; the line stays open and silent.
    Swallow,
    /// The line is closed instead.
    Close,
}

type Watch = dyn Fn(&str) -> Passage + Send + Sync;

impl Proxy {
    /// `watch` is shown every command before it is forwarded.
    pub(crate) fn watching(
        target: u16,
        watch: impl Fn(&str) -> Passage + Send + Sync + 'static,
    ) -> Self {
        Self::start(target, usize::MAX, usize::MAX, Arc::new(watch))
    }

    /// Closes each of the first `lines` connections after so many octets from the server.
    pub(crate) fn cutting(target: u16, octets: usize, lines: usize) -> Self {
        Self::start(target, octets, lines, Arc::new(|_: &str| Passage::Forward))
    }

    fn start(target: u16, octets: usize, lines: usize, watch: Arc<Watch>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // Ends with the test process; its lines end with their sockets.
        thread::spawn(move || {
            for (number, client) in listener.incoming().enumerate() {
                let Ok(client) = client else { return };
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else {
                    continue;
                };
                let octets = if number < lines { octets } else { usize::MAX };
                forward(client, server, octets, Arc::clone(&watch));
            }
        });
        Self { port }
    }
}

fn forward(client: TcpStream, server: TcpStream, octets: usize, watch: Arc<Watch>) {
    let commands = BufReader::new(client.try_clone().unwrap());
    let mut to_server = server.try_clone().unwrap();
    thread::spawn(move || {
        for line in commands.split(b'\n') {
            let Ok(line) = line else { break };
            let text = String::from_utf8_lossy(&line).into_owned();
            match watch(&text) {
                Passage::Swallow => {}
                Passage::Close => break,
                Passage::Forward => {
                    let whole = [line.as_slice(), b"\n"].concat();
                    if to_server.write_all(&whole).is_err() {
                        break;
                    }
                }
            }
        }
        let _ = to_server.shutdown(Shutdown::Both);
    });
    thread::spawn(move || {
        let mut to_client = client;
        // An error is the end of the line, which is what is tested.
        let _ = std::io::copy(&mut server.take(octets as u64), &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
}
