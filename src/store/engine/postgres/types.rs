//! Values as PostgreSQL wants them, and cells of its rows.

use std::{borrow::Cow, error::Error};

use tokio_postgres::{
    Row,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use super::pattern;
use crate::store::{
    StoreError,
    engine::{Cell, Result, Value},
};

/// A value in the shape of the type that the statement asks for.
#[derive(Debug)]
pub(super) struct Parameter<'p, 'v>(pub(super) &'p Value<'v>);

type Wrong = Box<dyn Error + Sync + Send>;

impl ToSql for Parameter<'_, '_> {
    fn to_sql(
        &self,
        wanted: &Type,
        out: &mut bytes::BytesMut,
    ) -> std::result::Result<IsNull, Wrong> {
        match *self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Flag(flag) if *wanted == Type::BOOL => flag.to_sql(wanted, out),
            Value::Flag(flag) => integer(flag.into(), wanted, out),
            Value::Integer(number) => integer(number, wanted, out),
            Value::Real(number) => number.to_sql(&Type::FLOAT8, out),
            Value::Text(text) => whole(text).as_ref().to_sql(&Type::TEXT, out),
            Value::Blob(octets) => octets.to_sql(&Type::BYTEA, out),
            Value::Ids(ids) => ids.to_sql(&Type::INT8_ARRAY, out),
            Value::Pattern(text) => pattern::translate(text)?.to_sql(&Type::TEXT, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn integer(
    number: i64,
    wanted: &Type,
    out: &mut bytes::BytesMut,
) -> std::result::Result<IsNull, Wrong> {
    match *wanted {
        Type::INT8 => number.to_sql(wanted, out),
        Type::INT4 => i32::try_from(number)?.to_sql(wanted, out),
        Type::INT2 => i16::try_from(number)?.to_sql(wanted, out),
        Type::BOOL => (number != 0).to_sql(wanted, out),
        #[allow(clippy::cast_precision_loss)]
        Type::FLOAT8 => (number as f64).to_sql(wanted, out),
        Type::TEXT => number.to_string().to_sql(wanted, out),
        ref other => Err(format!("an integer is given where {other} is wanted").into()),
    }
}

/// Text holds no NUL there.
pub(super) fn whole(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// A cell as it comes.
struct Any<'r>(Cell<'r>);

impl<'r> FromSql<'r> for Any<'r> {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> std::result::Result<Self, Wrong> {
        Ok(Self(match *kind {
            Type::INT8 => Cell::Integer(i64::from_sql(kind, raw)?),
            Type::INT4 => Cell::Integer(i32::from_sql(kind, raw)?.into()),
            Type::INT2 => Cell::Integer(i16::from_sql(kind, raw)?.into()),
            Type::BOOL => Cell::Integer(bool::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Cell::Real(f64::from_sql(kind, raw)?),
            Type::BYTEA => Cell::Blob(raw),
            _ => Cell::Text(std::str::from_utf8(raw)?),
        }))
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, Wrong> {
        Ok(Self(Cell::Null))
    }

    fn accepts(kind: &Type) -> bool {
        [
            Type::INT8,
            Type::INT4,
            Type::INT2,
            Type::BOOL,
            Type::FLOAT8,
            Type::BYTEA,
            Type::TEXT,
            Type::VARCHAR,
            Type::NAME,
            Type::UNKNOWN,
        ]
        .contains(kind)
    }
}

pub(in crate::store::engine) fn cell(row: &Row, index: usize) -> Result<Cell<'_>> {
    let any: Any<'_> = row
        .try_get(index)
        .map_err(|cause| StoreError::Other(cause.to_string()))?;
    Ok(any.0)
}
