//! Which of a few hundred fixed phrases stand in a text, in one pass.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// So many octets at the start of a phrase are searched for, the rest is compared where they stand:
/// the automaton stays so small that its fastest kind is built in no time.
const ANCHOR: usize = 5;

/// Phrases without regard to ASCII case.
pub(super) struct Search {
    anchors: AhoCorasick,
    /// Per anchor: each phrase's number, and what follows the anchor.
    behind: Vec<Vec<(usize, &'static [u8])>>,
}

impl Search {
    pub(super) fn new(phrases: impl Iterator<Item = &'static str>) -> Self {
        let mut anchors: Vec<&[u8]> = Vec::new();
        let mut behind: Vec<Vec<_>> = Vec::new();
        for (number, phrase) in phrases.enumerate() {
            let (anchor, rest) = phrase.as_bytes().split_at(phrase.len().min(ANCHOR));
            let same = |known: &&[u8]| known.eq_ignore_ascii_case(anchor);
            let at = anchors.iter().position(same).unwrap_or_else(|| {
                anchors.push(anchor);
                behind.push(Vec::new());
                anchors.len() - 1
            });
            behind[at].push((number, rest));
        }
        let anchors = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(anchors)
            .expect("a few hundred phrases");
        Self { anchors, behind }
    }

    /// The number of each phrase that stands in the text, with the place where it begins; in the
    /// order of the text.
    pub(super) fn hits(&self, text: &str) -> impl Iterator<Item = (usize, usize)> {
        let text = text.as_bytes();
        self.anchors
            .find_overlapping_iter(text)
            .flat_map(move |hit| {
                let after = &text[hit.end()..];
                self.behind[hit.pattern().as_usize()]
                    .iter()
                    .filter(|(_, rest)| {
                        let found = after.get(..rest.len());
                        found.is_some_and(|found| found.eq_ignore_ascii_case(rest))
                    })
                    .map(move |&(number, _)| (number, hit.start()))
            })
    }

    /// Whether any of them does.
    pub(super) fn is_met(&self, text: &str) -> bool {
        self.hits(text).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_whatever_they_share() {
        let search =
            Search::new(["user unknown", "Users gone", "user", "ß nicht", "r unk"].into_iter());
        let hits = |text| search.hits(text).collect::<Vec<_>>();
        assert_eq!(hits("A USER UNKNOWN"), [(2, 2), (0, 2), (4, 5)]);
        assert_eq!(hits("users gone"), [(2, 0), (1, 0)]);
        assert_eq!(hits("ß nicht, user unknow"), [(3, 0), (2, 10), (4, 13)]);
        assert!(!search.is_met("use r") && search.is_met("user"));
    }
}
