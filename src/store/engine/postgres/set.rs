//! Statements for one row of values, written as one for any number of rows: the server then plans
//! and answers once for all of them. The rows come as an array for each parameter.

use tokio_postgres::types::{Kind, Type};

/// What a statement for one row is, and so how it is written for many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Each row's answers, with the row's number behind them.
    Query,
    /// The numbers of the rows that changed something.
    Update,
    /// The answers in the order of the rows.
    Insert,
}

/// The statement for many rows; `types` are those of its parameters. `None` where it is of another
/// form, or where a parameter is a set itself.
pub(super) fn of_many(sql: &str, types: &[Type]) -> Option<String> {
    if types.is_empty()
        || types
            .iter()
            .any(|kind| matches!(kind.kind(), Kind::Array(_)))
    {
        return None;
    }
    let (form, text) = (Form::of(sql)?, with_columns(sql));
    let (arrays, columns): (Vec<String>, Vec<String>) = types
        .iter()
        .enumerate()
        .map(|(index, kind)| {
            let number = index + 1;
            (
                format!("${number}::{}[]", kind.name()),
                format!("v{number}"),
            )
        })
        .unzip();
    let given = format!(
        "unnest({}) WITH ORDINALITY AS given ({}, n)",
        arrays.join(", "),
        columns.join(", ")
    );
    Some(match form {
        Form::Query => {
            format!("SELECT found.*, given.n FROM {given} CROSS JOIN LATERAL ({text}) AS found")
        }
        Form::Update => {
            let (change, condition) = text.split_once("WHERE ")?;
            let pieces = [change, "FROM ", &given, " WHERE ", condition];
            pieces.concat() + " RETURNING given.n"
        }
        Form::Insert => {
            let (head, values) = text.split_once("VALUES (")?;
            let (values, tail) = values.rsplit_once(')')?;
            let pieces = [
                head,
                "SELECT ",
                values,
                " FROM ",
                &given,
                " ORDER BY given.n",
                tail,
            ];
            pieces.concat()
        }
    })
}

impl Form {
    fn of(sql: &str) -> Option<Self> {
        let sql = sql.trim_start();
        if sql.starts_with("SELECT ") {
            Some(Self::Query)
        } else if sql.starts_with("UPDATE ") && !sql.contains("RETURNING") {
            Some(Self::Update)
        } else if sql.starts_with("INSERT ") && !sql.contains("ON CONFLICT") {
            Some(Self::Insert)
        } else {
            None
        }
    }
}

/// Whether each answer has the number of its row as its last column.
pub(super) fn is_numbered(sql: &str) -> bool {
    Form::of(sql) == Some(Form::Query)
}

/// Columns of the rows in the place of parameters, but not within text.
fn with_columns(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 64);
    let mut is_quoted = false;
    let mut octets = sql.chars().peekable();
    while let Some(c) = octets.next() {
        is_quoted ^= c == '\'';
        if c == '$' && !is_quoted && octets.peek().is_some_and(char::is_ascii_digit) {
            text += "given.v";
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_stands_for_many() {
        assert_eq!(
            of_many(
                "SELECT id FROM contact WHERE address_key = $1 AND address <> '$1' ORDER BY id LIMIT $2",
                &[Type::TEXT, Type::INT8]
            )
            .unwrap(),
            "SELECT found.*, given.n FROM unnest($1::text[], $2::int8[]) WITH ORDINALITY AS given (v1, v2, n) \
             CROSS JOIN LATERAL (SELECT id FROM contact WHERE address_key = given.v1 AND address <> '$1' \
             ORDER BY id LIMIT given.v2) AS found"
        );
        assert_eq!(
            of_many(
                "UPDATE t SET a = $1 WHERE id = $2",
                &[Type::BYTEA, Type::INT8]
            )
            .unwrap(),
            "UPDATE t SET a = given.v1 FROM unnest($1::bytea[], $2::int8[]) WITH ORDINALITY AS given (v1, v2, n) \
             WHERE id = given.v2 RETURNING given.n"
        );
        assert_eq!(
            of_many(
                "INSERT INTO t (a) VALUES (f('', $1)) RETURNING id",
                &[Type::TEXT]
            )
            .unwrap(),
            "INSERT INTO t (a) SELECT f('', given.v1) FROM unnest($1::text[]) WITH ORDINALITY AS given (v1, n) \
             ORDER BY given.n RETURNING id"
        );
        assert_eq!(
            of_many("INSERT INTO t (a) VALUES ($1)", &[Type::TEXT]).unwrap(),
            "INSERT INTO t (a) SELECT given.v1 FROM unnest($1::text[]) WITH ORDINALITY AS given (v1, n) \
             ORDER BY given.n"
        );
        for (sql, kind) in [
            ("DELETE FROM t WHERE id = $1", Type::INT8),
            ("SELECT 1 WHERE 1 = ANY ($1)", Type::INT8_ARRAY),
        ] {
            assert_eq!(of_many(sql, &[kind]), None, "{sql}");
        }
    }
}
