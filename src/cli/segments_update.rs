use std::{
    collections::HashSet,
    io::Write as _,
    time::{Duration, Instant},
};

use bouncekit_core::{
    segment::{Built, Choice, update},
    store::{Segment, Store},
};
use serde_json::json;

use super::{
    CliError, Context, Exit, holder, is_dead,
    listing::{Shape, printable},
    segments,
};

/// Build segments: contacts that meet the filter join, those that do not any more leave
///
/// Without options all published segments are built, each after those it refers to. After its
/// first build a segment is only looked at for the contacts that changed. Members added or removed
/// by hand stay so.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this segment, by name or number; may be repeated
    #[arg(long, short = 'i', value_name = "SEGMENT", visible_alias = "list-id")]
    segment: Vec<String>,
    /// Not this segment, by name or number; may be repeated
    #[arg(long, short = 'd', value_name = "SEGMENT")]
    exclude: Vec<String>,
    /// Members written by one transaction
    #[arg(long, short = 'b', value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    batch_limit: u32,
    /// Change at most so many members of each segment; the next run goes on
    #[arg(long, short = 'm', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_contacts: Option<u64>,
    /// Look at every contact, whatever is known of changes
    #[arg(long, visible_alias = "force", short = 'f')]
    full: bool,
    /// Show how long each segment took
    #[arg(long)]
    timing: bool,
    /// Show who would come and go; change nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

/// The name of the lease.
const LEASE: &str = "segments";
/// So many of those who would come and go are shown of each segment as text.
const SHOWN: usize = 20;

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut store = context.store()?;
    let all = store.segments()?;
    let chosen = chosen(&all, args)?;
    if args.dry_run {
        let built = build(context, args, &mut store, &chosen)?;
        show(args, &store, &built)?;
        return Ok(Exit::Done);
    }
    if let Err(refused) = store.take_lease(LEASE, &holder(), context.now, is_dead)? {
        return Err(CliError::new(
            Exit::Locked,
            format!(
                "segments are being updated by process {} on {} since {}",
                refused.holder.pid, refused.holder.host, refused.since
            ),
        )
        .hint("let that run end; the next one goes on from there"));
    }
    let built = build(context, args, &mut store, &chosen);
    store.end_lease(LEASE, &holder())?;
    show(args, &store, &built?)?;
    Ok(Exit::Done)
}

fn build(
    context: &Context,
    args: &Args,
    store: &mut Store,
    chosen: &HashSet<i64>,
) -> Result<Vec<Built>, CliError> {
    let choice = Choice {
        segments: chosen,
        full: args.full,
        batch: args.batch_limit as usize,
        most: args.max_contacts,
        dry_run: args.dry_run,
        now: context.now,
        policy: &context.config.policy,
    };
    let start = Instant::now();
    Ok(update(store, &choice, &|| start.elapsed())?)
}

fn chosen(all: &[Segment], args: &Args) -> Result<HashSet<i64>, CliError> {
    let ids = |names: &[String]| {
        names
            .iter()
            .map(|name| Ok(segments::find(all, name)?.id))
            .collect::<Result<HashSet<i64>, CliError>>()
    };
    let (only, exclude) = (ids(&args.segment)?, ids(&args.exclude)?);
    for segment in all.iter().filter(|segment| only.contains(&segment.id)) {
        if !segment.published {
            log::warn!(
                "segment `{}` is unpublished; it is built because it was named",
                segment.name
            );
        }
    }
    Ok(all
        .iter()
        .filter(|segment| {
            if only.is_empty() {
                segment.published
            } else {
                only.contains(&segment.id)
            }
        })
        .map(|segment| segment.id)
        .filter(|id| !exclude.contains(id))
        .collect())
}

fn show(args: &Args, store: &Store, built: &[Built]) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    if args.format == Shape::Json {
        let segments = built
            .iter()
            .map(|built| as_json(args, store, built))
            .collect::<Result<Vec<_>, CliError>>()?;
        writeln!(
            out,
            "{}",
            super::listing::json_text(&format!(
                "{:#}",
                json!({ "dry_run": args.dry_run, "segments": segments })
            ))
        )?;
        return Ok(());
    }
    if built.is_empty() {
        writeln!(out, "no segment to build: segments:create makes one")?;
    }
    let counts = store.member_counts()?;
    for built in built {
        let name = printable(&built.segment.name);
        let id = built.segment.id;
        if args.dry_run {
            writeln!(
                out,
                "segment {id} `{name}`: {} would join, {} would leave",
                built.added, built.removed
            )?;
            for (sign, bits) in [
                ('+', &built.difference.joining),
                ('-', &built.difference.leaving),
            ] {
                for contact in bits.iter().take(SHOWN) {
                    if let Some(contact) = store.contact(contact)? {
                        writeln!(out, "  {sign} {}", printable(&contact.address))?;
                    }
                }
                if bits.len() > SHOWN as u64 {
                    writeln!(
                        out,
                        "  {sign} {} more (--format json shows all)",
                        bits.len() - SHOWN as u64
                    )?;
                }
            }
            continue;
        }
        let members = counts.get(&id).copied().unwrap_or(0);
        let members = segments::plural(members, "member");
        write!(
            out,
            "segment {id} `{name}`: {} added, {} removed, {members}",
            built.added, built.removed
        )?;
        if built.left > 0 {
            write!(out, ", {} changes left to the next run", built.left)?;
        }
        writeln!(out)?;
        if args.timing {
            writeln!(
                out,
                "  {}, {} looked at, evaluated in {}, written in {}",
                built.mode.name(),
                segments::plural(built.looked_at, "contact"),
                seconds(built.evaluating),
                seconds(built.writing)
            )?;
        }
    }
    Ok(())
}

fn as_json(args: &Args, store: &Store, built: &Built) -> Result<serde_json::Value, CliError> {
    let mut value = json!({
        "id": built.segment.id, "name": built.segment.name, "mode": built.mode.name(),
        "looked_at": built.looked_at, "added": built.added, "removed": built.removed, "left": built.left,
        "evaluating_ms": millis(built.evaluating), "writing_ms": millis(built.writing),
    });
    if args.dry_run {
        for (key, bits) in [
            ("joining", &built.difference.joining),
            ("leaving", &built.difference.leaving),
        ] {
            let mut contacts = Vec::new();
            for id in bits.iter() {
                if let Some(contact) = store.contact(id)? {
                    contacts.push(json!({ "id": id, "address": contact.address }));
                }
            }
            value[key] = contacts.into();
        }
    }
    Ok(value)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn seconds(span: Duration) -> String {
    format!("{:.3} s", span.as_secs_f64())
}
