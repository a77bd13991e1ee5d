//! The built-in rules in order of precedence: what a host says in its own way first, then what is
//! unmistakable whoever says it, then codes that mean one thing, then weak words, and codes that
//! mean many things last. A new rule is a row; its sample proves that it is reached.
//!
//! What is held against the sender stands before what is said about the recipient: "sender address
//! rejected: user unknown" must not cost a recipient.

mod codes;
mod content;
mod hosts;
mod mailbox;
mod recipient;
mod sender;
mod transport;
mod weak;

use super::{
    Reason,
    rules::{Rule, Sample},
};

/// Every row, in groups that are tried one after the other.
pub(super) const ALL: &[&[Rule]] = &[
    hosts::ALL,
    recipient::NO_MAIL,
    content::CERTAIN_MALWARE,
    sender::AUTHENTICATION,
    sender::ADDRESS,
    recipient::OWN_FILTER,
    recipient::BLOCKED,
    content::LINKS,
    sender::CONNECTION,
    transport::PROGRAM,
    sender::VOLUME,
    sender::HOST,
    transport::ENCRYPTION,
    content::MALWARE,
    mailbox::ALL,
    content::SIZE,
    content::FORM,
    recipient::FILTER,
    content::NAMED_POLICY,
    content::SPAM,
    recipient::HOST,
    recipient::USER,
    transport::ALL,
    content::POLICY,
    codes::EXACT,
    weak::ALL,
    codes::VAGUE,
];

/// A sample that is only text.
const fn says(text: &'static str) -> Sample {
    Sample {
        status: "",
        reply: 0,
        text,
        host: "",
    }
}

/// A sample with an enhanced status code.
const fn coded(status: &'static str, text: &'static str) -> Sample {
    Sample {
        status,
        ..says(text)
    }
}

/// A sample with a reply code.
const fn replied(reply: u16, text: &'static str) -> Sample {
    Sample {
        reply,
        ..says(text)
    }
}

/// A sample said by a host.
const fn at(host: &'static str, status: &'static str, text: &'static str) -> Sample {
    Sample {
        host,
        ..coded(status, text)
    }
}

macro_rules! rules {
    ($($id:literal $reason:ident
        $(host $host:tt)? $(status $status:tt)? $(reply $reply:tt)? $(says $phrases:tt)? $(also $also:tt)?
        sample $sample:expr;)*) => {
        &[$(Rule {
            id: $id,
            reason: Reason::$reason,
            $(hosts: &$host,)?
            $(status: &$status,)?
            $(reply: &$reply,)?
            $(phrases: &$phrases,)?
            $(also: &$also,)?
            sample: $sample,
            ..Rule::ANY
        },)*]
    };
}
use rules;
