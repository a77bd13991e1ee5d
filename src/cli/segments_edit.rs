use bouncekit_core::segment::Definitions;

use super::{
    CliError, Context, Exit,
    listing::{Format, printable},
    segments::{self, Change},
};

/// Change a segment's name or filter
///
/// Segments that refer to it by name follow. The next segments:update looks at every contact.
#[derive(clap::Args)]
// All arguments would be in the group that clap makes of the struct.
#[group(skip)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args(["filter", "name"]))]
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
    #[arg(long, value_enum, default_value_t)]
    format: Format,
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
    let did = if args.dry_run {
        "would change"
    } else {
        "changed"
    };
    let mut changed: Vec<Change> = Vec::new();
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
            let was = std::mem::replace(&mut segment.filter, text);
            let definition = format!(
                "segment {} `{}`: {}",
                segment.id, segment.name, segment.filter
            );
            changed.push(Change {
                outcome: "changed",
                was: Some(was).filter(|was| *was != segment.filter),
                segment: segment.clone(),
                said: format!("{did} {}", printable(&definition)),
            });
        }
    }
    definitions.check_circles()?;
    if !args.dry_run {
        let batch = store.begin()?;
        for change in &changed {
            batch.change_segment(&change.segment)?;
        }
        batch.commit()?;
    }
    segments::tell(args.format, args.dry_run, changed)?;
    if old.declared && !args.dry_run {
        log::warn!(
            "segment `{}` stands in the configuration: segments:apply will change it back",
            old.name
        );
    }
    Ok(Exit::Done)
}
