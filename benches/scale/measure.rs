//! Runs a command and says what it took; from /proc, so on Linux only.

use std::{
    fs,
    io::Write as _,
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Seconds.
    pub(crate) wall: f64,
    /// Seconds of user and system time.
    pub(crate) processor: f64,
    pub(crate) peak_mib: f64,
}

/// Runs to the end, with the standard streams that the caller has set; where its input is a pipe,
/// `input` is written to it.
pub(crate) fn measured(command: &mut Command, input: &str) -> (Cost, Output) {
    let before = children_ticks();
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    let pid = child.id();
    let watch = thread::spawn(move || {
        let mut peak = 0.0;
        // What is asked of a process that has ended is gone: the last answer counts.
        while let Some(mib) = high_water(pid) {
            peak = mib;
            thread::sleep(Duration::from_millis(2));
        }
        peak
    });
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let cost = Cost {
        wall: start.elapsed().as_secs_f64(),
        processor: (children_ticks() - before) / 100.0,
        peak_mib: watch.join().unwrap(),
    };
    (cost, output)
}

/// Processor time of waited-for children, in hundredths of a second (proc(5): cutime, cstime).
fn children_ticks() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    fields[13..15]
        .iter()
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum()
}

fn high_water(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
