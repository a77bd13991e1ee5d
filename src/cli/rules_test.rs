use std::path::PathBuf;

use bouncekit_core::classify::Rules;

use super::{
    CliError, Context, Exit,
    column::{self, Column},
    listing::{Format, Listing},
    read_rules,
};

/// Run the samples of own rules, and show which built-in rule would have decided
///
/// A sample must be decided by its own rule and by none before it. Exit status 1 if one is not, or
/// if a rule has no sample.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file of `[[rules]]` [default: `rules_file` of the configuration]
    file: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) const COLUMNS: &[Column] = &[
    column::number("line", "where it stands in the file"),
    column::text("rule", "its id"),
    column::text("result", "ok, failed, or no sample"),
    column::optional("decided_by", "the rule that decides its sample"),
    column::optional("reason", "what that says"),
    column::optional("matched", "the words it found"),
    column::optional(
        "built_in_rule",
        "the rule that would decide without own ones",
    ),
    column::optional("built_in_reason", "what that says"),
];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let path = args
        .file
        .as_ref()
        .or(context.config.rules_file.as_ref())
        .ok_or_else(|| {
            CliError::usage("no file of rules is given")
                .hint("name one, or set `rules_file` in the configuration")
        })?;
    let own = read_rules(path)?;
    let rules = Rules::new(own.iter().map(|rule| rule.condition.clone()).collect());
    let mut listing = Listing::new(args.format, COLUMNS)?;
    let mut exit = Exit::Done;
    for rule in &own {
        let id = &rule.condition.id;
        let mut row = vec![rule.line.to_string(), id.clone()];
        if let Some(sample) = &rule.sample {
            let found = rules.explain(&sample.diagnostics());
            let built_in = Rules::builtin().classify(&sample.diagnostics());
            let passed = found.classification.rule == *id;
            row.extend([
                if passed { "ok" } else { "failed" }.to_owned(),
                found.classification.rule,
                found.classification.reason.name().to_owned(),
                found.matched,
                built_in.rule,
                built_in.reason.name().to_owned(),
            ]);
            if !passed {
                exit = Exit::SomeFailed;
            }
        } else {
            row.push("no sample".into());
            row.resize(COLUMNS.len(), String::new());
            exit = Exit::SomeFailed;
        }
        listing.row(row)?;
    }
    listing.end()?;
    Ok(exit)
}
