//! IMAP over the `imap` crate: batches by UID, one connection an account.
//!
//! The crate's parser gives up on some answers that servers really send; the session is unusable
//! then. The way out is always the same: drop it, connect anew, ask for half as much, until the one
//! message that cannot be fetched stands alone and is reported as unreadable.

mod account;
mod after;
mod errors;
mod folder;

use imap::Session;

use super::{stream::Stream, tidy::Tidied};

pub use account::Account;
pub(super) use errors::{broken, short};

pub(super) type ImapSession = Session<Tidied<Stream>>;

/// `1:5,7` of ascending UIDs.
pub(super) fn sequence_set(uids: &[u32]) -> String {
    let mut set = String::new();
    for run in uids.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        if !set.is_empty() {
            set.push(',');
        }
        match run {
            [first, .., last] => set.push_str(&format!("{first}:{last}")),
            [only] => set.push_str(&only.to_string()),
            [] => {}
        }
    }
    set
}

#[cfg(test)]
mod tests {
    use super::sequence_set;

    #[test]
    fn runs_of_uids_become_ranges() {
        assert_eq!(sequence_set(&[1, 2, 3, 5, 8, 9]), "1:3,5,8:9");
        assert_eq!(sequence_set(&[u32::MAX]), u32::MAX.to_string());
    }
}
