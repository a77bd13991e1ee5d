use bouncekit_core::address::AddressKey;

use super::{CliError, Context, Exit, listing::Shape};

/// Forget a person: remove all that is known of an address, everywhere
///
/// Contact, sends, events, archived mails go; texts that name the address are blanked. If the address
/// is on the do-not-contact list, a salted hash of it stays, so that the suppression stands should
/// the address be imported again.
#[derive(clap::Args)]
pub(crate) struct Args {
    address: String,
    /// Show what would go; remove nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let key = AddressKey::parse(&args.address).ok_or_else(|| {
        CliError::usage(format!("`{}` is not an address", args.address)).hint("write local@domain")
    })?;
    let (mut store, run) = if args.dry_run {
        (context.store()?, 0)
    } else {
        context.store_and_run("forget")?
    };
    store.delete_securely()?;
    let batch = store.begin()?;
    let gone = batch.forget(&key, run)?;
    let counts = serde_json::to_value(gone).map_err(CliError::usage)?;
    if args.dry_run {
        drop(batch);
    } else {
        batch.commit()?;
        store.finish_run(run, &counts.to_string(), context.now)?;
        store.wipe_deleted()?;
    }
    if args.format == Shape::Json {
        println!("{}", super::listing::json_text(&format!("{counts:#}")));
    } else {
        let would = if args.dry_run { "would be " } else { "" };
        println!(
            "{would}forgotten: {} contacts, {} sends, {} events, {} archived mails, {} mentions; \
             {} suppressions stand under a hash",
            gone.contacts,
            gone.sends,
            gone.events,
            gone.archived_mails,
            gone.mentions,
            gone.suppressions
        );
    }
    Ok(Exit::Done)
}
