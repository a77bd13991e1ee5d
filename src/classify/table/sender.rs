//! What is held against the sender: the address it writes from, the host it comes from, how much
//! it sends.

use super::{Reason, Rule, coded, rules, says};

pub(super) const AUTHENTICATION: &[Rule] = rules! {
    "dmarc" AuthFailure says [
        "failed dmarc", "fails dmarc", "fail dmarc", "due to dmarc", "violates dmarc", "per dmarc",
        "pass dmarc", "'s dmarc", "not dmarc", "dmarc|", "unauthenticated mail is prohibited",
        "unauthenticated email from", "unauthenticated email is not accepted",
        "this mail is unauthenticated", "sender is unauthenticated", "message has been unauthenticated",
        "mail is not authenticated", "message is unauthenticated",
    ]
        sample says("550 5.7.1 Email rejected per DMARC policy for example.com");
    "spf" AuthFailure says [
        "not pass spf", "failed spf", "failing spf", "fails spf", "fail spf", "violates the spf",
        "violated spf", "violates spf", "due to spf", "by spf", "per spf", "sender policy framework",
        "openspf.", "spf|", "is not allowed to send mail from", "is not allowed to send mail for",
        "is not allowed to send from", "not allowed to send mails from", "is not authorized to send mail",
        "is not authorized to use * in", "not authorized to send from this domain",
        "not authorized to send mail from", "not authorised to send mail from",
        "not designated as permitted sender", "not designated as a permitted sender", "does not designate",
        "not a permitted sender", "is not a designated mailer", "not permitted by domain",
        "sender id (pra) not permitted", "sender-id", "not permitted by the domain owner",
        "is not allowed by the domain owner", "not in the list of allowed senders for domain",
    ]
        sample says("550 SPF check failed: 192.0.2.1 is not allowed to send mail from example.com");
    "dkim" AuthFailure says [
        "dkim|", "domainkeys", "authentication checks", "authentication requirements",
        "all senders must authenticate", "must authenticate * spf", "arc validation", "arc seal",
        "sender is not authenticated", "sending domain * authenticat", "message failed authentication",
        "sender authentication failed", "sender not authenticated", "from domain is not authenticated",
        "email authentication", "antispoofing", "spoofed", "spoofing", "spoof|", "lacks authentication",
        "batv",
    ]
        sample says("550 5.7.20 No valid DKIM signature found");
};

/// The envelope or From address of the sender.
pub(super) const ADDRESS: &[Rule] = rules! {
    "asked-at-mail-from" Rejected says [
        "no such domain", "domain doesn't exist", "does not resolve", "unknown user", "user unknown",
        "unresolvable", "does not exist", "unrouteable address", "invalid domain", "no mx", "bad address",
        "invalid address", "address rejected", "address refused", "syntax", "malformed address",
        "not found", "must be fully-qualified", "need fully-qualified",
    ]
        also [
            "after mail from", "in reply to mail from", "after pipelined mail from", ">>> mail from",
            "response to mail from", "to mail from command", "reply to mail command",
        ]
        sample coded("5.1.2", "SMTP error from remote mail server after MAIL FROM:<neko@example.jp>: 550 5.1.2 No such domain example.jp");
    "sender-address" Rejected says [
        "purported responsible address", "sending to/from an address that has been", "sender domain",
        "sender's domain", "sender email", "sender e-mail", "sender mail address", "sender rejected",
        "sender denied", "sender refused", "sender blocked", "sender is blocked", "sender blacklisted",
        "sender is blacklisted", "sender is rejected", "sender is on", "sender is banned", "sender banned",
        "sender verif", "sender callout", "sender not allowed", "sender not accepted", "sender not exist",
        "sender not found", "sender not valid", "sender not verified", "sender not permitted",
        "sender not authorized", "sender does not exist", "sender doesn't exist", "sender unknown",
        "sender is unknown", "sender is invalid", "sender is not", "sender invalid", "sender * rejected",
        "sender * blocked", "sender * is not allowed", "sender * denied", "sender must", "sender has been",
        "sender was rejected", "sender address", "senders address", "sender's address", "sender's email",
        "sender's e-mail", "domain of sender", "domain of the sender", "invalid sender", "illegal sender",
        "bad sender", "unknown sender", "unroutable sender", "unrouteable sender", "unverified sender",
        "unauthorized sender", "fake sender", "forged sender", "blocked sender", "blacklisted sender",
        "rejected sender", "reject sender", "bad from", "denied sender", "no valid sender",
        "not a valid sender", "address rejected: sender", "envelope sender", "envelope from",
        "envelope-from", "envelope blocked", "return-path", "return path", "reverse-path", "reverse path",
        "badmailfrom", "badsender", "fix your return address", "verification failed for <",
    ]
        sample says("450 4.1.8 <neko@example.com>: Sender address rejected: Domain not found");
    "mail-from" Rejected says [
        "your address is", "your address has", "your email address is", "your email address has",
        "your e-mail address is", "your domain is", "your domain has", "your domain * has no",
        "your sender address", "mail from @", "mail from <@", "mail from rejected", "mail from: rejected",
        "mail from refused", "mail from not", "mail from must", "mailfrom", "your mail from",
        "from domain", "from address", "from: address", "from: domain", "from field", "from header domain",
        "domain in from", "address of from", "domain of your address", "domain of your email",
        "your envelope sender", "invalid from", "originator", "domain name in from",
        "access denied, bad outbound sender", "mailing from", "mail from your domain",
        "mail from this domain", "emails from this domain", "emails from your domain",
        "messages from your domain", "mail from this sender", "mail from this address",
        "messages from this sender", "emails from this sender", "messages from this domain", "<> invalid",
        "null sender", "null return", "null reverse", "empty envelope", "empty sender", "empty mail from",
        "bounces not accepted", "rejecting bounce", "returned mail not accepted", "backscatter",
        "no bounces", "does not accept bounces", "we don't accept bounces", "bounce messages are not",
        "email address is not verified", "identity is not verified", "transport rules org blocked",
        "on senderfilterconfig", "administrative prohibition", "administratively denied",
        "administratively rejected", "access denied (sender", "mail from: command rejected",
        "5.1.0 sender denied", "submitted by", "smtpsend.sender", "sendasdenied", "send as",
    ]
        sample says("553 5.1.8 Your domain example.com has no MX record");
    "sender-address-german" Rejected says [
        "absender", "expediteur", "expéditeur", "remitente", "mittente", "remetente", "nadawc",
        "отправител", "gönderen", "gönderici", "afzender", "odesílatel", "送信者", "差出人", "送信元アドレス", "发件人",
        "发信人", "寄件者", "발신자", "보낸 사람",
    ]
        sample says("550 Absenderadresse abgelehnt");
    "status-sender-address" Rejected status [".1.7", ".1.8"]
        sample coded("5.1.8", "550 5.1.8 refused");
};

/// The address or the name of the host that connects.
pub(super) const CONNECTION: &[Rule] = rules! {
    "reverse-dns" RequirePtr says [
        "unverifyable sending ip", "cannot find your hostname", "cannot find your host name",
        "cannot resolve your", "can not resolve your", "could not resolve your", "unable to resolve your",
        "unable to verify your reverse", "client host rejected: cannot find",
        "all mail servers must have a ptr", "does not have a ptr", "no ptr", "ptr|", "missing ptr",
        "invalid ptr", "reverse dns", "reverse-dns", "reverse domain name", "rdns", "reverse lookup",
        "reverse name", "reverse hostname", "reverse host name", "reverse record", "reverse mapping",
        "reverse resol", "reverse ip", "reverse address", "reverse entry", "no reverse",
        "no matches to nameserver query", "does not resolve to a name", "hostname does not match",
        "host name does not match", "ip name lookup failed", "ip name possibly forged", "fix reverse",
        "fcrdns", "fcr-dns", "forward confirmed", "forward-confirmed", "forward and reverse",
        "no dns records", "because of no dns", "unknown[", "doesn't resolve to * hostname",
        "ip address has no", "ip * does not resolve", "ip * not resolve", "helo and reverse",
        "rückwärtsauflösung", "dns inverse", "dns inverso", "resolución inversa", "逆引き", "反向解析", "反向域名",
        "обратн",
    ]
        sample says("550 Client host rejected: cannot find your reverse hostname, [192.0.2.1]");
    "relaying-denied" NoRelaying says [
        "relay/access denied", "relaying disallowed", "relay disallowed", "relaying denied",
        "relay denied", "relay not permitted", "relaying not permitted", "relaying not allowed",
        "relay not allowed", "relaying is not allowed", "relaying is not permitted",
        "relaying is prohibited", "relaying is denied", "relaying prohibited", "relaying disabled",
        "relaying blocked", "relay prohibited", "relay rejected", "relay operation rejected",
        "relay refused", "relay disabled", "relay only", "relay is not", "relay through this server",
        "relay for * denied", "relay access", "unable to relay", "not allowed to relay",
        "not authorized to relay", "not permitted to relay", "no relay", "not a relay", "not relay",
        "cannot relay", "can't relay", "refuse to relay", "refused to relay", "don't relay",
        "doesn't relay", "won't relay", "permission to relay", "relaying mail to", "relaying to",
        "unauthorized relay", "unauthorised relay", "mail relay", "smtp relay", "open relaying",
        "authentication is required for relay", "authentication required for relay", "attempt to relay",
        "relay attempt", "relay error", "prohibited from relaying", "third-party relay",
        "third party relay", "without authentication to relay", "rcpthosts", "configured to relay mail",
        "specified domain is not allowed", "attempting to send to a non-local", "not a gateway",
        "we don't handle mail for", "not handle mail for", "domain is not one of ours",
        "domain not hosted here", "domain isn't hosted", "domain is not hosted", "domain * not hosted",
        "is not local to this", "domain isn't allowed to be relayed", "doesn't accept mail for",
        "does not accept mail for", "do not accept mail for", "not responsible for",
        "domain not in accepted", "domain not configured", "not our domain", "domain isn't in",
        "weiterleitung nicht erlaubt", "relay verweigert", "relais non autoris", "relay no permitido",
        "relay não permitido", "reenvío denegado", "релей", "中继", "中繼", "中継",
    ]
        sample says("554 5.7.1 <neko@example.com>: Relay access denied");
    "block-list" Blocked says [
        "blocked using", "spamhaus", "spamcop", "barracudacentral", "barracuda reputation",
        "barracudanetworks.com/reputation", "sorbs", "uceprotect", "invaluement", "ivmsip", "dnsbl",
        "rbl|", "rbls|", "rblcheck", "rbldns", "rhsbl", "dnsrbl", "urbl", "realtime block",
        "real-time block", "real time block", "realtime black", "real-time black",
        "proofpoint.com/ipcheck", "ipcheck.proofpoint", "mailspike", "psbl.", "abusix", "cbl.abuseat",
        "abuseat.org", "njabl", "dsbl.", "ordb.", "ahbl", "mail-abuse.", "trendmicro", "ers-rbl",
        "ers-dul", "spamrats", "dnswl", "nixspam", "manitu.net", "hostkarma", "backscatterer", "lashback",
        "senderbase", "spameatingmonkey", "gbudb", "mcafee * reputation", "cloudmark sender intelligence",
        "csi.cloudmark", "senderscore.net", "kundenserver * rbl", "bl.score", "truncate.", "csi-", "0spam",
        "s5h.net", "jippg", "wpbl", "surriel", "swinog", "anti-spam.org", "cdl.anti-spam",
        "antispam.imp.ch", "postmaster.live.com", "sendersupport.olc", "blacklist", "black list",
        "black-list", "blocklist", "block list", "block-list", "blocked list", "denylist", "deny list",
        "blackhole", "on a list of", "on our list of", "listed at", "is listed", "schwarze liste",
        "sperrliste", "liste noire", "lista negra", "lista nera", "czarn", "чёрн", "черном списке",
        "kara liste", "黑名单", "黑名單", "ブラックリスト",
    ]
        sample says("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org");
    "greylisted" Blocked says [
        "greylist", "graylist", "grey list", "gray list", "grey-list", "gray-list", "postgrey",
        "temporarily deferred while we verify", "new sender, try again",
        "deferred for policy reasons, please retry", "please try again in * seconds", "please retry in",
        "liste grise", "lista gris", "灰名单",
    ]
        sample says("450 4.2.0 <neko@example.com>: Recipient address rejected: Greylisted, see http://postgrey.example.com/");
    "no-longer-let-in" Blocked says [
        "to submit messages to this e-mail system has been rejected", "too many errors from your ip",
        // MX Logic and McAfee's service.
        "denied * (mode: normal)", "denied * (mode: strict)",
    ]
        sample says("550 #5.7.1 Your access to submit messages to this e-mail system has been rejected.");
    "reputation" BadReputation says [
        "reputazione", "réputation", "reputación", "reputação", "репутаци",
        "user complaints", "reputation", "senderscore", "sender score", "not reputable", "sbrs",
        "none/bad", "untrusted sender", "trust level",
    ]
        sample says("550 5.7.1 Message refused: the sending IP has a poor reputation");
};

/// How much and how fast.
pub(super) const VOLUME: &[Rule] = rules! {
    "too-many-connections" TooManyConnections says [
        "too many connections", "too many concurrent", "too many simultaneous", "too many sessions",
        "too many open", "too many smtp", "too many clients", "too many recipients", "too many rcpt",
        "too many parallel", "too many errors", "maximum connection", "connection rate",
        "connection limit", "connection frequency", "connection count", "concurrent connections",
        "concurrent sessions", "concurrent smtp", "concurrency limit", "maximum concurrent",
        "simultaneous connections", "simultaneous sessions", "rate for this host", "max connections",
        "max. connections", "number of connections", "number of concurrent", "number of simultaneous",
        "number of recipients", "recipients exceed", "exceed * recipients", "recipient limit",
        "max recipients", "maximum recipients", "no idle connections", "connections exceeded",
        "connections from your", "ip frequency limited", "all available ips are at maximum",
        "zu viele verbindungen", "zu viele gleichzeitige", "trop de connexions", "demasiadas conexiones",
        "troppe connessioni", "muitas conexões", "слишком много соединений", "слишком много подключений",
        "连接数", "同時接続", "接続数",
    ]
        sample says("421 4.7.0 Too many concurrent SMTP connections from this IP address");
    "rate-limited" Speeding says [
        "too many spams", "please try again slower", "at a rate that", "rate limit", "ratelimit",
        "rate-limit", "rate exceeded", "rate control", "rate is too", "rate too high", "throttl",
        "too many messages", "too many emails", "too many e-mails", "too many mail", "too much mail",
        "too much email", "too fast", "too quickly", "too frequent", "sent too many", "sending too many",
        "sending limit", "sending quota", "sending rate", "send limit", "sent more than",
        "limit on the number of messages", "limit for messages", "message rate", "mail rate",
        "messages per connection", "messages per session", "messages per hour", "messages per day",
        "messages per minute", "per-hour message", "per hour message", "maximum number of messages",
        "exceeded the maximum sending", "exceeded your rate", "exceeded your limit", "exceeded the rate",
        "exceeded daily", "exceeded hourly", "exceeded the limit of", "excessive rate",
        "excessive message", "excessive volume", "excessive mail", "daily limit", "hourly limit",
        "daily message", "daily quota", "hourly quota", "daily sending", "daily smtp relay limit",
        "defer excess", "flood", "messaging limit", "quota of messages", "frequency limit", "unexpected volume",
        "volume of mail", "mail volume", "unusual rate", "unusual amount", "unusual volume",
        "bandwidth limit", "slow down", "submission quota", "message receive limit",
        "email quota exceeded", "trop de messages", "zu viele nachrichten", "zu viele e-mails",
        "zu viele mails", "demasiados mensajes", "troppi messaggi", "muitas mensagens", "limite de envio",
        "límite de envío", "limite d'envoi", "слишком много писем", "слишком много сообщений", "发送频率",
        "频率限制", "频率过", "发信频率", "送信数", "送信制限",
    ]
        sample says("450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages");
};

/// The host that connects, named in general words.
pub(super) const HOST: &[Rule] = rules! {
    "connecting-host" Blocked says [
        "intrusion prevention", "invalid ip for sending mail of domain", "client host", "client ip",
        "client rejected", "client was denied", "connecting ip", "connecting host", "connecting server",
        "sending ip", "sending host", "sending server * blocked", "sending mta", "source ip",
        "originating ip", "originating host", "remote host * not allowed", "host rejected", "host refused",
        "host is not allowed", "host not allowed", "host is blocked", "host blocked", "host denied",
        "host is banned", "hostname rejected", "your ip", "your host", "your server", "your mail server",
        "your mailserver", "your mta", "your network", "your isp", "ip of your", "ip blocked",
        "ip is blocked", "ip address is blocked", "ip address blocked", "ip * blocked", "ip * rejected",
        "ip * refused", "ip * denied", "ip * banned", "ip address rejected", "ip address not",
        "ip not allowed", "ip is not", "ip is rejected", "ip rejected", "ip denied", "ip banned",
        "banned ip", "blocked ip", "blocked - see", "blocked for abuse", "blocked for spam",
        "blocked by ldap", "from ip", "from this ip", "mail from host", "mail from this host",
        "connections from this host", "connection from * rejected", "connection from * refused",
        "connections from * not accepted", "connections will not be accepted", "connections not accepted",
        "email from * is blocked", "mail from * blocked", "mail from * refused by",
        "messages from * weren't sent", "all messages from", "not allowed to connect",
        "not permitted to connect", "not authorized to connect", "not authorized to send email directly",
        "not accepting connections", "connection denied", "connection rejected",
        "connection refused by policy", "connection dropped by policy", "connection blocked",
        "refused connection", "refused to talk to me", "session refused", "access denied from",
        "denied access from", "no access from", "banned sending", "banned by", "has been banned",
        "been blocked", "been blacklisted", "was blocked by", "are blocked", "permanently deferred",
        "permanently blocked", "temporarily blocked", "temporary blocked", "temporarily deferred",
        "dynamic ip", "dynamic address", "dynamic pool", "dynamic host", "dynamically assigned", "dialup",
        "dial-up", "dialin", "residential", "generic rdns", "generic hostname", "open relay", "open proxy",
        "open smtp", "proxy server", "zombie", "botnet", "trojan * host", "compromised", "bulk mailer",
        "too many unknown", "too many bad recipients", "too many failures", "too many invalid",
        "directory harvest", "dictionary attack", "harvesting", "suspicious activity",
        "may not be mail exchanger", "not a mail exchanger", "your provider's", "use your provider",
        "go away", "not in whitelist", "not whitelisted", "not on whitelist", "not in * whitelist",
        "whitelist your", "has sent spam", "have sent spam", "sending spam", "sends spam", "spam source",
        "spammer", "spam host", "spamming", "suspected spam ip", "known spam", "source of spam",
        "service refuse", "adresse ip", "dirección ip", "indirizzo ip", "endereço ip", "ip-adres",
        "ip адрес", "ip-адрес", "ip地址", "ipアドレス", "接続を拒否",
    ]
        sample says("550 Your IP 192.0.2.1 is not welcome here");
    "helo" Blocked says [
        "helo", "ehlo", "invalid hostname", "unacceptable hostname", "bad hostname",
        "fully-qualified hostname", "fully qualified hostname", "fqdn required", "need fully-qualified",
        "valid fqdn",
    ]
        sample says("504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname");
    "blocked-at-the-greeting" Blocked says [
        "after initial connection", "while performing the ehlo handshake",
        "while performing the helo handshake", "in reply to end of greeting",
        "while receiving the initial server greeting", "while connected from", "at initial connection",
        "refused at connect", "connection greeting",
    ]
        sample says("SMTP error from remote mail server after initial connection: host mx.example.net [192.0.2.1]: 550 no");
};
