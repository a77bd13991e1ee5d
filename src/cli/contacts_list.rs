use super::{
    CliError, Context, Exit,
    listing::{Format, Listing},
};

/// List contacts
#[derive(clap::Args)]
pub(crate) struct Args {
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let store = context.store()?;
    let mut listing = Listing::new(args.format, &["id", "external_id", "address", "attributes"])?;
    let mut left = args.limit.unwrap_or(u64::MAX);
    store.for_each_contact(|contact| {
        if left > 0 {
            left -= 1;
            listing.row(vec![
                contact.id.to_string(),
                contact.external_id.unwrap_or_default(),
                contact.address,
                contact.attributes,
            ])?;
        }
        Ok::<_, CliError>(())
    })?;
    listing.end()?;
    Ok(Exit::Done)
}
