//! What `email:fetch` and `email:ingest` share: how mails are read, and how the result is told.

use std::io::Write as _;

use bouncekit_core::{
    classify::Rules, config::Monitor, fetch::Recognition, ingest::Accounting, mailbox::Bounds,
    message::Options, store::Store, time::Timestamp,
};
use serde_json::json;

use super::{
    CliError, Context, Exit,
    listing::{Shape, printable},
};

/// How return addresses look here.
pub(crate) fn options(context: &Context, monitors: &[Monitor]) -> Options {
    let verp = &context.config.verp;
    let default = Options::default();
    Options {
        separators: verp.separators.clone(),
        hash_header: if verp.hash_header.is_empty() {
            default.hash_header
        } else {
            verp.hash_header.clone()
        },
        unsubscribe_addresses: verp.unsubscribe_address.iter().cloned().collect(),
        unsubscribe_folder: monitors == [Monitor::Unsubscribes],
        trusted_hosts: verp.trusted_mail_hosts.clone(),
        sns_trust: context.config.sns_trust(),
    }
}

pub(crate) fn recognition<'a>(
    context: &Context,
    rules: &'a Rules,
    monitors: &'a [Monitor],
) -> Recognition<'a> {
    Recognition {
        source: "mail",
        rules,
        options: options(context, monitors),
        monitors,
        keep: context.config.archive.keep,
        attempts: None,
    }
}

pub(crate) fn bounds(context: &Context) -> Bounds {
    let limits = &context.config.limits;
    Bounds {
        message_size: u64::from(limits.message_size),
        batch_messages: limits.batch_messages,
        batch_bytes: limits.batch_bytes,
    }
}

/// Trims the archive and notes the end of the run.
pub(crate) fn finish(
    context: &Context,
    store: &mut Store,
    run: i64,
    total: &Accounting,
) -> Result<(), CliError> {
    let archive = &context.config.archive;
    let lasting = std::time::Duration::from(archive.lasting).as_millis();
    let before = context.now.0 - i64::try_from(lasting).unwrap_or(context.now.0);
    store.trim_archive(Timestamp(before), archive.size)?;
    store.finish_run(run, &total.to_json(), context.now)?;
    Ok(())
}

/// One place's line of the result.
pub(crate) struct Line {
    /// What names the place, e.g. mailbox and folder; the keys stand in the JSON.
    pub(crate) place: Vec<(&'static str, String)>,
    pub(crate) accounting: Accounting,
    pub(crate) error: Option<CliError>,
}

impl Line {
    pub(crate) fn new(place: Vec<(&'static str, String)>) -> Self {
        Self {
            place,
            accounting: Accounting::default(),
            error: None,
        }
    }
}

pub(crate) fn total(lines: &[Line]) -> Accounting {
    let mut total = Accounting::default();
    for line in lines {
        total += &line.accounting;
    }
    total
}

/// Writes the lines; `list` names them in the JSON.
pub(crate) fn show(
    format: Shape,
    dry_run: bool,
    list: &str,
    lines: &[Line],
) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    if format == Shape::Json {
        let value = |accounting: &Accounting| {
            serde_json::from_str::<serde_json::Value>(&accounting.to_json()).unwrap_or_default()
        };
        let places: Vec<_> = lines
            .iter()
            .map(|line| {
                let mut object: serde_json::Map<_, _> = line
                    .place
                    .iter()
                    .map(|(key, name)| ((*key).to_owned(), name.clone().into()))
                    .collect();
                object.insert("accounting".into(), value(&line.accounting));
                object.insert(
                    "error".into(),
                    line.error.as_ref().map(ToString::to_string).into(),
                );
                object
            })
            .collect();
        let all = json!({"dry_run": dry_run, list: places, "total": value(&total(lines))});
        writeln!(out, "{}", super::listing::json_text(&format!("{all:#}")))?;
    } else {
        let would = if dry_run { " (dry run)" } else { "" };
        let locked = |line: &&Line| {
            let error = line.error.as_ref();
            error.is_some_and(|error| error.exit == Exit::Locked)
        };
        for line in lines.iter().filter(|line| !locked(line)) {
            // A Maildir read as a whole has no folder.
            let names = line.place.iter().map(|(_, name)| name.as_str());
            let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
            let place = printable(&names.join("/"));
            writeln!(out, "{place}{would}: {}", line.accounting)?;
        }
    }
    for error in lines.iter().filter_map(|line| line.error.as_ref()) {
        let _ = write!(std::io::stderr(), "{error}");
    }
    Ok(())
}

/// The gravest thing that happened.
pub(crate) fn exit(lines: &[Line]) -> Exit {
    let failed = |code: u8| {
        lines
            .iter()
            .filter_map(|line| line.error.as_ref())
            .any(|error| error.exit.code() == code)
    };
    for exit in [Exit::Usage, Exit::Unreachable, Exit::Locked] {
        if failed(exit.code()) {
            return exit;
        }
    }
    let total = total(lines);
    if total.quarantined + total.deferred + total.errors > 0 || failed(Exit::SomeFailed.code()) {
        return Exit::SomeFailed;
    }
    Exit::Done
}
