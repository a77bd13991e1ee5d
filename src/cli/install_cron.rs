use super::{CliError, Context, Exit, install::Job};

/// Print the crontab lines for the present configuration (a file for /etc/cron.d)
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The user that the commands run as
    #[arg(long, default_value = "bouncekit")]
    user: String,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    println!("# Overlapping runs are harmless: the second one leaves at once with status 4.");
    println!("# Mail from cron means that something failed; --quiet says nothing else.");
    for Job { cron, command, .. } in Job::all(context)? {
        println!("{cron}  {}  {command}", args.user);
    }
    Ok(Exit::Done)
}
