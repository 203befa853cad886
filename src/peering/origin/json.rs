//! JSON with places, taken as it is read: a file of VRPs is too large for a tree of it.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnet::IpNet;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::rib::load::collect::shown;
use crate::rib::load::prefix::{self, PrefixError};
use crate::rib::sources::text::Text;
use crate::rib::{Finding, Findings, Place};
use crate::wire::Asn;

const AGAIN: &str = "mend it, or have the file written anew";

/// The file's name, and its text.
pub(super) fn text<'a>(name: &Path, octets: &'a [u8]) -> Result<Text<'a>, Findings> {
    let file = Arc::new(name.to_owned());
    let text = Text::new(Arc::clone(&file), octets)?;
    if text.text.trim().is_empty() { Err(whole(&file, "the file is empty")) } else { Ok(text) }
}

/// A finding about the file as a whole.
pub(super) fn whole(file: &Arc<PathBuf>, what: &str) -> Findings {
    let place = Place { file: Arc::clone(file), line: 0, column: 0 };
    Findings(vec![Finding::error(place, what, "have it written anew")])
}

/// An object whose members are taken one by one, as they are read.
pub(super) trait Members {
    /// What the object is, for findings.
    const FORM: &'static str;

    /// Takes the value of the member of this name, which is what comes next in `map`.
    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

struct Object<'m, M>(&'m mut M);

impl<'de, M: Members> DeserializeSeed<'de> for Object<'_, M> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, M: Members> Visitor<'de> for Object<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(M::FORM)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            self.0.take(&name, &mut map)?;
        }
        Ok(())
    }
}

/// A list whose values are taken one by one, as they are read; one is refused in words.
pub(super) struct List<T, F> {
    form: &'static str,
    take: F,
    of: PhantomData<fn() -> T>,
}

/// See [`List`]; `form` is what it is, for findings.
pub(super) fn list<T, F: FnMut(T) -> Result<(), String>>(form: &'static str, take: F) -> List<T, F> {
    List { form, take, of: PhantomData }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), String>> DeserializeSeed<'de> for List<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), String>> Visitor<'de> for List<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.form)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element()? {
            (self.take)(value).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}

/// Reads a document to its end.
pub(super) fn read(text: &Text<'_>, form: &str, members: &mut impl Members) -> Result<(), Findings> {
    let mut json = serde_json::Deserializer::from_str(text.text);
    Object(members).deserialize(&mut json).and_then(|()| json.end()).map_err(|error| {
        let place = text.place(text.offset_at(error.line(), error.column()));
        let said = error.to_string();
        let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what);
        let what = match error.classify() {
            Category::Eof => "the file is truncated".to_owned(),
            Category::Syntax | Category::Io => format!("not JSON: {}", printable(said)),
            Category::Data => format!("not {form}: {}", printable(said)),
        };
        Findings(vec![Finding::error(place, what, AGAIN)])
    })
}

/// Words of a parser, with what it quotes of the file, on one line.
fn printable(said: &str) -> String {
    const LONGEST: usize = 200;
    said.chars().take(LONGEST).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// A prefix without host bits.
pub(super) struct Net(pub(super) IpNet);

impl<'de> Deserialize<'de> for Net {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Word("a prefix", |word| prefix_of(word).map(Net)))
    }
}

/// A prefix, or in words why it is none.
pub(super) fn prefix_of(word: &str) -> Result<IpNet, String> {
    prefix::parse(word).map_err(|error| match error {
        PrefixError::HostBits(net) => format!("{} has host bits, its network is {net}", shown(word)),
        PrefixError::NoLength(_) => format!("{} has no length", shown(word)),
        PrefixError::Length { max } => format!("{} is longer than {max}", shown(word)),
        PrefixError::Text => format!("\"{}\" is no prefix", shown(word)),
    })
}

/// An ASN, as a number or as `AS64500`.
pub(super) struct AsnWord(pub(super) Asn);

impl<'de> Deserialize<'de> for AsnWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Word("an ASN, like 64500 or \"AS64500\"", |word| {
            asn_of(word)
                .or_else(|| word.parse().ok().map(Asn))
                .map(AsnWord)
                .ok_or_else(|| format!("\"{}\" is no ASN", shown(word)))
        }))
    }
}

/// The ASN of `AS64500`, in whichever case.
pub(super) fn asn_of(word: &str) -> Option<Asn> {
    let digits = word.get(..2).filter(|mark| mark.eq_ignore_ascii_case("AS")).and(word.get(2..))?;
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| is_plain).map(Asn)
}

/// Takes a string by what it means; a number goes by its digits.
struct Word<T>(&'static str, fn(&str) -> Result<T, String>);

impl<T> Visitor<'_> for Word<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<T, E> {
        (self.1)(word).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}
