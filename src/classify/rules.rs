//! The rules: one ordered list of conditions on what a host said, searched in one linear pass.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Classification, Diagnostics, EnhancedStatusCode, Permanence, Reason, table};

/// One row. Every condition that is not empty must hold; within one condition any entry suffices.
#[derive(Clone, Debug)]
pub struct Rule {
    pub id: &'static str,
    pub reason: Reason,
    /// `5.1.1`; `.1.1` for any class; `5.7` or `5` for all below it.
    pub status: &'static [&'static str],
    /// SMTP reply codes; `4` and `5` stand for their class.
    pub reply: &'static [u16],
    /// Lower case, one blank between words; `a * b` is a, and later b.
    pub phrases: &'static [&'static str],
    /// Receiving host or recipient domain: itself or what ends in `.` and this; with a trailing
    /// `.` a label anywhere in the name (`outlook.`).
    pub hosts: &'static [&'static str],
    /// A text that this rule, and none before it, decides.
    pub sample: Sample,
}

/// What a rule's own test is run with.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub status: &'static str,
    pub reply: u16,
    pub text: &'static str,
    pub host: &'static str,
}

impl Rule {
    pub(super) const ANY: Self = Self {
        id: "",
        reason: Reason::Undefined,
        status: &[],
        reply: &[],
        phrases: &[],
        hosts: &[],
        sample: Sample {
            status: "",
            reply: 0,
            text: "",
            host: "",
        },
    };
}

/// A rule with owned texts: a built-in row, or one of the user's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub id: String,
    pub reason: Reason,
    pub status: Vec<String>,
    pub reply: Vec<u16>,
    pub phrases: Vec<String>,
    pub hosts: Vec<String>,
}

impl From<&Rule> for Condition {
    fn from(rule: &Rule) -> Self {
        let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Self {
            id: rule.id.to_owned(),
            reason: rule.reason,
            status: own(rule.status),
            reply: rule.reply.to_vec(),
            phrases: own(rule.phrases),
            hosts: own(rule.hosts),
        }
    }
}

/// A compiled list of rules.
pub struct Rules {
    conditions: Vec<Condition>,
    /// Finds every fragment of every phrase.
    fragments: AhoCorasick,
    /// Per fragment pattern: the phrases it is part of.
    owners: Vec<Vec<Place>>,
    /// Per rule: its phrases as numbers of fragments.
    lengths: Vec<Vec<u8>>,
}

/// A fragment's place: phrase `phrase` of rule `rule`, position `step` in it.
#[derive(Clone, Copy)]
struct Place {
    rule: u32,
    phrase: u32,
    step: u8,
}

impl Rules {
    /// The built-in table, compiled once.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Rules> = OnceLock::new();
        BUILTIN.get_or_init(|| Self::new(Self::table().map(Condition::from).collect()))
    }

    /// The built-in rows, in order of precedence.
    pub fn table() -> impl Iterator<Item = &'static Rule> {
        table::ALL.iter().copied().flatten()
    }

    /// The user's rules before the built-in ones.
    pub fn with(mut own: Vec<Condition>) -> Self {
        own.extend(Self::table().map(Condition::from));
        Self::new(own)
    }

    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    fn new(rules: Vec<Condition>) -> Self {
        let mut patterns: Vec<String> = Vec::new();
        let mut owners: Vec<Vec<Place>> = Vec::new();
        let mut lengths = Vec::new();
        let mut known = std::collections::HashMap::new();
        for (rule, condition) in (0u32..).zip(&rules) {
            let mut counts = Vec::new();
            for (phrase, text) in (0u32..).zip(&condition.phrases) {
                let mut steps = 0;
                for (step, fragment) in (0u8..).zip(text.split(" * ")) {
                    let at = *known.entry(fragment.to_owned()).or_insert_with(|| {
                        patterns.push(fragment.to_owned());
                        owners.push(Vec::new());
                        patterns.len() - 1
                    });
                    owners[at].push(Place { rule, phrase, step });
                    steps = step + 1;
                }
                counts.push(steps);
            }
            lengths.push(counts);
        }
        let fragments = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&patterns)
            .expect("phrases are far below the automaton's limits");
        Self {
            conditions: rules,
            fragments,
            owners,
            lengths,
        }
    }

    /// The first rule that holds; `undefined` or `on_hold` if none does.
    pub fn classify(&self, diagnostics: &Diagnostics<'_>) -> Classification {
        let text = fold(diagnostics.text);
        let met = self.search(&text);
        let status = diagnostics
            .status
            .map(|status| status.to_string())
            .unwrap_or_default();
        let found = self
            .conditions
            .iter()
            .enumerate()
            .find(|(at, rule)| {
                (rule.phrases.is_empty() || met[*at])
                    && (rule.status.is_empty()
                        || rule.status.iter().any(|like| status_is(&status, like)))
                    && (rule.reply.is_empty()
                        || rule.reply.iter().any(|&like| {
                            diagnostics
                                .reply_code
                                .is_some_and(|code| code == like || code / 100 == like)
                        }))
                    && (rule.hosts.is_empty()
                        || rule
                            .hosts
                            .iter()
                            .any(|like| host_is(diagnostics.receiving_host, like)))
            })
            .map(|(_, rule)| rule);
        let (reason, rule) = match found {
            Some(rule) => (rule.reason, rule.id.clone()),
            None if text.is_empty() && status.is_empty() => {
                (Reason::Undefined, "nothing-said".to_owned())
            }
            None => (Reason::OnHold, "no-rule".to_owned()),
        };
        Classification {
            reason,
            permanence: permanence(reason, diagnostics),
            rule,
        }
    }

    /// Which rules have a phrase in the text.
    fn search(&self, text: &str) -> Vec<bool> {
        let mut met = vec![false; self.conditions.len()];
        // For phrases of several fragments: how far each has come, and where.
        let mut progress: Vec<(u32, u32, u8, usize)> = Vec::new();
        for hit in self.fragments.find_overlapping_iter(text) {
            for place in &self.owners[hit.pattern().as_usize()] {
                let rule = place.rule as usize;
                if met[rule] {
                    continue;
                }
                let steps = self.lengths[rule][place.phrase as usize];
                let reached = progress
                    .iter_mut()
                    .find(|(rule, phrase, ..)| (*rule, *phrase) == (place.rule, place.phrase));
                let next = match (&reached, place.step) {
                    (_, 0) => true,
                    (Some((_, _, step, end)), wanted) => *step == wanted && *end <= hit.start(),
                    (None, _) => false,
                };
                if !next {
                    continue;
                }
                if place.step + 1 == steps {
                    met[rule] = true;
                } else if let Some(reached) = reached {
                    // The earliest end leaves most room for what must follow.
                    if place.step == reached.2 {
                        reached.2 = place.step + 1;
                        reached.3 = hit.end();
                    }
                } else {
                    progress.push((place.rule, place.phrase, place.step + 1, hit.end()));
                }
            }
        }
        met
    }
}

/// Lower case, one blank between words, typographic apostrophes plain.
pub(super) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = true;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            if !blank {
                out.push(' ');
            }
            blank = true;
        } else {
            blank = false;
            match c {
                '’' | '‘' | '`' => out.push('\''),
                '“' | '”' => out.push('"'),
                _ if c.is_ascii() => out.push(c.to_ascii_lowercase()),
                _ => out.extend(c.to_lowercase()),
            }
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn status_is(status: &str, like: &str) -> bool {
    if like.starts_with('.') {
        return status.ends_with(like) && status.len() == like.len() + 1;
    }
    status
        .strip_prefix(like)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn host_is(host: &str, like: &str) -> bool {
    if like.ends_with('.') {
        return host.starts_with(like) || host.contains(&format!(".{like}"));
    }
    host.strip_suffix(like)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// `not_accept` is hard only with a 5xx code; everything else as the reason says.
fn permanence(reason: Reason, diagnostics: &Diagnostics<'_>) -> Permanence {
    let temporary = match (diagnostics.status, diagnostics.reply_code) {
        (Some(EnhancedStatusCode { class, .. }), _) => class == 4,
        (None, Some(code)) => code / 100 == 4,
        (None, None) => false,
    };
    if reason == Reason::NotAccept && temporary {
        Permanence::Soft
    } else {
        reason.permanence()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_decided_by_its_own_rule() {
        let mut wrong = Vec::new();
        let mut ids = std::collections::HashSet::new();
        for rule in Rules::table() {
            assert!(ids.insert(rule.id), "{} stands twice", rule.id);
            let sample = rule.sample;
            let found = Rules::builtin().classify(&Diagnostics {
                status: sample.status.parse().ok(),
                reply_code: Some(sample.reply).filter(|code| *code > 0),
                text: sample.text,
                receiving_host: sample.host,
            });
            if found.rule != rule.id {
                wrong.push(format!(
                    "{}: {sample:?} was decided by {}",
                    rule.id, found.rule
                ));
            }
        }
        assert!(ids.len() > 50);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn phrases_are_as_the_text_is_searched() {
        for rule in Rules::table() {
            for phrase in rule.phrases {
                assert_eq!(fold(phrase), *phrase, "{}", rule.id);
            }
        }
    }

    #[test]
    fn fragments_must_follow_one_another() {
        let rules = Rules::new(vec![Condition {
            id: "x".into(),
            reason: Reason::UserUnknown,
            status: Vec::new(),
            reply: Vec::new(),
            phrases: vec!["user * not found".into()],
            hosts: Vec::new(),
        }]);
        let of = |text| {
            rules
                .classify(&Diagnostics {
                    text,
                    ..Diagnostics::default()
                })
                .rule
        };
        assert_eq!(of("The USER\n a@b was  not found"), "x");
        assert_eq!(of("not found: user"), "no-rule");
        assert_eq!(of("not found: user; user x not found"), "x");
    }

    #[test]
    fn hosts_and_codes_are_compared_by_label() {
        assert!(host_is("mx.google.com", "google.com") && host_is("google.com", "google.com"));
        assert!(!host_is("notgoogle.com", "google.com"));
        assert!(host_is("a-com.mail.protection.outlook.com", "outlook."));
        assert!(
            status_is("5.7.26", "5.7") && status_is("4.2.2", ".2.2") && status_is("5.1.1", "5")
        );
        assert!(!status_is("5.7.26", "5.7.2") && !status_is("5.12.2", ".2.2"));
    }

    #[test]
    fn who_accepts_no_mail_for_now_is_soft() {
        let of = |reply| {
            Rules::builtin()
                .classify(&Diagnostics {
                    reply_code: Some(reply),
                    text: "system does not accept mail",
                    ..Diagnostics::default()
                })
                .permanence
        };
        assert_eq!((of(554), of(450)), (Permanence::Hard, Permanence::Soft));
    }
}
