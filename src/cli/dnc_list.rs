use super::{
    CliError, Context, Exit,
    listing::{Format, Listing},
    selection::{COLUMNS, SelectionArgs, cells},
};

/// List who must not be contacted, and why
///
/// One row for each address and reason; what has ended by itself is left out.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these addresses
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<String>,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Also what has ended by itself
    #[arg(long)]
    expired: bool,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut selection = args.selection.selection(&args.addresses, context.now)?;
    selection.expired = args.expired;
    selection.limit = args.limit;
    let store = context.store()?;
    args.selection
        .read_filter(&mut selection, &store, context)?;
    let mut listing = Listing::new(args.format, COLUMNS)?;
    store.for_each_listed(&selection, context.now, |row| {
        listing.row(cells(&row))?;
        Ok::<_, CliError>(())
    })?;
    listing.end()?;
    Ok(Exit::Done)
}
