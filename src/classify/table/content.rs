//! What is held against the message itself.

use super::{Reason, Rule, coded, rules, says};

/// Links in the message that are on a block list: the host that sends is not.
pub(super) const LINKS: &[Rule] = rules! {
    "listed-link" SpamDetected says [
        "blacklisted url", "blacklisted link", "blacklisted domain in message", "uribl", "surbl",
        "dbl.spamhaus", "url * blacklist", "url * listed", "links * blacklist", "link * blacklist",
        "domain in the message", "domains in the message", "body contains * listed",
        "contains * blacklisted", "listed url", "bad url", "blocked url",
    ]
        sample says("550 Blacklisted URL in message. See http://lookup.uribl.com");
};

pub(super) const MALWARE: &[Rule] = rules! {
    "virus" VirusDetected says [
        "virus", "infected", "malware", "trojan", "antivirus", "worm|", "clamav", "eicar", "ransomware",
        "malicious", "virenprüfung", "virén", "вирус", "病毒", "ウイルス", "ウィルス", "바이러스", "wirus", "vírus",
    ]
        sample says("554 5.7.1 Eicar-Test-Signature virus");
};

/// Of names of viruses some sound like anything.
pub(super) const CERTAIN_MALWARE: &[Rule] = rules! {
    "virus-found" VirusDetected says [
        "message infected", "message is infected", "message was infected", "mail infected", "infected with",
        "infected by", "virus detected", "virus found", "virus infected", "contains a virus",
        "contains virus", "contained a virus", "carries a virus", "carried a virus", "malware detected",
        "malware found", "contains malware",
    ]
        sample says("554 5.7.1 Message infected: Heuristics.Phishing.Email.SpoofedDomain");
};

/// A policy named as the cause, whatever word stands before it.
pub(super) const NAMED_POLICY: &[Rule] = rules! {
    "policy-named" PolicyViolation says [
        "organizational policy", "organisational policy", "organization policy", "organization's policy",
        "organisation policy", "organisation's policy", "company policy", "corporate policy",
        "due to a policy", "due to policy", "rejected by policy", "rejected per policy",
    ]
        sample says("550 5.7.1 Message rejected due to organizational policy");
};

pub(super) const SIZE: &[Rule] = rules! {
    "status-size-for-the-mailbox" ExceedLimit status [".2.3"]
        sample coded("5.2.3", "552 5.2.3 Message size exceeds fixed maximum message size");
    "too-big" MessageTooBig says [
        "message size|", "message too big", "message too large", "message too long",
        "message is too large", "message is too big", "message is too long", "message was too large",
        "message was too big", "message file too big", "message exceeds the", "message exceeds max",
        "message exceeds * size", "message exceeded max", "message exceeded * size", "message larger than",
        "message is larger", "message length", "messages larger than", "mail size", "mail is too large",
        "mail too big", "mail too large", "mail exceeds", "email too large", "email is too large",
        "email size", "your message is too", "your message exceeded", "your message exceeds",
        "exceeded maximum inbound message size", "exceeds size", "exceeds fixed",
        "exceeds administrative limit", "exceeds message size", "exceeded message size",
        "exceeds the maximum message", "exceeds the size", "exceeds our maximum", "exceed maximum message",
        "max message size", "max size", "maximum message size", "maximum size", "maximum allowed size",
        "size limit", "size exceed", "line limit exceeded", "size of this message", "size of the message",
        "size is too large", "larger than the maximum", "larger than allowed",
        "larger than the current system limit", "too big for this", "content-length too", "body too large",
        "body too big", "object too large", "attachment too large", "attachments too large",
        "nachricht zu gross", "zu groß", "message trop gros", "trop volumineux", "demasiado grande",
        "troppo grande", "muito grande", "te groot", "zbyt duż", "слишком большое", "слишком велик",
        "слишком большой", "çok büyük", "メールサイズ", "サイズが大きすぎ", "サイズ超過", "邮件过大", "邮件太大", "郵件過大", "메일 크기",
    ]
        sample coded("5.3.4", "552 5.3.4 Message size exceeds fixed limit");
};

pub(super) const FORM: &[Rule] = rules! {
    "not-compliant" NotCompliantRfc says [
        "rfc 5322", "rfc5322", "rfc-5322", "rfc 2822", "rfc2822", "rfc 822", "rfc822 violation",
        "rfc822 compliant", "rfc 5321", "rfc5321", "rfc 2821", "rfc2821", "rfc-compliant", "rfc complian",
        "rfc violation", "not rfc", "non-rfc", "non rfc", "is not compliant with", "bare linefeed",
        "bare line feed", "bare lf", "bare cr", "bare <lf>", "bare <cr>", "bare newline", "bare carriage",
        "stray lf", "duplicate header", "duplicate from", "duplicate * header", "multiple from",
        "multiple * headers", "multiple addresses in from", "multiple * addresses in from",
        "with multiple * from", "single from", "missing from", "no from header", "no from: header", "missing message-id",
        "missing message id", "missing a valid", "missing mandatory", "missing header", "missing date",
        "missing or malformed", "message-id header", "no message-id", "no message id",
        "invalid message-id", "from header is missing", "from header is invalid",
        "from: header is invalid", "invalid from header", "invalid from: header", "from header must",
        "from: header must", "from header contains", "header from is", "line length", "line too long",
        "lines too long", "lines longer than", "header has no", "no date header", "required header",
        "smtp protocol violation",
    ]
        sample says("550 5.7.1 Messages missing a valid Message-ID header are not accepted. Not RFC 5322 compliant");
    // Gmail: the message was refused once it had been sent.
    "google-after-the-message" Filtered says ["(state 15)", "(state 17)", "(state 18)"]
        sample coded("5.7.0", "The error that the other server returned was: 554 554 5.7.0 Header error (state 18).");
    "header-error" PolicyViolation says ["header error|"]
        sample coded("5.7.9", "554 5.7.9 Header error");
    "content-error" ContentError says [
        "conversion required and prohibited", "8bitmime", "charset not", "unsupported charset",
        "unknown charset", "invalid charset", "character set not", "unsupported character set",
        "invalid encoding", "unsupported encoding", "encoding not", "encoding error", "invalid base64",
        "invalid content-type", "invalid content type", "8-bit", "8 bit", "eight bit", "non-ascii",
        "nonascii", "non ascii", "mime error", "mime format", "mime boundary", "mime structure",
        "mime header", "malformed mime", "malformed header", "malformed message", "malformed content",
        "message is malformed", "message malformed", "illegal header", "invalid header", "invalid mime",
        "improper header", "bad header", "bad mime", "header syntax", "syntax error in header",
        "header verification", "header too long", "header too large", "header size exceeds", "header line",
        "headers too", "header field", "headers contain", "message header size", "message headers exceed",
        "smtputf8", "utf-8 * not supported", "utf8", "internationalized", "internationalised",
        "content conversion", "conversion not supported", "conversion error", "media not supported",
        "encapsulated rfc822", "message structure", "too many mime", "too deeply nested", "unclosed",
        "invalid character", "illegal character", "from unspecified", "improperly formatted",
        "not a valid mime", "message contains invalid", "no body", "empty body", "empty message",
        "no subject", "message has no content", "zeichensatz", "文字コード",
    ]
        sample coded("5.6.0", "554 5.6.0 Message contains invalid header field; 8-bit data in header");
};

pub(super) const SPAM: &[Rule] = rules! {
    "spam" SpamDetected says [
        "content blocked", "spam|", "spammy", "spamassassin", "antispam", "spamscore", "spamcheck",
        "spamfilter", "unsolicited", "bulk mail", "bulk email", "bulk e-mail", "bulk message", "junk|",
        "content filter", "content reject", "content denied", "content is not accepted",
        "content not accepted", "content refused", "content policy", "content violat",
        "rejected by content", "rejected for content", "message content", "mail content",
        "contents rejected", "contents of your", "content restrictions", "content judged",
        "content similar", "due to content", "due to its content", "blacklisted url", "blocked url",
        "suspicious url", "listed url", "bad url", "url in message", "url blocked", "url in the",
        "url listed", "uribl", "surbl", "dbl|", "bayes", "phish", "razor", "dcc|", "pyzor",
        "looks like spam", "cloudmark", "vade secure", "vaderetro", "classified as", "identified as",
        "uce|", "ube|", "score exceeds", "score of", "message score", "scored", "score too high",
        "spf/spam", "rejected by filter", "blocked by filter", "filter reject", "filter blocked",
        "mail filter", "message filter", "rejected by an anti", "anti-abuse", "mailmarshal",
        "has been rejected by the", "headers and/or body", "suspicious content", "suspicious message",
        "likely suspicious", "suspected", "offensive", "objectionable", "prohibited content",
        "unacceptable content", "forbidden content", "inappropriate content", "denied by content",
        "threshold", "advertis", "fraud", "scam|", "hoax", "commtouch", "spamtrap", "ads|",
        "content examination", "message looks like", "message appears to be",
        "message was rejected due to", "message rejected due to", "message rejected as", "pattern",
        "blocked content", "snd:", "mcspam", "hvu:", "message blocked due to", "undesirable", "unwanted",
        "dt:spm", "垃圾邮件", "垃圾郵件", "垃圾信", "广告", "內容", "内容", "迷惑メール", "スパム", "스팸", "unerwünscht", "werbung",
        "indésirable", "pourriel", "no deseado", "correo basura", "indesiderat", "indesejad",
        "lixo eletrônico", "спам", "рассылк", "istenmeyen", "niechcian", "nevyžádan", "ongewenst",
        "skräppost", "roskaposti",
    ]
        sample says("554 5.7.1 Message rejected as spam by content filtering");
};

pub(super) const POLICY: &[Rule] = rules! {
    "dangerous-attachment" SecurityError says [
        "banned:", "attachment type", "attachment * not allowed", "attachment blocked",
        "attachment * blocked", "attachment * prohibited", "attachment is not", "attachment not",
        "attachment name", "attachment with", "banned attachment", "blocked attachment",
        "forbidden attachment", "dangerous attachment", "illegal attachment", "unsafe attachment",
        "prohibited attachment", "executable", "file type", "file extension", "filetype", "banned file",
        "banned content", "security issue", "security risk", "security problem", "encrypted attachment",
        "password protected", "password-protected", "macro",
    ]
        sample says("552 5.7.0 The attachment type .exe is refused");
    "authentication-needed" SecurityError says [
        "authentication required", "authentication is required", "authentication needed",
        "authentication failed", "authentication failure", "authentication credentials",
        "authentication mechanism", "authentication unsuccessful", "must authenticate",
        "must be authenticated", "not authenticated", "don't authenticate", "need to authenticate",
        "please authenticate", "requires authentication", "require authentication", "smtp auth",
        "smtp-auth", "auth required", "auth fail", "authenticate first", "unauthenticated", "authrequired",
        "invalid credentials", "username and password not accepted", "username/password",
        "bad username or password", "login fail", "log in to", "must be encrypted", "encryption required",
        "encryption needed", "encryption is required", "ssl required", "insecure", "not secure",
        "verification failure", "cryptographic", "session encryption", "use port 587",
        "account is not allowed to send", "two-factor", "application-specific password",
    ]
        sample says("550 Unauthenticated senders not allowed");
    "local-policy" PolicyViolation says [
        "violates our", "acceptable use", "terms of service", "policies", "policy", "protocol violation",
        "you are violating", "by the administrator", "by system administrator", "by admin",
        "business hours", "localpolicy", "richtlinie", "politique", "política", "politica", "polityk",
        "политик", "beleid", "ポリシー", "策略",
    ]
        sample says("550 5.7.1 Message refused for local policy");
};
