//! The kinds of values in a line of a batch.

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// A string whose octets need not be UTF-8: a script that puts a log into a line does not check.
#[derive(Debug)]
pub struct Octets(pub Vec<u8>);

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = Octets;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E: serde::de::Error>(self, octets: &[u8]) -> Result<Octets, E> {
                Ok(Octets(octets.to_vec()))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Octets, E> {
                Ok(Octets(text.into()))
            }
        }
        deserializer.deserialize_bytes(TextVisitor)
    }
}

/// One text or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a string or a list of strings is wanted")]
pub enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Texts {
    pub fn each(&self) -> &[String] {
        match self {
            Texts::One(text) => std::slice::from_ref(text),
            Texts::Several(texts) => texts,
        }
    }
}

/// Header fields in the order in which they were written, as `Name: value`.
#[derive(Debug, Default)]
pub struct HeaderFields(pub Vec<String>);

impl<'de> Deserialize<'de> for HeaderFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = HeaderFields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of header fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HeaderFields, A::Error> {
                let mut lines = Vec::new();
                while let Some((name, values)) = map.next_entry::<String, Texts>()? {
                    // A colon in a name would make it another name.
                    if name.is_empty() || name.contains(':') {
                        return Err(serde::de::Error::custom(format!("{name:?} is no name of a field")));
                    }
                    lines.extend(values.each().iter().map(|value| format!("{name}: {value}")));
                }
                Ok(HeaderFields(lines))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// What is made of an object alone: what serde makes for a struct takes a list for its fields, too, in their order.
#[derive(Debug)]
pub struct OfObject<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OfObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = OfObject<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OfObject<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(OfObject)
            }
        }
        deserializer.deserialize_map(Object(PhantomData))
    }
}
