//! `application/x-www-form-urlencoded`: bodies of Mandrill, query strings of Elastic Email.

use memchr::memchr;

/// The pairs of a form, decoded once, in order. Every octet string is one: what is no escape
/// stands for itself, as browsers and PHP read it.
pub fn pairs(form: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
    form.split(|octet| *octet == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = memchr(b'=', pair).map_or((pair, &[][..]), |equals| {
                (&pair[..equals], &pair[equals + 1..])
            });
            (decoded(name), decoded(value))
        })
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                if let (Some(high), Some(low)) = (digit(*high), digit(*low)) {
                    out.push(high << 4 | low);
                    rest = after;
                } else {
                    out.push(b'%');
                }
            }
            _ => out.push(*first),
        }
    }
    out
}

fn digit(octet: u8) -> Option<u8> {
    char::from(octet)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_is_a_plus_and_escapes_are_read_once() {
        let read = |form: &str| -> Vec<(String, String)> {
            let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
            pairs(form.as_bytes())
                .map(|(n, v)| (text(n), text(v)))
                .collect()
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read("a+b=%C5%BE+%2B%26&x=%2525&&y&z=1=2&w=%G1%"),
            [
                pair("a b", "ž +&"),
                pair("x", "%25"),
                pair("y", ""),
                pair("z", "1=2"),
                pair("w", "%G1%")
            ]
        );
        assert_eq!(read(""), []);
    }
}
