//! The table against the real schema, the language against its own spelling.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::*;
use crate::{
    address::AddressKey,
    store::{NewContact, OpenOptions, Segment, Store},
    suppression::Policy,
    time::{DAY, Timestamp},
};

const NOW: Timestamp = Timestamp(20_000 * DAY + 5000);

fn names() -> Names {
    Names {
        segments: vec!["Customers".into(), "It's".into()],
        attributes: vec!["city".into()],
    }
}

fn read(text: &str) -> Expression {
    Expression::parse(text, &names()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A filter for every row, operator and negation.
fn every_filter() -> Vec<String> {
    let mut all = Vec::new();
    for filter in FILTERS.iter().chain([&ATTRIBUTE]) {
        let name = if filter.value == ValueType::Attribute {
            "contact.city"
        } else {
            filter.name
        };
        let values: &[&str] = match filter.value {
            ValueType::Flag => &["yes", "no"],
            ValueType::Text | ValueType::LowerText => &["'Some text'", "''"],
            ValueType::Domain => &["bücher.example"],
            ValueType::Word(words) => &[words.all()[0]],
            ValueType::Number => &["3", "2.5", "-1"],
            ValueType::Date => &[
                "2026-01-31",
                "'2026-01-31 15:00'",
                "today",
                "today-7d",
                "-30d",
            ],
            ValueType::Segment => &["'Customers'", "'It''s'"],
            ValueType::Attribute => &["'x'", "3", "yes", "2026-01-31", "-30d"],
        };
        let windows: &[&str] = if filter.has_window() {
            &["", " within 30d"]
        } else {
            &[""]
        };
        for operator in filter.operators {
            for (negated, window, value) in [false, true]
                .into_iter()
                .flat_map(|negated| windows.iter().map(move |window| (negated, window)))
                .flat_map(|(negated, window)| {
                    values.iter().map(move |value| (negated, window, value))
                })
            {
                let word = operator.text(negated && !operator.is_order());
                let rest = match operator {
                    Operator::Empty => String::new(),
                    Operator::In => format!("({value}, {value})"),
                    Operator::Between => format!("{value} and {value}"),
                    Operator::Matches => "'^a.*b$'".into(),
                    _ => (*value).to_owned(),
                };
                let not = if negated && operator.is_order() {
                    "not "
                } else {
                    ""
                };
                all.push(format!("{not}{name}{window} {word} {rest}"));
            }
        }
    }
    all
}

#[test]
fn every_filter_and_operator_runs_on_the_real_schema_in_both_shapes() {
    let store = Store::open_in_memory().unwrap();
    let policy = Policy::default();
    let segments = HashMap::from([("Customers".into(), 1), ("It's".into(), 2)]);
    let terms = Terms {
        now: NOW,
        policy: &policy,
        segments: &segments,
        undone_runs: 0,
    };
    let filters = every_filter();
    assert!(filters.len() > 400, "{}", filters.len());
    let compiled: Vec<Compiled> = filters
        .iter()
        .map(|text| compile(&read(text), &terms))
        .collect();
    for (text, filter) in filters.iter().zip(&compiled) {
        store
            .evaluate_all(&[filter])
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        store
            .evaluate_some(&[filter], &Bits::from_iter([1]))
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        for sql in filter
            .atoms
            .iter()
            .flat_map(|atom| atom.crossings(Timestamp(0), NOW))
        {
            store
                .collect_ids(&sql, &mut Bits::default())
                .unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }
    let all: Vec<&Compiled> = compiled.iter().collect();
    store.evaluate_all(&all).unwrap();
}

#[test]
fn every_filter_is_written_as_it_is_read() {
    for text in every_filter() {
        let expression = read(&text);
        let plain = expression.to_string();
        assert_eq!(read(&plain), expression, "{text} → {plain}");
    }
    for filter in FILTERS {
        if !filter.example.contains("segment") {
            read(filter.example);
        }
    }
}

#[test]
fn names_of_filters_are_unique_words() {
    for (index, filter) in FILTERS.iter().enumerate() {
        assert!(
            FILTERS[..index].iter().all(|other| other != filter),
            "{} twice",
            filter.name
        );
        assert!(
            filter
                .name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '_')
        );
    }
}

#[test]
fn text_never_reaches_the_statement() {
    let policy = Policy::default();
    let segments = HashMap::new();
    let terms = Terms {
        now: NOW,
        policy: &policy,
        segments: &segments,
        undone_runs: 0,
    };
    for text in [
        "contact.'x''); DROP TABLE contact; --' = 'EVIL'",
        "address like 'EVIL%' and domain in (EVIL, 'EVIL') or diagnostic contains 'EVIL'",
        "contact.n between EVIL and 'EVIL' or provider matches 'EVIL'",
    ] {
        let (sql, values) = {
            let predicate = compile(&read(text), &terms).predicate();
            let (sql, values) = predicate.finish();
            (sql, values.len())
        };
        assert!(
            !sql.to_lowercase().contains("evil") && !sql.contains("DROP"),
            "{sql}"
        );
        assert!(values > 0);
    }
}

fn mistake(text: &str) -> (usize, String, String) {
    let error = Expression::parse(text, &names()).unwrap_err();
    let [line, carets] = error.picture();
    assert!(carets.trim_start().starts_with('^'), "{line}\n{carets}");
    (
        error.position().1,
        error.to_string(),
        error.hint().to_owned(),
    )
}

#[test]
fn mistakes_point_at_their_column_and_suggest() {
    for (text, column, cause, hint) in [
        ("bouncd = yes", 1, "`bouncd`", "did you mean `bounced`?"),
        (
            "bounced = yes and cty = 'x'",
            19,
            "`cty`",
            "did you mean `city`?",
        ),
        ("bounced = maybe", 11, "yes or no", "bounced = yes"),
        (
            "not (bounced or score >= three)",
            26,
            "`three`",
            "score >= 3",
        ),
        ("(bounced", 1, "never closed", ")"),
        ("bounced)", 8, "closes nothing", "("),
        ("bounced and", 12, "condition was expected", "bounced = yes"),
        ("and bounced", 1, "before `and`", "condition"),
        ("", 1, "empty", "bounced = yes"),
        ("  ", 3, "empty", "bounced = yes"),
        ("bounced equals yes", 9, "`equals`", "operators are"),
        ("bounced => yes", 9, "`=>`", "operators are"),
        ("bounced < yes", 9, "no operator `<`", "it has ="),
        (
            "bounced within 30d",
            16,
            "cannot be limited",
            "soft_bounces",
        ),
        ("soft_bounces within soon > 1", 21, "`soon`", "within 30d"),
        (
            "soft_bounces within 30d",
            13,
            "operator and a value",
            "soft_bounces",
        ),
        (
            "score between 1 or 2",
            17,
            "`and` was expected",
            "between LOW and HIGH",
        ),
        ("domain in a", 11, "list in parentheses", "(a, b, c)"),
        ("domain in (a b)", 14, "`,` or `)`", "quotes"),
        ("domain in (a, b", 11, "never closed", ")"),
        ("address = 'anna", 11, "quote is never closed", "twice"),
        ("address =", 10, "value was expected", "quotes"),
        ("address matches '(a'", 17, "regular expression", "contains"),
        (
            "bounce_reason = mailbox_ful",
            17,
            "`mailbox_ful`",
            "mailbox_full",
        ),
        ("bounce_fault = me", 16, "`me`", "recipient_host"),
        (
            "segment = Custmers",
            11,
            "no segment `Custmers`",
            "Customers",
        ),
        ("last_bounce > soon", 15, "`soon`", "-30d"),
        ("last_bounce = -5h", 15, "compares days", "today"),
        ("contact.'a\"b' = 1", 9, "cannot be filtered by", "--map"),
        ("contact. = 1", 9, "attribute was expected", "contact.city"),
        (
            "address = anna@example.com bert@example.com",
            28,
            "`and`, `or`",
            "quotes",
        ),
        ("contact.größe = 1 and x", 23, "`x`", "contact.x"),
    ] {
        let (at, told, way) = mistake(text);
        assert_eq!(at, column, "{text}: {told}");
        assert!(told.contains(cause), "{text}: {told}");
        assert!(way.contains(hint), "{text}: {way}");
    }
}

#[test]
fn what_is_out_of_proportion_is_refused() {
    let (_, told, _) = mistake(&format!(
        "{}bounced{}",
        "(".repeat(100_000),
        ")".repeat(100_000)
    ));
    assert!(told.contains("too deeply"), "{told}");
    let (_, told, _) = mistake(&format!("{}bounced", "not ".repeat(100_000)));
    assert!(told.contains("too deeply"), "{told}");
    let (_, told, _) = mistake(&vec!["bounced"; 1000].join(" or "));
    assert!(told.contains("too many conditions"), "{told}");
    let (_, told, _) = mistake(&format!("domain in ({})", vec!["a"; 10_000].join(", ")));
    assert!(told.contains("too long"), "{told}");
}

/// Found by ten fetches beside the first build of a segment: what they committed meanwhile was seen
/// by no later build.
#[test]
fn what_is_committed_during_the_first_build_is_seen_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let mut store = Store::open(&path, OpenOptions::default()).unwrap();
    let other = RefCell::new(Store::open(&path, OpenOptions::default()).unwrap());
    let batch = store.begin().unwrap();
    let id = batch
        .create_segment(&Segment {
            filter: "domain = example.com".into(),
            ..Segment::new("all", NOW)
        })
        .unwrap();
    batch.commit().unwrap();
    let policy = Policy::default();
    let segments = HashSet::from([id]);
    let choice = Choice {
        segments: &segments,
        full: false,
        batch: 100,
        most: None,
        dry_run: false,
        now: NOW,
        policy: &policy,
    };
    // The stopwatch is read for the second time between looking and writing.
    let looks = Cell::new(0);
    let meanwhile = || {
        looks.set(looks.get() + 1);
        if looks.get() == 2 {
            let mut other = other.borrow_mut();
            let batch = other.begin().unwrap();
            let address = "anna@example.com";
            let contact = NewContact {
                external_id: None,
                address: address.into(),
                key: AddressKey::parse(address).unwrap(),
                attributes: "{}".into(),
            };
            batch.import_contacts(&[contact], NOW).unwrap();
            batch.commit().unwrap();
        }
        Duration::ZERO
    };
    let built = update(&mut store, &choice, &meanwhile).unwrap();
    assert_eq!((built[0].mode, built[0].added), (Mode::Full, 0));
    let built = update(&mut store, &choice, &|| Duration::ZERO).unwrap();
    assert_eq!((built[0].mode, built[0].added), (Mode::Incremental, 1));
}
