use std::io::IsTerminal as _;

use bouncekit_core::{
    attempt::Attempts,
    classify::Rules,
    config::{Mailbox, Place, Watched},
    fetch::{self, FetchError, Job, Recognition},
    ingest::Settings,
    mailbox::{self, Account, Bounds, Folder, MailboxError, Maildir},
    store::Store,
};

use super::{
    CliError, Context, Exit,
    attempts::{self, Purpose},
    counts, holder,
    intake::{self, Line},
    is_dead,
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

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mailboxes = chosen(context, &args.mailbox)?;
    let settings = context.ingest_settings()?;
    let rules = context.rules()?;
    let (mut store, run) = if args.dry_run {
        (context.store()?, 0)
    } else {
        context.store_and_run("email:fetch")?
    };
    let attempts = attempts::begin(context, &mut store, Purpose::of_run(args.dry_run))?;
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
            let mut line = line(mailbox, "");
            line.error = Some(error);
            lines.push(line);
            continue;
        }
        let fetched = fetch_mailbox(
            context,
            args,
            (&settings, rules, &attempts),
            &mut store,
            run,
            mailbox,
        );
        if !args.dry_run {
            store.end_lease(&lease, &holder())?;
        }
        lines.extend(fetched);
    }
    if !args.dry_run {
        intake::finish(context, &mut store, run, &intake::total(&lines))?;
    }
    intake::show(args.format, args.dry_run, "folders", &lines)?;
    if !args.dry_run {
        counts::put_in_order(&mut store);
    }
    Ok(intake::exit(&lines))
}

fn line(mailbox: &Mailbox, folder: &str) -> Line {
    Line::new(vec![
        ("mailbox", mailbox.name.clone()),
        ("folder", folder.to_owned()),
    ])
}

pub(super) fn chosen(context: &Context, names: &[String]) -> Result<Vec<Mailbox>, CliError> {
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

/// All folders of one mailbox over one connection. What broke the connection ends the mailbox;
/// a folder that does not exist ends only itself.
fn fetch_mailbox(
    context: &Context,
    args: &Args,
    (settings, rules, attempts): (&Settings, &Rules, &Attempts),
    store: &mut Store,
    run: i64,
    mailbox: &Mailbox,
) -> Vec<Line> {
    let bounds = intake::bounds(context);
    let mut account = match &mailbox.place {
        Place::Imap(connection) => Some(Account::new(connection, context.now)),
        _ => None,
    };
    let mut lines = Vec::new();
    for watched in &mailbox.watched {
        let mut line = line(mailbox, &watched.folder);
        let job = Job {
            mailbox: &mailbox.name,
            folder: &watched.folder,
            recognition: Recognition {
                source: &mailbox.name,
                attempts: Some(attempts),
                ..intake::recognition(context, rules, &watched.monitors)
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
        error @ FetchError::Thread(_) => CliError::new(
            Exit::Unreachable,
            format!("mailbox `{mailbox}`, folder `{folder}`: {error}"),
        )
        .hint("the system's limit of processes is reached; the next run goes on"),
    }
}
