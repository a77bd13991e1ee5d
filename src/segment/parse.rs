//! Text → conditions with their places; names and values are judged in [`super::check`].
//!
//! ```text
//! either    := both ("or" both)*
//! both      := single ("and" single)*
//! single    := "not" single | "(" either ")" | condition
//! condition := name ("within" duration)? (operator values)?
//! name      := word | "contact." (word | quoted)
//! ```

use std::ops::Range;

use winnow::{
    LocatingSlice, Parser as _,
    ascii::multispace0,
    combinator::{opt, peek, preceded},
    error::{ErrMode, ParserError},
    stream::{Location, Stream},
    token::{any, one_of, take_while},
};

use super::{error::Mistake, operator::Operator};
use crate::suppression::duration;

/// A filter as written.
#[derive(Clone, Debug)]
pub(super) enum Syntax {
    All(Vec<Syntax>),
    Any(Vec<Syntax>),
    Not(Box<Syntax>),
    Is(Phrase),
}

/// One condition as written.
#[derive(Clone, Debug)]
pub(super) struct Phrase {
    pub(super) name: Word,
    /// Written as `contact.NAME`.
    pub(super) attribute: bool,
    /// Milliseconds.
    pub(super) within: Option<(i64, Range<usize>)>,
    /// None for a flag alone (`bounced`).
    pub(super) test: Option<Test>,
}

#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) operator: Operator,
    pub(super) negated: bool,
    pub(super) span: Range<usize>,
    pub(super) values: Vec<Word>,
}

/// A name or value.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) quoted: bool,
    pub(super) span: Range<usize>,
}

/// Deeper nesting is refused: the parser and SQLite's expression tree recurse.
const DEEPEST: usize = 64;
/// More conditions are refused: one statement has a limited number of columns and parameters.
const MOST_CONDITIONS: usize = 500;
/// More values in one list are refused, for the same reason.
const MOST_VALUES: usize = 5_000;

type Input<'t> = LocatingSlice<&'t str>;
type Parsed<T> = Result<T, ErrMode<Mistake>>;

impl<I: Stream + Location> ParserError<I> for Mistake {
    type Inner = Self;

    fn from_input(input: &I) -> Self {
        let at = input.current_token_start();
        Self::new(at..at, "this cannot be read")
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

/// Reads a filter.
pub(super) fn parse(text: &str) -> Result<Syntax, Mistake> {
    let mut input = LocatingSlice::new(text);
    let mut parser = Parser {
        depth: 0,
        conditions: 0,
    };
    let mut whole = |input: &mut Input<'_>| {
        blank(input)?;
        if input.is_empty() {
            return stop(
                input,
                0,
                "the filter is empty",
                "write a condition, e.g. `bounced = yes`",
            );
        }
        let syntax = parser.either(input)?;
        if let Some(next) = peek(opt(any)).parse_next(input)? {
            let (message, hint) = if next == ')' {
                ("this `)` closes nothing", "take it away, or open with `(`")
            } else {
                (
                    "`and`, `or` or the end was expected here",
                    "values with blanks stand in quotes: 'like this'",
                )
            };
            return stop(input, 1, message, hint);
        }
        Ok(syntax)
    };
    whole(&mut input).map_err(|error| match error {
        ErrMode::Backtrack(mistake) | ErrMode::Cut(mistake) => mistake,
        ErrMode::Incomplete(_) => Mistake::new(text.len()..text.len(), "the filter ends too early"),
    })
}

fn stop<T>(input: &Input<'_>, width: usize, message: &str, hint: &str) -> Parsed<T> {
    let at = input.current_token_start();
    let width = input.chars().take(width).map(char::len_utf8).sum::<usize>();
    Err(ErrMode::Cut(
        Mistake::new(at..at + width, message).hint(hint),
    ))
}

fn blank(input: &mut Input<'_>) -> Parsed<()> {
    multispace0.void().parse_next(input)
}

/// `word` as a whole, in any case, with the blanks after it; answers where the word ends.
fn keyword(input: &mut Input<'_>, word: &str) -> Parsed<Option<usize>> {
    let rest: &str = input;
    let found = rest
        .get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
        && !rest[word.len()..].starts_with(in_name);
    if !found {
        return Ok(None);
    }
    input.next_slice(word.len());
    let end = input.current_token_start();
    blank(input)?;
    Ok(Some(end))
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

struct Parser {
    depth: usize,
    conditions: usize,
}

impl Parser {
    fn either(&mut self, input: &mut Input<'_>) -> Parsed<Syntax> {
        let mut parts = vec![self.both(input)?];
        while keyword(input, "or")?.is_some() {
            parts.push(self.both(input)?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Syntax::Any(parts)
        })
    }

    fn both(&mut self, input: &mut Input<'_>) -> Parsed<Syntax> {
        let mut parts = vec![self.single(input)?];
        while keyword(input, "and")?.is_some() {
            parts.push(self.single(input)?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Syntax::All(parts)
        })
    }

    fn single(&mut self, input: &mut Input<'_>) -> Parsed<Syntax> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return stop(
                input,
                1,
                "the filter is nested too deeply",
                "make a part of it a segment of its own and write `segment = 'its name'`",
            );
        }
        let open = input.current_token_start();
        let syntax = if keyword(input, "not")?.is_some() {
            Syntax::Not(Box::new(self.single(input)?))
        } else if opt(one_of('(')).parse_next(input)?.is_some() {
            blank(input)?;
            let inner = self.either(input)?;
            if opt(one_of(')')).parse_next(input)?.is_none() {
                if !input.is_empty() {
                    return stop(
                        input,
                        1,
                        "`and`, `or` or `)` was expected here",
                        "values with blanks stand in quotes: 'like this'",
                    );
                }
                return Err(ErrMode::Cut(
                    Mistake::new(open..open + 1, "this `(` is never closed")
                        .hint("add a `)` where it should end"),
                ));
            }
            blank(input)?;
            inner
        } else {
            self.conditions += 1;
            if self.conditions > MOST_CONDITIONS {
                return stop(
                    input,
                    1,
                    "the filter has too many conditions",
                    "write `name in (a, b, c)` for one name with many values",
                );
            }
            Syntax::Is(phrase(input)?)
        };
        self.depth -= 1;
        Ok(syntax)
    }
}

fn phrase(input: &mut Input<'_>) -> Parsed<Phrase> {
    let start = input.current_token_start();
    let name: &str = take_while(0.., in_name).parse_next(input)?;
    if name.is_empty() {
        return stop(
            input,
            1,
            "a condition was expected here",
            "a condition is a name, an operator and a value, e.g. `bounced = yes`",
        );
    }
    let mut name = Word {
        text: name.to_owned(),
        quoted: false,
        span: start..input.current_token_start(),
    };
    let attribute =
        name.text.eq_ignore_ascii_case("contact") && opt(one_of('.')).parse_next(input)?.is_some();
    if attribute {
        let start = input.current_token_start();
        let part = match peek(opt(any)).parse_next(input)? {
            Some(quote @ ('\'' | '"')) => quoted(input, quote)?,
            _ => take_while(0.., |c| in_name(c) || c == '.')
                .parse_next(input)?
                .to_owned(),
        };
        if part.is_empty() {
            return stop(
                input,
                1,
                "the name of an attribute was expected here",
                "write contact.city, or contact.'first name'",
            );
        }
        name = Word {
            text: part,
            quoted: true,
            span: start..input.current_token_start(),
        };
    } else if ["and", "or", "in", "is", "like", "between", "within"]
        .contains(&name.text.to_lowercase().as_str())
    {
        return Err(ErrMode::Cut(
            Mistake::new(
                name.span,
                format!("a condition was expected before `{}`", name.text),
            )
            .hint("a condition is a name, an operator and a value, e.g. `bounced = yes`"),
        ));
    }
    blank(input)?;
    let within = if keyword(input, "within")?.is_some() {
        let word = value(input)?;
        let span = duration(&word.text).map_err(|cause| {
            ErrMode::Cut(
                Mistake::new(word.span.clone(), cause).hint("e.g. `soft_bounces within 30d >= 3`"),
            )
        })?;
        Some((span, word.span))
    } else {
        None
    };
    Ok(Phrase {
        name,
        attribute,
        within,
        test: test(input)?,
    })
}

fn test(input: &mut Input<'_>) -> Parsed<Option<Test>> {
    let start = input.current_token_start();
    let checkpoint = input.checkpoint();
    let signs: &str = take_while(0.., ['=', '!', '<', '>', '~']).parse_next(input)?;
    let mut end = input.current_token_start();
    let (operator, negated) = match signs {
        "" => {
            let Some((operator, negated, word_end)) = word_operator(input)? else {
                // A flag may stand alone; anything else but the end of a condition is a mistake.
                input.reset(&checkpoint);
                return flag_alone(input);
            };
            end = word_end;
            (operator, negated)
        }
        "=" | "==" => (Operator::Equal, false),
        "!=" | "<>" => (Operator::Equal, true),
        "<" => (Operator::Less, false),
        "<=" => (Operator::LessOrEqual, false),
        ">" => (Operator::Greater, false),
        ">=" => (Operator::GreaterOrEqual, false),
        "~" => (Operator::Matches, false),
        "!~" => (Operator::Matches, true),
        other => {
            return Err(ErrMode::Cut(
                Mistake::new(start..end, format!("`{other}` is no operator")).hint(OPERATORS),
            ));
        }
    };
    blank(input)?;
    let values = match operator {
        Operator::Empty => Vec::new(),
        Operator::In => list(input)?,
        Operator::Between => {
            let low = value(input)?;
            if keyword(input, "and")?.is_none() {
                let hint = "write `name between LOW and HIGH`";
                return stop(input, 1, "`and` was expected here", hint);
            }
            vec![low, value(input)?]
        }
        _ => vec![value(input)?],
    };
    Ok(Some(Test {
        operator,
        negated,
        span: start..end,
        values,
    }))
}

fn flag_alone(input: &mut Input<'_>) -> Parsed<Option<Test>> {
    let checkpoint = input.checkpoint();
    let ends = input.is_empty()
        || input.starts_with(')')
        || keyword(input, "and")?.is_some()
        || keyword(input, "or")?.is_some();
    input.reset(&checkpoint);
    if ends {
        return Ok(None);
    }
    let start = input.current_token_start();
    let word: &str = take_while(0.., |c: char| !c.is_whitespace()).parse_next(input)?;
    let mistake = Mistake::new(
        start..start + word.len(),
        format!("an operator was expected here, `{word}` is none"),
    );
    Err(ErrMode::Cut(mistake.hint(OPERATORS)))
}

const OPERATORS: &str = "operators are = != < <= > >= in between like starts ends contains matches, \
`is empty` and `is not empty`; `not` may stand before a word";

/// An operator in words, whether it is negated, and where it ends.
fn word_operator(input: &mut Input<'_>) -> Parsed<Option<(Operator, bool, usize)>> {
    const WORDS: &[(&str, Operator)] = &[
        ("between", Operator::Between),
        ("contains", Operator::Contains),
        ("ends", Operator::Ends),
        ("in", Operator::In),
        ("like", Operator::Like),
        ("matches", Operator::Matches),
        ("regex", Operator::Matches),
        ("starts", Operator::Starts),
    ];
    if keyword(input, "is")?.is_some() {
        let negated = keyword(input, "not")?.is_some();
        return match keyword(input, "empty")? {
            Some(end) => Ok(Some((Operator::Empty, negated, end))),
            None => stop(
                input,
                1,
                "`empty` or `not empty` was expected after `is`",
                OPERATORS,
            ),
        };
    }
    let negated = keyword(input, "not")?.is_some();
    for (word, operator) in WORDS {
        if let Some(mut end) = keyword(input, word)? {
            if matches!(operator, Operator::Starts | Operator::Ends) {
                end = keyword(input, "with")?.unwrap_or(end);
            }
            return Ok(Some((*operator, negated, end)));
        }
    }
    Ok(None)
}

fn list(input: &mut Input<'_>) -> Parsed<Vec<Word>> {
    let open = input.current_token_start();
    if opt(one_of('(')).parse_next(input)?.is_none() {
        return stop(
            input,
            1,
            "a list in parentheses was expected here",
            "write `name in (a, b, c)`",
        );
    }
    let mut values = Vec::new();
    loop {
        blank(input)?;
        values.push(value(input)?);
        if values.len() > MOST_VALUES {
            return stop(
                input,
                1,
                "the list is too long",
                "import the values as an attribute of the contacts, and filter by that",
            );
        }
        if opt(preceded(multispace0, one_of(',')))
            .parse_next(input)?
            .is_some()
        {
            continue;
        }
        if opt(one_of(')')).parse_next(input)?.is_some() {
            blank(input)?;
            return Ok(values);
        }
        if input.is_empty() {
            return Err(ErrMode::Cut(
                Mistake::new(open..open + 1, "this `(` is never closed")
                    .hint("add a `)` after the last value"),
            ));
        }
        return stop(
            input,
            1,
            "`,` or `)` was expected here",
            "values with blanks stand in quotes: 'like this'",
        );
    }
}

/// A value, with the blanks after it.
fn value(input: &mut Input<'_>) -> Parsed<Word> {
    let start = input.current_token_start();
    let quote = input.chars().next().filter(|c| matches!(c, '\'' | '"'));
    let text = if let Some(quote) = quote {
        quoted(input, quote)?
    } else {
        let bare = |c: char| !c.is_whitespace() && !matches!(c, '(' | ')' | ',' | '\'' | '"');
        take_while(0.., bare).parse_next(input)?.to_owned()
    };
    if text.is_empty() && quote.is_none() {
        return stop(
            input,
            1,
            "a value was expected here",
            "text with blanks or signs stands in quotes: 'like this'",
        );
    }
    let span = start..input.current_token_start();
    blank(input)?;
    Ok(Word {
        text,
        quoted: quote.is_some(),
        span,
    })
}

/// Text in quotes; the quote itself is written twice.
fn quoted(input: &mut Input<'_>, quote: char) -> Parsed<String> {
    let start = input.current_token_start();
    one_of(quote).parse_next(input)?;
    let mut text = String::new();
    loop {
        text += take_while(0.., |c| c != quote).parse_next(input)?;
        if opt(one_of(quote)).parse_next(input)?.is_none() {
            return Err(ErrMode::Cut(
                Mistake::new(start..start + 1, "this quote is never closed")
                    .hint(format!("a {quote} inside the text is written twice")),
            ));
        }
        if opt(one_of(quote)).parse_next(input)?.is_none() {
            return Ok(text);
        }
        text.push(quote);
    }
}
