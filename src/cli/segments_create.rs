use bouncekit_core::segment::Definitions;

use super::{CliError, Context, Exit, segments};

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
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    segments::check_name(&args.name)?;
    let mut store = context.store()?;
    let filter = store.read_filter(&args.filter)?;
    let definitions = Definitions::load(&store)?;
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
    definitions.check_circle(&args.name, &filter)?;
    if args.dry_run {
        println!("would create segment `{}`: {filter}", args.name);
        return Ok(Exit::Done);
    }
    let batch = store.begin()?;
    let id = batch.create_segment(&args.name, &filter.to_string(), false, context.now)?;
    batch.commit()?;
    if args.unpublished {
        let segment = segments::find(&store.segments()?, &args.name)?;
        let batch = store.begin()?;
        batch.change_segment(&bouncekit_core::store::Segment {
            published: false,
            ..segment
        })?;
        batch.commit()?;
    }
    println!(
        "created segment {id} `{}`: {filter}; segments:update finds its members",
        args.name
    );
    Ok(Exit::Done)
}
