//! Filters → SQL: each condition is one atom, true or false for every contact, joined by a tree.
//!
//! An atom is written once and used in two shapes. As a *probe* it is a subquery that looks up one
//! contact: for listing, explaining, and for the few contacts that changed. As a column of a
//! *sweep* it is computed for a whole table in one pass, grouped by address, together with all
//! other atoms on that table. Both shapes hold the same expression, so they cannot disagree.

mod atom;
mod comparison;

use std::collections::HashMap;

use super::{ast::Expression, sql::Sql};
use crate::{suppression::Policy, time::Timestamp};
pub(crate) use atom::Atom;
pub(super) use atom::NOT_UNDONE;

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
                let atom = Atom::of(condition, terms);
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
