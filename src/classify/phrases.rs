//! Every phrase of every rule, searched in one linear pass over the text.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::EnhancedStatusCode;

/// Between the parts of `a * b` lie at most so many octets: what is further apart belongs to
/// different sentences.
const FARTHEST: u32 = 100;

/// So many octets at the start of a fragment are searched for; what follows them is compared where
/// they stand. An automaton of whole phrases costs more to build than most mails to read.
const ANCHOR: usize = 5;

/// Sets of phrases; a set is met when the text has one of them.
///
/// A phrase begins where a word does. `a * b` is a, and soon after it b; `uce|` ends where the
/// word does.
pub(super) struct Phrases {
    anchors: AhoCorasick,
    /// Per anchor: its fragments, as places in `fragments`.
    groups: Vec<Range<usize>>,
    fragments: Vec<Fragment>,
    /// What follows the anchors, one after the other.
    rests: String,
    sets: usize,
    waits: usize,
}

/// What stands between the ` * ` of a phrase.
struct Fragment {
    /// What follows the anchor: its first octet, and where it stands in `rests`.
    next: Option<u8>,
    rest: Range<u32>,
    place: Place,
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
        // Anchor, what follows it, and where it stands.
        let mut pieces: Vec<(&str, &str, Place)> = Vec::new();
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
                    let (anchor, behind) = bare.split_at(boundary(bare));
                    let place = Place {
                        set,
                        phrase,
                        whole: bare.len() < fragment.len(),
                        after,
                        before,
                    };
                    pieces.push((anchor, behind, place));
                    after = before;
                }
            }
        }
        // Stable: the pieces of one phrase stay in their order.
        pieces.sort_by_key(|(anchor, ..)| *anchor);
        let mut anchors: Vec<&str> = Vec::new();
        let mut groups: Vec<Range<usize>> = Vec::new();
        let mut rests = String::new();
        let mut fragments = Vec::with_capacity(pieces.len());
        for (anchor, behind, place) in pieces {
            if anchors.last() != Some(&anchor) {
                anchors.push(anchor);
                groups.push(fragments.len()..fragments.len());
            }
            let start = to_u32(rests.len());
            rests.push_str(behind);
            fragments.push(Fragment {
                next: behind.bytes().next(),
                rest: start..to_u32(rests.len()),
                place,
            });
            if let Some(group) = groups.last_mut() {
                group.end = fragments.len();
            }
        }
        let anchors = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .dense_depth(3)
            .build(&anchors)
            .expect("phrases are far below the automaton's limits");
        Self {
            anchors,
            groups,
            fragments,
            rests,
            sets: count,
            waits: waits as usize,
        }
    }

    /// Per set: the number of a phrase of it that stands in the text, which is shorter than 4 GB.
    pub(super) fn search(&self, text: &[u8]) -> Vec<Option<u16>> {
        let mut met = vec![None; self.sets];
        // Per wait: where the fragment that began it ended last; behind everything if it did not.
        let mut ends = vec![u32::MAX; self.waits];
        let rests = self.rests.as_bytes();
        for hit in self.anchors.find_overlapping_iter(text) {
            if !begins_a_word(text, hit.start()) {
                continue;
            }
            let behind = &text[hit.end()..];
            let next = behind.first().copied();
            for fragment in &self.fragments[self.groups[hit.pattern().as_usize()].clone()] {
                if fragment.next.is_some() && fragment.next != next {
                    continue;
                }
                let rest = &rests[fragment.rest.start as usize..fragment.rest.end as usize];
                if behind.starts_with(rest) {
                    let found = hit.start()..hit.end() + rest.len();
                    note(text, found, fragment.place, &mut met, &mut ends);
                }
            }
        }
        met
    }
}

fn to_u32(length: usize) -> u32 {
    u32::try_from(length).expect("phrases and diagnostic texts are short")
}

/// Where the anchor of a fragment ends: the last character that begins within [`ANCHOR`] octets is
/// whole.
fn boundary(fragment: &str) -> usize {
    let ends = fragment.char_indices().map(|(at, c)| at + c.len_utf8());
    ends.take_while(|&end| end < ANCHOR + 4)
        .find(|&end| end >= ANCHOR)
        .unwrap_or(fragment.len())
}

/// Notes what a fragment that was found means for its phrase.
fn note(text: &[u8], found: Range<usize>, place: Place, met: &mut [Option<u16>], ends: &mut [u32]) {
    let set = &mut met[place.set as usize];
    if set.is_some() || place.whole && !ends_a_word(text, found.end) {
        return;
    }
    let follows = place.after.is_none_or(|wait| {
        let gap = to_u32(found.start).checked_sub(ends[wait as usize]);
        gap.is_some_and(|gap| gap <= FARTHEST)
    });
    match place.before {
        _ if !follows => {}
        Some(wait) => ends[wait as usize] = to_u32(found.end),
        None => *set = Some(place.phrase),
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
            let follows =
                |&&(_, last): &&(usize, usize)| last <= start && start - last <= FARTHEST as usize;
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
        let far = format!("user {} not found", "x".repeat(FARTHEST as usize + 1));
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
        let far = format!("user {} not found", "x".repeat(FARTHEST as usize + 1));
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
