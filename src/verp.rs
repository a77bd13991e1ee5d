//! Return addresses that name the send (VERP): `local+bounce_<hash>[_<mac>]@domain`.
//!
//! Decoding is strict: what is not exactly one of the two named forms is `None`, and the caller
//! goes on to the next clue. Forms: Mautic's plain hash, and the signed hash, whose mac is
//! HMAC-SHA256 over `purpose \0 hash` truncated to 80 bits, lower-case base32 (16 characters).
//! Mautic reads both (it takes the second `_` field).
//!
//! ```
//! use bouncekit_core::verp::{Keys, Purpose, ReturnToken, SendHash, Signature, decode, encode};
//!
//! let keys = Keys::new(vec![b"a secret of at least thirty-two octets".to_vec()]);
//! let hash = SendHash::parse("5f3e1a7b2c4d812345678").unwrap();
//! let token = ReturnToken {
//!     purpose: Purpose::Bounce,
//!     mac: keys.sign(Purpose::Bounce, &hash),
//!     hash,
//! };
//! let address = encode("news@example.com", '+', &token).unwrap();
//! assert!(address.starts_with("news+bounce_5f3e1a7b2c4d812345678_"));
//! // Relays may lower-case it.
//! let back = decode(&address.to_lowercase(), &['+']).unwrap();
//! assert_eq!(back, token);
//! assert_eq!(keys.check(&back), Signature::Valid);
//! ```

use std::fmt;

use data_encoding::{BASE32_NOPAD, Specification};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// What the address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    Bounce,
    Unsubscribe,
}

impl Purpose {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Unsubscribe => "unsubscribe",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Bounce, Self::Unsubscribe]
            .into_iter()
            .find(|purpose| purpose.name().eq_ignore_ascii_case(text))
    }
}

/// The name of one send: 1-64 of `[0-9A-Za-z]`, kept lower case, since relays lower-case local
/// parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SendHash(String);

impl SendHash {
    /// Any `[0-9A-Za-z]{1,64}`.
    pub fn parse(text: &str) -> Option<Self> {
        let fits =
            (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    /// 13 hex digits and 8-10 decimal digits, as Mautic's `uniqid` makes them; for fields of free
    /// text, where any word would do as [`Self::parse`].
    pub fn parse_strict(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let fits = (21..=23).contains(&bytes.len())
            && bytes[..13].iter().all(u8::is_ascii_hexdigit)
            && bytes[13..].iter().all(u8::is_ascii_digit);
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for SendHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A decoded return address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReturnToken {
    pub purpose: Purpose,
    pub hash: SendHash,
    /// The mac as written, lower case, if the address carries one. See [`Keys::check`].
    pub mac: Option<String>,
}

/// What a check of the mac found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signature {
    /// No mac in the address.
    Unsigned,
    /// Made with one of the configured keys.
    Valid,
    /// A mac that no configured key makes: forged, or the key is gone.
    Forged,
}

/// The signing keys, newest first: the first signs, all verify (rotation).
#[derive(Clone, Default)]
pub struct Keys(Vec<Vec<u8>>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({} configured)", self.0.len())
    }
}

/// The length of a mac in an address: 80 bits in base32.
pub const MAC_LENGTH: usize = 16;

/// Local parts end at 64 octets (RFC 5321, 4.5.3.1.1).
pub const LOCAL_PART_LIMIT: usize = 64;

impl Keys {
    pub fn new(keys: Vec<Vec<u8>>) -> Self {
        Self(keys)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mac of the newest key, or `None` without keys.
    pub fn sign(&self, purpose: Purpose, hash: &SendHash) -> Option<String> {
        self.0.first().map(|key| mac(key, purpose, hash))
    }

    /// Compares in constant time with what every key makes.
    pub fn check(&self, token: &ReturnToken) -> Signature {
        let Some(given) = &token.mac else {
            return Signature::Unsigned;
        };
        let valid = self.0.iter().fold(false, |valid, key| {
            valid
                | bool::from(
                    mac(key, token.purpose, &token.hash)
                        .as_bytes()
                        .ct_eq(given.as_bytes()),
                )
        });
        if valid {
            Signature::Valid
        } else {
            Signature::Forged
        }
    }
}

fn mac(key: &[u8], purpose: Purpose, hash: &SendHash) -> String {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    hmac.update(purpose.name().as_bytes());
    hmac.update(&[0]);
    hmac.update(hash.as_str().as_bytes());
    BASE32_NOPAD
        .encode(&hmac.finalize().into_bytes()[..10])
        .to_ascii_lowercase()
}

/// The separators between mailbox name and token that servers use: plus addressing and its kin.
pub const SEPARATORS: &[char] = &['+', '-', '='];

/// Writes `local<separator>purpose_hash[_mac]@domain` for the mailbox `base` (`local@domain`).
///
/// # Errors
/// When `base` is no address or the local part would pass 64 octets.
pub fn encode(base: &str, separator: char, token: &ReturnToken) -> Result<String, EncodeError> {
    let base = crate::address::bare(base);
    let (local, domain) = base
        .rsplit_once('@')
        .filter(|(l, d)| !l.is_empty() && !d.is_empty())
        .ok_or_else(|| EncodeError::NoAddress(base.into()))?;
    let quoted = local.len() > 1 && local.starts_with('"') && local.ends_with('"');
    let inner = if quoted {
        &local[1..local.len() - 1]
    } else {
        local
    };
    let mac = token
        .mac
        .as_ref()
        .map(|mac| format!("_{mac}"))
        .unwrap_or_default();
    let part = format!(
        "{inner}{separator}{}_{}{mac}",
        token.purpose.name(),
        token.hash
    );
    let part = if quoted { format!("\"{part}\"") } else { part };
    if part.len() > LOCAL_PART_LIMIT {
        return Err(EncodeError::TooLong {
            local: part.clone(),
            length: part.len(),
        });
    }
    Ok(format!("{part}@{domain}"))
}

/// Why no return address could be written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    #[error("`{0}` is not a mailbox address")]
    NoAddress(String),
    #[error("the local part `{local}` has {length} octets, {LOCAL_PART_LIMIT} are allowed")]
    TooLong { local: String, length: usize },
}

/// Reads an address as a return address of ours: `separators` are tried in the text from the
/// right, so that a mailbox name may hold one itself. `SRS0=`, `SRS1=`, `prvs=` and BATV wrappers
/// are undone.
pub fn decode(address: &str, separators: &[char]) -> Option<ReturnToken> {
    // Longer than any wrapped address that could hold a token: nothing a relay would have taken.
    const LONGEST: usize = 512;
    let address = crate::address::bare(address);
    if address.len() > LONGEST {
        return None;
    }
    let (local, _domain) = address.rsplit_once('@')?;
    let local = unwrap_relays(unquote(local));
    local
        .char_indices()
        .rev()
        .filter(|(_, c)| separators.contains(c))
        .find_map(|(at, c)| decode_token(&local[at + c.len_utf8()..]))
}

/// Reads `purpose_hash[_mac]`, the token without its mailbox.
pub fn decode_token(token: &str) -> Option<ReturnToken> {
    let mut fields = token.split('_');
    let purpose = Purpose::parse(fields.next()?)?;
    let hash = SendHash::parse(fields.next()?)?;
    let mac = match fields.next() {
        None => None,
        Some(mac) if mac.len() == MAC_LENGTH && is_base32(mac) => Some(mac.to_ascii_lowercase()),
        Some(_) => return None,
    };
    fields
        .next()
        .is_none()
        .then_some(ReturnToken { purpose, hash, mac })
}

fn is_base32(text: &str) -> bool {
    let mut lower = Specification::new();
    lower.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    text.bytes()
        .all(|b| lower.symbols.as_bytes().contains(&b.to_ascii_lowercase()))
}

fn unquote(local: &str) -> &str {
    local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(local)
}

/// Undoes sender rewriting: `SRS0=hash=tt=domain=local`, `SRS1=hash=host==hash=tt=domain=local`,
/// `prvs=tag=local` (BATV) and `prvs=local/tag`.
fn unwrap_relays(local: &str) -> &str {
    let mut local = local;
    // Wrappers nest (SRS around BATV); four deep is more than any chain of relays makes.
    for _ in 0..4 {
        let lower = local.to_ascii_lowercase();
        let fields = if lower.starts_with("srs0=")
            || lower.starts_with("srs0+")
            || lower.starts_with("srs0-")
        {
            4
        } else if lower.starts_with("srs1=")
            || lower.starts_with("srs1+")
            || lower.starts_with("srs1-")
        {
            // tag, hash, host, then `=` and the SRS0 fields
            local = local
                .splitn(4, '=')
                .nth(3)
                .map_or(local, |rest| rest.trim_start_matches(['=', '+', '-']));
            return local.splitn(4, '=').nth(3).unwrap_or(local);
        } else if lower.starts_with("prvs=")
            || lower.starts_with("btv1==")
            || lower.starts_with("msprvs1=")
        {
            2
        } else {
            return local;
        };
        if lower.starts_with("btv1==") {
            local = local.rsplit_once("==").map_or(local, |(_, rest)| rest);
            continue;
        }
        let body = local
            .split_once(['=', '+', '-'])
            .map_or("", |(_, body)| body);
        if fields == 2 && body.contains('/') && !body.contains('=') {
            return body.rsplit_once('/').map_or(body, |(local, _)| local);
        }
        local = body.splitn(fields, '=').nth(fields - 1).unwrap_or(body);
    }
    local
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(address: &str) -> Option<String> {
        decode(address, SEPARATORS).map(|t| {
            let mac = t.mac.map(|mac| format!(" {mac}")).unwrap_or_default();
            format!("{} {}{mac}", t.purpose.name(), t.hash)
        })
    }

    #[test]
    fn addresses_of_ours_are_read_however_relays_wrote_them() {
        let cases = [
            (
                "news+bounce_5f3a1c2b9d0e412345678@example.com",
                "bounce 5f3a1c2b9d0e412345678",
            ),
            (
                "<NEWS+BOUNCE_5F3A1C2B9D0E412345678@EXAMPLE.COM>",
                "bounce 5f3a1c2b9d0e412345678",
            ),
            ("news-unsubscribe_abc123@example.com", "unsubscribe abc123"),
            ("news=bounce_abc123@example.com", "bounce abc123"),
            ("my+shop+bounce_abc123@example.com", "bounce abc123"),
            ("\"news+bounce_abc123\"@example.com", "bounce abc123"),
            (
                "news+bounce_abc123_abcdefghij234567@example.com",
                "bounce abc123 abcdefghij234567",
            ),
            (
                "SRS0=HHH=TT=example.com=news+bounce_abc123@forward.example",
                "bounce abc123",
            ),
            (
                "SRS1=HHH=fwd.example==GGG=TT=example.com=news+bounce_abc123@f.example",
                "bounce abc123",
            ),
            (
                "prvs=1234567890=news+bounce_abc123@example.com",
                "bounce abc123",
            ),
            (
                "prvs=news+bounce_abc123/0123456789@example.com",
                "bounce abc123",
            ),
            (
                "btv1==1234567890a==news+bounce_abc123@example.com",
                "bounce abc123",
            ),
            (
                "SRS0=H=T=example.com=prvs=12ab=news+bounce_abc@f.example",
                "bounce abc",
            ),
        ];
        for (address, wanted) in cases {
            assert_eq!(decoded(address).as_deref(), Some(wanted), "{address}");
        }
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let long = format!("news+bounce_{}@example.com", "a".repeat(10_000));
        for address in [
            "news@example.com",
            "news+bounce@example.com",
            "news+bounce_@example.com",
            "news+bounce_a.b@example.com",
            "news+bounce_abc_short@example.com",
            "news+bounce_abc_abcdefghij234567_x@example.com",
            "news+other_abc@example.com",
            "news+bounce_abc123",
            &long,
        ] {
            assert_eq!(decoded(address), None, "{address}");
        }
    }

    #[test]
    fn a_mac_is_of_its_key_purpose_and_hash() {
        let keys = Keys::new(vec![b"new".to_vec(), b"old".to_vec()]);
        let hash = SendHash::parse("abc").unwrap();
        let token = |mac| ReturnToken {
            purpose: Purpose::Bounce,
            hash: hash.clone(),
            mac,
        };
        let old = Keys::new(vec![b"old".to_vec()]).sign(Purpose::Bounce, &hash);
        assert_eq!(
            keys.check(&token(keys.sign(Purpose::Bounce, &hash))),
            Signature::Valid
        );
        assert_eq!(keys.check(&token(old)), Signature::Valid);
        assert_eq!(
            keys.check(&token(keys.sign(Purpose::Unsubscribe, &hash))),
            Signature::Forged
        );
        assert_eq!(keys.check(&token(None)), Signature::Unsigned);
        assert_eq!(format!("{keys:?}"), "Keys(2 configured)");
    }

    #[test]
    fn an_address_over_64_octets_is_not_written() {
        let hash = SendHash::parse("5f3a1c2b9d0e412345678").unwrap();
        let token = ReturnToken {
            purpose: Purpose::Bounce,
            hash,
            mac: Some("abcdefghij234567".into()),
        };
        assert!(encode("newsletter@example.com", '+', &token).is_ok());
        assert!(matches!(
            encode("a-very-long-mailbox-name@example.com", '+', &token),
            Err(EncodeError::TooLong { .. })
        ));
        assert!(matches!(
            encode("nobody", '+', &token),
            Err(EncodeError::NoAddress(_))
        ));
    }

    proptest! {
        #[test]
        fn round_trip(
            local in "[a-z][a-z0-9.+=-]{0,8}", quoted: bool, signed: bool, unsubscribe: bool,
            hash in "[0-9A-Za-z]{1,23}", separator in prop::sample::select(SEPARATORS.to_vec()),
            wrapper in 0..4,
        ) {
            let keys = Keys::new(vec![b"key".to_vec()]);
            let purpose = if unsubscribe { Purpose::Unsubscribe } else { Purpose::Bounce };
            let hash = SendHash::parse(&hash).unwrap();
            let mac = signed.then(|| keys.sign(purpose, &hash).unwrap());
            let token = ReturnToken { purpose, hash, mac };
            let base = if quoted { format!("\"{local}\"@example.com") } else { format!("{local}@example.com") };
            let address = match encode(&base, separator, &token) {
                Err(EncodeError::TooLong { length, .. }) => { prop_assert!(length > LOCAL_PART_LIMIT); return Ok(()); }
                other => other.unwrap(),
            };
            prop_assert!(address.rsplit_once('@').unwrap().0.len() <= LOCAL_PART_LIMIT);
            let address = match wrapper {
                1 if !quoted => format!("SRS0=HhHh=TT=example.com={}", address.replace("@example.com", "@relay.example")),
                2 if !quoted => format!("prvs=0123456789={address}"),
                3 => address.to_uppercase(),
                _ => address,
            };
            prop_assert_eq!(decode(&address, SEPARATORS), Some(token.clone()));
            prop_assert_eq!(keys.check(&token), if signed { Signature::Valid } else { Signature::Unsigned });
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,80}@?\\PC{0,20}") {
            let _ = decode(&text, SEPARATORS);
        }
    }
}
