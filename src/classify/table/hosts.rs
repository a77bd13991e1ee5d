//! Receiving hosts whose codes and words mean something of their own. A row says where the host
//! documents it, where it does.

use super::{Reason, Rule, Sample, at, rules};

const GOOGLE: [&str; 3] = ["google.com", "googlemail.com", "gmail.com"];
const MICROSOFT: [&str; 6] = [
    "outlook.",
    "hotmail.",
    "office365.",
    "microsoft.com",
    "live.com",
    "msn.com",
];
const YAHOO: [&str; 3] = ["yahoodns.net", "yahoo.", "aol.com"];
const APPLE: [&str; 4] = ["icloud.com", "me.com", "mac.com", "apple.com"];
const UNITED_INTERNET: [&str; 8] = [
    "gmx.",
    "web.de",
    "mail.com",
    "kundenserver.de",
    "1and1.",
    "ionos.",
    "schlund.de",
    "perfora.net",
];
const ORANGE: [&str; 5] = [
    "orange.fr",
    "orange.com",
    "wanadoo.",
    "laposte.net",
    "voila.fr",
];
const COMCAST: [&str; 2] = ["comcast.net", "xfinity.com"];
const COX: [&str; 2] = ["cox.net", "cloudfilter.net"];
const SPECTRUM: [&str; 7] = [
    "charter.net",
    "charter.com",
    "spectrum.net",
    "rr.com",
    "twc.com",
    "cloudfilter.net",
    "brighthouse.com",
];
const CARRIER: [&str; 11] = [
    "docomo.ne.jp",
    "ezweb.ne.jp",
    "au.com",
    "auone.jp",
    "softbank.ne.jp",
    "vodafone.ne.jp",
    "disney.ne.jp",
    "willcom.com",
    "pdx.ne.jp",
    "ymobile.ne.jp",
    "mineo.jp",
];
const MAIL_RU: [&str; 4] = ["mail.ru", "bk.ru", "inbox.ru", "list.ru"];

pub(super) const ALL: &[Rule] = rules! {
    // https://support.google.com/a/answer/3726730
    "google-no-user" UserUnknown host GOOGLE
        says ["nosuchuser", "account that you tried to reach does not exist"]
        sample at("gmail-smtp-in.l.google.com", "5.1.1", "550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking");
    "google-security" SecurityError host GOOGLE
        says ["presents a potential security issue", "tls required for rcpt domain"]
        sample at("gmail-smtp-in.l.google.com", "5.7.0", "552-5.7.0 This message was blocked because its content presents a potential security issue.");
    "google-reputation" BadReputation host GOOGLE
        says ["low reputation"]
        sample at("gmail-smtp-in.l.google.com", "5.7.1", "550-5.7.1 Gmail has detected that this message is likely suspicious due to the very low reputation of the sending IP address");
    "google-encryption" FailedStarttls host GOOGLE
        says ["sent over a tls connection", "over a tls connection"]
        sample at("gmail-smtp-in.l.google.com", "4.7.29", "421-4.7.29 Your email has been rate limited because this message wasn't sent over a TLS connection.");
    "google-alignment" AuthFailure host GOOGLE
        says ["isn't aligned with", "is not aligned with", "spf record", "dkim record"]
        sample at("gmail-smtp-in.l.google.com", "4.7.32", "421-4.7.32 Your email has been rate limited because the From: header in this message isn't aligned with either the authenticated SPF or DKIM organizational domain.");
    "google-rate" Speeding host GOOGLE
        says [
            "unusual rate", "at a rate that", "receiving mail too quickly", "sending quota",
            "has exceeded its quota for sending",
        ]
        sample at("gmail-smtp-in.l.google.com", "4.7.28", "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address");
    "google-spam" SpamDetected host GOOGLE
        says ["likely unsolicited", "likely suspicious", "unsolicitedmessageerror"]
        sample at("gmail-smtp-in.l.google.com", "5.7.1", "550-5.7.1 Gmail has detected that this message is likely unsolicited mail");
    "google-form" NotCompliantRfc host GOOGLE
        says [
            "addresses in from", "messages missing a valid", "not rfc 5322", "rfc 5322 compliant",
            "duplicate headers",
        ]
        sample at("gmail-smtp-in.l.google.com", "5.7.1", "550-5.7.1 [192.0.2.1] Messages with multiple 550 5.7.1 addresses in From: header are not accepted.");
    // Whatever the language: the group may not exist, or takes no posts from strangers.
    "google-groups" Rejected host ["googlegroups.com"] says ["groups.google.com"]
        sample at("googlegroups.com", "", "We're writing to let you know that the group you tried to contact (neko) may not exist. https://groups.google.com/support/");
    "google-policy-of-the-domain" PolicyViolation host GOOGLE
        says ["policy that prohibited the mail"]
        sample at("aspmx.l.google.com", "5.7.1", "550-5.7.1 The user or domain that you are sending to (or from) has a policy that prohibited the mail that you sent.");

    // https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/non-delivery-reports-in-exchange-online
    "microsoft-no-user" UserUnknown host MICROSOFT
        status ["5.4.1", "5.1.10", "5.1.1", "5.5.0"]
        says [
            "recipient address rejected: access denied", "recipient addresses rejected",
            "recipientnotfound", "recipient not found", "mailbox unavailable", "resolver.adr",
        ]
        sample at("example-com.mail.protection.outlook.com", "5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)");
    "microsoft-reputation" BadReputation host MICROSOFT
        says ["ip reputation", "low reputation", "(s775)", "(s777)", "(s844)"]
        sample at("hotmail-com.olc.protection.outlook.com", "4.7.650", "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. (S775)");
    "microsoft-block-list" Blocked host MICROSOFT
        says [
            "s3140", "s3150", "banned sending ip", "part of their network is on our", "as16012609",
            "dy-001", "dy-002", "ou-001", "ou-002",
        ]
        sample at("example-com.mail.protection.outlook.com", "5.7.1", "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).");
    "microsoft-spam" SpamDetected host MICROSOFT
        says ["sc-001", "sc-002", "sc-003", "sc-004"]
        sample at("mx1.hotmail.com", "", "550 SC-001 (BAY004-MC1F5) Unfortunately, messages from 192.0.2.1 weren't sent.");
    "microsoft-rate" Speeding host MICROSOFT
        says [
            "rp-001", "rp-002", "rp-003", "exceeded the rate limit", "unusual traffic",
            "message receive limit", "threshold", "hop: mail rate",
        ]
        sample at("mx1.hotmail.com", "", "421 RP-001 Unfortunately, some messages from 192.0.2.1 weren't sent");
    "microsoft-blocked-status" Blocked
        status [
            "5.7.506", "5.7.507", "5.7.508", "5.7.511", "5.7.512", "5.7.606", "5.7.607", "5.7.608",
            "5.7.609", "5.7.610", "5.7.611", "5.7.612", "5.7.613", "5.7.614", "5.7.615", "5.7.616",
            "5.7.617", "5.7.618", "5.7.619", "5.7.620", "5.7.708",
        ]
        says ["access denied", "banned", "service unavailable", "traffic not accepted"]
        sample at("example-com.mail.protection.outlook.com", "5.7.508", "550 5.7.508 Access denied, [2001:db8::1] has exceeded permitted limits within 1/24 range.");
    "microsoft-spam-status" SpamDetected status ["5.7.501", "5.7.502", "5.7.503", "5.7.505"]
        says ["access denied", "spam", "banned"]
        sample at("example-com.mail.protection.outlook.com", "5.7.501", "550 5.7.501 Access denied, spam abuse detected.");
    "microsoft-tenant-limit" Speeding status [
        "5.1.90", "5.2.121", "5.2.122", "5.7.700", "5.7.705", "5.7.750", "4.7.850",
    ]
        sample at("smtp.office365.com", "5.2.121", "550 5.2.121 RESOLVER.RST.RecipientRateLimit.PerSender; recipient's per hour limit from this sender");
    // 4.7.500-699: throttled for now.
    "microsoft-throttled" Speeding host MICROSOFT
        says ["server busy. please try again later from", "(s77719)", "as(77713", "as(77714"]
        sample at("example-com.mail.protection.outlook.com", "4.7.500", "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)");
    // Exchange says "recipient" for what is the sender's permission.
    "exchange-sender-not-permitted" SecurityError
        says [
            "resolver.rst.authrequired", "resolver.rst.restrictedtoauthenticated",
            "rejected because the sender is not authenticated", "client was not authenticated",
            "client not authenticated",
        ]
        sample at("mail.example.com", "5.7.1", "#550 5.7.1 RESOLVER.RST.AuthRequired; authentication required ##");
    "exchange-recipient-permits-some" Filtered
        says [
            "resolver.rst.notauthorized", "resolver.rst.restricted", "recipient only accepts",
            "senderrestriction",
        ]
        sample at("mail.example.com", "5.7.1", "#550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized ##");
    "exchange-no-user" UserUnknown
        says ["resolver.adr.", "recipnotfound", "badorunrecognisedaddress"]
        sample at("mail.example.com", "5.1.1", "#550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found ##");
    "exchange-store-quota" MailboxFull
        says [
            "storedrv.deliver; mailbox full", "storedrv.deliver.exception:quotaexceeded",
            "mapiexceptionshutoffquotaexceeded", "shutoffquotaexceeded",
        ]
        sample at("mail.example.com", "5.2.2", "#554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded ##");
    "exchange-mailbox-disabled" Suspended
        says [
            "storedrv.deliver; mailbox disabled", "recipient thread limit", "mailboxdisabled",
            "mailbox server is offline",
        ] also [
            "disabled", "offline",
        ]
        sample at("mail.example.com", "5.2.1", "#550 5.2.1 STOREDRV.Deliver; mailbox disabled ##");

    // https://senders.yahooinc.com/smtp-error-codes/
    "yahoo-after-the-message" Filtered host YAHOO
        says ["dd this user doesn't have"]
        sample at("mta5.am0.yahoodns.net", "5.0.0", "554 delivery error: dd This user doesn't have a yahoo.com account (neko@yahoo.example) [0]");
    "yahoo-no-user" UserUnknown host YAHOO reply [5]
        says [
            "not accepting mail", "mailbox not found", "mailbox unavailable", "doesn't have a",
            "is not a valid mailbox",
        ]
        sample Sample { reply: 550, ..at("mta5.am0.yahoodns.net", "", "552 1 Requested mail action aborted, mailbox not found") };
    "yahoo-reputation" BadReputation host YAHOO says ["[tss", "user complaints"]
        sample at("mta5.am0.yahoodns.net", "4.7.0", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints");
    "yahoo-block-list" Blocked host YAHOO
        says ["[bl", "[ts", "[gl", "[ipts", "con:b", "rly:", "dyn:", "rtr:"]
        sample at("mta7.am0.yahoodns.net", "5.7.1", "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1");
    "yahoo-content" SpamDetected host YAHOO
        says ["hvu:", "[ph01]"]
        sample at("mailin-01.mx.aol.com", "", "554-: (HVU:B1) The URL contained in your email to AOL members has generated a high volume of complaints.");
    "aol-reverse-dns" RequirePtr host ["aol.com"] says ["dns:nr", "dns:b"]
        sample at("mailin-01.mx.aol.com", "", "554 (DNS:NR) https://postmaster.aol.com/error-codes#554dnsnr");

    // https://support.apple.com/102322
    "icloud-policy" PolicyViolation host APPLE
        says ["[cs01]", "[pr01]", "due to local policy"]
        sample at("mx01.mail.icloud.com", "5.7.1", "554 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137");
    "icloud-spam" SpamDetected host APPLE says ["[hm", "[sb"]
        sample at("mx01.mail.icloud.com", "5.7.1", "554 5.7.1 [HME1] This message was refused");

    // https://postmaster.gmx.net/en/error-messages
    "gmx-reverse-dns" RequirePtr host UNITED_INTERNET
        says ["bad dns ptr", "c=rdns"]
        sample at("mx01.mail.com", "", "554-mail.com (mxgmxus002) Nemesis ESMTP Service not available 554-No SMTP service 554-Bad DNS PTR resource record.");
    "gmx-block-list" Blocked host UNITED_INTERNET
        says ["no smtp service", "ip address is block listed", "nemesis esmtp service not available"]
        sample at("mx00.gmx.net", "", "554-gmx.net (mxgmx104) Nemesis ESMTP Service not available 554-No SMTP service 554 IP address is block listed.");
    "gmx-sender" Rejected host UNITED_INTERNET
        says ["sender address is not allowed", "sender address has been blocked", "invalid dns mx", "bad address syntax"]
        sample at("mx-ha.web.de", "", "550-Requested action not taken: mailbox unavailable 550 Sender address is not allowed.");
    "gmx-no-user" UserUnknown host UNITED_INTERNET reply [5]
        says ["mailbox unavailable"]
        sample Sample { reply: 550, ..at("mx00.gmx.net", "", "550 Requested action not taken: mailbox unavailable For explanation visit https://postmaster.gmx.net/en/error-messages") };
    "gmx-full" MailboxFull host UNITED_INTERNET
        says ["exceeded storage allocation", "quota exceeded"]
        sample at("mx00.gmx.net", "", "552 Requested mail action aborted: exceeded storage allocation");
    "gmx-policy" PolicyViolation host UNITED_INTERNET
        says ["reject due to policy", "policy restrictions"]
        sample at("mx00.gmx.net", "", "554 Transaction failed Reject due to policy restrictions.");
    // https://postmaster.t-online.de/
    "t-online-block-list" Blocked host ["t-online.de"]
        says [
            "a problem occurred", "dialup/transient ip", "ask your postmaster", "none/bad reputation",
            "refused to",
        ]
        sample at("mx03.t-online.de", "", "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact @ to clarify.)");

    // https://postmaster.orange.fr/ ; La Poste numbers likewise.
    "orange-no-user" UserUnknown host ORANGE
        says ["ofr * 416", "lpn * 416", "ofr 416", "lpn 416", "ofr416", "au moins un destinataire invalide"]
        sample at("smtp-in.orange.fr", "5.1.1", "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR204_416 [416]");
    "orange-too-many-connections" TooManyConnections host ORANGE
        says [
            "trop de connexions", "ofr * 104", "ofr * 108", "lpn * 104", "lpn * 108", "ofr 104", "ofr 108",
        ]
        sample at("smtp-in.orange.fr", "4.7.0", "421 Trop de connexions, veuillez verifier votre configuration. Too many connections, slow down. OFR004_104 [104]");
    "orange-full" MailboxFull host ORANGE
        says ["ofr * 417", "lpn * 417", "ofr 417", "boite du destinataire pleine"]
        sample at("smtp-in.orange.fr", "5.2.2", "552 5.2.2 Boite du destinataire pleine. Recipient overquota. OFR_417 [417]");
    "orange-suspended" Suspended host ORANGE
        says ["ofr * 420", "lpn * 420", "ofr 420", "archivee"]
        sample at("smtp-in.orange.fr", "5.2.1", "550 5.2.1 Boite du destinataire archivee. Archived recipient. OFR_420 [420]");
    "orange-sender" Rejected host ORANGE
        says [
            "ofr * 405", "ofr * 415", "ofr * 418", "ofr * 421", "lpn * 405", "lpn * 415",
            "domaine expediteur", "adresse expediteur",
        ]
        sample at("smtp-in.orange.fr", "4.1.8", "450 4.1.8 Domaine expediteur inexistant. OFR_405 [405]");
    "orange-rate" Speeding host ORANGE
        says [
            "ofr * 401", "ofr * 402", "ofr * 403", "lpn * 401", "lpn * 402", "lpn * 403",
            "limite de debit",
        ]
        sample at("smtp-in.orange.fr", "", "450 Limite de debit atteinte. OFR_403 [403]");
    "orange-throttled" Blocked host ORANGE reply [4] says ["ofr * 999", "ofr 999", "lpn * 999"]
        sample Sample { reply: 421, ..at("smtp-in.orange.fr", "", "421 mwinf5c15 ME Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_999 [999]") };
    "orange-spam" SpamDetected host ORANGE
        says [
            "ofr * 501", "ofr * 502", "ofr * 504", "ofr * 506", "ofr * 507", "ofr * 514", "ofr * 515",
            "ofr * 999", "lpn * 501", "lpn * 506", "lpn007 510", "mail rejete", "contenu",
        ]
        sample at("smtp-in.orange.fr", "5.7.1", "550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]");
    "orange-busy" SystemError host ORANGE says ["ofr * 505", "lpn * 505"]
        sample at("smtp-in.orange.fr", "4.2.0", "421 4.2.0 Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR005_505 [505]");
    "laposte-policy" PolicyViolation host ["laposte.net"] says ["lpn000 630"]
        sample at("smtpz4.laposte.net", "5.7.1", "554 5.7.1 <a.example.net[192.0.2.1]:49309>: Client host rejected: LPN000_630");
    "orange-connection" Blocked host ORANGE
        says ["service refuse", "ofr * 102", "ofr * 103", "ofr * 105", "ofr * 107", "ofr * 201", "lpn"]
        sample at("smtpz4.laposte.net", "4.2.1", "421 4.2.1 Service refuse. Veuillez essayer plus tard. Service refused, please try later. LPN006_107");

    // https://postmaster.comcast.net/mail-error-codes.html
    "comcast-block-list" Blocked host COMCAST says [
        "bl0", "bl1", "es000", "block for spam", "comcast block",
    ]
        sample at("mx1.comcast.net", "", "554 imta01.comcast.net comcast 192.0.2.1 Comcast requires... BL000000");
    "comcast-rate" Speeding host COMCAST says ["rl000"]
        sample at("mx1.comcast.net", "4.1.0", "421 4.1.0 192.0.2.1 Throttled - try again later. Please see RL000001");
    "comcast-reverse-dns" RequirePtr host COMCAST says ["pt000"]
        sample at("mx1.comcast.net", "", "421 192.0.2.1 failed PT000002");
    "comcast-no-user" UserUnknown host COMCAST
        says ["not our customer", "account not available", "recipient rejected", "invalid recipient"]
        sample at("mx1.comcast.net", "5.1.1", "550 5.1.1 Not our Customer");

    // https://www.cox.com/residential/support/email-error-codes.html
    "cox-block-list" Blocked host COX says ["cxbl", "cdrbl", "ipbl", "cxmj", "cxsmtp"]
        sample at("cxr.mx.a.cloudfilter.net", "5.1.0", "550 5.1.0 <neko@example.com> sender rejected. Refer to Error Codes section at https://www.cox.com/ for more information. AUP#CDRBL");
    "cox-reverse-dns" RequirePtr host COX says ["cxdns"]
        sample at("cxr.mx.a.cloudfilter.net", "", "554 refused AUP#CXDNS");
    "cox-sender" Rejected host COX says ["cxsndr"]
        sample at("cxr.mx.a.cloudfilter.net", "", "550 message rejected. AUP#CXSNDR");
    "cox-too-many-connections" TooManyConnections host COX says ["cxcnct", "cxmxrt", "cxthrt"]
        sample at("cxr.mx.a.cloudfilter.net", "", "421 too many sessions from 192.0.2.1 AUP#CXCNCT");
    // https://www.spectrum.net/support/internet/understanding-email-error-codes
    "spectrum-rate" Speeding host SPECTRUM
        says [
            "aup#1200", "aup#1210", "aup#1220", "aup#1310", "aup#o-1310", "aup#i-1310", "aup#in-1310",
            "aup#out-1310",
        ]
        sample at("pkvw-mx.msg.pkvw.co.charter.net", "", "550 5.7.1 too much AUP#In-1310");
    "spectrum-connections" TooManyConnections host SPECTRUM
        says ["aup#1340", "aup#in-1340", "aup#i-1340", "aup#out-1340", "aup#o-1340"]
        sample at("pkvw-mx.msg.pkvw.co.charter.net", "", "421 pkvw-mx.msg.pkvw.co.charter.net cmsmtp 192.0.2.1 blocked AUP#In-1340");
    "spectrum-volume" Speeding host SPECTRUM
        says ["aup#1430", "aup#in-1430", "aup#i-1430", "aup#1570", "aup#in-1570", "aup#i-1570"]
        sample at("pkvw-mx.msg.pkvw.co.charter.net", "", "421 cmsmtp 192.0.2.1 blocked AUP#In-1430");
    "spectrum-sender" Rejected host SPECTRUM
        says [
            "aup#1260", "aup#i-1260", "aup#in-1260", "aup#1500", "aup#in-1500", "aup#i-1500", "aup#1530",
            "aup#in-1530", "aup#i-1530",
        ]
        sample at("pkvw-mx.msg.pkvw.co.charter.net", "", "550 5.1.0 neko sender rejected. AUP#In-1260");
    "spectrum-spam" SpamDetected host SPECTRUM
        says ["aup#1520", "aup#in-1520", "aup#i-1520", "aup#1540", "aup#1550", "aup#1580", "aup#in-1580"]
        sample at("pkvw-mx.msg.pkvw.co.charter.net", "", "552 5.2.0 refused AUP#1520");
    "spectrum-block-list" Blocked host SPECTRUM
        says ["aup#"]
        sample at("pkvw-mx.msg.pkvw.co.charter.net", "", "554 5.7.1 - ESMTP server not available AUP#1010");
    // Bellsouth, SBC and AT&T answer through att.net.
    "att-block-list" Blocked host ["att.net", "bellsouth.net", "sbcglobal.net", "prodigy.net"]
        says ["abuse-rbl", "blocked by sbc", "dnsrbl.att", "error - blocked", "blocked for abuse"]
        sample at("al-ip4-mx-vip2.prodigy.net", "", "553 5.3.0 flpd590 DNSBL:ATTRBL 521< 192.0.2.1 >_is_blocked. For assistance forward this error to abuse-rbl");

    // https://service.mail.qq.com/ , https://open.work.weixin.qq.com/help2/pc/19861
    "qq-too-many" TooManyConnections host ["qq.com", "exmail.qq.com"]
        says ["frequency limited"]
        sample at("mx3.qq.com", "5.0.0", "550 Ip frequency limited [V2Vk Blocked IP 192.0.2.22]. http://service.mail.qq.com/cgi-bin/help?subtype=1");
    // The recipient gets too much mail for the moment.
    "qq-mailbox-busy" Speeding host ["qq.com"] says ["mailbox unavailable or access denied"]
        sample at("mx3.qq.com", "", "550 Mailbox unavailable or access denied [192.0.2.1]");
    "qq-no-user" UserUnknown host ["qq.com"] says ["mailbox not found", "bad address syntax"]
        sample at("mx3.qq.com", "", "550 Mailbox not found. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000728");
    "qq-content" SpamDetected host ["qq.com"] says [
        "content denied", "content rejected", "behaviour spam", "reject by content", "suspected spam",
        "spam embedded", "suspected bounce",
    ]
        sample at("mx3.qq.com", "", "550 Mail content denied. http://service.mail.qq.com/");
    "qq-refused-by-recipient" Filtered host ["qq.com"] says ["rejected by recipients"]
        sample at("mx3.qq.com", "", "550 Mail is rejected by recipients");
    "qq-blocked" Blocked host ["qq.com"] says [
        "connection denied", "suspected spam ip", "ip rejected", "blocked ip",
    ]
        sample at("mx3.qq.com", "", "550 Connection denied. http://service.mail.qq.com/");
    // https://help.mail.163.com/faq.do?m=list&categoryID=90 ; Coremail everywhere uses the same letters.
    "netease-spam" SpamDetected says ["dt:spm", "dt:sum", "mi:spb", "bm:spm"]
        sample at("163mx01.mxmail.netease.com", "", "554 DT:SPM 163 mx1,192.0.2.1 please see http://mail.163.com/help/help_spam_16.htm");
    "netease-blocked" Blocked says [
        "hl:rep", "hl:ihu", "hl:ipb", "hl:mep", "hl:itc", "dt:rbl", "wm:bli", "wm:blu", "mi:nhd", "rp:trc",
    ]
        sample at("163mx01.mxmail.netease.com", "", "554 HL:IPB 163 mx1,192.0.2.1");
    "netease-too-many" TooManyConnections says [
        "hl:icc", "mi:dmc", "mi:cel", "mi:ccl", "rp:drc", "rp:ccl", "rp:cel", "rp:qrc", "rp:rcl",
    ]
        sample at("163mx01.mxmail.netease.com", "", "450 RP:QRC 163 mx1, please see http://mail.163.com/help/help_spam_16.htm");
    "netease-rate" Speeding says ["hl:ifc", "hl:ric", "mi:sfq", "mi:qrc", "mi:stc"]
        sample at("163mx01.mxmail.netease.com", "", "421 HL:IFC 163 mx1,192.0.2.1");
    "netease-authentication" AuthFailure says ["mi:spf", "mi:dmarc", "dt:dmarc"]
        sample at("163mx01.mxmail.netease.com", "", "550 MI:SPF 163 mx1");
    "netease-sender" Rejected host ["163.com", "126.com", "yeah.net", "netease.com"] says [
        "null sender", "mi:imf", "fake sender",
    ]
        sample at("163mx01.mxmail.netease.com", "", "553 Requested action not taken: NULL sender is not allowed");

    // Japanese carriers answer "unknown user" for the subscriber's domain filter as well, after DATA.
    "carrier-disabled" Suspended host ["ezweb.ne.jp", "au.com"] says ["user(s) account is disabled"]
        sample at("ezweb.ne.jp", "5.0.0", "The user(s) account is disabled. <neko@ezweb.ne.jp>: user unknown");
    // After the message the recipient is known: docomo refuses the sender.
    "docomo-sender" Rejected host ["docomo.ne.jp"] says ["unknown user"]
        also ["in reply to end of data", "after end of data"]
        sample at("mfsmax.docomo.ne.jp", "5.0.0", "550 Unknown user neko@docomo.ne.jp (in reply to end of DATA command)");
    "carrier-no-user" UserUnknown host CARRIER
        says ["<@>: user unknown", "<@>: recipient address rejected: user unknown"]
        sample at("msmx.au.com", "5.1.1", "550 <neko@au.com>: User unknown");
    "carrier-no-user-by-code" UserUnknown host CARRIER status ["5.1.1"] says [
        "unknown user", "user unknown",
    ]
        sample at("mfsmax.docomo.ne.jp", "5.1.1", "550 Unknown user neko@docomo.ne.jp");
    "carrier-refused" Filtered host CARRIER says ["recipients was rejected by a remote mail server"]
        sample at("ezweb.ne.jp", "", "Each of the following recipients was rejected by a remote mail server.");
    "carrier-unknown-or-filtered" Filtered host CARRIER
        says ["unknown user", "user unknown"]
        sample at("mfsmax.docomo.ne.jp", "5.2.0", "550 Unknown user neko@docomo.ne.jp");
    "docomo-too-many" TooManyConnections host ["docomo.ne.jp"] says ["too many recipients"]
        sample at("mfsmax.docomo.ne.jp", "5.0.0", "552 Too many recipients");
    "docomo-too-big" MessageTooBig host ["docomo.ne.jp"] says ["message size exceeds"]
        sample at("mfsmax.docomo.ne.jp", "5.3.4", "552 Message size exceeds maximum value");

    // https://help.mail.ru/notspam-support/
    "mailru-disabled" Suspended host MAIL_RU says ["account is disabled", "user is terminated"]
        sample at("mxs.mail.ru", "", "550 Message was not accepted -- Local mailbox is unavailable: account is disabled");
    "mailru-no-user" UserUnknown host MAIL_RU says ["invalid mailbox", "user not found"]
        sample at("mxs.mail.ru", "", "550 Message was not accepted -- invalid mailbox. Local mailbox neko@mail.ru is unavailable: user not found");
    // https://yandex.com/support/mail/spam/
    "yandex-spam" SpamDetected host ["yandex.", "yandex.net"] says ["suspicion of spam", "policy rejection"]
        sample at("mx.yandex.ru", "5.7.1", "554 5.7.1 [2] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc");

    // https://mimecastsupport.zendesk.com/hc/articles/34000709564691-Policies-Mimecast-SMTP-Error-Codes
    "mimecast-signature" VirusDetected host ["mimecast.", "mimecast-offshore.com"] says [
        "email rejected due to security policies",
    ]
        sample at("service1.mimecast.com", "5.0.0", "554 email rejected due to security policies - MCSpamSignature.sa.2.2");
    "mimecast-authentication" AuthFailure host ["mimecast."] says ["anti-spoofing", "sender invalid"]
        sample at("eu-smtp-inbound-1.mimecast.com", "", "550 Rejected by header based Anti-Spoofing policy");
    "mimecast-sender" Rejected host ["mimecast."] says [
        "envelope blocked", "administrative prohibition", "sender address blocked",
    ]
        sample at("eu-smtp-inbound-1.mimecast.com", "", "550 Administrative prohibition - envelope blocked");
    "mimecast-greylisted" Blocked host ["mimecast."] says [
        "internal resource temporarily unavailable", "internal resources are temporarily unavailable",
        "ip reputation policies", "local ct/ip reputation",
    ]
        sample at("eu-smtp-inbound-1.mimecast.com", "", "451 Internal resources are temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451");
    "mimecast-content" PolicyViolation host ["mimecast."] says ["content examination policy"]
        sample at("eu-smtp-inbound-1.mimecast.com", "", "550 Message bounced due to Content Examination Policy");
    // https://campus.barracuda.com/product/emailgatewaydefense/doc/167976916/
    "barracuda-recipient" Filtered says ["permanent failure for one or more recipients * blocked"]
        sample at("d1.ess.barracudanetworks.com", "", "550 permanent failure for one or more recipients (neko@example.com:blocked)");
    // https://www.proofpoint.com/us/dynamic-reputation , https://ipcheck.proofpoint.com/
    "proofpoint-block-list" Blocked host [
        "pphosted.com", "ppe-hosted.com", "icloud.com", "me.com", "mac.com",
    ] says ["blocked - see", "access denied"]
        sample at("mxa-1.gslb.pphosted.com", "5.7.0", "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1");
    // https://developers.cloudflare.com/email-routing/postmaster/
    "cloudflare-no-user" UserUnknown host ["mx.cloudflare.net"] says [
        "address does not exist", "address not allowed", "no such user",
    ]
        sample at("route1.mx.cloudflare.net", "5.1.1", "550 5.1.1 Address does not exist.");
    "cloudflare-upstream" SystemError host ["mx.cloudflare.net"] says [
        "upstream error", "upstream (", "unable to forward",
    ]
        sample at("route1.mx.cloudflare.net", "5.3.0", "521 5.3.0 Upstream error, please check https://developers.cloudflare.com/email-routing/postmaster for possible reasons why.");
    // https://www.godaddy.com/help/fix-rejected-email-with-a-bounce-error-40685
    "godaddy-block-list" Blocked host ["secureserver.net"]
        says ["ib103", "ib104", "ib105", "ib106", "ib108", "ib504", "ib508"]
        sample at("smtp.secureserver.net", "", "554 refused IB103");
    "godaddy-sender" Rejected host ["secureserver.net"] says ["ib506"]
        sample at("smtp.secureserver.net", "5.2.0", "550 5.2.0 From: Domain is invalid. Please provide a valid From: IB506");
    "godaddy-rate" Speeding host ["secureserver.net"] says [
        "ib110", "ib111", "ib401", "ib607", "ib610", "ib611",
    ]
        sample at("smtp.secureserver.net", "", "421 slow IB401");
    "godaddy-connections" TooManyConnections host ["secureserver.net"] says ["ib007", "ib113"]
        sample at("smtp.secureserver.net", "", "421 more than allowed IB007");
    "godaddy-spam" SpamDetected host ["secureserver.net"]
        says [
            "ib212", "ib501", "ib502", "ib507", "ib510", "ib603", "ib604", "ib701", "ib702",
            "judged to be spam",
        ]
        sample at("smtp.secureserver.net", "5.2.0", "552 5.2.0 This message has been rejected due to content judged to be spam by the internet community IB212");
    "godaddy-virus" VirusDetected host ["secureserver.net"] says ["ib705"]
        sample at("smtp.secureserver.net", "", "552 refused IB705");
    // https://postmaster.att.net/
    "att-reverse-dns" RequirePtr says ["connections not accepted from servers without a valid sender domain", "fix reverse dns"]
        sample at("al-ip4-mx-vip1.prodigy.net", "5.7.1", "550 5.7.1 Connections not accepted from servers without a valid sender domain.flph Fix reverse DNS for 192.0.2.1");
    // https://postmaster.facebook.com/response_codes
    "facebook-no-user" UserUnknown host ["facebook.com"] says ["rcp-p1"]
        sample at("facebook.com", "5.1.1", "550 5.1.1 RCP-P1 http://postmaster.facebook.com/response_codes?ip=192.0.2.1#rcp Refused due to recipient preferences");
    "facebook-filter" Filtered host ["facebook.com"] says ["rcp-p2", "rcp-p3"]
        sample at("facebook.com", "5.1.1", "550 5.1.1 RCP-P2 http://postmaster.facebook.com/response_codes?ip=192.0.2.135#rcp Refused due to recipient preferences");
    // https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html
    "ses-suppression-list" UserUnknown says [
        "on the suppression list for your account", "has suppressed sending to this address",
        "recent history of bouncing as an invalid address",
    ]
        sample at("amazonses.com", "5.1.1", "Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid address.");
};
