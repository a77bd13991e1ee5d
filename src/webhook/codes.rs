//! SMTP reply code and enhanced status code, from their fields or from the text.

use crate::classify::EnhancedStatusCode;

/// What is known of a refusal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Codes {
    pub(super) smtp: Option<u16>,
    pub(super) status: Option<EnhancedStatusCode>,
}

impl Codes {
    /// An explicit field counts before the text.
    pub(super) fn read(smtp: Option<&str>, status: Option<&str>, text: Option<&str>) -> Self {
        let text = text.unwrap_or_default();
        let smtp = smtp.and_then(whole_reply).or_else(|| leading_reply(text));
        let status = status
            .and_then(|status| status.split_whitespace().next()?.parse().ok())
            .or_else(|| EnhancedStatusCode::find(text, smtp));
        Self {
            smtp: smtp.or_else(|| reply_before_status(text)),
            status,
        }
    }

    pub(super) fn of_text(text: Option<&str>) -> Self {
        Self::read(None, None, text)
    }

    pub(super) fn is_status(&self, class: u8, subject: u16, details: &[u16]) -> bool {
        self.status.is_some_and(|status| {
            status.class == class && status.subject == subject && details.contains(&status.detail)
        })
    }
}

fn whole_reply(text: &str) -> Option<u16> {
    let text = text.trim();
    (text.len() == 3 && text.starts_with(['2', '4', '5']))
        .then(|| text.parse().ok())
        .flatten()
}

/// At the start, after an optional `smtp;` or `X-Postfix;`, followed by a blank, `-` or the end.
fn leading_reply(text: &str) -> Option<u16> {
    let rest = match text.split_once(';') {
        Some((word, rest))
            if !word.is_empty()
                && word
                    .trim()
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') =>
        {
            rest
        }
        _ => text,
    };
    reply_at(rest.trim_start()).or_else(|| reply_at(text.trim_start()))
}

fn reply_at(text: &str) -> Option<u16> {
    let code = whole_reply(text.get(..3)?)?;
    let ended = text[3..]
        .chars()
        .next()
        .is_none_or(|next| next.is_whitespace() || next == '-');
    ended.then_some(code)
}

/// `host x said: 550 5.1.1 ...`: a reply code directly before an enhanced status of its class.
fn reply_before_status(text: &str) -> Option<u16> {
    let words: Vec<&str> = text.split([' ', '\t', '\n', '-']).collect();
    words.windows(2).find_map(|pair| {
        let code = whole_reply(pair[0]).filter(|code| *code >= 400)?;
        let status: EnhancedStatusCode = pair[1].trim_end_matches(['.', ',', ':']).parse().ok()?;
        (u16::from(status.class) == code / 100).then_some(code)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_where_they_are_codes() {
        let read = |text| {
            let codes = Codes::of_text(Some(text));
            (codes.smtp, codes.status.map(|status| status.to_string()))
        };
        let both = |smtp, status: &str| (Some(smtp), Some(status.to_owned()));
        assert_eq!(
            read("smtp; 550 5.1.1 <a@b.c>... User unknown"),
            both(550, "5.1.1")
        );
        assert_eq!(read("smtp;550-5.1.1 x"), both(550, "5.1.1"));
        assert_eq!(read("X-Postfix; 452 4.2.2 full"), both(452, "4.2.2"));
        assert_eq!(read("host mx said: 550 5.7.1 no"), both(550, "5.7.1"));
        assert_eq!(read("554 refused (5.9.99.99)"), (Some(554), None));
        assert_eq!(read("450 5.1.1 odd"), (Some(450), None));
        assert_eq!(read("5500 apples"), (None, None));
        assert_eq!(read("550"), (Some(550), None));
        let given = Codes::read(Some("550"), Some("5.1.10 (no)"), None);
        assert_eq!(given.smtp, Some(550));
        assert!(given.is_status(5, 1, &[1, 10]));
    }
}
