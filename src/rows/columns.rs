//! What the columns of a row are called.

use std::collections::HashMap;

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
    pub names: Vec<String>,
    /// A row may have more than these.
    pub more: bool,
}

impl Columns {
    /// With our names.
    pub(super) fn called(mut self, names: &Names<'_>) -> Self {
        for name in &mut self.names {
            *name = names.ours(name);
        }
        self
    }

    /// The values with their names. Of two columns of one name the first that says something counts.
    pub(super) fn row(&self, cells: impl ExactSizeIterator<Item = Value>) -> Result<Row, String> {
        let fits = cells.len() == self.names.len() || (self.more && cells.len() > self.names.len());
        if !fits {
            return Err(format!(
                "{} columns instead of {}",
                cells.len(),
                self.names.len()
            ));
        }
        let mut row = Row::with_capacity(self.names.len());
        for (name, value) in self.names.iter().zip(cells) {
            if super::text(&row, name).is_none() {
                row.insert(name.clone(), value);
            }
        }
        Ok(row)
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
