use std::{collections::BTreeMap, io::Write as _};

use bouncekit_core::classify::Condition;
use serde_json::json;

use super::{
    CliError, Context, Exit,
    column::{self, Column, Holds},
    listing::{Format, Listing},
};

/// List the rules of classification in their order, own ones first, with how often each decided
///
/// The first rule whose conditions all hold decides. The counts are those of the event table and
/// stay empty without a database; ids that no rule of today has stand at the end.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) const COLUMNS: &[Column] = &[
    column::text("rule", "its id"),
    column::optional(
        "reason",
        "what it decides; nothing for ids that no rule of today has",
    ),
    column::optional("fault", "whose it is"),
    column::optional("permanence", "hard or soft"),
    column::column(
        "hits",
        Holds::OptionalNumber,
        "events it decided; nothing without a database",
    ),
    column::optional("conditions", "what it asks"),
];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut hits = hits(context)?;
    let counted = hits.is_some();
    let rules = context.rules()?;
    let mut count = |rule: &str| {
        let taken = hits.as_mut().map(|hits| hits.remove(rule));
        taken.map(Option::unwrap_or_default)
    };
    if args.format == Format::Json {
        let mut out = std::io::stdout().lock();
        for rule in rules.conditions() {
            writeln!(out, "{}", object(rule, count(&rule.id)))?;
        }
        for (rule, hits) in hits.unwrap_or_default() {
            writeln!(out, "{}", json!({"rule": rule, "hits": hits}))?;
        }
        return Ok(Exit::Done);
    }
    let whole = args.format == Format::Csv;
    let mut listing = Listing::new(args.format, COLUMNS)?;
    for rule in rules.conditions() {
        let hits = count(&rule.id).filter(|_| counted);
        listing.row(vec![
            rule.id.clone(),
            rule.reason.name().to_owned(),
            rule.reason.fault().name().to_owned(),
            rule.usual_permanence().name().to_owned(),
            hits.map(|hits| hits.to_string()).unwrap_or_default(),
            conditions(rule, whole),
        ])?;
    }
    for (rule, hits) in hits.unwrap_or_default() {
        let mut row = vec![String::new(); COLUMNS.len()];
        row[0] = rule;
        row[4] = hits.to_string();
        listing.row(row)?;
    }
    listing.end()?;
    Ok(Exit::Done)
}

/// Per rule id; nothing where there is no database. None is made to be asked.
fn hits(context: &Context) -> Result<Option<BTreeMap<String, u64>>, CliError> {
    if context.store_url().is_none() && !context.config.store.path.is_file() {
        return Ok(None);
    }
    let hits = context.store()?.statistics()?.rule_hits()?;
    Ok(Some(hits.into_iter().collect()))
}

/// The lists of a rule by name, as the file of own rules has them.
fn lists(rule: &Condition) -> [(&'static str, Vec<String>); 5] {
    [
        (
            "status",
            rule.status.iter().map(ToString::to_string).collect(),
        ),
        (
            "reply",
            rule.reply.iter().map(ToString::to_string).collect(),
        ),
        ("hosts", rule.hosts.clone()),
        ("phrases", rule.phrases.clone()),
        ("also", rule.also.clone()),
    ]
}

/// As one line; of long lists the beginning, unless all is asked for.
fn conditions(rule: &Condition, whole: bool) -> String {
    const SHOWN: usize = 3;
    let filled = lists(rule).into_iter().filter(|(_, list)| !list.is_empty());
    let texts = filled.map(|(name, list)| {
        if whole || list.len() <= SHOWN + 1 {
            return format!("{name}: {}", list.join(", "));
        }
        let more = list.len() - SHOWN;
        format!("{name}: {}, +{more}", list[..SHOWN].join(", "))
    });
    texts.collect::<Vec<_>>().join("; ")
}

fn object(rule: &Condition, hits: Option<u64>) -> serde_json::Value {
    let mut object = json!({
        "rule": rule.id,
        "reason": rule.reason.name(),
        "fault": rule.reason.fault().name(),
        "permanence": rule.usual_permanence().name(),
        "hits": hits,
    });
    for (name, list) in lists(rule) {
        object[name] = json!(list);
    }
    object
}
