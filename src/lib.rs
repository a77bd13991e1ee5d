//! bouncekit closes the loop on sent e-mail.
//!
//! # Map
//! Three questions stay apart. **Who reports what**: [`message`] and [`webhook`] turn bytes into
//! reports and do no I/O. **What it means**: [`classify`] gives a reason, its permanence and the
//! rule that said so. **What we do**: [`suppression`] is pure policy. One writer, [`ingest`],
//! turns the answers into rows, one transaction a batch. [`store`] alone names the database.
//! [`mailbox`] brings raw mails and acknowledges them; [`segment`] compiles filters and keeps
//! memberships.
//!
//! # One message, end to end
//! `email:fetch` opens the store and a [`mailbox`]. A batch of raw mails comes in,
//! [`message::parse`] names what each is, with one report per recipient and every clue to the
//! send it belongs to. [`classify`] reads the diagnostics. [`ingest`] resolves hash → send →
//! address, asks [`suppression`] and commits; only then is the batch acknowledged on the server.
//!
//! # One callback, end to end
//! A web server runs `webhook:receive`: [`cgi`] makes a request of its variables, [`receive`] asks
//! the [`gate`] whether the provider proves it (`webhook::signature`), and stores it in the
//! [`spool`] before it is answered. `webhook:replay --spool` lets [`drain`] work through it:
//! [`replay`] splits and decodes, [`ingest`] commits, and only then is a request put away. What
//! must be asked of Amazon stands in [`sns`].
//!
//! # Invariants
//! - The core does not print, read the environment or ask the clock: time is passed in.
//! - `message`, `classify`, `verp`, `webhook`, `suppression` and `event` do no I/O; [`rows`] reads
//!   from what it is given.
//! - Only `store::engine` names rusqlite; only `ingest` writes events.
//! - A message is acknowledged, and a stored request put away, after commit, never before.
//! - Only [`https`] asks servers on the web: receiving never does, replaying only where the
//!   configuration says so, and [`oauth`] for the token of a mailbox.
//! - The same event key twice changes nothing.
//! - Bytes from the network never panic and never abort the run.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod address;
mod ascending;
pub mod attempt;
pub mod certificates;
pub mod cgi;
pub mod classify;
pub mod config;
pub mod drain;
pub mod evaluate;
pub mod event;
pub mod fetch;
pub mod gate;
pub mod https;
pub mod ingest;
pub mod intake;
pub mod mailbox;
pub mod message;
pub mod oauth;
pub mod random;
pub mod receive;
pub mod reclassify;
pub mod redact;
pub mod replay;
pub mod report;
pub mod review;
pub mod rows;
pub mod segment;
mod shape;
pub mod sns;
pub mod spool;
pub mod store;
pub mod suppression;
pub mod time;
pub mod verp;
pub mod webhook;
