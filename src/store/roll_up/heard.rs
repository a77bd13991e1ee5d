//! The sends of which something was heard, as many as there may be: each a few octets.
//!
//! A send is known by a hash of its hash. Two that have the same, one among some hundred thousand
//! times that many, would be taken for one; the counts of reports can bear that.

use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;

use super::fate::Bits;

/// Gathers them.
#[derive(Default)]
pub(super) struct Hearing {
    state: RandomState,
    entries: Vec<Entry>,
}

struct Entry {
    send: u64,
    /// The first day on which something was heard, as far as it fits.
    day: i32,
    bits: Bits,
}

impl Hearing {
    pub(super) fn add(&mut self, send: &[u8], day: i64, bits: Bits) {
        let clamped = day.clamp(i32::MIN.into(), i32::MAX.into());
        self.entries.push(Entry {
            send: self.state.hash_one(send),
            day: i32::try_from(clamped).unwrap_or_default(),
            bits,
        });
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes together what was heard of the same send.
    pub(super) fn compact(&mut self) {
        self.entries
            .sort_unstable_by_key(|entry| (entry.send, entry.day));
        self.entries.dedup_by(|next, kept| {
            let same = next.send == kept.send;
            if same {
                kept.bits = kept.bits.and(next.bits);
            }
            same
        });
    }

    /// The first days on which something was heard of each.
    pub(super) fn days(&self) -> impl Iterator<Item = i64> {
        self.entries.iter().map(|entry| entry.day.into())
    }

    /// Forgets those that something was heard of only on later days.
    pub(super) fn keep_before(&mut self, until: i64) {
        self.entries.retain(|entry| i64::from(entry.day) < until);
    }

    pub(super) fn end(mut self) -> Heard {
        self.compact();
        let sends: Vec<u64> = self.entries.iter().map(|entry| entry.send).collect();
        let bits = self.entries.iter().map(|entry| entry.bits).collect();
        // About four in a bucket.
        let width = (sends.len() / 4).max(2).ilog2();
        let mut starts = vec![0_u32; (1 << width) + 1];
        let mut bucket = 0;
        for (index, send) in (0_u32..).zip(&sends) {
            let of = bucket_of(*send, width);
            while bucket < of {
                bucket += 1;
                starts[bucket] = index;
            }
        }
        let all = u32::try_from(sends.len()).unwrap_or(u32::MAX);
        starts[bucket + 1..].fill(all);
        Heard {
            state: self.state,
            width,
            starts,
            campaigns: vec![None; sends.len()],
            sends,
            bits,
        }
    }
}

fn bucket_of(send: u64, width: u32) -> usize {
    usize::try_from(send >> (u64::BITS - width)).unwrap_or_default()
}

/// All of them.
pub(super) struct Heard {
    state: RandomState,
    /// Bits of a send's hash that tell its bucket.
    width: u32,
    /// Where each bucket begins; one more than there are.
    starts: Vec<u32>,
    /// In their order.
    sends: Vec<u64>,
    bits: Vec<Bits>,
    /// The numbers of their campaigns, of those that are there.
    campaigns: Vec<Option<u32>>,
}

impl Heard {
    /// The index of a send.
    pub(super) fn find(&self, send: &[u8]) -> Option<usize> {
        let send = self.state.hash_one(send);
        let bucket = bucket_of(send, self.width);
        let range = self.starts[bucket] as usize..self.starts[bucket + 1] as usize;
        let within = self.sends[range.clone()]
            .iter()
            .position(|one| *one == send)?;
        Some(range.start + within)
    }

    pub(super) fn bits(&self, index: usize) -> Bits {
        self.bits[index]
    }

    pub(super) fn campaign(&self, index: usize) -> Option<u32> {
        self.campaigns[index]
    }

    pub(super) fn set_campaign(&mut self, index: usize, campaign: u32) {
        self.campaigns[index] = Some(campaign);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_send_is_found_with_all_that_was_heard_of_it() {
        for count in [0_u32, 1, 3, 5000] {
            let mut hearing = Hearing::default();
            for number in 0..count {
                hearing.add(&number.to_be_bytes(), 5, Bits::of("bounce", "soft"));
                hearing.add(&number.to_be_bytes(), 3, Bits::of("complaint", ""));
            }
            let mut heard = hearing.end();
            let both = Bits::of("bounce", "soft").and(Bits::of("complaint", ""));
            for number in 0..count {
                let index = heard.find(&number.to_be_bytes()).unwrap();
                assert_eq!(heard.bits(index), both);
                heard.set_campaign(index, number);
            }
            for number in 0..count {
                let index = heard.find(&number.to_be_bytes()).unwrap();
                assert_eq!(heard.campaign(index), Some(number));
            }
            assert!(heard.find(&count.to_be_bytes()).is_none());
        }
    }
}
