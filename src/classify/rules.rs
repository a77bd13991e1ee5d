//! The rules: one ordered list of conditions on what a host said; the first that holds decides.

use std::sync::OnceLock;

use super::{
    Classification, Diagnostics, EnhancedStatusCode, Permanence, Reason, permanence,
    phrases::{Phrases, fold, span},
    table,
};

/// One row. Every condition that is not empty must hold; within one condition any entry suffices.
#[derive(Clone, Debug)]
pub struct Rule {
    pub id: &'static str,
    pub reason: Reason,
    /// `5.1.1`; `.1.1` for any class; `5.7` or `5` for all below it.
    pub status: &'static [&'static str],
    /// SMTP reply codes; `4` and `5` stand for their class.
    pub reply: &'static [u16],
    /// `a * b` is a, and soon after it b; `uce|` ends with the word. As `fold` leaves them: lower
    /// case, one blank between words, `@` for an address.
    pub phrases: &'static [&'static str],
    /// A second list of phrases, of which one must stand in the text too.
    pub also: &'static [&'static str],
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
        also: &[],
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
    /// Where the rule says so; else as the reason does.
    pub permanence: Option<Permanence>,
    pub status: Vec<StatusPattern>,
    pub reply: Vec<u16>,
    pub phrases: Vec<String>,
    pub also: Vec<String>,
    pub hosts: Vec<String>,
}

impl Condition {
    /// Without regard to codes (see `permanence`).
    pub fn usual_permanence(&self) -> Permanence {
        self.permanence.unwrap_or(self.reason.permanence())
    }
}

impl From<&Rule> for Condition {
    fn from(rule: &Rule) -> Self {
        let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Self {
            id: rule.id.to_owned(),
            reason: rule.reason,
            permanence: None,
            status: rule
                .status
                .iter()
                .map(|text| StatusPattern::parse(text).expect("a test reads every built-in row"))
                .collect(),
            reply: rule.reply.to_vec(),
            phrases: own(rule.phrases),
            also: own(rule.also),
            hosts: own(rule.hosts),
        }
    }
}

/// Enhanced status codes: `5.1.1`; `.1.1` for any class; `5.7` or `5` for all below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusPattern {
    class: Option<u16>,
    subject: Option<u16>,
    detail: Option<u16>,
}

impl StatusPattern {
    /// Nothing where the text is no such pattern.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').enumerate().map(|(at, part)| {
            if at == 0 && part.is_empty() {
                return Some(None);
            }
            let digits = part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
            part.parse().ok().filter(|_| digits).map(Some)
        });
        let class = parts.next()??;
        let subject = parts.next().unwrap_or(Some(None))?;
        let detail = parts.next().unwrap_or(Some(None))?;
        let any_class = class.is_none() && detail.is_some();
        let some_class = matches!(class, Some(4 | 5));
        (parts.next().is_none() && (any_class || some_class)).then_some(Self {
            class,
            subject,
            detail,
        })
    }

    pub(super) fn matches(self, status: EnhancedStatusCode) -> bool {
        self.class
            .is_none_or(|class| class == u16::from(status.class))
            && self.subject.is_none_or(|subject| subject == status.subject)
            && self.detail.is_none_or(|detail| detail == status.detail)
    }
}

impl std::fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(class) = self.class {
            write!(f, "{class}")?;
        }
        for part in [self.subject, self.detail].into_iter().flatten() {
            write!(f, ".{part}")?;
        }
        Ok(())
    }
}

/// Octets of a diagnostic text that are read: no host says more.
const LONGEST: usize = 64 * 1024;

/// A compiled list of rules.
pub struct Rules {
    conditions: Vec<Condition>,
    /// Two sets a rule: its phrases, and what must stand there too.
    phrases: Phrases,
}

/// A verdict, and what in the diagnostics led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub classification: Classification,
    /// The words of the text that a phrase met, folded; the codes, for a rule without phrases.
    pub matched: String,
}

impl Rules {
    /// The built-in table, compiled once.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Rules> = OnceLock::new();
        BUILTIN.get_or_init(|| Self::new(Vec::new()))
    }

    /// The built-in rows, in order of precedence.
    pub fn table() -> impl Iterator<Item = &'static Rule> {
        table::ALL.iter().copied().flatten()
    }

    /// The user's rules before the built-in ones.
    pub fn new(own: Vec<Condition>) -> Self {
        let mut conditions = own;
        conditions.extend(Self::table().map(Condition::from));
        Self {
            phrases: Phrases::new(
                conditions
                    .iter()
                    .flat_map(|rule| [&rule.phrases[..], &rule.also[..]]),
            ),
            conditions,
        }
    }

    /// Every rule, in order of precedence.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// The first rule that holds; `undefined` or `on_hold` if none does.
    pub fn classify(&self, diagnostics: &Diagnostics<'_>) -> Classification {
        let decided = self.first(diagnostics, &self.met(&searched(diagnostics.text)));
        verdict(diagnostics, decided.map(|at| &self.conditions[at]))
    }

    /// As [`Self::classify`], and why.
    pub fn explain(&self, diagnostics: &Diagnostics<'_>) -> Explanation {
        let text = searched(diagnostics.text);
        let met = self.met(&text);
        let decided = self.first(diagnostics, &met);
        let rule = decided.map(|at| &self.conditions[at]);
        let phrase = |phrases: &[String], set: usize| {
            span(&text, &phrases[usize::from(met[set]?)]).map(str::to_owned)
        };
        let mut matched: Vec<String> = decided
            .zip(rule)
            .map(|(at, rule)| {
                [
                    phrase(&rule.phrases, 2 * at),
                    phrase(&rule.also, 2 * at + 1),
                ]
            })
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        if rule.is_some() && matched.is_empty() {
            let reply = diagnostics.reply_code.map(|code| code.to_string());
            let status = diagnostics.status.map(|status| status.to_string());
            matched.extend([reply, status].into_iter().flatten());
        }
        Explanation {
            classification: verdict(diagnostics, rule),
            matched: matched.join(", "),
        }
    }

    /// Which phrases stand in the text, as `searched` leaves it.
    fn met(&self, text: &str) -> Vec<Option<u16>> {
        self.phrases.search(text.as_bytes())
    }

    fn first(&self, diagnostics: &Diagnostics<'_>, met: &[Option<u16>]) -> Option<usize> {
        self.holding(diagnostics, met)
            .find(|&at| self.is_of(at, diagnostics.receiving_host))
    }

    /// The rules whose conditions hold but for the host, in order of precedence.
    fn holding(
        &self,
        diagnostics: &Diagnostics<'_>,
        met: &[Option<u16>],
    ) -> impl Iterator<Item = usize> {
        let says = |phrases: &[String], set: usize| phrases.is_empty() || met[set].is_some();
        let holds = move |at: &usize| {
            let rule = &self.conditions[*at];
            says(&rule.phrases, 2 * at)
                && says(&rule.also, 2 * at + 1)
                && any(&rule.status, |like| {
                    diagnostics
                        .status
                        .is_some_and(|status| like.matches(status))
                })
                && any(&rule.reply, |&like| {
                    diagnostics
                        .reply_code
                        .is_some_and(|code| code == like || code / 100 == like)
                })
        };
        (0..self.conditions.len()).filter(holds)
    }

    /// The rules that may decide what is said with these codes, whatever the host: the last of them
    /// holds for all hosts, if any does.
    pub(super) fn candidates(&self, diagnostics: &Diagnostics<'_>) -> Vec<usize> {
        let met = self.met(&searched(diagnostics.text));
        let mut candidates = Vec::new();
        for at in self.holding(diagnostics, &met) {
            candidates.push(at);
            if self.conditions[at].hosts.is_empty() {
                break;
            }
        }
        candidates
    }

    /// The verdict of the first of these candidates that is of the host.
    pub(super) fn decide(
        &self,
        candidates: &[usize],
        diagnostics: &Diagnostics<'_>,
    ) -> Classification {
        let decided = candidates
            .iter()
            .find(|&&at| self.is_of(at, diagnostics.receiving_host));
        verdict(diagnostics, decided.map(|&at| &self.conditions[at]))
    }

    fn is_of(&self, at: usize, host: &str) -> bool {
        any(&self.conditions[at].hosts, |like| host_is(host, like))
    }
}

/// What of a diagnostic text is searched, folded.
fn searched(text: &str) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    fold(&text[..end])
}

/// An empty condition holds.
fn any<T>(list: &[T], holds: impl Fn(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(holds)
}

fn verdict(diagnostics: &Diagnostics<'_>, decided: Option<&Condition>) -> Classification {
    let nothing_said = diagnostics.text.trim().is_empty() && diagnostics.status.is_none();
    let (reason, rule) = match decided {
        Some(rule) => (rule.reason, rule.id.as_str()),
        None if nothing_said => (Reason::Undefined, "nothing-said"),
        None => (Reason::OnHold, "no-rule"),
    };
    Classification {
        reason,
        permanence: decided
            .and_then(|rule| rule.permanence)
            .unwrap_or_else(|| permanence::of(reason, diagnostics)),
        rule: rule.to_owned(),
    }
}

pub(super) fn host_is(host: &str, like: &str) -> bool {
    if like.ends_with('.') {
        return host
            .match_indices(like)
            .any(|(at, _)| at == 0 || host[..at].ends_with('.'));
    }
    host.strip_suffix(like)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
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
            let found = Rules::builtin().explain(&Diagnostics {
                status: sample.status.parse().ok(),
                reply_code: Some(sample.reply).filter(|code| *code > 0),
                text: sample.text,
                receiving_host: sample.host,
            });
            if found.classification.rule != rule.id {
                wrong.push(format!(
                    "{}: {sample:?} was decided by {} ({})",
                    rule.id, found.classification.rule, found.matched
                ));
            }
        }
        assert!(ids.len() > 50);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn phrases_are_as_the_text_is_searched() {
        for rule in Rules::table() {
            for phrase in rule.phrases.iter().chain(rule.also) {
                assert_eq!(fold(phrase), *phrase, "{}", rule.id);
                assert!(
                    !phrase.starts_with('*')
                        && !phrase.ends_with('*')
                        // A lone quote before `|` would be met by every quoted word.
                        && !phrase
                            .trim_end_matches('|')
                            .ends_with(|c: char| phrase.ends_with('|') && !c.is_alphanumeric()),
                    "{}: {phrase}",
                    rule.id
                );
            }
            assert!(
                !(rule.phrases.is_empty() && rule.status.is_empty() && rule.reply.is_empty()),
                "{} always holds",
                rule.id
            );
        }
    }

    #[test]
    fn hosts_and_codes_are_compared_by_label() {
        assert!(host_is("mx.google.com", "google.com") && host_is("google.com", "google.com"));
        assert!(!host_is("notgoogle.com", "google.com"));
        assert!(host_is("a-com.mail.protection.outlook.com", "outlook."));
        assert!(!host_is("notoutlook.com", "outlook."));
        let is = |status: &str, like: &str| {
            StatusPattern::parse(like)
                .unwrap()
                .matches(status.parse().unwrap())
        };
        assert!(is("5.7.26", "5.7") && is("4.2.2", ".2.2") && is("5.1.1", "5"));
        assert!(!is("5.7.26", "5.7.2") && !is("5.12.2", ".2.2"));
        for wrong in [
            "", ".", "5.", ".1", "2.1.1", "5.1.1.1", "5.x", "5.1.1000", "+5",
        ] {
            assert_eq!(StatusPattern::parse(wrong), None, "{wrong}");
        }
        for pattern in ["5", "5.7", "5.7.1", ".2.2"] {
            assert_eq!(StatusPattern::parse(pattern).unwrap().to_string(), pattern);
        }
    }
}
