//! Elastic Email.

use super::{Provider, Scheme};

pub(super) const PROVIDER: Provider = Provider {
    name: "elasticemail",
    title: "Elastic Email",
    callbacks: &["elasticemail"],
    methods: &["GET", "POST"],
    scheme: Scheme::None,
};
