//! Tab separated rows with backslash escapes, as `mysqldump --tab` and `SELECT INTO OUTFILE` write
//! them: `\N` is NULL, and a backslash stands before a tab, line end or backslash inside a value.

use std::io::{self, BufRead, Read as _};

use serde_json::Value;

/// Longer rows are refused, so that memory does not depend on the input.
const LONGEST_ROW: usize = 16 * 1024 * 1024;

/// The line a row begins at, and its values or what is wrong with it.
type Numbered = (u64, Result<Vec<Value>, String>);

/// Reads row after row.
pub(super) struct Tab<R> {
    input: R,
    line: u64,
    row: Vec<u8>,
}

impl<R: BufRead> Tab<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            line: 1,
            row: Vec::new(),
        }
    }

    /// The next row; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Numbered>> {
        let begin = self.line;
        self.row.clear();
        let mut too_long = false;
        loop {
            let room = (LONGEST_ROW + 1).saturating_sub(self.row.len()) as u64;
            let read = (&mut self.input)
                .take(room)
                .read_until(b'\n', &mut self.row)?;
            if read == 0 {
                break;
            }
            if self.row.len() > LONGEST_ROW {
                too_long = true;
                self.line += 1;
                self.input.skip_until(b'\n')?;
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
        if self.row.last() == Some(&b'\n') {
            self.row.pop();
        }
        if self.row.last() == Some(&b'\r') {
            self.row.pop();
        }
        let row = if too_long {
            Err(format!("longer than {LONGEST_ROW} bytes"))
        } else {
            Ok(values(&self.row))
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

fn values(row: &[u8]) -> Vec<Value> {
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
    };
    while let Some(byte) = bytes.next() {
        match byte {
            b'\t' => end(&mut value, &mut null),
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
    values
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
