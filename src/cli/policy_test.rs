use std::{collections::BTreeMap, path::PathBuf};

use bouncekit_core::{
    config::Config,
    ingest::{self, Trial},
    store::DoNotContact,
};

use super::{
    CliError, Context, Exit,
    column::{self, Column, Holds},
    listing::{Format, Listing},
    selection::{self, cells},
};

/// Try another policy on everything that came back: who would be suppressed, and who freed
///
/// Replays the stored events under the `[policy]` of FILE and compares the outcome with the present
/// do-not-contact list. Changes nothing.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A configuration file with a changed `[policy]`; nothing else in it is used
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only the counts, not the list
    #[arg(long)]
    summary: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) const COLUMNS: &[Column] =
    selection::columns![column::text("change", "suppressed, freed or changed")];

/// Counts by reason, of one kind of change.
type Counts = BTreeMap<String, u64>;

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let text = std::fs::read_to_string(&args.file)
        .map_err(|cause| CliError::file(&args.file, &cause).hint("name a configuration file"))?;
    let policy = Config::from_toml(&text, &args.file.display().to_string())
        .map_err(|error| CliError::usage(&error).hint(error.hint()))?
        .policy;
    let store = context.store()?;
    let mut listing = Listing::new(args.format, COLUMNS)?;
    let (mut suppressed, mut freed, mut changed) = (Counts::new(), Counts::new(), Counts::new());
    let mut stay = 0_u64;
    ingest::trial(&store, &policy, context.now, |trial| {
        let (change, counts, row) = match &trial {
            Trial::Suppressed(row) => ("suppressed", &mut suppressed, row),
            Trial::Freed(row) => ("freed", &mut freed, row),
            Trial::Changed(row) => ("changed", &mut changed, row),
            Trial::Stays => {
                stay += 1;
                return Ok::<_, CliError>(());
            }
        };
        *counts.entry(reason(row)).or_default() += 1;
        if !args.summary {
            let mut cells = cells(row);
            cells.insert(0, change.into());
            listing.row(cells)?;
        }
        Ok(())
    })?;
    if !args.summary || args.format != Format::Text {
        listing.end()?;
    }
    args.format.conclude(
        context.quiet,
        &format!(
            "{} would be suppressed, {} freed, {} changed; {stay} stay as they are",
            told(&suppressed),
            told(&freed),
            told(&changed)
        ),
    );
    Ok(Exit::Done)
}

fn reason(row: &DoNotContact) -> String {
    match row.entry.detail {
        Some(detail) => format!("{} {}", row.entry.grounds.name(), detail.name()),
        None => row.entry.grounds.name().to_owned(),
    }
}

/// `5 (3 bounce mailbox_full, 2 bounce blocked)`.
fn told(counts: &Counts) -> String {
    let sum: u64 = counts.values().sum();
    if sum == 0 {
        return "0".into();
    }
    let each: Vec<String> = counts
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    format!("{sum} ({})", each.join(", "))
}
