//! The command line: one file a subcommand, registered here by three alphabetical lines.

mod as_cgi;
mod attempts;
mod column;
mod completions;
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

use clap::{Parser, Subcommand};
pub(crate) use context::{Context, holder, is_dead, read_rules};
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
    Completions(completions::Args),
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
    Doctor(doctor::Args),
    #[command(name = "email:explain")]
    EmailExplain(email_explain::Args),
    #[command(name = "email:fetch")]
    EmailFetch(email_fetch::Args),
    #[command(name = "email:ingest")]
    EmailIngest(email_ingest::Args),
    Forget(forget::Args),
    #[command(name = "hooks:deliver")]
    HooksDeliver(hooks_deliver::Args),
    #[command(name = "hooks:list")]
    HooksList(hooks_list::Args),
    #[command(name = "install:cron")]
    InstallCron(install_cron::Args),
    #[command(name = "install:man")]
    InstallMan(install_man::Args),
    #[command(name = "install:systemd")]
    InstallSystemd(install_systemd::Args),
    Maintain(maintain::Args),
    Metrics(metrics::Args),
    #[command(name = "policy:test")]
    PolicyTest(policy_test::Args),
    #[command(name = "quarantine:drop")]
    QuarantineDrop(quarantine_drop::Args),
    #[command(name = "quarantine:list")]
    QuarantineList(quarantine_list::Args),
    #[command(name = "quarantine:retry")]
    QuarantineRetry(quarantine_retry::Args),
    #[command(name = "reclassify")]
    Reclassify(reclassify::Args),
    Report(report::Args),
    #[command(name = "review")]
    Review(review::Args),
    #[command(name = "rules:eval")]
    RulesEval(rules_eval::Args),
    #[command(name = "rules:list")]
    RulesList(rules_list::Args),
    #[command(name = "rules:test")]
    RulesTest(rules_test::Args),
    #[command(name = "runs:list")]
    RunsList(runs_list::Args),
    #[command(name = "runs:show")]
    RunsShow(runs_show::Args),
    #[command(name = "runs:undo")]
    RunsUndo(runs_undo::Args),
    Schema(schema::Args),
    #[command(name = "segments:add")]
    SegmentsAdd(segments_add::Args),
    #[command(name = "segments:apply")]
    SegmentsApply(segments_apply::Args),
    #[command(name = "segments:create")]
    SegmentsCreate(segments_create::Args),
    #[command(name = "segments:delete")]
    SegmentsDelete(segments_delete::Args),
    #[command(name = "segments:edit")]
    SegmentsEdit(segments_edit::Args),
    #[command(name = "segments:explain")]
    SegmentsExplain(segments_explain::Args),
    #[command(name = "segments:export")]
    SegmentsExport(segments_export::Args),
    #[command(name = "segments:filters")]
    SegmentsFilters(segments_filters::Args),
    #[command(name = "segments:list")]
    SegmentsList(segments_list::Args),
    #[command(name = "segments:publish")]
    SegmentsPublish(segments_publish::Args),
    #[command(name = "segments:remove")]
    SegmentsRemove(segments_remove::Args),
    #[command(name = "segments:show")]
    SegmentsShow(segments_show::Args),
    #[command(name = "segments:unpublish")]
    SegmentsUnpublish(segments_unpublish::Args),
    #[command(name = "segments:update")]
    SegmentsUpdate(segments_update::Args),
    #[command(name = "sends:headers")]
    SendsHeaders(sends_headers::Args),
    #[command(name = "sends:import")]
    SendsImport(sends_import::Args),
    #[command(name = "store:copy")]
    StoreCopy(store_copy::Args),
    #[command(name = "webhook:confirm")]
    WebhookConfirm(webhook_confirm::Args),
    #[command(name = "webhook:receive")]
    WebhookReceive(webhook_receive::Args),
    #[command(name = "webhook:replay")]
    WebhookReplay(webhook_replay::Args),
    #[command(name = "webhook:setup")]
    WebhookSetup(webhook_setup::Args),
    #[command(name = "webhook:test")]
    WebhookTest(webhook_test::Args),
}

impl Command {
    fn run(&self, context: &mut Context) -> Result<Exit, CliError> {
        match self {
            Self::Completions(args) => completions::run(context, args),
            Self::ContactsImport(args) => contacts_import::run(context, args),
            Self::ContactsList(args) => contacts_list::run(context, args),
            Self::ContactsShow(args) => contacts_show::run(context, args),
            Self::Demo(args) => demo::run(context, args),
            Self::DncAdd(args) => dnc_add::run(context, args),
            Self::DncExport(args) => dnc_export::run(context, args),
            Self::DncImport(args) => dnc_import::run(context, args),
            Self::DncList(args) => dnc_list::run(context, args),
            Self::DncRelease(args) => dnc_release::run(context, args),
            Self::Doctor(args) => doctor::run(context, args),
            Self::EmailExplain(args) => email_explain::run(context, args),
            Self::EmailFetch(args) => email_fetch::run(context, args),
            Self::EmailIngest(args) => email_ingest::run(context, args),
            Self::Forget(args) => forget::run(context, args),
            Self::HooksDeliver(args) => hooks_deliver::run(context, args),
            Self::HooksList(args) => hooks_list::run(context, args),
            Self::InstallCron(args) => install_cron::run(context, args),
            Self::InstallMan(args) => install_man::run(context, args),
            Self::InstallSystemd(args) => install_systemd::run(context, args),
            Self::Maintain(args) => maintain::run(context, args),
            Self::Metrics(args) => metrics::run(context, args),
            Self::PolicyTest(args) => policy_test::run(context, args),
            Self::QuarantineDrop(args) => quarantine_drop::run(context, args),
            Self::QuarantineList(args) => quarantine_list::run(context, args),
            Self::QuarantineRetry(args) => quarantine_retry::run(context, args),
            Self::Reclassify(args) => reclassify::run(context, args),
            Self::Report(args) => report::run(context, args),
            Self::Review(args) => review::run(context, args),
            Self::RulesEval(args) => rules_eval::run(context, args),
            Self::RulesList(args) => rules_list::run(context, args),
            Self::RulesTest(args) => rules_test::run(context, args),
            Self::RunsList(args) => runs_list::run(context, args),
            Self::RunsShow(args) => runs_show::run(context, args),
            Self::RunsUndo(args) => runs_undo::run(context, args),
            Self::Schema(args) => schema::run(context, args),
            Self::SegmentsAdd(args) => segments_add::run(context, args),
            Self::SegmentsApply(args) => segments_apply::run(context, args),
            Self::SegmentsCreate(args) => segments_create::run(context, args),
            Self::SegmentsDelete(args) => segments_delete::run(context, args),
            Self::SegmentsEdit(args) => segments_edit::run(context, args),
            Self::SegmentsExplain(args) => segments_explain::run(context, args),
            Self::SegmentsExport(args) => segments_export::run(context, args),
            Self::SegmentsFilters(args) => segments_filters::run(context, args),
            Self::SegmentsList(args) => segments_list::run(context, args),
            Self::SegmentsPublish(args) => segments_publish::run(context, args),
            Self::SegmentsRemove(args) => segments_remove::run(context, args),
            Self::SegmentsShow(args) => segments_show::run(context, args),
            Self::SegmentsUnpublish(args) => segments_unpublish::run(context, args),
            Self::SegmentsUpdate(args) => segments_update::run(context, args),
            Self::SendsHeaders(args) => sends_headers::run(context, args),
            Self::SendsImport(args) => sends_import::run(context, args),
            Self::StoreCopy(args) => store_copy::run(context, args),
            Self::WebhookConfirm(args) => webhook_confirm::run(context, args),
            Self::WebhookReceive(args) => webhook_receive::run(context, args),
            Self::WebhookReplay(args) => webhook_replay::run(context, args),
            Self::WebhookSetup(args) => webhook_setup::run(context, args),
            Self::WebhookTest(args) => webhook_test::run(context, args),
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

/// Reads a command line, the program's name first.
fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(args)
}

/// Runs the command line `args` (the program's name first).
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = as_cgi::arguments(args.into_iter().collect(), |name| std::env::var_os(name));
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
