//! Runs a command whose output nobody reads, and says what it took; from /proc, so on Linux only.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

pub(crate) struct Cost {
    /// Seconds of user and system time.
    pub(crate) processor: f64,
    pub(crate) wall: f64,
    /// Peak, MiB.
    pub(crate) memory: u64,
}

/// `report --check` ends with 1 where it found something; what ends with more did not run.
pub(crate) fn measure(command: &mut Command) -> Cost {
    let before = children();
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut memory = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        memory = peak
            .and_then(|peak| peak.split_whitespace().next()?.parse::<u64>().ok())
            .unwrap_or(memory);
        thread::sleep(Duration::from_millis(2));
    };
    assert!(
        ended.code().is_some_and(|code| code < 2),
        "{command:?}: {ended}"
    );
    Cost {
        processor: children() - before,
        wall: start.elapsed().as_secs_f64(),
        memory: memory / 1024,
    }
}

/// Processor time of waited-for children (proc(5): cutime and cstime, in 1/100 s).
fn children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    fields[13..15]
        .iter()
        .map(|ticks| ticks.parse::<f64>().unwrap() / 100.0)
        .sum()
}
