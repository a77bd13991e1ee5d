use bouncekit_core::store::{Quarantined, Store};
use data_encoding::HEXLOWER;

use super::{
    CliError, Context, Exit,
    column::{self, Column, Holds},
    listing::{Format, Listing, printable},
};

/// List the messages that could not be read, with the reason
///
/// `deferred` ones are tried once more by the next run; `quarantined` ones are put away.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) const COLUMNS: &[Column] = &[
    column::text("id", "the beginning of the message's hash"),
    column::text("state", "deferred (tried once more) or quarantined"),
    column::number("tries", "how often it was tried"),
    column::time("first_seen", "when it came first"),
    column::time("last_seen", "when it was tried last"),
    column::column("archived", Holds::Flag, "whether the archive holds it"),
    column::text("place", "mailbox, folder and UID, or file"),
    column::text("reason", "why it could not be read"),
];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let store = context.store()?;
    let mut listing = Listing::new(args.format, COLUMNS)?;
    for item in store.quarantine()? {
        let state = item.quarantined_at.map_or("deferred", |_| "quarantined");
        listing.row(vec![
            id(&item),
            state.into(),
            item.tries.to_string(),
            item.first_seen.to_string(),
            item.last_seen.to_string(),
            if item.archived { "yes" } else { "no" }.into(),
            item.place,
            item.reason,
        ])?;
    }
    listing.end()?;
    Ok(Exit::Done)
}

/// What a command did with the messages it was told.
pub(crate) const OUTCOMES: &[Column] = &[
    column::text("id", "the beginning of the message's hash"),
    column::text("place", "mailbox, folder and UID, or file"),
    column::text("outcome", "what became of it, or would in a dry run"),
];

/// Tells what became of messages.
pub(crate) fn tell(
    format: Format,
    dry_run: bool,
    outcomes: Vec<(&Quarantined, String)>,
) -> Result<(), CliError> {
    if format == Format::Text {
        let would = if dry_run { " (dry run)" } else { "" };
        for (item, outcome) in outcomes {
            println!("{} {}{would}: {outcome}", id(item), printable(&item.place));
        }
        return Ok(());
    }
    let mut listing = Listing::new(format, OUTCOMES)?;
    for (item, outcome) in outcomes {
        listing.row(vec![id(item), item.place.clone(), outcome])?;
    }
    Ok(listing.end()?)
}

pub(crate) fn id(item: &Quarantined) -> String {
    HEXLOWER.encode(&item.content[..4])
}

/// Which messages a command is about.
#[derive(clap::Args)]
pub(crate) struct Choice {
    /// The ids of quarantine:list
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<String>,
    /// Every message of the list
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

impl Choice {
    pub(crate) fn of(&self, store: &Store) -> Result<Vec<Quarantined>, CliError> {
        let mut items = store.quarantine()?;
        let name = |item: &Quarantined| HEXLOWER.encode(&item.content);
        let lower: Vec<String> = self.ids.iter().map(|id| id.to_lowercase()).collect();
        if let Some(unknown) = lower
            .iter()
            .find(|id| id.is_empty() || !items.iter().any(|item| name(item).starts_with(*id)))
        {
            return Err(
                CliError::usage(format!("nothing in quarantine has the id `{unknown}`"))
                    .hint("quarantine:list shows the ids"),
            );
        }
        items.retain(|item| self.all || lower.iter().any(|id| name(item).starts_with(id)));
        Ok(items)
    }
}
