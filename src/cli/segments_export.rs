use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use bouncekit_core::store::{Member, Origin, Store};
use serde_json::{Map, Value, json};

use super::{CliError, Context, Exit, listing::csv_cell, output, segments};

/// Export the members of a segment with their attributes
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The segment, by name or number
    segment: String,
    /// Write to this file, as a whole or not at all, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum ExportFormat {
    /// A column for each attribute; cells that a spreadsheet would run begin with an apostrophe
    #[default]
    Csv,
    /// One JSON object a line
    Json,
}

const COLUMNS: &[&str] = &["id", "external_id", "address", "origin", "since"];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let store = context.store()?;
    let segment = segments::find(&store.segments()?, &args.segment)?;
    let Some(path) = &args.output else {
        let mut out = BufWriter::new(io::stdout().lock());
        write(&store, segment.id, args.format, &mut out)?;
        out.flush()?;
        return Ok(Exit::Done);
    };
    let mut members = 0;
    output::replace_by(path, |beside| {
        let failed = |cause: &io::Error| CliError::file(path, cause);
        let mut out = BufWriter::new(File::create(beside).map_err(|cause| failed(&cause))?);
        members = write(&store, segment.id, args.format, &mut out)?;
        let file = out.into_inner().map_err(|error| failed(error.error()))?;
        file.sync_all().map_err(|cause| failed(&cause))
    })?;
    println!(
        "{} of segment `{}` written to `{}`",
        segments::plural(members, "member"),
        segment.name,
        path.display()
    );
    Ok(Exit::Done)
}

/// Answers how many members were written.
fn write(
    store: &Store,
    segment: i64,
    format: ExportFormat,
    out: &mut impl Write,
) -> Result<u64, CliError> {
    let mut members = 0;
    if format == ExportFormat::Json {
        each(store, segment, |member, attributes| {
            members += 1;
            let row = json!({
                "id": member.contact.id, "external_id": member.contact.external_id,
                "address": member.contact.address, "origin": member.origin.name(),
                "since": member.since.to_string(), "attributes": attributes,
            });
            Ok(writeln!(out, "{row}")?)
        })?;
        return Ok(members);
    }
    // Once to know the columns, once to write: memory does not grow with the members.
    let mut names = BTreeSet::new();
    each(store, segment, |_, attributes| {
        names.extend(
            attributes
                .keys()
                .filter(|name| !names.contains(*name))
                .cloned()
                .collect::<Vec<_>>(),
        );
        Ok(())
    })?;
    let mut csv = csv::Writer::from_writer(out);
    let failed = |error: csv::Error| CliError::from(io::Error::from(error));
    csv.write_record(
        COLUMNS
            .iter()
            .map(|name| (*name).to_owned())
            .chain(names.iter().map(|name| csv_cell(name))),
    )
    .map_err(failed)?;
    each(store, segment, |member, attributes| {
        members += 1;
        let cells = [
            member.contact.id.to_string(),
            member.contact.external_id.unwrap_or_default(),
            member.contact.address,
            member.origin.name().to_owned(),
            member.since.to_string(),
        ];
        let values = names.iter().map(|name| match attributes.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        });
        csv.write_record(cells.into_iter().chain(values).map(|cell| csv_cell(&cell)))
            .map_err(failed)
    })?;
    csv.flush()?;
    Ok(members)
}

fn each(
    store: &Store,
    segment: i64,
    mut each: impl FnMut(Member, Map<String, Value>) -> Result<(), CliError>,
) -> Result<(), CliError> {
    store.for_each_member(segment, |member| {
        if member.origin == Origin::Removed {
            return Ok(());
        }
        let attributes = serde_json::from_str(&member.contact.attributes).unwrap_or_default();
        each(member, attributes)
    })
}
