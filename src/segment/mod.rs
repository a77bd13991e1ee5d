//! Segments: a filter language, and memberships kept up with it.
//!
//! [`FILTERS`] is the table of everything that can be asked of a contact. A filter is read
//! ([`Expression`]), compiled to SQL with bound parameters only ([`compile`]), and evaluated by
//! [`crate::store`]. [`update`] builds segments: over everybody the first time, later over those
//! who changed, and those who can have crossed the border of a time.
//!
//! Logic has two values: a contact without a value does not meet `city = 'Graz'`, and therefore
//! meets `city != 'Graz'`. Text compares without regard to case, times are UTC.

mod ast;
mod bits;
mod check;
mod compile;
mod definition;
mod error;
#[cfg(test)]
mod evaluator;
mod explain;
mod filters;
mod operator;
mod order;
mod parse;
mod points;
mod sql;
#[cfg(test)]
mod tests;
mod update;

pub use ast::{Condition, Date, Expression, Field, Value};
pub use bits::Bits;
pub use check::Names;
pub(crate) use check::compile_regex;
pub(crate) use compile::{Atom, Tree};
pub use compile::{Compiled, Terms, compile};
pub use definition::{Definitions, SegmentError};
pub use error::FilterError;
pub use explain::{Explanation, Part, explain};
pub use filters::{ATTRIBUTE, FILTERS, Filter, Measure, Table, ValueType, Words};
pub use operator::Operator;
pub(crate) use sql::{Bound, Sql};
pub use update::{Built, Choice, Mode, update};

impl Expression {
    /// Reads a filter, given the names that stand in the database.
    pub fn parse(text: &str, names: &Names) -> Result<Self, FilterError> {
        parse::parse(text)
            .and_then(|syntax| check::check(syntax, names))
            .map_err(|mistake| mistake.in_filter(text))
    }
}
