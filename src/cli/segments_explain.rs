use std::io::Write as _;

use bouncekit_core::{
    segment::{Definitions, Explanation, Part, explain},
    store::{Contact, Origin, Store},
};
use serde_json::{Map, Value, json};

use super::{
    CliError, Context, Exit,
    listing::{Shape, printable},
    segments,
};

/// Explain why a contact is in a segment or not, condition by condition
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The segment, by name or number
    segment: String,
    /// The contact, by address, external id or id:NUMBER
    contact: String,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let store = context.store()?;
    let segment = segments::find(&store.segments()?, &args.segment)?;
    let definitions = Definitions::load(&store)?;
    let expression = definitions
        .segments
        .into_iter()
        .find(|(known, _)| known.id == segment.id)
        .map(|(_, expression)| expression)
        .ok_or_else(|| CliError::usage(format!("there is no segment `{}`", args.segment)))?;
    let compiled = store.compile_filter(&expression, &context.config.policy, context.now)?;
    let mut out = std::io::stdout().lock();
    for contact in segments::contacts(&store, &args.contact)? {
        let explanation = explain(&store, &expression, &compiled, &contact)?;
        let place = place(&store, segment.id, &contact)?;
        if args.format == Shape::Json {
            let value = json!({
                "segment": segment.name, "contact": contact.id, "address": contact.address,
                "membership": place, "meets": explanation.holds, "filter": as_json(&explanation),
            });
            writeln!(out, "{}", super::listing::json_text(&format!("{value:#}")))?;
            continue;
        }
        writeln!(
            out,
            "contact {} {}: {place} `{}`",
            contact.id,
            printable(&contact.address),
            segment.name
        )?;
        let meets = if explanation.holds {
            "meets"
        } else {
            "does not meet"
        };
        writeln!(
            out,
            "now {meets} the filter: {}",
            printable(&segment.filter)
        )?;
        show(&mut out, &explanation, 1)?;
    }
    Ok(Exit::Done)
}

fn place(store: &Store, segment: i64, contact: &Contact) -> Result<String, CliError> {
    Ok(match store.membership(segment, contact.id)? {
        None => "not in".into(),
        Some((Origin::Filter, since)) => format!("by the filter since {since} in"),
        Some((Origin::Added, since)) => format!("by hand since {since} in"),
        Some((Origin::Removed, since)) => format!("taken out by hand at {since} of"),
    })
}

fn show(out: &mut impl std::io::Write, part: &Explanation, depth: usize) -> std::io::Result<()> {
    let (indent, answer) = ("  ".repeat(depth), if part.holds { "yes" } else { "no " });
    let (word, inner): (&str, &[Explanation]) = match &part.part {
        Part::All(parts) => ("all of", parts),
        Part::Any(parts) => ("any of", parts),
        Part::Not(inner) => ("not", std::slice::from_ref(&**inner)),
        Part::Is {
            condition,
            evidence,
        } => {
            writeln!(
                out,
                "{indent}{answer} {}",
                printable(&condition.to_string())
            )?;
            if let Some(value) = &evidence.measured {
                let value = match value {
                    Value::Null => "no value".into(),
                    Value::String(text) => format!("it is {text:?}"),
                    other => format!("it is {other}"),
                };
                writeln!(out, "{indent}      {}", printable(&value))?;
            }
            for row in &evidence.rows {
                let cells: Vec<String> = row
                    .iter()
                    .map(|(name, value)| match value {
                        Value::String(text) => {
                            format!("{name} {}", text.chars().take(100).collect::<String>())
                        }
                        other => format!("{name} {other}"),
                    })
                    .collect();
                writeln!(out, "{indent}      {}", printable(&cells.join(", ")))?;
            }
            return Ok(());
        }
    };
    writeln!(out, "{indent}{answer} {word}")?;
    inner.iter().try_for_each(|part| show(out, part, depth + 1))
}

fn as_json(part: &Explanation) -> Value {
    let all = |parts: &[Explanation]| parts.iter().map(as_json).collect::<Vec<_>>();
    match &part.part {
        Part::All(parts) => json!({ "holds": part.holds, "all": all(parts) }),
        Part::Any(parts) => json!({ "holds": part.holds, "any": all(parts) }),
        Part::Not(inner) => json!({ "holds": part.holds, "not": as_json(inner) }),
        Part::Is {
            condition,
            evidence,
        } => json!({
            "holds": part.holds, "condition": condition.to_string(),
            "value": evidence.measured,
            "rows": evidence.rows.iter().map(|row| row.iter().cloned().collect()).collect::<Vec<Map<_, _>>>(),
        }),
    }
}
