use std::{io::Write as _, path::PathBuf};

use bouncekit_core::{
    report::{self, Question, Report},
    suppression::duration,
    time::DAY,
};

use super::{
    CliError, Context, Exit,
    listing::{json_text, printable},
};

/// Report what came back: for the terminal, as one HTML page, or as JSON
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The period up to now
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = days)]
    since: u32,
    /// Only this campaign e-mail
    #[arg(long, value_name = "ID")]
    campaign: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Write to this file, as a whole or not at all
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print only what is beyond the limits of [alarms], and exit with 1 if anything is
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum ReportFormat {
    /// Tables and sparklines
    #[default]
    Text,
    /// One self-contained page
    Html,
    Json,
}

/// Whole days of a span, at least one.
fn days(text: &str) -> Result<u32, String> {
    let span = duration(text)?;
    u32::try_from(span.div_euclid(DAY))
        .ok()
        .filter(|days| (1..=3660).contains(days))
        .ok_or_else(|| format!("`{text}` is not between 1d and 3660d"))
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut store = context.store()?;
    let limits = &context.config.alarms;
    let report = Report::of(
        &mut store,
        Question {
            now: context.now,
            days: args.since,
            campaign: args.campaign.as_deref(),
            limits,
        },
    )?;
    let text = if args.check {
        alarms(&report, args.format)?
    } else {
        match args.format {
            ReportFormat::Text => lines(&report::text(&report)),
            ReportFormat::Html => lines(&report::html(&report, limits)),
            ReportFormat::Json => json(&report)?,
        }
    };
    match &args.output {
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
        Some(path) => super::output::replace(path, text.as_bytes())?,
    }
    Ok(if args.check && !report.alarms.is_empty() {
        Exit::SomeFailed
    } else {
        Exit::Done
    })
}

fn alarms(report: &Report, format: ReportFormat) -> Result<String, CliError> {
    if format == ReportFormat::Json {
        return json(&report.alarms);
    }
    let line = |alarm: &report::Alarm| {
        let text = format!("{} {}: {}", alarm.kind, alarm.about, alarm.text);
        printable(&text) + "\n"
    };
    Ok(report.alarms.iter().map(line).collect())
}

/// Diagnostics and names are other people's text; the line ends are ours.
fn lines(text: &str) -> String {
    text.lines().map(|line| printable(line) + "\n").collect()
}

fn json(value: &impl serde::Serialize) -> Result<String, CliError> {
    serde_json::to_string_pretty(value)
        .map(|text| json_text(&text).into_owned() + "\n")
        .map_err(CliError::usage)
}
