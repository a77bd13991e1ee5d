//! Why a contact is in a segment or not: for each condition the rows that decide.

use serde_json::Value;

use super::engine::Cell;
use super::{Contact, Store, StoreError, membership::bound};
use crate::{
    address::AddressKey,
    segment::{Atom, Sql, Table},
    time::Timestamp,
};

/// What speaks for a condition, or against it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Whether the condition, before any negation, holds.
    pub holds: bool,
    /// The value that is compared; null if there is none.
    pub measured: Option<Value>,
    /// The newest rows that count, as name and value.
    pub rows: Vec<Cells>,
}

/// A row as names and values.
pub type Cells = Vec<(String, Value)>;

/// So many rows are shown of a condition.
const ROWS: &str = "3";

impl Store {
    pub(crate) fn evidence(&self, atom: &Atom, contact: &Contact) -> Result<Evidence, StoreError> {
        let mut probe = Sql::text("SELECT ");
        probe
            .append(&atom.probe())
            .push(" FROM contact c WHERE c.id = ")
            .bind(contact.id);
        let holds = self.rows_of(&probe)?.into_iter().flatten().next();
        let key = AddressKey::parse(&contact.address);
        let mut restriction = Sql::text("= ");
        restriction.bind(key.as_ref().map_or("", AddressKey::as_str));
        let source = atom.source(&restriction);
        let measured = match &atom.measured {
            None => None,
            Some(measured) => {
                let mut sql = Sql::text("SELECT ");
                sql.append(measured).push(" AS value FROM ");
                if atom.table == Table::Contact {
                    sql.push("contact c WHERE c.id = ").bind(contact.id);
                } else {
                    sql.append(&source);
                }
                let value = self.rows_of(&sql)?.into_iter().flatten().next();
                Some(value.map_or(Value::Null, |(_, value)| value))
            }
        };
        let (columns, order) = match atom.table {
            Table::Contact | Table::Points => {
                return Ok(Evidence {
                    holds: holds.is_some_and(|(_, holds)| holds == 1),
                    measured,
                    rows: Vec::new(),
                });
            }
            Table::Listed => (
                "d.reason, d.detail, d.since, d.expires_at AS until, d.comment, d.run,
                 lower(hex(d.event)) AS event",
                "d.since",
            ),
            Table::Event => (
                "lower(hex(e.key)) AS event, e.kind, e.permanence, e.reason, e.occurred_at AS at,
                 e.source, e.receiving_host AS host, e.status, e.diagnostic",
                "e.occurred_at",
            ),
            Table::Send => ("s.email_id AS email, s.sent_at AS at", "s.sent_at"),
            Table::Member => ("g.name AS segment, m.origin, m.since", "m.since"),
        };
        let mut sql = Sql::text(format!("SELECT {columns} FROM "));
        if atom.table == Table::Member {
            sql.push("segment_member m JOIN segment g ON g.id = m.segment WHERE m.contact = ")
                .bind(contact.id);
        } else {
            sql.append(&source);
        }
        sql.push(" AND (")
            .append(&atom.rows)
            .push(&format!(") ORDER BY {order} DESC LIMIT {ROWS}"));
        Ok(Evidence {
            holds: holds.is_some_and(|(_, holds)| holds == 1),
            measured,
            rows: self.rows_of(&sql)?,
        })
    }

    /// Rows by column name; times as text, what is null or empty left out.
    fn rows_of(&self, sql: &Sql) -> Result<Vec<Cells>, StoreError> {
        let (text, values) = bound(sql);
        let mut select = self.connection.prepare(&text)?;
        let names = select.column_names()?;
        let mut found = Vec::new();
        let mut rows = select.query(&values)?;
        while let Some(row) = rows.next()? {
            let mut cells = Cells::new();
            for (index, name) in names.iter().enumerate() {
                let value = match row.cell(index)? {
                    Cell::Null | Cell::Blob(_) | Cell::Text("") => continue,
                    Cell::Integer(number) if ["at", "since", "until"].contains(&name.as_str()) => {
                        Timestamp(number).to_string().into()
                    }
                    Cell::Integer(number) => number.into(),
                    Cell::Real(number) => number.into(),
                    Cell::Text(text) => text.into(),
                };
                cells.push((name.clone(), value));
            }
            found.push(cells);
        }
        Ok(found)
    }
}
