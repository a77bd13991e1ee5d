//! Words so weak that anything above is better.

use super::{Reason, Rule, coded, rules, says};

pub(super) const ALL: &[Rule] = rules! {
    // Exchange Online behind another host: the directory does not know the recipient.
    "edge-block" UserUnknown status ["5.4.1"] says ["recipient address rejected: access denied"]
        sample coded("5.4.1", "550 5.4.1 Recipient address rejected: Access denied");
    "refused-the-sender" Rejected
        says ["refused", "denied", "reject", "not allowed", "not accept", "blocked", "access"]
        also [
            "after mail from", "in reply to mail from", "after pipelined mail from", ">>> mail from",
            "response to mail from", "reply to mail command",
        ]
        sample says("host mx.example.jp[192.0.2.1] said: 550 Refused (in reply to MAIL FROM command)");
    "delivery-not-authorised" SecurityError says ["delivery not authorized", "delivery not authorised"]
        sample coded("5.7.1", "550 5.7.1 Delivery not authorized, message refused");
    "address-refused" UserUnknown status ["5.1.0", "5.1.1", "5.1.3"] says [
        "address", "recipient", "mailbox", "user", "account",
    ]
        sample coded("5.1.1", "550 5.1.1 <neko@example.com>: Recipient refused");
    "recipient-refused" UserUnknown status ["5.0", "5.1", "5.7.0", "5.7.1"] says [
        "recipient rejected", "recipient refused", "recipient denied", "recipient not allowed",
        "rejected recipient", "address rejected", "user rejected", "not a valid", "recipient is not",
        "user is not", "empfänger abgelehnt",
    ]
        sample coded("5.7.1", "554 5.7.1 <neko@example.com>: Recipient address rejected: Access denied");
    "syntax" SyntaxError says [
        "syntax", "command unrecognized", "unrecognized command", "command not recognized",
        "command unknown", "not implemented", "unknown command", "command rejected", "bad sequence",
        "bad command", "invalid command", "out of sequence", "must be preceded", "need rcpt", "need mail",
        "parameter", "argument", "pipelining",
    ]
        sample says("501 Syntax error in parameters or arguments");
    "access-denied" SecurityError status ["5.7.1", "5.7.0"] says ["access denied"]
        sample coded("5.7.1", "550 5.7.1 <neko@example.com>... Access denied");
    "not-authorised" SecurityError says [
        "not authorized", "not authorised", "unauthorized", "unauthorised", "message refused", "security",
        "authorization", "verification failed", "authentication", "access control",
    ]
        sample coded("5.7.1", "550 5.7.1 Not authorized, message refused");
    "deferred" Expired says ["deferred:"]
        sample says("<neko@example.com>... Deferred: 421");
    "blocked" Blocked says [
        "заблокирован", "gesperrt", "blocked", "banned", "block|", "access denied", "access refused",
        "no access", "access is denied", "refused to", "closing connection", "host name", "hostname",
        "verboten", "bloqué", "bloqueado", "bloccat", "geblokkeerd", "zablokowan", "engellen", "ブロック",
        "拒绝", "拒絕",
    ]
        sample says("554 Blocked");
    "transaction-failed" SystemError says [
        "transaction failed", "service refused", "resource", "temporarily", "temporary", "busy",
        "requested action not taken", "requested action aborted", "processing",
    ]
        sample says("554 Transaction failed");
    "refused-without-a-reason" Filtered status ["5.0", "5.4"] says [
        "rejected", "refused", "denied", "not accept", "not permitted", "not allowed", "undeliverable",
        "forbidden", "disallowed", "prohibited", "restricted",
    ]
        sample coded("5.0.0", "550 Message was refused");
    "network-word" NetworkError says [
        "name server", "nameserver", "dns", "routing", "route|", "network", "connection", "mx host",
    ]
        sample says("DNS trouble");
};
