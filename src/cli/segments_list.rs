use super::{
    CliError, Context, Exit,
    column::{self, Column, Holds},
    listing::{Format, Listing},
};

/// List segments with their size and last build
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) const COLUMNS: &[Column] = &[
    column::number("id", "its number"),
    column::text("name", "its name"),
    column::number("members", "contacts in it, by filter or by hand"),
    column::column(
        "published",
        Holds::Flag,
        "whether segments:update builds it",
    ),
    column::column("built_at", Holds::OptionalTime, "when it was built last"),
    column::column(
        "build_ms",
        Holds::OptionalNumber,
        "how long that took, in milliseconds",
    ),
    column::column("added", Holds::OptionalNumber, "who joined then"),
    column::column("removed", Holds::OptionalNumber, "who left then"),
    column::text("filter", "who is in it"),
];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let store = context.store()?;
    let counts = store.member_counts()?;
    let mut listing = Listing::new(args.format, COLUMNS)?;
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    for segment in store.segments()? {
        let number = |number: Option<u64>| number.map_or_else(|| "-".into(), |n| n.to_string());
        listing.row(vec![
            segment.id.to_string(),
            segment.name,
            counts.get(&segment.id).copied().unwrap_or(0).to_string(),
            yes(segment.published),
            segment
                .built_at
                .map_or_else(|| "never".into(), |at| at.to_string()),
            number(segment.build_ms),
            number(segment.added),
            number(segment.removed),
            segment.filter,
        ])?;
    }
    listing.end()?;
    Ok(Exit::Done)
}
