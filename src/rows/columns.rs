//! What the columns of a row are called.

use std::{collections::HashMap, rc::Rc};

use serde_json::Value;

use super::Row;

/// What their columns are called here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// Their name → ours, lower case: what a person said.
    pub said: Option<&'a HashMap<String, String>>,
    /// Ours, and what others call it.
    pub usual: &'a [(&'a str, &'a [&'a str])],
}

impl Names<'_> {
    /// What their column is called here: by its own name, in lower case, where nothing is known of it.
    pub fn ours(&self, theirs: &str) -> String {
        let theirs = theirs.trim().to_lowercase();
        if let Some(ours) = self.said.and_then(|said| said.get(&theirs)) {
            return ours.clone();
        }
        self.usual
            .iter()
            .find(|(ours, others)| theirs == *ours || others.contains(&theirs.as_str()))
            .map_or(theirs, |(ours, _)| (*ours).to_owned())
    }
}

/// The columns of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    pub names: Rc<Vec<String>>,
    /// A row may have more than these.
    pub more: bool,
}

impl Columns {
    /// With our names.
    pub(super) fn called(mut self, names: &Names<'_>) -> Self {
        for name in Rc::make_mut(&mut self.names) {
            *name = names.ours(name);
        }
        self
    }

    /// The values with their names.
    pub(super) fn row(&self, mut values: Vec<Value>) -> Result<Row, String> {
        let expected = self.names.len();
        let fits = values.len() == expected || (self.more && values.len() > expected);
        if !fits {
            return Err(format!("{} columns instead of {expected}", values.len()));
        }
        values.truncate(expected);
        Ok(Row::new(Rc::clone(&self.names), values))
    }
}

/// The columns of the CREATE TABLE in what mysqldump writes, if there is one.
pub fn of_definition(sql: &str) -> Option<Vec<String>> {
    let (_, body) = sql.split_once("CREATE TABLE")?;
    let names: Vec<String> = body
        .lines()
        .skip(1)
        .map_while(|line| {
            let (name, _) = line.trim_start().strip_prefix('`')?.split_once('`')?;
            Some(name.to_lowercase())
        })
        .collect();
    (!names.is_empty()).then_some(names)
}
