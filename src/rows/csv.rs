//! CSV (RFC 4180, with any of the usual separators and line ends). The automaton is csv-core's; the
//! bounds are ours, since csv's own reader takes a value whose quote is never closed into memory
//! whole.

use std::{
    io::{self, BufRead},
    rc::Rc,
    str,
};

use csv_core::ReadRecordResult;
use serde_json::Value;

use super::{
    Columns, Each, LONGEST_RECORD, MOST_COLUMNS, Names, ReadError, tell, too_long, too_many_columns,
};

/// Reads CSV whose first record names the columns.
pub(super) fn read<E>(
    input: impl BufRead,
    delimiter: u8,
    names: &Names<'_>,
    each: &mut Each<'_, E>,
) -> Result<(), ReadError<E>> {
    let mut builder = csv_core::ReaderBuilder::new();
    let mut records = Records::new(input, builder.delimiter(delimiter).build());
    let Some(first) = records.next()? else {
        return Ok(());
    };
    let names = first.cells.and_then(|cells| {
        let names = cells.map(|cell| text(cell).map(|name| names.ours(name)));
        names.collect::<Result<Vec<_>, _>>()
    });
    let columns = match names {
        Ok(names) => Columns {
            names: Rc::new(names),
            more: false,
        },
        Err(cause) => {
            return tell(
                each,
                first.line,
                Err(format!("the header line cannot be read: {cause}")),
                first.octets,
            );
        }
    };
    while let Some(record) = records.next()? {
        let row = record.cells.and_then(|cells| {
            let cells = cells.enumerate().map(|(at, cell)| match text(cell) {
                Ok(cell) => Ok(Value::from(cell.trim())),
                Err(cause) => Err(match columns.names.get(at) {
                    Some(name) => format!("column `{name}`: {cause}"),
                    None => cause,
                }),
            });
            columns.row(cells.collect::<Result<_, _>>()?)
        });
        tell(each, record.line, row, record.octets)?;
    }
    Ok(())
}

/// Reads CSV without a header line, as MySQL exports it: a backslash takes the meaning of a quote. A
/// header that is there all the same is honoured.
pub(super) fn read_without_header<E>(
    input: impl BufRead,
    delimiter: u8,
    mut columns: Columns,
    names: &Names<'_>,
    each: &mut Each<'_, E>,
) -> Result<(), ReadError<E>> {
    let mut builder = csv_core::ReaderBuilder::new();
    builder.delimiter(delimiter).escape(Some(b'\\'));
    let mut records = Records::new(input, builder.build());
    let mut first = true;
    while let Some(record) = records.next()? {
        let cells = record.cells.map(|cells| {
            cells
                .map(|cell| Value::from(String::from_utf8_lossy(cell).trim()))
                .collect::<Vec<_>>()
        });
        if std::mem::take(&mut first)
            && let Some(header) = header(&cells, names)
        {
            columns = header;
            continue;
        }
        let row = cells.and_then(|cells| columns.row(cells));
        tell(each, record.line, row, record.octets)?;
    }
    Ok(())
}

/// The header that `mysql --batch` writes above its rows.
pub(super) fn header(cells: &Result<Vec<Value>, String>, names: &Names<'_>) -> Option<Columns> {
    let cells = cells.as_ref().ok()?;
    if cells.first()?.as_str() != Some("id") {
        return None;
    }
    let cells = cells.iter().filter_map(Value::as_str);
    Some(Columns {
        names: Rc::new(cells.map(|name| names.ours(name)).collect()),
        more: false,
    })
}

fn text(cell: &[u8]) -> Result<&str, String> {
    str::from_utf8(cell).map_err(|_| {
        format!(
            "`{}` is not UTF-8: convert the file with iconv",
            String::from_utf8_lossy(cell)
        )
    })
}

struct Record<'a> {
    line: u64,
    octets: usize,
    cells: Result<Cells<'a>, String>,
}

/// The values of a record.
#[derive(Clone)]
struct Cells<'a> {
    octets: &'a [u8],
    ends: &'a [usize],
    at: usize,
}

impl<'a> Iterator for Cells<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (end, rest) = self.ends.split_first()?;
        let cell = &self.octets[self.at..*end];
        (self.ends, self.at) = (rest, *end);
        Some(cell)
    }
}

/// Reads record after record.
struct Records<R> {
    input: R,
    reader: csv_core::Reader,
    line: u64,
    octets: Vec<u8>,
    ends: Vec<usize>,
    finished: bool,
}

impl<R: BufRead> Records<R> {
    fn new(input: R, reader: csv_core::Reader) -> Self {
        Self {
            input,
            reader,
            line: 1,
            octets: vec![0; 4096],
            ends: vec![0; 64],
            finished: false,
        }
    }

    /// The next record that is not blank; `None` at the end.
    fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        if self.finished {
            return Ok(None);
        }
        self.skip_line_ends()?;
        let line = self.line;
        let (mut read, mut written, mut cells) = (0, 0, 0);
        let mut wrong = None;
        loop {
            let input = self.input.fill_buf()?;
            self.finished = input.is_empty();
            if self.finished && read == 0 {
                return Ok(None);
            }
            // At the end a line end tells whether the record is whole: in quotes it is part of a value.
            let (result, taken, put, ended) = self.reader.read_record(
                if self.finished { b"\n" } else { input },
                &mut self.octets[written..],
                &mut self.ends[cells..],
            );
            let taken = taken.min(input.len());
            self.line += memchr::memchr_iter(b'\n', &input[..taken]).count() as u64;
            self.input.consume(taken);
            read += taken;
            written += put;
            cells += ended;
            match result {
                ReadRecordResult::InputEmpty if self.finished => {
                    wrong = Some(
                        "the last value begins with a double quote that is never closed: \
                         everything after it was taken for one value"
                            .to_owned(),
                    );
                    break;
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record | ReadRecordResult::End => break,
                // What is too much is read to its end and thrown away.
                ReadRecordResult::OutputFull if self.octets.len() >= LONGEST_RECORD => {
                    wrong.get_or_insert_with(|| too_long(LONGEST_RECORD));
                    written = 0;
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() >= MOST_COLUMNS => {
                    wrong.get_or_insert_with(too_many_columns);
                    cells = 0;
                }
                ReadRecordResult::OutputFull => self.octets.resize(self.octets.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
        Ok(Some(Record {
            line,
            octets: read,
            cells: match wrong {
                Some(cause) => Err(cause),
                None => Ok(Cells {
                    octets: &self.octets[..written],
                    ends: &self.ends[..cells],
                    at: 0,
                }),
            },
        }))
    }

    /// Between records they mean nothing; here they are counted.
    fn skip_line_ends(&mut self) -> io::Result<()> {
        loop {
            let input = self.input.fill_buf()?;
            let ends = input
                .iter()
                .take_while(|octet| matches!(octet, b'\r' | b'\n'))
                .count();
            if ends == 0 {
                return Ok(());
            }
            self.line += memchr::memchr_iter(b'\n', &input[..ends]).count() as u64;
            self.input.consume(ends);
        }
    }
}
