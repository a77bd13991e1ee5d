//! `doctor`: every part that can be set up wrongly, looked at in the order in which it matters.

mod addressing;
mod database;
mod finding;
mod mailbox;
mod provider;
mod settings;

use std::{io::Write as _, time::Duration};

use bouncekit_core::config::{Connection, Mailbox};
use finding::{Finding, Severity};
use serde_json::json;

use super::{
    CliError, Context, Exit,
    email_fetch::chosen,
    is_dead,
    listing::{Shape, printable},
};

/// Look at everything that can be set up wrongly, and say what mends it
///
/// Exit status: 0 nothing worse than a note, 1 warnings or errors, 2 the configuration is unusable,
/// 3 a mailbox could not be reached or logged in to. Nothing is changed without --fix.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Take others' rights from files with secrets, free the leases of dead processes, migrate the
    /// database
    #[arg(long)]
    fix: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
    /// Only this mailbox of the configuration; may be repeated
    #[arg(long, value_name = "NAME")]
    mailbox: Vec<String>,
    /// Print a mail to a return address with a token of its own, to be sent by the way your
    /// campaigns leave [default: to verp.return_address]
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["find_test", "fix"])]
    send_test: Option<String>,
    /// Search all folders for the mail of --send-test; say what the servers did to its address
    #[arg(long, value_name = "TOKEN", value_parser = token, conflicts_with = "fix")]
    find_test: Option<String>,
}

/// The token of a test mail.
fn token(text: &str) -> Result<String, String> {
    let fits = (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| text.to_ascii_lowercase())
        .ok_or_else(|| "it is what --send-test printed: letters and digits".into())
}

/// Findings about one thing.
struct Group {
    about: String,
    findings: Vec<Finding>,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    if let Some(address) = &args.send_test {
        return addressing::send_test(context, address, args.format);
    }
    let mailboxes = if context.config.mailbox.is_empty() && args.mailbox.is_empty() {
        Vec::new()
    } else {
        chosen(context, &args.mailbox)?
    };
    let groups = if let Some(token) = &args.find_test {
        if mailboxes.is_empty() {
            return Err(CliError::usage("no mailbox is configured")
                .hint("add a [[mailbox]] to the configuration, see config.example.toml"));
        }
        vec![group(
            "round trip",
            addressing::find_test(context, &mailboxes, token),
        )]
    } else {
        examine(context, args.fix, &mailboxes)
    };
    show(&groups, args.format)?;
    Ok(exit(&groups))
}

fn group(about: impl Into<String>, findings: Vec<Finding>) -> Group {
    Group {
        about: about.into(),
        findings,
    }
}

fn examine(context: &Context, fix: bool, mailboxes: &[Mailbox]) -> Vec<Group> {
    let mut configuration = settings::configuration(context, fix);
    configuration.extend(settings::secrets(context, fix));
    configuration.extend(settings::spool(&context.config.webhook.spool, fix));
    let (mut database, store) = database::open(context, fix);
    if let Some(mut store) = store {
        database.extend(database::examine(context, &mut store, fix));
        match database::silence(context, &mut store) {
            Ok(found) => database.extend(found),
            Err(error) => database.push(Finding::failed("sources", &error)),
        }
    }
    let mut groups = vec![
        group("configuration", configuration),
        group("return addresses", settings::return_addresses(context)),
        group("database", database),
    ];
    for mailbox in mailboxes {
        let about = format!("mailbox `{}`", mailbox.name);
        groups.push(group(about, mailbox::examine(mailbox, context.now)));
    }
    groups.push(group("webhooks", provider::examine(context)));
    groups.retain(|group| !group.findings.is_empty());
    groups
}

/// The connection with a limit that suits somebody who waits for the answer.
fn bounded(connection: &Connection) -> Connection {
    let mut bounded = connection.clone();
    bounded.total_timeout = bounded.total_timeout.min(Duration::from_secs(120));
    bounded
}

fn count(groups: &[Group], severity: Severity) -> usize {
    let all = groups.iter().flat_map(|group| &group.findings);
    all.filter(|one| one.severity == severity).count()
}

fn exit(groups: &[Group]) -> Exit {
    let mut all = groups.iter().flat_map(|group| &group.findings);
    if all.clone().any(|one| one.unreachable) {
        Exit::Unreachable
    } else if all.any(|one| one.severity >= Severity::Warning) {
        Exit::SomeFailed
    } else {
        Exit::Done
    }
}

fn show(groups: &[Group], shape: Shape) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    if shape == Shape::Json {
        let groups: Vec<_> = groups
            .iter()
            .map(|group| json!({"about": group.about, "findings": group.findings}))
            .collect();
        let text = format!("{:#}", json!({"groups": groups}));
        writeln!(out, "{}", super::listing::json_text(&text))?;
        return Ok(());
    }
    for group in groups {
        writeln!(out, "{}", printable(&group.about))?;
        for one in &group.findings {
            let (severity, what) = (one.severity.name(), printable(&one.what));
            writeln!(out, "  {severity:<8} {what}: {}", printable(&one.found))?;
            if let Some(mend) = &one.mend {
                writeln!(out, "           -> {}", printable(mend))?;
            }
        }
    }
    writeln!(
        out,
        "{} ok, {} notes, {} warnings, {} errors",
        count(groups, Severity::Ok),
        count(groups, Severity::Note),
        count(groups, Severity::Warning),
        count(groups, Severity::Error)
    )?;
    Ok(())
}
