use std::{collections::BTreeMap, io::Write as _};

use bouncekit_core::{
    config::{Keep, Monitor},
    fetch::Recognition,
    ingest::{Change, Effect, Occasion, Verdict},
    reclassify::{self, Counts, Reclassification},
    suppression,
    time::Timestamp,
};
use data_encoding::HEXLOWER;

use super::{
    CliError, Context, Exit,
    attempts::{self, Purpose},
    column::{self, Column},
    intake,
    listing::{Format, Listing},
};

/// Judge the archived mails again, by today's program and rules, and show what changes
///
/// Without --apply nothing is written. With it the events are corrected, and the do-not-contact
/// list follows: a row whose cause is no cause any more is taken back, what now suppresses is
/// written, what a person released stays released. It is a run of its own (runs:list), and each
/// changed event notes it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only mails that came since: a date, a time (RFC 3339), or a span as 30d before now
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Write what changes
    #[arg(long)]
    apply: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) const COLUMNS: &[Column] = &[
    column::text("event", "the beginning of its id"),
    column::time("received", "when it came"),
    column::optional("address", "who it is charged to"),
    column::optional("before", "what it said"),
    column::optional("after", "what it says today"),
    column::optional("rule_before", "the rule that said so"),
    column::optional("rule_after", "the rule that says so today"),
    column::optional(
        "do_not_contact",
        "suppressed or released, where the list follows",
    ),
];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let since = args
        .since
        .as_deref()
        .map_or(Ok(Timestamp(0)), |text| since(text, context.now))?;
    let settings = context.ingest_settings()?;
    let rules = context.rules()?;
    let (mut store, run) = if args.apply {
        context.store_and_run("reclassify")?
    } else {
        (context.store()?, 0)
    };
    let attempts = attempts::begin(context, &mut store, Purpose::of_run(!args.apply))?;
    let reading = |monitors| Recognition {
        // They are in the archive.
        keep: Keep::None,
        attempts: Some(&attempts),
        ..intake::recognition(context, rules, monitors)
    };
    let job = Reclassification {
        recognition: &reading(Monitor::ALL),
        unsubscribes: &reading(&[Monitor::Unsubscribes]),
        settings: &settings,
        occasion: Occasion {
            run,
            now: context.now,
            folder: None,
        },
        since,
        dry_run: !args.apply,
    };
    let mut listing = Listing::new(args.format, COLUMNS)?;
    let mut kinds = BTreeMap::<String, u64>::new();
    let counts = reclassify::run(&mut store, &job, |change| {
        let change_of_verdict = format!(
            "{} -> {}",
            shown(change.before.as_ref()),
            shown(change.after.as_ref())
        );
        *kinds.entry(change_of_verdict).or_default() += 1;
        listing.row(cells(change)).map_err(CliError::from)
    })?;
    let is_empty = kinds.is_empty();
    if args.format == Format::Text && is_empty {
        // A header over nothing says nothing.
        drop(listing);
    } else {
        listing.end()?;
    }
    if args.apply {
        let counts = serde_json::to_string(&counts).unwrap_or_default();
        store.finish_run(run, &counts, context.now)?;
    }
    if args.format == Format::Text {
        summary(args.apply, &kinds, &counts)?;
    }
    Ok(Exit::Done)
}

/// Reads a point in time as people write it after `--since`.
pub(crate) fn since(text: &str, now: Timestamp) -> Result<Timestamp, CliError> {
    Timestamp::parse_iso(text)
        .or_else(|| Some(Timestamp(now.0 - suppression::duration(text).ok()?)))
        .ok_or_else(|| {
            CliError::usage(format!("`{text}` is no time"))
                .hint("write 2026-01-31, 2026-01-31T12:00:00Z, or a span before now as 30d")
        })
}

fn shown(verdict: Option<&Verdict>) -> String {
    verdict.map_or_else(|| "-".into(), ToString::to_string)
}

fn cells(change: &Change) -> Vec<String> {
    let rule = |verdict: &Option<Verdict>| {
        let rule = verdict.as_ref().and_then(|verdict| verdict.rule.clone());
        rule.unwrap_or_else(|| "-".into())
    };
    vec![
        HEXLOWER.encode(&change.event.0[..4]),
        change.received_at.to_string(),
        change
            .address
            .as_ref()
            .map_or_else(|| "-".into(), ToString::to_string),
        shown(change.before.as_ref()),
        shown(change.after.as_ref()),
        rule(&change.before),
        rule(&change.after),
        match change.effect {
            Some(Effect::Suppressed) => "suppressed",
            Some(Effect::Released) => "released",
            None => "-",
        }
        .into(),
    ]
}

fn summary(applied: bool, kinds: &BTreeMap<String, u64>, counts: &Counts) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    if !kinds.is_empty() {
        writeln!(out)?;
    }
    for (what, count) in kinds {
        writeln!(out, "{count:>6}  {what}")?;
    }
    let of_those = [
        (counts.other_rule, "same verdict by another rule"),
        (counts.without_events, "without an event of their own"),
        (counts.unreadable, "unreadable"),
        (counts.suppressed, "addresses suppressed"),
        (counts.released, "addresses released"),
    ];
    let mut line = format!("{} mails: {} changed", counts.mails, counts.changed);
    for (count, what) in of_those.into_iter().filter(|(count, _)| *count > 0) {
        line += &format!(", {count} {what}");
    }
    let hint = match (applied, counts.changed + counts.other_rule) {
        (false, 1..) => "; nothing was written: --apply writes it",
        _ => "",
    };
    writeln!(out, "{line}{hint}")?;
    Ok(())
}
