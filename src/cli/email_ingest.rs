use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use bouncekit_core::{
    config::Monitor,
    fetch::Recognition,
    ingest::Occasion,
    intake::{Intake, Waiting},
    mailbox::{Feed, Found},
    store::{Store, StoreError},
};

use super::{
    CliError, Context, Exit,
    attempts::{self, Purpose},
    intake::{self, Line},
    listing::Shape,
};

/// Read mails from files, archives, folders or a pipe, and act on them as `email:fetch` does
///
/// A path is a message (.eml), an mbox, a Maildir, a folder of any of these, or a tar archive;
/// gzip and zstd are seen through. Nothing that is read is changed, and reading it twice changes
/// nothing.
///
/// `-` reads standard input, as from an alias of the MTA:
///   bounces: "|bouncekit --config /etc/bouncekit/config.toml --quiet email:ingest --one -"
/// Then the exit status is 75 where the MTA must keep the mail and offer it again (database in
/// use, disk full, configuration broken), and 0 once it is committed, recognised or not.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// What is read, in this order; `-` is standard input
    #[arg(value_name = "PATH|-", required = true)]
    paths: Vec<PathBuf>,
    /// Act only on these kinds of mail; may be repeated [default: all]
    #[arg(long, value_name = "KIND", value_parser = monitor)]
    monitor: Vec<Monitor>,
    /// Standard input is one mail, even if it begins with a `From ` line as an mbox does
    #[arg(long)]
    one: bool,
    /// Show what would happen; change nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

impl Args {
    /// Whether an MTA may stand behind it and goes by the exit status.
    pub(crate) fn is_pipe(&self) -> bool {
        self.paths.iter().any(|path| is_stdin(path))
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn monitor(text: &str) -> Result<Monitor, String> {
    let wanted = text.replace('-', "_");
    let known = || Monitor::ALL.iter().copied();
    known()
        .find(|monitor| monitor.name() == wanted)
        .ok_or_else(|| {
            let names: Vec<_> = known().map(Monitor::name).collect();
            format!("one of {} was expected", names.join(", "))
        })
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let settings = context.ingest_settings()?;
    let rules = context.rules()?;
    let (mut store, run) = if args.dry_run {
        (context.store()?, 0)
    } else {
        context.store_and_run("email:ingest")?
    };
    let monitors = if args.monitor.is_empty() {
        Monitor::ALL
    } else {
        &args.monitor
    };
    let attempts = attempts::begin(context, &mut store, Purpose::of_run(args.dry_run))?;
    let intake = Intake {
        recognition: Recognition {
            attempts: Some(&attempts),
            ..intake::recognition(context, rules, monitors)
        },
        settings: &settings,
        bounds: intake::bounds(context),
        occasion: Occasion {
            run,
            now: context.now,
            folder: None,
        },
        dry_run: args.dry_run,
    };
    let mut lines = Vec::new();
    for path in &args.paths {
        let mut line = Line::new(vec![("path", path.display().to_string())]);
        let done = ingest(&mut store, &intake, args, path, &mut line);
        // What the database refuses for one path it refuses for the next.
        let stop = done.is_err();
        line.error = done.err().map(CliError::from);
        lines.push(line);
        if stop {
            break;
        }
    }
    if !args.dry_run && lines.iter().all(|line| line.error.is_none()) {
        intake::finish(context, &mut store, run, &intake::total(&lines))?;
    }
    intake::show(args.format, args.dry_run, "paths", &lines)?;
    Ok(exit(args, &lines))
}

fn ingest(
    store: &mut Store,
    intake: &Intake<'_>,
    args: &Args,
    path: &Path,
    line: &mut Line,
) -> Result<(), StoreError> {
    let feed = Feed {
        message_size: intake.bounds.message_size,
        one: args.one && is_stdin(path),
    };
    let mut waiting = Waiting::default();
    let accounting = &mut line.accounting;
    let take = &mut |place: &str, found| match found {
        Found::Mail(body) => intake.add(store, &mut waiting, (place, body), accounting),
        Found::Refused(cause) => {
            accounting.fetched += 1;
            accounting.errors += 1;
            let error = CliError::new(Exit::SomeFailed, format!("`{place}`: {cause}"));
            let _ = write!(std::io::stderr(), "{error}");
            Ok(())
        }
    };
    if is_stdin(path) {
        feed.pipe("-", &mut std::io::stdin().lock(), take)?;
    } else {
        feed.path(path, take)?;
    }
    intake.commit(store, &mut waiting, accounting)
}

/// A pipe's mail is taken (0) or must be offered again (75).
fn exit(args: &Args, lines: &[Line]) -> Exit {
    if !args.is_pipe() {
        return intake::exit(lines);
    }
    let total = intake::total(lines);
    if total.deferred > 0 || lines.iter().any(|line| line.error.is_some()) {
        Exit::TemporaryFailure
    } else if total.errors > 0 {
        Exit::SomeFailed
    } else {
        // What is quarantined would be quarantined again.
        Exit::Done
    }
}
