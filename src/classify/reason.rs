//! The closed set of reasons, each with whose fault it is and whether it lasts.

use serde::{Deserialize, Serialize};

/// Who has to change something before mail can arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    Recipient,
    RecipientHost,
    Sender,
    Content,
    Transport,
    Unknown,
}

/// Hard bounces last, soft ones may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permanence {
    Hard,
    Soft,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $corpus:literal, $fault:ident, $permanence:ident;)*) => {
        /// Why a mail did not arrive. The names are those of bounce analysis.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason { $($(#[$doc])* $variant,)* }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in configuration, database and output.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The one-word name other bounce parsers and their test sets use.
            pub const fn one_word(self) -> &'static str {
                match self { $(Self::$variant => $corpus,)* }
            }

            pub const fn fault(self) -> Fault {
                match self { $(Self::$variant => Fault::$fault,)* }
            }

            /// The usual permanence; `not_accept` is hard only with a 5xx code, which the
            /// classifier sees.
            pub const fn permanence(self) -> Permanence {
                match self { $(Self::$variant => Permanence::$permanence,)* }
            }
        }
    };
}

reasons! {
    /// No such mailbox.
    UserUnknown, "user_unknown", "userunknown", Recipient, Hard;
    /// The domain does not exist or has no usable MX or A record.
    HostUnknown, "host_unknown", "hostunknown", RecipientHost, Hard;
    /// The mailbox has moved.
    HasMoved, "has_moved", "hasmoved", Recipient, Hard;
    /// The host accepts no mail (null MX, 521, 556).
    NotAccept, "not_accept", "notaccept", RecipientHost, Hard;
    /// Mailbox disabled, inactive or unpaid.
    Suspended, "suspended", "suspend", Recipient, Soft;
    /// Over quota.
    MailboxFull, "mailbox_full", "mailboxfull", Recipient, Soft;
    /// Refused by the recipient's own filter, or too vague to say user unknown.
    Filtered, "filtered", "filtered", Recipient, Soft;
    /// The envelope or From address of the sender refused.
    Rejected, "rejected", "rejected", Sender, Soft;
    /// The connecting address or host name refused (block list).
    Blocked, "blocked", "blocked", Sender, Soft;
    /// Refused for the sender's reputation score.
    BadReputation, "bad_reputation", "badreputation", Sender, Soft;
    /// No or wrong reverse DNS.
    RequirePtr, "require_ptr", "requireptr", Sender, Soft;
    /// SPF, DKIM or DMARC failed.
    AuthFailure, "auth_failure", "authfailure", Sender, Soft;
    /// Some local policy.
    PolicyViolation, "policy_violation", "policyviolation", Sender, Soft;
    /// TLS or authentication demanded, dangerous attachment type.
    SecurityError, "security_error", "securityerror", Sender, Soft;
    /// STARTTLS failed.
    FailedStarttls, "failed_starttls", "failedstarttls", Transport, Soft;
    /// Too many messages in a period.
    Speeding, "speeding", "speeding", Sender, Soft;
    /// Too many connections.
    TooManyConnections, "too_many_connections", "toomanyconn", Sender, Soft;
    /// Relaying denied.
    NoRelaying, "no_relaying", "norelaying", Sender, Soft;
    /// Content taken for spam.
    SpamDetected, "spam_detected", "spamdetected", Content, Soft;
    /// Content taken for a virus.
    VirusDetected, "virus_detected", "virusdetected", Content, Soft;
    /// Malformed headers, MIME, 8-bit, SMTPUTF8.
    ContentError, "content_error", "contenterror", Content, Soft;
    /// Violates RFC 5322 (duplicate headers, missing From or Message-ID).
    NotCompliantRfc, "not_compliant_rfc", "notcompliantrfc", Content, Soft;
    /// Message too large for the host.
    MessageTooBig, "message_too_big", "mesgtoobig", Content, Soft;
    /// Message too large for this mailbox or for a limit.
    ExceedLimit, "exceed_limit", "exceedlimit", Content, Soft;
    /// Retry time over.
    Expired, "expired", "expired", Transport, Soft;
    /// DNS trouble, loop, no route, connection lost.
    NetworkError, "network_error", "networkerror", Transport, Soft;
    /// Error of the receiving system.
    SystemError, "system_error", "systemerror", RecipientHost, Soft;
    /// Disk of the receiving system full.
    SystemFull, "system_full", "systemfull", RecipientHost, Soft;
    /// Delivery program failed.
    MailerError, "mailer_error", "mailererror", RecipientHost, Soft;
    /// SMTP syntax error.
    SyntaxError, "syntax_error", "syntaxerror", Transport, Soft;
    /// Not decidable from what is said.
    OnHold, "on_hold", "onhold", Unknown, Soft;
    /// Nothing said.
    Undefined, "undefined", "undefined", Unknown, Soft;
}

impl Reason {
    /// Reads [`Self::name`] or [`Self::one_word`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.name() == name || reason.one_word() == name)
    }
}

impl Fault {
    pub const ALL: &[Self] = &[
        Self::Recipient,
        Self::RecipientHost,
        Self::Sender,
        Self::Content,
        Self::Transport,
        Self::Unknown,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Recipient => "recipient",
            Self::RecipientHost => "recipient_host",
            Self::Sender => "sender",
            Self::Content => "content",
            Self::Transport => "transport",
            Self::Unknown => "unknown",
        }
    }
}

impl Permanence {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_name(reason.name()), Some(*reason));
            assert_eq!(Reason::from_name(reason.one_word()), Some(*reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.name());
        }
    }
}
