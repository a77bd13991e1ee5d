//! Webhook payloads from a stream to committed rows: split, provider found, decoded, applied in
//! chunks. Memory does not grow with the input.

mod admission;
mod http;
mod split;
mod window;

use std::{
    borrow::Cow,
    io::{self, BufReader, Cursor, Read},
};

pub use split::LARGEST;
use split::{Content, Piece, Splitter};
pub use window::Place;

use crate::{
    attempt::ContentKey,
    classify::{Memo, Rules},
    config::ConfigError,
    gate::Gate,
    ingest::{self, Accounting, Item, Occasion, Settings},
    sns::SnsError,
    store::{Batch, Store, StoreError},
    suppression::Preset,
    time::Timestamp,
    webhook::{self, Field, Kind, Provider, Request, Row},
};

/// How payloads are read.
pub struct Options<'a> {
    /// Whose payloads these are; found out where not given.
    pub provider: Option<&'static Provider>,
    pub preset: Preset,
    /// Verifies what is read; without it, it was verified before.
    pub gate: Option<&'a Gate<'a>>,
}

/// One row with its place.
pub struct Entry<'a> {
    pub place: Place,
    pub row: Row<'a>,
    /// When the request came in, where that is known.
    pub received_at: Option<Timestamp>,
    /// What came of verifying it.
    pub verification: Cow<'static, str>,
}

/// Why an input was not read to its end. What was applied before stays.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("{0}")]
    Read(#[from] io::Error),
    #[error("nothing in it tells whose webhook this is")]
    Unknown,
    #[error("it may be from {}", names(.0))]
    Ambiguous(Vec<&'static Provider>),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing can be said of a request now; trying again can help.
    #[error(transparent)]
    Later(SnsError),
}

fn names(providers: &[&Provider]) -> String {
    let names: Vec<&str> = providers.iter().map(|provider| provider.name).collect();
    names.join(" or ")
}

/// So many values are examined for being of the provider that was said or found.
const EXAMINED: u32 = 1000;

/// So many bytes are kept while the provider is not yet found.
const UNDECIDED: usize = LARGEST;

/// Reads an input, gunzipped where it is gzip; `each` is told every row in order. Nothing is told
/// before the provider is known.
pub fn read<E: From<ReplayError>>(
    input: impl Read,
    options: &Options<'_>,
    each: &mut dyn FnMut(Entry<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let input = unpacked(input).map_err(ReplayError::from)?;
    let mut reading = Reading {
        options,
        provider: options.provider,
        waiting: Vec::new(),
        waiting_bytes: 0,
        verification: None,
        examined: 0,
        each,
    };
    let mut splitter = Splitter::new(input, Place::START);
    while let Some(piece) = splitter.next().map_err(ReplayError::from)? {
        reading.piece(piece, None)?;
    }
    if !reading.waiting.is_empty() {
        return Err(ReplayError::Unknown.into());
    }
    Ok(())
}

/// The first request of an input: a stored or captured one, or a bare payload as its body.
pub fn first_request(input: impl Read) -> io::Result<Option<Request>> {
    let mut splitter = Splitter::new(unpacked(input)?, Place::START);
    Ok(splitter.next()?.and_then(|piece| match piece.content {
        Content::Request(request) => Some(*request),
        Content::Json(text) | Content::Form(text) => Some(Request {
            body: text.as_bytes().to_vec(),
            ..Request::default()
        }),
        Content::Mail(_) | Content::Bad(_) => None,
    }))
}

fn unpacked<'r>(input: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let mut start = [0; 2];
    let mut known = 0;
    while known < start.len() {
        match input.read(&mut start[known..])? {
            0 => break,
            read => known += read,
        }
    }
    let whole = Cursor::new(start).take(known as u64).chain(input);
    Ok(if start == [0x1f, 0x8b] {
        Box::new(flate2::read::MultiGzDecoder::new(whole))
    } else {
        Box::new(whole)
    })
}

/// Something that was read before its provider was known.
enum Waiting {
    Json(String),
    Form(String),
    Bad(String),
}

struct Reading<'r, E> {
    options: &'r Options<'r>,
    provider: Option<&'static Provider>,
    waiting: Vec<(Place, Waiting)>,
    waiting_bytes: usize,
    /// That of the request around what is read.
    verification: Option<Cow<'static, str>>,
    /// So many values in a row were of the provider, or could be.
    examined: u32,
    each: &'r mut dyn FnMut(Entry<'_>) -> Result<(), E>,
}

impl<E: From<ReplayError>> Reading<'_, E> {
    fn piece(&mut self, piece: Piece<'_>, received_at: Option<Timestamp>) -> Result<(), E> {
        let place = piece.place;
        match piece.content {
            Content::Request(request) => self.request(place, &request),
            Content::Mail(bytes) => {
                let provider = self.options.provider.unwrap_or(webhook::MAILED);
                let Some(verification) = self.verification_of_mail(provider, place, bytes)? else {
                    return Ok(());
                };
                let rows = provider.decode_mail(bytes, self.options.preset);
                self.tell(place, rows, received_at, verification)
            }
            Content::Json(text) => {
                let Some(provider) = self.provider else {
                    let found = Field::parse(text).map(webhook::candidates);
                    let content = Waiting::Json(text.to_owned());
                    return self.wait(place, content, &found.unwrap_or_default());
                };
                let others = self.others(provider, text);
                if others.is_empty() {
                    return self.json(provider, place, text, received_at);
                }
                self.bad(provider, place, format!("an event of {}", names(&others)))
            }
            Content::Form(text) => {
                if let Some(provider) = self.provider {
                    return self.form(provider, place, text, received_at);
                }
                let found = webhook::form_candidates(text);
                self.wait(place, Waiting::Form(text.to_owned()), &found)
            }
            Content::Bad(cause) => match self.provider {
                Some(provider) => self.bad(provider, place, cause),
                None => self.wait(place, Waiting::Bad(cause), &[]),
            },
        }
    }

    /// The providers a value is plainly of, if they are others than was said. After the first
    /// values, and nothing strange among them, that is not asked again.
    fn others(&mut self, provider: &Provider, text: &str) -> Vec<&'static Provider> {
        if self.examined >= EXAMINED {
            return Vec::new();
        }
        self.examined += 1;
        let mut found = Field::parse(text)
            .map(webhook::candidates)
            .unwrap_or_default();
        if found.iter().any(|known| known.name == provider.name) {
            found.clear();
        }
        if !found.is_empty() {
            self.examined = 0;
        }
        found
    }

    /// Keeps what is not yet known to be anybody's; decides by `found`.
    fn wait(
        &mut self,
        place: Place,
        content: Waiting,
        found: &[&'static Provider],
    ) -> Result<(), E> {
        let (Waiting::Json(text) | Waiting::Form(text) | Waiting::Bad(text)) = &content;
        self.waiting_bytes += text.len() + 64;
        self.waiting.push((place, content));
        let provider = match found {
            [] if self.waiting_bytes > UNDECIDED => return Err(ReplayError::Unknown.into()),
            [] => return Ok(()),
            [provider] => *provider,
            several => return Err(ReplayError::Ambiguous(several.to_vec()).into()),
        };
        self.provider = Some(provider);
        for (place, content) in std::mem::take(&mut self.waiting) {
            match content {
                Waiting::Json(text) => self.json(provider, place, &text, None)?,
                Waiting::Form(text) => self.form(provider, place, &text, None)?,
                Waiting::Bad(cause) => self.bad(provider, place, cause)?,
            }
        }
        Ok(())
    }

    fn json(
        &mut self,
        provider: &'static Provider,
        place: Place,
        text: &str,
        received_at: Option<Timestamp>,
    ) -> Result<(), E> {
        let Some(verification) = self.verification_of(provider, place, text)? else {
            return Ok(());
        };
        let mut rows = Vec::with_capacity(1);
        provider.decode_entry(Field::unchecked(text), self.options.preset, &mut rows);
        for row in &mut rows {
            if row.kind == Kind::Error
                && let Err(error) = Field::parse(text)
            {
                row.reason = Some(format!("invalid JSON: {error}").into());
            }
        }
        self.tell(place, rows, received_at, verification)
    }

    fn form(
        &mut self,
        provider: &'static Provider,
        place: Place,
        text: &str,
        received_at: Option<Timestamp>,
    ) -> Result<(), E> {
        let Some(verification) = self.verification_of(provider, place, text)? else {
            return Ok(());
        };
        let rows = provider.decode_form(text, self.options.preset);
        self.tell(place, rows, received_at, verification)
    }

    /// Hands on what a value was decoded to.
    fn tell(
        &mut self,
        place: Place,
        rows: Vec<Row<'_>>,
        received_at: Option<Timestamp>,
        verification: Cow<'static, str>,
    ) -> Result<(), E> {
        for (row, verification) in rows.into_iter().zip(std::iter::repeat(verification)) {
            (self.each)(Entry {
                place,
                row,
                received_at,
                verification,
            })?;
        }
        Ok(())
    }

    fn bad(&mut self, provider: &Provider, place: Place, cause: String) -> Result<(), E> {
        (self.each)(Entry {
            place,
            row: Row::error(provider.name, cause),
            received_at: None,
            verification: "".into(),
        })
    }

    /// A request stands for itself: its path names its provider, else what is in it.
    fn request(&mut self, place: Place, request: &Request) -> Result<(), E> {
        let before = self.provider;
        self.examined = 0;
        if self.options.provider.is_none() {
            self.provider = webhook::provider_of(request).or(before);
        }
        if let Some(provider) = self.provider {
            self.verification = self.admit(provider, place, request)?;
            if self.verification.is_none() {
                self.provider = before;
                return Ok(());
            }
        }
        let body = unpacked_body(&request.body);
        let result = match body {
            Ok(body) if body.trim_ascii().is_empty() => match request.query() {
                Some(query) => self.piece(
                    Piece {
                        place,
                        content: Content::Form(query),
                    },
                    request.received_at,
                ),
                // Checks of the address itself: HEAD, or a POST of nothing.
                None => Ok(()),
            },
            Ok(body) => self.body(place, &body, request),
            Err(cause) => {
                let content = Content::Bad(cause);
                self.piece(Piece { place, content }, None)
            }
        };
        self.verification = None;
        if self.options.provider.is_none() {
            self.provider = before;
        }
        result
    }

    fn body(&mut self, place: Place, body: &[u8], request: &Request) -> Result<(), E> {
        let mut splitter = Splitter::new(body, place);
        while let Some(piece) = splitter.next().map_err(ReplayError::from)? {
            self.piece(piece, request.received_at)?;
        }
        Ok(())
    }
}

fn unpacked_body(body: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(body));
    }
    let mut out = Vec::new();
    let limit = LARGEST as u64 + 1;
    flate2::read::MultiGzDecoder::new(body)
        .take(limit)
        .read_to_end(&mut out)
        .map_err(|error| format!("the gzip body cannot be unpacked: {error}"))?;
    if out.len() > LARGEST {
        return Err(format!("an unpacked body of over {LARGEST} bytes"));
    }
    Ok(Cow::Owned(out))
}

/// What is done with the rows.
pub struct Application<'a> {
    pub rules: &'a Rules,
    pub settings: &'a Settings,
    pub run: i64,
    pub now: Timestamp,
    /// Earlier events are left out.
    pub since: Option<Timestamp>,
    /// Events applied in one transaction.
    pub chunk: usize,
    pub dry_run: bool,
}

/// So many octets of addresses and diagnostics wait at most, however few the events: a provider may
/// tell long stories.
const WAITING_TEXT: usize = 16 << 20;

/// Collects events and applies them chunk by chunk; every row is counted once.
pub struct Applier<'a> {
    target: Target<'a>,
    application: Application<'a>,
    memo: Memo<'a>,
    waiting: Vec<Item>,
    /// Octets of what is told in them.
    waiting_text: usize,
    pub accounting: Accounting,
    /// Rows before `since`; they are among the ignored.
    pub too_old: u64,
}

/// A request that ends the program, or takes too long, whenever it is read.
#[derive(Clone, Debug)]
pub struct Poison {
    pub content: ContentKey,
    /// Its name in the spool.
    pub place: String,
    pub reason: String,
}

/// Where chunks go.
enum Target<'a> {
    /// Each in a transaction of its own.
    Store(&'a mut Store),
    /// A dry run: all in one that is taken back, so that later chunks see the earlier ones.
    DryRun(Batch<'a>),
}

impl<'a> Applier<'a> {
    pub fn new(store: &'a mut Store, application: Application<'a>) -> Result<Self, StoreError> {
        let target = if application.dry_run {
            Target::DryRun(store.begin()?)
        } else {
            Target::Store(store)
        };
        Ok(Self {
            target,
            memo: Memo::new(application.rules),
            application,
            waiting: Vec::new(),
            waiting_text: 0,
            accounting: Accounting::default(),
            too_old: 0,
        })
    }

    pub fn add(&mut self, entry: &Entry<'_>) -> Result<(), StoreError> {
        let row = &entry.row;
        if row.kind == Kind::Error {
            self.accounting.fetched += 1;
            self.accounting.errors += 1;
            return Ok(());
        }
        let is_old = match (self.application.since, row.timestamp.or(entry.received_at)) {
            (Some(since), Some(at)) => at < since,
            _ => false,
        };
        self.too_old += u64::from(is_old);
        let event = (!is_old)
            .then(|| webhook::delivery_event(row, |diagnostics| self.memo.classify(diagnostics)))
            .flatten();
        let Some(mut event) = event else {
            self.accounting.fetched += 1;
            self.accounting.ignored += 1;
            return Ok(());
        };
        event.occurred_at = event.occurred_at.or(entry.received_at);
        self.waiting_text += event.diagnostic.len()
            + event.raw_type.len()
            + event.address.as_ref().map_or(0, String::len);
        self.waiting.push(Item {
            events: vec![event],
            verification: entry.verification.clone(),
            ..Item::default()
        });
        if self.waiting.len() >= self.application.chunk || self.waiting_text >= WAITING_TEXT {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes which requests could not be read, and forgets those that could after all.
    pub fn note_poison(
        &mut self,
        poison: &[Poison],
        recovered: &[ContentKey],
    ) -> Result<(), StoreError> {
        let Target::Store(store) = &mut self.target else {
            return Ok(());
        };
        if poison.is_empty() && recovered.is_empty() {
            return Ok(());
        }
        let batch = store.begin()?;
        for Poison {
            content,
            place,
            reason,
        } in poison
        {
            batch.note_poison(*content, place, reason, self.application.now, true)?;
        }
        batch.leave_quarantine(recovered.iter().copied())?;
        batch.commit()
    }

    /// Applies what is left.
    pub fn finish(&mut self) -> Result<(), StoreError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let occasion = Occasion {
            run: self.application.run,
            now: self.application.now,
            folder: None,
        };
        let (settings, items) = (self.application.settings, &mut self.waiting);
        let accounting = &mut self.accounting;
        match &mut self.target {
            Target::Store(store) => {
                ingest::apply(store, settings, occasion, items, accounting, false)?;
            }
            Target::DryRun(batch) => {
                ingest::apply_within(batch, settings, occasion, items, accounting)?;
            }
        }
        self.waiting.clear();
        self.waiting_text = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_stories_do_not_pile_up() {
        let mut store = Store::open_in_memory().unwrap();
        let application = Application {
            rules: Rules::builtin(),
            settings: &Settings::default(),
            run: 1,
            now: Timestamp(0),
            since: None,
            chunk: usize::MAX,
            dry_run: false,
        };
        let mut applier = Applier::new(&mut store, application).unwrap();
        let words = "so full a mailbox ".repeat(50_000);
        let mut most = 0;
        for number in 0..40 {
            let row = Row {
                event_id: Some(number.to_string().into()),
                recipient: Some("anna@example.com".into()),
                reason: Some(Cow::Borrowed(&words)),
                ..Row::error("sendgrid", "")
            };
            let row = Row {
                kind: Kind::SoftBounce,
                ..row
            };
            let entry = Entry {
                place: Place::START,
                row,
                received_at: None,
                verification: "".into(),
            };
            applier.add(&entry).unwrap();
            most = most.max(applier.waiting.len());
        }
        assert!(most < 20 && most > 10, "{most}");
        applier.finish().unwrap();
        assert_eq!(applier.accounting.fetched, 40);
    }
}
