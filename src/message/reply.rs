//! What a person answers. Whether the sender is the one written to is checked where the send is
//! known.

use super::{
    clues::Clues,
    mime::{Mail, Part},
};

/// Whether the mail answers one of ours, and every pointer to which: the address it arrived at,
/// In-Reply-To, References, and the tracking or unsubscribe link in the quoted text.
pub(super) fn parse(mail: &Mail<'_>, subject: &str, at_ours: bool, clues: &mut Clues) -> bool {
    if is_bulk(mail) {
        return false;
    }
    let before = clues.len();
    for part in mail
        .parts
        .iter()
        .filter(|part| part.mime_type.starts_with("text/"))
    {
        clues.links("tracking link in the body", &part.bytes());
    }
    let quotes_ours = clues.len() > before;
    for name in ["In-Reply-To", "References"] {
        for value in mail.headers.all(name) {
            clues.message_ids(name, &value);
        }
    }
    let answers = mail.headers.get("In-Reply-To").is_some()
        || (mail.headers.get("References").is_some() && has_answer_prefix(subject));
    at_ours || quotes_ours || answers
}

/// Lists, bulk mail and machines answer nobody.
pub(super) fn is_bulk(mail: &Mail<'_>) -> bool {
    const LISTS: &[&str] = &[
        "List-Id",
        "List-Post",
        "List-Unsubscribe",
        "List-Help",
        "Mailing-List",
        "X-Mailing-List",
        "Feedback-ID",
        "X-Campaign-Id",
    ];
    LISTS.iter().any(|name| mail.headers.get(name).is_some())
        || mail.headers.get("Precedence").is_some_and(|value| {
            ["bulk", "list", "junk"].contains(&value.trim().to_lowercase().as_str())
        })
        || mail.mime_type == "multipart/digest"
        || mail
            .parts
            .iter()
            .filter(|part: &&Part<'_>| part.mime_type == "message/rfc822")
            .count()
            > 2
}

/// `Re:` in the languages whose mail programs translate it.
pub(super) fn has_answer_prefix(subject: &str) -> bool {
    has_prefix(
        subject,
        &[
            "re",
            "aw",
            "antw",
            "sv",
            "vs",
            "rv",
            "res",
            "rif",
            "r",
            "odp",
            "ynt",
            "yan",
            "at",
            "回复",
            "回覆",
            "答复",
            "返信",
            "ответ",
            "отв",
            "hal",
            "vá",
            "ref",
            "réf",
            "bls",
            "αντ",
            "απ",
        ],
    )
}

/// `Fwd:` likewise.
pub(super) fn has_forward_prefix(subject: &str) -> bool {
    has_prefix(
        subject,
        &[
            "fwd",
            "fw",
            "wg",
            "tr",
            "rv",
            "enc",
            "i",
            "doorst",
            "vb",
            "vl",
            "pd",
            "ilt",
            "ilet",
            "转发",
            "轉寄",
            "転送",
            "пересл",
            "fs",
            "továbbítás",
            "πρθ",
            "προθ",
        ],
    )
}

fn has_prefix(subject: &str, prefixes: &[&str]) -> bool {
    let Some((prefix, _)) = subject.trim_start().split_once([':', '：']) else {
        return false;
    };
    // `Re[2]:` counts answers.
    let prefix = prefix
        .split('[')
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase();
    prefixes.contains(&prefix.as_str())
}
