//! The identity chain: which headers lead to the send.

use super::{
    Clue, Options, Target,
    mime::{Headers, Part},
};
use crate::verp::{Purpose, ReturnToken, SendHash, decode, decode_token};

/// Headers that name the address a report arrived at, most trustworthy first.
pub(super) const ARRIVAL: &[&str] = &[
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Delivered-To",
    "To",
    "Cc",
];

/// So many addresses of one header are looked at.
const ADDRESSES: usize = 50;

/// Collects clues in their order, each once.
#[derive(Default)]
pub(super) struct Clues(Vec<Clue>);

impl Clues {
    pub(super) fn into_vec(self) -> Vec<Clue> {
        self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn push(&mut self, source: &'static str, target: Target) {
        if !self.0.iter().any(|clue| clue.target == target) {
            self.0.push(Clue { source, target });
        }
    }

    /// Return addresses of ours among the arrival headers; the purpose of the first.
    pub(super) fn arrival(&mut self, headers: &Headers<'_>, options: &Options) -> Option<Purpose> {
        for name in ARRIVAL {
            for value in headers.all(name) {
                for token in tokens(&value, options) {
                    self.push(name, Target::Token(token));
                }
            }
        }
        self.0.iter().find_map(|clue| match &clue.target {
            Target::Token(token) => Some(token.purpose),
            Target::MessageId(_) => None,
        })
    }

    /// What the returned message says of its send.
    pub(super) fn returned<'p>(
        &mut self,
        headers: &Headers<'_>,
        texts: impl Iterator<Item = &'p Part<'p>>,
        options: &Options,
    ) {
        for value in headers.all("Return-Path") {
            for token in tokens(&value, options) {
                self.push("returned Return-Path", Target::Token(token));
            }
        }
        if let Some(hash) = headers
            .get(&options.hash_header)
            .and_then(|value| SendHash::parse(value.trim()))
        {
            self.push("returned hash header", bare(hash, Purpose::Bounce));
        }
        for value in headers.all("List-Unsubscribe") {
            for token in tokens(&value, options) {
                self.push("returned List-Unsubscribe", Target::Token(token));
            }
            self.links("returned List-Unsubscribe", value.as_bytes());
        }
        for text in texts {
            self.links("returned tracking link", &text.bytes());
        }
        if let Some(id) = headers.get("Message-ID") {
            self.message_ids("returned Message-ID", &id);
        }
    }

    /// `/email/<hash>.gif` and `/email/unsubscribe/<hash>`, as Mautic and we write them.
    pub(super) fn links(&mut self, source: &'static str, text: &[u8]) {
        let places = memchr::memmem::find_iter(text, "/email/");
        for at in places.take(ADDRESSES) {
            let rest = &text[at + "/email/".len()..];
            let (rest, image) = rest
                .strip_prefix(b"unsubscribe/")
                .map_or((rest, true), |rest| (rest, false));
            let end = rest
                .iter()
                .position(|b| !b.is_ascii_alphanumeric())
                .unwrap_or(rest.len());
            if image && !rest[end..].starts_with(b".gif") {
                continue;
            }
            let hash = std::str::from_utf8(&rest[..end]).ok();
            if let Some(hash) = hash.and_then(SendHash::parse) {
                self.push(source, bare(hash, Purpose::Bounce));
            }
        }
    }

    /// Message-IDs in angle brackets, or the whole value.
    pub(super) fn message_ids(&mut self, source: &'static str, value: &str) {
        let ids = value
            .split(['<', '>', ' ', ','])
            .map(str::trim)
            .filter(|id| id.contains('@') && id.len() <= 998);
        for id in ids.take(ADDRESSES) {
            self.push(source, Target::MessageId(id.to_owned()));
        }
    }
}

fn bare(hash: SendHash, purpose: Purpose) -> Target {
    Target::Token(ReturnToken {
        purpose,
        hash,
        mac: None,
    })
}

/// Return addresses of ours in an address list, however broken the list is.
fn tokens(value: &str, options: &Options) -> Vec<ReturnToken> {
    value
        .split([',', '<', '>', ' ', ';', '(', ')', '?'])
        .filter(|piece| piece.contains('@'))
        .take(ADDRESSES)
        .filter_map(|piece| {
            decode(piece, &options.separators).or_else(|| decode_token(piece.split('@').next()?))
        })
        .collect()
}
