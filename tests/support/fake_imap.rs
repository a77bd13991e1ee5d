//! A mock: a scripted IMAP server. Only for what no real server can be made to do: bodies that are
//! NIL, lengths that are lies, answers without end. Everything else is tested against Dovecot.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
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
    /// Each connection is closed after so many octets of the server.
    cut: Arc<AtomicUsize>,
    /// The longest conversation so far, in octets of the server.
    longest: Arc<AtomicUsize>,
}

/// Counts what is said, and says no more than that.
struct Voice {
    stream: TcpStream,
    said: usize,
    cut: usize,
    longest: Arc<AtomicUsize>,
}

impl io::Write for Voice {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let left = self.cut - self.said;
        if left == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let written = self.stream.write(&octets[..octets.len().min(left)])?;
        self.said += written;
        self.longest.fetch_max(self.said, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        // What the program said and nobody read would reset the connection, and take back what was
        // written.
        let _ = self.stream.shutdown(Shutdown::Write);
        let _ = io::copy(&mut self.stream, &mut io::sink());
    }
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
        let cut = Arc::new(AtomicUsize::new(usize::MAX));
        let longest = Arc::<AtomicUsize>::default();
        let (cutting, measured) = (Arc::clone(&cut), Arc::clone(&longest));
        let (mails, script): (Arc<Vec<Vec<u8>>>, Arc<Script>) = (Arc::new(mails), Arc::new(script));
        // Ends with the test process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let (mails, script) = (Arc::clone(&mails), Arc::clone(&script));
                let noted = Arc::clone(&noted);
                let out = Voice {
                    stream: client.try_clone().unwrap(),
                    said: 0,
                    cut: cutting.load(Ordering::Relaxed),
                    longest: Arc::clone(&measured),
                };
                thread::spawn(move || {
                    // The program hanging up is no error of the test's.
                    let _ = converse((client, out), &mails, script.as_ref(), &noted);
                });
            }
        });
        Self {
            port,
            commands,
            cut,
            longest,
        }
    }

    /// Closes every later connection after so many octets.
    pub(crate) fn cut_after(&self, octets: usize) {
        self.cut.store(octets, Ordering::Relaxed);
    }

    /// The octets of the longest conversation so far.
    pub(crate) fn longest(&self) -> usize {
        self.longest.load(Ordering::Relaxed)
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
    (client, mut out): (TcpStream, Voice),
    mails: &[Vec<u8>],
    script: &Script,
    noted: &Mutex<Vec<String>>,
) -> io::Result<()> {
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
