//! Mandrill.

use super::Provider;

pub(super) const PROVIDER: Provider = Provider {
    name: "mandrill",
    title: "Mandrill",
    callbacks: &["mandrill"],
};
