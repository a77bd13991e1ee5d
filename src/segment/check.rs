//! Names and values judged: what was written becomes what is meant, or a mistake with its place.

use super::{
    ast::{Condition, Date, Expression, Field, Value},
    error::{Mistake, near},
    filters::{ATTRIBUTE, FILTERS, Filter, Table, ValueType, Words},
    operator::Operator,
    parse::{Phrase, Syntax, Test, Word},
};
use crate::{
    address::AddressKey,
    classify::Reason,
    suppression::duration,
    time::{DAY, SECOND, Timestamp},
};

/// The names that stand in the database rather than in the program.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub segments: Vec<String>,
    /// Attributes that some contact has; of the rest not all may be here.
    pub attributes: Vec<String>,
}

/// The names written without `contact.` that are no filters.
pub(super) fn bare_names(syntax: &Syntax) -> Vec<&str> {
    match syntax {
        Syntax::All(parts) | Syntax::Any(parts) => parts.iter().flat_map(bare_names).collect(),
        Syntax::Not(inner) => bare_names(inner),
        Syntax::Is(phrase) if phrase.attribute || Filter::named(&phrase.name.text).is_some() => {
            Vec::new()
        }
        Syntax::Is(phrase) => vec![&phrase.name.text],
    }
}

pub(super) fn check(syntax: Syntax, names: &Names) -> Result<Expression, Mistake> {
    let all = |parts: Vec<Syntax>| {
        parts
            .into_iter()
            .map(|part| check(part, names))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match syntax {
        Syntax::All(parts) => Expression::All(all(parts)?),
        Syntax::Any(parts) => Expression::Any(all(parts)?),
        Syntax::Not(inner) => Expression::Not(Box::new(check(*inner, names)?)),
        Syntax::Is(phrase) => Expression::Is(condition(phrase, names)?),
    })
}

fn condition(phrase: Phrase, names: &Names) -> Result<Condition, Mistake> {
    let (field, filter) = field(&phrase, names)?;
    let within = match phrase.within {
        Some((_, span)) if !filter.has_window() => {
            return Err(Mistake::new(
                span,
                format!("`{}` cannot be limited to a time", filter.name),
            )
            .hint("counts of events can: `soft_bounces within 30d >= 3`"));
        }
        Some((0, span)) => {
            return Err(Mistake::new(span, "within no time nothing happens")
                .hint("e.g. `soft_bounces within 30d >= 3`"));
        }
        Some((span, _)) => Some(span),
        None => None,
    };
    let Some(test) = phrase.test else {
        if filter.value != ValueType::Flag {
            let end = phrase.name.span.end;
            return Err(Mistake::new(
                end..end,
                format!(
                    "an operator and a value were expected after `{}`",
                    phrase.name.text
                ),
            )
            .hint(format!("e.g. `{}`", filter.example)));
        }
        return Ok(Condition {
            field,
            within,
            operator: Operator::Equal,
            negated: false,
            values: vec![Value::Flag(true)],
        });
    };
    if !filter.operators.contains(&test.operator) {
        let known: Vec<&str> = filter.operators.iter().map(|op| op.text(false)).collect();
        return Err(Mistake::new(
            test.span,
            format!(
                "`{}` has no operator `{}`",
                filter.name,
                test.operator.text(false)
            ),
        )
        .hint(format!(
            "it has {}, e.g. `{}`",
            known.join(" "),
            filter.example
        )));
    }
    let values = values(filter, &test, names)?;
    Ok(Condition {
        field,
        within,
        operator: test.operator,
        negated: test.negated,
        values,
    })
}

fn field(phrase: &Phrase, names: &Names) -> Result<(Field, &'static Filter), Mistake> {
    let name = &phrase.name;
    let attribute = || {
        // What the database takes for a path or cannot quote.
        if name.text.starts_with('$') || name.text.contains(['"', '\\', '\0']) {
            return Err(Mistake::new(
                name.span.clone(),
                "an attribute of this name cannot be filtered by",
            )
            .hint("import it under another name, with --map"));
        }
        Ok((Field::Attribute(name.text.clone()), &ATTRIBUTE))
    };
    if phrase.attribute {
        return attribute();
    }
    if let Some(filter) = Filter::named(&name.text) {
        return Ok((Field::Filter(filter), filter));
    }
    if names.attributes.contains(&name.text) {
        return attribute();
    }
    let known = FILTERS
        .iter()
        .map(|filter| filter.name)
        .chain(names.attributes.iter().map(String::as_str));
    let hint = match near(&name.text, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "segments:filters lists the filters; write contact.{} for an attribute that contacts \
             will have later",
            name.text
        ),
    };
    Err(Mistake::new(
        name.span.clone(),
        format!(
            "nothing is named `{}`: no filter, and no contact has such an attribute",
            name.text
        ),
    )
    .hint(hint))
}

fn values(filter: &Filter, test: &Test, names: &Names) -> Result<Vec<Value>, Mistake> {
    if matches!(
        test.operator,
        Operator::Like | Operator::Starts | Operator::Ends | Operator::Contains | Operator::Matches
    ) {
        if test.operator == Operator::Matches {
            regular_expression(&test.values[0])?;
        }
        return Ok(texts(&test.values));
    }
    let mut values = if filter.value == ValueType::Attribute {
        guessed(&test.values)
    } else {
        let each = |word| value(filter, word, names);
        test.values
            .iter()
            .map(each)
            .collect::<Result<Vec<_>, _>>()?
    };
    if matches!(test.operator, Operator::Equal | Operator::In) {
        for (value, word) in values.iter_mut().zip(&test.values) {
            whole_day(value, word)?;
        }
    }
    Ok(values)
}

/// Equality of dates means a day: 30 days ago is the day that was 30 days ago.
fn whole_day(value: &mut Value, word: &Word) -> Result<(), Mistake> {
    match value {
        Value::Date(Date::FromNow(span)) if *span % DAY == 0 => {
            *value = Value::Date(Date::Today(*span / DAY));
            Ok(())
        }
        Value::Date(Date::FromNow(_)) => Err(Mistake::new(
            word.span.clone(),
            format!("`{}` is an instant, and `=` compares days", word.text),
        )
        .hint("write `> -12h` for the last twelve hours, `= today` for the day")),
        _ => Ok(()),
    }
}

fn texts(words: &[Word]) -> Vec<Value> {
    words
        .iter()
        .map(|word| Value::Text(word.text.clone()))
        .collect()
}

fn regular_expression(word: &Word) -> Result<(), Mistake> {
    compile_regex(&word.text).map(drop).map_err(|error| {
        let cause = error.to_string();
        // The last line says what is wrong, those above draw a picture.
        let cause = cause.lines().last().unwrap_or_default();
        Mistake::new(
            word.span.clone(),
            format!(
                "this is no regular expression: {}",
                cause.trim_start_matches("error: ")
            ),
        )
        .hint(
            "a literal . + * ? ( ) [ ] is written with \\ before it; `contains` needs none of this",
        )
    })
}

/// As the database runs it: in time proportional to the text, and of bounded size.
pub(crate) fn compile_regex(pattern: &str) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(pattern)
        .size_limit(1 << 20)
        .build()
}

/// The values of an attribute: all of one kind, or all text.
fn guessed(words: &[Word]) -> Vec<Value> {
    let readers: [fn(&str) -> Option<Value>; 3] = [
        |text| flag(text).map(Value::Flag),
        |text| number(text).map(Value::Number),
        |text| date(text).map(Value::Date),
    ];
    for read in readers {
        let read = |word: &Word| (!word.quoted).then(|| read(&word.text)).flatten();
        if let Some(values) = words.iter().map(read).collect::<Option<Vec<_>>>() {
            return values;
        }
    }
    texts(words)
}

fn value(filter: &Filter, word: &Word, names: &Names) -> Result<Value, Mistake> {
    let text = word.text.as_str();
    let wrong = |expected: &str, hint: String| {
        Mistake::new(
            word.span.clone(),
            format!(
                "`{}` is compared with {expected}, `{text}` is none",
                filter.name
            ),
        )
        .hint(hint)
    };
    match filter.value {
        ValueType::Flag => flag(&text.to_lowercase())
            .map(Value::Flag)
            .or(match text {
                "1" => Some(Value::Flag(true)),
                "0" => Some(Value::Flag(false)),
                _ => None,
            })
            .ok_or_else(|| wrong("yes or no", format!("write `{} = yes`", filter.name))),
        // Those of attributes are guessed together.
        ValueType::Text | ValueType::Attribute => Ok(Value::Text(text.to_owned())),
        ValueType::LowerText => Ok(Value::Text(
            AddressKey::parse(text)
                .filter(|_| filter.measure.table() == Table::Contact)
                .map_or_else(|| text.to_lowercase(), |key| key.as_str().to_owned()),
        )),
        ValueType::Domain => Ok(Value::Text(
            AddressKey::parse(&format!("x@{text}"))
                .map_or_else(|| text.to_lowercase(), |key| key.domain().to_owned()),
        )),
        ValueType::Word(words) => word_of(words, text).map(Value::Word).ok_or_else(|| {
            let known = words.all();
            let hint = match near(text, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("one of {}", known.join(", ")),
            };
            wrong("a word of a fixed list", hint)
        }),
        ValueType::Number => number(text)
            .map(Value::Number)
            .ok_or_else(|| wrong("a number", format!("e.g. `{}`", filter.example))),
        ValueType::Date => date(text).map(Value::Date).ok_or_else(|| {
            wrong(
                "a date",
                "write 2026-01-31, '2026-01-31 15:00', -30d (30 days ago), +12h, now, today, \
                 yesterday, today-7d"
                    .into(),
            )
        }),
        ValueType::Segment => {
            let found = names
                .segments
                .iter()
                .find(|name| name.as_str() == text)
                .or_else(|| {
                    names
                        .segments
                        .iter()
                        .find(|name| name.to_lowercase() == text.to_lowercase())
                });
            found.map(|name| Value::Text(name.clone())).ok_or_else(|| {
                let hint = match near(text, names.segments.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => "segments:list shows what there is".into(),
                };
                Mistake::new(word.span.clone(), format!("there is no segment `{text}`")).hint(hint)
            })
        }
    }
}

fn word_of(words: Words, text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    if words == Words::Reason {
        return Reason::from_name(&text).map(Reason::name);
    }
    words.all().into_iter().find(|word| *word == text)
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<f64> {
    // Not `inf` and `nan`, which Rust reads as numbers.
    text.parse::<f64>().ok().filter(|number| {
        number.is_finite()
            && !text.contains(|c: char| c.is_ascii_alphabetic() && c != 'e' && c != 'E')
    })
}

/// Distances are bounded, so that sums of times never overflow.
const FARTHEST: i64 = 400 * 366 * DAY;

fn date(text: &str) -> Option<Date> {
    let text = text.to_lowercase();
    let distance = |text: &str| duration(text).ok().filter(|span| *span <= FARTHEST);
    Some(match text.as_str() {
        "now" => Date::FromNow(0),
        "today" => Date::Today(0),
        "yesterday" => Date::Today(-1),
        "tomorrow" => Date::Today(1),
        _ => {
            if let Some(days) = text.strip_prefix("today") {
                let span = distance(days.get(1..)?).filter(|span| span % DAY == 0)?;
                match days.get(..1)? {
                    "-" => Date::Today(-span / DAY),
                    "+" => Date::Today(span / DAY),
                    _ => return None,
                }
            } else if let Some(past) = text.strip_prefix('-') {
                Date::FromNow(-distance(past)?)
            } else if let Some(future) = text.strip_prefix('+') {
                Date::FromNow(distance(future)?)
            } else {
                let at = Timestamp::parse_iso(&text.to_uppercase())?;
                // A date without a time is a day.
                if text.len() == 10 {
                    Date::Day(at)
                } else {
                    Date::At(Timestamp(at.0.div_euclid(SECOND) * SECOND))
                }
            }
        }
    })
}
