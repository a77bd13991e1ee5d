//! Unsubscribes by mail: what arrives at the address of our List-Unsubscribe header (RFC 2369),
//! or, with words that say so, in a folder kept for unsubscribes.

use super::{
    Options,
    mime::{Headers, Mail},
};
use crate::{address, verp::Purpose};

/// Whether the mail asks to be unsubscribed. `purpose` is that of the address it arrived at: one
/// with a hash of ours was written by us into one mail to one person, so that the arrival alone is
/// the request; elsewhere words decide, and only where they were asked for.
pub(super) fn is_unsubscribe(
    mail: &Mail<'_>,
    subject: &str,
    purpose: Option<Purpose>,
    options: &Options,
) -> bool {
    if purpose == Some(Purpose::Unsubscribe) {
        return true;
    }
    let asked = options.unsubscribe_folder || arrived_at_ours(&mail.headers, options);
    asked && (says_so(subject) || first_line(mail).is_some_and(|line| says_so(&line)))
}

/// Whether one of the arrival addresses is an unsubscribe address without a hash.
pub(super) fn arrived_at_ours(headers: &Headers<'_>, options: &Options) -> bool {
    super::clues::ARRIVAL.iter().any(|name| {
        headers.all(name).any(|value| {
            value.split([',', ' ', '<', '>', ';']).any(|piece| {
                options
                    .unsubscribe_addresses
                    .iter()
                    .any(|ours| address::bare(ours).eq_ignore_ascii_case(address::bare(piece)))
            })
        })
    })
}

/// The first written line of the body that is not a greeting or a quotation.
fn first_line(mail: &Mail<'_>) -> Option<String> {
    const LOOKED_AT: usize = 20;
    let part = mail.part("text/plain")?;
    part.text()
        .lines()
        .take(LOOKED_AT)
        .map(str::trim)
        .take_while(|line| !line.starts_with('>') && *line != "--")
        .find(|line| line.chars().filter(|c| c.is_alphabetic()).count() > 1 && !line.ends_with(','))
        .map(str::to_owned)
}

/// A short text that is, in essence, one of the words; a longer one may talk about anything.
fn says_so(text: &str) -> bool {
    const LONGEST: usize = 100;
    let text = text.trim().to_lowercase();
    text.len() <= LONGEST
        && !NEGATIONS.iter().any(|no| text.contains(no))
        && WORDS.iter().any(|word| text.contains(word))
}

/// Texts with one of these say something else.
const NEGATIONS: &[&str] = &[
    "don't unsub",
    "do not unsub",
    "not unsubscribe",
    "nicht abmelden",
    "no cancelar",
    "pas désabonner",
    "pas me désabonner",
    "non cancellar",
    "unsubscribe failed",
    "how to unsubscribe",
    "re-subscribe",
];

const WORDS: &[&str] = &[
    // English
    "unsubscribe",
    "opt out",
    "opt-out",
    "remove me",
    "take me off",
    "stop sending me",
    // German
    "abmelden",
    "abmeldung",
    "abbestellen",
    "abbestellung",
    "austragen",
    // French
    "désabonn",
    "desabonn",
    "désinscri",
    "desinscri",
    "me désinscrire",
    // Spanish
    "darme de baja",
    "dar de baja",
    "cancelar suscripción",
    "cancelar la suscripción",
    "cancelar mi suscripción",
    "desuscrib",
    // Portuguese
    "cancelar subscrição",
    "cancelar inscrição",
    "cancelar assinatura",
    "descadastrar",
    "remover meu e-mail",
    // Italian
    "disiscri",
    "cancellami",
    "cancellazione",
    "annulla iscrizione",
    // Dutch
    "afmelden",
    "uitschrijven",
    "afmelding",
    // Polish, Czech
    "wypisz",
    "wypisać",
    "rezygnuję z",
    "odhlásit",
    // Swedish, Danish, Norwegian
    "avregistrera",
    "avprenumerera",
    "afmeld",
    "avmeld",
    // Russian, Turkish
    "отписаться",
    "отпишите",
    "отписка",
    "abonelikten çık",
    "aboneliğimi iptal",
    // Chinese, Japanese, Korean
    "退订",
    "取消订阅",
    "退訂",
    "取消訂閱",
    "配信停止",
    "購読解除",
    "登録解除",
    "수신거부",
    "수신 거부",
    "구독 취소",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_requests_are_read_and_long_talk_is_not() {
        for text in [
            "Unsubscribe",
            "Bitte abmelden!",
            "Merci de me désabonner",
            "配信停止希望",
            "取消订阅",
        ] {
            assert!(says_so(text), "{text}");
        }
        for text in [
            "Please do not unsubscribe me",
            "Our opening hours",
            "How to unsubscribe from anything",
            "",
        ] {
            assert!(!says_so(text), "{text}");
        }
    }
}
