use bouncekit_core::{
    segment::Definitions,
    store::{Segment, Store},
};

use super::{
    CliError, Context, Exit,
    listing::{Format, printable},
    segments::{self, Change},
};

/// Bring the segments of the configuration file into the database
///
/// Shows the difference, then writes it. Segments made by segments:create are left alone.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Delete segments that came from the configuration and do not stand in it any more
    #[arg(long)]
    prune: bool,
    /// Show the difference only
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What the configuration asks for.
#[derive(Default)]
struct Difference {
    create: Vec<Segment>,
    change: Vec<(Segment, Segment)>,
    gone: Vec<Segment>,
    same: usize,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut store = context.store()?;
    let difference = difference(context, &store, args.prune)?;
    segments::tell(args.format, args.dry_run, changes(&difference, args.prune))?;
    if !difference.gone.is_empty() && !args.prune {
        log::warn!(
            "{} no longer in the configuration (marked ?); --prune deletes",
            segments::plural(difference.gone.len() as u64, "segment")
        );
    }
    if !args.dry_run {
        let batch = store.begin()?;
        for segment in &difference.create {
            batch.create_segment(segment)?;
        }
        for (_, segment) in &difference.change {
            batch.change_segment(segment)?;
        }
        for segment in difference.gone.iter().filter(|_| args.prune) {
            batch.delete_segment(segment.id)?;
        }
        batch.commit()?;
    }
    args.format.conclude(
        context.quiet,
        &format!(
            "{} created, {} changed, {} deleted, {} as they should be{}",
            difference.create.len(),
            difference.change.len(),
            if args.prune { difference.gone.len() } else { 0 },
            difference.same,
            if args.dry_run {
                " (dry run: nothing was written)"
            } else {
                ""
            }
        ),
    );
    Ok(Exit::Done)
}

fn changes(difference: &Difference, prune: bool) -> Vec<Change> {
    let create = difference.create.iter().map(|segment| Change {
        outcome: "created",
        segment: segment.clone(),
        was: None,
        said: format!("+ {}", definition(segment)),
    });
    let change = difference.change.iter().map(|(old, new)| Change {
        outcome: "changed",
        segment: new.clone(),
        was: Some(old.filter.clone()).filter(|was| *was != new.filter),
        said: format!("- {}\n+ {}", definition(old), definition(new)),
    });
    let (outcome, sign) = if prune {
        ("deleted", '-')
    } else {
        ("undeclared", '?')
    };
    let gone = difference.gone.iter().map(|segment| Change {
        outcome,
        segment: segment.clone(),
        was: None,
        said: format!("{sign} {}", definition(segment)),
    });
    create.chain(change).chain(gone).collect()
}

fn difference(context: &Context, store: &Store, prune: bool) -> Result<Difference, CliError> {
    let declared = &context.config.segment;
    let coming: Vec<String> = declared.iter().map(|keys| keys.name.clone()).collect();
    let mut definitions = Definitions::load(store)?;
    let mut difference = Difference::default();
    for keys in declared {
        segments::check_name(&keys.name)?;
        let expression = store.read_filter(&keys.filter, &coming).map_err(|error| {
            CliError::from(error).within(&format!("[[segment]] `{}`", keys.name))
        })?;
        let known = definitions
            .segments
            .iter()
            .find(|(segment, _)| segment.name.to_lowercase() == keys.name.to_lowercase())
            .map(|(segment, _)| segment.clone());
        let old = known
            .clone()
            .unwrap_or_else(|| Segment::new(&keys.name, context.now));
        let new = Segment {
            name: keys.name.clone(),
            filter: expression.to_string(),
            published: keys.published,
            declared: true,
            ..old.clone()
        };
        if known.is_none() {
            difference.create.push(new.clone());
        } else if old == new {
            difference.same += 1;
        } else {
            difference.change.push((old, new.clone()));
        }
        definitions.put(new, expression);
    }
    difference.gone = definitions
        .segments
        .iter()
        .map(|(segment, _)| segment)
        .filter(|segment| segment.declared && !coming.contains(&segment.name))
        .cloned()
        .collect();
    for segment in difference.gone.iter().filter(|_| prune) {
        let referring = definitions.referring_to(&segment.name);
        if let Some(name) = referring
            .iter()
            .find(|name| !difference.gone.iter().any(|gone| gone.name == **name))
        {
            return Err(CliError::usage(format!(
                "segment `{}` cannot be deleted, the filter of `{name}` asks for it",
                segment.name
            ))
            .hint("change that filter, or keep the segment in the configuration"));
        }
    }
    definitions.check_circles()?;
    Ok(difference)
}

fn definition(segment: &Segment) -> String {
    let hidden = if segment.published {
        ""
    } else {
        " (unpublished)"
    };
    printable(&format!("`{}`{hidden}: {}", segment.name, segment.filter))
}
