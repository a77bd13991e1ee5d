//! Why a rule decided: which of its conditions met what in the diagnostics.

use super::{Classification, Diagnostics, Rules, fold, phrases::span, rules::host_is};

/// One condition of the rule that decided.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Match {
    /// `text`, `status`, `reply` or `host`.
    pub condition: &'static str,
    /// The entry of the rule.
    pub wanted: String,
    /// What met it: of a text the words from the phrase's first fragment to its last, lower case.
    pub found: String,
}

impl Rules {
    /// The verdict with what met each condition of the rule. Empty when no rule decided.
    pub fn evidence(&self, diagnostics: &Diagnostics<'_>) -> (Classification, Vec<Match>) {
        let verdict = self.classify(diagnostics);
        let Some(rule) = self
            .conditions()
            .iter()
            .find(|rule| rule.id == verdict.rule)
        else {
            return (verdict, Vec::new());
        };
        let text = fold(diagnostics.text);
        let status = diagnostics.status;
        let reply = diagnostics.reply_code;
        let host = diagnostics.receiving_host;
        let said = |phrases: &[String]| {
            phrases.iter().find_map(|phrase| {
                let found = span(&text, phrase)?;
                Some(("text", phrase.clone(), found.to_owned()))
            })
        };
        let status = status.and_then(|status| {
            let wanted = rule.status.iter().find(|like| like.matches(status))?;
            Some(("status", wanted.to_string(), status.to_string()))
        });
        let reply = reply.and_then(|code| {
            let wanted = rule
                .reply
                .iter()
                .find(|like| code == **like || code / 100 == **like)?;
            Some(("reply", wanted.to_string(), code.to_string()))
        });
        let host = rule
            .hosts
            .iter()
            .find(|like| host_is(host, like))
            .map(|like| ("host", like.clone(), host.to_owned()));
        let matches = [host, status, reply, said(&rule.phrases), said(&rule.also)]
            .into_iter()
            .flatten()
            .map(|(condition, wanted, found)| Match {
                condition,
                wanted,
                found,
            })
            .collect();
        (verdict, matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_names_what_met_each_condition() {
        for rule in Rules::table() {
            let sample = rule.sample;
            let (verdict, matches) = Rules::builtin().evidence(&Diagnostics {
                status: sample.status.parse().ok(),
                reply_code: Some(sample.reply).filter(|code| *code > 0),
                text: sample.text,
                receiving_host: sample.host,
            });
            let wanted: usize = [
                rule.phrases.is_empty(),
                rule.also.is_empty(),
                rule.status.is_empty(),
                rule.reply.is_empty(),
                rule.hosts.is_empty(),
            ]
            .into_iter()
            .filter(|is_empty| !is_empty)
            .count();
            assert_eq!(verdict.rule, rule.id);
            assert_eq!(matches.len(), wanted, "{}: {matches:?}", rule.id);
        }
    }
}
