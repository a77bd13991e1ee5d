//! SparkPost.

use super::Provider;

pub(super) const PROVIDER: Provider = Provider {
    name: "sparkpost",
    title: "SparkPost",
    callbacks: &["sparkpost"],
};
