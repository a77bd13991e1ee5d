//! One line for each operation, size and bare limit.

use crate::measure::Cost;

pub(crate) fn head() {
    println!("Processor seconds (user and system), peak MiB; ratio: ours to the bare limit");
    println!(
        "{:<37} {:>5} {:>9} {:>9} {:>6} {:>11} {:>9} {:>9}",
        "operation: bare limit",
        "rows",
        "bare s",
        "ours s",
        "ratio",
        "rows/s",
        "bare MiB",
        "ours MiB"
    );
}

/// Rows a second are those of processor time.
pub(crate) fn line(what: &str, rows: u64, bare: &Cost, ours: &Cost) {
    let ours_s = ours.processor.max(0.001);
    println!(
        "{what:<37} {:>5} {:>9.2} {:>9.2} {:>6.2} {:>11.0} {:>9.0} {:>9.0}",
        short(rows),
        bare.processor,
        ours.processor,
        ours_s / bare.processor.max(0.001),
        rows as f64 / ours_s,
        bare.peak_mib,
        ours.peak_mib
    );
}

/// `10k`, `1m`.
pub(crate) fn short(rows: u64) -> String {
    if rows >= 1_000_000 && rows.is_multiple_of(1_000_000) {
        format!("{}m", rows / 1_000_000)
    } else if rows >= 1_000 && rows.is_multiple_of(1_000) {
        format!("{}k", rows / 1_000)
    } else {
        rows.to_string()
    }
}
