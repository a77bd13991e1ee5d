//! Mailjet.

use super::{Provider, Scheme};

pub(super) const PROVIDER: Provider = Provider {
    name: "mailjet",
    title: "Mailjet",
    callbacks: &["mailjet"],
    methods: &["POST"],
    scheme: Scheme::None,
};
