use bouncekit_core::segment::Definitions;

use super::{CliError, Context, Exit, segments};

/// Delete segments; their contacts stay
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The segments, by name or number
    #[arg(required = true, value_name = "SEGMENT")]
    segments: Vec<String>,
    /// Show what would be deleted
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut store = context.store()?;
    let all = store.segments()?;
    let chosen = args
        .segments
        .iter()
        .map(|name| segments::find(&all, name))
        .collect::<Result<Vec<_>, _>>()?;
    let definitions = Definitions::load(&store)?;
    for segment in &chosen {
        let referring: Vec<&str> = definitions
            .referring_to(&segment.name)
            .into_iter()
            .filter(|name| !chosen.iter().any(|other| other.name == *name))
            .collect();
        if !referring.is_empty() {
            return Err(CliError::usage(format!(
                "segment `{}` is asked for by the filter of `{}`",
                segment.name,
                referring.join("`, `")
            ))
            .hint("change that with segments:edit, or delete both"));
        }
    }
    let counts = store.member_counts()?;
    if !args.dry_run {
        let batch = store.begin()?;
        for segment in &chosen {
            batch.delete_segment(segment.id)?;
        }
        batch.commit()?;
    }
    let did = if args.dry_run {
        "would delete"
    } else {
        "deleted"
    };
    for segment in &chosen {
        let members = counts.get(&segment.id).copied().unwrap_or(0);
        println!(
            "{did} segment {} `{}` with {}: {}",
            segment.id,
            segment.name,
            segments::plural(members, "member"),
            segment.filter
        );
    }
    Ok(Exit::Done)
}
