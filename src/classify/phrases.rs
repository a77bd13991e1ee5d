//! Every phrase of every rule, searched in one linear pass over the text.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::EnhancedStatusCode;

/// Between the parts of `a * b` lie at most so many octets: what is further apart belongs to
/// different sentences.
const FARTHEST: usize = 100;

/// Sets of phrases; a set is met when the text has one of them.
///
/// A phrase begins where a word does. `a * b` is a, and soon after it b; `uce|` ends where the
/// word does.
pub(super) struct Phrases {
    fragments: AhoCorasick,
    /// Per fragment: the places it has in phrases.
    places: Vec<Vec<Place>>,
    sets: usize,
    waits: usize,
}

/// Where a fragment stands.
#[derive(Clone, Copy)]
struct Place {
    set: u32,
    phrase: u16,
    /// It counts only at the end of a word.
    whole: bool,
    /// The wait that the fragment before it ends; none for the first.
    after: Option<u32>,
    /// The wait that it begins; none for the last, which meets the phrase.
    before: Option<u32>,
}

impl Phrases {
    pub(super) fn new<'a>(sets: impl Iterator<Item = &'a [String]>) -> Self {
        let mut patterns: Vec<&str> = Vec::new();
        let mut places: Vec<Vec<Place>> = Vec::new();
        let mut known = HashMap::new();
        let (mut count, mut waits) = (0, 0);
        for (set, phrases) in (0..).zip(sets) {
            count += 1;
            for (phrase, text) in (0..).zip(phrases) {
                let mut after = None;
                let mut rest = text.as_str();
                while !rest.is_empty() {
                    let (fragment, following) = rest.split_once(" * ").unwrap_or((rest, ""));
                    rest = following;
                    let bare = fragment.strip_suffix('|').unwrap_or(fragment);
                    let before = (!rest.is_empty()).then(|| {
                        waits += 1;
                        waits - 1
                    });
                    let at = *known.entry(bare).or_insert_with(|| {
                        patterns.push(bare);
                        places.push(Vec::new());
                        patterns.len() - 1
                    });
                    places[at].push(Place {
                        set,
                        phrase,
                        whole: bare.len() < fragment.len(),
                        after,
                        before,
                    });
                    after = before;
                }
            }
        }
        let fragments = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .dense_depth(3)
            .build(&patterns)
            .expect("phrases are far below the automaton's limits");
        Self {
            fragments,
            places,
            sets: count,
            waits: waits as usize,
        }
    }

    /// Per set: the number of a phrase of it that stands in the text.
    pub(super) fn search(&self, text: &[u8]) -> Vec<Option<u16>> {
        let mut met = vec![None; self.sets];
        // Per wait: where the fragment that began it ended last.
        let mut ends = vec![None; self.waits];
        for hit in self.fragments.find_overlapping_iter(text) {
            if !begins_a_word(text, hit.start()) {
                continue;
            }
            for place in &self.places[hit.pattern().as_usize()] {
                let set = &mut met[place.set as usize];
                if set.is_some() || place.whole && !ends_a_word(text, hit.end()) {
                    continue;
                }
                let follows = place.after.is_none_or(|wait| {
                    ends[wait as usize].is_some_and(|end: usize| {
                        hit.start()
                            .checked_sub(end)
                            .is_some_and(|gap| gap <= FARTHEST)
                    })
                });
                match place.before {
                    _ if !follows => {}
                    Some(wait) => ends[wait as usize] = Some(hit.end()),
                    None => *set = Some(place.phrase),
                }
            }
        }
        met
    }
}

/// Where one phrase stands in a text, from its first fragment to its last: what `search` found.
pub(super) fn span<'t>(text: &'t str, phrase: &str) -> Option<&'t str> {
    // The places of what has been found of the phrase so far.
    let mut found: Option<Vec<(usize, usize)>> = None;
    for fragment in phrase.split(" * ") {
        let bare = fragment.strip_suffix('|').unwrap_or(fragment);
        let whole = bare.len() < fragment.len();
        let places = text.match_indices(bare).filter_map(|(start, _)| {
            let end = start + bare.len();
            let stands = begins_a_word(text.as_bytes(), start)
                && (!whole || ends_a_word(text.as_bytes(), end));
            let Some(before) = found.as_deref().filter(|_| stands) else {
                return stands.then_some((start, end));
            };
            let follows = |&&(_, last): &&(usize, usize)| last <= start && start - last <= FARTHEST;
            before.iter().rfind(follows).map(|&(first, _)| (first, end))
        });
        found = Some(places.collect());
    }
    let &(start, end) = found?.first()?;
    Some(&text[start..end])
}

fn begins_a_word(text: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|at| text[at]) else {
        return true;
    };
    let first = text[at];
    !(first.is_ascii_alphabetic() && before.is_ascii_alphabetic()
        || first.is_ascii_digit() && before.is_ascii_digit())
}

fn ends_a_word(text: &[u8], end: usize) -> bool {
    text.get(end)
        .is_none_or(|next| !next.is_ascii_alphanumeric())
}

/// Text as phrases are compared with: lower case, one blank between words, `_` a blank,
/// typographic quotes plain, the codes that begin each line of a reply left out, and of each
/// e-mail address only the `@`, for what an address is made of says nothing about it.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Where the last word begins.
    let mut start = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '’' | '‘' | '`' => out.push('\''),
            '“' | '”' | '„' | '«' | '»' => out.push('"'),
            '@' if out.ends_with(in_address) => {
                out.truncate(out.trim_end_matches(in_address).len().max(start));
                while chars
                    .next_if(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
                    .is_some()
                {}
                out.push('@');
            }
            'a'..='z' => out.push(c),
            _ if c.is_whitespace() || c.is_control() => {
                end_word(&mut out, start);
                start = out.len();
            }
            _ if c.is_ascii() => out.push(c.to_ascii_lowercase()),
            _ => out.extend(c.to_lowercase()),
        }
    }
    end_word(&mut out, start);
    out.truncate(out.trim_end().len());
    // Only now: an address may hold it.
    if out.contains('_') {
        out.replace('_', " ")
    } else {
        out
    }
}

/// Ends the last word, which begins at `start`, with a blank. `550-5.1.1` and `550 5.1.1` are
/// dropped, of `550-no` the code: each line of a reply begins so, and a sentence goes over several
/// lines.
fn end_word(out: &mut String, start: usize) {
    let (before, word) = out.split_at(start);
    if word.starts_with(['4', '5']) {
        if let Some((code, rest)) = word.split_once('-').filter(|(code, _)| is_reply(code)) {
            if rest.is_empty() || is_status(rest) {
                out.truncate(start);
            } else {
                out.replace_range(start..=start + code.len(), "");
            }
        } else if is_status(word)
            && is_reply(before.trim_end().rsplit(' ').next().unwrap_or_default())
        {
            out.truncate(before.trim_end().len() - 3);
        }
    }
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

fn is_reply(word: &str) -> bool {
    matches!(word.as_bytes(), [b'4' | b'5', b'0'..=b'9', b'0'..=b'9'])
}

fn is_status(word: &str) -> bool {
    word.parse::<EnhancedStatusCode>().is_ok()
}

fn in_address(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '=' | '%' | '~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(phrase: &str, text: &str) -> bool {
        let set = [phrase.to_owned()];
        Phrases::new([&set[..]].into_iter()).search(fold(text).as_bytes())[0].is_some()
    }

    #[test]
    fn fragments_must_follow_one_another_closely() {
        assert!(met("user * not found", "The USER\n a@b was  not found"));
        assert!(met("user * not found", "not found: user; user x not found"));
        assert!(!met("user * not found", "not found: user"));
        let far = format!("user {} not found", "x".repeat(FARTHEST + 1));
        assert!(!met("user * not found", &far));
        assert!(met("user * not found", &format!("{far} user x not found")));
        assert!(met("a * b * c", "a b a b c"));
        assert!(!met("a * b * c", "a c b"));
    }

    #[test]
    fn phrases_begin_where_a_word_does_and_end_there_when_asked() {
        assert!(met("throttl", "message throttled") && !met("full", "delivery unlawfull"));
        assert!(met("uce|", "550 UCE.") && !met("uce|", "uces") && !met("uce|", "reduce"));
        assert!(met("利用停止", "このアドレスは利用停止中です"));
    }

    #[test]
    fn a_phrase_in_pieces_is_shown_as_a_whole() {
        let shown = |phrase, text| {
            assert_eq!(
                span(text, phrase).is_some(),
                met(phrase, text),
                "{phrase}: {text}"
            );
            span(text, phrase)
        };
        assert_eq!(
            shown("user * not found|", "xuser: the user @ was not found"),
            Some("user @ was not found")
        );
        assert_eq!(shown("dkim|", "dkims fail dkim."), Some("dkim"));
        assert_eq!(shown("user * not found", "not found: user"), None);
        let far = format!("user {} not found", "x".repeat(FARTHEST + 1));
        assert_eq!(shown("user * not found", &far), None);
    }

    #[test]
    fn addresses_say_nothing() {
        assert_eq!(fold("<Spam_Full@Virus.Example.org>: A_B"), "<@>: a b");
        assert_eq!(fold("a@b, c @ d @"), "@, c @ d @");
        assert_eq!(
            fold("550-5.1.1 no 550-5.1.1 such 550 5.1.1 user 421-at 550"),
            "no such user at 550"
        );
        assert_eq!(fold("user’s  “box”\u{0}\n"), "user's \"box\"");
    }
}
