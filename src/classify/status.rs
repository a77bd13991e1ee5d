//! Enhanced mail system status codes (RFC 3463).

use std::{fmt, str::FromStr};

/// `class.subject.detail`, class 2, 4 or 5, the other two 0-999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnhancedStatusCode {
    pub class: u8,
    pub subject: u16,
    pub detail: u16,
}

impl EnhancedStatusCode {
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self {
            class,
            subject,
            detail,
        }
    }

    /// The first code in free text that is not part of a longer dotted number (an IPv4 address, a
    /// version) and, where a reply code is known, has its class.
    pub fn find(text: &str, reply_code: Option<u16>) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut start = 0;
        while start < bytes.len() {
            if !bytes[start].is_ascii_digit() {
                start += 1;
                continue;
            }
            let end = bytes[start..]
                .iter()
                .position(|b| !b.is_ascii_digit() && *b != b'.')
                .map_or(bytes.len(), |length| start + length);
            // `550-5.7.1` continues a reply; `exim-4.9.2` is a version.
            let before = |back: usize| start.checked_sub(back).map(|at| bytes[at]);
            let part_of_word = before(1).is_some_and(|b| {
                b.is_ascii_alphanumeric()
                    || b == b'.'
                    || (b == b'-' && before(2).is_some_and(|b| !b.is_ascii_digit()))
            });
            let goes_on = bytes.get(end).is_some_and(u8::is_ascii_alphabetic);
            if !part_of_word && !goes_on {
                let code = text[start..end].trim_end_matches('.').parse::<Self>().ok();
                if let Some(code) = code.filter(|code| {
                    reply_code.is_none_or(|reply| u16::from(code.class) == reply / 100)
                }) {
                    return Some(code);
                }
            }
            start = end;
        }
        None
    }
}

impl FromStr for EnhancedStatusCode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.trim().split('.');
        let mut number = || {
            let part = parts.next().ok_or(())?;
            if part.is_empty() || part.len() > 3 || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(());
            }
            part.parse::<u16>().map_err(|_| ())
        };
        let (class, subject, detail) = (number()?, number()?, number()?);
        if parts.next().is_some() {
            return Err(());
        }
        match class {
            2 | 4 | 5 => Ok(Self {
                class: u8::try_from(class).map_err(|_| ())?,
                subject,
                detail,
            }),
            _ => Err(()),
        }
    }
}

impl fmt::Display for EnhancedStatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_but_not_in_an_ip_address() {
        let find = |text, reply| EnhancedStatusCode::find(text, reply).map(|code| code.to_string());
        assert_eq!(find("550 5.1.1 unknown", None).as_deref(), Some("5.1.1"));
        assert_eq!(
            find("host 5.1.1.2 said 550-5.7.26 no", Some(550)).as_deref(),
            Some("5.7.26")
        );
        assert_eq!(find("450 5.1.1 odd", Some(450)), None);
        assert_eq!(find("(#5.4.4)", None).as_deref(), Some("5.4.4"));
        assert_eq!(find("v5.1.1 and 4.4.1beta", None), None);
    }
}
