//! Mandrill.

use super::{Provider, Scheme};

pub(super) const PROVIDER: Provider = Provider {
    name: "mandrill",
    title: "Mandrill",
    callbacks: &["mandrill"],
    methods: &["HEAD", "POST"],
    scheme: Scheme::Mandrill,
};
