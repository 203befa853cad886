//! One RIB file: from its events to rows and groups, with every error and its place.

use std::path::PathBuf;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::collect::{Collected, near, shown};
use super::events::{Event, Events, Mark, Style};
use super::prefix::{self, PrefixError};
use crate::rib::{Finding, Group, Row, special};
use crate::wire::{Asn, AttrSet};

/// The keys of a group.
const KEYS: [&str; 11] = [
    "communities",
    "extended_communities",
    "large_communities",
    "med",
    "origin",
    "as_path",
    "source",
    "peering_locations",
    "peerings",
    "allow_longer",
    "prefixes",
];

/// What one file says; lines are its own, from 1, and groups are counted from 0.
#[derive(Default, Debug)]
pub(super) struct FileRows {
    pub(super) v4: Vec<Row<u32>>,
    pub(super) v6: Vec<Row<u128>>,
    pub(super) groups: Vec<Group>,
    pub(super) errors: Collected,
    pub(super) lines: u32,
}

/// A file cannot be read on; the finding is recorded.
pub(super) struct Stop;

pub(super) struct Reader<'a> {
    events: Events<'a>,
    file: Arc<PathBuf>,
    pub(super) local_asn: Asn,
    out: FileRows,
    /// Prefixes of the group at hand that only `allow_longer` lets through, which may stand below them.
    longer: Vec<(Mark, IpNet)>,
    longer_unlisted: usize,
}

/// Reads a file's text, and sorts its rows by prefix.
pub(super) fn read(text: &str, file: Arc<PathBuf>, local_asn: Asn) -> FileRows {
    let mut reader = Reader {
        events: Events::new(text, Arc::clone(&file)),
        file,
        local_asn,
        out: FileRows::default(),
        longer: Vec::new(),
        longer_unlisted: 0,
    };
    // A file that stops early has its finding recorded; what was read of it still shows duplicates.
    let (Ok(()) | Err(Stop)) = reader.root();
    let last_mark = reader.events.mark().line;
    let mut out = reader.out;
    let lines = text.bytes().filter(|b| *b == b'\n').count() + 1;
    out.lines = u32::try_from(lines).unwrap_or(u32::MAX).max(last_mark);
    out.v4.sort_unstable_by_key(|r| (r.addr, r.len, r.line));
    out.v6.sort_unstable_by_key(|r| (r.addr, r.len, r.line));
    out
}

impl<'a> Reader<'a> {
    pub(super) fn next(&mut self) -> Result<Event<'a>, Stop> {
        self.events.next().map_err(|finding| self.stop(*finding))
    }

    pub(super) fn skip(&mut self, first: &Event<'_>) -> Result<(), Stop> {
        self.events.skip(first).map_err(|finding| self.stop(*finding))
    }

    /// Where the last event began.
    pub(super) fn mark(&self) -> Mark {
        self.events.mark()
    }

    fn stop(&mut self, finding: Finding) -> Stop {
        self.out.errors.error(|| finding);
        Stop
    }

    pub(super) fn error(&mut self, mark: Mark, what: impl Into<String>, fix: impl Into<String>) {
        let file = &self.file;
        self.out.errors.error(|| Finding::error(mark.place(file), what, fix));
    }

    /// `routes:` and nothing else.
    fn root(&mut self) -> Result<(), Stop> {
        let first = self.next()?;
        let start = self.mark();
        match first {
            Event::MapStart => {}
            Event::End => {
                self.error(
                    start,
                    "this file is empty",
                    "write \"routes:\" and its groups, or remove the file",
                );
                return Ok(());
            }
            Event::Scalar(_) | Event::ListStart | Event::ListEnd | Event::MapEnd => {
                self.error(start, "a RIB file is a mapping", "begin it with \"routes:\"");
                return self.skip(&first);
            }
        }
        let mut seen = None;
        while let Some((key, mark)) = self.key()? {
            let value = self.next()?;
            if key != "routes" {
                self.unknown(&key, mark, &["routes"]);
                self.skip(&value)?;
            } else if seen.replace(mark).is_some() {
                self.twice(&key, mark);
                self.skip(&value)?;
            } else {
                self.routes(&value)?;
            }
        }
        if seen.is_none() {
            self.error(start, "this file has no \"routes\"", "write \"routes:\" and its groups below");
        }
        // What follows the document is an error of its own, if anything does.
        self.next().map(|_| ())
    }

    fn routes(&mut self, value: &Event<'_>) -> Result<(), Stop> {
        if *value != Event::ListStart {
            let mark = self.mark();
            self.error(mark, "routes is no list of groups", "write each group below it behind a \"- \"");
            return self.skip(value);
        }
        loop {
            let event = self.next()?;
            let mark = self.mark();
            match event {
                Event::ListEnd | Event::End => return Ok(()),
                Event::MapStart => self.group(mark)?,
                Event::Scalar(_) | Event::ListStart | Event::MapEnd => {
                    self.error(
                        mark,
                        "this is no group",
                        "write \"- prefixes:\" and the prefixes of the group",
                    );
                    self.skip(&event)?;
                }
            }
        }
    }

    /// The next key of a mapping, or none at its end. A key that is no plain word is passed over with its value.
    fn key(&mut self) -> Result<Option<(String, Mark)>, Stop> {
        loop {
            let event = self.next()?;
            let mark = self.mark();
            match event {
                Event::MapEnd | Event::End | Event::ListEnd => return Ok(None),
                Event::Scalar(key) => return Ok(Some((key.text.into_owned(), mark))),
                Event::ListStart | Event::MapStart => {
                    self.error(mark, "a key is a word", "write one of the known keys here");
                    self.skip(&event)?;
                    let value = self.next()?;
                    self.skip(&value)?;
                }
            }
        }
    }

    fn group(&mut self, start: Mark) -> Result<(), Stop> {
        let mut group = Group {
            attrs: Arc::default(),
            source: None,
            peering_locations: Vec::new(),
            peerings: Vec::new(),
            allow_longer: false,
            line: start.line,
        };
        let mut attrs = AttrSet::default();
        let mut seen: Vec<&str> = Vec::with_capacity(KEYS.len());
        while let Some((key, mark)) = self.key()? {
            let value = self.next()?;
            if seen.contains(&key.as_str()) {
                self.twice(&key, mark);
                self.skip(&value)?;
                continue;
            }
            match key.as_str() {
                "prefixes" => self.prefixes(value)?,
                "communities" => attrs.communities = self.parsed_list("communities", &value)?,
                "extended_communities" => {
                    attrs.extended_communities = self.parsed_list("extended_communities", &value)?;
                }
                "large_communities" => {
                    attrs.large_communities = self.parsed_list("large_communities", &value)?
                }
                "as_path" => attrs.as_path = self.path(&value)?,
                "med" => attrs.med = self.med(&value)?,
                "origin" => attrs.origin = self.origin(&value)?.unwrap_or_default(),
                "allow_longer" => group.allow_longer = self.allow_longer(&value)?,
                "source" => group.source = self.source(&value)?,
                "peering_locations" => {
                    group.peering_locations = self.scope("peering_locations", "Ashburn", &value)?
                }
                "peerings" => group.peerings = self.scope("peerings", "contoso-ashburn", &value)?,
                unknown => {
                    self.unknown(unknown, mark, &KEYS);
                    self.skip(&value)?;
                }
            }
            seen.extend(KEYS.iter().find(|known| **known == key));
        }
        if !seen.contains(&"prefixes") {
            self.error(
                start,
                "this group has no prefixes",
                "add \"prefixes:\" with at least one, or remove the group",
            );
        }
        self.check_longer(group.allow_longer);
        attrs.canonicalize();
        group.attrs = Arc::new(attrs);
        self.out.groups.push(group);
        Ok(())
    }

    fn twice(&mut self, key: &str, mark: Mark) {
        let what = format!("the key {} is already set above", shown(key));
        self.error(mark, what, "keep one of the two");
    }

    fn unknown(&mut self, key: &str, mark: Mark, known: &[&str]) {
        let what = format!("unknown key {}", shown(key));
        let fix = match near(key, known.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("remove it; the keys here are {}", known.join(", ")),
        };
        self.error(mark, what, fix);
    }

    fn prefixes(&mut self, value: Event<'a>) -> Result<(), Stop> {
        let start = self.mark();
        let found = match value {
            Event::ListStart => self.prefix_list()?,
            Event::Scalar(scalar) if scalar.style == Style::Literal => self.prefix_block(&scalar.text, start),
            Event::Scalar(scalar) if scalar.is_null() => false,
            Event::Scalar(_) | Event::MapStart | Event::ListEnd | Event::MapEnd | Event::End => {
                let fix = "write a list, or a \"|\" and a prefix a line below it";
                self.error(start, "prefixes is no list and no block of text", fix);
                return self.skip(&value);
            }
        };
        if !found {
            self.error(start, "prefixes is empty", "add at least one prefix, or remove the group");
        }
        Ok(())
    }

    fn prefix_list(&mut self) -> Result<bool, Stop> {
        let mut found = false;
        loop {
            let event = self.next()?;
            let mark = self.mark();
            match event {
                Event::ListEnd | Event::End => return Ok(found),
                Event::Scalar(scalar) => self.prefix(&scalar.text, mark),
                Event::ListStart | Event::MapStart | Event::MapEnd => {
                    self.error(
                        mark,
                        "this is no prefix",
                        "write a network and its length, like 13.64.0.0/11",
                    );
                    self.skip(&event)?;
                }
            }
            found = true;
        }
    }

    /// The lines of a `|` block: a prefix each, with blank lines and `#` comments between them.
    fn prefix_block(&mut self, block: &str, start: Mark) -> bool {
        // The mark is that of the first line with content; blank lines before it are part of the text.
        let blank = block.bytes().take_while(|b| *b == b'\n').count();
        let blank = u32::try_from(blank).unwrap_or(u32::MAX);
        let mut mark = Mark { line: start.line.saturating_sub(blank), column: start.column };
        let mut found = false;
        for line in block.split('\n') {
            let content = line.split_once('#').map_or(line, |(before, _)| before);
            let trimmed = content.trim_start();
            let text = trimmed.trim_end();
            if !text.is_empty() {
                let indent = u32::try_from(content.len() - trimmed.len()).unwrap_or(u32::MAX);
                self.prefix(text, Mark { column: start.column.saturating_add(indent), ..mark });
                found = true;
            }
            mark.line = mark.line.saturating_add(1);
        }
        found
    }

    fn prefix(&mut self, text: &str, mark: Mark) {
        let net = match prefix::parse(text) {
            Ok(net) => net,
            Err(error) => {
                let file = &self.file;
                return self.out.errors.error(|| {
                    let (what, fix) = explain(text, error);
                    Finding::error(mark.place(file), what, fix)
                });
            }
        };
        if let Some(why) = special::reason(&net) {
            let fix = "remove it: such space is not announced";
            return self.error(mark, format!("{net} is {why}"), fix);
        }
        let group = u32::try_from(self.out.groups.len()).unwrap_or(u32::MAX);
        let (len, line) = (net.prefix_len(), mark.line);
        if len > longest(&net) {
            if self.longer.len() < super::collect::LISTED {
                self.longer.push((mark, net));
            } else {
                self.longer_unlisted += 1;
            }
        }
        match net {
            IpNet::V4(net) => self.out.v4.push(Row { addr: net.addr().to_bits(), len, group, line }),
            IpNet::V6(net) => self.out.v6.push(Row { addr: net.addr().to_bits(), len, group, line }),
        }
    }

    /// Errors for the group's too long prefixes, unless they are meant.
    fn check_longer(&mut self, allowed: bool) {
        let longer = std::mem::take(&mut self.longer);
        let unlisted = std::mem::take(&mut self.longer_unlisted);
        if allowed {
            return;
        }
        for (mark, net) in longer {
            let longest = longest(&net);
            let wide = match net {
                IpNet::V4(net) => Ipv4Net::new(net.addr(), longest).map(|n| IpNet::from(n.trunc())),
                IpNet::V6(net) => Ipv6Net::new(net.addr(), longest).map(|n| IpNet::from(n.trunc())),
            };
            let wide = wide.unwrap_or(net);
            let fix = format!("write {wide}, or set allow_longer: true in its group");
            self.error(mark, format!("{net} is longer than /{longest}"), fix);
        }
        self.out.errors.more += unlisted;
    }
}

/// What the Internet carries: longer ones need `allow_longer`.
fn longest(net: &IpNet) -> u8 {
    match net {
        IpNet::V4(_) => 24,
        IpNet::V6(_) => 48,
    }
}

/// What is wrong with a prefix's text, and the way out.
fn explain(text: &str, error: PrefixError) -> (String, String) {
    let quoted = shown(text);
    match error {
        PrefixError::Text => (
            format!("\"{quoted}\" is no prefix"),
            "write a network and its length, like 13.64.0.0/11 or 2603:1000::/24".to_owned(),
        ),
        PrefixError::NoLength(address) => {
            let longest = if address.is_ipv4() { 24 } else { 48 };
            (format!("{address} has no length"), format!("write it with one, like {address}/{longest}"))
        }
        PrefixError::Length { max } => {
            (format!("{quoted} has a length over {max}"), format!("write a length from 1 to {max}"))
        }
        PrefixError::HostBits(net) => {
            (format!("{quoted} has host bits set"), format!("write {net}, if that is the network meant"))
        }
    }
}
