//! What an operator says of a value.

use super::{
    super::{
        ast::{Condition, Value},
        filters::{Filter, ValueType, Words},
        operator::Operator,
        sql::{Bound, Sql},
    },
    Terms,
};
use crate::classify::Reason;

pub(super) fn typed(value: &Sql, function: &str) -> Sql {
    let mut sql = Sql::text(format!("{function}("));
    sql.append(value).push(")");
    sql
}

/// The operator of a condition, applied to `value`.
pub(super) fn test(filter: &Filter, condition: &Condition, value: &Sql, terms: &Terms<'_>) -> Sql {
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
