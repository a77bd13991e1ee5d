use bouncekit_core::store::Origin;

use super::{CliError, Context, Exit, segments_add};

/// Take contacts out of a segment by hand; builds leave them out
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    by_hand: segments_add::ByHand,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    segments_add::set(context, &args.by_hand, Origin::Removed)
}
