//! The few SQL functions of ours that filters need, for SQLite; PostgreSQL has them in SQL.

use std::sync::Arc;

use regex::Regex;
use rusqlite::{
    Connection,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};

use crate::{segment::compile_regex, time::Timestamp};

/// Registers them.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("fold_case", 1, flags, |call| {
        Ok(text(call, 0).map(|text| text.to_lowercase()))
    })?;
    connection.create_scalar_function("to_number", 1, flags, |call| {
        Ok(match call.get_raw(0) {
            ValueRef::Text(text) => std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.trim().parse::<f64>().ok())
                .filter(|number| number.is_finite()),
            #[allow(clippy::cast_precision_loss)]
            ValueRef::Integer(number) => Some(number as f64),
            ValueRef::Real(number) => Some(number),
            ValueRef::Null | ValueRef::Blob(_) => None,
        })
    })?;
    connection.create_scalar_function("to_time", 1, flags, |call| {
        Ok(text(call, 0)
            .and_then(|text| Timestamp::parse_iso(&text))
            .map(|at| at.0))
    })?;
    connection.create_scalar_function("to_flag", 1, flags, |call| {
        Ok(
            text(call, 0).and_then(|text| match text.trim().to_ascii_lowercase().as_str() {
                "1" | "yes" | "true" | "on" => Some(true),
                "0" | "no" | "false" | "off" => Some(false),
                _ => None,
            }),
        )
    })?;
    connection.create_scalar_function("matches_regex", 2, flags, |call| {
        let pattern: Arc<Regex> =
            call.get_or_create_aux(1, |value| compile_regex(value.as_str().unwrap_or_default()))?;
        Ok(text(call, 0).map(|text| pattern.is_match(&text)))
    })?;
    Ok(())
}

/// An argument as text; numbers as they are written.
fn text(call: &Context<'_>, index: usize) -> Option<String> {
    match call.get_raw(index) {
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}
