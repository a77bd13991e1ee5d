use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use bouncekit_core::{
    config::Monitor,
    event, fetch,
    ingest::{self, Item},
    message, redact,
    store::{EventRow, OpenOptions, Store},
};
use data_encoding::HEXLOWER;

use super::{CliError, Context, Exit, explanation::Explanation, intake, listing::Shape};

/// Explain what one mail is and why, and what would be written
///
/// Shows its format, each report with all fields, the clues to the send and where they lead, the
/// rule that decided with the text that matched, and the policy. Needs no configuration and no
/// database; what they hold is used where they are. Nothing is written.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The mail; `-` reads standard input; or an event's id (its beginning suffices), whose mail is
    /// looked up in the archive
    #[arg(value_name = "FILE|-|EVENT-ID")]
    mail: PathBuf,
    /// Read it as mail of a folder that is monitored for unsubscribes
    #[arg(long)]
    unsubscribe_folder: bool,
    /// Write the mail itself, with addresses, names, hashes and IP addresses replaced and what is
    /// attached left out, so that it can be shared
    #[arg(long, conflicts_with = "format")]
    redact: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let (bytes, stored) = match event_id(&args.mail) {
        Some(prefix) => {
            let (event, mail) = archived(context, &prefix)?;
            (mail, Some(event))
        }
        None => (read_mail(&args.mail)?, None),
    };
    let mut out = std::io::stdout().lock();
    if args.redact {
        out.write_all(&redacted(context, &bytes))?;
        return Ok(Exit::Done);
    }
    let explanation = explain(context, args, &bytes, stored)?;
    match args.format {
        Shape::Text => write!(out, "{}", explanation.text())?,
        Shape::Json => writeln!(
            out,
            "{}",
            super::listing::json_text(&format!("{:#}", explanation.json()))
        )?,
    }
    Ok(Exit::Done)
}

fn redacted(context: &Context, bytes: &[u8]) -> Vec<u8> {
    let options = intake::options(context, Monitor::ALL);
    let redacted = redact::redact(bytes, &options);
    let said = |bytes| {
        let reports = message::parse(bytes, &options).reports;
        let said = |report: &message::Report| (report.kind, report.status, report.reply_code);
        reports.iter().map(said).collect::<Vec<_>>()
    };
    if said(bytes) != said(&redacted) {
        log::warn!("without what was replaced the mail is read otherwise than before");
    }
    redacted
}

fn explain(
    context: &Context,
    args: &Args,
    bytes: &[u8],
    stored: Option<EventRow>,
) -> Result<Explanation, CliError> {
    let monitors = if args.unsubscribe_folder {
        &[Monitor::Unsubscribes]
    } else {
        Monitor::ALL
    };
    let rules = context.rules()?;
    let inbound = message::parse(bytes, &intake::options(context, monitors));
    let key = fetch::content_key(bytes);
    let item = Item {
        events: event::from_inbound(&inbound, key, "mail", |diagnostics| {
            rules.classify(diagnostics)
        }),
        content: Some(key),
        ..Item::default()
    };
    let matched = item.events.iter().map(|event| {
        let judged = event.classification.is_some();
        judged.then(|| rules.explain(&event.diagnostics()).matched)
    });
    let matched = matched.map(Option::unwrap_or_default).collect();
    let judging = context.ingest_settings()?;
    let previews = match present_store(context) {
        Some(mut store) => Some(ingest::preview(&mut store, &judging, &item, context.now)?),
        None => None,
    };
    Ok(Explanation {
        inbound,
        events: item.events,
        matched,
        policy: judging.policy,
        keep: context.config.archive.keep,
        previews,
        stored,
    })
}

/// The database, where there is one that can be used; a mail is explained without one too.
fn present_store(context: &Context) -> Option<Store> {
    if context.store_url().is_some() {
        return context
            .store()
            .inspect_err(|error| log::warn!("explained without the database: {error}"))
            .ok();
    }
    let path = &context.config.store.path;
    if !path.is_file() {
        return None;
    }
    let options = OpenOptions {
        wait: context.config.store.wait.into(),
        ..OpenOptions::default()
    };
    Store::open(path, options)
        .inspect_err(|error| log::warn!("explained without the database: {error}"))
        .ok()
}

/// The bytes an event's id begins with, unless a file has this name.
fn event_id(path: &Path) -> Option<Vec<u8>> {
    let text = path.to_str()?;
    let prefix = HEXLOWER.decode(text.to_lowercase().as_bytes()).ok()?;
    ((2..=16).contains(&prefix.len()) && !path.exists()).then_some(prefix)
}

/// The event and its mail.
fn archived(context: &Context, prefix: &[u8]) -> Result<(EventRow, Vec<u8>), CliError> {
    let id = HEXLOWER.encode(prefix);
    let store = context.store()?;
    let mut events = store.events_by_key(prefix)?;
    if events.len() > 1 {
        return Err(CliError::usage(format!("several events begin with `{id}`"))
            .hint("write more of the id: contacts:show ADDRESS --format json has it whole"));
    }
    let event = events.pop().ok_or_else(|| {
        CliError::usage(format!("there is no file and no event `{id}`"))
            .hint("contacts:show ADDRESS lists the ids of its events")
    })?;
    let mail = match event.content {
        Some(key) => store.raw_message(key)?,
        None => None,
    };
    let mail = mail.ok_or_else(|| {
        CliError::usage(format!(
            "the mail of event `{id}` ({} of {}) is not in the archive",
            event.kind.name(),
            event.occurred_at
        ))
        .hint("[archive] keep = \"all\" keeps every mail; contacts:show tells what is known")
    })?;
    Ok((event, mail))
}

/// Mails over this size are cut: no report of interest begins later.
const LARGEST: u64 = 25 * 1024 * 1024;

fn read_mail(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(LARGEST)
            .read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
    };
    read.map_err(|cause| {
        CliError::file(path, &cause)
            .hint("name one mail as a file (.eml), `-` for standard input, or an event's id in hex")
    })?;
    Ok(bytes)
}
