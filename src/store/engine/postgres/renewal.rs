//! Keeps a lease while its holder lives, over a connection of its own: the other one may be busy
//! for longer than a lease lasts.

use std::{
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use super::{Server, Session};
use crate::store::{OpenOptions, engine::params};

/// So often within the time that a lease lasts.
const TIMES: u32 = 4;

/// Renews until it is dropped.
pub(in crate::store) struct Renewal {
    name: String,
    _stop: Sender<()>,
}

/// A lease as its row names it: name, host, pid, start of the process.
pub(in crate::store) type Held = (String, String, u32, i64);

impl Renewal {
    pub(in crate::store) fn start(server: Server, held: Held, lasting: Duration) -> Self {
        let (stop, stopped) = mpsc::channel();
        let name = held.0.clone();
        thread::spawn(move || {
            let mut session: Option<Session> = None;
            while stopped.recv_timeout(lasting / TIMES) == Err(RecvTimeoutError::Timeout) {
                if session.is_none() {
                    session = Session::connect(server.clone(), &OpenOptions::default()).ok();
                }
                let renewed = session
                    .as_ref()
                    .map(|session| renew(session, &held, lasting));
                // A server that is away for a while is looked for again the next time.
                if renewed != Some(true) {
                    session = None;
                }
            }
        });
        Self { name, _stop: stop }
    }

    pub(in crate::store) fn is_of(&self, name: &str) -> bool {
        self.name == name
    }
}

fn renew(session: &Session, (name, host, pid, started): &Held, lasting: Duration) -> bool {
    let lasting = u64::try_from(lasting.as_millis()).unwrap_or(u64::MAX);
    let renewed = session.execute(
        "UPDATE lease SET expires_at = server_now() + $1
         WHERE name = $2 AND host = $3 AND pid = $4 AND started = $5",
        true,
        params![lasting, name, host, pid, started],
    );
    match renewed {
        Ok(_) => true,
        Err(error) => {
            log::debug!("lease `{name}` is not renewed: {error}");
            false
        }
    }
}
