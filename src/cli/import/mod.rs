//! Reading rows of CSV, NDJSON or MySQL's dumps, streaming, with line numbers and mapped column
//! names.

mod row;
mod tab;
mod table;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    rc::Rc,
};

use bouncekit_core::ingest::Accounting;

pub(crate) use self::{
    row::{Row, text, text_of},
    table::Table,
};
use self::{tab::Tab, table::Columns};
use super::{CliError, listing::printable};

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RowFormat {
    /// Comma, semicolon or tab separated with a header line
    Csv,
    /// One JSON object a line
    Ndjson,
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
}

/// A row with its place.
pub(crate) struct Numbered {
    pub(crate) line: u64,
    pub(crate) row: Result<Row, String>,
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
const CHUNK: usize = 100_000;

/// Page cache of an import in MiB.
pub(crate) const CACHE: u32 = 96;

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
        for path in files {
            let input: Box<dyn Read> = if path.as_os_str() == "-" {
                Box::new(io::stdin().lock())
            } else {
                Box::new(File::open(path).map_err(|cause| CliError::file(path, &cause))?)
            };
            self.rows(path, input, &map, aliases, |numbered| {
                progress.read += 1;
                match numbered.row.and_then(|row| parse(&row)) {
                    Ok(Some(item)) => chunk.push(item),
                    Ok(None) => progress.left_out += 1,
                    Err(cause) => progress.complain(path, numbered.line, &cause),
                }
                if chunk.len() >= CHUNK {
                    each(std::mem::take(&mut chunk))?;
                }
                Ok(())
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

    fn rows(
        &self,
        path: &Path,
        input: impl Read,
        map: &HashMap<String, String>,
        aliases: &[(&str, &[&str])],
        mut each: impl FnMut(Numbered) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let mut input = BufReader::with_capacity(256 * 1024, input);
        let failed = |cause: io::Error| CliError::file(path, &cause);
        let mut start = input.fill_buf().map_err(failed)?;
        if start.starts_with(b"\xef\xbb\xbf") {
            input.consume(3);
            start = input.fill_buf().map_err(failed)?;
        }
        let guessed = match start.iter().find(|b| !b.is_ascii_whitespace()) {
            None => return Ok(()),
            Some(b'{') => RowFormat::Ndjson,
            Some(_) => RowFormat::Csv,
        };
        let columns = table::columns(&self.columns, self.table, path)?;
        let name = |theirs: &str| {
            let theirs = theirs.trim().to_lowercase();
            if let Some(ours) = map.get(&theirs) {
                return ours.clone();
            }
            aliases
                .iter()
                .find(|(ours, others)| theirs == *ours || others.contains(&theirs.as_str()))
                .map_or(theirs, |(ours, _)| (*ours).to_owned())
        };
        match self.input.unwrap_or(guessed) {
            RowFormat::Ndjson => {
                read_ndjson(input, name, &mut each).map_err(|error| error.unwrap_or_io(failed))
            }
            RowFormat::Csv => {
                let bare = columns.or_else(|| bare_list(start));
                if let Some(columns) = bare {
                    return read_without_header(input, &columns, name, &mut each)
                        .map_err(|error| error.unwrap_or_io(failed));
                }
                let line_end = start
                    .iter()
                    .position(|b| *b == b'\n')
                    .unwrap_or(start.len());
                let header = &start[..line_end];
                let (delimiter, crlf) = (delimiter(header), header.ends_with(b"\r"));
                read_csv(input, delimiter, crlf, name, &mut each)
            }
        }
    }
}

/// The most frequent of the usual separators in the header line.
fn delimiter(header: &[u8]) -> u8 {
    [b',', b';', b'\t']
        .into_iter()
        .rev()
        .max_by_key(|delimiter| memchr::memchr_iter(*delimiter, header).count())
        .unwrap_or(b',')
}

/// The first line's cells, as far as it is here.
fn first_line(start: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', start).unwrap_or(start.len());
    start[..end].trim_ascii_end()
}

/// A list that begins with an address or a hash instead of a header line: addresses alone, or
/// with a reason as SES writes it.
fn bare_list(start: &[u8]) -> Option<Columns> {
    let line = first_line(start);
    let cells: Vec<&[u8]> = line.split(|byte| *byte == delimiter(line)).collect();
    let ses_reason = |cell: &[u8]| {
        let cell = cell.trim_ascii();
        cell.eq_ignore_ascii_case(b"BOUNCE") || cell.eq_ignore_ascii_case(b"COMPLAINT")
    };
    let hash = |cell: &[u8]| cell.len() == 64 && cell.iter().all(u8::is_ascii_hexdigit);
    let names: &[&str] = match cells[..] {
        [cell] if hash(cell) => &["sha256"],
        [cell] if cell.contains(&b'@') => &["address"],
        [cell, reason] if cell.contains(&b'@') && ses_reason(reason) => &["emailaddress", "reason"],
        _ => return None,
    };
    Some(Columns {
        names: names.iter().map(|&name| name.to_owned()).collect(),
        more: false,
    })
}

/// Rows without a header line: tab separated with backslash escapes, or CSV. A header that is there
/// all the same (as `mysql --batch` writes it) is honoured.
fn read_without_header(
    mut input: impl BufRead,
    columns: &Columns,
    name: impl Fn(&str) -> String,
    each: &mut impl FnMut(Numbered) -> Result<(), CliError>,
) -> Result<(), ReadError> {
    let start = input.fill_buf().map_err(ReadError::Io)?;
    let line = first_line(start);
    let tabs = line.contains(&b'\t') || columns.names.len() == 1;
    let delimiter = delimiter(line);
    let mut names: Rc<Vec<String>> =
        Rc::new(columns.names.iter().map(|column| name(column)).collect());
    let mut more = columns.more;
    let mut first = true;
    let mut row = |line: u64, cells: Result<Vec<serde_json::Value>, String>| {
        if std::mem::take(&mut first)
            && let Ok(cells) = &cells
            && cells.first().and_then(serde_json::Value::as_str) == Some("id")
        {
            let header = cells.iter().filter_map(serde_json::Value::as_str);
            names = Rc::new(header.map(&name).collect());
            more = false;
            return Ok(());
        }
        let row = cells.and_then(|mut cells| {
            let fits = cells.len() == names.len() || (more && cells.len() > names.len());
            if !fits {
                return Err(format!(
                    "{} columns instead of {}",
                    cells.len(),
                    names.len()
                ));
            }
            cells.truncate(names.len());
            Ok(Row::new(Rc::clone(&names), cells))
        });
        each(Numbered { line, row }).map_err(ReadError::Cli)
    };
    if tabs {
        let mut reader = Tab::new(input);
        while let Some((line, cells)) = reader.next().map_err(ReadError::Io)? {
            let blank = matches!(&cells, Ok(cells) if cells.len() == 1 && cells[0] == "");
            if !blank {
                row(line, cells)?;
            }
        }
        return Ok(());
    }
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .escape(Some(b'\\'))
        .from_reader(input);
    let mut record = csv::ByteRecord::new();
    loop {
        let cells = match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => Ok(record
                .iter()
                .map(|cell| String::from_utf8_lossy(cell).trim().into())
                .collect()),
            Err(error) => match error.into_kind() {
                csv::ErrorKind::Io(cause) => return Err(ReadError::Io(cause)),
                other => Err(format!("{other:?}")),
            },
        };
        let line = record
            .position()
            .map_or_else(|| reader.position().line(), csv::Position::line);
        row(line, cells)?;
    }
}

fn read_csv(
    input: impl Read,
    delimiter: u8,
    crlf: bool,
    name: impl Fn(&str) -> String,
    each: &mut impl FnMut(Numbered) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(input);
    let columns: Rc<Vec<String>> = match reader.headers() {
        Ok(headers) => Rc::new(headers.iter().map(name).collect()),
        Err(error) => {
            return each(Numbered {
                line: 1,
                row: Err(format!("the header line cannot be read: {error}")),
            });
        }
    };
    let mut record = csv::StringRecord::new();
    loop {
        let row = match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) if record.len() == columns.len() => {
                let cells = record.iter().map(|cell| cell.trim().into());
                Ok(Row::new(Rc::clone(&columns), cells.collect()))
            }
            Ok(true) => Err(format!(
                "{} columns, the header has {}",
                record.len(),
                columns.len()
            )),
            Err(error) if error.is_io_error() => return Err(CliError::usage(error)),
            Err(error) => Err(error.to_string()),
        };
        let line = record
            .position()
            .map_or_else(|| reader.position().line(), csv::Position::line);
        // The reader takes the LF of a CRLF for the beginning of the next record.
        let line = line + u64::from(crlf);
        each(Numbered { line, row })?;
    }
}

/// An error of the input or one of the caller's.
enum ReadError {
    Io(io::Error),
    Cli(CliError),
}

impl ReadError {
    fn unwrap_or_io(self, failed: impl Fn(io::Error) -> CliError) -> CliError {
        match self {
            Self::Io(cause) => failed(cause),
            Self::Cli(error) => error,
        }
    }
}

/// Longer lines are refused, so that memory does not depend on the input.
const LONGEST_LINE: u64 = 1024 * 1024;

fn read_ndjson(
    mut input: impl BufRead,
    name: impl Fn(&str) -> String,
    each: &mut impl FnMut(Numbered) -> Result<(), CliError>,
) -> Result<(), ReadError> {
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        number += 1;
        let read = (&mut input)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .map_err(ReadError::Io)?;
        if read == 0 {
            return Ok(());
        }
        let whole = line.ends_with(b"\n") || (read as u64) < LONGEST_LINE;
        if !whole {
            input.skip_until(b'\n').map_err(ReadError::Io)?;
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let row = if whole {
            serde_json::from_slice::<HashMap<String, serde_json::Value>>(text)
                .map(|row| {
                    let (columns, values) = row
                        .into_iter()
                        .map(|(column, value)| (name(&column), value))
                        .unzip();
                    Row::new(Rc::new(columns), values)
                })
                .map_err(|error| error.to_string())
        } else {
            Err(format!("longer than {LONGEST_LINE} bytes"))
        };
        each(Numbered { line: number, row }).map_err(ReadError::Cli)?;
    }
}

/// Prints what an import did.
pub(crate) fn conclude(
    what: &str,
    counts: bouncekit_core::store::ImportCounts,
    progress: &Progress,
    dry_run: bool,
) -> String {
    let would = if dry_run {
        " (dry run: nothing was written)"
    } else {
        ""
    };
    let left_out = if progress.left_out > 0 {
        format!(", {} left out", progress.left_out)
    } else {
        String::new()
    };
    format!(
        "{} {what} read: {} added, {} updated, {} unchanged{left_out}, {} bad{would}",
        progress.read, counts.added, counts.updated, counts.unchanged, progress.bad
    )
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
