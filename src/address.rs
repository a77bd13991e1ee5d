//! Addresses as keys: the do-not-contact list is keyed by address, not by contact.

use std::fmt;

/// A normalised address: trimmed, domain to ASCII by IDNA (UTS 46), compared case-insensitively.
/// Keep the original spelling beside it where people see it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressKey(String);

/// Octets of an address; RFC 5321 allows 254, some go beyond.
const LONGEST: usize = 512;

impl AddressKey {
    /// Reads `local@domain`, with or without angle brackets and a `mailto:` before it.
    /// Returns `None` for what is not an address.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_plain(text).or_else(|| Self::parse_any(text))
    }

    /// Most addresses are plain letters, and lower case is all that is to be done to them.
    fn parse_plain(text: &str) -> Option<Self> {
        let (local, domain) = text.split_once('@')?;
        let is_atom = |c: u8| c.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&c);
        let is_name = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-');
        let is_plain = !local.is_empty()
            && text.len() <= LONGEST
            && local.bytes().all(is_atom)
            && domain.bytes().all(is_name)
            // An encoded label is checked, and lost stops are looked after, with care.
            && domain.split('.').all(|label| {
                !label.is_empty() && !label.starts_with('-') && label.as_bytes().get(2..4) != Some(b"--")
            });
        is_plain.then(|| Self(text.to_ascii_lowercase()))
    }

    fn parse_any(text: &str) -> Option<Self> {
        let text = bare(text);
        let at = text.rfind('@')?;
        let (local, domain) = (&text[..at], text[at + 1..].trim_end_matches('.'));
        if local.is_empty() || domain.is_empty() || text.len() > LONGEST {
            return None;
        }
        // Only a quoted local part may hold blanks and brackets.
        let is_stray = |c: char| c.is_whitespace() || c == '<' || c == '>';
        let unquoted = if local.starts_with('"') { domain } else { text };
        if text.contains(char::is_control) || unquoted.contains(is_stray) {
            return None;
        }
        let domain = if domain.starts_with('[') {
            domain.to_lowercase()
        } else {
            idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_lowercase())
        };
        // Other full stops are mapped to one, and what stood behind it to nothing.
        let domain = domain.trim_end_matches('.');
        // What looks harmless can be mapped to a blank or a bracket. No host has a name with other
        // punctuation (RFC 5321, 4.1.2); the underscore is seen.
        let is_wrong = |c: char| {
            let named = c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') || !c.is_ascii();
            is_stray(c) || !named
        };
        let is_literal = domain.starts_with('[') && domain.ends_with(']');
        if domain.is_empty() || (!is_literal && domain.contains(is_wrong)) || domain.contains('@') {
            return None;
        }
        let key = format!("{}@{domain}", local.to_lowercase());
        (key.len() <= LONGEST).then_some(Self(key))
    }

    /// A key read back from the store, where it was written normalised.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain in ASCII, lower case.
    pub fn domain(&self) -> &str {
        self.0.rsplit('@').next().unwrap_or_default()
    }
}

impl fmt::Display for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The address without blanks, `mailto:`, an `rfc822;` type or angle brackets, spelled as given.
pub fn bare(text: &str) -> &str {
    let mut text = text.trim();
    // Schemes and address types are compared without case (RFC 3986, 3.1; RFC 3464, 2.3.2).
    while let Some(rest) = ["mailto:", "rfc822;"].iter().find_map(|prefix| {
        let (start, rest) = text.split_at_checked(prefix.len())?;
        start.eq_ignore_ascii_case(prefix).then_some(rest)
    }) {
        text = rest.trim();
    }
    match (text.rfind('<'), text.rfind('>')) {
        (Some(open), Some(close)) if open < close => text[open + 1..close].trim(),
        _ => text.trim_matches(|c| c == '<' || c == '>').trim(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> Option<String> {
        AddressKey::parse(text).map(|key| key.0)
    }

    #[test]
    fn spelling_does_not_make_a_second_mailbox() {
        assert_eq!(
            key(" <Anna@Example.COM> ").as_deref(),
            Some("anna@example.com")
        );
        assert_eq!(
            key("Anna <anna@example.com.>").as_deref(),
            Some("anna@example.com")
        );
        for domain in ["example.com\u{3002}", "example.com.\u{34f}"] {
            let address = format!("anna@{domain}");
            assert_eq!(key(&address).as_deref(), Some("anna@example.com"));
        }
        assert_eq!(
            key("anna@bücher.example").as_deref(),
            Some("anna@xn--bcher-kva.example")
        );
        assert_eq!(
            key("anna@XN--BCHER-KVA.example").as_deref(),
            Some("anna@xn--bcher-kva.example")
        );
        assert_eq!(
            key("\"a b\"@example.com").as_deref(),
            Some("\"a b\"@example.com")
        );
        assert_eq!(
            key("MailTo:rfc822; Anna@example.com").as_deref(),
            Some("anna@example.com")
        );
        assert_eq!(key("anna@[192.0.2.1]").as_deref(), Some("anna@[192.0.2.1]"));
    }

    proptest! {
        #[test]
        fn the_short_way_leads_where_the_long_one_does(
            text in "[A-Za-z0-9.+=_'-]{0,8}[@ <\"]?[A-Za-zxX0-9.-]{0,3}(xn--|XN--|é)?[a-zA-Z0-9.-]{0,12}[@. >]?",
        ) {
            if let Some(short) = AddressKey::parse_plain(&text) {
                prop_assert_eq!(Some(short), AddressKey::parse_any(&text));
            }
        }
    }

    #[test]
    fn a_plain_address_goes_the_short_way() {
        for text in [
            "Anna.Berg+news@Mail-1.Example.COM",
            "o'neil@example.com",
            "a@b",
        ] {
            let short = AddressKey::parse_plain(text);
            assert!(
                short.is_some() && short == AddressKey::parse_any(text),
                "{text}"
            );
        }
    }

    #[test]
    fn what_becomes_too_long_in_ascii_is_refused() {
        let domain = vec!["\u{e9}"; 150].join(".");
        assert_eq!(key(&format!("a@{domain}")), None);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "anna",
            "@example.com",
            "anna@",
            "a b@example.com",
            "a@b\u{7}c",
            "a>@b..c>>>.",
            "a<b@c",
            "\"a\"@b>.",
            "a@b\u{2dc}c",
            r#"[{"email":"a@b.example"}]"#,
            "a@b.example,c",
            "a@b.example;",
            "a@b.example)",
            "a@b.example/c",
        ] {
            assert_eq!(key(text), None, "{text:?}");
        }
    }
}
