//! Reads rows of CSV, NDJSON or MySQL's dumps: streaming, with line numbers, and with columns called
//! as we call them.
//!
//! Memory is bounded whatever is read: a record that is too long or has too many columns, or whose
//! quote is never closed, is one bad row.

mod columns;
mod csv;
mod head;
mod ndjson;
mod row;
mod tab;
#[cfg(test)]
mod tests;

use std::io::{self, BufReader, Read};

pub use self::{
    columns::{Columns, Names, of_definition},
    row::{Row, text, text_of},
};

/// The format of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Separated by comma, semicolon or tab.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// How the input is to be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// `None`: told by the first character.
    pub format: Option<Format>,
    /// The columns of CSV without a header line.
    pub columns: Option<&'a Columns>,
    pub names: Names<'a>,
}

/// A row with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The line it begins at, from 1.
    pub line: u64,
    /// Or what is wrong with it, for people.
    pub row: Result<Row, String>,
    /// So many were read for it.
    pub octets: usize,
}

/// Why reading ended early.
#[derive(Debug)]
pub enum ReadError<E> {
    Io(io::Error),
    /// What `each` answered.
    Caller(E),
}

impl<E> From<io::Error> for ReadError<E> {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

/// Takes row after row.
type Each<'a, E> = dyn FnMut(Numbered) -> Result<(), E> + 'a;

fn tell<E>(
    each: &mut Each<'_, E>,
    line: u64,
    row: Result<Row, String>,
    octets: usize,
) -> Result<(), ReadError<E>> {
    each(Numbered { line, row, octets }).map_err(ReadError::Caller)
}

/// A record may have so many octets, with the line ends in its values: Mautic's `email_stats` keep
/// the contents of mails in `tokens`.
const LONGEST_RECORD: usize = 16 * 1024 * 1024;

/// A line of JSON may have so many octets; its values take a multiple of them in memory.
const LONGEST_LINE: usize = 1024 * 1024;

/// No table of MySQL has more.
const MOST_COLUMNS: usize = 4096;

fn too_long(limit: usize) -> String {
    format!("longer than {limit} octets")
}

fn too_many_columns() -> String {
    format!("more than {MOST_COLUMNS} columns")
}

/// Reads every row in its order. A row that cannot be read is handed over as such, and the next one
/// is read.
pub fn read<E>(
    input: impl Read,
    options: &Options<'_>,
    each: &mut Each<'_, E>,
) -> Result<(), ReadError<E>> {
    let mut input = BufReader::with_capacity(256 * 1024, input);
    let head = head::take(&mut input)?;
    let line = head::first_line(&head);
    let guessed = match line.trim_ascii().first() {
        None => return Ok(()),
        Some(b'{') => Format::Ndjson,
        Some(_) => Format::Csv,
    };
    if options.format.is_none() && head::is_json_array(line) {
        return tell(
            each,
            1,
            Err("a JSON array: write one object a line (jq -c '.[]')".into()),
            head.len(),
        );
    }
    let names = &options.names;
    let bare = options.columns.is_none().then(|| head::bare_list(line));
    let columns = options.columns.or(bare.as_ref().and_then(Option::as_ref));
    let input = head.as_slice().chain(input);
    match (options.format.unwrap_or(guessed), columns) {
        (Format::Ndjson, _) => ndjson::read(input, names, each),
        (Format::Csv, None) => csv::read(input, head::delimiter(line), names, each),
        (Format::Csv, Some(columns)) => {
            let columns = columns.clone().called(names);
            if line.contains(&b'\t') || columns.names.len() == 1 {
                tab::read(input, columns, names, each)
            } else {
                csv::read_without_header(input, head::delimiter(line), columns, names, each)
            }
        }
    }
}
