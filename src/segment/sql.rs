//! SQL put together from fixed text and bound values; nothing else gets into a statement.

/// A value to be bound.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    Integer(i64),
    Real(f64),
    Text(String),
    /// A set.
    Ids(Vec<i64>),
    /// A regular expression.
    Pattern(String),
}

impl From<i64> for Bound {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Bound {
    /// Whole numbers as integers, so that they compare as such in every engine.
    #[allow(clippy::cast_possible_truncation)]
    fn from(value: f64) -> Self {
        if value.fract() == 0.0 && value.abs() < 9e15 {
            Self::Integer(value as i64)
        } else {
            Self::Real(value)
        }
    }
}

impl From<&str> for Bound {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Bound {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Bound(Bound),
}

/// A statement or a part of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sql {
    pieces: Vec<Piece>,
}

impl Sql {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self {
            pieces: vec![Piece::Text(text.into())],
        }
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        if let Some(Piece::Text(last)) = self.pieces.last_mut() {
            last.push_str(text);
        } else {
            self.pieces.push(Piece::Text(text.to_owned()));
        }
        self
    }

    pub(crate) fn bind(&mut self, value: impl Into<Bound>) -> &mut Self {
        self.pieces.push(Piece::Bound(value.into()));
        self
    }

    pub(crate) fn append(&mut self, other: &Self) -> &mut Self {
        self.pieces.extend(other.pieces.iter().cloned());
        self
    }

    /// Values with commas between.
    pub(crate) fn bind_all(&mut self, values: impl IntoIterator<Item = Bound>) -> &mut Self {
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self
    }

    /// Values, each with a comma before it.
    pub(crate) fn bind_more(&mut self, values: impl IntoIterator<Item = Bound>) -> &mut Self {
        for value in values {
            self.push(", ").bind(value);
        }
        self
    }

    /// The text with `$1`, `$2`, ... in it, and what they stand for.
    pub(crate) fn finish(&self) -> (String, Vec<&Bound>) {
        self.finish_after(0)
    }

    /// The same as a part of a statement that binds so many values before it.
    pub(crate) fn finish_after(&self, before: usize) -> (String, Vec<&Bound>) {
        let mut text = String::new();
        let mut values = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Bound(value) => {
                    values.push(value);
                    let number = before + values.len();
                    // Compared with a whole number, the parameter would be taken for one.
                    text.push_str(&match value {
                        Bound::Real(_) => format!("CAST(${number} AS DOUBLE PRECISION)"),
                        _ => format!("${number}"),
                    });
                }
            }
        }
        (text, values)
    }
}
