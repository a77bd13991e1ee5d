//! Amazon SES.

use super::{Provider, Scheme};

pub(super) const PROVIDER: Provider = Provider {
    name: "amazon_ses",
    title: "Amazon SES",
    callbacks: &["amazon", "amazon_api", "amazon_ses"],
    methods: &["POST"],
    scheme: Scheme::Sns,
};
