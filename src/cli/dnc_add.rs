use bouncekit_core::{
    classify::Reason,
    event::EventKey,
    ingest::{self, Added, Addition, Occasion},
    suppression::{Grounds, duration},
    time::Timestamp,
};
use serde_json::json;

use super::{
    CliError, Context, Exit,
    column::{self, Column},
    listing::{Format, Listing},
    selection::{keys, moment, unknown_reason},
};

/// Put addresses on the do-not-contact list by hand
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The addresses; they need not be known
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
    /// bounce, complaint, unsubscribe, manual, or a bounce reason as user_unknown
    #[arg(long, value_name = "REASON", default_value = "manual")]
    reason: String,
    /// Why; shown wherever the entry is
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    /// The entry ends by itself after this, e.g. 90d
    #[arg(long = "for", value_name = "SPAN", conflicts_with = "until")]
    lasting: Option<String>,
    /// The entry ends by itself then (UTC)
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Show what would be done, write nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Grounds and, for bounces, the reason that a name means.
pub(crate) fn reason(name: &str) -> Option<(Grounds, Option<Reason>)> {
    Grounds::from_name(name)
        .map(|grounds| (grounds, None))
        .or_else(|| Reason::from_name(name).map(|reason| (Grounds::Bounce, Some(reason))))
}

pub(crate) const COLUMNS: &[Column] = &[
    column::text("address", "as it is compared"),
    column::text("reason", "manual, unsubscribe, complaint or bounce"),
    column::text(
        "outcome",
        "added, changed or listed already; would be ... in a dry run",
    ),
];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let (grounds, detail) = reason(&args.reason).ok_or_else(|| unknown_reason(&args.reason))?;
    let expires_at = expires_at(args, context.now)?;
    let addresses = keys(&args.addresses)?;
    let (mut store, run) = if args.dry_run {
        (context.store()?, 0)
    } else {
        context.store_and_run("dnc:add")?
    };
    let additions: Vec<Addition> = addresses
        .into_iter()
        .map(|address| Addition {
            key: EventKey::of(&[
                b"dnc:add",
                address.as_str().as_bytes(),
                grounds.name().as_bytes(),
                &run.to_be_bytes(),
            ]),
            source: "command line".into(),
            address,
            grounds,
            detail,
            diagnostic: String::new(),
            comment: args.comment.clone(),
            since: context.now,
            expires_at,
        })
        .collect();
    let occasion = Occasion {
        run,
        now: context.now,
        folder: None,
    };
    let policy = &context.config.policy;
    let added = ingest::add(&mut store, policy, occasion, &additions, args.dry_run)?;
    let mut listing = Listing::new(args.format, COLUMNS)?;
    for (addition, outcome) in additions.iter().zip(&added) {
        listing.row(vec![
            addition.address.to_string(),
            args.reason.clone(),
            outcome_name(*outcome, args.dry_run).into(),
        ])?;
    }
    listing.end()?;
    if !args.dry_run {
        let new = added.iter().filter(|added| **added == Added::New).count();
        let accounting = json!({"added": new, "read": additions.len()});
        store.finish_run(run, &accounting.to_string(), context.now)?;
    }
    Ok(Exit::Done)
}

const fn outcome_name(added: Added, dry_run: bool) -> &'static str {
    match (added, dry_run) {
        (Added::New, false) => "added",
        (Added::New, true) => "would be added",
        (Added::Changed, false) => "changed",
        (Added::Changed, true) => "would be changed",
        (Added::Unchanged, _) => "listed already",
    }
}

fn expires_at(args: &Args, now: Timestamp) -> Result<Option<Timestamp>, CliError> {
    let at = match (&args.lasting, &args.until) {
        (Some(span), _) => {
            let span = duration(span).map_err(CliError::usage)?;
            Timestamp(now.0.saturating_add(span))
        }
        (None, Some(date)) => moment(date, now)?,
        (None, None) => return Ok(None),
    };
    if at <= now {
        return Err(CliError::usage("the entry would end before it begins")
            .hint("name a later date with --until"));
    }
    Ok(Some(at))
}
