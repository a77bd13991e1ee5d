//! SendGrid.

use super::{Provider, Scheme};

pub(super) const PROVIDER: Provider = Provider {
    name: "sendgrid",
    title: "SendGrid",
    callbacks: &["sendgrid_api", "sendgrid"],
    methods: &["POST"],
    scheme: Scheme::SendGrid,
};
