//! Tab separated rows with backslash escapes, as `mysqldump --tab` and `SELECT INTO OUTFILE` write
//! them: `\N` is NULL, and a backslash stands before a tab, line end or backslash inside a value.

use std::io::{self, BufRead, Read as _};

use serde_json::Value;

use super::{
    Columns, Each, LONGEST_RECORD, MOST_COLUMNS, Names, ReadError, csv, tell, too_long,
    too_many_columns,
};

pub(super) fn read<E>(
    input: impl BufRead,
    mut columns: Columns,
    names: &Names<'_>,
    each: &mut Each<'_, E>,
) -> Result<(), ReadError<E>> {
    let mut tab = Tab::new(input);
    let mut first = true;
    while let Some((line, cells)) = tab.next()? {
        if matches!(&cells, Ok(cells) if cells.len() == 1 && cells[0] == "") {
            continue;
        }
        if std::mem::take(&mut first)
            && let Some(header) = csv::header(&cells, names)
        {
            columns = header;
            continue;
        }
        tell(
            each,
            line,
            cells.and_then(|cells| columns.row(cells)),
            tab.octets,
        )?;
    }
    Ok(())
}

/// The line a row begins at, and its values or what is wrong with it.
type Values = (u64, Result<Vec<Value>, String>);

/// Reads row after row.
struct Tab<R> {
    input: R,
    line: u64,
    row: Vec<u8>,
    /// Of the last row.
    octets: usize,
}

impl<R: BufRead> Tab<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            line: 1,
            row: Vec::new(),
            octets: 0,
        }
    }

    /// The next row; `None` at the end.
    fn next(&mut self) -> io::Result<Option<Values>> {
        let begin = self.line;
        self.row.clear();
        let mut is_too_long = false;
        loop {
            let room = (LONGEST_RECORD + 1).saturating_sub(self.row.len()) as u64;
            let read = (&mut self.input)
                .take(room)
                .read_until(b'\n', &mut self.row)?;
            if read == 0 {
                break;
            }
            if self.row.len() > LONGEST_RECORD {
                is_too_long = true;
                if self.row.last() != Some(&b'\n') {
                    self.input.skip_until(b'\n')?;
                }
                self.line += 1;
                break;
            }
            self.line += 1;
            if !ends_escaped(&self.row) {
                break;
            }
        }
        if self.row.is_empty() {
            return Ok(None);
        }
        self.octets = self.row.len();
        if self.row.last() == Some(&b'\n') {
            self.row.pop();
        }
        if self.row.last() == Some(&b'\r') {
            self.row.pop();
        }
        let row = if is_too_long {
            Err(too_long(LONGEST_RECORD))
        } else {
            values(&self.row)
        };
        Ok(Some((begin, row)))
    }
}

/// Whether the line end at the end belongs to a value.
fn ends_escaped(row: &[u8]) -> bool {
    let Some(row) = row.strip_suffix(b"\n") else {
        return false;
    };
    row.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

fn values(row: &[u8]) -> Result<Vec<Value>, String> {
    let mut values = Vec::new();
    let mut value = Vec::new();
    let mut null = false;
    let mut bytes = row.iter().copied();
    let mut end = |value: &mut Vec<u8>, null: &mut bool| {
        values.push(if std::mem::take(null) && value.is_empty() {
            Value::Null
        } else {
            String::from_utf8_lossy(value).into_owned().into()
        });
        value.clear();
        values.len()
    };
    while let Some(byte) = bytes.next() {
        match byte {
            b'\t' => {
                if end(&mut value, &mut null) >= MOST_COLUMNS {
                    return Err(too_many_columns());
                }
            }
            b'\\' => match bytes.next() {
                Some(b'N') if value.is_empty() => null = true,
                Some(b'n') => value.push(b'\n'),
                Some(b't') => value.push(b'\t'),
                Some(b'r') => value.push(b'\r'),
                Some(b'0') => value.push(0),
                Some(b'b') => value.push(8),
                Some(b'Z') => value.push(26),
                Some(other) => value.push(other),
                None => value.push(b'\\'),
            },
            _ => value.push(byte),
        }
    }
    end(&mut value, &mut null);
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_nulls_and_values_over_several_lines() {
        let text = "1\tanna@example.com\t\\N\ta\\\tb\n2\tb\\\\\t\t\\0x\n3\tone\\\ntwo\tN\t\\N\n";
        let mut tab = Tab::new(text.as_bytes());
        let mut rows = Vec::new();
        while let Some((line, row)) = tab.next().unwrap() {
            rows.push((line, serde_json::to_string(&row.unwrap()).unwrap()));
        }
        assert_eq!(
            rows,
            [
                (1, r#"["1","anna@example.com",null,"a\tb"]"#.to_owned()),
                (2, r#"["2","b\\","","\u0000x"]"#.to_owned()),
                (3, r#"["3","one\ntwo","N",null]"#.to_owned()),
            ]
        );
    }
}
