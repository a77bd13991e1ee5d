//! Who reports what: bytes of a mail → [`Inbound`], with one [`Report`] per recipient and every
//! clue to the send it belongs to. Pure: no I/O, no clock, no store.
//!
//! ```
//! use bouncekit_core::{
//!     classify::{Diagnostics, Reason, Rules},
//!     message::{Options, parse},
//! };
//!
//! let mail = b"Return-Path: <>\r\n\
//!     Delivered-To: news+bounce_5f3e1a7b2c4d812345678@example.com\r\n\
//!     From: MAILER-DAEMON@mx.example\r\n\
//!     Subject: Undelivered Mail Returned to Sender\r\n\
//!     Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
//!     --b\r\nContent-Type: message/delivery-status\r\n\r\n\
//!     Reporting-MTA: dns; mx.example\r\n\r\n\
//!     Final-Recipient: rfc822; anna@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\
//!     Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n--b--\r\n";
//! let inbound = parse(mail, &Options::default());
//! let report = &inbound.reports[0];
//! assert_eq!(report.recipient.as_deref(), Some("anna@example.org"));
//! // The hash of the send, from the address that the report came to.
//! assert_eq!(inbound.clues[0].source, "Delivered-To");
//!
//! let verdict = Rules::builtin().classify(&Diagnostics {
//!     status: report.status,
//!     reply_code: report.reply_code,
//!     text: &report.diagnostic,
//!     receiving_host: "mx.example",
//! });
//! assert_eq!(verdict.reason, Reason::UserUnknown);
//! ```

pub mod arf;
mod authentication;
pub mod auto_reply;
mod clues;
pub mod dsn;
mod html;
mod mail_system;
pub mod mime;
mod parse;
mod reply;
mod said;
mod sns_mail;
pub mod text_bounce;
mod unsubscribe;

pub use authentication::vouches_for;
pub use parse::parse;
pub use sns_mail::SnsTrust;

use crate::{classify::EnhancedStatusCode, time::Timestamp, verp::ReturnToken};

/// What one report says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportKind {
    /// A failed delivery, hard or soft: `classify` says which.
    Bounce,
    /// Still being tried (DSN action `delayed`).
    Delayed,
    /// DSN action `delivered`, or a provider's notice: heals.
    Delivered,
    /// DSN actions `relayed` and `expanded`: nothing known.
    Relayed,
    /// A person (or their provider) calls the mail unwanted (ARF).
    Complaint,
    /// ARF `not-spam`, which retracts a complaint.
    NotSpam,
    /// ARF `auth-failure`, `dmarc` and other reports that are about the sender, not a person.
    FeedbackOther,
    Unsubscribe,
    /// A person answers.
    Reply,
    /// RFC 3834 auto-reply, out of office, challenge, MDN (RFC 8098).
    AutoReply,
}

/// One recipient's report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub kind: Option<ReportKind>,
    /// Final-Recipient, or the address named in the text; original spelling.
    pub recipient: Option<String>,
    /// Original-Recipient.
    pub original_recipient: Option<String>,
    /// Action field (RFC 3464, 2.3.3), lower case.
    pub action: Option<String>,
    pub status: Option<EnhancedStatusCode>,
    pub reply_code: Option<u16>,
    /// Diagnostic text, folded and broken lines joined by one blank; no control characters.
    pub diagnostic: String,
    pub reporting_mta: Option<String>,
    pub remote_mta: Option<String>,
    /// Last-Attempt-Date, else the mail's Date. Not Arrival-Date: that is when the mail went out.
    pub occurred_at: Option<Timestamp>,
    /// ARF Feedback-Type, lower case.
    pub feedback_type: Option<String>,
}

/// Which format the mail had; for people (`email:explain`) and for the fixtures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// RFC 3464 / RFC 6533 delivery status.
    Dsn,
    /// Free text of some MTA; the engine's row names it.
    Text(&'static str),
    /// RFC 5965.
    Arf,
    AutoReply,
    Unsubscribe,
    Reply,
    /// An SES notification, sent as e-mail by SNS.
    SnsMail,
    /// Nothing recognised.
    Other,
}

impl Format {
    /// For people and for `event.raw_type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dsn => "dsn",
            Self::Text(name) => name,
            Self::Arf => "arf",
            Self::AutoReply => "auto_reply",
            Self::Unsubscribe => "unsubscribe",
            Self::Reply => "reply",
            Self::SnsMail => "sns_mail",
            Self::Other => "other",
        }
    }
}

/// What one format's reader found in a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    pub format: Format,
    pub reports: Vec<Report>,
    /// The returned message or its headers, LF line ends.
    pub returned: Option<Vec<u8>>,
}

/// A pointer from the mail to the send it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clue {
    /// Where it stood, e.g. `Delivered-To` or `returned List-Unsubscribe`.
    pub source: &'static str,
    pub target: Target,
}

/// What a clue names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A return address of ours, or a bare send hash (tracking link, hash header).
    Token(ReturnToken),
    /// The Message-ID of the returned or answered mail, without angle brackets.
    MessageId(String),
}

/// A mail, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    pub format: Format,
    /// Empty when nothing was recognised.
    pub reports: Vec<Report>,
    /// In the order they are to be tried (DESIGN: arrival address, returned message).
    pub clues: Vec<Clue>,
    /// Whether the report encloses (part of) the mail it returns.
    pub has_returned_message: bool,
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// The sender's address, bare.
    pub from: Option<String>,
    pub subject: String,
    pub date: Option<Timestamp>,
    /// Values of Authentication-Results as they stand, topmost first.
    pub authentication_results: Vec<String>,
}

/// How return addresses look here; part of the configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// See [`crate::verp::decode`].
    pub separators: Vec<char>,
    /// Our header that carries the send hash, e.g. `X-Bouncekit-Send`.
    pub hash_header: String,
    /// Unsubscribe addresses of ours without a hash.
    pub unsubscribe_addresses: Vec<String>,
    /// The mail comes from a folder that is monitored for unsubscribes.
    pub unsubscribe_folder: bool,
    /// Hosts whose Authentication-Results are believed about the sender of an unsubscribe.
    pub trusted_hosts: Vec<String>,
    /// Which notifications of SNS are acted on.
    pub sns_trust: SnsTrust,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            separators: crate::verp::SEPARATORS.to_vec(),
            hash_header: "X-Bouncekit-Send".into(),
            unsubscribe_addresses: Vec::new(),
            unsubscribe_folder: false,
            trusted_hosts: Vec::new(),
            sns_trust: SnsTrust::default(),
        }
    }
}
