use bouncekit_core::segment::{ATTRIBUTE, FILTERS, Filter, ValueType};

use super::{
    CliError, Context, Exit,
    column::{self, Column},
    listing::{Format, Listing},
};

/// Show everything a filter can ask, with an example of each
///
/// Conditions are joined by and, or, not and parentheses. Text compares without regard to case;
/// dates are 2026-01-31, '2026-01-31 15:00', -30d (30 days ago), +12h, now, today, yesterday or
/// today-7d, in UTC. A contact without a value meets != and not.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) const COLUMNS: &[Column] = &[
    column::text("name", "as it is written in filters"),
    column::text("value", "the type, or the words it can be"),
    column::text("operators", "what it can be compared with"),
    column::text("example", "a filter"),
    column::text("meaning", "what it asks"),
];

pub(crate) fn run(_: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut listing = Listing::new(args.format, COLUMNS)?;
    for filter in FILTERS.iter().chain([&ATTRIBUTE]) {
        listing.row(vec![
            filter.name.to_owned(),
            values(filter),
            operators(filter),
            filter.example.to_owned(),
            filter.doc.to_owned(),
        ])?;
    }
    listing.end()?;
    Ok(Exit::Done)
}

fn values(filter: &Filter) -> String {
    match filter.value {
        // The long list of reasons is in the documentation of bounces.
        ValueType::Word(words) if words.all().len() <= 6 => words.all().join("|"),
        other => other.name().to_owned(),
    }
}

fn operators(filter: &Filter) -> String {
    let mut names: Vec<&str> = filter.operators.iter().map(|op| op.text(false)).collect();
    names.insert(1, "!=");
    if filter.has_window() {
        names.push("within");
    }
    names.join(" ")
}
