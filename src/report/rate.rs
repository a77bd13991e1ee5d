//! A share with its Wilson score interval: few sends say little.

use serde::Serialize;

/// A share of sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rate {
    pub count: u64,
    pub of: u64,
    /// 0 to 1.
    pub share: f64,
    /// The 95 % Wilson score interval, 0 to 1.
    pub low: f64,
    pub high: f64,
}

impl Rate {
    /// `count` of `of`; nothing of nothing is 0, of which nothing is known.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn of(count: u64, of: u64) -> Self {
        const Z: f64 = 1.96;
        if of == 0 {
            return Self {
                high: 1.0,
                ..Self::default()
            };
        }
        let n = of as f64;
        // A send may be reported more often than it was sent (copies, forwarding).
        let share = (count as f64 / n).min(1.0);
        let centre = share + Z * Z / (2.0 * n);
        let spread = Z * ((share * (1.0 - share) + Z * Z / (4.0 * n)) / n).sqrt();
        let scale = 1.0 + Z * Z / n;
        Self {
            count,
            of,
            share,
            low: ((centre - spread) / scale).max(0.0),
            high: ((centre + spread) / scale).min(1.0),
        }
    }

    /// `1.23 %`.
    pub fn percent(&self) -> String {
        format!("{:.2} %", self.share * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        let rate = Rate::of(10, 1000);
        // Newcombe 1998, method 3.
        assert!((rate.low - 0.005_44).abs() < 0.000_02, "{rate:?}");
        assert!((rate.high - 0.018_31).abs() < 0.000_02, "{rate:?}");
        assert!(Rate::of(1, 3).low < 0.1);
        assert_eq!(Rate::of(0, 0).low.to_bits(), 0.0_f64.to_bits());
        assert_eq!(Rate::of(5, 3).percent(), "100.00 %");
    }
}
