//! Values on their way into a statement and out of a row, the same for every engine.

use super::Result;
use crate::store::StoreError;

/// A value bound to a statement; borrowed, so that binding costs nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::store) enum Value<'v> {
    Null,
    Flag(bool),
    Integer(i64),
    Real(f64),
    Text(&'v str),
    Blob(&'v [u8]),
    /// A set of ids, see [`super::Connection::ids`].
    Ids(&'v [i64]),
    /// A regular expression in the syntax of the crate regex.
    Pattern(&'v str),
}

impl<'v> From<Option<&'v str>> for Value<'v> {
    fn from(text: Option<&'v str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

impl<'v> From<Option<&'v [u8]>> for Value<'v> {
    fn from(octets: Option<&'v [u8]>) -> Self {
        octets.map_or(Self::Null, Self::Blob)
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Integer)
    }
}

/// What can be bound.
pub(in crate::store) trait Bind {
    fn value(&self) -> Value<'_>;
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Bind for $type {
            fn value(&self) -> Value<'_> {
                Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
    )*};
}
integers!(i64, u8, u16, u32, u64, usize);

impl Bind for bool {
    fn value(&self) -> Value<'_> {
        Value::Flag(*self)
    }
}

impl Bind for str {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Bind for String {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Bind for [u8] {
    fn value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl<const N: usize> Bind for [u8; N] {
    fn value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl Bind for Vec<u8> {
    fn value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl Bind for [i64] {
    fn value(&self) -> Value<'_> {
        Value::Ids(self)
    }
}

impl<T: Bind + ?Sized> Bind for &T {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl<T: Bind> Bind for Option<T> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Bind::value)
    }
}

/// The values of a statement, in the order of its parameters.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        (&[$($crate::store::engine::Bind::value(&$value)),*] as &[$crate::store::engine::Value<'_>])
    };
}
pub(in crate::store) use params;

/// What stands in a column of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::store) enum Cell<'r> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'r str),
    Blob(&'r [u8]),
}

/// What a cell can be read as.
pub(in crate::store) trait Column: Sized {
    fn read(cell: Cell<'_>) -> Option<Self>;
}

macro_rules! integer_columns {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn read(cell: Cell<'_>) -> Option<Self> {
                match cell {
                    Cell::Integer(number) => number.try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}
integer_columns!(i64, u64, u32, u16, u8, usize);

impl Column for bool {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Integer(number) => Some(number != 0),
            _ => None,
        }
    }
}

impl Column for String {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl Column for Vec<u8> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Blob(octets) => Some(octets.to_vec()),
            _ => None,
        }
    }
}

impl Column for [u8; 16] {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Blob(octets) => octets.try_into().ok(),
            _ => None,
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::read(cell).map(Some),
        }
    }
}

/// The error of a column that does not hold what was expected.
pub(super) fn unexpected(index: usize, cell: Cell<'_>) -> StoreError {
    let what = match cell {
        Cell::Null => "nothing",
        Cell::Integer(_) => "an integer",
        Cell::Real(_) => "a real number",
        Cell::Text(_) => "text",
        Cell::Blob(_) => "octets",
    };
    StoreError::Other(format!(
        "column {index} of a row holds {what} that cannot be read"
    ))
}

/// `Ok(None)` where no row was found.
pub(in crate::store) trait OptionalExtension<T> {
    fn optional(self) -> Result<Option<T>>;
}

impl<T> OptionalExtension<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(StoreError::NoRow) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
