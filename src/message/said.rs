//! What a host said: reply code, enhanced status code and host in diagnostic text.

use crate::classify::EnhancedStatusCode as Code;

/// Words after which a number of three digits is an SMTP reply code.
const BEFORE_REPLY: &[&str] = &[
    "said", "code", "error", "reason", "replied", "response", "answered", "was", "reply", "status",
    "deferred", "with", "smtp", "returned", "got", "failure", "message", "to",
];

/// The SMTP reply code (4xx, 5xx) that stands first where reply codes stand.
pub(super) fn reply_code(text: &str) -> Option<u16> {
    replies(text).next().map(|(_, code)| code)
}

/// A reply code of success (2xx) at the start.
pub(super) fn success_code(text: &str) -> Option<u16> {
    let (code, rest) = text.split_at_checked(3)?;
    let stands = code.starts_with('2') && (rest.is_empty() || rest.starts_with([' ', '-']));
    code.parse().ok().filter(|_| stands)
}

/// Every reply code with the place behind it.
fn replies(text: &str) -> impl Iterator<Item = (usize, u16)> {
    let bytes = text.as_bytes();
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(start) = (from..bytes.len()).find(|&at| bytes[at].is_ascii_digit()) {
            let end = (start..bytes.len())
                .find(|&at| !bytes[at].is_ascii_digit())
                .unwrap_or(bytes.len());
            from = end;
            let digits = &bytes[start..end];
            let is_error = digits.len() == 3
                && matches!(digits[0], b'4' | b'5')
                && digits[1] < b'8'
                && stands_for_reply(text, start, end);
            if is_error {
                return Some((end, text[start..end].parse().ok()?));
            }
        }
        None
    })
}

fn stands_for_reply(text: &str, start: usize, end: usize) -> bool {
    let before = &text[..start];
    let after = &text[end..];
    let goes_on = after.starts_with(|c: char| {
        matches!(
            c,
            ' ' | '-' | ':' | ']' | ')' | '\'' | '"' | ',' | '#' | '\n' | ';'
        )
    });
    if !(after.is_empty() || goes_on || after == ".") {
        return false;
    }
    // `550 5.1.1`, `550-5.1.1`, `550 #5.1.1`, `550-'5.1.1`: nothing else looks so.
    let next = after.trim_start_matches([' ', '-', '#', '\'', '(']);
    let joined =
        before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '/' | '_' | '@' | '='));
    if !joined && after.len() - next.len() <= 3 && leading_code(next).is_some() {
        return true;
    }
    let tight = before.trim_end_matches([' ', '\n', '\t']);
    if tight.is_empty() {
        return true;
    }
    if joined || (before.len() == tight.len() && tight.ends_with('-')) {
        return false;
    }
    // `host:450` is a port.
    if before.len() == tight.len() && tight.ends_with(':') {
        return !tight[..tight.len() - 1].ends_with(|c: char| c.is_ascii_digit());
    }
    if tight.ends_with([':', ';', '>', '<', '(', '[', '\'', '"', '#', ',', '=']) {
        return true;
    }
    // A new sentence or line.
    if tight.ends_with(['.', ')', ']', '-', '*', '|']) && tight.len() < before.len() {
        return !after.is_empty() && !after.starts_with(')');
    }
    let word = tight
        .rsplit(|c: char| !c.is_ascii_alphabetic())
        .next()
        .unwrap_or_default();
    BEFORE_REPLY
        .iter()
        .any(|known| known.eq_ignore_ascii_case(word))
}

fn leading_code(text: &str) -> Option<(usize, Code)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number = text[..end].trim_end_matches('.');
    if number.len() < 5 || number.len() > 9 {
        return None;
    }
    Some((end, number.parse().ok()?))
}

/// How much an enhanced status code says: nothing but its class, a subject, or a detail.
const fn precision(code: Code) -> u8 {
    match (code.subject, code.detail) {
        (0, 0) => 0,
        (_, 0) => 1,
        _ => 2,
    }
}

/// The enhanced status code (4.x.x, 5.x.x) in a text: rather one that a reply code precedes than
/// one of the reporting system, rather an exact one than a vague one.
pub(super) fn status(text: &str, reply: Option<u16>) -> Option<Code> {
    let mut best: Option<(bool, bool, u8, Code)> = None;
    let after_reply: Vec<usize> = replies(text).map(|(end, _)| end).take(32).collect();
    for (at, code) in codes(text).take(64) {
        if !matches!(code.class, 4 | 5) {
            continue;
        }
        let follows = after_reply.iter().any(|&end| {
            end <= at && at - end <= 3 && text[end..at].bytes().all(|b| b" -#'(".contains(&b))
        });
        let of_reply = reply.is_none_or(|reply| reply / 100 == u16::from(code.class));
        let weight = (of_reply && precision(code) > 0, follows, precision(code));
        if best.is_none_or(|(a, b, c, _)| weight > (a, b, c)) {
            best = Some((weight.0, weight.1, weight.2, code));
        }
    }
    best.map(|(.., code)| code)
}

/// Every enhanced status code that is not part of a longer number, with its place.
fn codes(text: &str) -> impl Iterator<Item = (usize, Code)> {
    let bytes = text.as_bytes();
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(start) = (from..bytes.len()).find(|&at| bytes[at].is_ascii_digit()) {
            let end = (start..bytes.len())
                .find(|&at| !bytes[at].is_ascii_digit() && bytes[at] != b'.')
                .unwrap_or(bytes.len());
            from = end;
            let before = |back: usize| start.checked_sub(back).map(|at| bytes[at]);
            // `550-5.7.1` continues a reply; `exim-4.9.2` is a version.
            let in_word = before(1).is_some_and(|b| {
                b.is_ascii_alphanumeric()
                    || matches!(b, b'.' | b'@' | b'_')
                    || (b == b'-' && before(2).is_some_and(|b| !b.is_ascii_digit()))
            });
            let goes_on = bytes
                .get(end)
                .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'@');
            if in_word || goes_on {
                continue;
            }
            if let Some((_, code)) = leading_code(&text[start..end]) {
                return Some((start, code));
            }
        }
        None
    })
}

/// The Status field against what the host itself said: the words win unless they are vaguer.
pub(super) fn refine(field: Option<Code>, said: Option<Code>) -> Option<Code> {
    match (field, said) {
        (Some(field), Some(said)) if field.class == 2 || precision(said) < precision(field) => {
            Some(field)
        }
        (Some(_), Some(said)) => Some(said),
        (field, said) => field.or(said),
    }
}

/// A reply over several lines without the codes that stand again before each: `550-5.7.26 a 550
/// 5.7.26 b` is `550-5.7.26 a b`.
pub(super) fn one_reply(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut first: Option<(&str, &str)> = None;
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        let mut kept = word;
        let split = word.split_at_checked(3).filter(|(code, rest)| {
            (rest.is_empty() || rest.starts_with('-'))
                && code.starts_with(['4', '5'])
                && code.bytes().all(|b| b.is_ascii_digit())
        });
        match (split, first) {
            (Some((code, rest)), None) if !rest.is_empty() => first = Some((code, &rest[1..])),
            (Some((code, rest)), Some((again, status))) if code == again => {
                kept = rest.trim_start_matches('-');
                if rest.is_empty() && words.peek() == Some(&status) {
                    words.next();
                }
                if kept == status {
                    kept = "";
                }
            }
            _ => {}
        }
        if !kept.is_empty() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(kept);
        }
    }
    out
}

/// Words after which the host stands that refused.
const BEFORE_HOST: &[&str] = &[
    "host ",
    "host: ",
    "talking to ",
    "connect to ",
    "connected to ",
    "remote server (",
    "server <",
];

/// Words before which it stands.
const AFTER_HOST: &[&str] = &[
    " did not like our ",
    " does not like recipient",
    " does not like sender",
    " responded with failure",
    " failed after i sent the message",
    " said:",
    " says:",
];

/// The host a diagnostic text is about.
pub(super) fn remote_host(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let name = |text: &str| {
        let end = text
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-'))
            .unwrap_or(text.len());
        let name = text[..end].trim_end_matches('.');
        (name.contains('.') && name.len() <= 253).then(|| name.to_owned())
    };
    let behind = BEFORE_HOST.iter().find_map(|words| {
        lower
            .match_indices(words)
            .take(4)
            .find_map(|(at, _)| name(&text[at + words.len()..]))
    });
    behind.or_else(|| {
        AFTER_HOST.iter().find_map(|words| {
            let before = &text[..lower.find(words)?];
            // `mx.example.com [192.0.2.1]` or the name alone.
            let start = before
                .trim_end_matches(']')
                .rfind('[')
                .filter(|_| before.ends_with(']'))
                .map_or(before, |open| before[..open].trim_end());
            name(start.rsplit([' ', '<', '(']).next()?)
        })
    })
}

/// The address that was written to, where a text says what it was expanded from.
pub(super) fn original_recipient(text: &str) -> Option<&str> {
    const WORDS: &[&str] = &["generated from ", "expanded from: ", "expanded from "];
    WORDS.iter().find_map(|words| {
        let rest = &text[text.find(words)? + words.len()..];
        let address = rest
            .trim_start_matches('<')
            .split(|c: char| c.is_whitespace() || matches!(c, '>' | ')' | ','))
            .next()?;
        address.contains('@').then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reply_codes_are_found_where_they_stand() {
        for (text, code) in [
            ("550 no", Some(550)),
            ("smtp; 421", Some(421)),
            ("host mx[192.0.2.1] said: 554 5.6.0 spam", Some(554)),
            ("The error was: 554 554 5.7.0 Header error", Some(554)),
            ("5.1.0 - Unknown address error 550-'5.2.2 full'", Some(550)),
            ("Out: 250 2.1.5 Ok In: DATA Out: 451 4.3.0 Error", Some(451)),
            (
                "it responded as follows: [550 5.1.1 User unknown]",
                Some(550),
            ),
            (
                "Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1",
                Some(550),
            ),
            ("(reason: 450 4.7.1 later)", Some(450)),
            ("did not like our DATA: 550-5.7.26 no", Some(550)),
            ("exceeds 500 MB", None),
            ("port 587, room 412b", None),
            ("192.0.2.550 at 10.0.0.1:450", None),
            ("(#5.1.1)", None),
            ("error 255", None),
        ] {
            assert_eq!(reply_code(text), code, "{text}");
        }
    }

    #[test]
    fn the_exact_status_of_the_host_wins() {
        for (text, wanted) in [
            ("550 5.1.1 unknown", "5.1.1"),
            (
                "5.1.0 - Unknown address error 550-'5.2.2 <a@example.com> full'",
                "5.2.2",
            ),
            (
                "550 sorry, no mailbox here by that name (#5.1.1 - chkusr)",
                "5.1.1",
            ),
            ("452 4.4.5 disk", "4.4.5"),
            ("550 #5.1.0 Address rejected.", "5.1.0"),
            ("host 5.1.1.2 said 550-5.7.26 no 5.0.0", "5.7.26"),
            ("exim-4.9.2 and 2.1.5 ok", ""),
            ("a5.1.1 5.1.1b x@5.1.1", ""),
        ] {
            let found = status(text, reply_code(text)).map(|code| code.to_string());
            assert_eq!(found.unwrap_or_default(), wanted, "{text}");
        }
        let code = |text: &str| text.parse().ok();
        for (field, said, both) in [
            ("5.0.0", "5.2.2", "5.2.2"),
            ("4.4.7", "4.7.1", "4.7.1"),
            ("5.1.1", "5.1.0", "5.1.1"),
            ("5.1.1", "", "5.1.1"),
            ("2.1.5", "5.1.1", "2.1.5"),
        ] {
            assert_eq!(
                refine(code(field), code(said)),
                code(both),
                "{field} {said}"
            );
        }
    }

    #[test]
    fn replies_over_several_lines_are_one() {
        assert_eq!(
            one_reply(
                "550-5.7.26 not accepted due to domain's 550-5.7.26 policy, go to 550 5.7.26 example.com"
            ),
            "550-5.7.26 not accepted due to domain's policy, go to example.com"
        );
        assert_eq!(one_reply("550-a 550-b 550 c"), "550-a b c");
        assert_eq!(
            one_reply("554 554 5.7.0 Header error"),
            "554 554 5.7.0 Header error"
        );
    }

    #[test]
    fn hosts_and_origins_are_named() {
        for (text, host) in [
            ("host mx.example.com [192.0.2.1]: 550 no", "mx.example.com"),
            (
                "... while talking to mx.example.com.: >>> DATA",
                "mx.example.com",
            ),
            (
                "mx.example.com [192.0.2.25] did not like our RCPT TO: 550",
                "mx.example.com",
            ),
            ("192.0.2.5 does not like recipient.", "192.0.2.5"),
            (
                "mx.example.org[192.0.2.2] responded with failure: 552",
                "mx.example.org",
            ),
        ] {
            assert_eq!(remote_host(text).as_deref(), Some(host), "{text}");
        }
        assert_eq!(remote_host("Host unknown"), None);
        assert_eq!(
            original_recipient("(ultimately generated from a@example.com) x"),
            Some("a@example.com")
        );
        assert_eq!(
            original_recipient("(expanded from: <b@example.com>)"),
            Some("b@example.com")
        );
    }
}
