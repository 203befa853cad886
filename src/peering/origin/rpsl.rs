//! Route objects as registries publish them: RPSL (RFC 2622 §2), objects apart by blank lines, of which `route` and
//! `route6` are read and all others passed over. What registrants wrote in other attributes may be in any encoding.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnet::IpNet;

use super::irr::{IrrFile, IrrRoute, MAX_IRR_ROUTES};
use super::json::{asn_of, prefix_of, whole};
use crate::rib::load::collect::{Collected, shown};
use crate::rib::{Finding, Findings, Place};

pub(super) fn read(name: &Path, octets: &[u8]) -> Result<IrrFile, Findings> {
    let file = Arc::new(name.to_owned());
    let mut reading = Reading {
        file: IrrFile { path: Arc::clone(&file), routes: Vec::new() },
        findings: Collected::default(),
        object: Object::Between,
        line: 0,
    };
    for line in octets.split(|b| *b == b'\n') {
        reading.line = reading.line.saturating_add(1);
        reading.take(line);
    }
    reading.end_object();
    reading.finish()
}

/// What the lines belong to.
enum Object {
    /// No object has begun.
    Between,
    /// One that is not read.
    Other,
    /// A route object.
    Route(Route),
}

/// A route object so far.
struct Route {
    /// Its first line.
    line: u32,
    prefix: Value,
    origin: Value,
    /// What a further line of the attribute before would continue.
    last: Attribute,
    is_v6: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Attribute {
    Prefix,
    Origin,
    Another,
}

/// The value of an attribute, without comments, and where it stands.
#[derive(Default)]
struct Value {
    text: String,
    line: u32,
    column: usize,
    /// The attribute stands twice, or its value has several parts.
    is_double: bool,
}

impl Value {
    fn put(&mut self, (text, column): (String, usize), line: u32) {
        if !self.text.is_empty() && !text.is_empty() {
            self.is_double = true;
        } else if self.text.is_empty() {
            *self = Self { text, line, column, is_double: self.is_double };
        }
    }
}

struct Reading {
    file: IrrFile,
    findings: Collected,
    object: Object,
    line: u32,
}

impl Reading {
    fn take(&mut self, line: &[u8]) {
        match line.first() {
            // Comments, and remarks of the server that the file came from.
            Some(b'#' | b'%') => {}
            Some(b' ' | b'\t' | b'+') if !line.trim_ascii().is_empty() => self.further(line),
            Some(_) if !line.trim_ascii().is_empty() => self.attribute(line),
            Some(_) | None => self.end_object(),
        }
    }

    /// A line that goes on with the attribute before it.
    fn further(&mut self, line: &[u8]) {
        let Object::Route(route) = &mut self.object else { return };
        let value = match route.last {
            Attribute::Prefix => &mut route.prefix,
            Attribute::Origin => &mut route.origin,
            Attribute::Another => return,
        };
        value.put(value_at(line, 1), self.line);
    }

    fn attribute(&mut self, line: &[u8]) {
        let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
        let name = line.get(..colon).unwrap_or(line).trim_ascii_end();
        let is = |class: &str| name.eq_ignore_ascii_case(class.as_bytes());
        if matches!(self.object, Object::Between) {
            self.object = match (is("route"), is("route6")) {
                (false, false) => Object::Other,
                (_, is_v6) => Object::Route(Route::new(self.line, is_v6)),
            };
        }
        let Object::Route(route) = &mut self.object else { return };
        let value = || value_at(line, colon.saturating_add(1));
        (route.last, _) = match (is("route") || is("route6"), is("origin")) {
            (true, _) => (Attribute::Prefix, route.prefix.put(value(), self.line)),
            (false, true) => (Attribute::Origin, route.origin.put(value(), self.line)),
            (false, false) => (Attribute::Another, ()),
        };
    }

    fn end_object(&mut self) {
        let Object::Route(route) = std::mem::replace(&mut self.object, Object::Between) else { return };
        match route.read() {
            Ok(_) if self.file.routes.len() >= MAX_IRR_ROUTES => {
                let what = format!("more than {MAX_IRR_ROUTES} route objects");
                self.wrong(route.line, 1, what, "name a file of one registry");
            }
            Ok(read) => self.file.routes.push(read),
            Err(Wrong { line, column, what }) => {
                self.wrong(line, column, what, "mend the object or fetch the file again");
            }
        }
    }

    fn wrong(&mut self, line: u32, column: usize, what: String, fix: &str) {
        let column = u32::try_from(column).unwrap_or(u32::MAX);
        let place = Place { file: Arc::clone(&self.file.path), line, column };
        self.findings.error(|| Finding::error(place, what, fix));
    }

    fn finish(self) -> Result<IrrFile, Findings> {
        let file: &Arc<PathBuf> = &self.file.path;
        let findings = self.findings.finish(Place { file: Arc::clone(file), line: 0, column: 0 });
        if findings.has_errors() {
            return Err(findings);
        }
        if self.file.routes.is_empty() {
            return Err(whole(file, "the file has no route objects at all"));
        }
        Ok(self.file)
    }
}

/// What stands in a line from an octet on, without its comment, and at which column.
fn value_at(line: &[u8], from: usize) -> (String, usize) {
    let rest = line.get(from..).unwrap_or_default();
    let end = rest.iter().position(|b| *b == b'#').unwrap_or(rest.len());
    let value = rest.get(..end).unwrap_or(rest);
    let begin = from.saturating_add(value.len().saturating_sub(value.trim_ascii_start().len()));
    let column = String::from_utf8_lossy(line.get(..begin).unwrap_or(line)).chars().count();
    (String::from_utf8_lossy(value.trim_ascii()).into_owned(), column.saturating_add(1))
}

/// What is wrong with an object, and where.
struct Wrong {
    line: u32,
    column: usize,
    what: String,
}

impl Route {
    fn new(line: u32, is_v6: bool) -> Self {
        Self { line, prefix: Value::default(), origin: Value::default(), last: Attribute::Another, is_v6 }
    }

    fn read(&self) -> Result<IrrRoute, Wrong> {
        let class = if self.is_v6 { "route6" } else { "route" };
        let at = |value: &Value, what: String| Wrong { line: value.line, column: value.column, what };
        let missing =
            |name: &str| Wrong { line: self.line, column: 1, what: format!("{class} without {name}") };
        if self.prefix.text.is_empty() {
            return Err(missing("a prefix"));
        }
        if self.origin.text.is_empty() {
            return Err(missing("an origin"));
        }
        if let Some((name, value)) =
            [(class, &self.prefix), ("origin", &self.origin)].into_iter().find(|(_, value)| value.is_double)
        {
            return Err(at(value, format!("more than one {name} in an object")));
        }
        let prefix = prefix_of(&self.prefix.text).map_err(|what| at(&self.prefix, what))?;
        if matches!(prefix, IpNet::V6(_)) != self.is_v6 {
            return Err(at(&self.prefix, format!("{prefix} in a {class} object")));
        }
        let origin = asn_of(&self.origin.text).ok_or_else(|| {
            at(&self.origin, format!("origin \"{}\" is no ASN like AS64500", shown(&self.origin.text)))
        })?;
        let len = prefix.prefix_len();
        Ok(IrrRoute { prefix, min_len: len, max_len: len, origin })
    }
}
