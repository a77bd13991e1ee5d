//! Filters as SQL against the same filters evaluated in memory, on contacts and filters made at
//! random.

use proptest::prelude::*;

use super::*;
use crate::{
    address::AddressKey,
    classify::{Permanence, Reason},
    event::{EventKey, EventKind},
    store::{DoNotContact, EventRow, NewContact, Store, StoreError},
    suppression::{Entry, Grounds, Policy},
    time::{DAY, HOUR, Timestamp},
};

const NOW: Timestamp = Timestamp(20_000 * DAY + 5 * HOUR);

/// What is known of somebody.
#[derive(Clone, Debug)]
struct Person {
    city: Option<&'static str>,
    age: Option<i64>,
    /// Grounds, and in how many hours it ends.
    listed: Vec<(Grounds, Option<i64>)>,
    /// Whether soft, and how many hours ago.
    bounces: Vec<(bool, i64)>,
    /// How many hours ago.
    replies: Vec<i64>,
}

/// A condition as it is written, and what it asks.
#[derive(Clone, Debug)]
enum Asked {
    City(Word, &'static str, bool),
    NoCity(bool),
    Age(Order, i64),
    AgeBetween(i64, i64, bool),
    AgeIn(i64, i64, bool),
    On(Grounds, bool),
    Contactable(bool),
    Bounces(Option<bool>, Option<i64>, Order, i64),
    LastBounce(Order, i64),
    NeverBounced(bool),
    LastReply(Order, i64),
    And(Vec<Asked>),
    Or(Vec<Asked>),
    Not(Box<Asked>),
}

#[derive(Clone, Copy, Debug)]
enum Word {
    Is,
    Starts,
    Ends,
    Contains,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    const fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Without a value nothing holds but `!=`.
    fn holds(self, value: Option<i64>, with: i64) -> bool {
        let Some(value) = value else {
            return matches!(self, Self::NotEqual);
        };
        match self {
            Self::Equal => value == with,
            Self::NotEqual => value != with,
            Self::Less => value < with,
            Self::LessOrEqual => value <= with,
            Self::Greater => value > with,
            Self::GreaterOrEqual => value >= with,
        }
    }
}

/// Of the latest of so many hours ago. `=` means the whole day, the others the moment.
fn latest(hours: impl Iterator<Item = i64>, order: Order, days: i64) -> bool {
    let last = hours.min();
    match order {
        Order::Equal | Order::NotEqual => {
            let day = last.map(|hours| (NOW.0 - hours * HOUR).div_euclid(DAY));
            order.holds(day, NOW.0.div_euclid(DAY) - days)
        }
        _ => order.holds(last.map(|hours| -hours), -24 * days),
    }
}

fn name(grounds: Grounds) -> &'static str {
    match grounds {
        Grounds::Bounce => "bounced",
        Grounds::Unsubscribe => "unsubscribed",
        _ => "complained",
    }
}

const fn not(negated: bool) -> &'static str {
    if negated { "not " } else { "" }
}

impl Asked {
    fn text(&self) -> String {
        let joined = |parts: &[Self], word: &str| {
            let parts: Vec<String> = parts
                .iter()
                .map(|part| format!("({})", part.text()))
                .collect();
            parts.join(word)
        };
        match self {
            Self::City(Word::Is, text, negated) => {
                format!(
                    "contact.city {} '{text}'",
                    if *negated { "!=" } else { "=" }
                )
            }
            Self::City(word, text, negated) => {
                let word = format!("{word:?}").to_lowercase();
                format!("contact.city {}{word} '{text}'", not(*negated))
            }
            Self::NoCity(negated) => format!("contact.city is {}empty", not(*negated)),
            Self::Age(order, number) => format!("contact.age {} {number}", order.text()),
            Self::AgeBetween(low, high, negated) => {
                format!("contact.age {}between {low} and {high}", not(*negated))
            }
            Self::AgeIn(one, other, negated) => {
                format!("contact.age {}in ({one}, {other})", not(*negated))
            }
            Self::On(grounds, yes) => {
                format!("{} = {}", name(*grounds), if *yes { "yes" } else { "no" })
            }
            Self::Contactable(yes) => format!("contactable = {}", if *yes { "yes" } else { "no" }),
            Self::Bounces(soft, within, order, number) => {
                let name = match soft {
                    None => "bounces",
                    Some(true) => "soft_bounces",
                    Some(false) => "hard_bounces",
                };
                let window = within.map_or_else(String::new, |days| format!(" within {days}d"));
                format!("{name}{window} {} {number}", order.text())
            }
            Self::LastBounce(order, days) => format!("last_bounce {} -{days}d", order.text()),
            Self::NeverBounced(negated) => format!("last_bounce is {}empty", not(*negated)),
            Self::LastReply(order, days) => format!("last_reply {} -{days}d", order.text()),
            Self::And(parts) => joined(parts, " and "),
            Self::Or(parts) => joined(parts, " or "),
            Self::Not(inner) => format!("not ({})", inner.text()),
        }
    }

    fn holds(&self, person: &Person) -> bool {
        match self {
            Self::City(word, text, negated) => {
                let city = person.city.unwrap_or_default().to_lowercase();
                let text = text.to_lowercase();
                let found = person.city.is_some()
                    && match word {
                        Word::Is => city == text,
                        Word::Starts => city.starts_with(&text),
                        Word::Ends => city.ends_with(&text),
                        Word::Contains => city.contains(&text),
                    };
                found != *negated
            }
            Self::NoCity(negated) => person.city.is_none_or(str::is_empty) != *negated,
            Self::Age(order, number) => order.holds(person.age, *number),
            Self::AgeBetween(low, high, negated) => {
                person.age.is_some_and(|age| (*low..=*high).contains(&age)) != *negated
            }
            Self::AgeIn(one, other, negated) => {
                person.age.is_some_and(|age| [*one, *other].contains(&age)) != *negated
            }
            Self::On(grounds, yes) => person.is_on(|other| other == *grounds) == *yes,
            Self::Contactable(yes) => person.is_on(|_| true) != *yes,
            Self::Bounces(soft, within, order, number) => {
                let counts = |(is_soft, hours): &&(bool, i64)| {
                    soft.is_none_or(|soft| soft == *is_soft)
                        && within.is_none_or(|days| *hours < 24 * days)
                };
                let count = person.bounces.iter().filter(counts).count();
                order.holds(i64::try_from(count).ok(), *number)
            }
            Self::LastBounce(order, days) => latest(
                person.bounces.iter().map(|(_, hours)| *hours),
                *order,
                *days,
            ),
            Self::NeverBounced(negated) => person.bounces.is_empty() != *negated,
            Self::LastReply(order, days) => latest(person.replies.iter().copied(), *order, *days),
            Self::And(parts) => parts.iter().all(|part| part.holds(person)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(person)),
            Self::Not(inner) => !inner.holds(person),
        }
    }
}

impl Person {
    fn is_on(&self, grounds: impl Fn(Grounds) -> bool) -> bool {
        let mut listed = self.listed.iter();
        listed.any(|(other, ends)| grounds(*other) && ends.is_none_or(|hours| hours > 0))
    }
}

const CITIES: [&str; 5] = ["Graz", "GRÄZ", "Wien", "Wiener_Neustadt", ""];
const TEXTS: [&str; 7] = ["graz", "Gräz", "wi", "N", "_", "%", "stadt"];
const LISTS: [Grounds; 3] = [Grounds::Bounce, Grounds::Unsubscribe, Grounds::Complaint];

fn person() -> impl Strategy<Value = Person> {
    // Whole days among them: that is where `<` and `<=` differ.
    let hours = || prop_oneof![0..80_i64, (0..4_i64).prop_map(|days| 24 * days)];
    (
        proptest::option::of(proptest::sample::select(&CITIES[..])),
        proptest::option::of(0..5_i64),
        proptest::collection::vec(
            (
                proptest::sample::select(&LISTS[..]),
                proptest::option::of(-2..3_i64),
            ),
            0..3,
        ),
        proptest::collection::vec((any::<bool>(), hours()), 0..4),
        proptest::collection::vec(hours(), 0..3),
    )
        .prop_map(|(city, age, mut listed, bounces, replies)| {
            listed.sort_by_key(|(grounds, _)| *grounds);
            listed.dedup_by_key(|(grounds, _)| *grounds);
            Person {
                city,
                age,
                listed,
                bounces,
                replies,
            }
        })
}

fn asked() -> impl Strategy<Value = Asked> {
    let order = || {
        proptest::sample::select(vec![
            Order::Equal,
            Order::NotEqual,
            Order::Less,
            Order::LessOrEqual,
            Order::Greater,
            Order::GreaterOrEqual,
        ])
    };
    let word = proptest::sample::select(vec![Word::Is, Word::Starts, Word::Ends, Word::Contains]);
    let leaf = prop_oneof![
        (word, proptest::sample::select(&TEXTS[..]), any::<bool>())
            .prop_map(|(word, text, negated)| Asked::City(word, text, negated)),
        any::<bool>().prop_map(Asked::NoCity),
        (order(), 0..5_i64).prop_map(|(order, number)| Asked::Age(order, number)),
        (0..5_i64, 0..5_i64, any::<bool>()).prop_map(|(a, b, n)| Asked::AgeBetween(a, b, n)),
        (0..5_i64, 0..5_i64, any::<bool>()).prop_map(|(a, b, n)| Asked::AgeIn(a, b, n)),
        (proptest::sample::select(&LISTS[..]), any::<bool>())
            .prop_map(|(g, yes)| Asked::On(g, yes)),
        any::<bool>().prop_map(Asked::Contactable),
        (
            proptest::option::of(any::<bool>()),
            proptest::option::of(1..4_i64),
            order(),
            0..4_i64
        )
            .prop_map(|(soft, within, order, n)| Asked::Bounces(soft, within, order, n)),
        (order(), 0..4_i64).prop_map(|(order, days)| Asked::LastBounce(order, days)),
        any::<bool>().prop_map(Asked::NeverBounced),
        (order(), 0..4_i64).prop_map(|(order, days)| Asked::LastReply(order, days)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Asked::And),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Asked::Or),
            inner.prop_map(|inner| Asked::Not(Box::new(inner))),
        ]
    })
}

fn key(number: usize) -> AddressKey {
    AddressKey::parse(&format!("a{number}@example.com")).unwrap()
}

fn event(number: usize, kind: EventKind, soft: bool, at: i64, name: usize) -> EventRow {
    let bounce = kind == EventKind::Bounce;
    EventRow {
        key: EventKey::of(&[
            &number.to_be_bytes(),
            &name.to_be_bytes(),
            kind.name().as_bytes(),
        ]),
        source: "m".into(),
        kind,
        reason: bounce.then_some(Reason::Undefined),
        permanence: bounce.then_some(if soft {
            Permanence::Soft
        } else {
            Permanence::Hard
        }),
        rule: None,
        address: Some(key(number)),
        reported: None,
        send_hash: None,
        status: None,
        reply_code: None,
        receiving_host: String::new(),
        diagnostic: String::new(),
        raw_type: String::new(),
        note: String::new(),
        content: None,
        occurred_at: Timestamp(at),
        received_at: NOW,
        expires_at: None,
        run: 1,
    }
}

fn store_of(people: &[Person]) -> Store {
    let mut store = Store::open_in_memory().unwrap();
    let batch = store.begin().unwrap();
    for (number, person) in people.iter().enumerate() {
        let mut attributes = serde_json::Map::new();
        attributes.extend(person.city.map(|city| ("city".to_owned(), city.into())));
        attributes.extend(
            person
                .age
                .map(|age| ("age".to_owned(), age.to_string().into())),
        );
        let contact = NewContact {
            external_id: Some(number.to_string()),
            address: key(number).to_string(),
            key: key(number),
            attributes: serde_json::Value::from(attributes).to_string(),
        };
        batch.import_contacts(&[contact], NOW).unwrap();
        let listed = person.listed.iter().map(|(grounds, ends)| DoNotContact {
            address: key(number),
            entry: Entry {
                grounds: *grounds,
                detail: None,
                since: NOW,
                comment: String::new(),
                event: None,
                run: 1,
                expires_at: ends.map(|hours| Timestamp(NOW.0 + hours * HOUR)),
            },
        });
        batch.write_entries(&listed.collect::<Vec<_>>()).unwrap();
        let ago = |hours: &i64| NOW.0 - hours * HOUR;
        let bounces = person.bounces.iter().enumerate();
        let mut rows: Vec<EventRow> = bounces
            .map(|(name, (soft, hours))| event(number, EventKind::Bounce, *soft, ago(hours), name))
            .collect();
        let replies = person.replies.iter().enumerate();
        rows.extend(
            replies.map(|(name, hours)| event(number, EventKind::Reply, false, ago(hours), name)),
        );
        batch.insert_events(&rows).unwrap();
    }
    batch.commit().unwrap();
    store
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_filter_finds_in_the_database_whom_it_finds_in_memory(
        people in proptest::collection::vec(person(), 1..8),
        filters in proptest::collection::vec(asked(), 1..6),
    ) {
        let store = store_of(&people);
        let names = Names {
            segments: Vec::new(),
            attributes: vec!["city".into(), "age".into()],
        };
        let mut compiled = Vec::new();
        for asked in &filters {
            let text = asked.text();
            let expression = Expression::parse(&text, &names)
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            compiled.push(store.compile_filter(&expression, &Policy::default(), NOW).unwrap());
        }
        let wanted = |asked: &Asked| -> Vec<String> {
            let people = people.iter().enumerate();
            people
                .filter(|(_, person)| asked.holds(person))
                .map(|(number, _)| number.to_string())
                .collect()
        };
        // One by one, all in one pass, and for some of them only.
        let all: Vec<&Compiled> = compiled.iter().collect();
        let (swept, everybody) = store.evaluate_all(&all).unwrap();
        let some = store.evaluate_some(&all, &everybody).unwrap();
        for (index, asked) in filters.iter().enumerate() {
            let (mut found, mut ids) = (Vec::new(), Vec::new());
            store
                .for_each_meeting(&compiled[index], |contact| {
                    ids.push(contact.id);
                    found.extend(contact.external_id);
                    Ok::<(), StoreError>(())
                })
                .unwrap();
            prop_assert_eq!(&found, &wanted(asked), "{}: {:?}", asked.text(), people);
            prop_assert_eq!(swept[index].iter().collect::<Vec<_>>(), ids.clone(), "{}", asked.text());
            prop_assert_eq!(some[index].iter().collect::<Vec<_>>(), ids, "{}", asked.text());
        }
    }
}
