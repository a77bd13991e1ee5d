//! Receiving hosts whose codes and words mean something of their own.

use super::{
    Reason,
    rules::{Rule, Sample},
    table::rules,
};

/// A sample said by a host.
const fn at(host: &'static str, status: &'static str, text: &'static str) -> Sample {
    Sample {
        status,
        reply: 0,
        text,
        host,
    }
}

pub(super) const ALL: &[Rule] = rules! {
    // https://support.google.com/a/answer/3726730
    "google-no-user" UserUnknown host ["google.com", "googlemail.com", "gmail.com"] says ["does not exist", "gsmtp * nosuchuser", "nosuchuser"]
        sample at("gmail-smtp-in.l.google.com", "5.1.1", "550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking");
    "google-rate" Speeding host ["google.com", "googlemail.com", "gmail.com"] says ["unusual rate", "at a rate that", "receiving mail too quickly", "sending too"]
        sample at("gmail-smtp-in.l.google.com", "4.7.28", "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address");
    "google-reputation" BadReputation host ["google.com", "googlemail.com", "gmail.com"] says ["low reputation"]
        sample at("gmail-smtp-in.l.google.com", "5.7.1", "550-5.7.1 Gmail has detected that this message is likely suspicious due to the very low reputation of the sending IP address");
    "google-spam" SpamDetected host ["google.com", "googlemail.com", "gmail.com"] says ["likely unsolicited mail", "likely suspicious", "unsolicited"]
        sample at("gmail-smtp-in.l.google.com", "5.7.1", "550-5.7.1 Gmail has detected that this message is likely unsolicited mail");
    // https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online
    "microsoft-no-user" UserUnknown status ["5.1.10", "5.4.1", "5.1.1"] host ["outlook.", "hotmail.", "office365."] says ["recipient address rejected: access denied", "resolver.adr", "recipientnotfound", "recipient not found"]
        sample at("example-com.mail.protection.outlook.com", "5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)");
    "microsoft-block-list" Blocked host ["outlook.", "hotmail.", "office365."] says ["block list", "(s3140)", "(s3150)", "s3140", "banned sending ip", "unusual amount of mail", "part of their network is on our"]
        sample at("example-com.mail.protection.outlook.com", "5.7.1", "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).");
    // https://senders.yahooinc.com/smtp-error-codes/
    "yahoo-complaints" Blocked host ["yahoodns.net", "yahoo.", "aol.com"] says ["[ts", "temporarily deferred", "user complaints"]
        sample at("mta5.am0.yahoodns.net", "4.7.0", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints");
    "yahoo-no-user" UserUnknown host ["yahoodns.net", "yahoo.", "aol.com"] says ["doesn't have a", "not accepting mail"]
        sample at("mta5.am0.yahoodns.net", "", "554 delivery error: dd This user doesn't have a yahoo.com account (neko@yahoo.example) [0]");
};
