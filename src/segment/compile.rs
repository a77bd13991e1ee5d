//! Filters → SQL: each condition is one atom, true or false for every contact, joined by a tree.
//!
//! An atom is written once and used in two shapes. As a *probe* it is a subquery that looks up one
//! contact: for listing, explaining, and for the few contacts that changed. As a column of a
//! *sweep* it is computed for a whole table in one pass, grouped by address, together with all
//! other atoms on that table. Both shapes hold the same expression, so they cannot disagree.

use std::{borrow::Cow, collections::HashMap};

use super::{
    ast::{Condition, Date, Expression, Field, Value},
    filters::{ATTRIBUTE, Filter, Measure, Table, ValueType, Words},
    operator::Operator,
    points::Points,
    sql::{Bound, Sql},
};
use crate::{classify::Reason, suppression::Policy, time::Timestamp};

/// What filters depend on besides the rows.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'t> {
    pub now: Timestamp,
    pub policy: &'t Policy,
    /// Ids of segments by name.
    pub segments: &'t HashMap<String, i64>,
    /// How many runs are undone: the events of these count for nothing.
    pub undone_runs: usize,
}

/// The events `e` of undone runs do not count. The run stands in the wide rows only, so this is
/// asked only where there are such runs.
pub(super) const NOT_UNDONE: &str =
    " AND e.run NOT IN (SELECT r.id FROM run r WHERE r.undone_at IS NOT NULL)";

/// A filter as SQL.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    pub(crate) tree: Tree,
    pub(crate) atoms: Vec<Atom>,
    /// The atom of each condition, from left to right.
    pub(crate) conditions: Vec<usize>,
}

/// How atoms are joined, by their index.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
    Atom(usize),
}

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

/// Compiles a filter. Segments that are not in `terms` have no members.
pub fn compile(expression: &Expression, terms: &Terms<'_>) -> Compiled {
    let mut compiled = Compiled {
        tree: Tree::All(Vec::new()),
        atoms: Vec::new(),
        conditions: Vec::new(),
    };
    compiled.tree = compiled.branch(expression, terms);
    compiled
}

impl Compiled {
    fn branch(&mut self, expression: &Expression, terms: &Terms<'_>) -> Tree {
        let mut all = |parts: &[Expression]| {
            parts
                .iter()
                .map(|part| self.branch(part, terms))
                .collect::<Vec<_>>()
        };
        match expression {
            Expression::All(parts) => Tree::All(all(parts)),
            Expression::Any(parts) => Tree::Any(all(parts)),
            Expression::Not(inner) => Tree::Not(Box::new(self.branch(inner, terms))),
            Expression::Is(condition) => {
                let atom = atom(condition, terms);
                let known = self.atoms.iter().position(|known| *known == atom);
                let index = known.unwrap_or_else(|| {
                    self.atoms.push(atom);
                    self.atoms.len() - 1
                });
                self.conditions.push(index);
                if condition.negated {
                    Tree::Not(Box::new(Tree::Atom(index)))
                } else {
                    Tree::Atom(index)
                }
            }
        }
    }

    /// The whole filter as one condition on the contact `c`.
    pub(crate) fn predicate(&self) -> Sql {
        let mut sql = Sql::default();
        self.write(&self.tree, &mut sql);
        sql
    }

    fn write(&self, tree: &Tree, sql: &mut Sql) {
        let mut joined = |parts: &[Tree], word: &str| {
            sql.push("(");
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    sql.push(word);
                }
                self.write(part, sql);
            }
            sql.push(")");
        };
        match tree {
            Tree::All(parts) => joined(parts, " AND "),
            Tree::Any(parts) => joined(parts, " OR "),
            Tree::Not(inner) => {
                sql.push("NOT ");
                self.write(inner, sql);
            }
            Tree::Atom(index) => {
                sql.append(&self.atoms[*index].probe());
            }
        }
    }
}

impl Atom {
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

fn atom(condition: &Condition, terms: &Terms<'_>) -> Atom {
    let filter = match &condition.field {
        Field::Filter(filter) => *filter,
        Field::Attribute(_) => &ATTRIBUTE,
    };
    let table = filter.measure.table();
    let mut atom = Atom {
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

fn typed(value: &Sql, function: &str) -> Sql {
    let mut sql = Sql::text(format!("{function}("));
    sql.append(value).push(")");
    sql
}

/// The operator of a condition, applied to `value`.
fn test(filter: &Filter, condition: &Condition, value: &Sql, terms: &Terms<'_>) -> Sql {
    if condition.operator == Operator::Empty {
        let mut sql = Sql::text("(");
        sql.append(value).push(" IS NULL");
        if filter.value != ValueType::Date {
            sql.push(" OR ").append(value).push(" = ''");
        }
        sql.push(")");
        return sql;
    }
    if filter.value == ValueType::Word(Words::Fault) {
        return at_fault(condition, value);
    }
    match condition.values.first() {
        Some(Value::Date(_)) => date_test(filter, condition, value, terms),
        Some(Value::Text(_)) if filter.value != ValueType::Segment => {
            text_test(filter, condition, value)
        }
        Some(Value::Number(_)) if filter.value == ValueType::Attribute => {
            plain_test(condition, &typed(value, "to_number"))
        }
        Some(Value::Flag(_)) => plain_test(condition, &typed(value, "to_flag")),
        _ => plain_test(condition, value),
    }
}

fn at_fault(condition: &Condition, value: &Sql) -> Sql {
    let reasons = Reason::ALL.iter().filter(|reason| {
        condition
            .values
            .contains(&Value::Word(reason.fault().name()))
    });
    let mut sql = value.clone();
    sql.push(" IN (NULL")
        .bind_more(reasons.map(|reason| Bound::from(reason.name())))
        .push(")");
    sql
}

fn date_test(filter: &Filter, condition: &Condition, value: &Sql, terms: &Terms<'_>) -> Sql {
    let value = if filter.value == ValueType::Attribute {
        typed(value, "to_time")
    } else {
        value.clone()
    };
    let bounds: Vec<(i64, i64)> = condition
        .values
        .iter()
        .map(|value| match value {
            Value::Date(date) => date.bounds(terms.now),
            _ => (0, 0),
        })
        .collect();
    let (first, last) = (bounds[0], bounds[bounds.len() - 1]);
    let mut sql = value.clone();
    match condition.operator {
        Operator::Less => sql.push(" < ").bind(first.0),
        Operator::LessOrEqual => sql.push(" < ").bind(first.1),
        Operator::Greater => sql.push(" >= ").bind(first.1),
        Operator::GreaterOrEqual => sql.push(" >= ").bind(first.0),
        Operator::In => {
            sql = Sql::text("(");
            for (index, (from, to)) in bounds.iter().enumerate() {
                if index > 0 {
                    sql.push(" OR ");
                }
                sql.append(&value).push(" BETWEEN ").bind(*from);
                sql.push(" AND ").bind(to - 1);
            }
            sql.push(")")
        }
        _ => {
            sql.push(" BETWEEN ").bind(first.0);
            sql.push(" AND ").bind(last.1 - 1)
        }
    };
    sql
}

fn text_test(filter: &Filter, condition: &Condition, value: &Sql) -> Sql {
    let lower = matches!(filter.value, ValueType::LowerText | ValueType::Domain);
    let texts = || {
        condition.values.iter().filter_map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    };
    let text = texts().next().unwrap_or_default();
    if condition.operator == Operator::Matches {
        let mut sql = Sql::text("matches_regex(");
        sql.append(value)
            .push(", ")
            .bind(Bound::Pattern(text.to_owned()))
            .push(")");
        return sql;
    }
    let mut sql = if lower {
        value.clone()
    } else {
        typed(value, "fold_case")
    };
    let escaped = || {
        let mut escaped = String::new();
        for c in text.to_lowercase().chars() {
            if matches!(c, '%' | '_' | '\\') {
                escaped.push('\\');
            }
            escaped.push(c);
        }
        escaped
    };
    let pattern = match condition.operator {
        Operator::Like => text.to_lowercase(),
        Operator::Starts => format!("{}%", escaped()),
        Operator::Ends => format!("%{}", escaped()),
        Operator::Contains => format!("%{}%", escaped()),
        _ => {
            let folded = texts().map(|text| Value::Text(text.to_lowercase()));
            return plain_test(
                &Condition {
                    values: folded.collect(),
                    ..condition.clone()
                },
                &sql,
            );
        }
    };
    sql.push(" LIKE ")
        .bind(pattern.as_str())
        .push(" ESCAPE '\\'");
    sql
}

fn plain_test(condition: &Condition, value: &Sql) -> Sql {
    let bound = |value: &Value| match value {
        Value::Flag(flag) => Bound::Integer(i64::from(*flag)),
        Value::Text(text) => Bound::from(text.as_str()),
        Value::Word(word) => Bound::from(*word),
        Value::Number(number) => Bound::from(*number),
        Value::Date(_) => Bound::Integer(0),
    };
    let mut values = condition.values.iter().map(bound);
    let mut sql = value.clone();
    let sign = match condition.operator {
        Operator::In => {
            sql.push(" IN (").bind_all(values).push(")");
            return sql;
        }
        Operator::Between => {
            if let (Some(low), Some(high)) = (values.next(), values.next()) {
                sql.push(" BETWEEN ").bind(low).push(" AND ").bind(high);
            }
            return sql;
        }
        operator => operator.text(false),
    };
    sql.push(&format!(" {sign} ")).bind_all(values.take(1));
    sql
}
