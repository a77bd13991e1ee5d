//! The crate's errors in words for people.

use imap::Error as ImapError;

use crate::mailbox::MailboxError;

pub(in crate::mailbox) fn broken(place: &str, error: &ImapError) -> MailboxError {
    MailboxError::Broken {
        place: place.to_owned(),
        cause: describe(error),
    }
}

/// The crate's errors in words; its own Display shows whole answers, which may be megabytes.
pub(super) fn describe(error: &ImapError) -> String {
    match error {
        ImapError::ConnectionLost => "the server closed the connection".into(),
        ImapError::Io(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the server closed the connection".into()
        }
        ImapError::Io(cause) => cause.to_string(),
        // The crate says so of a line it cannot parse.
        ImapError::Bye(bye) if bye.information == "no explanation given" => {
            "an answer of the server could not be read".into()
        }
        ImapError::Bye(bye) => format!("the server said goodbye: {}", short(&bye.information)),
        ImapError::No(no) => format!("the server refused: {}", short(&no.information)),
        ImapError::Bad(bad) => {
            format!("the server did not understand: {}", short(&bad.information))
        }
        ImapError::Parse(_) => "an answer of the server could not be read".into(),
        other => short(&other.to_string()),
    }
}

/// Whether the line ended, rather than that something came over it that cannot be read.
pub(super) fn is_lost(error: &ImapError) -> bool {
    use std::io::ErrorKind;
    match error {
        ImapError::ConnectionLost => true,
        ImapError::Io(cause) => matches!(
            cause.kind(),
            ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
        ),
        _ => false,
    }
}

/// A server's words may be megabytes.
pub(in crate::mailbox) fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
