use super::{
    CliError, Context, Exit,
    listing::{Format, printable},
    segments::{self, Change},
};

/// Publish segments: segments:update builds them from now on
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    chosen: Chosen,
}

/// The segments that are published or unpublished.
#[derive(clap::Args)]
pub(crate) struct Chosen {
    /// The segments, by name or number
    #[arg(required = true, value_name = "SEGMENT")]
    segments: Vec<String>,
    /// Show what would change
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    set(context, &args.chosen, true)
}

/// Publishes segments or takes that back.
pub(super) fn set(context: &Context, args: &Chosen, published: bool) -> Result<Exit, CliError> {
    let mut store = context.store()?;
    let all = store.segments()?;
    let chosen = args
        .segments
        .iter()
        .map(|name| segments::find(&all, name))
        .collect::<Result<Vec<_>, _>>()?;
    let state = if published {
        "published"
    } else {
        "unpublished"
    };
    let would = if args.dry_run { "would have " } else { "" };
    let batch = store.begin()?;
    let mut changes = Vec::new();
    for mut segment in chosen {
        let named = printable(&format!("segment {} `{}`", segment.id, segment.name));
        if segment.published == published {
            changes.push(Change {
                outcome: "unchanged",
                segment,
                was: None,
                said: format!("{named} is {state} already"),
            });
            continue;
        }
        segment.published = published;
        batch.change_segment(&segment)?;
        changes.push(Change {
            outcome: state,
            segment,
            was: None,
            said: format!("{would}{state} {named}"),
        });
    }
    if !args.dry_run {
        batch.commit()?;
    }
    segments::tell(args.format, args.dry_run, changes)?;
    Ok(Exit::Done)
}
