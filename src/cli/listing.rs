//! Lists on stdout as aligned text, CSV or JSON lines, streamed; other people's text made harmless.

use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write};

use clap::ValueEnum;

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
    escaped(text, is_harmful, |c| c.escape_unicode().to_string())
}

/// JSON as one harmless text of the same meaning: serde leaves C1 controls and bidirectional
/// overrides in strings as they are, and terminals act on them.
pub(crate) fn json_text(json: &str) -> String {
    let harmful = |c| is_harmful(c) && c != '\n';
    // None of them is beyond the basic plane, so that four digits do.
    escaped(json, harmful, |c| format!("\\u{:04x}", u32::from(c)))
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}

fn escaped(text: &str, harmful: impl Fn(char) -> bool, escape: impl Fn(char) -> String) -> String {
    if !text.contains(&harmful) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if harmful(c) {
            out += &escape(c);
        } else {
            out.push(c);
        }
    }
    out
}

/// A CSV cell that no spreadsheet takes for a formula.
pub(crate) fn csv_cell(text: &str) -> String {
    let text = printable(text);
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err() {
        format!("'{text}")
    } else {
        text
    }
}

/// Rows are aligned by what the first so many hold; later ones may stick out.
const MEASURED: usize = 200;

/// Writes rows of equal length under the given column names.
pub(crate) struct Listing {
    out: BufWriter<StdoutLock<'static>>,
    format: Format,
    columns: &'static [&'static str],
    waiting: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
    limit: usize,
}

impl Listing {
    pub(crate) fn new(format: Format, columns: &'static [&'static str]) -> io::Result<Self> {
        let mut out = BufWriter::new(io::stdout().lock());
        if format == Format::Csv {
            write_csv(&mut out, columns.iter().map(|name| (*name).to_owned()))?;
        }
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
        match self.format {
            Format::Csv => write_csv(&mut self.out, cells.iter().map(|cell| csv_cell(cell))),
            Format::Json => {
                let object: serde_json::Map<String, serde_json::Value> = self
                    .columns
                    .iter()
                    .zip(cells)
                    .map(|(name, cell)| ((*name).to_owned(), cell.into()))
                    .collect();
                writeln!(self.out, "{}", json_text(&serde_json::to_string(&object)?))
            }
            Format::Text => {
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
        self.out.flush()
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
                cells.chain([self.columns[column].len()]).max().unwrap_or(0)
            })
            .collect();
        self.widths = Some(widths);
        let header: Vec<String> = self.columns.iter().map(|name| (*name).to_owned()).collect();
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
            line.push_str(&format!("{:<width$}", printable(cell)));
        }
        let line: String = line.trim_end().chars().take(self.limit).collect();
        writeln!(self.out, "{line}")
    }
}

fn write_csv(out: &mut impl Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().from_writer(out);
    writer.write_record(cells).map_err(io::Error::other)?;
    writer.flush()
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
