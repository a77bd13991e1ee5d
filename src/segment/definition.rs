//! Definitions of segments: reading filters with the names of the database, refusing circles.

use std::collections::HashMap;

use super::{
    Compiled, Expression, FilterError, Names, Terms, check::bare_names, compile, order, parse,
};
use crate::{
    store::{Segment, Store, StoreError},
    suppression::Policy,
    time::Timestamp,
};

/// Why a segment cannot be defined or built.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error("the filter of segment `{0}` cannot be read any more: {1}")]
    Stored(String, FilterError),
    #[error("segments refer to each other in a circle: {}", .0.join(" → "))]
    Circle(Vec<String>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The segments of a database with their filters read.
#[derive(Debug)]
pub struct Definitions {
    /// By name.
    pub segments: Vec<(Segment, Expression)>,
}

impl Definitions {
    pub fn load(store: &Store) -> Result<Self, SegmentError> {
        let segments = store.segments()?;
        let names = Names {
            segments: segments
                .iter()
                .map(|segment| segment.name.clone())
                .collect(),
            attributes: Vec::new(),
        };
        let read = |segment: Segment| {
            // Stored filters name attributes in full, whether or not a contact has them now.
            let expression = Expression::parse(&segment.filter, &names)
                .map_err(|error| SegmentError::Stored(segment.name.clone(), error))?;
            Ok((segment, expression))
        };
        let segments = segments
            .into_iter()
            .map(read)
            .collect::<Result<_, SegmentError>>()?;
        Ok(Self { segments })
    }

    /// Ids by name, as filters need them.
    pub fn ids(&self) -> HashMap<String, i64> {
        self.segments
            .iter()
            .map(|(segment, _)| (segment.name.clone(), segment.id))
            .collect()
    }

    /// The segments whose filter refers to `name`.
    pub fn referring_to(&self, name: &str) -> Vec<&str> {
        self.segments
            .iter()
            .filter(|(_, expression)| expression.segments().contains(&name))
            .map(|(segment, _)| segment.name.as_str())
            .collect()
    }

    /// The order of building, as indexes in waves.
    pub(super) fn waves(&self) -> Result<Vec<Vec<usize>>, SegmentError> {
        let waves = order::waves(&self.references()).map_err(circle)?;
        let index = |name: &&str| {
            self.segments
                .iter()
                .position(|(segment, _)| segment.name == **name)
        };
        Ok(waves
            .iter()
            .map(|wave| wave.iter().filter_map(index).collect())
            .collect())
    }

    /// Refuses definitions of which one leads back to itself.
    pub fn check_circles(&self) -> Result<(), SegmentError> {
        self.waves().map(drop)
    }

    /// Puts a segment's new definition in the place of the old one, or adds it.
    pub fn put(&mut self, segment: Segment, expression: Expression) {
        match self
            .segments
            .iter_mut()
            .find(|(known, _)| known.name == segment.name)
        {
            Some(known) => *known = (segment, expression),
            None => self.segments.push((segment, expression)),
        }
    }

    fn references(&self) -> order::References<'_> {
        self.segments
            .iter()
            .map(|(segment, expression)| (segment.name.as_str(), expression.segments()))
            .collect()
    }
}

fn circle(path: Vec<&str>) -> SegmentError {
    SegmentError::Circle(path.into_iter().map(str::to_owned).collect())
}

impl Store {
    /// Reads a filter that a person wrote: attributes must exist, and segments too, unless they are
    /// among `coming`.
    pub fn read_filter(&self, text: &str, coming: &[String]) -> Result<Expression, SegmentError> {
        let syntax = parse::parse(text).map_err(|mistake| mistake.in_filter(text))?;
        let mut names = Names {
            segments: self
                .segments()?
                .into_iter()
                .map(|segment| segment.name)
                .chain(coming.iter().cloned())
                .collect(),
            attributes: self.known_attributes(&bare_names(&syntax))?,
        };
        if let Ok(expression) = Expression::parse(text, &names) {
            return Ok(expression);
        }
        // The same mistake, with nearer names in its hint.
        names.attributes.extend(self.attribute_names()?);
        Ok(Expression::parse(text, &names)?)
    }

    /// Compiles a filter for this moment.
    pub fn compile_filter(
        &self,
        expression: &Expression,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Compiled, StoreError> {
        let segments = self.segments()?;
        let segments = segments
            .into_iter()
            .map(|segment| (segment.name, segment.id))
            .collect();
        let terms = Terms {
            now,
            policy,
            segments: &segments,
            undone_runs: self.undone_runs()?.len(),
        };
        Ok(compile(expression, &terms))
    }
}
