//! Mailjet.

use super::Provider;

pub(super) const PROVIDER: Provider = Provider {
    name: "mailjet",
    title: "Mailjet",
    callbacks: &["mailjet"],
};
