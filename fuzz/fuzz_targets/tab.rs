//! Rows as MySQL dumps them (`contacts:import --table` and the like; CSV is read by the crate csv):
//! every octet belongs to one row, however it is cut.
#![no_main]

use std::io::BufReader;

#[path = "../../src/cli/import/tab.rs"]
mod tab;

use tab::Tab;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let rows = |capacity: usize| {
        let mut tab = Tab::new(BufReader::with_capacity(capacity, bytes));
        let mut rows = Vec::new();
        while let Some(row) = tab.next().expect("memory can be read") {
            rows.push(row);
        }
        rows
    };
    let read = rows(65_536);
    assert_eq!(read, rows(3));
    let lines = bytes.iter().filter(|octet| **octet == b'\n').count();
    assert!(read.len() <= lines + 1);
    for (line, row) in &read {
        assert!(*line as usize <= lines + 1);
        assert!(!row.as_ref().expect("it is short").is_empty());
    }
});
