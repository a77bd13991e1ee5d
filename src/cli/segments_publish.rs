use bouncekit_core::store::Segment;

use super::{CliError, Context, Exit, segments};

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
    let batch = store.begin()?;
    for segment in chosen {
        let state = if published {
            "published"
        } else {
            "unpublished"
        };
        if segment.published == published {
            println!(
                "segment {} `{}` is {state} already",
                segment.id, segment.name
            );
            continue;
        }
        println!(
            "{}{state} segment {} `{}`",
            if args.dry_run { "would have " } else { "" },
            segment.id,
            segment.name
        );
        batch.change_segment(&Segment {
            published,
            ..segment
        })?;
    }
    if !args.dry_run {
        batch.commit()?;
    }
    Ok(Exit::Done)
}
