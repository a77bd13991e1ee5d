//! Auto-replies (RFC 3834) and their kin: never acted on.

use super::mime::Mail;

/// Whether a program answered, not a person and not a mail system about delivery.
pub fn is_auto_reply(mail: &Mail<'_>, subject: &str) -> bool {
    let headers = &mail.headers;
    let value = |name: &str| headers.get(name).unwrap_or_default().to_lowercase();
    if mail.mime_type == "multipart/report"
        && mail
            .params
            .get("report-type")
            .is_some_and(|kind| kind.contains("disposition"))
    {
        return true;
    }
    let failed = headers.get("X-Failed-Recipients").is_some();
    let automatic = value("Auto-Submitted");
    if !failed && automatic.starts_with("auto-replied") {
        return true;
    }
    ["X-Autoreply", "X-Autorespond", "X-Autoresponder"]
        .iter()
        .any(|name| headers.get(name).is_some())
        || value("Precedence") == "auto_reply"
        || SUBJECTS
            .iter()
            .any(|start| subject.to_lowercase().starts_with(start))
}

const SUBJECTS: &[&str] = &[
    "automatic reply",
    "out of office",
    "auto:",
    "abwesenheitsnotiz",
    "automatische antwort",
    "réponse automatique",
];
