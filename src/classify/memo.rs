//! What the rules made of a text before: the bounces of a mailing say the same words thousands of
//! times.

use std::collections::HashMap;

use super::{Classification, Diagnostics, EnhancedStatusCode, Rules};

/// So many texts are remembered; then it begins anew.
const TEXTS: usize = 2048;
/// Longer ones, in octets, are not.
const LONGEST: usize = 512;
/// The same text comes with few codes.
const CODES: usize = 16;

/// Rules with a memory; its answers are those of [`Rules::classify`].
pub struct Memo<'r> {
    rules: &'r Rules,
    /// By text: the codes it came with, and the rules that may decide then.
    known: HashMap<String, Vec<(Codes, Vec<usize>)>>,
}

type Codes = (Option<EnhancedStatusCode>, Option<u16>);

impl<'r> Memo<'r> {
    pub fn new(rules: &'r Rules) -> Self {
        Self {
            rules,
            known: HashMap::new(),
        }
    }

    /// As [`Rules::classify`].
    pub fn classify(&mut self, diagnostics: &Diagnostics<'_>) -> Classification {
        let codes = (diagnostics.status, diagnostics.reply_code);
        let known = self.known.get(diagnostics.text);
        let known = known.and_then(|known| known.iter().find(|(with, _)| *with == codes));
        if let Some((_, candidates)) = known {
            return self.rules.decide(candidates, diagnostics);
        }
        let candidates = self.rules.candidates(diagnostics);
        let verdict = self.rules.decide(&candidates, diagnostics);
        if diagnostics.text.len() <= LONGEST {
            if self.known.len() >= TEXTS {
                self.known.clear();
            }
            let with = self.known.entry(diagnostics.text.to_owned()).or_default();
            if with.len() >= CODES {
                with.clear();
            }
            with.push((codes, candidates));
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_the_rules_say_however_often_it_is_asked() {
        let rules = Rules::builtin();
        let mut memo = Memo::new(rules);
        let hosts = [
            "",
            "mx.example",
            "gmail-smtp-in.l.google.com",
            "outlook.com",
        ];
        for _ in 0..2 {
            for sample in Rules::table().map(|rule| rule.sample) {
                for host in hosts.into_iter().chain([sample.host]) {
                    for (status, reply_code) in [
                        (sample.status.parse().ok(), Some(sample.reply)),
                        (None, None),
                    ] {
                        let said = Diagnostics {
                            status,
                            reply_code,
                            text: sample.text,
                            receiving_host: host,
                        };
                        assert_eq!(memo.classify(&said), rules.classify(&said), "{said:?}");
                    }
                }
            }
        }
        assert!(memo.known.len() > 100, "{}", memo.known.len());
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let mut memo = Memo::new(Rules::builtin());
        let mut ask = |text: &str, reply_code| {
            memo.classify(&Diagnostics {
                reply_code,
                text,
                ..Diagnostics::default()
            });
            let codes = memo.known.values().map(Vec::len).max().unwrap_or_default();
            assert!(memo.known.len() <= TEXTS && codes <= CODES);
        };
        for number in 0..2 * TEXTS {
            ask(&format!("user unknown {number}"), Some(550));
        }
        for code in 400..500 {
            ask("try later", Some(code));
        }
        ask(&"long ".repeat(LONGEST), None);
        assert!(memo.known.keys().all(|text| text.len() <= LONGEST));
    }
}
