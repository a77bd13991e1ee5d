//! What mail systems say around their reports, in the languages they speak.

use std::{borrow::Cow, sync::OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, StartKind};

use super::search::Search;

/// How lines begin after which the returned message stands, lower case, decoration dropped.
const RETURNED: &[&str] = &[
    "this is a copy of",
    "a copy of the message",
    "a copy of your message",
    "copy of the message",
    "copy of your message",
    "below this line is",
    "below is a copy",
    "below is the original",
    "enclosed is a copy",
    "included is a copy",
    "original message",
    "original mail",
    "original headers",
    "your original message",
    "the original message follows",
    "the original message headers",
    "the header of the original message",
    "the headers of the original message",
    "the header and top",
    "headers of the original message",
    "header of the original message",
    "message headers follow",
    "message header follow",
    "message headers:",
    "message header:",
    "message text follows",
    "message follows",
    "unsent message",
    "returned message",
    "returned mail follows",
    "the text of the original message",
    "start of returned message",
    "start of message",
    "begin of original message",
    "undelivered message follows",
    "no message was collected",
    "text of the message",
    "transcript of message",
    "the message that caused",
    // German
    "originalnachricht",
    "ursprüngliche nachricht",
    "kopfzeilen der originalnachricht",
    "ursprüngliche nachrichtenkopfzeilen",
    "es folgt der header",
    "der header der originalnachricht",
    "kopie der nachricht",
    // French
    "message original",
    "message d'origine",
    "en-têtes du message",
    "en-têtes de message",
    "en-têtes d'origine",
    "copie du message",
    // Spanish, Portuguese, Italian
    "mensaje original",
    "encabezados del mensaje",
    "encabezados originales",
    "copia del mensaje",
    "mensagem original",
    "cabeçalhos da mensagem",
    "cabeçalhos originais",
    "cópia da mensagem",
    "messaggio originale",
    "intestazioni originali",
    "intestazioni del messaggio",
    "copia del messaggio",
    // Dutch, Swedish, Danish
    "oorspronkelijk bericht",
    "oorspronkelijke berichtkoppen",
    "oorspronkelijke bericht",
    "kopie van het bericht",
    "ursprungligt meddelande",
    "oprindelig meddelelse",
    // Polish, Russian, Turkish
    "oryginalna wiadomość",
    "wiadomość oryginalna",
    "oryginalne nagłówki",
    "kopia wiadomości",
    "исходное сообщение",
    "заголовки исходного",
    "исходные заголовки",
    "копия сообщения",
    "копия письма",
    "özgün ileti",
    "orijinal ileti",
    "orijinal mesaj",
    // Japanese, Chinese, Korean
    "元のメッセージ",
    "元のメール",
    "送信されたメッセージ",
    "オリジナルメッセージ",
    "原始邮件",
    "原始郵件",
    "原始信件",
    "원본 메시지",
];

/// Whether a line says that the returned message follows.
pub(super) fn begins_returned(line: &str) -> bool {
    static STARTS: OnceLock<AhoCorasick> = OnceLock::new();
    // A quoted line is somebody else's.
    let bare = line.trim_matches(|c: char| "-=*_#|+~: \t".contains(c));
    if bare.is_empty() || line.starts_with('>') {
        return false;
    }
    let mut first = bare.bytes().take(2);
    // A sentence is longer.
    if bare.len() > 110 || !first.all(|b| b.is_ascii_alphabetic() || !b.is_ascii()) {
        return false;
    }
    let lower = if bare.is_ascii() {
        Cow::Borrowed(bare)
    } else {
        Cow::Owned(bare.to_lowercase())
    };
    let starts = STARTS.get_or_init(|| {
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .start_kind(StartKind::Anchored)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(RETURNED.iter().map(|start| start.trim_end_matches(':')))
            .expect("a few hundred phrases")
    });
    let input = Input::new(lower.as_ref()).anchored(Anchored::Yes);
    starts.is_match(input) && !starts_with_ignoring_case(&lower, "original message was received")
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    let found = text.as_bytes().get(..start.len());
    found.is_some_and(|found| found.eq_ignore_ascii_case(start.as_bytes()))
}

/// Fields of RFC 3464 and their kin that some systems write as plain text.
const STATUS_FIELDS: &[&str] = &[
    "reporting-mta",
    "received-from-mta",
    "arrival-date",
    "final-recipient",
    "original-recipient",
    "action",
    "status",
    "remote-mta",
    "diagnostic-code",
    "last-attempt-date",
    "will-retry-until",
    "final-log-id",
    "original-envelope-id",
    "dsn-gateway",
];

pub(super) fn is_status_field(name: &str) -> bool {
    STATUS_FIELDS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a text, blanks joined, says that a mail did not arrive.
pub(super) fn says_failed(text: &str) -> bool {
    says(&FAILED_SEARCH, FAILED, text)
}

/// Whether it says that delivery is still being tried.
pub(super) fn says_delayed(text: &str) -> bool {
    says(&DELAYED_SEARCH, DELAYED, text)
}

/// Whether it is about something else that mail systems and filters write of.
pub(super) fn says_something_else(text: &str) -> bool {
    says(&OTHER_SEARCH, OTHER, text)
}

static FAILED_SEARCH: OnceLock<Search> = OnceLock::new();
static DELAYED_SEARCH: OnceLock<Search> = OnceLock::new();
static OTHER_SEARCH: OnceLock<Search> = OnceLock::new();

fn says(search: &OnceLock<Search>, phrases: &[&'static str], text: &str) -> bool {
    search
        .get_or_init(|| Search::new(phrases.iter().copied()))
        .is_met(text)
}

const OTHER: &[&str] = &[
    "virus",
    "quarantine",
    "quarantäne",
    "infected",
    "malware",
    "spam report",
    "digest",
    "release them",
    "verify your account",
    "confirm your",
    "your password",
    "click here to",
    "to complete your subscription",
    "вирус",
    "ウイルス",
    "病毒",
];

const DELAYED: &[&str] = &[
    "has not yet been delivered",
    "have not yet been delivered",
    "not been delivered yet",
    "is delayed for more than",
    "has been delayed",
    "delivery delayed",
    "message delayed",
    "delivery is delayed",
    "still being retried",
    "warning message only",
    "this is a warning only",
    "this is only a temporary failure report",
    "it will be retried",
    "will be retried for",
    "delivery attempts will continue",
    "will continue to try",
    "will keep trying",
    "still undelivered after",
    "you do not need to resend",
    "do not need to re-send",
    "no action is required on your part",
    "delivery incomplete",
    "temporary problem delivering",
    "will retry for",
    "wurde noch nicht zugestellt",
    "zustellung verzögert",
    "verzögert sich",
    "noch nicht zugestellt werden",
    "n'a pas encore été remis",
    "n'a pas encore pu être",
    "remise différée",
    "aún no se ha entregado",
    "entrega retrasada",
    "se ha retrasado",
    "non è stato ancora recapitato",
    "recapito ritardato",
    "ainda não foi entregue",
    "entrega atrasada",
    "nog niet bezorgd",
    "nog niet afgeleverd",
    "ещё не доставлено",
    "еще не доставлено",
    "доставка задерживается",
    "jeszcze nie została dostarczona",
    "opóźnienie dostarczenia",
    "henüz teslim edilemedi",
    "再送を試み",
    "配信が遅れて",
    "延迟投递",
];

const FAILED: &[&str] = &[
    "not be delivered",
    "n't be delivered",
    "n't delivered",
    "not delivered",
    "not been delivered",
    "cannot be delivered",
    "unable to deliver",
    "unable to be delivered",
    "undeliverable",
    "undelivered",
    "undeliverd",
    "delivery failed",
    "delivery fail",
    "delivery has failed",
    "failed delivery",
    "delivery to the following",
    "deliver your mail",
    "deliver your message",
    "delivery error",
    "delivery of your message",
    "delivering your",
    "failed to deliver",
    "failure notice",
    "failed addresses",
    "failed recipient",
    "address failed",
    "not reach",
    "n't reach",
    "not deliver",
    "n't deliver",
    "not be sent",
    "n't be sent",
    "returned to sender",
    "returned mail",
    "returned to you",
    "user unknown",
    "unknown user",
    "unknown recipient",
    "no such user",
    "no such recipient",
    "invalid user",
    "invalid recipient",
    "invalid receiver",
    "recipient unknown",
    "mailbox full",
    "mailbox is full",
    "mailbox unavailable",
    "over quota",
    "exceeds allowed size",
    "permanent error",
    "permanent failure",
    "permanent fatal error",
    "fatal error",
    "was rejected",
    "been rejected",
    "were rejected",
    "rejected by",
    "been bounced",
    "was blocked",
    "were affected",
    "does not exist",
    "doesn't exist",
    "is not known",
    "could not be found",
    "wasn't found",
    "couldn't be found",
    "transcript of session",
    // German
    "nicht zugestellt",
    "nicht zustellbar",
    "unzustellbar",
    "zustellung fehlgeschlagen",
    "nicht ausgeliefert",
    "nicht übermittelt",
    "nicht übertragen",
    "zustellfehler",
    "fehler bei der nachrichtenzustellung",
    "fehler bei der zustellung",
    "empfänger nicht erreicht",
    "nicht erreicht werden",
    "konnte nicht gesendet",
    // French
    "pas pu être remis",
    "pas pu être délivré",
    "pas pu être distribué",
    "pas pu être envoyé",
    "pas pu être livré",
    "n'a pu être",
    "pas été remis",
    "pas été délivré",
    "pas été distribué",
    "pas parvenu",
    "non remis",
    "non distribu",
    "non délivré",
    "chec de la remise",
    "chec de remise",
    "chec de la distribution",
    "chec de la livraison",
    "impossible de remettre",
    "impossible de délivrer",
    "impossible de distribuer",
    "impossible de joindre",
    // Spanish
    "no se pudo entregar",
    "no se ha podido entregar",
    "no pudo ser entregado",
    "no ha podido ser entregado",
    "no se puede entregar",
    "no puede ser entregado",
    "no fue entregado",
    "no se entreg",
    "no ha sido entregado",
    "error al entregar",
    "no entregado",
    "no se pudo enviar",
    "error de entrega",
    // Portuguese
    "não pôde ser entregue",
    "não pode ser entregue",
    "não foi possível entregar",
    "não foi entregue",
    "não pôde ser enviada",
    "falha na entrega",
    "falha de entrega",
    "não entregue",
    // Italian
    "non è stato possibile recapitare",
    "non è stato possibile consegnare",
    "impossibile recapitare",
    "impossibile consegnare",
    "mancato recapito",
    "mancata consegna",
    "non è stato recapitato",
    "non è stato consegnato",
    "non può essere consegnato",
    "non può essere recapitato",
    "non recapitabile",
    // Dutch
    "niet worden afgeleverd",
    "niet worden bezorgd",
    "niet afgeleverd",
    "niet bezorgd",
    "onbestelbaar",
    "bezorging is mislukt",
    "bezorgen is mislukt",
    "aflevering mislukt",
    "afleveren is mislukt",
    // Russian, Ukrainian
    "не может быть доставлено",
    "не могло быть доставлено",
    "не было доставлено",
    "не удалось доставить",
    "не доставлено",
    "недоставлен",
    "невозможно доставить",
    "ошибка доставки",
    "ошибка при доставке",
    "не вдалося доставити",
    // Polish, Czech, Hungarian, Romanian
    "nie można dostarczyć",
    "nie mogła zostać dostarczona",
    "nie została dostarczona",
    "nie może zostać dostarczona",
    "nie może być dostarczona",
    "nie dostarczono",
    "niedostarczona",
    "nie udało się dostarczyć",
    "nie powiodło się",
    "błąd dostarczania",
    "nelze doručit",
    "nebyla doručena",
    "nepodařilo doručit",
    "nem kézbesíthető",
    "nem sikerült kézbesíteni",
    "nu a putut fi livrat",
    // Turkish
    "teslim edilemedi",
    "teslim edilemiyor",
    "teslim edilemez",
    "iletilemedi",
    "iletilemiyor",
    "gönderilemedi",
    "ulaştırılamadı",
    // Swedish, Danish, Norwegian, Finnish
    "inte levereras",
    "ikke leveres",
    "ikke levert",
    "ikke afleveres",
    "ei voitu toimittaa",
    // Greek, Arabic, Hebrew
    "παράδοση απέτυχε",
    "δεν ήταν δυνατή η παράδοση",
    "لم يتم تسليم",
    "تعذر تسليم",
    // Japanese
    "送信できません",
    "配信できません",
    "配送できません",
    "お届けできません",
    "届けることができません",
    "配信されません",
    "送信されません",
    "配信に失敗",
    "送信に失敗",
    "配送に失敗",
    "送信エラー",
    "配信エラー",
    // Chinese
    "无法投递",
    "无法送达",
    "无法传递",
    "无法发送",
    "投递失败",
    "发送失败",
    "未能送达",
    "未送达",
    "退信",
    "被退回",
    "無法投遞",
    "無法送達",
    "無法傳送",
    "無法寄達",
    "傳送失敗",
    "遭退回",
    // Korean
    "배달되지",
    "배달하지 못",
    "배달 실패",
    "전송하지 못",
    "전송 실패",
    "전송되지",
];
