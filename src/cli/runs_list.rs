use bouncekit_core::time::Timestamp;

use super::{
    CliError, Context, Exit,
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

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let store = context.store()?;
    let mut listing = Listing::new(
        args.format,
        &[
            "run",
            "command",
            "started",
            "finished",
            "undone",
            "host",
            "pid",
            "accounting",
        ],
    )?;
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
