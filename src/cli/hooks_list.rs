use bouncekit_core::time::Timestamp;

use super::{
    CliError, Context, Exit,
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

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let store = context.store()?;
    let mut listing = Listing::new(
        args.format,
        &["id", "tries", "next_try", "error", "suppression"],
    )?;
    let mut after = 0;
    loop {
        let chunk = store.outbox(after, CHUNK)?;
        let Some(last) = chunk.last() else {
            break;
        };
        after = last.id;
        for each in chunk {
            let next = if each.tries >= context.config.hooks.tries {
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
                each.error,
                each.payload,
            ])?;
        }
    }
    listing.end()?;
    Ok(Exit::Done)
}
