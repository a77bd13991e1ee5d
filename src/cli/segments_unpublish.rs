use super::{CliError, Context, Exit, segments_publish};

/// Unpublish segments: segments:update leaves them as they are
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    chosen: segments_publish::Chosen,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    segments_publish::set(context, &args.chosen, false)
}
