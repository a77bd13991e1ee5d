use std::io::Write as _;

use super::{
    CliError, Context, Exit,
    listing::printable,
    quarantine_list::{Choice, id},
};

/// Forget messages that could not be read, and their copies in the archive
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Show what would happen; change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut store = context.store()?;
    let items = args.choice.of(&store)?;
    if !args.dry_run {
        let contents: Vec<_> = items.iter().map(|item| item.content).collect();
        let batch = store.begin()?;
        batch.forget_raw(&contents)?;
        batch.leave_quarantine(contents)?;
        batch.commit()?;
    }
    let would = if args.dry_run { " (dry run)" } else { "" };
    let mut out = std::io::stdout().lock();
    for item in &items {
        writeln!(
            out,
            "{} {}{would}: dropped",
            id(item),
            printable(&item.place)
        )?;
    }
    Ok(Exit::Done)
}
