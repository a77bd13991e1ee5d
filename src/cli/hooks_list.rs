use bouncekit_core::time::Timestamp;

use super::{
    CliError, Context, Exit,
    column::{self, Column, Holds},
    listing::{Format, Listing},
};

/// List suppressions that the hook has not taken yet, with why
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Read at once.
const CHUNK: u32 = 1000;

pub(crate) const COLUMNS: &[Column] = &[
    column::number("id", "its place in the queue"),
    column::number("tries", "how often the hook refused it"),
    column::column(
        "next_try",
        Holds::OptionalTime,
        "when it is offered again; nothing where the next run does, or none ever",
    ),
    column::column("given_up", Holds::Flag, "whether it is offered no more"),
    column::text("error", "what the hook said last"),
    column::column("suppression", Holds::Object, "what the hook is to be told"),
];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let store = context.store()?;
    let mut listing = Listing::new(args.format, COLUMNS)?;
    let mut after = 0;
    loop {
        let chunk = store.outbox(after, CHUNK)?;
        let Some(last) = chunk.last() else {
            break;
        };
        after = last.id;
        for each in chunk {
            let given_up = each.tries >= context.config.hooks.tries;
            let next = if given_up {
                "given up".into()
            } else if each.next_try_at <= context.now {
                "next run".into()
            } else {
                Timestamp::to_string(&each.next_try_at)
            };
            listing.row(vec![
                each.id.to_string(),
                each.tries.to_string(),
                next,
                if given_up { "yes" } else { "no" }.into(),
                each.error,
                each.payload,
            ])?;
        }
    }
    listing.end()?;
    Ok(Exit::Done)
}
