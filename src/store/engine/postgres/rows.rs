//! The rows of a query: a few at once, or many by a cursor, so that memory does not grow with them
//! and other statements can be run between.

use std::{mem::take, vec};

use tokio_postgres::Row;

use super::Session;
use crate::store::engine::{Purpose, Result, Value};

/// So many rows are fetched at once, first and at most, and about as many octets.
const FIRST: usize = 100;
const PAGE: usize = 2_000;
const OCTETS: usize = 2 << 20;

pub(in crate::store) struct Fetched<'s> {
    rows: vec::IntoIter<Row>,
    present: Option<Row>,
    cursor: Option<Cursor<'s>>,
}

struct Cursor<'s> {
    session: &'s Session,
    name: String,
    page: usize,
    /// The transaction was begun for it.
    alone: bool,
    ended: bool,
}

impl<'s> Fetched<'s> {
    pub(in crate::store::engine) fn few(rows: Vec<Row>) -> Self {
        Self {
            rows: rows.into_iter(),
            present: None,
            cursor: None,
        }
    }

    /// Asks a query whose answer may be long.
    pub(in crate::store::engine) fn many(
        session: &'s Session,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Self> {
        let alone = !session.in_transaction();
        if alone {
            session.start(Purpose::Reading)?;
        }
        let number = session.cursors.get();
        session.cursors.set(number + 1);
        let mut cursor = Cursor {
            session,
            name: format!("rows_{number}"),
            page: FIRST,
            alone,
            ended: false,
        };
        let declare = format!("DECLARE {} NO SCROLL CURSOR FOR {sql}", cursor.name);
        session.execute(&declare, false, values)?;
        let rows = cursor.page()?;
        Ok(Self {
            rows: rows.into_iter(),
            present: None,
            cursor: Some(cursor),
        })
    }

    pub(in crate::store::engine) fn next(&mut self) -> Result<Option<&Row>> {
        self.present = self.rows.next();
        if self.present.is_none()
            && let Some(cursor) = &mut self.cursor
            && !cursor.ended
        {
            self.rows = cursor.page()?.into_iter();
            self.present = self.rows.next();
        }
        Ok(self.present.as_ref())
    }
}

impl Cursor<'_> {
    fn page(&mut self) -> Result<Vec<Row>> {
        let fetch = format!("FETCH FORWARD {} FROM {}", self.page, self.name);
        let rows = self.session.fetch(&fetch, false, &[])?;
        self.ended = rows.len() < self.page;
        let octets: usize = rows.iter().map(Row::raw_size_bytes).sum();
        self.page = (rows.len() * OCTETS / octets.max(1)).clamp(1, PAGE);
        Ok(rows)
    }
}

impl Drop for Cursor<'_> {
    fn drop(&mut self) {
        // What is left open ends with the transaction or the connection.
        let name = take(&mut self.name);
        let _ = if self.alone {
            self.session.execute_batch("COMMIT")
        } else {
            self.session.execute_batch(&format!("CLOSE {name}"))
        };
    }
}
