//! What is done on the server with a message whose outcome is committed.

use imap::Error as ImapError;

use super::ImapSession;

/// What STORE sets on a message that was read.
pub(super) const SEEN: &str = "+FLAGS.SILENT (\\Seen)";

/// Without UIDPLUS (RFC 4315) other people's `\Deleted` messages would go too, so ours only get the flag.
pub(super) fn delete(
    session: &mut ImapSession,
    set: &str,
    has_uidplus: bool,
) -> Result<(), ImapError> {
    session.uid_store(set, "+FLAGS.SILENT (\\Seen \\Deleted)")?;
    if has_uidplus {
        session.uid_expunge(set)?;
    }
    Ok(())
}

pub(super) fn move_to(
    session: &mut ImapSession,
    set: &str,
    target: &str,
    has_move: bool,
    has_uidplus: bool,
) -> Result<(), ImapError> {
    session.uid_store(set, SEEN)?;
    if has_move {
        return session.uid_mv(set, target);
    }
    session.uid_copy(set, target)?;
    delete(session, set, has_uidplus)
}
