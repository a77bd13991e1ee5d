//! The daily counts of events, put in order by the commands of cron, for which nobody waits.

use super::{CliError, Context};

/// Counts what was brought, where the next who asks would have to wait for it. Where that
/// does not succeed (another writes, the disk is full), whoever asks counts.
pub(crate) fn after(context: &Context) {
    let counted = context
        .store()
        .and_then(|mut store| store.count_bulk().map_err(CliError::from));
    if let Err(error) = counted {
        log::info!("the daily counts are left to the next report: {error}");
    }
}
