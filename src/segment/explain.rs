//! Why a contact meets a filter or does not, condition by condition.

use super::{Atom, Compiled, Condition, Expression, Field, ValueType};
use crate::{
    store::{Contact, Evidence, Store, StoreError},
    time::Timestamp,
};

/// A part of a filter with its answer.
#[derive(Clone, Debug)]
pub struct Explanation {
    pub holds: bool,
    pub part: Part,
}

#[derive(Clone, Debug)]
pub enum Part {
    All(Vec<Explanation>),
    Any(Vec<Explanation>),
    Not(Box<Explanation>),
    Is {
        condition: Condition,
        evidence: Evidence,
    },
}

/// Explains `expression`, which was compiled to `compiled`, for a contact.
pub fn explain(
    store: &Store,
    expression: &Expression,
    compiled: &Compiled,
    contact: &Contact,
) -> Result<Explanation, StoreError> {
    // Conditions are met in the order in which they were compiled.
    let mut atoms = compiled
        .conditions
        .iter()
        .map(|index| &compiled.atoms[*index]);
    branch(store, expression, &mut atoms, contact)
}

fn branch(
    store: &Store,
    expression: &Expression,
    atoms: &mut dyn Iterator<Item = &Atom>,
    contact: &Contact,
) -> Result<Explanation, StoreError> {
    let mut all = |parts: &[Expression]| {
        parts
            .iter()
            .map(|part| branch(store, part, atoms, contact))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match expression {
        Expression::All(parts) => {
            let parts = all(parts)?;
            Explanation {
                holds: parts.iter().all(|part| part.holds),
                part: Part::All(parts),
            }
        }
        Expression::Any(parts) => {
            let parts = all(parts)?;
            Explanation {
                holds: parts.iter().any(|part| part.holds),
                part: Part::Any(parts),
            }
        }
        Expression::Not(inner) => {
            let inner = branch(store, inner, atoms, contact)?;
            Explanation {
                holds: !inner.holds,
                part: Part::Not(Box::new(inner)),
            }
        }
        Expression::Is(condition) => {
            let mut evidence = match atoms.next() {
                Some(atom) => store.evidence(atom, contact)?,
                None => Evidence::default(),
            };
            if let (Field::Filter(filter), Some(measured)) =
                (&condition.field, &mut evidence.measured)
                && filter.value == ValueType::Date
                && let Some(at) = measured.as_i64()
            {
                *measured = Timestamp(at).to_string().into();
            }
            Explanation {
                holds: evidence.holds != condition.negated,
                part: Part::Is {
                    condition: condition.clone(),
                    evidence,
                },
            }
        }
    })
}
