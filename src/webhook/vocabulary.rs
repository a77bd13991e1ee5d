//! What a provider's words mean: flat tables, ours beside Mautic's.

use super::Kind;
use crate::{classify::Reason, suppression::Preset};

/// One word of a provider, with what it means.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) word: &'static str,
    pub(super) verdict: Verdict,
}

/// What follows from a word: here, and with `preset = "mautic"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) ours: Kind,
    pub(super) mautic: Kind,
    /// The cause, as far as the word tells it.
    pub(super) class: Reason,
}

pub(super) const fn word(word: &'static str, ours: Kind, mautic: Kind, class: Reason) -> Word {
    Word {
        word,
        verdict: Verdict::new(ours, mautic, class),
    }
}

impl Verdict {
    pub(super) const fn new(ours: Kind, mautic: Kind, class: Reason) -> Self {
        Self {
            ours,
            mautic,
            class,
        }
    }

    pub(super) const fn kind(self, preset: Preset) -> Kind {
        match preset {
            Preset::Standard => self.ours,
            Preset::Mautic => self.mautic,
        }
    }
}

/// The verdict on a word, whatever its case.
pub(super) fn find(table: &[Word], text: &str) -> Option<Verdict> {
    table
        .iter()
        .find(|known| known.word.eq_ignore_ascii_case(text))
        .map(|known| known.verdict)
}
