use std::{collections::BTreeMap, io::Write as _, path::PathBuf};

use bouncekit_core::{
    report::{Question, Report},
    store::{Scope, Store},
    time::Timestamp,
};

use super::{CliError, Context, Exit, output};

/// Print metrics in Prometheus' text format, for node_exporter's textfile collector
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write to this file, as a whole or not at all (its name must end in `.prom` to be collected)
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Alarms look at so many days.
const DAYS: u32 = 30;

/// The latest run of each command is looked for among so many.
const RUNS: u32 = 1000;

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut store = context.store()?;
    let mut text = Exposition::default();
    stored(&mut text, &mut store, context.now)?;
    let report = Report::of(
        &mut store,
        Question {
            now: context.now,
            days: DAYS,
            campaign: None,
            limits: &context.config.alarms,
        },
    )?;
    reported(&mut text, &report);
    match &args.output {
        None => std::io::stdout().lock().write_all(text.0.as_bytes())?,
        Some(path) => output::replace(path, text.0.as_bytes())?,
    }
    Ok(Exit::Done)
}

/// What the tables hold.
fn stored(text: &mut Exposition, store: &mut Store, now: Timestamp) -> Result<(), CliError> {
    let mut events: BTreeMap<[&str; 3], u64> = BTreeMap::new();
    let ever = Scope {
        first: i64::MIN,
        last: i64::MAX,
        campaign: None,
    };
    for count in store.statistics()?.event_counts(ever)? {
        let reason = count.reason.map_or("", |reason| reason.name());
        let permanence = count.permanence.map_or("", |permanence| permanence.name());
        *events
            .entry([count.kind.name(), permanence, reason])
            .or_default() += count.count;
    }
    let name = "bouncekit_events_total";
    text.family(name, "counter", "Events, each counted once.");
    for ([kind, permanence, reason], count) in &events {
        let labels = [
            ("kind", *kind),
            ("permanence", permanence),
            ("reason", reason),
        ];
        text.sample(name, &labels, *count);
    }

    let name = "bouncekit_do_not_contact";
    text.family(name, "gauge", "Addresses on the list, by reason.");
    for row in store.suppressed_counts(now, Timestamp(0))? {
        let labels = [("reason", row.grounds.as_str()), ("detail", &row.detail)];
        text.sample(name, &labels, row.count);
    }

    let mut finished: BTreeMap<String, i64> = BTreeMap::new();
    for run in store.runs(RUNS)? {
        if let Some(at) = run.finished_at {
            let latest = finished.entry(run.command).or_insert(at);
            *latest = at.max(*latest);
        }
    }
    let name = "bouncekit_last_run_timestamp_seconds";
    text.family(name, "gauge", "When a command last ran to its end.");
    for (command, at) in &finished {
        text.sample(name, &[("command", command)], at.unsigned_abs() / 1000);
    }
    Ok(())
}

/// What a report makes of them.
fn reported(text: &mut Exposition, report: &Report) {
    let name = "bouncekit_segment_members";
    text.family(name, "gauge", "Members of a segment.");
    for segment in &report.segments {
        text.sample(name, &[("segment", &segment.name)], segment.members);
    }
    let name = "bouncekit_source_silent_days";
    let help = "Whole days since a mailbox or provider brought anything.";
    text.family(name, "gauge", help);
    for source in &report.sources {
        let days = source.silent_days.unsigned_abs();
        text.sample(name, &[("source", &source.source)], days);
    }
    let name = "bouncekit_alarms";
    text.family(name, "gauge", "What is beyond its limit.");
    for alarm in &report.alarms {
        let labels = [("kind", alarm.kind), ("about", &alarm.about)];
        text.sample(name, &labels, 1);
    }
}

/// Prometheus' text format, version 0.0.4.
#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.0 += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        self.0 += &format!("{name}{{{}}} {value}\n", labels.join(","));
    }
}

/// A label's value; names of segments and campaigns are other people's text.
fn escaped(value: &str) -> String {
    super::listing::printable(&value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_out() {
        let mut text = Exposition::default();
        text.sample("m", &[("a", "x\"} 1\nm{b=\"\\")], 2);
        assert_eq!(text.0, "m{a=\"x\\\"} 1\\u{a}m{b=\\\"\\\\\"} 2\n");
    }
}
