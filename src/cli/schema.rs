use std::io::Write as _;

use serde_json::{Value, json};

use super::{
    CliError, Context, Exit,
    column::{self, Column},
};

/// Print the JSON Schema of what a command writes with --format json
///
/// Lists are one JSON object a line: the schema is that of a line. Everything else is one document.
/// Without COMMAND the commands that have one are named.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// As `dnc:list`
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// How a command's JSON is described.
enum Described {
    /// A list with these columns.
    Columns(&'static [Column]),
    /// The schema itself, of each line or of the whole.
    Line(&'static str),
    Document(&'static str),
}

/// What some commands counted; others' schemas refer to it.
const ACCOUNTING: &str = include_str!("schema/accounting.json");

const SCHEMAS: &[(&str, Described)] = &[
    (
        "contacts:import",
        Described::Document(include_str!("schema/import.json")),
    ),
    (
        "contacts:list",
        Described::Columns(super::contacts_list::COLUMNS),
    ),
    (
        "contacts:show",
        Described::Document(include_str!("schema/contacts_show.json")),
    ),
    ("dnc:add", Described::Columns(super::dnc_add::COLUMNS)),
    (
        "dnc:import",
        Described::Document(include_str!("schema/import.json")),
    ),
    ("dnc:list", Described::Columns(super::selection::COLUMNS)),
    ("dnc:release", Described::Columns(super::selection::COLUMNS)),
    (
        "doctor",
        Described::Document(include_str!("schema/doctor.json")),
    ),
    (
        "email:explain",
        Described::Document(include_str!("schema/email_explain.json")),
    ),
    (
        "email:fetch",
        Described::Document(include_str!("schema/email_fetch.json")),
    ),
    (
        "email:ingest",
        Described::Document(include_str!("schema/email_ingest.json")),
    ),
    (
        "forget",
        Described::Document(include_str!("schema/forget.json")),
    ),
    (
        "hooks:deliver",
        Described::Document(include_str!("schema/hooks_deliver.json")),
    ),
    ("hooks:list", Described::Columns(super::hooks_list::COLUMNS)),
    (
        "maintain",
        Described::Document(include_str!("schema/maintain.json")),
    ),
    (
        "policy:test",
        Described::Columns(super::policy_test::COLUMNS),
    ),
    (
        "quarantine:drop",
        Described::Columns(super::quarantine_list::OUTCOMES),
    ),
    (
        "quarantine:list",
        Described::Columns(super::quarantine_list::COLUMNS),
    ),
    (
        "quarantine:retry",
        Described::Columns(super::quarantine_list::OUTCOMES),
    ),
    ("reclassify", Described::Columns(super::reclassify::COLUMNS)),
    (
        "report",
        Described::Document(include_str!("schema/report.json")),
    ),
    ("review", Described::Columns(super::review::COLUMNS)),
    (
        "rules:eval",
        Described::Document(include_str!("schema/rules_eval.json")),
    ),
    (
        "rules:list",
        Described::Line(include_str!("schema/rules_list.json")),
    ),
    ("rules:test", Described::Columns(super::rules_test::COLUMNS)),
    ("runs:list", Described::Columns(super::runs_list::COLUMNS)),
    (
        "runs:show",
        Described::Document(include_str!("schema/runs_show.json")),
    ),
    ("runs:undo", Described::Columns(super::runs_undo::COLUMNS)),
    (
        "segments:add",
        Described::Document(include_str!("schema/segments_by_hand.json")),
    ),
    (
        "segments:apply",
        Described::Columns(super::segments::CHANGES),
    ),
    (
        "segments:create",
        Described::Columns(super::segments::CHANGES),
    ),
    (
        "segments:delete",
        Described::Columns(super::segments::CHANGES),
    ),
    (
        "segments:edit",
        Described::Columns(super::segments::CHANGES),
    ),
    (
        "segments:explain",
        Described::Document(include_str!("schema/segments_explain.json")),
    ),
    (
        "segments:export",
        Described::Line(include_str!("schema/segments_export.json")),
    ),
    (
        "segments:filters",
        Described::Columns(super::segments_filters::COLUMNS),
    ),
    (
        "segments:list",
        Described::Columns(super::segments_list::COLUMNS),
    ),
    (
        "segments:publish",
        Described::Columns(super::segments::CHANGES),
    ),
    (
        "segments:remove",
        Described::Document(include_str!("schema/segments_by_hand.json")),
    ),
    (
        "segments:show",
        Described::Columns(super::segments_show::COLUMNS),
    ),
    (
        "segments:unpublish",
        Described::Columns(super::segments::CHANGES),
    ),
    (
        "segments:update",
        Described::Document(include_str!("schema/segments_update.json")),
    ),
    (
        "sends:headers",
        Described::Document(include_str!("schema/sends_headers.json")),
    ),
    (
        "sends:import",
        Described::Document(include_str!("schema/import.json")),
    ),
    (
        "store:copy",
        Described::Document(include_str!("schema/store_copy.json")),
    ),
    (
        "webhook:replay",
        Described::Document(include_str!("schema/webhook_replay.json")),
    ),
    (
        "webhook:replay --format accounting",
        Described::Document(ACCOUNTING),
    ),
];

pub(crate) fn run(_: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut out = std::io::stdout().lock();
    let Some(command) = &args.command else {
        for (name, _) in SCHEMAS {
            writeln!(out, "{name}")?;
        }
        return Ok(Exit::Done);
    };
    let (name, described) = SCHEMAS
        .iter()
        .find(|(name, _)| name == command)
        .ok_or_else(|| {
            CliError::usage(format!("no schema is kept of `{command}`"))
                .hint("`bouncekit schema` names the commands that have one")
        })?;
    let (mut schema, of) = match described {
        Described::Columns(columns) => (column::schema(columns), "each line of"),
        Described::Line(text) => (
            serde_json::from_str(text).unwrap_or_default(),
            "each line of",
        ),
        Described::Document(text) => (serde_json::from_str(text).unwrap_or_default(), "what"),
    };
    let writes = if of == "what" { " writes" } else { "" };
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    let format = if name.contains(" --format ") {
        ""
    } else {
        " --format json"
    };
    schema["title"] = Value::from(format!("{of} `bouncekit {name}{format}`{writes}"));
    if refers_to_accounting(&schema) {
        schema["$defs"]["accounting"] = serde_json::from_str(ACCOUNTING).unwrap_or_default();
    }
    writeln!(out, "{schema:#}")?;
    Ok(Exit::Done)
}

fn refers_to_accounting(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => members.iter().any(|(key, value)| {
            (key == "$ref" && value == "#/$defs/accounting") || refers_to_accounting(value)
        }),
        Value::Array(items) => items.iter().any(refers_to_accounting),
        _ => false,
    }
}
