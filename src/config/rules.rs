//! The user's own classification rules: `[[rules]]` in a file of their own.

use std::{collections::HashMap, marker::PhantomData, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use toml::Spanned;

use super::ConfigError;
use crate::classify::{
    Condition, Diagnostics, EnhancedStatusCode, Permanence, Reason, Rules, StatusPattern, fold,
};

const HINT: &str = "a rule has `id`, `reason`, one or more of `status`, `reply`, `phrases`, `also`, \
                    `hosts`, perhaps `permanence` (\"hard\", \"soft\"), and a `sample`";

/// A rule of the user, and a text that it is to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRule {
    pub condition: Condition,
    pub sample: Option<OwnSample>,
    /// Where it stands in the file.
    pub line: usize,
}

/// What a host said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnSample {
    pub text: String,
    pub status: Option<EnhancedStatusCode>,
    pub reply: Option<u16>,
    pub host: String,
}

impl OwnSample {
    /// Codes that are not given apart are those of the text, as in a mail.
    fn with_codes_of_the_text(mut self) -> Self {
        self.reply = self.reply.or_else(|| {
            let code = self.text.get(..3)?.parse().ok()?;
            (400..600).contains(&code).then_some(code)
        });
        self.status = self
            .status
            .or_else(|| EnhancedStatusCode::find(&self.text, self.reply));
        self
    }

    pub fn diagnostics(&self) -> Diagnostics<'_> {
        Diagnostics {
            status: self.status,
            reply_code: self.reply,
            text: &self.text,
            receiving_host: &self.host,
        }
    }
}

/// Reads a file of rules; `file` names it in errors.
///
/// # Errors
/// With file and line.
pub fn own_rules(text: &str, file: &str) -> Result<Vec<OwnRule>, ConfigError> {
    let keys: File = toml::from_str(text)
        .map_err(|error| ConfigError::of_toml(&error, text, file).or_hint(HINT))?;
    let line = |span: Range<usize>| 1 + text[..span.start].matches('\n').count();
    let mut seen: HashMap<String, usize> =
        Rules::table().map(|rule| (rule.id.to_owned(), 0)).collect();
    let mut rules = Vec::new();
    for spanned in keys.rules {
        let line = line(spanned.span());
        let rule = spanned.into_inner();
        let wrong = |what: String| ConfigError::new(format!("{file}:{line}: {what}"), HINT);
        if rule.id.is_empty() || !rule.id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong(format!("`{}` is no id: write-it-like-this", rule.id)));
        }
        match seen.insert(rule.id.clone(), line) {
            None => {}
            Some(0) => return Err(wrong(format!("`{}` is the id of a built-in rule", rule.id))),
            Some(first) => {
                let what = format!("the id `{}` stands in line {first} already", rule.id);
                return Err(wrong(what));
            }
        }
        rules.push(rule.resolve(line).map_err(wrong)?);
    }
    Ok(rules)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rules: Vec<Spanned<RuleKeys>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleKeys {
    id: String,
    reason: Reason,
    permanence: Option<Permanence>,
    #[serde(default)]
    status: Many<Status>,
    #[serde(default)]
    reply: Many<Reply>,
    #[serde(default)]
    phrases: Many<String>,
    #[serde(default)]
    also: Many<String>,
    #[serde(default)]
    hosts: Many<String>,
    sample: Option<SampleKeys>,
}

impl RuleKeys {
    fn resolve(self, line: usize) -> Result<OwnRule, String> {
        let condition = Condition {
            reason: self.reason,
            permanence: self.permanence,
            status: self.status.0.into_iter().map(|status| status.0).collect(),
            reply: self.reply.0.into_iter().map(|reply| reply.0).collect(),
            phrases: phrases(&self.phrases.0)?,
            also: phrases(&self.also.0)?,
            hosts: self
                .hosts
                .0
                .iter()
                .map(|host| host.to_lowercase())
                .collect(),
            id: self.id,
        };
        if condition
            .hosts
            .iter()
            .any(|host| host.trim_matches('.').is_empty())
        {
            return Err(format!("a host of `{}` is empty", condition.id));
        }
        let decides = !condition.phrases.is_empty()
            || !condition.status.is_empty()
            || !condition.reply.is_empty()
            || !condition.hosts.is_empty();
        if !decides {
            return Err(format!(
                "`{}` has no condition: it would decide everything",
                condition.id
            ));
        }
        Ok(OwnRule {
            condition,
            sample: self.sample.map(|keys| keys.0.with_codes_of_the_text()),
            line,
        })
    }
}

/// As texts are searched; none may be met by every text.
fn phrases(texts: &[String]) -> Result<Vec<String>, String> {
    let folded = texts.iter().map(|text| {
        let phrase = fold(text);
        let parts = format!(" {phrase} ");
        if parts.split(" * ").any(|part| !part.contains(char::is_alphanumeric)) {
            return Err(format!(
                "`{text}` is no phrase: `a * b` needs words on both sides, and of an address only the @ counts"
            ));
        }
        Ok(phrase)
    });
    folded.collect()
}

struct Status(StatusPattern);

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        StatusPattern::parse(&text).map(Self).ok_or_else(|| {
            de::Error::custom(format!(
                "`{text}` is no status: write 5.1.1, .1.1 (any class), 5.7 or 5"
            ))
        })
    }
}

struct Reply(u16);

impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = u16::deserialize(deserializer)?;
        if matches!(code, 4 | 5 | 400..=599) {
            return Ok(Self(code));
        }
        Err(de::Error::custom(format!(
            "`{code}` is no reply code: 400 to 599, or 4 or 5 for the class"
        )))
    }
}

struct SampleKeys(OwnSample);

impl<'de> Deserialize<'de> for SampleKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Keys {
            #[serde(default)]
            text: String,
            status: Option<String>,
            reply: Option<u16>,
            #[serde(default)]
            host: String,
        }
        struct TextOrTable;
        impl<'de> Visitor<'de> for TextOrTable {
            type Value = SampleKeys;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text, or { text, status, reply, host }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SampleKeys, E> {
                Ok(SampleKeys(OwnSample {
                    text: text.to_owned(),
                    ..OwnSample::default()
                }))
            }

            fn visit_map<M: de::MapAccess<'de>>(self, map: M) -> Result<SampleKeys, M::Error> {
                let keys = Keys::deserialize(MapAccessDeserializer::new(map))?;
                let status = keys.status.map(|text| {
                    text.parse().map_err(|()| {
                        de::Error::custom(format!("`{text}` is no enhanced status code"))
                    })
                });
                Ok(SampleKeys(OwnSample {
                    text: keys.text,
                    status: status.transpose()?,
                    reply: keys.reply,
                    host: keys.host.to_lowercase(),
                }))
            }
        }
        deserializer.deserialize_any(TextOrTable)
    }
}

/// One, or a list of them.
struct Many<T>(Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
            type Value = Many<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("one value or a list")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Many<T>, E> {
                T::deserialize(text.into_deserializer()).map(|one| Many(vec![one]))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Many<T>, E> {
                T::deserialize(number.into_deserializer()).map(|one| Many(vec![one]))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Many<T>, S::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                Ok(Many(all))
            }
        }
        deserializer.deserialize_any(OneOrMany(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_and_comes_before_the_built_in_ones() {
        let rules = own_rules(
            "[[rules]]\nid = 'a'\nreason = 'mailbox_full'\nphrases = 'User  Unknown'\n\n\
             [[rules]]\nid = 'b'\nreason = 'filtered'\npermanence = 'hard'\nstatus = ['5.7', '.1.1']\n\
             reply = 550\nhosts = ['Example.NET']\nsample = {text = 'x', status = '5.7.1', reply = 550, host = 'mx.Example.net'}\n",
            "r.toml",
        )
        .unwrap();
        assert_eq!(rules[0].condition.phrases, ["user unknown"]);
        assert_eq!(rules[1].line, 6);
        let sample = rules[1].sample.clone().unwrap();
        let all = Rules::new(rules.into_iter().map(|rule| rule.condition).collect());
        let verdict = all.classify(&sample.diagnostics());
        assert_eq!(
            (verdict.rule.as_str(), verdict.permanence),
            ("b", Permanence::Hard)
        );
        let verdict = all.classify(&Diagnostics {
            text: "550 user unknown",
            ..Diagnostics::default()
        });
        assert_eq!(
            (verdict.rule.as_str(), verdict.reason),
            ("a", Reason::MailboxFull)
        );
    }

    #[test]
    fn mistakes_are_told_with_file_and_line() {
        let start = "[[rules]]\nid = 'a'\nreason = 'filtered'\n";
        for (more, line, said) in [
            ("status = '5.x'", 4, "`5.x`"),
            ("reply = [550, 200]", 4, "`200`"),
            ("phrase = 'x'", 4, "`phrase`"),
            ("phrases = ['x * ']", 1, "both sides"),
            ("phrases = ['']", 1, "no phrase"),
            ("", 1, "no condition"),
            ("also = 'x'", 1, "no condition"),
            ("hosts = '.'", 1, "host of `a`"),
            ("phrases = 'x'\npermanence = 'maybe'", 5, "`maybe`"),
            ("phrases = 'x'\nsample = {status = '9.9.9'}", 5, "`9.9.9`"),
            (
                "phrases = 'x'\n[[rules]]\nid = 'a'\nreason = 'filtered'\nreply = 5",
                5,
                "line 1",
            ),
            (
                "phrases = 'x'\n[[rules]]\nid = 'user-unknown'\nreason = 'filtered'\nreply = 5",
                5,
                "built-in",
            ),
            (
                "phrases = 'x'\n[[rules]]\nid = 'b c'\nreason = 'filtered'\nreply = 5",
                5,
                "`b c`",
            ),
            (
                "phrases = 'x'\n[[rules]]\nid = 'b'\nreason = 'full'",
                7,
                "`full`",
            ),
        ] {
            let error = own_rules(&format!("{start}{more}\n"), "r.toml").unwrap_err();
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("r.toml:{line}: ")),
                "{more}: {text}"
            );
            assert!(text.contains(said), "{more}: {text}");
        }
        let error =
            own_rules("[[rules]]\nid = 'a'\nreason = 'mailbox_fll'\n", "r.toml").unwrap_err();
        assert!(error.hint().contains("`mailbox_full`"), "{}", error.hint());
    }
}
