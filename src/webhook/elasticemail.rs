//! Elastic Email.

use super::Provider;

pub(super) const PROVIDER: Provider = Provider {
    name: "elasticemail",
    title: "Elastic Email",
    callbacks: &["elasticemail"],
};
