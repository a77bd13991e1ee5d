use bouncekit_core::store::Contact;

use super::{
    CliError, Context, Exit,
    column::{self, Column, Holds},
    listing::{Format, Listing},
};

/// List contacts
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only those who meet this filter, e.g. 'bounced and domain = example.com'; segments:filters
    /// shows everything that can be asked
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Why the list ended.
enum End {
    /// `--limit` is reached.
    Limit,
    Error(CliError),
}

impl<E: Into<CliError>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

pub(crate) const COLUMNS: &[Column] = &[
    column::number("id", "its number here"),
    column::optional("external_id", "its number where it came from"),
    column::text("address", "as given"),
    column::column("attributes", Holds::Object, "what was imported of it"),
];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let store = context.store()?;
    let filter = args
        .filter
        .as_ref()
        .map(|text| {
            let expression = store.read_filter(text, &[])?;
            let compiled =
                store.compile_filter(&expression, &context.config.policy, context.now)?;
            Ok::<_, CliError>(compiled)
        })
        .transpose()?;
    let mut listing = Listing::new(args.format, COLUMNS)?;
    let mut left = args.limit.unwrap_or(u64::MAX);
    let each = |contact: Contact| {
        if left == 0 {
            return Err(End::Limit);
        }
        left -= 1;
        listing.row(vec![
            contact.id.to_string(),
            contact.external_id.unwrap_or_default(),
            contact.address,
            contact.attributes,
        ])?;
        Ok(())
    };
    let end = match &filter {
        Some(filter) => store.for_each_meeting(filter, each),
        None => store.for_each_contact(each),
    };
    match end {
        Ok(()) | Err(End::Limit) => {}
        Err(End::Error(error)) => return Err(error),
    }
    listing.end()?;
    Ok(Exit::Done)
}
