//! Telling the command of `[hooks] on_suppress` about new suppressions.

use std::{
    io::{Read as _, Write as _},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use bouncekit_core::{
    config::Hooks,
    store::{Store, Undelivered},
    time::{HOUR, MINUTE, Timestamp},
};

use super::{CliError, Context, holder, is_dead, listing::printable};

/// What came of a delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) delivered: usize,
    pub(crate) failed: usize,
    /// Why the last batch failed.
    pub(crate) error: Option<String>,
    /// Another process is at it.
    pub(crate) busy: bool,
}

/// Delivers what a command caused, and what earlier ones left. A failure is told, and does not
/// change the outcome of the command: its own work is done.
pub(crate) fn after(context: &Context) {
    match context
        .store()
        .and_then(|mut store| deliver(context, &mut store))
    {
        Ok(Delivery {
            error: Some(error),
            failed,
            ..
        }) => log::warn!(
            "the hook on_suppress failed, {failed} suppressions are kept for the next run: {error}"
        ),
        Ok(_) => {}
        Err(error) => log::warn!("the hook on_suppress was not run: {error}"),
    }
}

/// Delivers what is due.
pub(crate) fn deliver(context: &Context, store: &mut Store) -> Result<Delivery, CliError> {
    let hooks = &context.config.hooks;
    let mut delivery = Delivery::default();
    let mut after = 0;
    if store.due(context.now, hooks.tries, after, 1)?.is_empty() {
        return Ok(delivery);
    }
    if store
        .take_lease(LEASE, &holder(), context.now, is_dead)?
        .is_err()
    {
        delivery.busy = true;
        return Ok(delivery);
    }
    let delivered = loop {
        let batch = store.due(context.now, hooks.tries, after, hooks.batch.max(1))?;
        let Some(last) = batch.last() else {
            break Ok(delivery);
        };
        after = last.id;
        let ids: Vec<i64> = batch.iter().map(|each| each.id).collect();
        match tell(hooks, &batch) {
            Ok(()) => {
                store.delivered(&ids)?;
                delivery.delivered += ids.len();
            }
            Err(error) => {
                let tries = batch.iter().map(|each| each.tries).max().unwrap_or(0);
                store.not_delivered(&ids, &error, next_try(context.now, tries))?;
                delivery.failed += ids.len();
                delivery.error = Some(error);
                // What follows would most likely fail alike, and each try costs the timeout.
                break Ok(delivery);
            }
        }
    };
    store.end_lease(LEASE, &holder())?;
    delivered
}

const LEASE: &str = "hooks";

/// After a minute, two, four, ... at most an hour.
fn next_try(now: Timestamp, tries: u32) -> Timestamp {
    Timestamp(now.0 + (MINUTE << tries.min(6)).min(HOUR))
}

/// Runs the command once; its complaint in one line if it failed.
fn tell(hooks: &Hooks, batch: &[Undelivered]) -> Result<(), String> {
    let (program, arguments) = hooks
        .on_suppress
        .split_first()
        .ok_or("no command is configured")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|cause| format!("`{program}`: {cause}"))?;
    let mut input = String::new();
    for each in batch {
        input += &each.payload;
        input.push('\n');
    }
    let stdin = child.stdin.take();
    // A command that does not read must not hold us up.
    thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            // It may end without reading everything; its exit status says whether that is well.
            let _ = stdin.write_all(input.as_bytes());
        }
    });
    let (said, complaint) = mpsc::channel();
    let stderr = child.stderr.take();
    thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stderr) = stderr {
            let _ = (&mut stderr).take(LONGEST_COMPLAINT).read_to_end(&mut text);
            let _ = said.send(text);
            // Drained, so that it does not block the command.
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
        }
    });
    let timeout = Duration::from(hooks.timeout);
    let outcome = wait(&mut child, timeout);
    let text = complaint
        .recv_timeout(Duration::from_millis(200))
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().next_back().unwrap_or_default().trim();
    let colon = if line.is_empty() { "" } else { ": " };
    match outcome {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(format!(
            "`{program}` ended with {status}{colon}{}",
            printable(line)
        )),
        Ok(None) => Err(format!(
            "`{program}` was killed after {} s",
            timeout.as_secs()
        )),
        Err(cause) => Err(format!("`{program}`: {cause}")),
    }
}

/// Octets of a command's error output that are kept.
const LONGEST_COMPLAINT: u64 = 4096;

/// The exit status; `None` if the command had to be killed.
fn wait(child: &mut Child, timeout: Duration) -> std::io::Result<Option<std::process::ExitStatus>> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begin.elapsed() >= timeout {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(10));
    }
}
