//! Mistakes in a filter, told with the column and a way out.

use std::{fmt, ops::Range};

/// What is wrong in a filter, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    filter: String,
    /// Octets of the filter.
    span: Range<usize>,
    message: String,
    hint: String,
}

/// The part of an error that needs no sight of the whole filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Mistake {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            hint: "`bouncekit segments:filters` shows every filter with an example".into(),
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    pub(super) fn in_filter(self, filter: &str) -> FilterError {
        FilterError {
            filter: filter.to_owned(),
            span: self.span,
            message: self.message,
            hint: self.hint,
        }
    }
}

impl FilterError {
    /// What a person can do about it.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// Line and column of the mistake, both from 1; columns count characters.
    pub fn position(&self) -> (usize, usize) {
        let before = &self.filter[..self.span.start.min(self.filter.len())];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }

    /// The line of the mistake, and a line of carets under it.
    pub fn picture(&self) -> [String; 2] {
        let (number, column) = self.position();
        let line = self.filter.lines().nth(number - 1).unwrap_or_default();
        let wrong = self.filter.get(self.span.clone()).unwrap_or_default();
        let width = wrong.lines().next().unwrap_or_default().chars().count();
        [
            line.replace('\t', " "),
            format!("{}{}", " ".repeat(column - 1), "^".repeat(width.max(1))),
        ]
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.position();
        if self.filter.trim_end().contains('\n') {
            write!(f, "line {line}, ")?;
        }
        write!(f, "column {column} of the filter: {}", self.message)
    }
}

impl std::error::Error for FilterError {}

/// The likeliest of `known` for a misspelt `wrong`: the first of which it is a part (`fault` of
/// `bounce_fault`), or else the most alike.
pub(super) fn near<'k>(wrong: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let wrong = wrong.to_lowercase();
    let known: Vec<&str> = known.into_iter().collect();
    let is_part = |name: &&&str| name.split('_').skip(1).any(|part| part == wrong);
    if let Some(name) = known.iter().find(is_part) {
        return Some(name);
    }
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wrong, &name.to_lowercase()), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.82)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_name_leads_to_it_and_a_slip_to_the_most_alike() {
        let known = ["bounced", "bounces", "bounce_fault", "bounce_permanence"];
        assert_eq!(near("fault", known), Some("bounce_fault"));
        assert_eq!(near("Permanence", known), Some("bounce_permanence"));
        assert_eq!(near("bonced", known), Some("bounced"));
        assert_eq!(near("weather", known), None);
    }
}
