use std::io::BufRead as _;

use bouncekit_core::store::{Origin, Store};
use serde_json::json;

use super::{
    CliError, Context, Exit,
    listing::{Shape, json_text},
    segments,
};

/// Put contacts into a segment by hand; builds leave them there
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    by_hand: ByHand,
}

/// Who is put in or taken out.
#[derive(clap::Args)]
pub(crate) struct ByHand {
    /// The segment, by name or number
    segment: String,
    /// Contacts, by address, external id or id:NUMBER; `-` reads one a line from standard input
    #[arg(required = true, value_name = "CONTACT")]
    contacts: Vec<String>,
    /// Take back what was done by hand: the filter decides again
    #[arg(long)]
    by_filter: bool,
    /// Show what would change
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    set(context, &args.by_hand, Origin::Added)
}

/// So many contacts are written by one transaction.
const CHUNK: usize = 10_000;

/// Puts contacts in or takes them out.
pub(super) fn set(context: &Context, args: &ByHand, origin: Origin) -> Result<Exit, CliError> {
    let mut store = context.store()?;
    let segment = segments::find(&store.segments()?, &args.segment)?;
    let (mut named, mut changed, mut unknown) = (0_u64, 0, 0_u64);
    let mut ids = Vec::new();
    let mut write = |store: &mut Store, ids: &mut Vec<i64>| {
        let batch = store.begin()?;
        changed += if args.by_filter {
            batch.leave_to_filter(segment.id, ids)?
        } else {
            batch.set_by_hand(segment.id, ids, origin, context.now)?
        };
        if !args.dry_run {
            batch.commit()?;
        }
        ids.clear();
        Ok::<_, CliError>(())
    };
    let mut take = |store: &mut Store, text: &str| {
        named += 1;
        match segments::contacts(store, text) {
            Ok(contacts) => ids.extend(contacts.into_iter().map(|contact| contact.id)),
            Err(error) => {
                unknown += 1;
                eprint!("{error}");
            }
        }
        if ids.len() >= CHUNK {
            write(store, &mut ids)?;
        }
        Ok::<_, CliError>(())
    };
    for text in &args.contacts {
        if text == "-" {
            for line in std::io::stdin().lock().lines() {
                let line = line?;
                if !line.trim().is_empty() {
                    take(&mut store, line.trim())?;
                }
            }
        } else {
            take(&mut store, text)?;
        }
    }
    write(&mut store, &mut ids)?;
    let what = match (args.by_filter, origin) {
        (true, _) => "left to the filter",
        (false, Origin::Removed) => "taken out by hand",
        (false, _) => "put in by hand",
    };
    if args.format == Shape::Json {
        let told = json!({
            "dry_run": args.dry_run,
            "id": segment.id,
            "name": segment.name,
            "named": named,
            "changed": changed,
            "unknown": unknown,
        });
        println!("{}", json_text(&format!("{told:#}")));
    } else {
        println!(
            "segment {} `{}`: {named} named, {changed} {what}, {unknown} unknown{}",
            segment.id,
            segment.name,
            if args.dry_run {
                " (dry run: nothing was written)"
            } else {
                ""
            }
        );
    }
    Ok(if unknown > 0 {
        Exit::SomeFailed
    } else {
        Exit::Done
    })
}
