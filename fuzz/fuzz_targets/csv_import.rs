//! Files of contacts, sends and lists (CSV, NDJSON, MySQL's dumps): read the same however they arrive,
//! with lines in their order and every octet counted once.
#![no_main]

use std::{io::Read, rc::Rc};

use bouncekit_core::rows::{Columns, Format, Names, Numbered, Options, read, text};

/// Gives a few octets at a time.
struct Dripping<'a>(&'a [u8]);

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let few = buffer.len().min(3);
        self.0.read(&mut buffer[..few])
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((how, bytes)) = bytes.split_first() else {
        return;
    };
    let columns = Columns {
        names: Rc::new(["id", "email", "name", "city"].map(String::from).into()),
        more: how & 4 != 0,
    };
    let usual: &[(&str, &[&str])] = &[("address", &["email", "e-mail"])];
    let options = Options {
        format: match how & 3 {
            0 => None,
            1 => Some(Format::Ndjson),
            _ => Some(Format::Csv),
        },
        columns: (how & 2 != 0).then_some(&columns),
        names: Names { said: None, usual },
    };
    let all = |input: &mut dyn Read| {
        let mut rows: Vec<Numbered> = Vec::new();
        let outcome = read::<()>(input, &options, &mut |numbered| {
            rows.push(numbered);
            Ok(())
        });
        assert!(outcome.is_ok());
        rows
    };
    let rows = all(&mut &*bytes);
    assert_eq!(rows, all(&mut Dripping(bytes)));
    let ends = |octets: &[u8]| {
        octets
            .iter()
            .filter(|octet| matches!(octet, b'\n' | b'\r'))
            .count()
    };
    assert!(rows.len() <= ends(bytes) + 1);
    assert!(rows.is_sorted_by_key(|numbered| numbered.line));
    assert!(rows.iter().map(|numbered| numbered.octets).sum::<usize>() <= bytes.len());
    for Numbered { line, row, .. } in &rows {
        assert!(*line >= 1 && *line as usize <= ends(bytes) + 1);
        if let Ok(row) = row {
            for (column, _) in row.iter() {
                text(row, column);
            }
        }
    }
});
