//! How a recipient is written on a line: templates such as `<{to}>: {why}`.
//!
//! `{to}` is an address, `{code}` three digits, `{*}` anything up to what follows, `{why}` the rest
//! of the line. Everything else stands for itself, without regard to ASCII case; blanks at either
//! end of the line do not count.

/// One compiled template.
#[derive(Debug)]
pub(super) struct Pattern {
    steps: Vec<Step>,
    /// The words around the address say something themselves.
    pub(super) has_words: bool,
    /// They are words enough to match in any column; remarks in parentheses are not.
    pub(super) anywhere: bool,
}

#[derive(Debug)]
enum Step {
    Text(&'static str),
    To,
    Code,
    Skip,
    Why,
}

/// What a line matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit<'a> {
    pub(super) address: &'a str,
    /// What follows on the line.
    pub(super) why: &'a str,
}

impl Pattern {
    pub(super) fn new(template: &'static str) -> Self {
        let mut steps = Vec::new();
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            if open > 0 {
                steps.push(Step::Text(&rest[..open]));
            }
            let close = rest[open..].find('}').map_or(rest.len(), |at| open + at);
            steps.push(match &rest[open + 1..close] {
                "to" => Step::To,
                "code" => Step::Code,
                "*" => Step::Skip,
                "why" => Step::Why,
                other => unreachable!("`{other}` is no part of a template"),
            });
            rest = &rest[close + 1..];
        }
        if !rest.is_empty() {
            steps.push(Step::Text(rest));
        }
        let has_words = steps
            .iter()
            .any(|step| matches!(step, Step::Text(text) if text.contains(char::is_alphabetic)));
        Self {
            steps,
            has_words,
            anywhere: has_words && !template.starts_with('('),
        }
    }

    /// Matches a whole line. `local` also takes user names without a domain.
    pub(super) fn find<'a>(&self, line: &'a str, local: bool) -> Option<Hit<'a>> {
        let line = line.trim();
        let mut hit = Hit {
            address: "",
            why: "",
        };
        let mut at = 0;
        let mut skipping = false;
        for step in &self.steps {
            let rest = &line[at..];
            match step {
                Step::Text(text) => {
                    let found = if skipping {
                        find_ignoring_case(rest, text)?
                    } else if starts_ignoring_case(rest, text) {
                        0
                    } else {
                        // A trailing blank of the template may be missing at the end of the line.
                        let short = text.trim_end();
                        if rest.len() == short.len() && starts_ignoring_case(rest, short) {
                            at = line.len();
                            continue;
                        }
                        return None;
                    };
                    at += found + text.len();
                    skipping = false;
                }
                Step::To => {
                    if skipping {
                        let before = rest.find(['<', '@']).map_or(0, |mark| {
                            rest[..mark]
                                .rfind([' ', '(', '"'])
                                .map_or(0, |blank| blank + 1)
                        });
                        at += before;
                        skipping = false;
                    }
                    let (address, length) = address(&line[at..], local)?;
                    hit.address = address;
                    at += length;
                }
                Step::Code => {
                    let digits = rest.get(..3)?;
                    if !digits.bytes().all(|b| b.is_ascii_digit()) {
                        return None;
                    }
                    at += 3;
                }
                Step::Skip => skipping = true,
                Step::Why => {
                    hit.why = rest.trim();
                    at = line.len();
                }
            }
        }
        let ends = |rest: &str| {
            rest.trim_matches(['.', '!', ',', ';', ':', '*', '-', ' '])
                .is_empty()
        };
        (skipping || ends(&line[at..])).then_some(hit)
    }
}

fn starts_ignoring_case(text: &str, start: &str) -> bool {
    text.as_bytes()
        .get(..start.len())
        .is_some_and(|found| found.eq_ignore_ascii_case(start.as_bytes()))
}

fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    text.as_bytes()
        .windows(wanted.len())
        .position(|found| found.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// Longest address read (RFC 3696, erratum 1690, and room for source routes).
const LONGEST: usize = 320;

/// An address at the start of `text`, and how many bytes it takes with brackets and quotes.
pub(super) fn address(text: &str, local: bool) -> Option<(&str, usize)> {
    let mut at = 0;
    if text.starts_with(['"', '\'']) {
        // `"a b"@example.com` is an address; `"a@example.com"` a quoted one.
        let quote = text.as_bytes()[0] as char;
        let inner = &text[1..];
        let close = inner
            .get(..inner.len().min(LONGEST))
            .or(Some(inner))?
            .find(quote)?;
        if inner[close + 1..].starts_with('@') {
            let end = token_end(&inner[close + 1..]);
            let length = 1 + close + 1 + end;
            return Some((&text[..length], length));
        }
        let (address, length) = address(&inner[..close], local)?;
        return (length == close).then_some((address, close + 2));
    }
    for prefix in ["smtp:", "mailto:", "rfc822;", "rfc822:"] {
        if starts_ignoring_case(text, prefix) {
            at += prefix.len();
            at += text[at..].len() - text[at..].trim_start().len();
            break;
        }
    }
    if text[at..].starts_with('<') {
        let close = at + text[at..].find('>')?;
        let inner = text[at + 1..close].trim();
        let inner = inner.strip_prefix("mailto:").unwrap_or(inner);
        let whole = (is_address(inner) || (local && is_user(inner))) && inner.len() <= LONGEST;
        return whole.then_some((inner, close + 1));
    }
    let end = at + token_end(&text[at..]);
    let token = text[at..end].trim_end_matches(['.', '!', '\'', '"', '?']);
    let end = at + token.len();
    ((is_address(token) || (local && is_user(token))) && token.len() <= LONGEST)
        .then_some((token, end))
}

fn token_end(text: &str) -> usize {
    text.find(|c: char| {
        c.is_whitespace() || c.is_control() || "<>()[]{},;:\"，：；。（）「」".contains(c)
    })
    .unwrap_or(text.len())
}

/// `local@domain`, both in characters that addresses have.
pub(in crate::message) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\".contains(c);
    let local_ok = !local.is_empty()
        && (local.starts_with('"') || local.chars().all(plain))
        && !local.starts_with(['/', '|']);
    let domain_ok = domain.starts_with('[')
        || (!domain.is_empty()
            && domain
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
            && !domain.starts_with(['.', '-']));
    local_ok && domain_ok
}

/// A bare user name.
fn is_user(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'))
        && text.starts_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_match_whole_lines() {
        for (template, line, address, why) in [
            (
                "<{to}>: {why}",
                "<a@example.com>: no",
                "a@example.com",
                "no",
            ),
            ("<{to}>: {why}", "  <a@example.com>:", "a@example.com", ""),
            ("{to}", "\t\"a@example.com\"", "a@example.com", ""),
            ("{to}", "SMTP:<a@example.com>", "a@example.com", ""),
            (
                "{code} {to}... {why}",
                "550 <a@example.com>... gone",
                "a@example.com",
                "gone",
            ),
            (
                "undeliverable to {to}",
                "Undeliverable to a@example.com.",
                "a@example.com",
                "",
            ),
            (
                "{*}rejected recipient {to}{why}",
                "Server x rejected recipient <a@example.com> (y)",
                "a@example.com",
                "(y)",
            ),
            (
                "{to} on {*}",
                "a@example.com on Thu, 1 Jan",
                "a@example.com",
                "",
            ),
            (
                "{*}{to}{why}",
                "to Anna <a@example.com>!",
                "a@example.com",
                "!",
            ),
            ("{to}", "\"a b\"@example.com", "\"a b\"@example.com", ""),
        ] {
            let hit = Pattern::new(template).find(line, false);
            let found = hit.map_or(("", ""), |hit| (hit.address, hit.why));
            assert_eq!(found, (address, why), "{template} on {line}");
        }
        assert!(
            Pattern::new("{to}")
                .find("a@example.com and more", false)
                .is_none()
        );
        assert!(Pattern::new("{to}").find("anna", false).is_none());
        assert!(Pattern::new("{to}").find("anna", true).is_some());
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "<>",
            "@example.com",
            "a@",
            "<a b@example.com>",
            "|cmd@x",
            "http://x/@y z",
            "a@b@",
        ] {
            assert_eq!(address(text, false), None, "{text}");
        }
    }
}
