//! SparkPost.

use super::{Provider, Scheme};

pub(super) const PROVIDER: Provider = Provider {
    name: "sparkpost",
    title: "SparkPost",
    callbacks: &["sparkpost"],
    methods: &["POST"],
    scheme: Scheme::Token("X-MessageSystems-Webhook-Token"),
};
