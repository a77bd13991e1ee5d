//! A selected folder: what is unseen planned, fetched one batch ahead, and acknowledged.

use std::collections::{BTreeMap, VecDeque};

use imap::{Error as ImapError, types::Fetches};

use super::{
    Account, ImapSession,
    after::{SEEN, delete, move_to},
    broken,
    errors::{describe, is_lost},
    sequence_set,
};
use crate::{
    config::After,
    mailbox::{Body, Bounds, Folder, MailboxError, Message},
};

/// What is asked for of a message that is to be read.
const MAILS: &str = "(UID BODY.PEEK[])";

/// How many times in a row a session may break before the folder is given up: enough to isolate one
/// message of a batch of thousands.
const BREAKS: u32 = 14;

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

impl<'a> ImapFolder<'a> {
    /// `folder` is selected: its name, and that in modified UTF-7.
    pub(super) fn new(
        account: &'a mut Account,
        (folder, name): (&str, String),
        read_only: bool,
        uid_validity: u32,
        bounds: Bounds,
    ) -> Self {
        Self {
            account,
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
        }
    }
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
