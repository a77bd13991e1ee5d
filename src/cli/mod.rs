//! The command line: one file a subcommand, registered here by three alphabetical lines.

mod contacts_import;
mod contacts_list;
mod contacts_show;
mod context;
mod demo;
mod dnc_add;
mod dnc_export;
mod dnc_import;
mod dnc_list;
mod dnc_release;
mod email_explain;
mod email_fetch;
mod error;
mod exchange;
mod hooks;
mod hooks_deliver;
mod hooks_list;
mod import;
mod listing;
mod policy_test;
mod runs_list;
mod runs_show;
mod runs_undo;
mod selection;
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
3 a source could not be reached or logged in to, 4 another run holds the lock.";

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
    Demo(demo::Args),
    #[command(name = "dnc:add")]
    DncAdd(dnc_add::Args),
    #[command(name = "dnc:export")]
    DncExport(dnc_export::Args),
    #[command(name = "dnc:import")]
    DncImport(dnc_import::Args),
    #[command(name = "dnc:list")]
    DncList(dnc_list::Args),
    #[command(name = "dnc:release")]
    DncRelease(dnc_release::Args),
    #[command(name = "email:explain")]
    EmailExplain(email_explain::Args),
    #[command(name = "email:fetch")]
    EmailFetch(email_fetch::Args),
    #[command(name = "hooks:deliver")]
    HooksDeliver(hooks_deliver::Args),
    #[command(name = "hooks:list")]
    HooksList(hooks_list::Args),
    #[command(name = "policy:test")]
    PolicyTest(policy_test::Args),
    #[command(name = "runs:list")]
    RunsList(runs_list::Args),
    #[command(name = "runs:show")]
    RunsShow(runs_show::Args),
    #[command(name = "runs:undo")]
    RunsUndo(runs_undo::Args),
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
            Self::Demo(args) => demo::run(context, args),
            Self::DncAdd(args) => dnc_add::run(context, args),
            Self::DncExport(args) => dnc_export::run(context, args),
            Self::DncImport(args) => dnc_import::run(context, args),
            Self::DncList(args) => dnc_list::run(context, args),
            Self::DncRelease(args) => dnc_release::run(context, args),
            Self::EmailExplain(args) => email_explain::run(context, args),
            Self::EmailFetch(args) => email_fetch::run(context, args),
            Self::HooksDeliver(args) => hooks_deliver::run(context, args),
            Self::HooksList(args) => hooks_list::run(context, args),
            Self::PolicyTest(args) => policy_test::run(context, args),
            Self::RunsList(args) => runs_list::run(context, args),
            Self::RunsShow(args) => runs_show::run(context, args),
            Self::RunsUndo(args) => runs_undo::run(context, args),
            Self::SendsHeaders(args) => sends_headers::run(context, args),
            Self::SendsImport(args) => sends_import::run(context, args),
        }
    }
}

/// Reads a command line, the program's name first.
fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(args)
}

/// Runs the command line `args` (the program's name first).
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match parse(args) {
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
    let ran = Context::new(&cli.global).and_then(|mut context| {
        let ran = cli.command.run(&mut context);
        // Also after a failure: what was committed before it is to be told.
        if context.wrote() && !context.config.hooks.on_suppress.is_empty() {
            hooks::after(&context);
        }
        ran
    });
    match ran {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            let _ = write!(std::io::stderr(), "{error}");
            ExitCode::from(error.exit.code())
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
