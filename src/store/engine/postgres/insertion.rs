//! Statements that insert one row, put together to one that inserts many: the server then parses,
//! plans and answers once for all of them.

use std::collections::HashSet;

use tokio_postgres::Row;

use super::types::{cell, whole};
use crate::store::engine::{Cell, Result, Value};

/// `INSERT INTO table (columns) VALUES ($1, ..., $n) ON CONFLICT (key) DO ...`, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Insertion<'s> {
    /// Up to and with `VALUES `.
    head: &'s str,
    tail: &'s str,
    width: usize,
    /// Which of the values are the key, and the key as it stands in the text.
    key: Vec<usize>,
    key_text: &'s str,
    on_conflict: OnConflict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnConflict {
    Impossible,
    Nothing,
    Update,
}

/// A key as rows are told apart by it.
#[derive(Debug, PartialEq, Eq, Hash)]
enum KeyPart {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

type Key = Vec<KeyPart>;

impl<'s> Insertion<'s> {
    /// `None` where it is another sort of statement.
    pub(super) fn parse(sql: &'s str) -> Option<Self> {
        let sql = sql.trim();
        let (table, rest) = sql.strip_prefix("INSERT INTO ")?.split_once('(')?;
        let (columns, rest) = rest.split_once(')')?;
        let rest = rest.trim_start().strip_prefix("VALUES (")?;
        let (values, tail) = rest.split_once(')')?;
        if !table.trim_end().chars().all(is_name) {
            return None;
        }
        let columns: Vec<&str> = columns.split(',').map(str::trim).collect();
        let plain = values
            .split(',')
            .map(str::trim)
            .enumerate()
            .all(|(index, value)| value == format!("${}", index + 1));
        if !plain || values.split(',').count() != columns.len() || tail.contains('$') {
            return None;
        }
        let head = &sql[..sql.len() - rest.len() - 1];
        let tail = tail.trim();
        let (key_text, on_conflict) = if tail.is_empty() {
            ("", OnConflict::Impossible)
        } else {
            let (key, action) = tail.strip_prefix("ON CONFLICT (")?.split_once(')')?;
            let action = action.trim();
            if action == "DO NOTHING" {
                (key, OnConflict::Nothing)
            } else if action.starts_with("DO UPDATE SET ") && !action.contains("WHERE") {
                (key, OnConflict::Update)
            } else {
                return None;
            }
        };
        let names = key_text.split(',').map(str::trim);
        let key = names
            .filter(|name| !name.is_empty())
            .map(|name| columns.iter().position(|column| *column == name))
            .collect::<Option<Vec<usize>>>()?;
        Some(Self {
            head,
            tail,
            width: columns.len(),
            key,
            key_text,
            on_conflict,
        })
    }

    /// The statement for so many rows.
    pub(super) fn text(&self, rows: usize) -> String {
        let mut text = self.head.to_owned();
        let mut number = 0;
        for row in 0..rows {
            text += if row == 0 { "(" } else { ", (" };
            for column in 0..self.width {
                number += 1;
                if column > 0 {
                    text += ", ";
                }
                text += &format!("${number}");
            }
            text += ")";
        }
        text += " ";
        text += self.tail;
        if self.on_conflict == OnConflict::Nothing {
            text += &format!(" RETURNING {}", self.key_text);
        }
        text
    }

    /// How many of the first `rows` one statement takes, at most `most`: it cannot change one row
    /// twice.
    pub(super) fn fitting<'v, R: AsRef<[Value<'v>]>>(&self, rows: &[R], most: usize) -> usize {
        let rows = &rows[..rows.len().min(most)];
        if self.on_conflict != OnConflict::Update {
            return rows.len();
        }
        let mut keys = HashSet::with_capacity(rows.len());
        rows.iter()
            .take_while(|row| keys.insert(self.key_of(row.as_ref())))
            .count()
    }

    /// How many rows each of the inserted ones changed, by what the statement answered.
    pub(super) fn changed<'v, R: AsRef<[Value<'v>]>>(
        &self,
        rows: &[R],
        answered: &[Row],
    ) -> Result<Vec<usize>> {
        if self.on_conflict != OnConflict::Nothing {
            return Ok(vec![1; rows.len()]);
        }
        let mut new = HashSet::with_capacity(answered.len());
        for row in answered {
            let parts = (0..self.key.len()).map(|index| Ok(stored(cell(row, index)?)));
            new.insert(parts.collect::<Result<Key>>()?);
        }
        Ok(rows
            .iter()
            .map(|row| usize::from(new.remove(&self.key_of(row.as_ref()))))
            .collect())
    }

    fn key_of(&self, row: &[Value<'_>]) -> Key {
        self.key.iter().map(|index| given(&row[*index])).collect()
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn given(value: &Value<'_>) -> KeyPart {
    match *value {
        Value::Flag(flag) => KeyPart::Integer(flag.into()),
        Value::Integer(number) => KeyPart::Integer(number),
        Value::Text(text) | Value::Pattern(text) => KeyPart::Text(whole(text).into_owned()),
        Value::Blob(octets) => KeyPart::Blob(octets.to_vec()),
        // No table's key.
        Value::Null | Value::Real(_) | Value::Ids(_) => KeyPart::Null,
    }
}

fn stored(cell: Cell<'_>) -> KeyPart {
    match cell {
        Cell::Integer(number) => KeyPart::Integer(number),
        Cell::Text(text) => KeyPart::Text(text.to_owned()),
        Cell::Blob(octets) => KeyPart::Blob(octets.to_vec()),
        Cell::Null | Cell::Real(_) => KeyPart::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_takes_many_rows() {
        let nothing = Insertion::parse(
            "INSERT INTO event (key, kind)
             VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
        )
        .unwrap();
        assert_eq!(
            nothing.text(2),
            "INSERT INTO event (key, kind)
             VALUES ($1, $2), ($3, $4) ON CONFLICT (key) DO NOTHING RETURNING key"
        );
        let log = Insertion::parse("INSERT INTO change_log (address_key) VALUES ($1)").unwrap();
        assert_eq!(
            log.text(2),
            "INSERT INTO change_log (address_key) VALUES ($1), ($2) "
        );
    }

    #[test]
    fn no_row_is_changed_twice_by_one_statement() {
        let sql = "INSERT INTO day_rule (day, rule, count) VALUES ($1, $2, $3)
             ON CONFLICT (day, rule) DO UPDATE SET count = day_rule.count + excluded.count";
        let update = Insertion::parse(sql).unwrap();
        let row = |day, count| [Value::Integer(day), Value::Text("r"), Value::Integer(count)];
        let rows = [row(1, 1), row(2, 1), row(1, 5), row(3, 1)];
        assert_eq!(update.fitting(&rows, 10), 2);
        assert_eq!(update.fitting(&rows[2..], 10), 2);
        assert_eq!(update.fitting(&rows, 1), 1);
    }

    #[test]
    fn what_is_more_than_a_row_of_values_is_left_as_it_is() {
        for sql in [
            "SELECT 1",
            "INSERT INTO t (a, b) VALUES ($1, 1) ON CONFLICT (a) DO NOTHING",
            "INSERT INTO t (a, b) VALUES ($2, $1) ON CONFLICT (a) DO NOTHING",
            "INSERT INTO t (a) SELECT $1",
            "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = $2",
            "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = 1 WHERE t.b = 2",
            "INSERT INTO t (a, b) VALUES ($1, $2) RETURNING a",
            "UPDATE t SET a = $1",
        ] {
            assert_eq!(Insertion::parse(sql), None, "{sql}");
        }
    }
}
