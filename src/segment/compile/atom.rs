//! One condition: its expression, the rows it counts, and when its answer changes by itself.

use std::borrow::Cow;

use super::{
    super::{
        ast::{Condition, Date, Field, Value},
        filters::{ATTRIBUTE, Filter, Measure, Table},
        operator::Operator,
        points::Points,
        sql::{Bound, Sql},
    },
    Terms,
    comparison::{test, typed},
};
use crate::time::Timestamp;

/// The events `e` of undone runs do not count. The run stands in the wide rows only, so this is
/// asked only where there are such runs.
pub(in crate::segment) const NOT_UNDONE: &str =
    " AND e.run NOT IN (SELECT r.id FROM run r WHERE r.undone_at IS NOT NULL)";

/// One condition without its negation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Atom {
    pub(crate) table: Table,
    /// True, false or null; an aggregate over the rows of an address, except for contacts.
    pub(crate) expression: Sql,
    /// The rows that count, for showing them.
    pub(crate) rows: Sql,
    /// What is compared, for showing it.
    pub(crate) measured: Option<Sql>,
    /// FROM and, open at its end, WHERE.
    source: Source,
    moves: Vec<Moves>,
}

#[derive(Clone, Debug, PartialEq)]
struct Source {
    now: Timestamp,
    /// The derived table of points; else a plain table.
    points: Option<Points>,
    /// Of events: whether some belong to undone runs.
    undone: bool,
}

/// How an atom's answer changes with time alone.
#[derive(Clone, Debug, PartialEq)]
enum Moves {
    /// Rows end by `expires_at`.
    Expiry,
    /// Rows leave the window of so many milliseconds.
    Window(i64),
    /// The measured value passes a moving date.
    Past(Date, Sql),
}

impl Atom {
    pub(super) fn of(condition: &Condition, terms: &Terms<'_>) -> Self {
        let filter = match &condition.field {
            Field::Filter(filter) => *filter,
            Field::Attribute(_) => &ATTRIBUTE,
        };
        let table = filter.measure.table();
        let mut atom = Self {
            table,
            expression: Sql::default(),
            rows: Sql::default(),
            measured: None,
            source: Source {
                now: if table == Table::Listed {
                    terms.now
                } else {
                    Timestamp(0)
                },
                points: (table == Table::Points).then(|| Points::of(terms)),
                undone: table == Table::Event && terms.undone_runs > 0,
            },
            moves: Vec::new(),
        };
        match filter.measure {
            Measure::Column(column) => {
                let value = Sql::text(column);
                atom.expression = test(filter, condition, &value, terms);
                atom.measured = Some(value);
            }
            Measure::Attribute => {
                let value = attribute(condition);
                atom.expression = test(filter, condition, &value, terms);
                atom.measured = Some(value);
            }
            Measure::Exists { rows, .. } | Measure::Lacks { rows, .. } => {
                let wanted = condition.values.first() == Some(&Value::Flag(true));
                let exists = matches!(filter.measure, Measure::Exists { .. });
                atom.rows = in_window(rows, table, condition, terms);
                atom.expression = count(&atom.rows);
                atom.expression
                    .push(if wanted == exists { " > 0" } else { " = 0" });
            }
            Measure::Any { rows, value, .. } => {
                atom.rows = in_window(rows, table, condition, terms);
                let value = Sql::text(value);
                atom.rows.push(" AND ");
                if condition.operator == Operator::Empty {
                    atom.rows.append(&value).push(" <> ''");
                } else {
                    atom.rows.append(&test(filter, condition, &value, terms));
                }
                atom.expression = count(&atom.rows);
                atom.expression
                    .push(if condition.operator == Operator::Empty {
                        " = 0"
                    } else {
                        " > 0"
                    });
            }
            Measure::Count { rows, .. } => {
                atom.rows = in_window(rows, table, condition, terms);
                let value = count(&atom.rows);
                atom.expression = test(filter, condition, &value, terms);
                atom.measured = Some(value);
            }
            Measure::First { rows, value, .. } | Measure::Last { rows, value, .. } => {
                atom.rows = Sql::text(rows);
                let mut aggregate = Sql::text(if matches!(filter.measure, Measure::First { .. }) {
                    "min("
                } else {
                    "max("
                });
                aggregate
                    .push(value)
                    .push(") FILTER (WHERE ")
                    .push(rows)
                    .push(")");
                atom.expression = test(filter, condition, &aggregate, terms);
                atom.measured = Some(aggregate);
            }
            Measure::Points => {
                let value = Sql::text("coalesce(sum(p.points), 0)");
                atom.expression = test(filter, condition, &value, terms);
                atom.measured = Some(value);
            }
            Measure::Member => {
                let names = condition.values.iter().filter_map(|value| match value {
                    Value::Text(name) => terms.segments.get(name),
                    _ => None,
                });
                // Never empty: not every engine takes an empty list.
                atom.rows.push("m.segment IN (NULL");
                atom.rows
                    .bind_more(names.map(|id| Bound::Integer(*id)))
                    .push(") AND m.origin <> 'removed'");
                atom.expression
                    .push("EXISTS (SELECT 1 FROM segment_member m WHERE m.contact = c.id AND ")
                    .append(&atom.rows)
                    .push(")");
            }
        }
        atom.moves = moves(filter, condition, atom.measured.as_ref(), terms);
        atom
    }

    /// Yes or no for the contact `c`.
    pub(crate) fn probe(&self) -> Sql {
        let mut sql = Sql::default();
        match self.table {
            Table::Contact | Table::Member => {
                sql.push("((").append(&self.expression).push(") IS TRUE)");
            }
            _ => {
                sql.push("(SELECT (")
                    .append(&self.expression)
                    .push(") IS TRUE FROM ")
                    .append(&self.source(&Sql::text("= c.address_key")))
                    .push(")");
            }
        }
        sql
    }

    /// The rows of the addresses that meet `restriction` (`= $1`), as FROM ... WHERE ...
    pub(crate) fn source(&self, restriction: &Sql) -> Sql {
        let mut sql = Sql::default();
        match self.table {
            Table::Contact | Table::Member => {}
            Table::Listed => {
                sql.push(
                    "do_not_contact d WHERE d.channel = 'email' AND (d.expires_at IS NULL OR d.expires_at > ",
                )
                .bind(self.source.now.0)
                .push(") AND d.address_key ")
                .append(restriction);
            }
            Table::Event => {
                sql.push("event e WHERE e.address_key ").append(restriction);
                if self.source.undone {
                    sql.push(NOT_UNDONE);
                }
            }
            Table::Send => {
                sql.push("send s WHERE s.address_key ").append(restriction);
            }
            Table::Points => {
                if let Some(points) = &self.source.points {
                    points.write(&mut sql, restriction);
                }
            }
        }
        sql
    }

    /// The name of the row in [`Self::source`].
    pub(crate) const fn row(&self) -> &'static str {
        match self.table {
            Table::Contact | Table::Member => "c",
            Table::Listed => "d",
            Table::Event => "e",
            Table::Points => "p",
            Table::Send => "s",
        }
    }

    /// Whether two atoms can be computed in one pass.
    pub(crate) fn shares_source_with(&self, other: &Self) -> bool {
        self.table == other.table && self.source == other.source
    }

    /// Queries for the ids of all contacts for whom the mere passing of time from `then` to `now`
    /// may change the answer.
    pub(crate) fn crossings(&self, then: Timestamp, now: Timestamp) -> Vec<Sql> {
        self.moves
            .iter()
            .filter_map(|moves| {
                let (value, from, to) = match moves {
                    Moves::Expiry => (Cow::Owned(Sql::text("d.expires_at")), then.0, now.0),
                    Moves::Window(span) => {
                        let column = if self.table == Table::Send {
                            "s.sent_at"
                        } else {
                            "e.occurred_at"
                        };
                        (Cow::Owned(Sql::text(column)), then.0 - span, now.0 - span)
                    }
                    Moves::Past(date, value) => {
                        let (old, new) = (date.bounds(then), date.bounds(now));
                        if old == new {
                            return None;
                        }
                        (Cow::Borrowed(value), old.0.min(new.0), old.1.max(new.1))
                    }
                };
                let mut sql = Sql::text(match self.table {
                    Table::Contact | Table::Member => "SELECT c.id FROM contact c WHERE ",
                    Table::Listed => {
                        "SELECT c.id FROM do_not_contact d CROSS JOIN contact c
                         WHERE c.address_key = d.address_key AND "
                    }
                    Table::Event | Table::Points => {
                        "SELECT c.id FROM event e CROSS JOIN contact c
                         WHERE c.address_key = e.address_key AND "
                    }
                    Table::Send => {
                        "SELECT c.id FROM send s CROSS JOIN contact c
                         WHERE c.address_key = s.address_key AND "
                    }
                });
                sql.append(&value)
                    .push(" BETWEEN ")
                    .bind(from)
                    .push(" AND ")
                    .bind(to);
                Some(sql)
            })
            .collect()
    }
}

fn moves(
    filter: &Filter,
    condition: &Condition,
    measured: Option<&Sql>,
    terms: &Terms<'_>,
) -> Vec<Moves> {
    let mut all = Vec::new();
    match filter.measure.table() {
        Table::Listed => all.push(Moves::Expiry),
        Table::Points => all.push(Moves::Window(terms.policy.base().window)),
        _ => {}
    }
    all.extend(condition.within.map(Moves::Window));
    for value in &condition.values {
        if let Value::Date(date) = value
            && date.moves()
        {
            let passing = match filter.measure {
                Measure::First { value, .. } | Measure::Last { value, .. } => Sql::text(value),
                Measure::Attribute => typed(measured.unwrap_or(&Sql::default()), "to_time"),
                _ => measured.cloned().unwrap_or_default(),
            };
            all.push(Moves::Past(*date, passing));
        }
    }
    all
}

fn attribute(condition: &Condition) -> Sql {
    let mut sql = Sql::text("(c.attributes ->> ");
    if let Field::Attribute(name) = &condition.field {
        sql.bind(name.as_str());
    }
    sql.push(")");
    sql
}

/// The rows that count, with the window of `within`.
fn in_window(rows: &str, table: Table, condition: &Condition, terms: &Terms<'_>) -> Sql {
    let mut sql = Sql::text(rows);
    if let Some(within) = condition.within {
        sql.push(if table == Table::Send {
            " AND s.sent_at > "
        } else {
            " AND e.occurred_at > "
        })
        .bind(terms.now.0.saturating_sub(within));
    }
    sql
}

fn count(rows: &Sql) -> Sql {
    let mut sql = Sql::text("count(*) FILTER (WHERE ");
    sql.append(rows).push(")");
    sql
}
