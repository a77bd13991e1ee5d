//! What the codes alone say (RFC 3463, 5248, 7372, 7505, 8616; IANA registry of enhanced status
//! codes), where the words did not decide.

use super::{Reason, Rule, coded, replied, rules, says};

/// Codes that mean one thing.
pub(super) const EXACT: &[Rule] = rules! {
    "status-no-route" HostUnknown status ["5.4.4"]
        sample coded("5.4.4", "");
    "status-destination-host-later" NetworkError status ["4.1.2", "4.4.3", "4.4.4", "5.4.3"]
        sample coded("4.4.4", "");
    "status-ambiguous" Filtered status ["5.1.4"]
        sample coded("5.1.4", "");
    "status-null-mx" NotAccept status [".1.10"]
        sample coded("5.1.10", "");
    "status-sender" Rejected status [".1.7", ".1.8", ".1.9", ".7.27"]
        sample coded("5.1.9", "");
    "status-mailbox-full" MailboxFull status [".2.2"]
        sample coded("4.2.2", "");
    "status-system-full" SystemFull status [".3.1"]
        sample coded("4.3.1", "");
    "status-not-accepting" NotAccept status [".3.2"]
        sample coded("5.3.2", "");
    "status-too-big" MessageTooBig status [".3.4"]
        sample coded("5.3.4", "");
    "status-expired" Expired status [".4.7"]
        sample coded("4.4.7", "");
    "status-loop" NetworkError status [".4.6"]
        sample coded("5.4.6", "");
    "status-too-many-recipients" TooManyConnections status [".5.3"]
        sample coded("4.5.3", "");
    "status-content" ContentError status ["5.6", "4.6"]
        sample coded("5.6.1", "");
    "status-authentication-results" AuthFailure
        status [".7.20", ".7.21", ".7.22", ".7.23", ".7.24", ".7.26", ".7.29"]
        sample coded("5.7.26", "");
    "status-reverse-dns" RequirePtr status [".7.25"]
        sample coded("5.7.25", "");
    "status-account-disabled" Suspended status [".7.13"]
        sample coded("5.7.13", "");
    "status-encryption-needed" SecurityError
        status [
            ".7.3", ".7.4", ".7.5", ".7.6", ".7.7", ".7.8", ".7.9", ".7.10", ".7.11", ".7.12", ".7.14",
            ".7.15", ".7.30",
        ]
        sample coded("5.7.10", "");
    "status-owner-changed" UserUnknown status ["5.7.17"]
        sample coded("5.7.17", "");
    "status-domain-owner-changed" HostUnknown status ["5.7.18"]
        sample coded("5.7.18", "");
    "status-blocked-host" Blocked status [".7.600", ".7.606", ".7.607", ".7.608", ".7.609"]
        sample coded("5.7.606", "");
    "reply-accepts-no-mail" NotAccept reply [521, 556]
        sample replied(521, "521");
    "reply-disabled" Suspended reply [525]
        sample replied(525, "525");
};

/// Codes that hosts use for many things.
pub(super) const VAGUE: &[Rule] = rules! {
    "status-mailbox" UserUnknown status ["5.1.0", "5.1.1", "5.1.3"]
        sample coded("5.1.1", "550 5.1.1");
    "status-mailbox-later" OnHold status ["4.1"]
        sample coded("4.1.1", "450 4.1.1");
    "status-address" Filtered status ["5.1"]
        sample coded("5.1.5", "");
    "status-disabled" Suspended status ["5.2.1"]
        sample coded("5.2.1", "550 5.2.1");
    "status-mailbox-other" Filtered status ["5.2"]
        sample coded("5.2.0", "");
    "status-mailbox-other-later" OnHold status ["4.2"]
        sample coded("4.2.0", "");
    "status-system" SystemError status ["5.3", "4.3"]
        sample coded("5.3.0", "");
    "status-no-answer" Expired status [".4.1"]
        sample coded("4.4.1", "");
    "status-network" NetworkError status ["5.4", "4.4"]
        sample coded("5.4.2", "");
    "status-protocol" SyntaxError status ["5.5", "4.5"]
        sample coded("5.5.2", "");
    "status-delivery-not-authorised" SecurityError status ["5.7"]
        sample coded("5.7.1", "");
    "status-security-later" PolicyViolation status ["4.7"]
        sample coded("4.7.1", "");
    // No code says more: what is left is the word itself.
    "recipient-refused-without-a-code" UserUnknown says [
        "recipient rejected", "recipient refused", "recipient denied", "recipient not allowed",
        "rejected recipient", "address rejected", "user rejected", "not a valid", "recipient is not",
        "user is not", "empfänger abgelehnt",
    ]
        sample says("Recipient address rejected: neko@example.com");
    "refused-by-reply-code" Filtered reply [550, 551, 553, 554] says [
        "rejected", "refused", "denied", "not accept", "not permitted", "not allowed", "undeliverable",
        "forbidden", "disallowed", "prohibited", "restricted",
    ]
        sample replied(554, "554 Message rejected");
    "reply-full" MailboxFull reply [552]
        sample replied(552, "552");
    "reply-system-full" SystemFull reply [452]
        sample replied(452, "452");
    "reply-mailbox" UserUnknown reply [550, 551, 553]
        sample replied(550, "550");
    "reply-syntax" SyntaxError reply [500, 501, 502, 503, 504, 555]
        sample replied(501, "501");
    "reply-authentication" SecurityError reply [523, 530, 534, 535, 538]
        sample replied(530, "530");
    "reply-busy" SystemError reply [421, 450, 451]
        sample replied(451, "451");
};
