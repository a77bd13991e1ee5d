use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use bouncekit_core::store::{Member, Origin, Store};
use serde_json::value::RawValue;

use super::{
    CliError, Context, Exit,
    listing::{csv_cell, json_text},
    output, segments,
};

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
            let row = serde_json::to_string(&Line {
                id: member.contact.id,
                external_id: member.contact.external_id.as_deref(),
                address: &member.contact.address,
                origin: member.origin.name(),
                since: member.since.to_string(),
                attributes,
            })
            .map_err(CliError::usage)?;
            Ok(writeln!(out, "{}", json_text(&row))?)
        })?;
        return Ok(members);
    }
    // Once to know the columns, once to write: memory does not grow with the members.
    let mut names: BTreeSet<String> = BTreeSet::new();
    each(store, segment, |_, attributes| {
        for name in attributes.keys() {
            if !names.contains(&**name) {
                names.insert(name.clone().into_owned());
            }
        }
        Ok(())
    })?;
    let mut csv = csv::Writer::from_writer(out);
    let failed = |error: csv::Error| CliError::from(io::Error::from(error));
    csv.write_record(
        COLUMNS
            .iter()
            .map(|name| Cow::Borrowed(*name))
            .chain(names.iter().map(|name| csv_cell(name)))
            .map(std::borrow::Cow::into_owned),
    )
    .map_err(failed)?;
    each(store, segment, |member, attributes| {
        members += 1;
        let cells = [
            member.contact.id.to_string(),
            member.contact.external_id.clone().unwrap_or_default(),
            member.contact.address.clone(),
            member.origin.name().to_owned(),
            member.since.to_string(),
        ];
        let values = names
            .iter()
            .map(|name| match attributes.get(name.as_str()) {
                None => Cow::Borrowed(""),
                Some(value) => match value.get() {
                    "null" => Cow::Borrowed(""),
                    text if text.starts_with('"') => {
                        Cow::Owned(serde_json::from_str::<String>(text).unwrap_or_default())
                    }
                    other => Cow::Borrowed(other),
                },
            });
        for cell in cells
            .iter()
            .map(|cell| Cow::Borrowed(cell.as_str()))
            .chain(values)
        {
            csv.write_field(csv_cell(&cell).as_bytes())
                .map_err(failed)?;
        }
        csv.write_record(None::<&[u8]>).map_err(failed)
    })?;
    csv.flush()?;
    Ok(members)
}

fn each(
    store: &Store,
    segment: i64,
    mut each: impl FnMut(&Member, &Attributes<'_>) -> Result<(), CliError>,
) -> Result<(), CliError> {
    store.for_each_member(segment, |member| {
        if member.origin == Origin::Removed {
            return Ok(());
        }
        let attributes = serde_json::from_str(&member.contact.attributes).unwrap_or_default();
        each(&member, &attributes)
    })
}

/// A line of JSON.
#[derive(serde::Serialize)]
struct Line<'a> {
    id: i64,
    external_id: Option<&'a str>,
    address: &'a str,
    origin: &'a str,
    since: String,
    attributes: &'a Attributes<'a>,
}

/// The attributes of a contact by name, their values as they are written.
type Attributes<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;
