//! What hosts say most often, alike texts taken together.

use serde::Serialize;

use crate::{classify::Reason, store::DiagnosticCount};

/// Diagnostics that differ only in addresses and numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiagnosticGroup {
    pub reason: &'static str,
    pub count: u64,
    /// One of them, as it was said.
    pub sample: String,
}

impl From<DiagnosticCount> for DiagnosticGroup {
    fn from(count: DiagnosticCount) -> Self {
        Self {
            reason: count.reason.unwrap_or(Reason::Undefined).name(),
            count: count.count,
            sample: count.sample,
        }
    }
}
