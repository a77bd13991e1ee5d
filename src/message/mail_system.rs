//! Who writes as a mail system.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::mime::Mail;

/// Names under which mail systems write.
const NAMES: &[&str] = &[
    "mailer-daemon",
    "mailer_daemon",
    "mailerdaemon",
    "mailer daemon",
    "mail-daemon",
    "maildaemon",
    "mail.daemon",
    "mail daemon",
    "mdaemon",
    "postmaster",
    "post_master",
    "post-master",
    "postoffice",
    "mail delivery",
    "maildelivery",
    "mail-delivery",
    "mail.delivery",
    "mail administrator",
    "mail-system",
    "mail system",
    "mailsystem",
    "mail router",
    "mailrouter",
    "mail server",
    "mailserver",
    "microsoftexchange",
    "system administrator",
    "systemadministrator",
    "mailadm",
    "internet mail delivery",
    "delivery subsystem",
    "delivery system",
    "bounce-notification",
    "smtp server",
    "smtp-server",
    "non-delivery",
];

/// Whether a mail system signed the mail, or nobody did, as some gateways do.
pub(super) fn is_mail_system(mail: &Mail<'_>) -> bool {
    let Some(from) = mail.headers.get("From") else {
        return mail.headers.get("In-Reply-To").is_none();
    };
    let from = from.trim();
    from == "<>" || from.is_empty() || is_named(from)
}

fn is_named(from: &str) -> bool {
    static SEARCH: OnceLock<AhoCorasick> = OnceLock::new();
    SEARCH
        .get_or_init(|| {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(NAMES)
                .expect("a few dozen names")
        })
        .is_match(from)
}
