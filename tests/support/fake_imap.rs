//! A mock: a scripted IMAP server. Only for what no real server can be made to do: bodies that are
//! NIL, lengths that are lies, answers without end. Everything else is tested against Dovecot.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// How a script answers a command.
pub(crate) enum Answer {
    /// As a proper server would.
    Proper,
    /// With these octets; `{tag}` is replaced.
    Raw(Vec<u8>),
    /// These octets again and again, this long apart, until the program hangs up.
    Endless(Vec<u8>, std::time::Duration),
    /// With these octets, and the line is closed.
    Last(Vec<u8>),
}

impl Answer {
    pub(crate) fn raw(text: impl AsRef<[u8]>) -> Self {
        Self::Raw(text.as_ref().to_vec())
    }
}

pub(crate) struct FakeImap {
    pub(crate) port: u16,
    commands: Arc<Mutex<Vec<String>>>,
}

type Script = dyn Fn(&str) -> Answer + Send + Sync;

impl FakeImap {
    /// One folder with these mails (UIDs from 1), all unseen; `script` is asked first, with each
    /// command without its tag.
    pub(crate) fn start(
        mails: Vec<Vec<u8>>,
        script: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let commands = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&commands);
        let (mails, script): (Arc<Vec<Vec<u8>>>, Arc<Script>) = (Arc::new(mails), Arc::new(script));
        // Ends with the test process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let (mails, script) = (Arc::clone(&mails), Arc::clone(&script));
                let noted = Arc::clone(&noted);
                thread::spawn(move || {
                    // The program hanging up is no error of the test's.
                    let _ = converse(client, &mails, script.as_ref(), &noted);
                });
            }
        });
        Self { port, commands }
    }

    /// All commands so far, without tags.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.commands.lock().unwrap().clone()
    }

    pub(crate) fn connection(&self) -> String {
        format!(
            "[connection]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"plain\"\nuser = \"u1\"\n\
             password_env = \"MAIL_PASSWORD\"\n",
            self.port
        )
    }
}

fn converse(
    client: TcpStream,
    mails: &[Vec<u8>],
    script: &Script,
    noted: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut out = client.try_clone()?;
    out.write_all(b"* OK mock ready\r\n")?;
    for line in BufReader::new(client).lines() {
        let line = line?;
        let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
        noted.lock().unwrap().push(command.to_owned());
        match script(command) {
            Answer::Proper => {
                out.write_all(&proper(command, mails))?;
                out.write_all(format!("{tag} OK done\r\n").as_bytes())?;
            }
            Answer::Raw(octets) => {
                let at = memchr::memmem::find(&octets, b"{tag}");
                match at {
                    None => out.write_all(&octets)?,
                    Some(at) => {
                        let (before, after) = (&octets[..at], &octets[at + 5..]);
                        out.write_all(&[before, tag.as_bytes(), after].concat())?;
                    }
                }
            }
            Answer::Endless(octets, pause) => loop {
                out.write_all(&octets)?;
                thread::sleep(pause);
            },
            Answer::Last(octets) => return out.write_all(&octets),
        }
    }
    Ok(())
}

fn proper(command: &str, mails: &[Vec<u8>]) -> Vec<u8> {
    let uids = || 1..=mails.len();
    let text = match command.split(' ').collect::<Vec<_>>().as_slice() {
        ["CAPABILITY"] => "* CAPABILITY IMAP4rev1 UIDPLUS MOVE\r\n".to_owned(),
        ["SELECT" | "EXAMINE", ..] => {
            format!("* {} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n", mails.len())
        }
        ["UID", "SEARCH", ..] => {
            let found: Vec<String> = uids().map(|uid| uid.to_string()).collect();
            format!("* SEARCH {}\r\n", found.join(" "))
        }
        ["UID", "FETCH", set, ..] => {
            let mut answer = Vec::new();
            for uid in uids().filter(|uid| holds(set, *uid)) {
                answer.extend_from_slice(&if command.contains("RFC822.SIZE") {
                    let size = mails[uid - 1].len();
                    format!("* {uid} FETCH (UID {uid} RFC822.SIZE {size})\r\n").into_bytes()
                } else {
                    body(uid, &mails[uid - 1])
                });
            }
            return answer;
        }
        _ => String::new(),
    };
    text.into_bytes()
}

/// The answer that carries a mail.
pub(crate) fn body(uid: usize, mail: &[u8]) -> Vec<u8> {
    let head = format!("* {uid} FETCH (UID {uid} BODY[] {{{}}}\r\n", mail.len());
    [head.as_bytes(), mail, b")\r\n"].concat()
}

/// Whether a set such as `1:3,7` holds a UID.
pub(crate) fn holds(set: &str, uid: usize) -> bool {
    set.split(',').any(|range| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        (first.parse().unwrap()..=last.parse().unwrap()).contains(&uid)
    })
}
