//! What every import has in common: its files, its options, its counts.

mod table;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use bouncekit_core::{
    ingest::Accounting,
    rows::{self, Format, Names, Options, ReadError, Row},
    store::ImportCounts,
};

pub(crate) use self::table::Table;
use serde_json::json;

use super::{
    CliError,
    listing::{Shape, printable},
};

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RowFormat {
    /// Comma, semicolon or tab separated with a header line
    Csv,
    /// One JSON object a line
    Ndjson,
}

impl From<RowFormat> for Format {
    fn from(format: RowFormat) -> Self {
        match format {
            RowFormat::Csv => Self::Csv,
            RowFormat::Ndjson => Self::Ndjson,
        }
    }
}

/// Options of every import.
#[derive(clap::Args)]
pub(crate) struct ImportArgs {
    /// CSV or NDJSON files, or dumps of MySQL; standard input when none is given or for `-`
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Format of the input [default: by its first character]
    #[arg(long)]
    pub(crate) input: Option<RowFormat>,
    /// Read the column THEIRS as OURS
    #[arg(long = "map", value_name = "OURS=THEIRS")]
    pub(crate) map: Vec<String>,
    /// The file has no header line but these columns
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// The file is a dump of this table of Mautic's, written by mysqldump --tab or SELECT INTO
    /// OUTFILE (tab separated, no header line)
    #[arg(long)]
    pub(crate) table: Option<Table>,
    /// Read and check everything, write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How the counts are told
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Shape,
}

/// Counts and complaints of an import.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) read: u64,
    pub(crate) bad: u64,
    /// Rows that do not concern the import.
    pub(crate) left_out: u64,
}

/// So many bad lines are told one by one, then only counted.
const TOLD: u64 = 20;

impl Progress {
    pub(crate) fn complain(&mut self, path: &Path, line: u64, cause: &str) {
        self.bad += 1;
        if self.bad <= TOLD {
            eprintln!(
                "error: {}: line {line}: {}",
                path.display(),
                printable(cause)
            );
        } else if self.bad == TOLD + 1 {
            eprintln!("error: more bad lines follow; they are counted only");
        }
    }
}

/// Rows are handed over in chunks of this many: a chunk that is written in the order of a key touches
/// each page once, however many of its rows lie there.
const CHUNK: usize = 50_000;
/// Or when so much was read for them: memory does not depend on how long they are.
const CHUNK_OCTETS: usize = 16 * 1024 * 1024;

/// Page cache of an import in MiB. A greater one would fill up with the database: six times as much
/// makes a million contacts no faster, and a million sends by an eighth.
pub(crate) const CACHE: u32 = 16;

impl ImportArgs {
    /// Calls `each` with chunks of parsed rows. `parse` turns a row into `T`, leaves it out, or says
    /// what is wrong with it; a bad row is told with its line, and the next is read.
    pub(crate) fn read<T>(
        &self,
        aliases: &[(&str, &[&str])],
        parse: impl Fn(&Row) -> Result<Option<T>, String>,
        mut each: impl FnMut(Vec<T>) -> Result<(), CliError>,
    ) -> Result<Progress, CliError> {
        let map = self.mapping()?;
        let mut progress = Progress::default();
        let stdin = [PathBuf::from("-")];
        let files = if self.files.is_empty() {
            &stdin[..]
        } else {
            &self.files[..]
        };
        let mut chunk = Vec::new();
        let mut octets = 0;
        for path in files {
            let input: Box<dyn Read> = if path.as_os_str() == "-" {
                Box::new(io::stdin().lock())
            } else {
                Box::new(File::open(path).map_err(|cause| CliError::file(path, &cause))?)
            };
            let columns = table::columns(&self.columns, self.table, path)?;
            let options = Options {
                format: self.input.map(Into::into),
                columns: columns.as_ref(),
                names: Names {
                    said: Some(&map),
                    usual: aliases,
                },
            };
            rows::read(input, &options, &mut |numbered| {
                progress.read += 1;
                octets += numbered.octets;
                match numbered.row.and_then(|row| parse(&row)) {
                    Ok(Some(item)) => chunk.push(item),
                    Ok(None) => progress.left_out += 1,
                    Err(cause) => progress.complain(path, numbered.line, &cause),
                }
                if chunk.len() >= CHUNK || octets >= CHUNK_OCTETS {
                    octets = 0;
                    each(std::mem::take(&mut chunk))?;
                }
                Ok(())
            })
            .map_err(|error| match error {
                ReadError::Io(cause) => CliError::file(path, &cause),
                ReadError::Caller(error) => error,
            })?;
        }
        if !chunk.is_empty() {
            each(chunk)?;
        }
        Ok(progress)
    }

    /// Their name → ours, from `--map`.
    fn mapping(&self) -> Result<HashMap<String, String>, CliError> {
        self.map
            .iter()
            .map(|pair| {
                let (ours, theirs) = pair.split_once('=').ok_or_else(|| {
                    CliError::usage(format!("`--map {pair}`"))
                        .hint("write OURS=THEIRS, e.g. --map address=e_mail")
                })?;
                Ok((theirs.trim().to_lowercase(), ours.trim().to_lowercase()))
            })
            .collect()
    }
}

/// What an import did.
pub(crate) struct Outcome<'a> {
    /// What the rows are.
    pub(crate) what: &'a str,
    pub(crate) counts: ImportCounts,
    pub(crate) progress: &'a Progress,
    /// Of hashed addresses: how many there were, and how many are of known addresses.
    pub(crate) hashes: Option<(u64, u64)>,
}

impl ImportArgs {
    /// Tells what the import did.
    pub(crate) fn conclude(&self, outcome: &Outcome<'_>) {
        let Outcome {
            what,
            counts,
            progress,
            hashes,
        } = outcome;
        if self.format == Shape::Json {
            let mut told = json!({
                "dry_run": self.dry_run,
                "read": progress.read,
                "added": counts.added,
                "updated": counts.updated,
                "unchanged": counts.unchanged,
                "left_out": progress.left_out,
                "bad": progress.bad,
            });
            if let Some((compared, known)) = hashes {
                told["hashes"] = json!({"compared": compared, "known": known});
            }
            println!("{told:#}");
            return;
        }
        let would = if self.dry_run {
            " (dry run: nothing was written)"
        } else {
            ""
        };
        let left_out = if progress.left_out > 0 {
            format!(", {} left out", progress.left_out)
        } else {
            String::new()
        };
        println!(
            "{} {what} read: {} added, {} updated, {} unchanged{left_out}, {} bad{would}",
            progress.read, counts.added, counts.updated, counts.unchanged, progress.bad
        );
        if let Some((compared, known)) = hashes {
            println!("{compared} hashes: {known} are of known addresses");
        }
    }
}

/// Imports have no messages to account for; the run keeps their counts in the same shape.
pub(crate) fn accounting(progress: &Progress) -> String {
    Accounting {
        fetched: progress.read,
        recorded: progress.read - progress.bad,
        errors: progress.bad,
        ..Accounting::default()
    }
    .to_json()
}
