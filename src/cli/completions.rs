use std::io::Write as _;

use super::{CliError, Context, Exit, definition};

/// Print shell completions: `bouncekit completions bash > /etc/bash_completion.d/bouncekit`
#[derive(clap::Args)]
pub(crate) struct Args {
    shell: clap_complete::Shell,
}

pub(crate) fn run(_: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition(), "bouncekit", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Exit::Done)
}
