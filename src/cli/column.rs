//! The columns of lists: their names, what they hold, and so the schema of their JSON.

use serde_json::{Value, json};

/// A column of a list.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) holds: Holds,
    pub(crate) about: &'static str,
}

/// What the cells of a column are in JSON. Cells are texts; where nothing is known they are empty,
/// `-`, or a word for people.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Text,
    /// Text, or null where it is empty or `-`.
    OptionalText,
    /// A whole number.
    Number,
    /// A whole number, or null where the cell is none.
    OptionalNumber,
    /// `yes` or `no`: true or false.
    Flag,
    /// RFC 3339, UTC.
    Time,
    /// The same, or null where the cell is no time.
    OptionalTime,
    /// A JSON object.
    Object,
}

/// Short names for tables of columns.
pub(crate) const fn text(name: &'static str, about: &'static str) -> Column {
    column(name, Holds::Text, about)
}

pub(crate) const fn optional(name: &'static str, about: &'static str) -> Column {
    column(name, Holds::OptionalText, about)
}

pub(crate) const fn number(name: &'static str, about: &'static str) -> Column {
    column(name, Holds::Number, about)
}

pub(crate) const fn time(name: &'static str, about: &'static str) -> Column {
    column(name, Holds::Time, about)
}

pub(crate) const fn column(name: &'static str, holds: Holds, about: &'static str) -> Column {
    Column { name, holds, about }
}

impl Column {
    /// Writes a cell as JSON.
    pub(crate) fn write_json(&self, cell: &str, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let is_nothing = matches!(cell, "" | "-");
        match self.holds {
            Holds::OptionalText if is_nothing => out.extend(b"null"),
            Holds::Text | Holds::OptionalText | Holds::Time => serde_json::to_writer(out, cell)?,
            Holds::Number | Holds::OptionalNumber => match cell.parse::<i64>() {
                Ok(number) => serde_json::to_writer(out, &number)?,
                Err(_) => out.extend(b"null"),
            },
            Holds::Flag => out.extend(if cell == "yes" { "true" } else { "false" }.bytes()),
            Holds::OptionalTime => {
                if cell.starts_with(|c: char| c.is_ascii_digit()) {
                    serde_json::to_writer(out, cell)?;
                } else {
                    out.extend(b"null");
                }
            }
            // It is from our own tables, but what is not JSON must not break the line.
            Holds::Object => match serde_json::from_str::<&serde_json::value::RawValue>(cell) {
                Ok(object) => serde_json::to_writer(out, object)?,
                Err(_) => out.extend(b"{}"),
            },
        }
        Ok(())
    }

    fn schema(&self) -> Value {
        let about = self.about;
        match self.holds {
            Holds::Text => json!({"type": "string", "description": about}),
            Holds::OptionalText => json!({"type": ["string", "null"], "description": about}),
            Holds::Number => json!({"type": "integer", "description": about}),
            Holds::OptionalNumber => json!({"type": ["integer", "null"], "description": about}),
            Holds::Flag => json!({"type": "boolean", "description": about}),
            Holds::Time => {
                json!({"type": "string", "format": "date-time", "description": about})
            }
            Holds::OptionalTime => {
                json!({"type": ["string", "null"], "format": "date-time", "description": about})
            }
            Holds::Object => json!({"type": "object", "description": about}),
        }
    }
}

/// JSON Schema of one line of a list.
pub(crate) fn schema(columns: &[Column]) -> Value {
    let properties: serde_json::Map<String, Value> = columns
        .iter()
        .map(|column| (column.name.to_owned(), column.schema()))
        .collect();
    let required: Vec<&str> = columns.iter().map(|column| column.name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
