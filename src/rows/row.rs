//! A row: its values beside the names of their columns, which all rows of a file share.

use std::{borrow::Cow, rc::Rc};

use serde_json::Value;

/// One row: column names (lower case) and values; values of JSON keep their type. Of columns with the
/// same name the first that says something counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    columns: Rc<Vec<String>>,
    values: Vec<Value>,
}

impl Row {
    /// As many values as columns.
    pub(super) fn new(columns: Rc<Vec<String>>, values: Vec<Value>) -> Self {
        debug_assert_eq!(columns.len(), values.len());
        Self { columns, values }
    }

    pub fn get(&self, column: &str) -> Option<&Value> {
        self.values.get(self.place(column)?)
    }

    pub fn contains_key(&self, column: &str) -> bool {
        self.place(column).is_some()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        let columns = self.columns.iter().map(String::as_str);
        columns.zip(&self.values)
    }

    /// Gives the value of a column another name.
    pub fn rename(&mut self, from: &str, to: &str) {
        if let Some(place) = self.place(from) {
            to.clone_into(&mut Rc::make_mut(&mut self.columns)[place]);
        }
    }

    /// Puts another value into a column that is there.
    pub fn replace(&mut self, column: &str, value: Value) {
        if let Some(place) = self.place(column) {
            self.values[place] = value;
        }
    }

    fn place(&self, column: &str) -> Option<usize> {
        let named = self.columns.iter().enumerate();
        let mut named = named.filter(|(_, name)| *name == column);
        let (first, _) = named.next()?;
        let says = |place: usize| text_of(&self.values[place]).is_some();
        if says(first) {
            return Some(first);
        }
        Some(
            named
                .find(|(place, _)| says(*place))
                .map_or(first, |(place, _)| place),
        )
    }

    /// The text of a column; numbers as they are written, `None` for missing, empty, null or `\N`.
    pub fn text(&self, column: &str) -> Option<Cow<'_, str>> {
        text_of(self.get(column)?)
    }
}

/// As [`Row::text`], of a value.
pub fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => Cow::Borrowed(text.trim()),
        other => Cow::Owned(other.to_string()),
    };
    (!text.is_empty() && text != "\\N" && text != "NULL").then_some(text)
}

/// As [`Row::text`], for keeps.
pub fn text(row: &Row, column: &str) -> Option<String> {
    row.text(column).map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row() -> Row {
        let columns = ["email", "points", "email", "city"].map(str::to_owned);
        let values = vec![
            json!("a@example.com"),
            json!(7),
            json!(" b@example.com "),
            json!("\\N"),
        ];
        Row::new(Rc::new(columns.to_vec()), values)
    }

    #[test]
    fn the_first_of_columns_with_one_name_that_says_something_counts() {
        let mut row = row();
        assert_eq!(row.text("email").as_deref(), Some("a@example.com"));
        row.replace("email", json!(" "));
        assert_eq!(row.text("email").as_deref(), Some("b@example.com"));
        assert_eq!(row.text("points").as_deref(), Some("7"));
        assert_eq!(row.text("city"), None);
        assert!(row.contains_key("city") && !row.contains_key("town"));
    }

    #[test]
    fn a_renamed_column_leaves_the_other_rows_alone() {
        let (mut one, other) = (row(), row());
        one.columns = other.columns.clone();
        one.rename("email", "address");
        one.replace("address", json!("c@example.com"));
        assert_eq!(one.text("address").as_deref(), Some("c@example.com"));
        assert_eq!(other.text("address"), None);
    }
}
