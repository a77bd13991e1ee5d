//! Contacts from elsewhere: who each of a whole chunk is, found out at once, then written at once.
//!
//! What a row says may decide who a later one is: an address that moved, an external id that came.
//! So the rows go through what is known of all of them in their order, in memory; what they change
//! is written afterwards, first the new contacts, then the changes. A contact that several rows
//! change is changed by each in turn: every round of changes touches a contact once.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;

use super::engine::Value;
use super::{Batch, ImportCounts, NewContact, StoreError};
use crate::{ascending::ascending, time::Timestamp};

const ADD: &str = "
    INSERT INTO contact (external_id, address, address_key, domain, attributes, created_at, changed_at)
    VALUES ($1, $2, $3, $4, json_patch('{}', $5), $6, $6)";

impl Batch<'_> {
    /// Upserts by external id where one is given, else by address. New attributes are merged over
    /// the old ones (JSON merge patch: null removes).
    pub fn import_contacts(
        &self,
        contacts: &[NewContact],
        now: Timestamp,
    ) -> Result<ImportCounts, StoreError> {
        self.remember(&contacts.iter().map(|new| &new.key).collect::<Vec<_>>())?;
        let plan = Plan::of(self, contacts)?;
        let ids = self.add_contacts(contacts, &plan, now)?;
        let mut counts = ImportCounts {
            added: plan.added.len() as u64,
            ..ImportCounts::default()
        };
        for round in &plan.changed {
            for changed in self.change_contacts(contacts, round, &ids, now)? {
                if changed == 0 {
                    counts.unchanged += 1;
                } else {
                    counts.updated += 1;
                }
            }
        }
        self.note_changed(plan.added.iter().map(|row| &contacts[*row].key))?;
        Ok(counts)
    }

    /// The ids of the new contacts; none where none of them is changed by a later row: SQLite makes a
    /// table for what each row answers.
    fn add_contacts(
        &self,
        contacts: &[NewContact],
        plan: &Plan,
        now: Timestamp,
    ) -> Result<Vec<i64>, StoreError> {
        let mut changed = plan.changed.iter().flatten();
        let statement = if changed.any(|(_, id)| matches!(id, Id::Added(_))) {
            &format!("{ADD} RETURNING id")
        } else {
            ADD
        };
        let mut insert = self.transaction.prepare_cached(statement)?;
        let rows = plan.added.iter().map(|row| values(&contacts[*row], now));
        let ids: Vec<Vec<i64>> = insert.query_each(rows, |row| row.get(0))?;
        Ok(ids.into_iter().flatten().collect())
    }

    /// Of each row, how many contacts it changed: 0 or 1.
    fn change_contacts(
        &self,
        contacts: &[NewContact],
        round: &[(usize, Id)],
        added: &[i64],
        now: Timestamp,
    ) -> Result<Vec<usize>, StoreError> {
        let mut update = self.transaction.prepare_cached(
            "UPDATE contact SET external_id = coalesce($1, external_id), address = $2, address_key = $3, domain = $4,
                    attributes = json_patch(attributes, $5), changed_at = $6
             WHERE id = $7 AND (address IS DISTINCT FROM $2 OR address_key IS DISTINCT FROM $3 OR coalesce($1, external_id) IS DISTINCT FROM external_id
                    OR json_patch(attributes, $5) IS DISTINCT FROM attributes)",
        )?;
        update.execute_for_distinct(round.iter().map(|(row, id)| {
            let id = match id {
                Id::Known(id) => *id,
                Id::Added(number) => added[*number],
            };
            let [external_id, address, key, domain, attributes, at] = values(&contacts[*row], now);
            [
                external_id,
                address,
                key,
                domain,
                attributes,
                at,
                Value::Integer(id),
            ]
        }))
    }
}

/// What a row writes of a contact, and when.
fn values(new: &NewContact, now: Timestamp) -> [Value<'_>; 6] {
    [
        new.external_id.as_deref().into(),
        Value::Text(&new.address),
        Value::Text(new.key.as_str()),
        Value::Text(new.key.domain()),
        Value::Text(&new.attributes),
        Value::Integer(now.0),
    ]
}

/// Older contacts first, then new ones in the order they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Id {
    Known(i64),
    /// The n-th new one.
    Added(usize),
}

/// What becomes of the rows of a chunk.
#[derive(Default)]
struct Plan {
    /// Rows that are new contacts.
    added: Vec<usize>,
    /// Rows that change a contact; within a round each another one.
    changed: Vec<Vec<(usize, Id)>>,
}

impl Plan {
    fn of(batch: &Batch<'_>, contacts: &[NewContact]) -> Result<Self, StoreError> {
        let mut people = People::read(batch, contacts)?;
        let mut plan = Self::default();
        for (row, new) in contacts.iter().enumerate() {
            let address = people.numbers[new.key.as_str()];
            let external_id = new.external_id.as_deref();
            let Some(id) = people.find(external_id, address) else {
                people.put(Id::Added(plan.added.len()), external_id, address);
                plan.added.push(row);
                continue;
            };
            let round = people.change(id, external_id, address);
            if plan.changed.len() == round {
                plan.changed.push(Vec::new());
            }
            plan.changed[round].push((row, id));
        }
        Ok(plan)
    }
}

/// Addresses of a chunk are numbered.
type Address = usize;

struct Person {
    /// `None`: one that is not in the chunk.
    address: Option<Address>,
    has_external_id: bool,
    /// How often it was changed.
    changes: usize,
}

/// Everybody who can be meant by a row of the chunk.
struct People<'c> {
    numbers: HashMap<&'c str, Address, RandomState>,
    with_external_id: HashMap<&'c str, Id, RandomState>,
    /// Address, whether there is an external id, who.
    at: BTreeSet<(Address, bool, Id)>,
    known: HashMap<Id, Person, RandomState>,
}

impl<'c> People<'c> {
    fn read(batch: &Batch<'_>, contacts: &'c [NewContact]) -> Result<Self, StoreError> {
        let mut people = Self {
            numbers: HashMap::default(),
            with_external_id: HashMap::default(),
            at: BTreeSet::new(),
            known: HashMap::default(),
        };
        for new in contacts {
            let next = people.numbers.len();
            people.numbers.entry(new.key.as_str()).or_insert(next);
        }
        let mut movable = HashMap::<Address, i64, RandomState>::default();
        let ids = contacts.iter().filter_map(|new| new.external_id.as_deref());
        let ids = distinct(ids);
        let mut select = batch
            .transaction
            .prepare_cached("SELECT id, address_key FROM contact WHERE external_id = $1")?;
        let numbers = &people.numbers;
        let found = select.query_each(ids.iter().map(|id| [Value::Text(id)]), |row| {
            Ok((Id::Known(row.get(0)?), numbers.get(row.text(1)?).copied()))
        })?;
        for (external_id, rows) in ids.into_iter().zip(found) {
            for (id, address) in rows {
                people.with_external_id.insert(external_id, id);
                people.place(id, address, true);
                if let Some(address) = address {
                    *movable.entry(address).or_default() += 1;
                }
            }
        }

        let is_found = |new: &&NewContact| {
            let id = new.external_id.as_deref();
            id.is_some_and(|id| people.with_external_id.contains_key(id))
        };
        let looked_for = || contacts.iter().filter(|new| !is_found(new));
        // One who has no external id can get one, and move by it later.
        for new in looked_for().filter(|new| new.external_id.is_some()) {
            let address = people.numbers[new.key.as_str()];
            *movable.entry(address).or_default() += 1;
        }
        let of = |named: bool| {
            let theirs = looked_for().filter(|new| new.external_id.is_some() == named);
            distinct(theirs.map(|new| new.key.as_str()))
        };
        // A row with an external id may give it to one who has none.
        let mut select = batch.transaction.prepare_cached(
            "SELECT id FROM contact WHERE address_key = $1 AND external_id IS NULL ORDER BY id",
        )?;
        let named = of(true);
        let without =
            select.query_each(named.iter().map(|key| [Value::Text(key)]), |row| row.get(0))?;
        // A row without means the first there is, when others have moved away.
        let mut select = batch.transaction.prepare_cached(
            "SELECT id, external_id IS NOT NULL FROM contact WHERE address_key = $1 ORDER BY id LIMIT $2",
        )?;
        let unnamed = of(false);
        let first = select.query_each(
            unnamed.iter().map(|key| {
                let away = movable.get(&people.numbers[key]).copied();
                [Value::Text(key), Value::Integer(away.unwrap_or(0) + 1)]
            }),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        for (key, rows) in named.into_iter().zip(without) {
            for id in rows {
                people.place(Id::Known(id), people.numbers.get(key).copied(), false);
            }
        }
        for (key, rows) in unnamed.into_iter().zip(first) {
            for (id, has_external_id) in rows {
                let address = people.numbers.get(key).copied();
                people.place(Id::Known(id), address, has_external_id);
            }
        }
        Ok(people)
    }

    /// Somebody is there; once however often they are found.
    fn place(&mut self, id: Id, address: Option<Address>, has_external_id: bool) {
        if let Some(address) = address {
            self.at.insert((address, has_external_id, id));
        }
        self.known.entry(id).or_insert(Person {
            address,
            has_external_id,
            changes: 0,
        });
    }

    /// Whom a row means.
    fn find(&self, external_id: Option<&str>, address: Address) -> Option<Id> {
        if let Some(id) = external_id
            && let Some(id) = self.with_external_id.get(id)
        {
            return Some(*id);
        }
        let first = |has_external_id: bool| {
            let start = (address, has_external_id, Id::Known(i64::MIN));
            let end = (address, has_external_id, Id::Added(usize::MAX));
            self.at.range(start..=end).next().map(|(_, _, id)| *id)
        };
        match (first(false), external_id) {
            (without, Some(_)) => without,
            (without, None) => [without, first(true)].into_iter().flatten().min(),
        }
    }

    /// A new one.
    fn put(&mut self, id: Id, external_id: Option<&'c str>, address: Address) {
        if let Some(external_id) = external_id {
            self.with_external_id.insert(external_id, id);
        }
        self.place(id, Some(address), external_id.is_some());
    }

    /// A row is written over one that is there. Answers how often that happened before.
    fn change(&mut self, id: Id, external_id: Option<&'c str>, address: Address) -> usize {
        let Some(person) = self.known.get_mut(&id) else {
            return 0;
        };
        if let Some(before) = person.address {
            self.at.remove(&(before, person.has_external_id, id));
        }
        if let Some(external_id) = external_id {
            self.with_external_id.insert(external_id, id);
            person.has_external_id = true;
        }
        person.address = Some(address);
        self.at.insert((address, person.has_external_id, id));
        person.changes += 1;
        person.changes - 1
    }
}

/// Each once, in the order that makes neighbours of those that share a page.
fn distinct<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let texts: Vec<&str> = texts.collect();
    let order = ascending(texts.iter().map(|text| text.as_bytes()));
    let mut texts: Vec<&str> = order.into_iter().map(|place| texts[place]).collect();
    texts.dedup();
    texts
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::{prelude::*, test_runner::TestRunner};

    use super::*;
    use crate::{
        address::AddressKey,
        store::{Contact, Store},
    };

    fn new(external_id: Option<u8>, address: u8, attributes: &str) -> NewContact {
        let address = format!("a{address}@example.com");
        NewContact {
            external_id: external_id.map(|id| id.to_string()),
            key: AddressKey::parse(&address).unwrap(),
            address,
            attributes: attributes.into(),
        }
    }

    /// What is there afterwards, and the counts; beforehand nothing is.
    fn imported(store: &mut Store, chunks: &[&[NewContact]]) -> (Vec<Contact>, ImportCounts) {
        store
            .connection
            .execute_batch("DELETE FROM contact")
            .unwrap();
        let mut counts = ImportCounts::default();
        for chunk in chunks {
            let batch = store.begin().unwrap();
            counts += batch.import_contacts(chunk, Timestamp(1)).unwrap();
            batch.commit().unwrap();
        }
        let mut contacts = Vec::new();
        store
            .for_each_contact(|contact| {
                contacts.push(contact);
                Ok::<_, StoreError>(())
            })
            .unwrap();
        // Numbers have gaps where a transaction was given up.
        for (id, contact) in contacts.iter_mut().enumerate() {
            contact.id = i64::try_from(id).unwrap();
        }
        (contacts, counts)
    }

    #[test]
    fn a_row_means_who_it_would_mean_alone() {
        let rows = [
            new(None, 1, r#"{"city":"Graz"}"#),
            // Gets an external id, moves, and leaves the address to another.
            new(Some(7), 1, r#"{"city":"Wien"}"#),
            new(Some(7), 2, "{}"),
            new(None, 1, r#"{"city":"Linz"}"#),
            new(None, 2, r#"{"city":null,"age":"9"}"#),
            new(None, 2, r#"{"age":"9"}"#),
            new(Some(8), 1, "{}"),
            new(Some(9), 1, "{}"),
        ];
        let (contacts, counts) = imported(&mut Store::open_in_memory().unwrap(), &[&rows]);
        let told: Vec<(Option<&str>, &str, &str)> = contacts
            .iter()
            .map(|c| (c.external_id.as_deref(), &*c.address, &*c.attributes))
            .collect();
        assert_eq!(
            told,
            [
                (Some("7"), "a2@example.com", r#"{"age":"9"}"#),
                (Some("8"), "a1@example.com", r#"{"city":"Linz"}"#),
                (Some("9"), "a1@example.com", "{}"),
            ]
        );
        assert_eq!((counts.added, counts.updated, counts.unchanged), (3, 4, 1));
    }

    #[test]
    fn who_moves_away_leaves_the_address_to_one_who_was_there_already() {
        let before = [
            new(None, 4, "{}"),
            new(Some(2), 0, "{}"),
            new(Some(2), 4, "{}"),
        ];
        let rows = [
            new(Some(3), 4, "{}"),
            new(Some(3), 0, "{}"),
            new(None, 4, "{}"),
        ];
        let mut store = Store::open_in_memory().unwrap();
        let (contacts, counts) = imported(&mut store, &[&before, &rows]);
        let told: Vec<_> = contacts
            .iter()
            .map(|c| (c.external_id.as_deref(), &*c.address))
            .collect();
        assert_eq!(
            told,
            [(Some("3"), "a0@example.com"), (Some("2"), "a4@example.com")]
        );
        assert_eq!((counts.added, counts.updated, counts.unchanged), (2, 3, 1));
    }

    fn row() -> impl Strategy<Value = NewContact> {
        let attributes = prop_oneof![
            Just("{}"),
            Just(r#"{"city":"Graz"}"#),
            Just(r#"{"city":null}"#),
            Just(r#"{"age":"9"}"#)
        ];
        (prop::option::weighted(0.6, 0_u8..5), 0_u8..5, attributes)
            .prop_map(|(id, address, attributes)| new(id, address, attributes))
    }

    #[test]
    fn a_chunk_gives_what_its_rows_give_one_by_one() {
        let store = RefCell::new(Store::open_in_memory().unwrap());
        let chunks = (
            prop::collection::vec(row(), 0..12),
            prop::collection::vec(row(), 0..30),
        );
        let mut runner = TestRunner::new(ProptestConfig::with_cases(1000));
        let compared = runner.run(&chunks, |(before, rows)| {
            let store = &mut store.borrow_mut();
            let mut at_once: Vec<&[NewContact]> = before.chunks(1).collect();
            at_once.push(&rows);
            let one_by_one: Vec<&[NewContact]> = before.chunks(1).chain(rows.chunks(1)).collect();
            prop_assert_eq!(imported(store, &at_once), imported(store, &one_by_one));
            Ok(())
        });
        compared.unwrap();
    }
}
