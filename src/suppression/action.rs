//! Actions as the configuration writes them.

use serde::{Deserialize, Deserializer};

use super::Action;
use crate::time::{DAY, HOUR, MINUTE, SECOND};

/// An action as written in the configuration: `"suppress"`, `"score 2"`, `"record"`, `"ignore"`, or
/// a table `{ action = "suppress", for = "90d" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionText(pub Action);

impl<'de> Deserialize<'de> for ActionText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            action: String,
            r#for: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Text {
            Word(String),
            Table(Table),
        }
        let (word, span) = match Text::deserialize(deserializer)? {
            Text::Word(word) => (word, None),
            Text::Table(table) => (table.action, table.r#for),
        };
        let lasting = span
            .map(|span| duration(&span))
            .transpose()
            .map_err(serde::de::Error::custom)?;
        action(&word, lasting)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

fn action(word: &str, lasting: Option<i64>) -> Result<Action, String> {
    let mut words = word.split_whitespace();
    let action = match (words.next(), words.next(), words.next()) {
        (Some("suppress"), None, None) => Action::Suppress { lasting },
        (Some("score"), points, None) => match points.unwrap_or("1").parse() {
            Ok(points) if points > 0 => Action::Score { points, lasting },
            _ => {
                return Err(format!(
                    "`{word}`: the points after `score` must be a number from 1"
                ));
            }
        },
        (Some("record"), None, None) => Action::Record,
        (Some("ignore"), None, None) => Action::Ignore,
        _ => {
            return Err(format!(
                "`{word}` is no action: one of `suppress`, `score N`, `record`, `ignore` was expected"
            ));
        }
    };
    if lasting.is_some() && matches!(action, Action::Record | Action::Ignore) {
        return Err(format!("`for` has no meaning with `{word}`"));
    }
    Ok(action)
}

/// Reads `90d`, `12h`, `30m`, `45s` as milliseconds.
pub fn duration(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let wrong =
        || format!("`{text}` is no duration: write a number and s, m, h, d or w, e.g. `30d`");
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?);
    let unit = match unit.trim() {
        "s" => SECOND,
        "m" | "min" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return Err(wrong()),
    };
    digits
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(wrong)
}

/// For `#[serde(deserialize_with)]`.
pub(super) fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    duration(&text).map(Some).map_err(serde::de::Error::custom)
}
