//! The command line: one file a subcommand, registered here by two alphabetical lines.

mod as_cgi;
mod attempts;
mod column;
mod completions;
mod contacts_import;
mod contacts_list;
mod contacts_show;
mod context;
mod counts;
mod demo;
mod dnc_add;
mod dnc_export;
mod dnc_import;
mod dnc_list;
mod dnc_release;
mod doctor;
mod email_explain;
mod email_fetch;
mod email_ingest;
mod error;
mod exchange;
mod explanation;
mod forget;
mod hooks;
mod hooks_deliver;
mod hooks_list;
mod import;
mod install;
mod install_cron;
mod install_man;
mod install_systemd;
mod intake;
mod listing;
mod maintain;
mod metrics;
mod output;
mod policy_test;
mod quarantine_drop;
mod quarantine_list;
mod quarantine_retry;
mod reclassify;
mod report;
mod review;
mod rules_eval;
mod rules_list;
mod rules_test;
mod runs_list;
mod runs_show;
mod runs_undo;
mod schema;
mod segments;
mod segments_add;
mod segments_apply;
mod segments_create;
mod segments_delete;
mod segments_edit;
mod segments_explain;
mod segments_export;
mod segments_filters;
mod segments_list;
mod segments_publish;
mod segments_remove;
mod segments_show;
mod segments_unpublish;
mod segments_update;
mod selection;
mod sends_headers;
mod sends_import;
mod spool;
mod store_copy;
mod webhook_confirm;
mod webhook_receive;
mod webhook_replay;
mod webhook_setup;
mod webhook_test;

use std::{ffi::OsString, io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Args as _, FromArgMatches as _, Subcommand};
pub(crate) use context::{Context, holder, is_dead, read_rules};
pub(crate) use error::{CliError, Exit};

/// A command line that was read.
struct Cli {
    global: Global,
    command: Command,
}

/// The definition of the whole command line.
fn definition() -> clap::Command {
    Command::augment_subcommands(frame())
        .subcommand_required(true)
        .arg_required_else_help(true)
}

/// The definition of what all commands share.
fn frame() -> clap::Command {
    Global::augment_args(clap::Command::new("bouncekit"))
        .version(env!("CARGO_PKG_VERSION"))
        .about(
            "Close the loop on sent e-mail: bounces, complaints, unsubscribes and replies become a \
             do-not-contact list",
        )
        .max_term_width(100)
        .after_help(EXIT_STATUS)
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

/// The commands from one list: what a command line may name, and who runs it.
macro_rules! commands {
    ($($name:literal $variant:ident $module:ident,)*) => {
        #[derive(Subcommand)]
        enum Command {
            $(#[command(name = $name)] $variant($module::Args),)*
        }

        impl Command {
            fn run(&self, context: &mut Context) -> Result<Exit, CliError> {
                match self {
                    $(Self::$variant(args) => $module::run(context, args),)*
                }
            }

            /// The definition of one command; `None` where there is none of this name.
            fn definition(name: &str) -> Option<clap::Command> {
                match name {
                    $($name => Some($module::Args::augment_args(clap::Command::new($name))),)*
                    _ => None,
                }
            }
        }
    };
}

commands! {
    "completions" Completions completions,
    "contacts:import" ContactsImport contacts_import,
    "contacts:list" ContactsList contacts_list,
    "contacts:show" ContactsShow contacts_show,
    "demo" Demo demo,
    "dnc:add" DncAdd dnc_add,
    "dnc:export" DncExport dnc_export,
    "dnc:import" DncImport dnc_import,
    "dnc:list" DncList dnc_list,
    "dnc:release" DncRelease dnc_release,
    "doctor" Doctor doctor,
    "email:explain" EmailExplain email_explain,
    "email:fetch" EmailFetch email_fetch,
    "email:ingest" EmailIngest email_ingest,
    "forget" Forget forget,
    "hooks:deliver" HooksDeliver hooks_deliver,
    "hooks:list" HooksList hooks_list,
    "install:cron" InstallCron install_cron,
    "install:man" InstallMan install_man,
    "install:systemd" InstallSystemd install_systemd,
    "maintain" Maintain maintain,
    "metrics" Metrics metrics,
    "policy:test" PolicyTest policy_test,
    "quarantine:drop" QuarantineDrop quarantine_drop,
    "quarantine:list" QuarantineList quarantine_list,
    "quarantine:retry" QuarantineRetry quarantine_retry,
    "reclassify" Reclassify reclassify,
    "report" Report report,
    "review" Review review,
    "rules:eval" RulesEval rules_eval,
    "rules:list" RulesList rules_list,
    "rules:test" RulesTest rules_test,
    "runs:list" RunsList runs_list,
    "runs:show" RunsShow runs_show,
    "runs:undo" RunsUndo runs_undo,
    "schema" Schema schema,
    "segments:add" SegmentsAdd segments_add,
    "segments:apply" SegmentsApply segments_apply,
    "segments:create" SegmentsCreate segments_create,
    "segments:delete" SegmentsDelete segments_delete,
    "segments:edit" SegmentsEdit segments_edit,
    "segments:explain" SegmentsExplain segments_explain,
    "segments:export" SegmentsExport segments_export,
    "segments:filters" SegmentsFilters segments_filters,
    "segments:list" SegmentsList segments_list,
    "segments:publish" SegmentsPublish segments_publish,
    "segments:remove" SegmentsRemove segments_remove,
    "segments:show" SegmentsShow segments_show,
    "segments:unpublish" SegmentsUnpublish segments_unpublish,
    "segments:update" SegmentsUpdate segments_update,
    "sends:headers" SendsHeaders sends_headers,
    "sends:import" SendsImport sends_import,
    "store:copy" StoreCopy store_copy,
    "webhook:confirm" WebhookConfirm webhook_confirm,
    "webhook:receive" WebhookReceive webhook_receive,
    "webhook:replay" WebhookReplay webhook_replay,
    "webhook:setup" WebhookSetup webhook_setup,
    "webhook:test" WebhookTest webhook_test,
}

impl Command {
    /// Exit status after an error: an MTA that pipes a mail to us must keep it, whatever failed.
    fn failed(&self, exit: Exit) -> Exit {
        match self {
            Self::EmailIngest(args) if args.is_pipe() => Exit::TemporaryFailure,
            _ => exit,
        }
    }
}

/// Reads a command line, the program's name first.
fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    // Defining all commands takes longer than running a small one. Where this guesses the wrong one,
    // or anything is wrong, all are there to say so.
    let named = args
        .iter()
        .skip(1)
        .find_map(|arg| Command::definition(arg.to_str()?));
    if let Some(named) = named
        && let Ok(cli) = read(frame().subcommand(named), args)
    {
        return Ok(cli);
    }
    read(definition(), args)
}

fn read(definition: clap::Command, args: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = definition.try_get_matches_from(args)?;
    Ok(Cli {
        global: Global::from_arg_matches(&matches)?,
        command: Command::from_arg_matches(&matches)?,
    })
}

/// Runs the command line `args` (the program's name first).
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = as_cgi::arguments(args.into_iter().collect(), |name| std::env::var_os(name));
    let cli = match parse(&args) {
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
    let context = Context::new(&cli.global);
    if context.is_err() && matches!(cli.command, Command::WebhookReceive(_)) {
        // The other side is to try again when the configuration is mended.
        let _ = webhook_receive::unavailable();
    }
    let ran = context.and_then(|mut context| {
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
    // It tells the values of each statement: people's addresses, texts of their mails.
    builder.filter_module("tokio_postgres", log::LevelFilter::Warn);
    builder.format(|out, record| {
        let text = listing::printable(&record.args().to_string());
        writeln!(out, "{}: {text}", record.level().as_str().to_lowercase())
    });
    builder.init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        definition().debug_assert();
    }

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&args)
    }

    #[test]
    fn an_option_s_value_may_be_the_name_of_another_command() {
        let cli = parsed("bouncekit --config segments:list runs:list -v")
            .ok()
            .unwrap();
        assert!(matches!(cli.command, Command::RunsList(_)));
        assert_eq!(cli.global.config, Some(PathBuf::from("segments:list")));
        assert_eq!(cli.global.verbose, 1);
    }

    #[test]
    fn what_is_wrong_is_said_with_all_commands_known() {
        let error = parsed("bouncekit segment:list").err().unwrap().to_string();
        assert!(error.contains("'segments:list'"), "{error}");
        let error = parsed("bouncekit segments:list --formt csv").err().unwrap();
        assert!(error.to_string().contains("'--format'"), "{error}");
        let help = parsed("bouncekit --help").err().unwrap().to_string();
        assert!(help.contains("webhook:replay") && help.contains("contacts:import"));
    }
}
