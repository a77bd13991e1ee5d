//! Form bodies and query strings (`application/x-www-form-urlencoded`).

use std::borrow::Cow;

/// So many parameters are read; no provider sends a tenth of it.
pub const PARAMETERS: usize = 1000;

/// The parameters in order, decoded once: `+` is a blank, `%2B` a plus. What is no UTF-8 becomes
/// U+FFFD.
pub fn parameters(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// The value of the first parameter of this name.
pub fn parameter<'a>(text: &'a str, name: &str) -> Option<Cow<'a, str>> {
    parameters(text)
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}

/// The parameters as the text of a JSON object, for providers whose parameters are the event.
pub fn to_json(text: &str) -> String {
    let members: Vec<String> = parameters(text)
        .take(PARAMETERS)
        .map(|(name, value)| {
            format!(
                "{}:{}",
                serde_json::Value::from(name),
                serde_json::Value::from(value)
            )
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| Some(hex(*bytes.get(at + 1)?)? * 16 + hex(*bytes.get(at + 2)?)?))
            .flatten();
        match (hex, bytes[at]) {
            (Some(byte), _) => {
                out.push(byte);
                at += 2;
            }
            (None, b'+') => out.push(b' '),
            (None, byte) => out.push(byte),
        }
        at += 1;
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Whether a line reads as a form body: `name=value`, pairs joined by `&`, no blanks.
pub fn is_form(line: &str) -> bool {
    let name = line.split(['=', '&']).next().unwrap_or_default();
    line.contains('=')
        && !name.is_empty()
        && name.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'[' | b']' | b'%')
        })
        && !line.contains(['\u{0}', '<', '"'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_once() {
        let text = "to=plus%2Btag%40example.com&subject=100%25+%C5%99&bad=%zz%4&empty=&alone";
        assert_eq!(
            parameter(text, "to").as_deref(),
            Some("plus+tag@example.com")
        );
        assert_eq!(parameter(text, "subject").as_deref(), Some("100% ř"));
        assert_eq!(parameter(text, "bad").as_deref(), Some("%zz%4"));
        assert_eq!(parameter(text, "alone").as_deref(), Some(""));
        assert_eq!(parameter(text, "none"), None);
        assert!(is_form(text) && !is_form("hello") && !is_form("<a href=x>"));
    }
}
