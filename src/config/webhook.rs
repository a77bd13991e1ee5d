//! The `[webhook]` table: where callbacks are received and how long they wait.

use std::path::PathBuf;

use serde::Deserialize;

use super::Span;
use crate::time::{DAY, HOUR};

/// The `[webhook]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// Scheme and host that providers call, e.g. `https://news.example.com`.
    pub url: Option<String>,
    /// Where received requests wait for `webhook:replay --spool`.
    pub spool: PathBuf,
    /// Octets of one request's body; more is answered with 413.
    pub body_limit: u64,
    /// Requests waiting in the spool; then 503, so that the provider tries again.
    pub spool_files: u64,
    /// Octets waiting in the spool; then 503.
    pub spool_size: u64,
    /// How long processed requests are kept in `done`.
    pub done_lasting: Span,
    /// How long requests that could not be applied are kept in `failed`.
    pub failed_lasting: Span,
    /// How old a signature may be when it is received. SendGrid tries for a day.
    pub replay_window: Span,
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            url: None,
            spool: "spool".into(),
            body_limit: 16 * 1024 * 1024,
            spool_files: 100_000,
            spool_size: 1024 * 1024 * 1024,
            done_lasting: Span(7 * DAY),
            failed_lasting: Span(90 * DAY),
            replay_window: Span(25 * HOUR),
        }
    }
}
