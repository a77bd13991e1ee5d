//! Lists on stdout as aligned text, CSV or JSON lines, streamed; other people's text made harmless.

use std::{
    borrow::Cow,
    io::{self, BufWriter, IsTerminal as _, StdoutLock, Write},
};

use clap::ValueEnum;

use super::column::Column;

/// How a list is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns
    #[default]
    Text,
    /// RFC 4180 with a header line; cells that a spreadsheet would run begin with an apostrophe
    Csv,
    /// One JSON object a line
    Json,
}

impl Format {
    /// Says what came of it: below a table, or beside rows that a program reads.
    pub(crate) fn conclude(self, quiet: bool, summary: &str) {
        if self == Self::Text {
            println!("{summary}");
        } else if !quiet {
            eprintln!("{summary}");
        }
    }
}

/// Text of an attacker's choice (diagnostics, subjects, addresses) as one harmless line: control
/// and escape sequences, line separators and bidirectional overrides become `\u{..}`.
pub(crate) fn printable(text: &str) -> String {
    harmless(text).into_owned()
}

fn harmless(text: &str) -> Cow<'_, str> {
    escaped(text, is_harmful, |c| c.escape_unicode().to_string())
}

/// JSON as one harmless text of the same meaning: serde leaves C1 controls and bidirectional
/// overrides in strings as they are, and terminals act on them.
pub(crate) fn json_text(json: &str) -> Cow<'_, str> {
    let harmful = |c| is_harmful(c) && c != '\n';
    // None of them is beyond the basic plane, so that four digits do.
    escaped(json, harmful, |c| format!("\\u{:04x}", u32::from(c)))
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}

fn escaped(
    text: &str,
    harmful: impl Fn(char) -> bool,
    escape: impl Fn(char) -> String,
) -> Cow<'_, str> {
    // Nearly everything is plain ASCII, and lists have a million rows.
    let is_plain = text.bytes().all(|octet| (b' '..=b'~').contains(&octet));
    if is_plain || !text.contains(&harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if harmful(c) {
            out += &escape(c);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A CSV cell that no spreadsheet takes for a formula.
pub(crate) fn csv_cell(text: &str) -> Cow<'_, str> {
    let text = harmless(text);
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err() {
        Cow::Owned(format!("'{text}"))
    } else {
        text
    }
}

/// Octets written at once.
const BUFFER: usize = 64 * 1024;

/// Rows are aligned by what the first so many hold; later ones may stick out.
const MEASURED: usize = 200;

/// Where rows go.
enum Out {
    Lines(BufWriter<StdoutLock<'static>>),
    Csv(Box<csv::Writer<StdoutLock<'static>>>),
}

/// Writes rows of equal length under the given column names.
pub(crate) struct Listing {
    out: Out,
    format: Format,
    columns: &'static [Column],
    waiting: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
    limit: usize,
}

impl Listing {
    pub(crate) fn new(format: Format, columns: &'static [Column]) -> io::Result<Self> {
        let stdout = io::stdout().lock();
        let out = if format == Format::Csv {
            let mut writer = csv::WriterBuilder::new()
                .buffer_capacity(BUFFER)
                .from_writer(stdout);
            let names = columns.iter().map(|column| column.name);
            writer.write_record(names).map_err(io::Error::from)?;
            Out::Csv(Box::new(writer))
        } else {
            Out::Lines(BufWriter::with_capacity(BUFFER, stdout))
        };
        // On a terminal lines are cut at its width; in a pipe nothing is.
        let limit = if io::stdout().is_terminal() {
            terminal_width()
        } else {
            usize::MAX
        };
        Ok(Self {
            out,
            format,
            columns,
            waiting: Vec::new(),
            widths: None,
            limit,
        })
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) -> io::Result<()> {
        let out = match &mut self.out {
            Out::Csv(writer) => {
                let cells = cells.iter().map(|cell| csv_cell(cell));
                return write_record(writer, cells);
            }
            Out::Lines(out) => out,
        };
        match self.format {
            Format::Json => {
                let mut line = Vec::with_capacity(256);
                for (column, cell) in self.columns.iter().zip(&cells) {
                    line.push(if line.is_empty() { b'{' } else { b',' });
                    serde_json::to_writer(&mut line, column.name)?;
                    line.push(b':');
                    column.write_json(cell, &mut line)?;
                }
                line.push(b'}');
                let line = String::from_utf8(line).map_err(io::Error::other)?;
                writeln!(out, "{}", json_text(&line))
            }
            Format::Text | Format::Csv => {
                if self.widths.is_some() {
                    return self.line(&cells);
                }
                self.waiting.push(cells);
                if self.waiting.len() >= MEASURED {
                    self.measure()
                } else {
                    Ok(())
                }
            }
        }
    }

    pub(crate) fn end(mut self) -> io::Result<()> {
        if self.format == Format::Text && self.widths.is_none() {
            self.measure()?;
        }
        match &mut self.out {
            Out::Lines(out) => out.flush(),
            Out::Csv(writer) => writer.flush(),
        }
    }

    fn measure(&mut self) -> io::Result<()> {
        let width = |text: &str| printable(text).chars().count();
        let widths = (0..self.columns.len())
            .map(|column| {
                let cells = self
                    .waiting
                    .iter()
                    .filter_map(|row| row.get(column))
                    .map(|cell| width(cell));
                cells
                    .chain([self.columns[column].name.len()])
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        self.widths = Some(widths);
        let header: Vec<String> = self
            .columns
            .iter()
            .map(|column| column.name.to_owned())
            .collect();
        self.line(&header)?;
        for row in std::mem::take(&mut self.waiting) {
            self.line(&row)?;
        }
        Ok(())
    }

    fn line(&mut self, cells: &[String]) -> io::Result<()> {
        let widths = self.widths.as_deref().unwrap_or_default();
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            let cell = harmless(cell);
            line.push_str(&cell);
            let shown = cell.chars().count();
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(shown)));
        }
        let mut line = line.trim_end();
        if let Some((end, _)) = line.char_indices().nth(self.limit) {
            line = &line[..end];
        }
        match &mut self.out {
            Out::Lines(out) => writeln!(out, "{line}"),
            Out::Csv(_) => Ok(()),
        }
    }
}

fn write_record<'c>(
    writer: &mut csv::Writer<impl Write>,
    cells: impl Iterator<Item = Cow<'c, str>>,
) -> io::Result<()> {
    for cell in cells {
        writer
            .write_field(cell.as_bytes())
            .map_err(io::Error::from)?;
    }
    writer.write_record(None::<&[u8]>).map_err(io::Error::from)
}

fn terminal_width() -> usize {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .filter(|columns| *columns >= 40)
        .unwrap_or(usize::MAX)
}

/// Text for people or one JSON document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shape {
    #[default]
    Text,
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_becomes_harmless() {
        assert_eq!(
            json_text("{\n\"a\u{9b}\u{202e}\"}"),
            "{\n\"a\\u009b\\u202e\"}"
        );
        assert_eq!(
            printable("a\u{1b}[31mb\nc\u{202e}d"),
            "a\\u{1b}[31mb\\u{a}c\\u{202e}d"
        );
        for formula in ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1"] {
            assert!(
                !csv_cell(formula).starts_with(['=', '+', '-', '@', '\t']),
                "{formula}"
            );
        }
        assert_eq!(csv_cell("-5"), "-5");
        assert_eq!(csv_cell("anna@example.com"), "anna@example.com");
    }
}
