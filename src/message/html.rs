//! The words of an HTML part, one line a block. No rendering, no parser: linear, and content with
//! broken markup gives what can be had.

use std::borrow::Cow;

/// Elements whose text nobody sees.
const HIDDEN: &[&str] = &["style", "script", "head", "title"];

/// Elements that begin a new line.
const BLOCKS: &[&str] = &[
    "br",
    "p",
    "div",
    "tr",
    "li",
    "ul",
    "ol",
    "table",
    "hr",
    "pre",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "dt",
    "dd",
    "center",
    "body",
];

/// The text of `html`.
pub(super) fn text(html: &str) -> String {
    let mut out = String::with_capacity(html.len() / 2);
    let mut rest = html;
    // Behind it no tag ends; to look for the end from each `<` anew would take quadratic time.
    let last_close = memchr::memrchr(b'>', html.as_bytes()).unwrap_or(0);
    while let Some(open) = memchr::memchr(b'<', rest.as_bytes()) {
        push_text(&mut out, &rest[..open]);
        rest = &rest[open..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let is_tag = html.len() - rest.len() < last_close
            && rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        let Some(close) = is_tag
            .then(|| memchr::memchr(b'>', rest.as_bytes()))
            .flatten()
        else {
            out.push('<');
            rest = &rest[1..];
            continue;
        };
        let tag = &rest[1..close];
        // An address in angle brackets that was not escaped.
        if tag.contains('@') && !tag.contains([' ', '=', '/', '"']) {
            out.push_str(&rest[..=close]);
            rest = &rest[close + 1..];
            continue;
        }
        rest = &rest[close + 1..];
        let closing = tag.starts_with('/');
        let name = tag
            .trim_start_matches('/')
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if !closing && HIDDEN.contains(&name.as_str()) {
            rest = after_element(rest, &name);
        } else if BLOCKS.contains(&name.as_str()) {
            out.push('\n');
        } else if name == "td" || name == "th" {
            out.push(' ');
        }
    }
    push_text(&mut out, rest);
    out
}

/// What follows `</name>`; nothing if it is never closed.
fn after_element<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        let is_it = rest
            .get(..name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name));
        if is_it {
            return rest.find('>').map_or("", |end| &rest[end + 1..]);
        }
    }
    ""
}

/// Text between tags: line ends are blanks there, entities are characters.
fn push_text(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '\n']) {
        out.push_str(&rest[..at]);
        if rest.as_bytes()[at] == b'\n' {
            out.push(' ');
            rest = &rest[at + 1..];
            continue;
        }
        let end = rest[at..].bytes().take(12).position(|b| b == b';');
        let character = end.and_then(|end| entity(&rest[at + 1..at + end]));
        let length = if let (Some(character), Some(end)) = (character, end) {
            out.push_str(&character);
            end + 1
        } else {
            out.push('&');
            1
        };
        rest = &rest[at + length..];
    }
    out.push_str(rest);
}

fn entity(name: &str) -> Option<Cow<'static, str>> {
    if let Some(number) = name.strip_prefix('#') {
        let code = number.strip_prefix(['x', 'X']).map_or_else(
            || number.parse().ok(),
            |hex| u32::from_str_radix(hex, 16).ok(),
        )?;
        return char::from_u32(code).map(|c| Cow::Owned(c.to_string()));
    }
    let text = match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        "nbsp" => " ",
        "auml" => "ä",
        "ouml" => "ö",
        "uuml" => "ü",
        "Uuml" => "Ü",
        "szlig" => "ß",
        "eacute" => "é",
        "egrave" => "è",
        "ecirc" => "ê",
        "agrave" => "à",
        "ccedil" => "ç",
        "ocirc" => "ô",
        "oacute" => "ó",
        "aacute" => "á",
        "iacute" => "í",
        "uacute" => "ú",
        "ntilde" => "ñ",
        "atilde" => "ã",
        "otilde" => "õ",
        "ograve" => "ò",
        _ => return None,
    };
    Some(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_and_markup_goes() {
        let html = "<html><head><title>no</title></head><style>p {x}</style>\n<p>Zustellung an &lt;a@example.com&gt;<br>schl&auml;gt fehl &#8212; &x;<!-- <b> --></p>1 < 2 <b@example.com> <a href=\"x\">y</a>";
        let text = text(html);
        let lines: Vec<_> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(
            lines,
            [
                "Zustellung an <a@example.com>",
                "schlägt fehl — &x;",
                "1 < 2 <b@example.com> y"
            ]
        );
    }

    #[test]
    fn markup_that_never_ends_is_linear() {
        for piece in ["<", "<a", "<style>", "<!--", "&", "</"] {
            assert!(text(&piece.repeat(200_000)).len() <= 1_000_000);
        }
    }
}
