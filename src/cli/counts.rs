//! The daily counts of events, put in order by the commands of cron, for which nobody waits.

use bouncekit_core::store::Store;

/// Counts what was brought, where the next who asks would have to wait for it. Where that does not
/// succeed (another writes, the disk is full), whoever asks counts.
pub(crate) fn put_in_order(store: &mut Store) {
    if let Err(error) = store.count_bulk() {
        log::info!("the daily counts are left to the next report: {error}");
    }
}
