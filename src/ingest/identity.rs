//! Who is meant: hash, Message-ID, then address; for a whole batch at once.

use std::{borrow::Cow, collections::HashSet};

use serde::Deserialize;

use super::Item;
use crate::{
    address::AddressKey,
    event::{DeliveryEvent, EventKind, ONLY_THEIR_WORD},
    message::{Clue, Target},
    store::{Batch, Send, SentTo, StoreError},
    time::{DAY, Timestamp},
    verp::{Keys, SendHash, Signature},
};

/// How much a hash without a signature is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signatures {
    /// As much as a signed one.
    #[default]
    Accept,
    /// Only if the send is recent and the report names its address.
    Prefer,
    /// Nothing.
    Require,
}

/// The part of the configuration that says who may be meant.
#[derive(Clone, Debug)]
pub struct Identity {
    pub keys: Keys,
    pub signatures: Signatures,
    /// Reports without a hash may name their recipient by address.
    pub match_by_address: bool,
    /// A hash is worth nothing for so long after its send, in milliseconds; but for unsubscribing.
    pub hash_lasting: Option<i64>,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            keys: Keys::default(),
            signatures: Signatures::Accept,
            match_by_address: true,
            hash_lasting: None,
        }
    }
}

/// A send older than this is not "recent" where an unsigned hash must be.
const RECENT: i64 = 60 * DAY;

/// Who an event is about.
#[derive(Clone, Debug)]
// Four questions with four answers.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Resolved {
    /// The event's kind, after the sender of a reply was looked at.
    pub(super) kind: EventKind,
    pub(super) address: Option<AddressKey>,
    /// Whether the address belongs to a contact or a send.
    pub(super) known: bool,
    pub(super) send: Option<SendHash>,
    /// The address the report names, if it is another than the one charged.
    pub(super) reported: Option<String>,
    pub(super) note: String,
    pub(super) forged: bool,
    pub(super) expired: bool,
    /// Whether the proof is good enough to unsubscribe.
    pub(super) may_unsubscribe: bool,
}

/// For each event of each item.
pub(super) fn resolve(
    batch: &Batch<'_>,
    identity: &Identity,
    items: &[Item],
    now: Timestamp,
) -> Result<Vec<Resolved>, StoreError> {
    let events = items.iter().flat_map(|item| &item.events);
    let addressees = addressees(batch, events.flat_map(|event| &event.clues))?;
    let mut left = &addressees[..];

    let mut resolved = Vec::with_capacity(items.len());
    for item in items {
        let key = |event: &DeliveryEvent| AddressKey::parse(event.address.as_deref()?);
        // A report on several recipients is charged to the send only for the send's own address.
        let others: HashSet<AddressKey> = if item.events.len() > 1 {
            item.events.iter().filter_map(key).collect()
        } else {
            HashSet::new()
        };
        for event in &item.events {
            let (these, behind) = left.split_at(event.clues.len());
            left = behind;
            resolved.push(resolve_one(
                identity,
                these,
                event,
                key(event),
                &others,
                now,
            ));
        }
    }

    let unsure: Vec<&AddressKey> = {
        let mut keys: Vec<&AddressKey> = resolved
            .iter()
            .filter(|who| !who.known)
            .filter_map(|who| who.address.as_ref())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    };
    let known: HashSet<AddressKey> = batch
        .known_addresses(&unsure)?
        .into_iter()
        .zip(&unsure)
        .filter(|(known, _)| *known)
        .map(|(_, key)| (*key).clone())
        .collect();
    for who in &mut resolved {
        who.known |= who.address.as_ref().is_some_and(|key| known.contains(key));
    }
    Ok(resolved)
}

/// Who the send was written to that a clue names.
struct Addressee<'c> {
    hash: Cow<'c, SendHash>,
    sent_to: SentTo,
}

/// In the order of the clues; `None` where a clue names no send.
fn addressees<'c>(
    batch: &Batch<'_>,
    clues: impl Iterator<Item = &'c Clue>,
) -> Result<Vec<Option<Addressee<'c>>>, StoreError> {
    let targets: Vec<&Target> = clues.map(|clue| &clue.target).collect();
    let mut hashes = Vec::with_capacity(targets.len());
    let mut message_ids = Vec::new();
    for target in &targets {
        match target {
            Target::Token(token) => hashes.push(&token.hash),
            Target::MessageId(id) => message_ids.push(id.as_str()),
        }
    }
    let mut by_hash = batch.sent_to(&hashes)?.into_iter();
    let by_message_id = batch.sends_by_message_id(message_ids)?;
    let named = targets.into_iter().map(|target| match target {
        Target::Token(token) => Some(Addressee {
            hash: Cow::Borrowed(&token.hash),
            sent_to: by_hash.next().flatten()?,
        }),
        Target::MessageId(id) => by_message_id.get(id).map(|send| Addressee {
            hash: Cow::Owned(send.hash.clone()),
            sent_to: SentTo {
                key: send.key.clone(),
                sent_at: send.sent_at,
            },
        }),
    });
    Ok(named.collect())
}

/// What one clue leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lead<S = Send> {
    Send(S),
    /// No send has this hash or Message-ID.
    Unknown,
    /// The signature is wrong: nothing else of the report is believed.
    Forged,
    /// The send is too old for its hash to be believed: nothing else of the report is, either.
    Expired(S),
    /// The send is there, but a hash without signature is not enough.
    Unproven(S),
}

/// An event that a clue belongs to.
#[derive(Clone, Copy)]
struct About<'a> {
    kind: EventKind,
    named: Option<&'a AddressKey>,
}

impl<S> Lead<S> {
    /// Whether no later clue is asked.
    pub const fn decides(&self) -> bool {
        matches!(self, Self::Send(_) | Self::Forged | Self::Expired(_))
    }

    fn try_map<T, E>(self, read: impl FnOnce(S) -> Result<T, E>) -> Result<Lead<T>, E> {
        Ok(match self {
            Self::Send(send) => Lead::Send(read(send)?),
            Self::Unknown => Lead::Unknown,
            Self::Forged => Lead::Forged,
            Self::Expired(send) => Lead::Expired(read(send)?),
            Self::Unproven(send) => Lead::Unproven(read(send)?),
        })
    }
}

fn follow<'s, 'c>(
    identity: &Identity,
    clue: &Clue,
    addressee: Option<&'s Addressee<'c>>,
    About { kind, named }: About<'_>,
    now: Timestamp,
) -> Lead<&'s Addressee<'c>> {
    let signature = match &clue.target {
        // Without keys nothing can be said about a mac.
        Target::Token(token) if !identity.keys.is_empty() => identity.keys.check(token),
        _ => Signature::Unsigned,
    };
    if signature == Signature::Forged {
        return Lead::Forged;
    }
    let Some(send) = addressee else {
        return Lead::Unknown;
    };
    let age = now.0 - send.sent_to.sent_at.0;
    if let (Target::Token(_), Some(lasting)) = (&clue.target, identity.hash_lasting)
        && age > lasting
        // Whoever does not want mail any more may say so whenever they find the link.
        && kind != EventKind::Unsubscribe
    {
        return Lead::Expired(send);
    }
    let good_enough = signature == Signature::Valid
        || match identity.signatures {
            Signatures::Accept => true,
            Signatures::Prefer => {
                age <= RECENT && named.is_none_or(|named| *named == send.sent_to.key)
            }
            Signatures::Require => false,
        };
    if good_enough {
        Lead::Send(send)
    } else {
        Lead::Unproven(send)
    }
}

/// What each clue of an event leads to; the first that [`Lead::decides`].
pub(super) fn leads(
    batch: &Batch<'_>,
    identity: &Identity,
    event: &DeliveryEvent,
    now: Timestamp,
) -> Result<Vec<Lead>, StoreError> {
    let addressees = addressees(batch, event.clues.iter())?;
    let named = event.address.as_deref().and_then(AddressKey::parse);
    let about = About {
        kind: event.kind,
        named: named.as_ref(),
    };
    let clues = event.clues.iter().zip(&addressees);
    clues
        .map(|(clue, addressee)| {
            follow(identity, clue, addressee.as_ref(), about, now)
                .try_map(|addressee| batch.send(&addressee.hash))
        })
        .collect()
}

fn resolve_one(
    identity: &Identity,
    addressees: &[Option<Addressee<'_>>],
    event: &DeliveryEvent,
    named: Option<AddressKey>,
    others: &HashSet<AddressKey>,
    now: Timestamp,
) -> Resolved {
    let mut who = Resolved {
        kind: event.kind,
        address: None,
        known: false,
        send: None,
        reported: None,
        note: String::new(),
        forged: false,
        expired: false,
        may_unsubscribe: false,
    };
    let about = About {
        kind: event.kind,
        named: named.as_ref(),
    };
    let lead = event
        .clues
        .iter()
        .zip(addressees)
        .map(|(clue, addressee)| follow(identity, clue, addressee.as_ref(), about, now))
        .find(Lead::decides);
    match lead {
        Some(Lead::Forged) => {
            who.forged = true;
            who.reported.clone_from(&event.address);
            who.note = "the signature in the return address is wrong".into();
        }
        Some(Lead::Expired(send)) => {
            who.expired = true;
            who.reported.clone_from(&event.address);
            who.note = format!("the send `{}` is too old (hash_lasting)", send.hash);
        }
        Some(Lead::Send(send)) => {
            who.send = Some(send.hash.as_ref().clone());
            who.may_unsubscribe = true;
            match named {
                Some(named) if named != send.sent_to.key => {
                    if event.kind == EventKind::Reply {
                        who.kind = EventKind::Note;
                        who.note = "answered by another address than the one written to".into();
                        who.address = Some(named);
                    } else if event.address_wins
                        || (event.kind == EventKind::Bounce && others.contains(&send.sent_to.key))
                    {
                        who.note = format!("the send `{}` went to another address", send.hash);
                        who.send = None;
                        who.address = Some(named);
                    } else {
                        who.note =
                            "reported for another address: forwarded, or the mailbox of an alias"
                                .into();
                        who.reported.clone_from(&event.address);
                        who.address = Some(send.sent_to.key.clone());
                        who.known = true;
                    }
                }
                named => {
                    who.address = named.or_else(|| Some(send.sent_to.key.clone()));
                    who.known = true;
                }
            }
        }
        _ => {
            let own_wish = event.sender_proven && event.kind == EventKind::Unsubscribe;
            let by_address = identity.match_by_address || event.address_wins || own_wish;
            match (named, by_address) {
                (Some(named), true) => {
                    who.address = Some(named);
                    who.may_unsubscribe = event.address_wins || own_wish;
                    if event.kind == EventKind::Reply
                        || (event.kind == EventKind::Unsubscribe && !who.may_unsubscribe)
                    {
                        who.note = ONLY_THEIR_WORD.into();
                    }
                }
                (Some(_), false) => {
                    who.reported.clone_from(&event.address);
                    who.note = "no send of ours is named, and matching by address is off".into();
                }
                (None, _) => {
                    who.reported.clone_from(&event.address);
                }
            }
        }
    }
    who
}
