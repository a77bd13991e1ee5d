use std::path::PathBuf;

use bouncekit_core::{config::Span, store::Retention, time::Timestamp};
use serde_json::json;

use super::{CliError, Context, Exit, listing::Shape, output};

/// Check the database, apply retention, and if asked back it up and give space back
///
/// Retention is what [retention] and [archive] say.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also write a consistent copy to this file, while others go on; an existing one is replaced
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
    /// Also rewrite the database without unused space, and an older one in pages of the present size; others wait meanwhile
    #[arg(long)]
    vacuum: bool,
    /// Show what retention would remove; change nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let (mut store, run) = if args.dry_run {
        (context.store()?, 0)
    } else {
        context.store_and_run("maintain")?
    };
    let damage = store.check()?;
    if let Some(first) = damage.first() {
        return Err(CliError::new(
            Exit::Usage,
            format!(
                "`{}` is damaged: {first}",
                context.config.store.path.display()
            ),
        )
        .hint("put the last backup in its place; `sqlite3 FILE .recover` saves what can be read"));
    }
    let before = |span: Option<Span>| span.map(|span| Timestamp(context.now.0 - span.0));
    let settings = &context.config.retention;
    let retention = Retention {
        events: before(settings.events),
        sends: before(settings.sends),
        runs: before(settings.runs),
        quarantine: before(settings.quarantine),
    };
    let batch = store.begin()?;
    let removed = batch.retain(&retention, context.now)?;
    if args.dry_run {
        drop(batch);
    } else {
        batch.commit()?;
        // What retention took away has all counted anew: better now than when a report is asked for.
        store.statistics()?;
        let archive = &context.config.archive;
        let oldest = Timestamp(context.now.0.saturating_sub(archive.lasting.0));
        store.trim_archive(oldest, archive.size)?;
        store.optimise()?;
        if args.vacuum {
            store.vacuum()?;
        }
        if let Some(path) = &args.backup {
            output::replace_by(path, |beside| Ok(store.back_up(beside)?))?;
        }
    }
    let (size, unused) = store.size()?;
    let soundness = if store.is_shared() {
        "not checked"
    } else {
        "sound"
    };
    let counts =
        json!({"soundness": soundness, "removed": removed, "size": size, "unused": unused});
    if !args.dry_run {
        store.finish_run(run, &counts.to_string(), context.now)?;
    }
    if args.format == Shape::Json {
        println!("{}", super::listing::json_text(&format!("{counts:#}")));
    } else {
        let would = if args.dry_run { "would be " } else { "" };
        let sound = if store.is_shared() {
            "soundness is not looked at on PostgreSQL (pg_amcheck does)"
        } else {
            "the database is sound"
        };
        println!(
            "{sound}; {would}removed: {} events, {} sends, {} runs, {} quarantined, \
             {} expired suppressions; {size} octets, {unused} of them unused",
            removed.events,
            removed.sends,
            removed.runs,
            removed.quarantine,
            removed.expired_suppressions
        );
    }
    Ok(Exit::Done)
}
