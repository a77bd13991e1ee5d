use bouncekit_core::{
    ingest::{self, Occasion, Undone},
    time::Timestamp,
};
use serde_json::json;

use super::{
    CliError, Context, Exit,
    column::{self, Column, Holds},
    listing::{Format, Listing},
    runs_show::find,
    selection,
};

/// Undo a run: what it put on the do-not-contact list goes, what it released comes back
///
/// The run's events stay and are shown, but count for nothing from then on. An entry that other
/// events cause as well stays. The same mail or payload read again counts anew.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its number, see runs:list
    run: i64,
    /// Show what would change, write nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) const COLUMNS: &[Column] =
    selection::columns![column::text("change", "removed, restored or changed")];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let store = context.store()?;
    let run = find(&store, args.run)?;
    let already = |at: Option<i64>| {
        let at = at.map_or_else(|| "meanwhile".into(), |at| format!("at {}", Timestamp(at)));
        CliError::usage(format!("run {} was undone {at}", args.run))
            .hint(format!("runs:show {} shows it", args.run))
    };
    if run.undone_at.is_some() {
        return Err(already(run.undone_at));
    }
    if run.command == NAME {
        return Err(
            CliError::usage(format!("run {} is itself an undoing", args.run))
                .hint("read the mails or payloads again, or use dnc:add and dnc:release"),
        );
    }
    // It wrote events of earlier runs anew; what they said before is not kept, the mails are.
    if run.command == "reclassify" {
        return Err(CliError::usage(format!(
            "run {} judged mails again and cannot be taken back by itself",
            args.run
        ))
        .hint("put the former rules back (`rules_file`, or the former version) and run `reclassify --apply`"));
    }
    let (mut store, own) = if args.dry_run {
        (store, 0)
    } else {
        drop(store);
        context.store_and_run(NAME)?
    };
    let occasion = Occasion {
        run: own,
        now: context.now,
        folder: None,
    };
    let mut listing = Listing::new(args.format, COLUMNS)?;
    let (mut removed, mut restored, mut changed) = (0_u64, 0_u64, 0_u64);
    let undone = ingest::undo(
        &mut store,
        &context.config.policy,
        occasion,
        args.run,
        args.dry_run,
        |undone| {
            let (change, count, row) = match &undone {
                Undone::Removed(row) => ("removed", &mut removed, row),
                Undone::Restored(row) => ("restored", &mut restored, row),
                Undone::Changed(row) => ("changed", &mut changed, row),
            };
            *count += 1;
            let mut cells = selection::cells(row);
            cells.insert(0, change.into());
            listing.row(cells)?;
            Ok::<_, CliError>(())
        },
    )?;
    if !undone {
        return Err(already(None));
    }
    listing.end()?;
    if !args.dry_run {
        let accounting = json!({
            "undone": args.run, "removed": removed, "restored": restored, "changed": changed,
        });
        store.finish_run(own, &accounting.to_string(), context.now)?;
    }
    let would = if args.dry_run {
        " (dry run: nothing was written)"
    } else {
        ""
    };
    args.format.conclude(
        context.quiet,
        &format!(
            "run {} ({}): {removed} removed, {restored} restored, {changed} changed{would}",
            args.run, run.command
        ),
    );
    Ok(Exit::Done)
}

/// The command as the run table names it.
const NAME: &str = "runs:undo";
