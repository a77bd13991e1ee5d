//! Reading fields of JSON that keeps to no schema: numbers as strings and the reverse, `[]` for
//! `{}`, names in any order. Values stay unread until they are asked for, so that an event of no
//! interest costs one pass.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::moment;
use crate::{time::Timestamp, verp::SendHash};

/// One JSON value, unread; or none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Field<'a>(Option<&'a str>);

/// The members of a JSON object in their order. Of two with one name the last counts.
#[derive(Debug, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Field<'a>)>);

impl<'a> Field<'a> {
    /// One whole JSON value, blanks around it allowed.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Ok(Self(Some(raw.get())))
    }

    /// The first JSON value of a text; what follows it is left out.
    pub fn parse_first(text: &'a str) -> Option<Self> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        values.next()?.ok().map(|raw| Self(Some(raw.get())))
    }

    /// Text that is JSON by its origin and is checked when it is read.
    pub fn unchecked(text: &'a str) -> Self {
        Self(Some(text.trim_ascii()))
    }

    /// Neither missing nor null.
    pub fn is_some(self) -> bool {
        self.0.is_some_and(|raw| raw != "null")
    }

    pub(super) fn is_empty_array(self) -> bool {
        self.0
            .and_then(|raw| raw.strip_prefix('['))
            .is_some_and(|rest| rest.trim_ascii() == "]")
    }

    /// The members of an object; an empty array is an empty object (PHP).
    pub fn object(self) -> Option<Object<'a>> {
        let raw = self.0?;
        if raw.starts_with('{') {
            return serde_json::from_str(raw).ok();
        }
        self.is_empty_array().then(Object::default)
    }

    /// The elements of an array; none for anything else.
    pub fn elements(self) -> Vec<Field<'a>> {
        self.0
            .filter(|raw| raw.starts_with('['))
            .and_then(|raw| serde_json::from_str::<Elements<'a>>(raw).ok())
            .map(|elements| elements.0)
            .unwrap_or_default()
    }

    /// A string, number or boolean as text, trimmed; `None` for what is empty, null or no scalar.
    pub fn text(self) -> Option<Cow<'a, str>> {
        let raw = self.0?;
        let text = match raw.as_bytes().first()? {
            b'"' => string(raw),
            b'{' | b'[' | b'n' => return None,
            _ => Cow::Borrowed(raw),
        };
        let text = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        };
        (!text.is_empty()).then_some(text)
    }

    /// A string without trimming, for payloads that hold JSON in a string.
    pub fn string(self) -> Option<Cow<'a, str>> {
        self.0.filter(|raw| raw.starts_with('"')).map(string)
    }

    /// `true`, `1`, `"true"`, `"1"` and their opposites.
    pub fn flag(self) -> Option<bool> {
        match self.text()?.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        }
    }

    pub fn timestamp(self) -> Option<Timestamp> {
        moment::read(&self.text()?)
    }

    /// A field that is ours by its name: any send hash.
    pub fn hash(self) -> Option<Cow<'a, str>> {
        self.text().filter(|text| SendHash::parse(text).is_some())
    }
}

/// Unescapes a JSON string. A lone surrogate (`\ud83d` cut off its other half) becomes U+FFFD
/// instead of an error.
fn string(raw: &str) -> Cow<'_, str> {
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let bytes = serde_json::from_str::<Bytes>(raw).map_or_else(|_| Vec::new(), |bytes| bytes.0);
    Cow::Owned(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

impl<'a> Object<'a> {
    pub fn get(&self, name: &str) -> Field<'a> {
        self.find(|known| known == name)
    }

    /// As [`Self::get`], whatever the case.
    pub fn get_any_case(&self, name: &str) -> Field<'a> {
        self.find(|known| known.eq_ignore_ascii_case(name))
    }

    fn find(&self, wanted: impl Fn(&str) -> bool) -> Field<'a> {
        self.0
            .iter()
            .rev()
            .find(|(name, _)| wanted(name))
            .map_or(Field(None), |(_, field)| *field)
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name).text()
    }

    /// The first of these names that has text.
    pub fn first(&self, names: &[&str]) -> Option<Cow<'a, str>> {
        names.iter().find_map(|name| self.text(name))
    }

    /// The members of the object of that name; empty where there is none.
    #[must_use]
    pub fn object(&self, name: &str) -> Object<'a> {
        self.get(name).object().unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, Field<'a>)> {
        self.0.iter().map(|(name, field)| (name.as_ref(), *field))
    }
}

struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsBytes;
        impl Visitor<'_> for AsBytes {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(AsBytes)
    }
}

/// A member's name, borrowed where it holds no escape.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsName;
        impl<'de> Visitor<'de> for AsName {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(AsName)
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some((Name(name), raw)) = map.next_entry::<Name<'de>, &RawValue>()? {
                    members.push((name, Field(Some(raw.get()))));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

struct Elements<'a>(Vec<Field<'a>>);

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements<'de>, A::Error> {
                let mut elements = Vec::new();
                while let Some(raw) = seq.next_element::<&RawValue>()? {
                    elements.push(Field(Some(raw.get())));
                }
                Ok(Elements(elements))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_taken_as_they_come() {
        let text = r#"{"a": 12345678901234567890123, "b": "7", "c": true, "d": [], "e": " x ",
            "f": null, "g": "", "h": "caf\u00e9 \ud83d", "a\u0062": 1, "i": [1, {"x": 2}], "b": "8"}"#;
        let object = Field::parse(text).unwrap().object().unwrap();
        let text = |name: &str| object.text(name).map(Cow::into_owned);
        assert_eq!(text("a").as_deref(), Some("12345678901234567890123"));
        assert_eq!(text("b").as_deref(), Some("8"));
        assert_eq!(object.get("c").flag(), Some(true));
        assert!(object.get("d").object().is_some());
        assert_eq!(text("e").as_deref(), Some("x"));
        assert_eq!((text("f"), text("g"), text("none")), (None, None, None));
        assert!(text("h").unwrap().starts_with("café \u{fffd}"));
        assert_eq!(text("ab").as_deref(), Some("1"));
        let elements = object.get("i").elements();
        assert_eq!(elements[0].text().as_deref(), Some("1"));
        assert_eq!(
            elements[1].object().unwrap().text("x").as_deref(),
            Some("2")
        );
    }
}
