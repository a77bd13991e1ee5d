use bouncekit_core::{segment::Definitions, store::Segment};

use super::{
    CliError, Context, Exit,
    listing::{Format, printable},
    segments::{self, Change},
};

/// Make a segment of all contacts that meet a filter
///
/// `segments:update` finds its members. segments:filters shows everything that can be asked:
/// segments:create 'Full mailboxes' --filter 'bounce_reason within 30d = mailbox_full and not bounced'
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its name
    name: String,
    /// Who belongs in it, e.g. 'bounced = yes'
    #[arg(long, value_name = "FILTER")]
    filter: String,
    /// Not built by segments:update until it is published
    #[arg(long)]
    unpublished: bool,
    /// Check everything, write nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    segments::check_name(&args.name)?;
    let mut store = context.store()?;
    let filter = store.read_filter(&args.filter, &[])?;
    let mut definitions = Definitions::load(&store)?;
    let same = |name: &str| name.to_lowercase() == args.name.to_lowercase();
    if definitions
        .segments
        .iter()
        .any(|(segment, _)| same(&segment.name))
    {
        return Err(
            CliError::usage(format!("a segment `{}` is there already", args.name))
                .hint("segments:edit changes it, segments:list shows all"),
        );
    }
    let segment = Segment {
        filter: filter.to_string(),
        published: !args.unpublished,
        ..Segment::new(&args.name, context.now)
    };
    definitions.put(segment.clone(), filter);
    definitions.check_circles()?;
    let definition = printable(&format!("`{}`: {}", segment.name, segment.filter));
    let (id, said) = if args.dry_run {
        (0, format!("would create segment {definition}"))
    } else {
        let batch = store.begin()?;
        let id = batch.create_segment(&segment)?;
        batch.commit()?;
        let said = format!("created segment {id} {definition}; segments:update finds its members");
        (id, said)
    };
    let created = Change {
        outcome: "created",
        segment: Segment { id, ..segment },
        was: None,
        said,
    };
    segments::tell(args.format, args.dry_run, vec![created])?;
    Ok(Exit::Done)
}
