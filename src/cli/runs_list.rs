use bouncekit_core::time::Timestamp;

use super::{
    CliError, Context, Exit,
    column::{self, Column, Holds},
    listing::{Format, Listing},
};

/// List the latest runs with their accounting
#[derive(clap::Args)]
pub(crate) struct Args {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) const COLUMNS: &[Column] = &[
    column::number("run", "its number"),
    column::text("command", "what ran"),
    column::time("started", "when it began"),
    column::column(
        "finished",
        Holds::OptionalTime,
        "when it ended; nothing while it works, or when it was killed",
    ),
    column::column("undone", Holds::OptionalTime, "when runs:undo took it back"),
    column::text("host", "where it ran"),
    column::number("pid", "its process"),
    column::column(
        "accounting",
        Holds::Object,
        "what it counted; keys differ by command",
    ),
];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let store = context.store()?;
    let mut listing = Listing::new(args.format, COLUMNS)?;
    for run in store.runs(args.limit)? {
        let at = |at: Option<i64>| at.map_or_else(|| "-".into(), |at| Timestamp(at).to_string());
        listing.row(vec![
            run.id.to_string(),
            run.command,
            Timestamp(run.started_at).to_string(),
            at(run.finished_at),
            at(run.undone_at),
            run.host,
            run.pid.to_string(),
            run.accounting,
        ])?;
    }
    listing.end()?;
    Ok(Exit::Done)
}
