//! The command line: one file a subcommand, registered here by three alphabetical lines.

mod contacts_import;
mod contacts_list;
mod contacts_show;
mod context;
mod email_explain;
mod email_fetch;
mod email_ingest;
mod error;
mod explanation;
mod import;
mod intake;
mod listing;
mod quarantine_drop;
mod quarantine_list;
mod quarantine_retry;
mod reclassify;
mod review;
mod runs_list;
mod sends_headers;
mod sends_import;

use std::{ffi::OsString, io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
pub(crate) use context::{Context, holder, is_dead};
pub(crate) use error::{CliError, Exit};

/// Close the loop on sent e-mail: bounces, complaints, unsubscribes and replies become a
/// do-not-contact list.
#[derive(Parser)]
#[command(name = "bouncekit", version, max_term_width = 100, after_help = EXIT_STATUS)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_STATUS: &str = "Exit status: 0 done, 1 some items failed, 2 usage or configuration, \
3 a source could not be reached or logged in to, 4 another run holds the lock, 75 a piped mail \
must be offered again (email:ingest -).";

/// Options of every command.
#[derive(clap::Args)]
pub(crate) struct Global {
    /// Configuration file [default: $BOUNCEKIT_CONFIG, ./bouncekit.toml,
    /// ~/.config/bouncekit/config.toml, /etc/bouncekit/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Say more on stderr; twice for everything. RUST_LOG is honoured too
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    #[command(name = "contacts:import")]
    ContactsImport(contacts_import::Args),
    #[command(name = "contacts:list")]
    ContactsList(contacts_list::Args),
    #[command(name = "contacts:show")]
    ContactsShow(contacts_show::Args),
    #[command(name = "email:explain")]
    EmailExplain(email_explain::Args),
    #[command(name = "email:fetch")]
    EmailFetch(email_fetch::Args),
    #[command(name = "email:ingest")]
    EmailIngest(email_ingest::Args),
    #[command(name = "quarantine:drop")]
    QuarantineDrop(quarantine_drop::Args),
    #[command(name = "quarantine:list")]
    QuarantineList(quarantine_list::Args),
    #[command(name = "quarantine:retry")]
    QuarantineRetry(quarantine_retry::Args),
    #[command(name = "reclassify")]
    Reclassify(reclassify::Args),
    #[command(name = "review")]
    Review(review::Args),
    #[command(name = "runs:list")]
    RunsList(runs_list::Args),
    #[command(name = "sends:headers")]
    SendsHeaders(sends_headers::Args),
    #[command(name = "sends:import")]
    SendsImport(sends_import::Args),
}

impl Command {
    fn run(&self, context: &mut Context) -> Result<Exit, CliError> {
        match self {
            Self::ContactsImport(args) => contacts_import::run(context, args),
            Self::ContactsList(args) => contacts_list::run(context, args),
            Self::ContactsShow(args) => contacts_show::run(context, args),
            Self::EmailExplain(args) => email_explain::run(context, args),
            Self::EmailFetch(args) => email_fetch::run(context, args),
            Self::EmailIngest(args) => email_ingest::run(context, args),
            Self::QuarantineDrop(args) => quarantine_drop::run(context, args),
            Self::QuarantineList(args) => quarantine_list::run(context, args),
            Self::QuarantineRetry(args) => quarantine_retry::run(context, args),
            Self::Reclassify(args) => reclassify::run(context, args),
            Self::Review(args) => review::run(context, args),
            Self::RunsList(args) => runs_list::run(context, args),
            Self::SendsHeaders(args) => sends_headers::run(context, args),
            Self::SendsImport(args) => sends_import::run(context, args),
        }
    }

    /// Exit status after an error: an MTA that pipes a mail to us must keep it, whatever failed.
    fn failed(&self, exit: Exit) -> Exit {
        match self {
            Self::EmailIngest(args) if args.is_pipe() => Exit::TemporaryFailure,
            _ => exit,
        }
    }
}

/// Runs the command line `args` (the program's name first).
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is no error of the reader of --help.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() {
                Exit::Usage.code()
            } else {
                0
            });
        }
    };
    start_log(&cli.global);
    match Context::new(&cli.global).and_then(|mut context| cli.command.run(&mut context)) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            let _ = write!(std::io::stderr(), "{error}");
            ExitCode::from(cli.command.failed(error.exit).code())
        }
    }
}

fn start_log(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    let mut builder =
        env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(level));
    builder.format(|out, record| {
        let text = listing::printable(&record.args().to_string());
        writeln!(out, "{}: {text}", record.level().as_str().to_lowercase())
    });
    builder.init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
