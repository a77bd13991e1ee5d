//! One folder's mail, from the server to the store and back: fetched and acknowledged on one
//! thread, recognised on another, committed on the third. A message is acknowledged only after its
//! outcome is committed; what was committed but not acknowledged stands in the store as pending.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
};

use sha2::{Digest, Sha256};

use crate::{
    attempt::{Attempts, Kind, Refused},
    classify::Rules,
    config::{After, AfterKeys, Keep, Monitor},
    event::{self, DeliveryEvent, EventKey, EventKind},
    ingest::{self, Accounting, Item, Occasion, Outcome, Settings, Unread},
    mailbox::{Body, Folder, MailboxError, Message},
    message::{self, Format, Options},
    store::{FolderId, Store, StoreError},
};

/// How mails are read: what is recognised, what is acted on, what is archived.
pub struct Recognition<'a> {
    /// What the events name as their source: the mailbox.
    pub source: &'a str,
    pub rules: &'a Rules,
    pub options: Options,
    /// What the folder is monitored for; anything else is recorded, not acted on.
    pub monitors: &'a [Monitor],
    /// Which mails are archived as they came.
    pub keep: Keep,
    /// Notes which mail is being read, and tries apart what ended a run.
    pub attempts: Option<&'a Attempts>,
}

/// One folder to be worked through.
pub struct Job<'a> {
    pub mailbox: &'a str,
    pub folder: &'a str,
    pub recognition: Recognition<'a>,
    pub settings: &'a Settings,
    pub after: &'a AfterKeys,
    pub limit: Option<usize>,
    pub dry_run: bool,
    pub run: i64,
    pub now: crate::time::Timestamp,
}

/// Why a folder was not finished. What was committed before stays.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no thread could be started: {0}")]
    Thread(#[from] std::io::Error),
}

enum Progress<T> {
    /// How many messages there are to fetch.
    Found(usize),
    Batch(Vec<T>),
    Acknowledged(Vec<u32>),
    /// No more batches; acknowledgements may still come.
    Fetched,
    Failed(MailboxError),
}

impl<T> Progress<T> {
    fn map<U>(self, batch: impl FnOnce(Vec<T>) -> Vec<U>) -> Progress<U> {
        match self {
            Self::Found(count) => Progress::Found(count),
            Self::Batch(messages) => Progress::Batch(batch(messages)),
            Self::Acknowledged(uids) => Progress::Acknowledged(uids),
            Self::Fetched => Progress::Fetched,
            Self::Failed(error) => Progress::Failed(error),
        }
    }
}

type Acknowledgement = (Vec<u32>, After);

/// Batches that may wait between two of the threads: so many that none stands still because another
/// is slow once.
const WAITING: usize = 3;

/// Works through the unseen mail of an opened folder, and through what an earlier run left to be
/// acknowledged. `report` is told how many messages are to come, then after each batch how many
/// are done.
pub fn folder(
    store: &mut Store,
    source: &mut dyn Folder,
    job: &Job<'_>,
    accounting: &mut Accounting,
    report: &mut dyn FnMut(usize, usize),
) -> Result<(), FetchError> {
    let id = FolderId {
        mailbox: job.mailbox.to_owned(),
        folder: job.folder.to_owned(),
        uid_validity: source.uid_validity(),
    };
    let pending = if job.dry_run {
        Vec::new()
    } else {
        grouped(
            job.after,
            store
                .pending(&id)?
                .iter()
                .filter_map(|(uid, name)| Some((*uid, Outcome::from_name(name)?))),
        )
    };
    thread::scope(|scope| {
        let (progress, fetched) = mpsc::sync_channel(WAITING);
        let (recognised, arriving) = mpsc::sync_channel(WAITING);
        let (acknowledge, requested) = mpsc::channel::<Acknowledgement>();
        let limit = job.limit;
        let (mailbox, folder) = (job.mailbox, job.folder);
        let fetching = move || {
            // No answer of a server may end the whole run.
            let served = catch_unwind(AssertUnwindSafe(|| {
                serve(source, pending, limit, &progress, &requested)
            }))
            .unwrap_or_else(|_| {
                Err(MailboxError::Broken {
                    place: format!("{mailbox}/{folder}"),
                    cause: "the program failed on an answer (a fault of the program)".into(),
                })
            });
            if let Err(error) = served {
                // The other side is gone only when it failed itself, and says so.
                let _ = progress.send(Progress::Failed(error));
            }
        };
        let (id, recognition) = (&id, &job.recognition);
        let recognising = move || {
            let read = |message| item(message, id, recognition);
            for progress in fetched {
                let progress = progress.map(|batch| batch.into_iter().map(read).collect());
                if recognised.send(progress).is_err() {
                    return;
                }
            }
        };
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        named("fetch").spawn_scoped(scope, fetching)?;
        named("recognise").spawn_scoped(scope, recognising)?;
        work(store, id, job, accounting, report, &arriving, acknowledge)
    })
}

/// The thread that owns the folder.
fn serve(
    source: &mut dyn Folder,
    pending: Vec<Acknowledgement>,
    limit: Option<usize>,
    progress: &mpsc::SyncSender<Progress<Message>>,
    requested: &mpsc::Receiver<Acknowledgement>,
) -> Result<(), MailboxError> {
    // False: nobody listens any more, so nothing may be acknowledged either.
    let settle = |source: &mut dyn Folder, (uids, after): Acknowledgement| {
        source.acknowledge(&uids, &after)?;
        Ok::<_, MailboxError>(progress.send(Progress::Acknowledged(uids)).is_ok())
    };
    for each in pending {
        if !settle(source, each)? {
            return Ok(());
        }
    }
    let found = source.search(limit)?;
    if progress.send(Progress::Found(found)).is_err() {
        return Ok(());
    }
    loop {
        while let Ok(each) = requested.try_recv() {
            if !settle(source, each)? {
                return Ok(());
            }
        }
        let Some(batch) = source.next_batch()? else {
            break;
        };
        if progress.send(Progress::Batch(batch)).is_err() {
            return Ok(());
        }
    }
    if progress.send(Progress::Fetched).is_err() {
        return Ok(());
    }
    while let Ok(each) = requested.recv() {
        if !settle(source, each)? {
            return Ok(());
        }
    }
    Ok(())
}

/// The thread that owns the store.
fn work(
    store: &mut Store,
    id: &FolderId,
    job: &Job<'_>,
    accounting: &mut Accounting,
    report: &mut dyn FnMut(usize, usize),
    arriving: &mpsc::Receiver<Progress<Item>>,
    acknowledge: mpsc::Sender<Acknowledgement>,
) -> Result<(), FetchError> {
    let mut acknowledge = Some(acknowledge);
    let (mut found, mut done) = (0, 0);
    // Forgotten with the next batch: a sync less than alone.
    let mut acknowledged = Vec::new();
    let mut failed = None;
    for progress in arriving {
        match progress {
            Progress::Found(count) => {
                found = count;
                report(found, 0);
            }
            Progress::Batch(mut items) => {
                let occasion = Occasion {
                    run: job.run,
                    now: job.now,
                    folder: Some(id),
                };
                let outcomes = ingest::apply_with(
                    store,
                    job.settings,
                    occasion,
                    &mut items,
                    accounting,
                    job.dry_run,
                    &|batch| batch.acknowledged(id, &acknowledged),
                )?;
                acknowledged.clear();
                done += items.len();
                report(found, done);
                let committed = items
                    .iter()
                    .zip(outcomes)
                    .filter_map(|(item, outcome)| Some((item.uid?, outcome)));
                if let (false, Some(acknowledge)) = (job.dry_run, &acknowledge) {
                    for each in grouped(job.after, committed) {
                        // A folder that failed meanwhile says so itself.
                        let _ = acknowledge.send(each);
                    }
                }
            }
            Progress::Acknowledged(uids) => acknowledged.extend(uids),
            Progress::Fetched => acknowledge = None,
            Progress::Failed(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    if !acknowledged.is_empty() {
        let batch = store.begin()?;
        batch.acknowledged(id, &acknowledged)?;
        batch.commit()?;
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// What is to be done with which message; a deferred one stays as it is for the next run.
fn grouped(
    after: &AfterKeys,
    outcomes: impl IntoIterator<Item = (u32, Outcome)>,
) -> Vec<Acknowledgement> {
    let mut groups: Vec<Acknowledgement> = Vec::new();
    for (uid, outcome) in outcomes {
        if outcome == Outcome::Deferred {
            continue;
        }
        let what = after.of(outcome);
        match groups.iter_mut().find(|(_, known)| *known == what) {
            Some((uids, _)) => uids.push(uid),
            None => groups.push((vec![uid], what)),
        }
    }
    groups
}

/// One message, recognised.
fn item(message: Message, folder: &FolderId, recognition: &Recognition<'_>) -> Item {
    let place = folder.place(message.uid);
    let key = format!("{place} of {}", folder.uid_validity);
    Item {
        uid: Some(message.uid),
        ..recognise_body(message.body, &place, &key, recognition)
    }
}

/// What a place gave, recognised; what cannot be read is an item too, named by `key`.
pub(crate) fn recognise_body(
    body: Body,
    place: &str,
    key: &str,
    recognition: &Recognition<'_>,
) -> Item {
    let (reason, for_good) = match body {
        Body::Whole(bytes) => return recognise(bytes, None, place, recognition),
        Body::TooLarge(size) => (
            format!("{size} octets are over `limits.message_size`"),
            true,
        ),
        Body::Unreadable(reason) => (reason, false),
    };
    Item {
        content: Some(content_key(key.as_bytes())),
        unread: Some(Unread {
            place: place.to_owned(),
            reason,
            for_good,
        }),
        ..Item::default()
    }
}

/// One mail's bytes → its events. A mail that makes a reader panic is an unread item.
pub fn recognise(
    bytes: Vec<u8>,
    uid: Option<u32>,
    place: &str,
    recognition: &Recognition<'_>,
) -> Item {
    let content = content_key(&bytes);
    let read = || {
        catch_unwind(AssertUnwindSafe(|| read(&bytes, content, recognition))).map_err(|_| Refused {
            reason: "a reader failed on this mail (a fault of the program)".into(),
            for_good: false,
        })
    };
    let read = match recognition.attempts {
        None => read(),
        Some(attempts) => attempts
            .read(Kind::Mail, content, (place, &bytes), read)
            .and_then(|read| read),
    };
    let (events, unrecognised, unread) = match read {
        Ok((events, unrecognised)) => (events, unrecognised, None),
        Err(refused) => (
            Vec::new(),
            true,
            Some(Unread {
                place: place.to_owned(),
                reason: refused.reason,
                for_good: refused.for_good,
            }),
        ),
    };
    let archived = match recognition.keep {
        Keep::All => true,
        Keep::Unrecognised => unrecognised,
        Keep::None => false,
    };
    Item {
        events,
        content: Some(content),
        raw: archived.then_some(bytes),
        uid,
        unread,
        ..Item::default()
    }
}

/// The events of a mail, and whether nothing was recognised in it.
fn read(
    bytes: &[u8],
    content: [u8; 16],
    recognition: &Recognition<'_>,
) -> (Vec<DeliveryEvent>, bool) {
    let inbound = message::parse(bytes, &recognition.options);
    let mut events = event::from_inbound(&inbound, content, recognition.source, |diagnostics| {
        recognition.rules.classify(diagnostics)
    });
    let trusted = inbound.format != Format::SnsMail
        || recognition
            .options
            .sns_trust
            .covers(&inbound.authentication_results);
    for event in &mut events {
        event.sender_proven = inbound.from.as_deref().is_some_and(|from| {
            let fields = &inbound.authentication_results;
            message::vouches_for(&recognition.options.trusted_hosts, fields, from)
        });
        demote(event, recognition.monitors);
        if !trusted {
            distrust(event);
        }
    }
    (events, inbound.reports.is_empty())
}

/// What the folder is not monitored for is recorded as a note, under a key of its own.
fn demote(event: &mut DeliveryEvent, monitors: &[Monitor]) {
    let monitor = match event.kind {
        EventKind::Bounce | EventKind::Delayed | EventKind::Delivered => Monitor::Bounces,
        EventKind::Complaint | EventKind::NotSpam => Monitor::FeedbackLoops,
        EventKind::Unsubscribe => Monitor::Unsubscribes,
        EventKind::Reply | EventKind::AutoReply => Monitor::Replies,
        _ => return,
    };
    if !monitors.contains(&monitor) {
        event.key = event.key.unmonitored();
        event.kind = EventKind::Note;
    }
}

/// A mail that calls itself one of SNS and is vouched for by nobody is recorded as a note. Once it
/// is trusted it counts, so it has a key of its own.
fn distrust(event: &mut DeliveryEvent) {
    event.key = EventKey::of(&[&event.key.0[..], b"untrusted"]);
    event.kind = EventKind::Note;
    event.raw_type.push_str(", not trusted");
}

/// The key of a mail in the archive: the first half of SHA-256 of its bytes.
pub fn content_key(bytes: &[u8]) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&Sha256::digest(bytes)[..16]);
    key
}
