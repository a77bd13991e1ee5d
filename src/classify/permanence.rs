//! Whether a bounce lasts.

use super::{Diagnostics, EnhancedStatusCode, Permanence, Reason};

/// What the reason says, but for one: who accepts no mail with a 4xx code accepts none for now.
pub(super) fn of(reason: Reason, diagnostics: &Diagnostics<'_>) -> Permanence {
    match reason {
        Reason::NotAccept if is_temporary(diagnostics) => Permanence::Soft,
        _ => reason.permanence(),
    }
}

/// Class 4 of the enhanced status code; of the reply code where there is none.
fn is_temporary(diagnostics: &Diagnostics<'_>) -> bool {
    match (diagnostics.status, diagnostics.reply_code) {
        (Some(EnhancedStatusCode { class, .. }), _) => class == 4,
        (None, Some(code)) => code / 100 == 4,
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_accepts_no_mail_for_now_is_soft() {
        let of = |reason, status: &str, reply_code| {
            of(
                reason,
                &Diagnostics {
                    status: status.parse().ok(),
                    reply_code,
                    ..Diagnostics::default()
                },
            )
        };
        assert_eq!(of(Reason::NotAccept, "", Some(554)), Permanence::Hard);
        assert_eq!(of(Reason::NotAccept, "", Some(450)), Permanence::Soft);
        assert_eq!(of(Reason::NotAccept, "4.0.0", None), Permanence::Soft);
        assert_eq!(of(Reason::UserUnknown, "4.1.1", None), Permanence::Hard);
        assert_eq!(of(Reason::MailboxFull, "5.2.2", None), Permanence::Soft);
    }
}
