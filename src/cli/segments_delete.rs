use bouncekit_core::segment::Definitions;

use super::{
    CliError, Context, Exit,
    listing::{Format, printable},
    segments::{self, Change},
};

/// Delete segments; their contacts stay
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The segments, by name or number
    #[arg(required = true, value_name = "SEGMENT")]
    segments: Vec<String>,
    /// Show what would be deleted
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
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
    let deleted = chosen.into_iter().map(|segment| {
        let members = counts.get(&segment.id).copied().unwrap_or(0);
        let definition = format!(
            "segment {} `{}` with {}: {}",
            segment.id,
            segment.name,
            segments::plural(members, "member"),
            segment.filter
        );
        Change {
            outcome: "deleted",
            segment,
            was: None,
            said: format!("{did} {}", printable(&definition)),
        }
    });
    segments::tell(args.format, args.dry_run, deleted.collect())?;
    Ok(Exit::Done)
}
