//! IMAP over the `imap` crate: batches by UID, one connection an account.
//!
//! The crate's parser gives up on some answers that servers really send; the session is unusable
//! then. The way out is always the same: drop it, connect anew, ask for half as much, until the one
//! message that cannot be fetched stands alone and is reported as unreadable.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

use imap::{Error as ImapError, Session, types::Fetches};

use super::{
    Body, Bounds, Folder, MailboxError, Message, near_name,
    stream::Stream,
    tidy::{Ahead, Allowance, Aside, Tidied},
};
use crate::{
    config::{After, Connection},
    time::Timestamp,
};

pub(super) type ImapSession = Session<Tidied<Stream>>;

/// Octets that an answer without mails may have, beside what it says of each message.
const ANSWER: u64 = 4 << 20;
/// Octets that SEARCH and FETCH of sizes need for a message.
const PER_MESSAGE: u64 = 80;
/// However many messages a folder is said to hold.
const LONGEST_ANSWER: u64 = 512 << 20;

/// What is asked for of a message that is to be read, and what is set on one that was.
const MAILS: &str = "(UID BODY.PEEK[])";
const SEEN: &str = "+FLAGS.SILENT (\\Seen)";

/// How many times in a row a session may break before the folder is given up: enough to isolate one
/// message of a batch of thousands.
const BREAKS: u32 = 14;

/// A log-in at a server. Sessions are made when needed and kept for the next folder.
pub struct Account {
    pub(super) connection: Connection,
    pub(super) place: String,
    /// For the lasting of tokens.
    pub(super) now: Timestamp,
    pub(super) deadline: Instant,
    session: Option<ImapSession>,
    pub(super) capabilities: Vec<String>,
    pub(super) allowance: Allowance,
    pub(super) aside: Aside,
    pub(super) ahead: Ahead,
    /// Octets that the answer to the command sent ahead may have.
    along_octets: u64,
    /// Messages in the selected folder.
    exists: u64,
}

impl Account {
    /// Nothing is connected yet. The total time limit starts here.
    pub fn new(connection: &Connection, now: Timestamp) -> Self {
        Self {
            now,
            place: format!("{}:{}", connection.host, connection.port),
            deadline: Instant::now() + connection.total_timeout,
            connection: connection.clone(),
            session: None,
            capabilities: Vec::new(),
            allowance: Allowance::default(),
            aside: Aside::default(),
            ahead: Ahead::default(),
            along_octets: 0,
            exists: 0,
        }
    }

    /// Opens a folder. `read_only` uses EXAMINE.
    pub fn open(
        &mut self,
        folder: &str,
        bounds: Bounds,
        read_only: bool,
    ) -> Result<ImapFolder<'_>, MailboxError> {
        let name = utf7_imap::encode_utf7_imap(folder.to_owned());
        let uid_validity = self.select(folder, &name, read_only)?;
        Ok(ImapFolder {
            account: self,
            folder: folder.to_owned(),
            name,
            read_only,
            uid_validity,
            bounds,
            to_size: VecDeque::new(),
            to_fetch: VecDeque::new(),
            asked: false,
            arrived: VecDeque::new(),
            early: Vec::new(),
            bodiless: Vec::new(),
            doubted: None,
            lost: Vec::new(),
            came_through: false,
            breaks: 0,
        })
    }

    /// Ends the session politely; a server that went away is no error any more.
    pub fn close(&mut self) {
        if let Some(mut session) = self.session.take() {
            let _ = session.logout();
        }
    }

    pub(super) fn session(&mut self) -> Result<&mut ImapSession, MailboxError> {
        self.allow_answer();
        if self.session.is_none() {
            let mut session = self.log_in()?;
            self.capabilities = match session.capabilities() {
                Ok(capabilities) => capabilities
                    .iter()
                    .map(|capability| format!("{capability:?}").to_ascii_uppercase())
                    .collect(),
                Err(ImapError::No(_) | ImapError::Bad(_)) => Vec::new(),
                Err(error) => return Err(broken(&self.place, &error)),
            };
            self.session = Some(session);
        }
        self.session.as_mut().ok_or_else(|| MailboxError::Broken {
            place: self.place.clone(),
            cause: "no session".into(),
        })
    }

    /// Lets the server answer a command that brings no mails.
    fn allow_answer(&self) {
        let most = ANSWER + PER_MESSAGE * self.exists + self.along_octets;
        self.allowance.set(most.min(LONGEST_ANSWER));
    }

    fn has(&self, capability: &str) -> bool {
        let quoted = format!("\"{capability}\"");
        self.capabilities
            .iter()
            .any(|known| known.contains(&quoted))
    }

    /// Selects the folder; answers its UIDVALIDITY.
    fn select(&mut self, folder: &str, name: &str, read_only: bool) -> Result<u32, MailboxError> {
        let place = self.place.clone();
        let kept = self.session.is_some();
        let session = self.session()?;
        let selected = if read_only {
            session.examine(name)
        } else {
            session.select(name)
        };
        match selected {
            // RFC 9051 wants UIDVALIDITY; a server without one keeps its UIDs for good.
            Ok(mailbox) => {
                self.exists = u64::from(mailbox.exists);
                Ok(mailbox.uid_validity.unwrap_or(1))
            }
            Err(ImapError::No(no)) => {
                let near = session.list(Some(""), Some("*")).ok().and_then(|names| {
                    let decode = |name: &str| utf7_imap::decode_utf7_imap(name.to_owned());
                    near_name(folder, names.iter().map(|name| decode(name.name())))
                });
                Err(MailboxError::NoFolder {
                    place,
                    folder: folder.to_owned(),
                    cause: short(&no.information),
                    near,
                })
            }
            // The last folder may have taken longer than the server waits.
            Err(_) if kept => {
                self.session = None;
                self.select(folder, name, read_only)
            }
            Err(error) => {
                self.session = None;
                Err(broken(&place, &error))
            }
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.close();
    }
}

pub(super) fn broken(place: &str, error: &ImapError) -> MailboxError {
    MailboxError::Broken {
        place: place.to_owned(),
        cause: describe(error),
    }
}

/// The crate's errors in words; its own Display shows whole answers, which may be megabytes.
fn describe(error: &ImapError) -> String {
    match error {
        ImapError::ConnectionLost => "the server closed the connection".into(),
        ImapError::Io(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the server closed the connection".into()
        }
        ImapError::Io(cause) => cause.to_string(),
        // The crate says so of a line it cannot parse.
        ImapError::Bye(bye) if bye.information == "no explanation given" => {
            "an answer of the server could not be read".into()
        }
        ImapError::Bye(bye) => format!("the server said goodbye: {}", short(&bye.information)),
        ImapError::No(no) => format!("the server refused: {}", short(&no.information)),
        ImapError::Bad(bad) => {
            format!("the server did not understand: {}", short(&bad.information))
        }
        ImapError::Parse(_) => "an answer of the server could not be read".into(),
        other => short(&other.to_string()),
    }
}

/// Whether the line ended, rather than that something came over it that cannot be read.
fn is_lost(error: &ImapError) -> bool {
    use std::io::ErrorKind;
    match error {
        ImapError::ConnectionLost => true,
        ImapError::Io(cause) => matches!(
            cause.kind(),
            ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
        ),
        _ => false,
    }
}

/// A server's words may be megabytes.
pub(super) fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

/// A selected folder of an account.
pub struct ImapFolder<'a> {
    account: &'a mut Account,
    folder: String,
    name: String,
    read_only: bool,
    uid_validity: u32,
    bounds: Bounds,
    /// Messages whose sizes are not known yet.
    to_size: VecDeque<u32>,
    /// Batches cut by count and octets, and messages over the size limit.
    to_fetch: VecDeque<Planned>,
    /// The first of `to_fetch` was asked for already; its answer is the next to come.
    asked: bool,
    /// Batches whose answer came before that to something more urgent.
    arrived: VecDeque<Vec<Message>>,
    /// Mails of which nobody knows yet which batch they are of; `None` came without a body.
    early: Vec<(u32, Option<Body>)>,
    /// Messages that came without a body.
    bodiless: Vec<u32>,
    /// A single message that broke a session and is tried once more: it may have been the network.
    doubted: Option<u32>,
    /// Messages at which the line was lost, twice each: told once another one came through, since else
    /// it is the line or the server, and no message's fault.
    lost: Vec<Message>,
    came_through: bool,
    breaks: u32,
}

/// Octets of an answer whose mails are said to have so many.
const fn at_most(bytes: u64) -> u64 {
    2 * bytes + (1 << 20)
}

/// What is sent along with a command.
enum Along {
    Nothing,
    /// The batch that is to be fetched next, where nothing stands against it.
    NextBatch,
    Command(String),
}

enum Planned {
    /// UIDs, and the octets the server says they have.
    Batch(Vec<u32>, u64),
    TooLarge(u32, u64),
}

impl ImapFolder<'_> {
    /// Sizes are asked for many messages at once: a round trip for thousands.
    fn plan(&mut self) -> Result<(), MailboxError> {
        let count = (self.bounds.batch_messages * 10).min(self.to_size.len());
        let uids: Vec<u32> = self.to_size.drain(..count).collect();
        let set = sequence_set(&uids);
        let sizes = self.retrying(|session| {
            let answers = session.uid_fetch(&set, "(UID RFC822.SIZE)")?;
            Ok(answers
                .iter()
                .filter_map(|answer| Some((answer.uid?, u64::from(answer.size.unwrap_or(0)))))
                .collect::<BTreeMap<u32, u64>>())
        })?;
        let mut batch = Vec::new();
        let mut bytes = 0;
        // What has no size vanished; what was not asked for is unsolicited.
        for (uid, size) in uids.iter().filter_map(|uid| Some((*uid, *sizes.get(uid)?))) {
            if size > self.bounds.message_size {
                self.to_fetch.push_back(Planned::TooLarge(uid, size));
                continue;
            }
            let full =
                batch.len() >= self.bounds.batch_messages || bytes + size > self.bounds.batch_bytes;
            if full && !batch.is_empty() {
                let cut = Planned::Batch(std::mem::take(&mut batch), bytes);
                self.to_fetch.push_back(cut);
                bytes = 0;
            }
            batch.push(uid);
            bytes += size;
        }
        if !batch.is_empty() {
            self.to_fetch.push_back(Planned::Batch(batch, bytes));
        }
        Ok(())
    }

    /// What goes out with the command that follows now, so that the server need not wait for it.
    fn send_along(&mut self, along: Along) {
        self.asked = false;
        self.account.along_octets = 0;
        let command = match (along, self.to_fetch.front()) {
            (Along::Command(command), _) => Some(command),
            (Along::NextBatch, Some(Planned::Batch(uids, bytes))) if self.bodiless.is_empty() => {
                self.asked = true;
                self.account.along_octets = at_most(*bytes);
                Some(format!("UID FETCH {} {MAILS}", sequence_set(uids)))
            }
            _ => None,
        };
        self.account.ahead.announce(command);
    }

    /// Fetches the first planned batch. `None`: it is planned anew in smaller pieces.
    fn take_batch(&mut self, along: Along) -> Result<Option<Vec<Message>>, MailboxError> {
        let Some(Planned::Batch(mut uids, bytes)) = self.to_fetch.pop_front() else {
            return Ok(None);
        };
        self.send_along(along);
        self.account.aside.open(true);
        match self.fetch(&uids, bytes) {
            Ok(mut messages) => {
                self.breaks = 0;
                self.came_through = true;
                messages.append(&mut self.lost);
                Ok(Some(messages))
            }
            Err(error) => {
                let single = uids.len() == 1;
                let refused = matches!(error, ImapError::No(_) | ImapError::Bad(_));
                // What was sent along would be answered next.
                if !refused || self.asked {
                    self.again(&error)?;
                }
                let second = uids.split_off(uids.len().div_ceil(2));
                for half in [second, uids.clone()] {
                    if !half.is_empty() && !single {
                        self.to_fetch.push_front(Planned::Batch(half, bytes));
                    }
                }
                if single && !refused && self.doubted != Some(uids[0]) {
                    self.doubted = Some(uids[0]);
                    self.to_fetch.push_front(Planned::Batch(uids, bytes));
                } else if single {
                    let body = Body::Unreadable(describe(&error));
                    let message = Message { uid: uids[0], body };
                    if !is_lost(&error) {
                        return Ok(Some(vec![message]));
                    }
                    self.lost.push(message);
                }
                Ok(None)
            }
        }
    }

    /// Some servers' sizes are estimates: twice as much may come, but not without end.
    fn fetch(&mut self, uids: &[u32], bytes: u64) -> Result<Vec<Message>, ImapError> {
        let most = at_most(bytes) + self.account.along_octets;
        self.account.allowance.set(most);
        let session = self.account.session.as_mut();
        let session = session.ok_or(ImapError::ConnectionLost)?;
        let answers = session.uid_fetch(sequence_set(uids), MAILS)?;
        self.gather(&answers);
        let asked = match self.to_fetch.front() {
            Some(Planned::Batch(uids, _)) if self.asked => uids.as_slice(),
            _ => &[],
        };
        // A mail may have come twice, and flags that somebody else sets meanwhile have an answer of
        // their own.
        let mut mine: BTreeMap<u32, Option<Body>> = BTreeMap::new();
        for (uid, body) in std::mem::take(&mut self.early) {
            if uids.binary_search(&uid).is_ok() {
                let known = mine.entry(uid).or_default();
                *known = known.take().or(body);
            } else if asked.binary_search(&uid).is_ok() {
                self.early.push((uid, body));
            }
        }
        let mut messages = Vec::with_capacity(mine.len());
        for (uid, body) in mine {
            match body {
                Some(body) => messages.push(Message { uid, body }),
                None => self.bodiless.push(uid),
            }
        }
        Ok(messages)
    }

    /// Takes the mails out of answers. A server may work on two commands at once (RFC 9051, 5.5), so
    /// there may be some of the batch behind.
    fn gather(&mut self, answers: &Fetches) {
        for answer in answers.iter() {
            let Some(uid) = answer.uid else {
                continue;
            };
            let body = answer.body().map(|body| {
                let body = self.account.aside.resolve(body);
                let size = body.len() as u64;
                if size > self.bounds.message_size {
                    Body::TooLarge(size)
                } else {
                    Body::Whole(body)
                }
            });
            self.early.push((uid, body));
        }
    }

    /// A message that has a size but no body (NIL) cannot be read; one that has none any more
    /// vanished while it was fetched.
    fn without_body(&mut self) -> Result<Vec<Message>, MailboxError> {
        let mut uids = std::mem::take(&mut self.bodiless);
        uids.sort_unstable();
        let set = sequence_set(&uids);
        let present = self.retrying(|session| {
            // Lets the server say what was expunged.
            session.noop()?;
            session.uid_fetch(&set, "(UID RFC822.SIZE)")
        })?;
        let present = present
            .iter()
            .filter_map(|answer| Some((answer.uid?, answer.size)));
        Ok(present
            .filter(|(uid, _)| uids.binary_search(uid).is_ok())
            .map(|(uid, size)| Message {
                uid,
                body: if size == Some(0) {
                    Body::Whole(Vec::new())
                } else {
                    Body::Unreadable("the server gives no body".into())
                },
            })
            .collect())
    }

    /// Sets `\Seen`. What was asked for before is answered before.
    fn flag_seen(&mut self, set: &str) -> Result<(), MailboxError> {
        if self.asked {
            let store = Along::Command(format!("UID STORE {set} {SEEN}"));
            let arrived = self.take_batch(store)?;
            self.arrived.extend(arrived);
        }
        self.send_along(Along::NextBatch);
        let answers = self.retrying(|session| session.uid_store(set, SEEN))?;
        self.gather(&answers);
        Ok(())
    }

    /// Takes the answer that is still to come, so that any command may follow.
    fn come_to_rest(&mut self) -> Result<(), MailboxError> {
        if self.asked {
            let arrived = self.take_batch(Along::Nothing)?;
            self.arrived.extend(arrived);
        }
        Ok(())
    }

    /// Runs a command; when the session breaks, once more over a new one.
    fn retrying<T>(
        &mut self,
        command: impl Fn(&mut ImapSession) -> Result<T, ImapError>,
    ) -> Result<T, MailboxError> {
        let place = self.account.place.clone();
        self.account.aside.open(self.asked);
        match command(self.account.session()?) {
            Ok(answer) => Ok(answer),
            Err(error @ (ImapError::No(_) | ImapError::Bad(_))) => Err(broken(&place, &error)),
            Err(error) => {
                self.again(&error)?;
                command(self.account.session()?).map_err(|error| broken(&place, &error))
            }
        }
    }

    /// A new session in the same folder; refused when it is not the same folder any more.
    fn again(&mut self, cause: &ImapError) -> Result<(), MailboxError> {
        self.account.session = None;
        self.send_along(Along::Nothing);
        self.early.clear();
        self.account.aside.open(false);
        self.breaks += 1;
        log::info!(
            "{}, folder `{}`: {}; connecting anew",
            self.account.place,
            self.folder,
            describe(cause)
        );
        let first = broken(&self.account.place, cause);
        if self.breaks > BREAKS {
            return Err(first);
        }
        let (folder, name) = (self.folder.clone(), self.name.clone());
        let validity = self
            .account
            .select(&folder, &name, self.read_only)
            // What first went wrong says more than that the server is gone.
            .map_err(|_| first)?;
        if validity != self.uid_validity {
            return Err(MailboxError::Broken {
                place: self.account.place.clone(),
                cause: format!("the folder `{folder}` was made anew meanwhile"),
            });
        }
        Ok(())
    }
}

impl Folder for ImapFolder<'_> {
    fn uid_validity(&self) -> u32 {
        self.uid_validity
    }

    fn search(&mut self, limit: Option<usize>) -> Result<usize, MailboxError> {
        let found = self.retrying(|session| session.uid_search("UNSEEN UNDELETED"))?;
        let mut uids: Vec<u32> = found.into_iter().collect();
        uids.sort_unstable();
        uids.truncate(limit.unwrap_or(usize::MAX));
        self.to_size = uids.into();
        Ok(self.to_size.len())
    }

    fn next_batch(&mut self) -> Result<Option<Vec<Message>>, MailboxError> {
        loop {
            if let Some(arrived) = self.arrived.pop_front() {
                return Ok(Some(arrived));
            }
            if !self.bodiless.is_empty() {
                self.come_to_rest()?;
                let messages = self.without_body()?;
                self.arrived.push_back(messages);
                continue;
            }
            if self.to_fetch.is_empty() && !self.to_size.is_empty() {
                self.plan()?;
            }
            match self.to_fetch.front() {
                Some(Planned::Batch(..)) => {
                    if let Some(messages) = self.take_batch(Along::NextBatch)? {
                        return Ok(Some(messages));
                    }
                }
                Some(&Planned::TooLarge(uid, size)) => {
                    self.to_fetch.pop_front();
                    let body = Body::TooLarge(size);
                    return Ok(Some(vec![Message { uid, body }]));
                }
                None if !self.to_size.is_empty() => {}
                None if self.lost.is_empty() => return Ok(None),
                None if self.came_through => return Ok(Some(std::mem::take(&mut self.lost))),
                None => return Err(broken(&self.account.place, &ImapError::ConnectionLost)),
            }
        }
    }

    fn acknowledge(&mut self, uids: &[u32], after: &After) -> Result<(), MailboxError> {
        if self.read_only {
            return Ok(());
        }
        let has_uidplus = self.account.has("UIDPLUS");
        let has_move = self.account.has("MOVE");
        for uids in uids.chunks(1000) {
            let set = sequence_set(uids);
            match after {
                After::Keep => {}
                After::Seen => self.flag_seen(&set)?,
                After::Delete => {
                    self.come_to_rest()?;
                    self.retrying(|session| delete(session, &set, has_uidplus))?;
                }
                After::Move(folder) => {
                    self.come_to_rest()?;
                    let target = utf7_imap::encode_utf7_imap(folder.clone());
                    self.retrying(|session| {
                        match move_to(session, &set, &target, has_move, has_uidplus) {
                            // RFC 9051, 6.4.7: the target is wanted and not there.
                            Err(ImapError::No(_)) => {
                                session.create(&target)?;
                                move_to(session, &set, &target, has_move, has_uidplus)
                            }
                            done => done,
                        }
                    })?;
                }
            }
        }
        Ok(())
    }
}

/// Without UIDPLUS (RFC 4315) other people's `\Deleted` messages would go too, so ours only get the flag.
fn delete(session: &mut ImapSession, set: &str, has_uidplus: bool) -> Result<(), ImapError> {
    session.uid_store(set, "+FLAGS.SILENT (\\Seen \\Deleted)")?;
    if has_uidplus {
        session.uid_expunge(set)?;
    }
    Ok(())
}

fn move_to(
    session: &mut ImapSession,
    set: &str,
    target: &str,
    has_move: bool,
    has_uidplus: bool,
) -> Result<(), ImapError> {
    session.uid_store(set, SEEN)?;
    if has_move {
        return session.uid_mv(set, target);
    }
    session.uid_copy(set, target)?;
    delete(session, set, has_uidplus)
}

/// `1:5,7` of ascending UIDs.
pub(super) fn sequence_set(uids: &[u32]) -> String {
    let mut set = String::new();
    for run in uids.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        if !set.is_empty() {
            set.push(',');
        }
        match run {
            [first, .., last] => set.push_str(&format!("{first}:{last}")),
            [only] => set.push_str(&only.to_string()),
            [] => {}
        }
    }
    set
}

#[cfg(test)]
mod tests {
    use super::sequence_set;

    #[test]
    fn runs_of_uids_become_ranges() {
        assert_eq!(sequence_set(&[1, 2, 3, 5, 8, 9]), "1:3,5,8:9");
        assert_eq!(sequence_set(&[u32::MAX]), u32::MAX.to_string());
    }
}
