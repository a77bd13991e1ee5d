//! Random instants that can be had again: the seed is printed, and read from `BOUNCEKIT_SEED`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) struct Chance(u64);

impl Chance {
    /// Says its seed, under the name of the test, so that a failure can be repeated.
    pub(crate) fn new(test: &str) -> Self {
        let given = std::env::var("BOUNCEKIT_SEED").ok();
        let seed = given.and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            u64::from(since.subsec_nanos())
        });
        println!("{test}: BOUNCEKIT_SEED={seed}");
        Self(seed)
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn within(&mut self, span: Duration) -> Duration {
        let nanos = u64::try_from(span.as_nanos()).unwrap().max(1);
        Duration::from_nanos(self.below(nanos))
    }
}
