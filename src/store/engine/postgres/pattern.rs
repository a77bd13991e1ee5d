//! Regular expressions of filters, in the syntax of PostgreSQL ("Advanced Regular Expressions",
//! manual 9.7.3). The crate regex reads them; what they mean is written anew, so that both engines
//! find the same.

use std::fmt::Write as _;

use regex_syntax::{
    Parser,
    hir::{Class, Hir, HirKind, Look, Repetition},
};

/// The expression as PostgreSQL reads it.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let meaning = Parser::new()
        .parse(pattern)
        .map_err(|cause| cause.to_string())?;
    // `***:` - what follows is an advanced expression, whatever the server is set to.
    let mut text = String::from("***:");
    write(&meaning, &mut text)?;
    Ok(text)
}

fn write(part: &Hir, text: &mut String) -> Result<(), String> {
    match part.kind() {
        HirKind::Empty => text.push_str("(?:)"),
        HirKind::Literal(literal) => {
            let letters = std::str::from_utf8(&literal.0)
                .map_err(|_| "an expression on octets is none on text".to_owned())?;
            for c in letters.chars() {
                character(c, text);
            }
        }
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.ranges();
            if ranges.is_empty() {
                // Nothing matches.
                text.push_str("(?:(?!))");
                return Ok(());
            }
            text.push('[');
            for range in ranges {
                character(range.start().max('\u{1}'), text);
                if range.start() != range.end() {
                    text.push('-');
                    character(range.end(), text);
                }
            }
            text.push(']');
        }
        HirKind::Class(Class::Bytes(class)) => {
            text.push('[');
            for range in class.ranges() {
                character(char::from(range.start().max(1)), text);
                text.push('-');
                character(char::from(range.end()), text);
            }
            text.push(']');
        }
        HirKind::Look(look) => text.push_str(match look {
            Look::Start => "\\A",
            Look::End => "\\Z",
            Look::StartLF | Look::StartCRLF => "(?:\\A|(?<=\\n))",
            Look::EndLF | Look::EndCRLF => "(?:\\Z|(?=\\n))",
            Look::WordAscii | Look::WordUnicode => "\\y",
            Look::WordAsciiNegate | Look::WordUnicodeNegate => "\\Y",
            Look::WordStartAscii | Look::WordStartUnicode => "\\m",
            Look::WordEndAscii | Look::WordEndUnicode => "\\M",
            Look::WordStartHalfAscii | Look::WordStartHalfUnicode => "(?<!\\w)",
            Look::WordEndHalfAscii | Look::WordEndHalfUnicode => "(?!\\w)",
        }),
        HirKind::Repetition(Repetition { min, max, sub, .. }) => {
            text.push_str("(?:");
            write(sub, text)?;
            text.push(')');
            match (min, max) {
                (0, None) => text.push('*'),
                (1, None) => text.push('+'),
                (0, Some(1)) => text.push('?'),
                (0..=255, None) => text.push_str(&format!("{{{min},}}")),
                (0..=255, Some(max @ 0..=255)) => text.push_str(&format!("{{{min},{max}}}")),
                _ => return Err("PostgreSQL repeats at most 255 times".into()),
            }
        }
        HirKind::Capture(capture) => {
            text.push_str("(?:");
            write(&capture.sub, text)?;
            text.push(')');
        }
        HirKind::Concat(parts) => {
            for part in parts {
                let grouped = matches!(part.kind(), HirKind::Alternation(_));
                text.push_str(if grouped { "(?:" } else { "" });
                write(part, text)?;
                text.push_str(if grouped { ")" } else { "" });
            }
        }
        HirKind::Alternation(parts) => {
            text.push_str("(?:");
            for (index, part) in parts.iter().enumerate() {
                text.push_str(if index > 0 { "|" } else { "" });
                write(part, text)?;
            }
            text.push(')');
        }
    }
    Ok(())
}

/// Letters and digits as they are, the rest by number, so that nothing has a meaning of its own.
fn character(c: char, text: &mut String) {
    if c.is_ascii_alphanumeric() || c == ' ' {
        text.push(c);
    } else if u32::from(c) <= 0xffff {
        let _ = write!(text, "\\u{:04x}", u32::from(c));
    } else {
        let _ = write!(text, "\\U{:08x}", u32::from(c));
    }
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn expressions_keep_their_meaning() {
        for (rust, postgres) in [
            (
                "^a.*b$",
                "***:\\Aa(?:[\\u0001-\\u0009\\u000b-\\U0010ffff])*b\\Z",
            ),
            ("(?i)k", "***:[Kk\\u212a]"),
            ("a|bc", "***:(?:a|bc)"),
            ("x{2,3}\\b", "***:(?:x){2,3}\\y"),
            ("[a.-]", "***:[\\u002d-\\u002ea]"),
        ] {
            assert_eq!(translate(rust).as_deref(), Ok(postgres), "{rust}");
        }
        assert!(translate("a{300}").is_err());
    }
}
