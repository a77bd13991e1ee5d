//! What happened on the way: loops, time over, connections, programs, the receiving system.

use super::{Reason, Rule, coded, rules, says};

pub(super) const ENCRYPTION: &[Rule] = rules! {
    "starttls-failed" FailedStarttls says [
        "starttls * fail", "starttls fail", "starttls is required", "starttls required", "starttls not",
        "starttls command", "starttls-not-supported", "starttls handshake", "issue a starttls",
        "tls handshake", "ssl handshake", "ssl error", "tls error", "tls failure", "tls failed",
        "tls negotiation", "tls session", "tls connection", "tls protocol", "tls version", "tls required",
        "tls is required", "requires tls", "require tls", "tls not", "tls unavailable",
        "tls currently unavailable", "tls temporarily", "not support tls", "start tls", "mandatory tls",
        "opportunistic tls", "over tls", "use of tls", "without tls", "tls cert", "certificate", "tlsa",
        "dane|", "mta-sts", "mtasts", "enforce secure transport", "cipher", "secure connection",
        "secure channel", "ssl connect",
    ]
        sample says("TLS is required, but was not offered by host mx.example.com");
};

/// A program that the address is delivered to; what it printed may sound like anything.
pub(super) const PROGRAM: &[Rule] = rules! {
    "delivery-program-of-the-address" MailerError says [
        "unknown mailer error", "child process of", "address pipe", "transport returned",
    ]
        sample says("pipe to |/usr/bin/filter: Child process of address_pipe transport returned 127 (could mean command does not exist)");
};

pub(super) const ALL: &[Rule] = rules! {
    "loop" NetworkError says [
        "bounce between two", "mail loop", "routing loop", "forwarding loop", "forward loop",
        "loop detected", "loop in", "loop back", "loops back", "loop count", "too many hop", "hop count",
        "hop limit", "maximum hop", "exceeded hop", "exceeded 50 hops", "exceeded * hops",
        "unexpected loop", "delivered-to:", "delivered-to line", "message loop", "looping", "mx loop",
        "too many received", "received: lines", "received headers", "configured to loop", "causing a loop",
        "ndr loop", "mxloopback", "configured in a loop", "schleife", "boucle", "bucle", "петл", "ループ", "循环",
    ]
        sample coded("5.4.6", "554 5.4.6 Too many hops: mail forwarding loop for neko@example.com");
    "no-smtp-connection" NetworkError says ["wasn't able to establish an smtp connection"]
        sample coded("4.4.1", "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1) I'm not going to try again; this message has been in the queue too long.");
    "expired" Expired says [
        "time in queue", "unable to deliver in", "in the time limit specified", "within the time limit",
        "queue time", "queue too long", "been in the queue", "been on the queue", "been in queue",
        "queue lifetime", "message timed out", "message timeout", "retry timeout exceeded",
        "retry time not reached", "retry count exceeded", "retry limit", "retry period", "maximum retries",
        "maximum retry", "max retries", "retries exceeded", "number of retries", "too many retries",
        "too many attempts", "too many tries", "multiple retries", "after * attempts",
        "after several attempts", "repeated attempts", "giving up", "gave up", "failing for a long time",
        "long failure period", "was not reachable within", "delivery attempts",
        "could not be delivered for", "not be delivered within", "not delivered within",
        "cannot send message within", "could not send message for past", "could not be sent for",
        "unable to deliver message after", "undeliverable after", "undeliverable for",
        "not been collected after", "unable to deliver * for * days", "unable to deliver * days",
        "has been delayed", "delivery delayed", "delivery time limit", "delivery temporarily suspended",
        "warning: could not send", "for more than * days", "for more than * hours", "have been trying",
        "has been trying", "i've been trying", "have tried", "been unable to deliver", "last attempt",
        "message too old", "is too old", "expired", "deferred: connection timed out", "undelivered for",
        "zeitüberschreitung", "zustellversuche", "wird nicht weiter versucht", "délai", "dépassé le temps",
        "tiempo de espera", "tiempo agotado", "intentos de entrega", "tempo limite", "tempo scaduto",
        "tentativas", "tentativi", "истек", "превышен срок", "превышено время", "upłyn", "zaman aşım",
        "配信期限", "再送", "期限切れ", "超时", "逾時",
    ]
        sample coded("4.4.7", "Delivery time expired: message timed out after 5 days");
    "no-answer" Expired says [
        "no answer from", "connection timed-out", "timed out", "time out", "timeout", "did not respond",
        "not responding", "no response", "did not accept our requests to connect", "failed to respond",
        "タイムアウト",
    ]
        sample says("connect to mx.example.com[192.0.2.1]:25: Connection timed out");
    "network" NetworkError says [
        "connection issue", "lookup dns", "unable to lookup", "no route", "network error",
        "network problem", "network congestion", "network is down", "network failure",
        "connection refused", "connection reset", "connection lost", "lost connection",
        "connection dropped", "connection closed", "connection was closed", "connection was dropped",
        "connection was refused", "connection broken", "connection died", "connection failed",
        "connection error", "connection failure", "connection aborted", "connection terminated",
        "connection problem", "connection to", "connect to", "connect failed", "broken pipe",
        "cannot connect", "could not connect", "couldn't connect", "can't connect", "can not connect",
        "unable to connect", "unable to open connection", "unable to establish",
        "wasn't able to establish", "could not establish", "failed to connect", "failed to establish",
        "error connecting", "attempting to connect", "host not reachable", "host not responding",
        "host down", "host is down", "server down", "unreachable", "unable to reach", "could not reach",
        "cannot reach", "couldn't reach", "socket", "address family", "bad connection", "no smtp server",
        "none of the mail servers", "no mail servers", "remote server closed", "remote host closed",
        "closed connection", "peer", "premature end", "unexpected eof", "eof|", "verbindung", "connexion",
        "conexión", "connessione", "conexão", "соединени", "połączeni", "bağlan", "接続できません", "接続に失敗", "連接",
        "连接",
    ]
        sample says("connect to mx.example.com[192.0.2.1]:25: Connection refused");
    "delivery-program" MailerError says [
        "command failed", "command died", "command output", "command time limit", "command not found",
        "command exited", "exited with", "exit status", "exit code", "exitcode", "returned status",
        "return code", "procmail", "maildrop", "vacation program", "mailer error", "mailer failed",
        "local mailer", "local delivery failed", "delivery program", "delivery agent", "delivery process",
        "pipe to", "pipe failed", "|/", "\"|ifs", "\"|exec", "child process", "child crashed", "child returned",
        "exec failed", "program failed", "program exited", "process failed", "x-unix", "killed by signal",
        "signal 9", "dropbox", "vpopmail", "fail to execute", "failed to execute", "deliver(",
        "filter error", "pickup directory",
    ]
        sample says("x-unix; 127: Command died with status 127: \"/home/neko/bin/filter\"");
    "receiving-system" SystemError says [
        "system issue", "fatal error|", "temporary lookup", "system error", "system failure",
        "system problem", "system config", "server error", "internal error", "internal failure",
        "internal problem", "internal server", "internal software", "software error", "unable to process",
        "local error", "local problem", "local delivery", "temporary failure", "temporary error",
        "temporary problem", "temporary server", "temporarily unavailable", "temporarily unable",
        "temporarily rejected", "temporarily not available", "currently unavailable", "is unavailable",
        "try again later", "try later", "service unavailable", "service not available",
        "service is not available", "insufficient resources", "resources temporarily", "out of memory",
        "cannot allocate", "not enough memory", "server busy", "server is busy", "system is busy",
        "system busy", "too busy", "overload", "load too high", "load average", "can't create",
        "cannot create", "could not create", "unable to create", "cannot open", "can't open",
        "could not open", "unable to open", "could not load", "cannot lock", "unable to lock",
        "could not lock", "permission denied", "read-only", "i/o error", "input/output error", "database",
        "mysql", "ldap", "backend", "back end", "back-end", "misconfig", "configuration error",
        "configuration problem", "error in configuration", "alias expansion", "aliasing", "mapping error",
        "not configured", "maintenance", "unexpected error", "queuing error", "error in processing",
        "error processing", "processing error", "error while processing", "milter", "proxy error",
        "proxy * error", "error writing", "write error", "unable to write", "could not write",
        "storage engine", "storage error", "malfunction", "mapi", "interface error", "crash", "chdir",
        "home directory", "trouble in", "trouble reading", "trouble writing", "trouble making",
        "unable to run", "unable to switch", "unable to figure out", "unable to read", "uh-oh", "storedrv",
        "upstream", "internal resource", "cyclical", "mail server problem",
        "requested action aborted: local", "error in mail", "technischer fehler", "interner fehler",
        "vorübergehend", "erreur interne", "erreur système", "temporairement", "error interno",
        "error del sistema", "temporalmente", "errore interno", "temporaneamente", "erro interno",
        "temporariamente", "внутренняя ошибка", "временн", "tymczasow", "geçici", "システムエラー", "サーバエラー",
        "系统错误", "系统繁忙", "暂时",
    ]
        sample coded("4.3.0", "451 4.3.0 Internal error, try again later");
};
