use bouncekit_core::store::Origin;

use super::{
    CliError, Context, Exit,
    column::{self, Column},
    listing::{Format, Listing},
    segments,
};

/// Show the members of a segment
///
/// What the segment itself is like, segments:list shows.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The segment, by name or number
    segment: String,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Also those a person took out
    #[arg(long)]
    removed: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) const COLUMNS: &[Column] = &[
    column::number("id", "the contact's number here"),
    column::optional("external_id", "its number where it came from"),
    column::text("address", "as given"),
    column::text("origin", "filter, added or removed (by hand)"),
    column::time("since", "when that was"),
];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let store = context.store()?;
    let segment = segments::find(&store.segments()?, &args.segment)?;
    if segment.built_at.is_none() {
        log::warn!(
            "segment `{}` was never built: segments:update finds its members",
            segment.name
        );
    }
    let mut listing = Listing::new(args.format, COLUMNS)?;
    let mut left = args.limit.unwrap_or(u64::MAX);
    store.for_each_member(segment.id, |member| {
        if left > 0 && (args.removed || member.origin != Origin::Removed) {
            left -= 1;
            listing.row(vec![
                member.contact.id.to_string(),
                member.contact.external_id.unwrap_or_default(),
                member.contact.address,
                member.origin.name().to_owned(),
                member.since.to_string(),
            ])?;
        }
        Ok::<_, CliError>(())
    })?;
    listing.end()?;
    Ok(Exit::Done)
}
