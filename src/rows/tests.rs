use std::{io::Read, rc::Rc};

use proptest::prelude::*;

use super::*;

/// Everything read, with its lines.
fn all(input: impl Read, options: &Options<'_>) -> Vec<(u64, Result<Row, String>)> {
    let mut rows = Vec::new();
    read::<()>(input, options, &mut |numbered| {
        rows.push((numbered.line, numbered.row));
        Ok(())
    })
    .unwrap();
    rows
}

fn csv(text: &str) -> Vec<(u64, Result<Row, String>)> {
    all(text.as_bytes(), &Options::default())
}

fn row(cells: &[(&str, &str)]) -> Row {
    let cells = cells.iter();
    let (columns, values) = cells
        .map(|&(name, value)| (name.to_owned(), value.into()))
        .unzip();
    Row::new(Rc::new(columns), values)
}

/// Gives one octet at a time, as a slow pipe may.
struct Dripping<'a>(&'a [u8]);

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.take(1).read(buffer).inspect(|read| {
            self.0 = &self.0[*read..];
        })
    }
}

/// A file of any size without its size in memory: so many times the same, between two texts.
fn endless(begin: &str, middle: u8, count: u64, end: &str) -> impl Read {
    std::io::Cursor::new(begin.to_owned())
        .chain(std::io::repeat(middle).take(count))
        .chain(std::io::Cursor::new(end.to_owned()))
}

#[test]
fn a_record_is_at_the_line_it_begins_at() {
    for end in ["\n", "\r\n"] {
        let text = ["", "a,b", "1,\"x", "y\"", "", "2", "3,z", ""].join(end);
        let value = format!("x{end}y");
        assert_eq!(
            csv(&text),
            [
                (3, Ok(row(&[("a", "1"), ("b", &value)]))),
                (6, Err("1 columns instead of 2".into())),
                (7, Ok(row(&[("a", "3"), ("b", "z")]))),
            ]
        );
    }
}

#[test]
fn a_quote_that_is_never_closed_is_one_bad_row() {
    for rest in ["", "x", "x\n2,y\n3,z\n", "x,\"\"y\n"] {
        let read = csv(&format!("a,b\n0,w\n1,\"{rest}"));
        assert_eq!(read.len(), 2, "{read:?}");
        let cause = read[1].1.as_ref().unwrap_err();
        assert_eq!(read[1].0, 3);
        assert!(cause.contains("never closed"), "{cause}");
    }
    // Quotes inside a value, and closed ones, mean nothing.
    for last in ["5\"", "\"x\"", "\"x\"\n", "\"\"", "\"\"\"\"", ""] {
        let read = csv(&format!("a,b\n1,{last}"));
        assert!(read.len() == 1 && read[0].1.is_ok(), "{last}: {read:?}");
    }
    // The header, too.
    let read = csv("a,\"b\n1,2\n");
    assert!(
        read[0].1.as_ref().unwrap_err().contains("the header line") && read.len() == 1,
        "{read:?}"
    );
}

#[test]
fn a_record_has_a_size_and_the_next_one_is_read() {
    let long = LONGEST_RECORD as u64 + 1;
    let bad = |cause: String| Err::<Row, _>(cause);
    let good = Ok(row(&[("a", "2"), ("b", "y")]));
    for (begin, end) in [("a,b\n1,", "\n2,y\n"), ("a,b\n1,\"", "\"\n2,y\n")] {
        let read = all(endless(begin, b'x', long, end), &Options::default());
        assert_eq!(
            read,
            [(2, bad(too_long(LONGEST_RECORD))), (3, good.clone())]
        );
        let read = all(endless(begin, b'x', long - 2000, end), &Options::default());
        assert!(read.len() == 2 && read[0].1.is_ok());
    }
    let read = all(
        endless("a,b\n1,\"", b'\n', long, "\"\n2,y\n"),
        &Options::default(),
    );
    assert_eq!(
        read,
        [(2, bad(too_long(LONGEST_RECORD))), (long + 3, good.clone())]
    );
    let read = all(
        endless("a,b\n1", b',', long, "\n2,y\n"),
        &Options::default(),
    );
    assert_eq!(read, [(2, bad(too_many_columns())), (3, good)]);

    let columns = Columns {
        names: Rc::new(vec!["a".into(), "b".into()]),
        more: false,
    };
    let options = Options {
        columns: Some(&columns),
        ..Options::default()
    };
    let read = all(endless("1\t", b'x', long, "\n2\ty\n"), &options);
    assert_eq!(read.len(), 2);
    assert_eq!(read[0].1, bad(too_long(LONGEST_RECORD)));
    let read = all(endless("1", b'\t', 5000, "\n2\ty\n"), &options);
    assert_eq!(read[0].1, bad(too_many_columns()));

    let long = LONGEST_LINE as u64;
    let read = all(
        endless("{\"a\":\"", b'x', long, "\"}\n{\"a\":1}\n"),
        &Options::default(),
    );
    assert_eq!(read[0], (1, bad(too_long(LONGEST_LINE))));
    assert!(read.len() == 2 && read[1].1.is_ok());
}

#[test]
fn of_two_columns_of_one_name_the_one_that_says_something_counts() {
    let usual: &[(&str, &[&str])] = &[("address", &["email", "e-mail"])];
    let options = Options {
        names: Names { said: None, usual },
        ..Options::default()
    };
    for text in [
        "email,e-mail\n,b@c\n",
        "email,E-Mail\nb@c,\n",
        "{\"email\":null,\"e-mail\":\"b@c\"}",
    ] {
        let read = all(text.as_bytes(), &options);
        assert_eq!(
            super::text(read[0].1.as_ref().unwrap(), "address").unwrap(),
            "b@c"
        );
    }
}

#[test]
fn a_json_array_is_no_list_of_addresses() {
    for text in [
        "[{\"email\":\"a@b.example\"}]",
        " [\n {\"email\":\"a@b.example\"}\n]\n",
        "[[1]]",
        "[]",
    ] {
        let read = csv(text);
        let cause = read[0].1.as_ref().unwrap_err();
        assert!(
            read.len() == 1 && cause.contains("JSON array"),
            "{text}: {read:?}"
        );
    }
    assert!(csv("[address]\na@b.example\n")[0].1.is_ok());
}

#[test]
fn what_is_not_utf_8_says_where() {
    let read = all(&b"a,b\n1,K\xf6ln\n2,x\n"[..], &Options::default());
    let cause = read[0].1.as_ref().unwrap_err();
    assert!(
        cause.contains("column `b`") && cause.contains("UTF-8"),
        "{cause}"
    );
    assert!(read[1].1.is_ok());
}

proptest! {
    /// However it arrives, and as csv's own reader reads it.
    #[test]
    fn octets_one_by_one_and_another_reader_say_the_same(
        text in r#"(a|b|1| |,|;|"|\\|\n|\r\n|\t){0,40}"#,
    ) {
        let text = format!("a,b,c\n{text}");
        let read = csv(&text);
        prop_assert_eq!(&read, &all(Dripping(text.as_bytes()), &Options::default()));
        let mut other = ::csv::ReaderBuilder::new()
            .flexible(true)
            .delimiter(b',')
            .from_reader(text.as_bytes());
        let expected: Vec<Vec<String>> = other
            .records()
            .map(|record| record.unwrap().iter().map(|cell| cell.trim().to_owned()).collect())
            .collect();
        let unclosed = read.last().is_some_and(
            |(_, row)| row.as_ref().is_err_and(|cause| cause.contains("never closed")),
        );
        prop_assert!(read.len() == expected.len() || (unclosed && read.len() == expected.len() + 1));
        let pairs = read.iter().zip(&expected).take(read.len() - usize::from(unclosed));
        for ((_, row), cells) in pairs {
            if let Ok(row) = row {
                let ours: Vec<_> = ["a", "b", "c"].map(|name| row.get(name).unwrap().as_str().unwrap()).into();
                prop_assert_eq!(&ours, cells);
            } else {
                prop_assert_ne!(cells.len(), 3);
            }
        }
    }
}
