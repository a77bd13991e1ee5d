//! Why a rule decided: the words or codes of the diagnostics that met its conditions.

use super::{Classification, Diagnostics, Rules, rules::fold};

/// A verdict, and what in the diagnostics led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub classification: Classification,
    /// The text from a phrase's first fragment to its last; the codes, for a rule without phrases;
    /// empty when no rule decided.
    pub matched: String,
}

impl Rules {
    /// As [`Self::classify`], and why.
    pub fn explain(&self, diagnostics: &Diagnostics<'_>) -> Explanation {
        let classification = self.classify(diagnostics);
        let mut rules = self.conditions().iter();
        let rule = rules.find(|rule| rule.id == classification.rule);
        let text = fold(diagnostics.text);
        let matched = rule.map(|rule| {
            let said = rule.phrases.iter().find_map(|phrase| span(&text, phrase));
            said.map_or_else(
                || {
                    let reply = diagnostics.reply_code.map(|code| code.to_string());
                    let status = diagnostics.status.map(|status| status.to_string());
                    let codes: Vec<String> = [reply, status].into_iter().flatten().collect();
                    codes.join(" ")
                },
                str::to_owned,
            )
        });
        Explanation {
            classification,
            matched: matched.unwrap_or_default(),
        }
    }
}

/// Where a phrase (`a * b`: a, and later b) stands in the text.
fn span<'t>(text: &'t str, phrase: &str) -> Option<&'t str> {
    let mut start = None;
    let mut end = 0;
    for fragment in phrase.split(" * ") {
        let at = end + text[end..].find(fragment)?;
        start = start.or(Some(at));
        end = at + fragment.len();
    }
    Some(&text[start?..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_names_what_met_its_rule() {
        for rule in Rules::table() {
            let sample = rule.sample;
            let found = Rules::builtin().explain(&Diagnostics {
                status: sample.status.parse().ok(),
                reply_code: Some(sample.reply).filter(|code| *code > 0),
                text: sample.text,
                receiving_host: sample.host,
            });
            assert_eq!(found.classification.rule, rule.id);
            assert!(!found.matched.is_empty(), "{}", rule.id);
            if !rule.phrases.is_empty() {
                assert!(fold(sample.text).contains(&found.matched), "{}", rule.id);
            }
        }
    }

    #[test]
    fn a_phrase_in_pieces_is_shown_as_a_whole() {
        let text = "the user a@b was not found";
        let found = span(text, "user * not found");
        assert_eq!(found, Some("user a@b was not found"));
        assert_eq!(span("not found: user", "user * not found"), None);
    }
}
