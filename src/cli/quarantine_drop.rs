use super::{
    CliError, Context, Exit,
    listing::Format,
    quarantine_list::{Choice, tell},
};

/// Forget messages that could not be read, and their copies in the archive
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Show what would happen; change nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
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
    let dropped = items.iter().map(|item| (item, "dropped".to_owned()));
    tell(args.format, args.dry_run, dropped.collect())?;
    Ok(Exit::Done)
}
