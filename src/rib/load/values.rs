//! The values of a group's keys, but for its prefixes: what RIB files say of routes besides where they lead.

use std::str::FromStr;
use std::sync::Arc;

use super::collect::shown;
use super::events::{Event, Mark, Scalar, Style};
use super::file::{Reader, Stop};
use super::path::as_path;
use crate::wire::{Asn, Origin};

impl<'a> Reader<'a> {
    /// A value that should be one scalar; an error is recorded where it is not.
    fn scalar<'e>(
        &mut self,
        key: &str,
        like: &str,
        value: &'e Event<'a>,
    ) -> Result<Option<&'e Scalar<'a>>, Stop> {
        let mark = self.mark();
        match value {
            Event::Scalar(scalar) if !scalar.is_null() => Ok(Some(scalar)),
            Event::Scalar(_) => {
                self.error(
                    mark,
                    format!("{key} has no value"),
                    format!("write it like {like}, or remove the key"),
                );
                Ok(None)
            }
            Event::ListStart | Event::MapStart | Event::ListEnd | Event::MapEnd | Event::End => {
                self.error(mark, format!("{key} is one value"), format!("write it like {like}"));
                self.skip(value)?;
                Ok(None)
            }
        }
    }

    /// The scalars of a list, each with its place.
    fn list(
        &mut self,
        key: &str,
        like: &str,
        value: &Event<'_>,
    ) -> Result<Option<Vec<(String, Mark)>>, Stop> {
        let mark = self.mark();
        if *value != Event::ListStart {
            self.error(mark, format!("{key} is a list"), format!("write it like {key}: [{like}]"));
            self.skip(value)?;
            return Ok(None);
        }
        let mut items = Vec::new();
        loop {
            let event = self.next()?;
            let mark = self.mark();
            match event {
                Event::ListEnd | Event::End => return Ok(Some(items)),
                Event::Scalar(item) => items.push((item.text.into_owned(), mark)),
                Event::ListStart | Event::MapStart | Event::MapEnd => {
                    self.error(
                        mark,
                        format!("an item of {key} is one value"),
                        format!("write it like {like}"),
                    );
                    self.skip(&event)?;
                }
            }
        }
    }

    pub(super) fn parsed_list<T>(&mut self, key: &str, value: &Event<'_>) -> Result<Vec<T>, Stop>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        let like = match key {
            "communities" => "\"8075:1007\"",
            "extended_communities" => "\"rt:8075:100\"",
            _ => "\"8075:1:2\"",
        };
        let mut parsed = Vec::new();
        for (text, mark) in self.list(key, like, value)?.unwrap_or_default() {
            match text.parse() {
                Ok(item) => parsed.push(item),
                Err(error) => {
                    let error: T::Err = error;
                    self.error(mark, format!("\"{}\" in {key}", shown(&text)), error.to_string());
                }
            }
        }
        Ok(parsed)
    }

    pub(super) fn path(&mut self, value: &Event<'a>) -> Result<Vec<Asn>, Stop> {
        const LIKE: &str = "[8075, 64496]";
        let start = self.mark();
        let hops = match value {
            Event::ListStart => self.list("as_path", "8075, 64496", value)?.unwrap_or_default(),
            Event::Scalar(_) => match self.scalar("as_path", LIKE, value)? {
                Some(text) => text.text.split_whitespace().map(|hop| (hop.to_owned(), start)).collect(),
                None => Vec::new(),
            },
            Event::MapStart | Event::ListEnd | Event::MapEnd | Event::End => {
                self.scalar("as_path", LIKE, value)?;
                Vec::new()
            }
        };
        let (path, errors) = as_path(&hops, self.local_asn, start);
        for (mark, what, fix) in errors {
            self.error(mark, what, fix);
        }
        Ok(path)
    }

    pub(super) fn med(&mut self, value: &Event<'a>) -> Result<Option<u32>, Stop> {
        let mark = self.mark();
        let Some(scalar) = self.scalar("med", "100", value)? else { return Ok(None) };
        let digits = scalar.style == Style::Plain && scalar.text.bytes().all(|b| b.is_ascii_digit());
        let med = digits.then(|| scalar.text.parse().ok()).flatten();
        if med.is_none() {
            let what = format!("\"{}\" is no med", shown(&scalar.text));
            self.error(mark, what, "write a number from 0 to 4294967295, without quotes");
        }
        Ok(med)
    }

    pub(super) fn origin(&mut self, value: &Event<'a>) -> Result<Option<Origin>, Stop> {
        let mark = self.mark();
        let Some(scalar) = self.scalar("origin", "igp", value)? else { return Ok(None) };
        match &*scalar.text {
            "igp" => Ok(Some(Origin::Igp)),
            "egp" => Ok(Some(Origin::Egp)),
            "incomplete" => Ok(Some(Origin::Incomplete)),
            other => {
                let what = format!("\"{}\" is no origin", shown(other));
                self.error(mark, what, "write igp, egp or incomplete");
                Ok(None)
            }
        }
    }

    pub(super) fn allow_longer(&mut self, value: &Event<'a>) -> Result<bool, Stop> {
        let mark = self.mark();
        let Some(scalar) = self.scalar("allow_longer", "true", value)? else { return Ok(false) };
        match (&*scalar.text, scalar.style) {
            ("true", Style::Plain) => Ok(true),
            ("false", Style::Plain) => Ok(false),
            (other, _) => {
                let what = format!("\"{}\" is not true or false", shown(other));
                self.error(mark, what, "write true or false, without quotes");
                Ok(false)
            }
        }
    }

    pub(super) fn source(&mut self, value: &Event<'a>) -> Result<Option<Arc<str>>, Stop> {
        let mark = self.mark();
        let Some(scalar) = self.scalar("source", "service-tags 376", value)? else { return Ok(None) };
        let words = scalar.text.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(self.printable("source", &words, mark).then(|| words.into()))
    }

    /// The names that a group is kept to. An empty list is refused: it could mean everywhere or nowhere.
    pub(super) fn scope(&mut self, key: &str, like: &str, value: &Event<'_>) -> Result<Vec<String>, Stop> {
        let start = self.mark();
        let Some(items) = self.list(key, like, value)? else { return Ok(Vec::new()) };
        if items.is_empty() {
            self.error(
                start,
                format!("{key} is empty"),
                "name at least one, or remove the key to advertise everywhere",
            );
        }
        let mut names = Vec::new();
        for (name, mark) in items {
            if name.trim().is_empty() {
                self.error(mark, format!("an empty name in {key}"), "write the name, or remove the item");
            } else if self.printable(key, &name, mark) {
                names.push(name);
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn printable(&mut self, key: &str, text: &str, mark: Mark) -> bool {
        let printable = !text.chars().any(char::is_control);
        if !printable {
            self.error(mark, format!("a control character in {key}"), "write printable characters only");
        }
        printable
    }
}
