//! Items that ended an earlier run: found, tried apart, and a run that does not come back ended.

use std::{
    collections::HashMap,
    ffi::OsString,
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use bouncekit_core::{
    attempt::{self, Attempts, ContentKey, Kind},
    store::Store,
};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::{CliError, Context, Exit, holder, is_dead};

/// `bouncekit.db.reading.`, before the number of the process.
fn prefix(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".reading.");
    name.into()
}

/// What a command does with items that failed before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What dead processes left is taken over; what was put away is left alone.
    Work,
    /// As that, but nothing is written.
    Look,
    /// What was put away is tried, apart.
    Retry,
}

impl Purpose {
    pub(super) const fn of_run(dry_run: bool) -> Self {
        if dry_run { Self::Look } else { Self::Work }
    }
}

/// The attempts of this process.
pub(super) fn begin(
    context: &Context,
    store: &mut Store,
    purpose: Purpose,
) -> Result<Arc<Attempts>, CliError> {
    let prefix = prefix(&context.config.store.path);
    let mut looked_at = Vec::new();
    for path in files(&prefix) {
        match purpose {
            Purpose::Work => take_over(context, store, &path)?,
            Purpose::Look | Purpose::Retry => looked_at.extend(of_dead_process(&path)),
        }
    }
    let mut suspects: HashMap<ContentKey, Option<String>> = store
        .quarantine()?
        .into_iter()
        .map(|item| {
            let put_away = item.quarantined_at.is_some() && purpose != Purpose::Retry;
            (item.content, put_away.then_some(item.reason))
        })
        .collect();
    for (content, _) in looked_at {
        suspects.entry(content).or_insert(None);
    }
    let mut path = prefix.into_os_string();
    path.push(std::process::id().to_string());
    let (config, limits) = (context.config_path.clone(), context.config.limits.clone());
    let longest = Duration::from(limits.message_time);
    let trial = move |kind: Kind, bytes: &[u8]| {
        let memory = limits.message_memory;
        apart(config.as_deref(), kind, bytes, (longest, memory))
    };
    let attempts = Arc::new(Attempts::new(
        path.into(),
        holder(),
        suspects,
        Box::new(trial),
    ));
    watch(Arc::downgrade(&attempts), longest);
    Ok(attempts)
}

fn files(prefix: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (prefix.parent(), prefix.file_name()) else {
        return Vec::new();
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let begins = |entry: &std::fs::DirEntry| {
        let found = entry.file_name();
        found
            .as_encoded_bytes()
            .starts_with(name.as_encoded_bytes())
    };
    entries.filter(begins).map(|entry| entry.path()).collect()
}

/// What a dead process was reading is noted as tried once. The file goes last: killed in between,
/// the next run notes it again, which is one try too many at worst.
fn take_over(context: &Context, store: &mut Store, path: &Path) -> Result<(), CliError> {
    if let Some((content, place)) = of_dead_process(path) {
        let reason = "the program ended while it read this (killed, out of memory, or too slow)";
        let batch = store.begin()?;
        batch.note_suspect(content, &place, reason, context.now)?;
        batch.commit()?;
    }
    // Another run may have been faster.
    if attempt::left(path).is_some_and(|left| is_dead(&left.holder)) {
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

/// The item that a process was reading which is no more.
fn of_dead_process(path: &Path) -> Option<(ContentKey, String)> {
    attempt::left(path)
        .filter(|left| is_dead(&left.holder))?
        .item
}

/// Ends the process when one item takes longer than it may: nothing that was committed is lost, and
/// the next run tries the item apart.
fn watch(attempts: Weak<Attempts>, longest: Duration) {
    let pause = (longest / 4).clamp(Duration::from_millis(10), Duration::from_secs(1));
    thread::spawn(move || {
        loop {
            thread::sleep(pause);
            let Some(attempts) = attempts.upgrade() else {
                return;
            };
            let Some(place) = attempts.overdue(longest) else {
                continue;
            };
            let error = CliError::new(
                Exit::SomeFailed,
                format!("{place}: reading it takes longer than {longest:?} (limits.message_time)"),
            )
            .hint(
                "this run ends here, what was committed stays; the next one tries the item apart, \
                 puts it away if it fails again, and goes on",
            );
            let _ = write!(std::io::stderr(), "{error}");
            // Destructors would wait for the reader.
            std::process::exit(i32::from(Exit::SomeFailed.code()));
        }
    });
}

/// Reads an item in a process of its own, which writes nothing, under limits of time and memory.
fn apart(
    config: Option<&Path>,
    kind: Kind,
    bytes: &[u8],
    (longest, memory): (Duration, u64),
) -> Result<(), String> {
    let failed = |cause: std::io::Error| format!("it cannot be tried apart: {cause}");
    let mut child = command(config, kind)
        .and_then(|mut command| command.spawn())
        .map_err(failed)?;
    // It waits for its input until then.
    let limited = Pid::from_raw(child.id().cast_signed()).map(|pid| {
        let limit = |most| Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        // Our own limit may be lower.
        let ours = getrlimit(Resource::As).current.unwrap_or(memory);
        prlimit(Some(pid), Resource::Core, limit(0))?;
        prlimit(Some(pid), Resource::As, limit(memory.min(ours)))
    });
    if let Some(Err(cause)) = limited {
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed(cause.into()));
    }
    match wait(&mut child, bytes, longest).map_err(failed)? {
        None => Err(format!(
            "reading it takes longer than {longest:?} (limits.message_time)"
        )),
        // A panic of a reader is caught where it is read in earnest.
        Some(status) => status.signal().map_or(Ok(()), |signal| {
            Err(format!(
                "reading it ends the program (signal {signal}), also apart, with {memory} octets of \
                 memory (limits.message_memory)"
            ))
        }),
    }
}

fn command(config: Option<&Path>, kind: Kind) -> std::io::Result<Command> {
    let mut args: Vec<OsString> = Vec::new();
    if let Some(path) = config {
        args.extend(["--config".into(), path.into()]);
    }
    let words: &[&str] = match kind {
        Kind::Mail => &["email:explain", "-"],
        Kind::Request => &["webhook:replay", "--dry-run", "--verify", "off", "-"],
    };
    args.extend(words.iter().map(OsString::from));
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(args)
        // A web server's variables would make a CGI program of it.
        .env_remove("GATEWAY_INTERFACE")
        // The allocator would reserve as much as the limit allows before it is used.
        .env("MIMALLOC_DISALLOW_ARENA_ALLOC", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command)
}

/// Gives the child its input and waits; `None` when it took too long, and is no more.
fn wait(child: &mut Child, bytes: &[u8], longest: Duration) -> std::io::Result<Option<ExitStatus>> {
    let input = child.stdin.take();
    thread::scope(|scope| {
        scope.spawn(move || {
            // A child that ends early has said so by its status.
            input.map(|mut input| input.write_all(bytes))
        });
        let deadline = Instant::now() + longest;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() > deadline {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(5));
        }
    })
}
