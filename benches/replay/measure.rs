//! Runs a command and says what it took; from /proc, so on Linux only.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    /// User and system time.
    pub(crate) processor: f64,
    pub(crate) peak_mib: f64,
}

/// Runs to the end, `stdin` from a file.
pub(crate) fn run(command: &mut Command, stdin: Option<&Path>) -> (Cost, String) {
    let before = children_ticks();
    let start = Instant::now();
    let input = stdin.map_or_else(Stdio::null, |path| fs::File::open(path).unwrap().into());
    let child = command
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let pid = child.id();
    let watch = thread::spawn(move || {
        let mut peak = 0.0;
        while let Some(mib) = high_water(pid) {
            peak = mib;
            thread::sleep(Duration::from_millis(20));
        }
        peak
    });
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", output.status);
    let cost = Cost {
        wall: start.elapsed().as_secs_f64(),
        processor: (children_ticks() - before) / 100.0,
        peak_mib: watch.join().unwrap(),
    };
    (
        cost,
        String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
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
