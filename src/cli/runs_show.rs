use std::io::Write as _;

use bouncekit_core::{
    store::{Run, Store},
    time::Timestamp,
};
use serde_json::json;

use super::{
    CliError, Context, Exit,
    listing::{Shape, printable},
};

/// Show one run: what it counted, recorded, put on the do-not-contact list and took off it
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its number, see runs:list
    run: i64,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

/// The run of this number.
pub(crate) fn find(store: &Store, id: i64) -> Result<Run, CliError> {
    store.run(id)?.ok_or_else(|| {
        CliError::usage(format!("there is no run {id}")).hint("runs:list shows them")
    })
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let store = context.store()?;
    let run = find(&store, args.run)?;
    let traces = store.run_traces(args.run)?;
    let at = |at: Option<i64>| at.map(|at| Timestamp(at).to_string());
    let mut out = std::io::stdout().lock();
    if args.format == Shape::Json {
        let accounting: serde_json::Value =
            serde_json::from_str(&run.accounting).unwrap_or_default();
        let counts = |counts: &[(String, u64)]| -> serde_json::Map<String, serde_json::Value> {
            let each = counts
                .iter()
                .map(|(name, count)| (name.clone(), (*count).into()));
            each.collect()
        };
        let value = json!({
            "run": run.id, "command": run.command, "host": run.host, "pid": run.pid,
            "started": at(Some(run.started_at)), "finished": at(run.finished_at), "undone": at(run.undone_at),
            "accounting": accounting, "events": counts(&traces.events), "listed": counts(&traces.listed),
            "released": counts(&traces.released),
        });
        writeln!(out, "{}", super::listing::json_text(&format!("{value:#}")))?;
        return Ok(Exit::Done);
    }
    let mut line = |name: &str, value: &str| -> Result<(), CliError> {
        writeln!(out, "{name:<11} {}", printable(value))?;
        Ok(())
    };
    line("run", &run.id.to_string())?;
    line("command", &run.command)?;
    line("host", &format!("{}, process {}", run.host, run.pid))?;
    line("started", &Timestamp(run.started_at).to_string())?;
    let unfinished = "not finished (still at work, or ended by force)";
    line(
        "finished",
        at(run.finished_at).as_deref().unwrap_or(unfinished),
    )?;
    if let Some(undone) = at(run.undone_at) {
        line("undone", &format!("{undone}: its events count for nothing"))?;
    }
    line("accounting", &run.accounting)?;
    for (name, counts) in [
        ("events", &traces.events),
        ("listed", &traces.listed),
        ("released", &traces.released),
    ] {
        let counts: Vec<String> = counts
            .iter()
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        let none = String::from("none");
        for (index, count) in counts
            .iter()
            .chain(counts.is_empty().then_some(&none))
            .enumerate()
        {
            line(if index == 0 { name } else { "" }, count)?;
        }
    }
    Ok(Exit::Done)
}
