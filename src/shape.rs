//! Diagnostics that say the same of different people, as one.

/// A text without what is different each time: addresses, host names with digits, numbers, ids.
pub(crate) fn shape(text: &str) -> String {
    let mut shape = String::with_capacity(text.len().min(512));
    for word in text.split_whitespace().take(40) {
        if !shape.is_empty() {
            shape.push(' ');
        }
        if word.contains('@') {
            shape.push('@');
        } else if word.bytes().filter(u8::is_ascii_digit).count() > 3 {
            shape.push('#');
        } else if word.is_ascii() {
            shape.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            shape.push_str(&word.to_lowercase());
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_alike_whoever_they_are_about() {
        assert_eq!(
            shape("550 5.1.1 <anna@example.com>: User unknown; 1794972405.B2"),
            shape("550 5.1.1 <bert@example.org>: user unknown; 1794972777.C9")
        );
        assert_ne!(
            shape("550 5.1.1 User unknown"),
            shape("552 5.2.2 Mailbox full")
        );
    }
}
