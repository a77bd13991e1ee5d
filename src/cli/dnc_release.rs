use bouncekit_core::{
    ingest::{self, Occasion},
    suppression::Grounds,
};
use serde_json::json;

use super::{
    CliError, Context, Exit,
    listing::{Format, Listing},
    selection::{COLUMNS, SelectionArgs, cells},
};

/// Take addresses off the do-not-contact list
///
/// By address, or by reason, fault, domain, age, run, receiving host, campaign or time. Each release
/// is an event: `contacts:show` shows it, and `runs:undo` takes it back. What bounced before does
/// not count any more, however late it is reported. Complaints and unsubscribes are kept unless
/// they are forced, with a comment.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these addresses
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<String>,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Also complaints and unsubscribes
    #[arg(long, requires = "comment")]
    force: bool,
    /// Why; kept with each release
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Show what would be released, write nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut selection = args.selection.selection(&args.addresses, context.now)?;
    if selection.is_everything() && args.selection.filter.is_none() {
        return Err(CliError::usage("nothing says who is to be released").hint(
            "name addresses or e.g. --reason mailbox_full --older-than 90d; try --dry-run first",
        ));
    }
    let comment = args.comment.as_deref().unwrap_or_default().trim();
    if args.force && comment.is_empty() {
        return Err(CliError::usage(
            "`--force` needs a `--comment` that says why",
        ));
    }
    let willed = |grounds: &&Grounds| grounds.is_the_persons_will();
    if let (false, Some(grounds)) = (args.force, selection.grounds.iter().find(willed)) {
        return Err(CliError::usage(format!(
            "{}s are what the person wants: they are not released just so",
            grounds.name()
        ))
        .hint("if you know better: --force --comment \"...\""));
    }
    let (mut store, run) = if args.dry_run {
        (context.store()?, 0)
    } else {
        context.store_and_run("dnc:release")?
    };
    args.selection
        .read_filter(&mut selection, &store, context)?;
    let occasion = Occasion {
        run,
        now: context.now,
        folder: None,
    };
    let mut listing = Listing::new(args.format, COLUMNS)?;
    let (mut released, mut kept) = (0_u64, 0_u64);
    ingest::release(
        &mut store,
        occasion,
        &selection,
        comment,
        args.force,
        args.dry_run,
        |row, may| {
            if may {
                released += 1;
                listing.row(cells(row))?;
            } else {
                kept += 1;
            }
            Ok::<_, CliError>(())
        },
    )?;
    listing.end()?;
    if !args.dry_run {
        let accounting = json!({"released": released, "kept": kept});
        store.finish_run(run, &accounting.to_string(), context.now)?;
    }
    let mut summary = if args.dry_run {
        format!("{released} would be released")
    } else {
        format!("{released} released by run {run} (`runs:undo {run}` takes it back)")
    };
    if kept > 0 {
        summary += &format!("; {kept} complaints and unsubscribes kept (--force --comment)");
    }
    args.format.conclude(context.quiet, &summary);
    Ok(Exit::Done)
}
