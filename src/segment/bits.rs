//! Sets of contact ids as bits: a million contacts in 128 KiB.

use std::collections::BTreeMap;

const WORDS: usize = 1024;
/// Ids in a page: 64 a word.
const PAGE: i64 = 65_536;

type Page = Box<[u64; WORDS]>;

/// A set of ids; room is taken only where there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    /// By id / [`PAGE`].
    pages: BTreeMap<i64, Page>,
}

/// Page, word and mask of an id.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn place(id: i64) -> (i64, usize, u64) {
    let within = id.rem_euclid(PAGE) as usize;
    (id.div_euclid(PAGE), within / 64, 1 << (within % 64))
}

impl Bits {
    pub fn insert(&mut self, id: i64) {
        let (page, word, mask) = place(id);
        self.pages
            .entry(page)
            .or_insert_with(|| Box::new([0; WORDS]))[word] |= mask;
    }

    pub fn remove(&mut self, id: i64) {
        let (page, word, mask) = place(id);
        if let Some(page) = self.pages.get_mut(&page) {
            page[word] &= !mask;
        }
    }

    pub fn contains(&self, id: i64) -> bool {
        let (page, word, mask) = place(id);
        self.pages
            .get(&page)
            .is_some_and(|page| page[word] & mask != 0)
    }

    pub fn is_empty(&self) -> bool {
        self.pages
            .values()
            .all(|page| page.iter().all(|word| *word == 0))
    }

    pub fn len(&self) -> u64 {
        let words = self.pages.values().flat_map(|page| page.iter());
        words.map(|word| u64::from(word.count_ones())).sum()
    }

    /// Adds those of `other`.
    pub fn add(&mut self, other: &Self) {
        for (number, page) in &other.pages {
            match self.pages.get_mut(number) {
                Some(mine) => {
                    for (mine, other) in mine.iter_mut().zip(page.iter()) {
                        *mine |= other;
                    }
                }
                None => {
                    self.pages.insert(*number, page.clone());
                }
            }
        }
    }

    /// Keeps those that are in `other` too.
    pub fn keep(&mut self, other: &Self) {
        self.pages.retain(|number, page| {
            other.pages.get(number).is_some_and(|other| {
                for (mine, other) in page.iter_mut().zip(other.iter()) {
                    *mine &= other;
                }
                true
            })
        });
    }

    /// Takes away those of `other`.
    pub fn take(&mut self, other: &Self) {
        for (number, page) in &mut self.pages {
            if let Some(other) = other.pages.get(number) {
                for (mine, other) in page.iter_mut().zip(other.iter()) {
                    *mine &= !other;
                }
            }
        }
    }

    /// In ascending order.
    pub fn iter(&self) -> impl Iterator<Item = i64> {
        self.pages.iter().flat_map(|(number, page)| {
            page.iter()
                .zip(0_i64..)
                .filter(|(word, _)| **word != 0)
                .flat_map(move |(word, index)| {
                    (0..64)
                        .filter(move |bit| word & (1 << bit) != 0)
                        .map(move |bit| number * PAGE + index * 64 + bit)
                })
        })
    }

    /// Keeps the first `count`.
    pub fn truncate(&mut self, count: u64) {
        let rest = usize::try_from(count)
            .map_or_else(|_| Vec::new(), |count| self.iter().skip(count).collect());
        for id in rest {
            self.remove(id);
        }
    }
}

impl FromIterator<i64> for Bits {
    fn from_iter<I: IntoIterator<Item = i64>>(ids: I) -> Self {
        let mut bits = Self::default();
        for id in ids {
            bits.insert(id);
        }
        bits
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_are_sets(
            a in prop::collection::btree_set(0_i64..200_000, 0..200),
            b in prop::collection::btree_set(0_i64..200_000, 0..200),
            count in 0_u64..300,
        ) {
            let bits = |set: &BTreeSet<i64>| set.iter().copied().collect::<Bits>();
            let ids = |bits: &Bits| bits.iter().collect::<Vec<_>>();
            let of = |set: BTreeSet<i64>| set.into_iter().collect::<Vec<_>>();
            prop_assert_eq!(ids(&bits(&a)), of(a.clone()));
            prop_assert_eq!(bits(&a).len(), a.len() as u64);
            prop_assert_eq!(bits(&a).is_empty(), a.is_empty());
            let mut sum = bits(&a);
            sum.add(&bits(&b));
            prop_assert_eq!(ids(&sum), of(&a | &b));
            let mut both = bits(&a);
            both.keep(&bits(&b));
            prop_assert_eq!(ids(&both), of(&a & &b));
            let mut rest = bits(&a);
            rest.take(&bits(&b));
            prop_assert_eq!(ids(&rest), of(&a - &b));
            prop_assert!(b.iter().all(|id| rest.contains(*id) == (a.contains(id) && !b.contains(id))));
            rest.truncate(count);
            prop_assert_eq!(ids(&rest).len(), (&a - &b).len().min(usize::try_from(count).unwrap()));
        }
    }
}
