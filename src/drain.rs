//! The spool, worked through: each request verified, decoded, applied; then put away.
//!
//! A request is put away only after its events are committed. Killed anywhere, the next run
//! processes it again and finds its events to be duplicates.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{
    attempt::{Attempts, ContentKey, Kind as Attempted},
    config::ConfigError,
    fetch,
    gate::{Gate, Subscription},
    replay::{self, Applier, Entry, Poison, ReplayError},
    spool::{self, Spool, SpoolError},
    store::StoreError,
    suppression::Preset,
    webhook::{Kind, Provider},
};

/// So many requests, or their events, are committed before they are put away.
const REQUESTS: usize = 500;
const EVENTS: usize = 20_000;

/// What is worked through, and how.
pub struct Job<'a> {
    pub spool: &'a Spool,
    pub gate: &'a Gate<'a>,
    pub preset: Preset,
    /// Nothing is put away.
    pub dry_run: bool,
    /// Notes which request is being read, and tries apart what ended a run.
    pub attempts: &'a Attempts,
}

/// What became of the requests.
#[derive(Debug, Default)]
pub struct Drained {
    pub done: usize,
    /// With the reason.
    pub failed: Vec<(String, String)>,
    /// Left for the next run, with the cause and what to do.
    pub left: Vec<(String, String, &'static str)>,
    /// That SNS asks to confirm, with the request's name.
    pub subscriptions: Vec<(String, Subscription)>,
}

/// Why the work stopped; what was committed and put away before stays.
#[derive(Debug, thiserror::Error)]
pub enum DrainError<O> {
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Config(ConfigError),
    /// The caller's own output failed.
    #[error("the output failed")]
    Output(O),
}

enum Stop<O> {
    Replay(ReplayError),
    Output(O),
}

impl<O> From<ReplayError> for Stop<O> {
    fn from(error: ReplayError) -> Self {
        Self::Replay(error)
    }
}

/// Requests whose events are not committed yet.
#[derive(Default)]
struct Open {
    done: Vec<String>,
    failed: Vec<(String, String)>,
    events: usize,
    /// Failed for good, or again.
    poison: Vec<Poison>,
    /// Could be read though it had failed before.
    recovered: Vec<ContentKey>,
}

/// Works through what waits now; `each` is told every row with the request's name.
pub fn drain<O>(
    job: &Job<'_>,
    applier: &mut Applier<'_>,
    each: &mut dyn FnMut(&str, &Entry<'_>) -> Result<(), O>,
) -> Result<Drained, DrainError<O>> {
    let mut drained = Drained::default();
    let mut open = Open::default();
    for name in job.spool.waiting()? {
        // A file that cannot be read (its owner, the disk) holds nobody else up.
        let bytes = match job.spool.read(&name) {
            Ok(bytes) => bytes,
            Err(error) => {
                drained.left.push((name, error.to_string(), error.hint()));
                continue;
            }
        };
        let mut bad = Vec::new();
        let content = fetch::content_key(&bytes);
        let read = job
            .attempts
            .read(Attempted::Request, content, (&name, &bytes), || {
                catch_unwind(AssertUnwindSafe(|| {
                    request(
                        job,
                        &name,
                        &bytes,
                        applier,
                        &mut open.events,
                        &mut bad,
                        each,
                    )
                }))
            });
        let read = match read {
            Ok(read) => {
                if job.attempts.suspects(&content) {
                    open.recovered.push(content);
                }
                read
            }
            Err(refused) => {
                applier_error(applier, &mut bad, refused.reason.clone());
                open.poison.push(Poison {
                    content,
                    place: name.clone(),
                    reason: refused.reason,
                });
                Ok(Ok(()))
            }
        };
        let subscriptions = job.gate.take_subscriptions().into_iter();
        drained
            .subscriptions
            .extend(subscriptions.map(|subscription| (name.clone(), subscription)));
        match read {
            Ok(Ok(())) => {}
            Ok(Err(Stop::Output(error))) => return Err(DrainError::Output(error)),
            Ok(Err(Stop::Replay(ReplayError::Store(error)))) => return Err(error.into()),
            Ok(Err(Stop::Replay(ReplayError::Config(error)))) => {
                return Err(DrainError::Config(error));
            }
            Ok(Err(Stop::Replay(ReplayError::Later(error)))) => {
                drained.left.push((name, error.to_string(), error.hint()));
                continue;
            }
            Ok(Err(Stop::Replay(error))) => applier_error(applier, &mut bad, error.to_string()),
            Err(_) => {
                let cause = "a reader failed on it (a fault of the program)";
                applier_error(applier, &mut bad, cause.into());
            }
        }
        if bad.is_empty() {
            open.done.push(name);
        } else {
            open.failed.push((name, bad.join("\n")));
        }
        if open.done.len() + open.failed.len() >= REQUESTS || open.events >= EVENTS {
            settle(job, applier, &mut open, &mut drained)?;
        }
    }
    settle(job, applier, &mut open, &mut drained)?;
    Ok(drained)
}

fn applier_error(applier: &mut Applier<'_>, bad: &mut Vec<String>, cause: String) {
    applier.accounting.fetched += 1;
    applier.accounting.errors += 1;
    bad.push(cause);
}

fn request<O>(
    job: &Job<'_>,
    name: &str,
    bytes: &[u8],
    applier: &mut Applier<'_>,
    events: &mut usize,
    bad: &mut Vec<String>,
    each: &mut dyn FnMut(&str, &Entry<'_>) -> Result<(), O>,
) -> Result<(), Stop<O>> {
    let options = replay::Options {
        provider: spool::provider_in(name).and_then(Provider::named),
        preset: job.preset,
        gate: Some(job.gate),
    };
    replay::read(bytes, &options, &mut |entry| {
        each(name, &entry).map_err(Stop::Output)?;
        if entry.row.kind == Kind::Error {
            bad.push(entry.row.reason.clone().unwrap_or_default().into_owned());
        }
        *events += 1;
        applier.add(&entry).map_err(ReplayError::from)?;
        Ok(())
    })
}

/// Commits, and only then puts away.
fn settle<O>(
    job: &Job<'_>,
    applier: &mut Applier<'_>,
    open: &mut Open,
    drained: &mut Drained,
) -> Result<(), DrainError<O>> {
    applier.finish()?;
    applier.note_poison(&open.poison, &open.recovered)?;
    let open = std::mem::take(open);
    if !job.dry_run {
        job.spool.put_done(&open.done)?;
        job.spool.put_failed(&open.failed)?;
    }
    drained.done += open.done.len();
    drained.failed.extend(open.failed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::{
        classify::Rules,
        config::Config,
        gate,
        ingest::Settings,
        replay::Application,
        spool::Limits,
        store::{Holder, Store},
        time::Timestamp,
        webhook::Level,
    };

    /// No request is known that makes a reader panic; one that makes the caller's output panic stands
    /// for it.
    #[test]
    fn a_panic_puts_one_request_away_and_the_rest_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::at(folder.path().join("spool"));
        let limits = Limits {
            files: 10,
            size: 100_000,
        };
        let names: Vec<String> = (1..=3)
            .map(|number| {
                let event = format!(
                    r#"[{{"email":"a{number}@example.com","event":"bounce","type":"bounce","sg_event_id":"e{number}","timestamp":1780000000,"status":"5.1.1","reason":"550 5.1.1 unknown"}}]"#
                );
                let at = Timestamp(number);
                spool.store("sendgrid", event.as_bytes(), at, limits).unwrap()
            })
            .collect();
        let mut store = Store::open_in_memory().unwrap();
        let config = Config::default();
        let gate = Gate::new(
            &config,
            gate::Options {
                level: Some(Level::Off),
                ..gate::Options::default()
            },
        );
        let holder = Holder {
            host: "here".into(),
            pid: 1,
            started: 1,
        };
        let marker = folder.path().join("reading");
        let attempts = Attempts::new(marker, holder, HashMap::new(), Box::new(|_, _| Ok(())));
        let job = Job {
            spool: &spool,
            gate: &gate,
            preset: Preset::Standard,
            dry_run: false,
            attempts: &attempts,
        };
        let settings = Settings::default();
        let application = Application {
            rules: Rules::builtin(),
            settings: &settings,
            run: 0,
            now: Timestamp(1_780_000_000_000),
            since: None,
            chunk: 100,
            dry_run: false,
        };
        let mut applier = Applier::new(&mut store, application).unwrap();
        let drained = drain::<()>(&job, &mut applier, &mut |name, _| {
            assert_ne!(name, names[1], "a fault");
            Ok(())
        })
        .unwrap();
        assert_eq!(drained.done, 2);
        let [(name, reason)] = &drained.failed[..] else {
            panic!("{drained:?}");
        };
        assert!(
            *name == names[1] && reason.contains("a fault of the program"),
            "{reason}"
        );
        assert_eq!(spool.counts().unwrap().0, 0);
        assert_eq!(
            (applier.accounting.fetched, applier.accounting.errors),
            (3, 1)
        );
    }
}
