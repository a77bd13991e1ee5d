//! The database, its disk, what works on it, and the clock.

use std::path::Path;

use bouncekit_core::{
    report,
    store::Store,
    time::{DAY, HOUR, MINUTE, Timestamp},
};

use super::{CliError, Context, Finding, is_dead};

/// The database, opened where it may be.
pub(super) fn open(context: &Context, fix: bool) -> (Vec<Finding>, Option<Store>) {
    if context.store_url().is_some() {
        return match context.store() {
            Ok(store) => (
                vec![Finding::ok("database", "PostgreSQL answers")],
                Some(store),
            ),
            Err(error) => (vec![Finding::failed("database", &error)], None),
        };
    }
    let path = &context.config.store.path;
    let shown = path.display();
    if !path.exists() {
        let note = Finding::note("database", format!("`{shown}` is not there yet"))
            .mend("the first run makes it; `path` in [store] says where");
        return (vec![note, disk(path)], None);
    }
    let failed = |error: bouncekit_core::store::StoreError| {
        let hint = error.hint();
        let told = error.to_string();
        let told = if told.contains('`') {
            told
        } else {
            format!("`{shown}`: {told}")
        };
        (vec![Finding::error("database", told).mend(hint)], None)
    };
    let version = match Store::version(path) {
        Ok(version) => version,
        Err(error) => return failed(error),
    };
    let older = usize::try_from(version.found).is_ok_and(|found| found < version.known);
    let versions = format!("`{shown}`, version {}", version.found);
    if older && !fix {
        let warning = Finding::warning(
            "database",
            format!("{versions}: this program makes it {}", version.known),
        )
        .mend("copy it, then run doctor --fix; any other command migrates it, too");
        return (vec![warning, disk(path)], None);
    }
    let store = match context.store() {
        Ok(store) => store,
        Err(error) => {
            let finding = Finding::failed("database", &error);
            return (vec![finding], None);
        }
    };
    (
        vec![Finding::ok("database", versions), disk(path)],
        Some(store),
    )
}

type Check = fn(&Context, &mut Store, bool) -> Result<Vec<Finding>, CliError>;

/// What can be asked of the opened database; a question that fails is a finding itself.
pub(super) fn examine(context: &Context, store: &mut Store, fix: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let checks: [Check; 4] = [soundness, leases, runs, clock];
    for check in checks {
        match check(context, store, fix) {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(Finding::failed("database", &error)),
        }
    }
    findings
}

fn soundness(_: &Context, store: &mut Store, _: bool) -> Result<Vec<Finding>, CliError> {
    let damage = store.check()?;
    if let Some(first) = damage.first() {
        return Ok(vec![
            Finding::error("soundness", format!("damaged: {first}"))
                .mend("put the last backup in its place, or `sqlite3 FILE .recover`"),
        ]);
    }
    if store.is_shared() {
        let (size, _) = store.size()?;
        return Ok(vec![
            Finding::note("soundness", "not looked at on PostgreSQL").mend("pg_amcheck"),
            Finding::ok("size", format!("{} MiB", size >> 20)),
            writable(store),
        ]);
    }
    let mut findings = vec![Finding::ok("soundness", "SQLite finds no damage")];
    let (size, unused) = store.size()?;
    let sizes = format!("{} MiB, {} MiB of them unused", size >> 20, unused >> 20);
    findings.push(if unused > size / 2 && unused > 64 << 20 {
        Finding::note("size", sizes).mend("bouncekit maintain --vacuum")
    } else {
        Finding::ok("size", sizes)
    });
    let journal = store.journal()?;
    findings.push(if journal == "wal" {
        Finding::ok(
            "journal",
            "wal: readers and a writer do not wait for each other",
        )
    } else {
        Finding::warning(
            "journal",
            format!("{journal}: this file system cannot do wal, as network file systems cannot"),
        )
        .mend("`path` in [store] on a local disk")
    });
    findings.push(writable(store));
    Ok(findings)
}

/// Nothing is written: the lock alone shows whether one could.
fn writable(store: &mut Store) -> Finding {
    match store.begin().map(drop) {
        Ok(()) => Finding::ok("writing", "possible"),
        Err(error) if error.is_busy() => Finding::warning("writing", &error).mend(error.hint()),
        Err(error) => Finding::error("writing", &error).mend(error.hint()),
    }
}

/// Less than this and the next import may not fit.
const LITTLE: u64 = 256 << 20;
const VERY_LITTLE: u64 = 16 << 20;

fn disk(path: &Path) -> Finding {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    match rustix::fs::statvfs(folder) {
        Err(cause) => Finding::error("disk", format!("`{}`: {cause}", folder.display()))
            .mend("the folder of `path` in [store] must exist"),
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let shown = format!("{} MiB free in `{}`", free >> 20, folder.display());
            match free {
                0..VERY_LITTLE => Finding::error("disk", shown).mend("free some space"),
                VERY_LITTLE..LITTLE => Finding::warning("disk", shown).mend("free some space"),
                _ => Finding::ok("disk", shown),
            }
        }
    }
}

fn leases(context: &Context, store: &mut Store, fix: bool) -> Result<Vec<Finding>, CliError> {
    let here = super::super::context::host();
    let mut findings = Vec::new();
    for (name, held) in store.leases()? {
        let holder = &held.holder;
        let what = format!("lease `{name}`");
        let who = format!(
            "process {} on {} since {}",
            holder.pid, holder.host, held.since
        );
        if is_dead(holder) {
            if fix {
                store.end_lease(&name, holder)?;
                findings.push(Finding::note(what, format!("{who} is dead; mended: freed")));
            } else {
                findings.push(
                    Finding::warning(what, format!("{who} is dead"))
                        .mend("doctor --fix; the next run takes it over by itself, too"),
                );
            }
        } else if holder.host != here {
            findings.push(
                Finding::note(
                    what,
                    format!("{who}: whether it lives only that machine can tell"),
                )
                .mend(format!("bouncekit doctor --fix on {}", holder.host)),
            );
        } else if context.now.0 - held.since.0 > DAY {
            findings.push(
                Finding::warning(what, format!("{who} still works, for more than a day"))
                    .mend(format!("look at it: ps -p {}", holder.pid)),
            );
        } else {
            findings.push(Finding::ok(what, format!("{who} works")));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok("leases", "nobody holds one"));
    }
    Ok(findings)
}

fn runs(context: &Context, store: &mut Store, _: bool) -> Result<Vec<Finding>, CliError> {
    let mut findings = Vec::new();
    let left = store.unfinished_runs(Timestamp(context.now.0 - HOUR), 100)?;
    findings.push(match left.first() {
        None => Finding::ok("runs", "each ended"),
        Some(last) => Finding::note(
            "runs",
            format!(
                "{}{} never ended, the last is {} ({}, {}): killed, or still at work; what they \
                 committed stays",
                left.len(),
                if left.len() == 100 { " or more" } else { "" },
                last.id,
                last.command,
                Timestamp(last.started_at)
            ),
        )
        .mend(format!("bouncekit runs:show {}", last.id)),
    });
    if !context.config.mailbox.is_empty() {
        findings.push(cron(context, store.last_finished("email:fetch")?));
    }
    Ok(findings)
}

fn cron(context: &Context, last: Option<Timestamp>) -> Finding {
    const MEND: &str = "bouncekit install:cron (or install:systemd), and look at cron's mail";
    match last {
        None => Finding::note("email:fetch", "has never run to its end").mend(MEND),
        Some(at) if context.now.0 - at.0 > DAY => {
            Finding::warning("email:fetch", format!("last ran {at}, more than a day ago"))
                .mend(MEND)
        }
        Some(at) => Finding::ok("email:fetch", format!("last ran {at}")),
    }
}

fn clock(context: &Context, store: &mut Store, _: bool) -> Result<Vec<Finding>, CliError> {
    const MEND: &str = "set the clock (timedatectl set-ntp true), or unset BOUNCEKIT_NOW";
    let now = context.now;
    let year = now.day();
    let latest = store.latest()?;
    Ok(vec![match latest {
        Some(latest) if latest.0 > now.0 + 5 * MINUTE => Finding::error(
            "clock",
            format!("it is {now}, and the database holds something of {latest}"),
        )
        .mend(MEND),
        _ if year.as_str() < "2025" => Finding::error("clock", format!("it says {now}")).mend(MEND),
        _ => Finding::ok("clock", format!("it says {now}")),
    }])
}

/// Mailboxes and providers that fell silent.
pub(super) fn silence(context: &Context, store: &mut Store) -> Result<Vec<Finding>, CliError> {
    let known: Vec<&str> = context
        .config
        .mailbox
        .iter()
        .map(|mailbox| mailbox.name.as_str())
        .chain(context.config.provider.keys().map(String::as_str))
        .collect();
    let mut findings = Vec::new();
    let sources = report::sources(&store.statistics()?, context.now)?;
    for name in context.config.provider.keys() {
        if !sources.iter().any(|source| source.source == *name) {
            findings.push(
                Finding::note(format!("source `{name}`"), "brought nothing in 90 days").mend(format!(
                    "bouncekit webhook:setup {name} says what to switch on, webhook:test {name} tries it"
                )),
            );
        }
    }
    for source in sources {
        let what = format!("source `{}`", source.source);
        if !known.contains(&source.source.as_str()) {
            continue;
        }
        findings.push(match source.silence(&context.config.alarms) {
            Some(text) => Finding::warning(what, text)
                .mend("look whether the mails still arrive there; `silence_factor` in [alarms]"),
            None => Finding::ok(
                what,
                format!(
                    "{} events in 90 days, the last {}",
                    source.events, source.last_event
                ),
            ),
        });
    }
    Ok(findings)
}
