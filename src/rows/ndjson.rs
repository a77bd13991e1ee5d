//! One JSON object a line.

use std::{
    io::{BufRead, Read as _},
    rc::Rc,
};

use serde_json::{Map, Value};

use super::{Each, LONGEST_LINE, Names, ReadError, Row, tell, too_long};

pub(super) fn read<E>(
    mut input: impl BufRead,
    names: &Names<'_>,
    each: &mut Each<'_, E>,
) -> Result<(), ReadError<E>> {
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        number += 1;
        let room = LONGEST_LINE as u64 + 1;
        if (&mut input).take(room).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let octets = line.len();
        let whole = octets <= LONGEST_LINE;
        if !whole && line.last() != Some(&b'\n') {
            input.skip_until(b'\n')?;
        }
        let object = line.trim_ascii();
        if object.is_empty() {
            continue;
        }
        let row = if whole {
            row(object, names)
        } else {
            Err(too_long(LONGEST_LINE))
        };
        tell(each, number, row, octets)?;
    }
}

fn row(object: &[u8], names: &Names<'_>) -> Result<Row, String> {
    let theirs: Map<String, Value> = serde_json::from_slice(object).map_err(|error| {
        error
            .to_string()
            .replace(" at line 1 column ", " at column ")
    })?;
    let (columns, values) = theirs
        .into_iter()
        .map(|(name, value)| (names.ours(&name), value))
        .unzip();
    Ok(Row::new(Rc::new(columns), values))
}
