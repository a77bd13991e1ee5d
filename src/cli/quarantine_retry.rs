use bouncekit_core::{
    config::Monitor,
    fetch::Recognition,
    ingest::{Accounting, Occasion},
    intake::{Intake, Waiting},
    mailbox::Body,
};

use super::{
    CliError, Context, Exit,
    attempts::{self, Purpose},
    intake,
    listing::Format,
    quarantine_list::{Choice, tell},
};

/// Try messages again that could not be read
///
/// One whose bytes are in the archive is read now, and acted on. Any other is read by the next
/// run that meets it: mark it as unread in its mailbox, or ingest its file again.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Show what would happen; change nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let settings = context.ingest_settings()?;
    let rules = context.rules()?;
    let mut store = context.store()?;
    let items = args.choice.of(&store)?;
    let (archived, elsewhere): (Vec<_>, Vec<_>) = items.iter().partition(|item| item.archived);
    let run = if args.dry_run || archived.is_empty() {
        0
    } else {
        context.begin_run(&mut store, "quarantine:retry")?
    };
    let attempts = attempts::begin(context, &mut store, Purpose::Retry)?;
    let intake = Intake {
        recognition: Recognition {
            attempts: Some(&attempts),
            ..intake::recognition(context, rules, Monitor::ALL)
        },
        settings: &settings,
        bounds: intake::bounds(context),
        occasion: Occasion {
            run,
            now: context.now,
            folder: None,
        },
        dry_run: args.dry_run,
    };
    let mut outcomes = Vec::new();
    let mut total = Accounting::default();
    for item in archived {
        // Trimmed away since it was listed.
        let Some(raw) = store.raw_message(item.content)? else {
            continue;
        };
        let mut accounting = Accounting::default();
        let mut waiting = Waiting::default();
        let mail = (item.place.as_str(), Body::Whole(raw));
        intake.add(&mut store, &mut waiting, mail, &mut accounting)?;
        intake.commit(&mut store, &mut waiting, &mut accounting)?;
        outcomes.push((item, accounting.to_string()));
        total += &accounting;
    }
    if run != 0 {
        store.finish_run(run, &total.to_json(), context.now)?;
    }
    if !args.dry_run && !elsewhere.is_empty() {
        let contents: Vec<_> = elsewhere.iter().map(|item| item.content).collect();
        let batch = store.begin()?;
        batch.try_again(&contents)?;
        batch.commit()?;
    }
    outcomes.extend(
        elsewhere
            .into_iter()
            .map(|item| (item, "tried when it is met again".to_owned())),
    );
    tell(args.format, args.dry_run, outcomes)?;
    Ok(if total.quarantined + total.deferred > 0 {
        Exit::SomeFailed
    } else {
        Exit::Done
    })
}
