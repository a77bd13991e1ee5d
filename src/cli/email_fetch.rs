use std::io::{IsTerminal as _, Write as _};

use bouncekit_core::{
    classify::Rules,
    config::{Mailbox, Monitor, Place, Watched},
    fetch::{self, FetchError, Job, Recognition},
    ingest::{Accounting, Identity, Settings},
    mailbox::{self, Account, Bounds, Folder, MailboxError, Maildir},
    message::Options,
    store::Store,
    time::Timestamp,
};
use serde_json::json;

use super::{
    CliError, Context, Exit, holder, is_dead,
    listing::{Shape, printable},
};

/// Fetch what came back to the monitored mailboxes, and act on it
///
/// Reads what is unseen, commits each batch, and only then marks, moves or deletes it (`after`).
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this mailbox of the configuration; may be repeated
    #[arg(long, value_name = "NAME")]
    mailbox: Vec<String>,
    /// At most so many messages per folder
    #[arg(long, short = 'm', value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    message_limit: Option<u32>,
    /// Show what would happen; change nothing, neither here nor on the server
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

/// One folder's line of the result.
struct Line<'a> {
    mailbox: &'a str,
    folder: &'a str,
    accounting: Accounting,
    error: Option<CliError>,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mailboxes = chosen(context, &args.mailbox)?;
    let settings = settings(context)?;
    let rules = context.rules()?;
    let (mut store, run) = if args.dry_run {
        (context.store()?, 0)
    } else {
        context.store_and_run("email:fetch")?
    };
    let mut lines = Vec::new();
    for mailbox in &mailboxes {
        let lease = format!("mailbox:{}", mailbox.name);
        if !args.dry_run
            && let Err(refused) = store.take_lease(&lease, &holder(), context.now, is_dead)?
        {
            let error = CliError::new(
                Exit::Locked,
                format!(
                    "mailbox `{}` is being fetched by process {} on {} since {}",
                    mailbox.name, refused.holder.pid, refused.holder.host, refused.since
                ),
            )
            .hint("let that run end; the next one goes on where it stopped");
            lines.push(Line {
                mailbox: &mailbox.name,
                folder: "",
                accounting: Accounting::default(),
                error: Some(error),
            });
            continue;
        }
        let fetched = fetch_mailbox(context, args, rules, &settings, &mut store, run, mailbox);
        if !args.dry_run {
            store.end_lease(&lease, &holder())?;
        }
        lines.extend(fetched);
    }
    let mut total = Accounting::default();
    for line in &lines {
        total += &line.accounting;
    }
    if !args.dry_run {
        let archive = &context.config.archive;
        let lasting = std::time::Duration::from(archive.lasting).as_millis();
        let before = context.now.0 - i64::try_from(lasting).unwrap_or(context.now.0);
        store.trim_archive(Timestamp(before), archive.size)?;
        store.finish_run(run, &total.to_json(), context.now)?;
    }
    show(args, &lines, &total)?;
    Ok(exit(&lines, &total))
}

fn chosen(context: &Context, names: &[String]) -> Result<Vec<Mailbox>, CliError> {
    let mut mailboxes = context
        .config
        .mailboxes()
        .map_err(|error| CliError::usage(&error).hint(error.hint()))?;
    if mailboxes.is_empty() {
        return Err(CliError::usage("no mailbox is configured")
            .hint("add a [[mailbox]] to the configuration, see config.example.toml"));
    }
    if let Some(name) = names
        .iter()
        .find(|name| !mailboxes.iter().any(|known| known.name == **name))
    {
        let known: Vec<_> = mailboxes.iter().map(|known| known.name.as_str()).collect();
        return Err(CliError::usage(format!("there is no mailbox `{name}`"))
            .hint(format!("the configuration has: {}", known.join(", "))));
    }
    mailboxes.retain(|mailbox| names.is_empty() || names.contains(&mailbox.name));
    Ok(mailboxes)
}

fn settings(context: &Context) -> Result<Settings, CliError> {
    let verp = &context.config.verp;
    Ok(Settings {
        policy: context.config.policy.clone(),
        identity: Identity {
            keys: context.signing_keys()?,
            signatures: verp.signatures,
            match_by_address: verp.match_by_address && !verp.strict,
        },
    })
}

fn options(context: &Context, monitors: &[Monitor]) -> Options {
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
    }
}

/// All folders of one mailbox over one connection. What broke the connection ends the mailbox;
/// a folder that does not exist ends only itself.
fn fetch_mailbox<'a>(
    context: &Context,
    args: &Args,
    rules: &Rules,
    settings: &Settings,
    store: &mut Store,
    run: i64,
    mailbox: &'a Mailbox,
) -> Vec<Line<'a>> {
    let limits = &context.config.limits;
    let bounds = Bounds {
        message_size: u64::from(limits.message_size),
        batch_messages: limits.batch_messages,
        batch_bytes: limits.batch_bytes,
    };
    let mut account = match &mailbox.place {
        Place::Imap(connection) => Some(Account::new(connection)),
        _ => None,
    };
    let mut lines = Vec::new();
    for watched in &mailbox.watched {
        let mut line = Line {
            mailbox: &mailbox.name,
            folder: &watched.folder,
            accounting: Accounting::default(),
            error: None,
        };
        let job = Job {
            mailbox: &mailbox.name,
            folder: &watched.folder,
            recognition: Recognition {
                rules,
                options: options(context, &watched.monitors),
                monitors: &watched.monitors,
                keep: context.config.archive.keep,
            },
            settings,
            after: &mailbox.after,
            limit: args.message_limit.map(|limit| limit as usize),
            dry_run: args.dry_run,
            run,
            now: context.now,
        };
        let bar = progress_bar(context.quiet, &mailbox.name, &watched.folder);
        let fetched = open(
            &mailbox.place,
            account.as_mut(),
            watched,
            bounds,
            args.dry_run,
        )
        .map_err(FetchError::from)
        .and_then(|mut folder| {
            fetch::folder(
                store,
                folder.as_mut(),
                &job,
                &mut line.accounting,
                &mut |found, done| {
                    bar.set_length(found as u64);
                    bar.set_position(done as u64);
                },
            )
        });
        bar.finish_and_clear();
        let goes_on = matches!(
            fetched,
            Ok(()) | Err(FetchError::Mailbox(MailboxError::NoFolder { .. }))
        );
        line.error = fetched
            .err()
            .map(|error| explained(error, &mailbox.name, &watched.folder));
        lines.push(line);
        if !goes_on {
            break;
        }
    }
    if let Some(mut account) = account {
        account.close();
    }
    lines
}

fn open<'a>(
    place: &Place,
    account: Option<&'a mut Account>,
    watched: &Watched,
    bounds: Bounds,
    read_only: bool,
) -> Result<Box<dyn Folder + 'a>, MailboxError> {
    Ok(match (place, account) {
        (_, Some(account)) => Box::new(account.open(&watched.folder, bounds, read_only)?),
        (Place::Maildir(root), _) => {
            Box::new(Maildir::open(root, &watched.folder, bounds, read_only)?)
        }
        (Place::Mbox(path) | Place::File(path), _) => Box::new(mailbox::open_file(path, bounds)?),
        (Place::Imap(_), None) => unreachable!("an account was made for every IMAP mailbox"),
    })
}

fn progress_bar(quiet: bool, mailbox: &str, folder: &str) -> indicatif::ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let style = indicatif::ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {eta}")
        .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar());
    indicatif::ProgressBar::new(0)
        .with_style(style)
        .with_prefix(printable(&format!("{mailbox}/{folder}")))
}

fn explained(error: FetchError, mailbox: &str, folder: &str) -> CliError {
    match error {
        FetchError::Mailbox(error) => CliError::new(
            Exit::Unreachable,
            format!("mailbox `{mailbox}`, folder `{folder}`: {error}"),
        )
        .hint(error.hint()),
        FetchError::Store(error) => error.into(),
    }
}

fn show(args: &Args, lines: &[Line<'_>], total: &Accounting) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    if args.format == Shape::Json {
        let value = |accounting: &Accounting| {
            serde_json::from_str::<serde_json::Value>(&accounting.to_json()).unwrap_or_default()
        };
        let folders: Vec<_> = lines
            .iter()
            .map(|line| {
                json!({
                    "mailbox": line.mailbox,
                    "folder": line.folder,
                    "accounting": value(&line.accounting),
                    "error": line.error.as_ref().map(ToString::to_string),
                })
            })
            .collect();
        let all = json!({"dry_run": args.dry_run, "folders": folders, "total": value(total)});
        writeln!(out, "{all:#}")?;
    } else {
        let would = if args.dry_run { " (dry run)" } else { "" };
        for line in lines.iter().filter(|line| !line.folder.is_empty()) {
            let place = printable(&format!("{}/{}", line.mailbox, line.folder));
            writeln!(out, "{place}{would}: {}", line.accounting)?;
        }
    }
    for error in lines.iter().filter_map(|line| line.error.as_ref()) {
        let _ = write!(std::io::stderr(), "{error}");
    }
    Ok(())
}

/// The gravest thing that happened.
fn exit(lines: &[Line<'_>], total: &Accounting) -> Exit {
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
    if total.quarantined + total.deferred + total.errors > 0 {
        return Exit::SomeFailed;
    }
    Exit::Done
}
