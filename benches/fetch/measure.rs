//! Time, processor time and peak memory of a child process, from /proc.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_kib: u64,
    pub(crate) output: String,
}

/// Runs a command to its end.
pub(crate) fn measured(command: &mut Command) -> Figures {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut cpu_seconds, mut peak_kib) = (0.0, 0);
    // What is asked of a process that has just ended is gone: the last answers count.
    while child.try_wait().unwrap().is_none() {
        cpu_seconds = cpu(child.id()).unwrap_or(cpu_seconds);
        peak_kib = peak(child.id()).unwrap_or(peak_kib);
        thread::sleep(Duration::from_millis(5));
    }
    let seconds = start.elapsed().as_secs_f64();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Figures {
        seconds,
        cpu_seconds,
        peak_kib,
        output: String::from_utf8(output.stdout).unwrap(),
    }
}

/// User and system time (proc(5), fields 14 and 15 of stat), in hundredths of a second.
fn cpu(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    let total = ticks()? + ticks()?;
    (total > 0.0).then_some(total / 100.0)
}

fn peak(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The run whose time is in the middle.
pub(crate) fn median(runs: &[Figures]) -> Figures {
    let mut sorted = runs.to_vec();
    sorted.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    sorted[sorted.len() / 2].clone()
}
