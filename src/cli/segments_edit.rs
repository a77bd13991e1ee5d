use bouncekit_core::{segment::Definitions, store::Segment};

use super::{CliError, Context, Exit, segments};

/// Change a segment's name or filter
///
/// Segments that refer to it by name follow. The next segments:update looks at every contact.
#[derive(clap::Args)]
#[group(required = true, multiple = true, args = ["filter", "name"])]
pub(crate) struct Args {
    /// The segment, by name or number
    segment: String,
    /// Who belongs in it
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Check everything, write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut store = context.store()?;
    let mut definitions = Definitions::load(&store)?;
    let old = segments::find(&store.segments()?, &args.segment)?;
    let mut new = old.clone();
    if let Some(name) = &args.name {
        segments::check_name(name)?;
        let taken = definitions.segments.iter().any(|(segment, _)| {
            segment.id != old.id && segment.name.to_lowercase() == name.to_lowercase()
        });
        if taken {
            return Err(
                CliError::usage(format!("a segment `{name}` is there already"))
                    .hint("segments:list shows all"),
            );
        }
        new.name.clone_from(name);
    }
    let filter = args
        .filter
        .as_ref()
        .map(|filter| store.read_filter(filter, &[]))
        .transpose()?;
    let mut changed: Vec<Segment> = Vec::new();
    for (segment, expression) in &mut definitions.segments {
        if let Some(filter) = filter.as_ref().filter(|_| segment.id == old.id) {
            *expression = filter.clone();
        }
        expression.rename_segment(&old.name, &new.name);
        if segment.id == old.id {
            segment.name.clone_from(&new.name);
        }
        let text = expression.to_string();
        if segment.id == old.id || segment.filter != text {
            segment.filter = text;
            changed.push(segment.clone());
        }
    }
    definitions.check_circles()?;
    if !args.dry_run {
        let batch = store.begin()?;
        for segment in &changed {
            batch.change_segment(segment)?;
        }
        batch.commit()?;
    }
    let did = if args.dry_run {
        "would change"
    } else {
        "changed"
    };
    for segment in &changed {
        println!(
            "{did} segment {} `{}`: {}",
            segment.id, segment.name, segment.filter
        );
    }
    if old.declared && !args.dry_run {
        log::warn!(
            "segment `{}` stands in the configuration: segments:apply will change it back",
            old.name
        );
    }
    Ok(Exit::Done)
}
