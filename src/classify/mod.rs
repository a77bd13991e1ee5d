//! What a report means: diagnostics → reason, whose fault, permanence, and the rule that said so.
//!
//! ```
//! use bouncekit_core::classify::{Diagnostics, Fault, Permanence, Reason, Rules};
//!
//! let verdict = Rules::builtin().classify(&Diagnostics {
//!     reply_code: Some(452),
//!     text: "452 4.2.2 The email account that you tried to reach is over quota",
//!     receiving_host: "gmail-smtp-in.l.google.com",
//!     ..Diagnostics::default()
//! });
//! assert_eq!(verdict.reason, Reason::MailboxFull);
//! assert_eq!(verdict.permanence, Permanence::Soft);
//! assert_eq!(verdict.reason.fault(), Fault::Recipient);
//! ```

mod memo;
mod permanence;
mod phrases;
mod reason;
mod rules;
#[cfg(test)]
mod said;
mod status;
mod table;

pub use memo::Memo;
pub(crate) use phrases::fold;
pub use reason::{Fault, Permanence, Reason};
pub use rules::{Condition, Explanation, Rule, Rules, Sample, StatusPattern};
pub use status::EnhancedStatusCode;

/// What is known about one failed delivery, as `message` or `webhook` read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics<'a> {
    /// Enhanced status code (RFC 3463), from the Status field or the text.
    pub status: Option<EnhancedStatusCode>,
    /// SMTP reply code (RFC 5321), 200-599.
    pub reply_code: Option<u16>,
    /// Diagnostic text, lines joined.
    pub text: &'a str,
    /// The host that refused (Remote-MTA), else the recipient's domain, lower case; may be empty.
    pub receiving_host: &'a str,
}

/// The verdict on one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    pub reason: Reason,
    pub permanence: Permanence,
    /// Id of the rule that decided.
    pub rule: String,
}
