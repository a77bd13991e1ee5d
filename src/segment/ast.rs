//! A filter, understood: every name known, every value of the right type.

use std::fmt;

use super::{
    filters::{Filter, ValueType},
    operator::Operator,
};
use crate::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};

/// A condition or several, joined.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Is(Condition),
}

/// One condition. A contact without the value meets `=` and its like never, and `!=` always.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub field: Field,
    /// Only rows of the last so many milliseconds count.
    pub within: Option<i64>,
    pub operator: Operator,
    pub negated: bool,
    /// As many as the operator takes.
    pub values: Vec<Value>,
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    Filter(&'static Filter),
    /// An attribute of the contact.
    Attribute(String),
}

/// What it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Flag(bool),
    Text(String),
    /// Of a closed set; written without quotes.
    Word(&'static str),
    Number(f64),
    Date(Date),
}

/// A time; days and distances are in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Date {
    At(Timestamp),
    /// The day that begins here.
    Day(Timestamp),
    /// So many milliseconds from now; negative in the past.
    FromNow(i64),
    /// The day so many days from today.
    Today(i64),
}

impl Date {
    /// When it begins and, exclusively, ends. A day is taken whole.
    pub fn bounds(self, now: Timestamp) -> (i64, i64) {
        match self {
            Self::At(at) => (at.0, at.0.saturating_add(1)),
            Self::Day(start) => (start.0, start.0.saturating_add(DAY)),
            Self::FromNow(distance) => {
                let at = now.0.saturating_add(distance);
                (at, at.saturating_add(1))
            }
            Self::Today(days) => {
                let start = (now.0.div_euclid(DAY) + days).saturating_mul(DAY);
                (start, start.saturating_add(DAY))
            }
        }
    }

    pub const fn moves(self) -> bool {
        matches!(self, Self::FromNow(_) | Self::Today(_))
    }
}

impl Expression {
    /// Every condition, from left to right.
    pub fn conditions(&self) -> Vec<&Condition> {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().flat_map(Self::conditions).collect()
            }
            Self::Not(inner) => inner.conditions(),
            Self::Is(condition) => vec![condition],
        }
    }

    /// Whether it looks at other segments.
    fn condition_on_segments(condition: &Condition) -> bool {
        matches!(condition.field, Field::Filter(filter) if filter.value == ValueType::Segment)
    }

    /// Calls a segment by its new name.
    pub fn rename_segment(&mut self, old: &str, new: &str) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.rename_segment(old, new);
                }
            }
            Self::Not(inner) => inner.rename_segment(old, new),
            Self::Is(condition) if Self::condition_on_segments(condition) => {
                for value in &mut condition.values {
                    if *value == Value::Text(old.to_owned()) {
                        *value = Value::Text(new.to_owned());
                    }
                }
            }
            Self::Is(_) => {}
        }
    }

    /// The names of the segments it refers to.
    pub fn segments(&self) -> Vec<&str> {
        self.conditions()
            .into_iter()
            .filter(|condition| Self::condition_on_segments(condition))
            .flat_map(|condition| &condition.values)
            .filter_map(|value| match value {
                Value::Text(name) => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }
}

impl fmt::Display for Expression {
    /// The filter in its plain spelling, which reads back as the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str| {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    write!(f, " {word} ")?;
                }
                if matches!(part, Self::All(_) | Self::Any(_)) {
                    write!(f, "({part})")?;
                } else {
                    write!(f, "{part}")?;
                }
            }
            Ok(())
        };
        match self {
            Self::All(parts) => joined(f, parts, "and"),
            Self::Any(parts) => joined(f, parts, "or"),
            Self::Not(inner) if matches!(**inner, Self::Is(_) | Self::Not(_)) => {
                write!(f, "not {inner}")
            }
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Is(condition) => condition.fmt(f),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Field::Filter(filter) => f.write_str(filter.name)?,
            Field::Attribute(name) if is_plain(name) => write!(f, "contact.{name}")?,
            Field::Attribute(name) => write!(f, "contact.{}", quoted(name))?,
        }
        if let Some(within) = self.within {
            write!(f, " within {}", distance(within))?;
        }
        write!(f, " {}", self.operator.text(self.negated))?;
        match (self.operator, self.values.as_slice()) {
            (Operator::Between, [low, high]) => write!(f, " {low} and {high}"),
            (Operator::In, values) => {
                f.write_str(" (")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            (_, values) => values.iter().try_for_each(|value| write!(f, " {value}")),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(true) => f.write_str("yes"),
            Self::Flag(false) => f.write_str("no"),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Word(word) => f.write_str(word),
            Self::Number(number) => write!(f, "{number}"),
            Self::Date(date) => date.fmt(f),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => write!(f, "{at}"),
            Self::Day(start) => f.write_str(&start.day()),
            Self::FromNow(0) => f.write_str("now"),
            Self::FromNow(span) if *span < 0 => write!(f, "-{}", distance(-span)),
            Self::FromNow(span) => write!(f, "+{}", distance(*span)),
            Self::Today(0) => f.write_str("today"),
            Self::Today(-1) => f.write_str("yesterday"),
            Self::Today(1) => f.write_str("tomorrow"),
            Self::Today(days) => write!(f, "today{days:+}d"),
        }
    }
}

/// In the largest unit that divides it.
fn distance(span: i64) -> String {
    let (unit, name) = [(DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm')]
        .into_iter()
        .find(|(unit, _)| span % unit == 0)
        .unwrap_or((SECOND, 's'));
    format!("{}{name}", span / unit)
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
