//! What hosts say most often, alike texts taken together.

use std::collections::HashMap;

use serde::Serialize;

use crate::{
    classify::Reason,
    store::{Scope, Store, StoreError},
};

/// Diagnostics that differ only in addresses and numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiagnosticGroup {
    pub reason: &'static str,
    pub count: u64,
    /// One of them, as it was said.
    pub sample: String,
}

/// So many different texts are told apart; what comes new after that is left out, so that memory
/// is bounded.
const GROUPS: usize = 10_000;

/// Samples are cut at so many characters.
const SAMPLE: usize = 240;

/// The most frequent groups.
pub(super) fn groups(
    store: &Store,
    scope: Scope<'_>,
    most: usize,
) -> Result<Vec<DiagnosticGroup>, StoreError> {
    let mut groups: HashMap<(Option<Reason>, String), DiagnosticGroup> = HashMap::new();
    store.for_each_diagnostic(scope, |reason, text| {
        let key = (reason, shape(text));
        if let Some(group) = groups.get_mut(&key) {
            group.count += 1;
        } else if groups.len() < GROUPS && !text.is_empty() {
            let group = DiagnosticGroup {
                reason: reason.unwrap_or(Reason::Undefined).name(),
                count: 1,
                sample: text.chars().take(SAMPLE).collect(),
            };
            groups.insert(key, group);
        }
    })?;
    let mut groups: Vec<DiagnosticGroup> = groups.into_values().collect();
    groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.sample.cmp(&b.sample)));
    groups.truncate(most);
    Ok(groups)
}

/// A text without what is different each time: addresses, host names with digits, numbers, ids.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for word in text.split_whitespace().take(40) {
        if !shape.is_empty() {
            shape.push(' ');
        }
        if word.contains('@') {
            shape.push('@');
        } else if word.bytes().filter(u8::is_ascii_digit).count() > 3 {
            shape.push('#');
        } else {
            shape.push_str(&word.to_lowercase());
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_alike_whoever_they_are_about() {
        assert_eq!(
            shape("550 5.1.1 <anna@example.com>: User unknown; 1794972405.B2"),
            shape("550 5.1.1 <bert@example.org>: user unknown; 1794972777.C9")
        );
        assert_ne!(
            shape("550 5.1.1 User unknown"),
            shape("552 5.2.2 Mailbox full")
        );
    }
}
