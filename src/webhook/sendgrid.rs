//! SendGrid.

use super::Provider;

pub(super) const PROVIDER: Provider = Provider {
    name: "sendgrid",
    title: "SendGrid",
    callbacks: &["sendgrid_api", "sendgrid"],
};
