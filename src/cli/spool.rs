//! `webhook:replay --spool`: what the web server received.

use bouncekit_core::{
    attempt::Attempts,
    drain::{self, DrainError, Drained, Job},
    gate::{self, Answer, Gate, Subscription},
    https::Client,
    replay::{Applier, Entry},
    spool::{Lasting, Spool, SpoolError},
    store::Store,
    time::{HOUR, Timestamp},
    webhook::Level,
};

use super::{CliError, Context, Exit, holder, is_dead, listing::printable};

impl From<SpoolError> for CliError {
    fn from(error: SpoolError) -> Self {
        Self::usage(&error).hint(error.hint())
    }
}

/// So many requests are told one by one, then only counted.
const TOLD: usize = 20;

/// The lease of the spool, so that two runs do not process the same request at once. It is the
/// same from whatever folder they are started.
fn lease(context: &Context) -> String {
    let folder = &context.config.webhook.spool;
    let folder = std::fs::canonicalize(folder)
        .or_else(|_| std::path::absolute(folder))
        .unwrap_or_else(|_| folder.clone());
    format!("spool:{}", folder.display())
}

/// Takes the spool for this process.
pub(super) fn take(context: &Context, store: &mut Store) -> Result<(), CliError> {
    let taken = store.take_lease(&lease(context), &holder(), context.now, is_dead)?;
    taken.map_err(|refused| {
        CliError::new(
            Exit::Locked,
            format!(
                "the spool is being processed by process {} on {} since {}",
                refused.holder.pid, refused.holder.host, refused.since
            ),
        )
        .hint("let that run end; the next one goes on where it stopped")
    })
}

/// Gives it back.
pub(super) fn give_back(context: &Context, store: &mut Store) -> Result<(), CliError> {
    Ok(store.end_lease(&lease(context), &holder())?)
}

/// A client for what the configuration allows to be asked of SNS, if it allows anything.
pub(super) fn sns_client(context: &Context) -> Result<Option<Client>, CliError> {
    let keys = context.config.provider.get("amazon_ses");
    let asks = keys.is_some_and(|keys| {
        keys.fetch_certificates || keys.confirm == bouncekit_core::config::Confirm::Auto
    });
    asks.then(|| client(context)).transpose()
}

/// A client for Amazon SNS.
pub(super) fn client(context: &Context) -> Result<Client, CliError> {
    let keys = context.config.provider.get("amazon_ses");
    let proxy = ["HTTPS_PROXY", "https_proxy"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|proxy| !proxy.is_empty());
    Client::new(
        keys.and_then(|keys| keys.ca_file.as_deref()),
        proxy.as_deref(),
    )
    .map_err(|error| CliError::usage(&error).hint(error.hint()))
}

/// Works through the spool; `each` is told every row.
pub(super) fn work(
    context: &Context,
    level: Option<Level>,
    (dry_run, attempts): (bool, &Attempts),
    applier: &mut Applier<'_>,
    each: &mut dyn FnMut(&str, &Entry<'_>) -> std::io::Result<()>,
) -> Result<Drained, CliError> {
    let client = if dry_run { None } else { sns_client(context)? };
    let gate = Gate::new(
        &context.config,
        gate::Options {
            level,
            // What came from the network is judged as it was at the door.
            default: Some(Level::Require),
            client: client.as_ref(),
            fetch: false,
        },
    );
    let spool = Spool::at(&context.config.webhook.spool);
    let job = Job {
        spool: &spool,
        gate: &gate,
        preset: context.config.policy.base().preset,
        dry_run,
        attempts,
    };
    let drained = drain::drain(&job, applier, each).map_err(|error| match error {
        DrainError::Spool(error) => error.into(),
        DrainError::Store(error) => error.into(),
        DrainError::Config(error) => CliError::usage(&error).hint(error.hint()),
        DrainError::Output(error) => error.into(),
    })?;
    if !dry_run {
        let before = |span| Timestamp(context.now.0.saturating_sub(span));
        // No request takes an hour to be written.
        let webhook = &context.config.webhook;
        spool.trim(&Lasting {
            done: before(webhook.done_lasting.0),
            failed: before(webhook.failed_lasting.0),
            unfinished: before(HOUR),
        })?;
    }
    Ok(drained)
}

/// Says what was left or failed; answers what the exit status must at least be.
pub(super) fn tell(drained: &Drained, quiet: bool) -> Option<Exit> {
    for (name, subscription) in &drained.subscriptions {
        tell_subscription(name, subscription);
    }
    for (name, cause, hint) in drained.left.iter().take(TOLD) {
        log::warn!(
            "{name} is left for the next run: {}; {hint}",
            printable(cause)
        );
    }
    for (name, _) in drained.failed.iter().take(TOLD) {
        log::warn!("{name} was put into `failed`, with the reason beside it");
    }
    if !quiet && drained.done + drained.failed.len() + drained.left.len() > 0 {
        eprintln!(
            "spool: {} done, {} failed, {} left",
            drained.done,
            drained.failed.len(),
            drained.left.len()
        );
    }
    let unconfirmed = drained
        .subscriptions
        .iter()
        .any(|(_, subscription)| matches!(subscription.answer, Answer::Failed(_)));
    if unconfirmed || !drained.failed.is_empty() {
        return Some(Exit::SomeFailed);
    }
    (!drained.left.is_empty()).then_some(Exit::Unreachable)
}

/// Says what became of a subscription that SNS asks to confirm; `place` is the message's name.
pub(super) fn tell_subscription(place: &str, subscription: &Subscription) {
    let topic = printable(&subscription.topic);
    match &subscription.answer {
        Answer::Confirmed(arn) => {
            eprintln!("confirmed: `{topic}`, subscription `{}`", printable(arn));
        }
        Answer::Waits(url) => eprintln!(
            "to be confirmed: `{topic}`: run `bouncekit webhook:confirm {}`, or visit {}",
            printable(place),
            printable(url)
        ),
        Answer::Failed(error) => eprintln!(
            "not confirmed: `{topic}`: {}\nhint: {}",
            printable(&error.to_string()),
            error.hint()
        ),
        Answer::Unproven(cause) => eprintln!(
            "not to be confirmed: `{topic}`: the message is {}",
            printable(cause)
        ),
    }
}
