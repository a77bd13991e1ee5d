use std::io::Write as _;

use bouncekit_core::{
    event::EventKind,
    review::{Group, Groups},
    store::EventRow,
    time::Timestamp,
};
use data_encoding::HEXLOWER;

use super::{
    CliError, Context, Exit,
    column::{self, Column},
    listing::{Format, Listing, printable},
    reclassify::since,
};

/// Group what nothing decided by what it says, and propose a rule for each group
///
/// Mails that nothing recognised are read from the archive, bounces that no rule matched from
/// their diagnostics. A proposed rule is for the `rules_file`, once its reason is filled in;
/// `reclassify` then shows what it changes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only what came since: a date, a time (RFC 3339), or a span as 30d before now
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// At most so many groups, the largest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) const COLUMNS: &[Column] = &[
    column::number("count", "events of the group"),
    column::text(
        "kind",
        "unrecognised (mail) or bounce (that no rule decided)",
    ),
    column::time("latest", "when the latest came"),
    column::text("event", "the id of one of them"),
    column::text("text", "what they have in common"),
    column::text("sample", "what that one says"),
    column::optional("rule", "a rule for the rules_file, in TOML"),
];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let from = args
        .since
        .as_deref()
        .map_or(Ok(Timestamp(0)), |text| since(text, context.now))?;
    let store = context.store()?;
    let mut groups = Groups::default();
    store.for_each_undecided(from, |event: EventRow| {
        let raw = match (event.kind, event.content) {
            (EventKind::Unrecognised, Some(key)) => store.raw_message(key)?,
            _ => None,
        };
        groups.add(&event, raw.as_deref());
        Ok::<_, CliError>(())
    })?;
    let (groups, rest) = groups.into_sorted();
    let shown = &groups[..args.limit.min(groups.len())];
    if args.format == Format::Text {
        text(shown, groups.len(), rest)?;
    } else {
        let mut listing = Listing::new(args.format, COLUMNS)?;
        for group in shown {
            listing.row(cells(group))?;
        }
        listing.end()?;
    }
    Ok(Exit::Done)
}

fn kind(group: &Group) -> &'static str {
    if group.kind == EventKind::Unrecognised {
        "mail that nothing recognised"
    } else {
        "bounce that no rule decided"
    }
}

fn cells(group: &Group) -> Vec<String> {
    vec![
        group.count.to_string(),
        group.kind.name().into(),
        group.latest.to_string(),
        HEXLOWER.encode(&group.event.0),
        group.text.clone(),
        group.sample.clone(),
        group.proposal().unwrap_or_default(),
    ]
}

fn text(shown: &[Group], all: usize, rest: u64) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    for group in shown {
        let id = HEXLOWER.encode(&group.event.0[..4]);
        let times = if group.count == 1 { "time" } else { "times" };
        writeln!(
            out,
            "{} {times}, latest {}: {}",
            group.count,
            group.latest,
            kind(group)
        )?;
        writeln!(out, "  text    {}", printable(&group.text))?;
        writeln!(out, "  sample  {} (event {id})", printable(&group.sample))?;
        match group.proposal() {
            Some(rule) => {
                for line in rule.lines().filter(|line| !line.is_empty()) {
                    writeln!(out, "    {}", printable(line))?;
                }
            }
            None => writeln!(out, "    too few words in common for a rule")?,
        }
        writeln!(out)?;
    }
    let more = all - shown.len();
    let mut line = format!("{all} groups");
    if more > 0 {
        line += &format!(", {more} not shown (--limit)");
    }
    if rest > 0 {
        line += &format!("; {rest} more in smaller groups");
    }
    writeln!(out, "{line}")?;
    Ok(())
}
