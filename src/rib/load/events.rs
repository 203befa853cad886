//! YAML as a stream of events with places: nothing is ever expanded, and no document is held in memory.
//!
//! The only use of saphyr-parser. Anchors, aliases, tags and further documents are refused, so that a text says
//! what it seems to say and costs what its length says.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use saphyr_parser::{Event as Raw, Marker, Parser, ScalarStyle, ScanError, StrInput};

use crate::rib::{Finding, Place};

/// Nesting beyond this is refused; what is read here is four levels deep.
const MAX_DEPTH: u32 = 64;
const ALIAS: (&str, &str) = ("a YAML alias", "write the value out: aliases are not used here");

/// A line and column, both from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Mark {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Mark {
    /// The place in a file.
    pub(crate) fn place(self, file: &Arc<PathBuf>) -> Place {
        Place { file: Arc::clone(file), line: self.line, column: self.column }
    }
}

impl From<&Marker> for Mark {
    fn from(marker: &Marker) -> Self {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { line: number(marker.line()).max(1), column: number(marker.col()).saturating_add(1) }
    }
}

/// How a scalar was written, as far as it changes its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    /// Without quotes: `5` is a number and an empty one is null.
    Plain,
    /// In quotes: text.
    Quoted,
    /// After `|`: text whose lines are the file's lines.
    Literal,
    /// After `>`: text whose lines were joined.
    Folded,
}

/// A value without parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Scalar<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) style: Style,
}

impl Scalar<'_> {
    /// Whether it is YAML's null.
    pub(crate) fn is_null(&self) -> bool {
        self.style == Style::Plain && matches!(&*self.text, "" | "~" | "null" | "Null" | "NULL")
    }
}

/// One event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Event<'a> {
    /// A scalar.
    Scalar(Scalar<'a>),
    /// A list begins.
    ListStart,
    /// A list ends.
    ListEnd,
    /// A mapping begins: keys and values follow in turn.
    MapStart,
    /// A mapping ends.
    MapEnd,
    /// The document has ended, and nothing follows.
    End,
}

/// The events of one text.
pub(crate) struct Events<'a> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    file: Arc<PathBuf>,
    depth: u32,
    seen_document: bool,
    mark: Mark,
}

impl<'a> Events<'a> {
    /// Reads `text`; a byte order mark before it is passed over.
    pub(crate) fn new(text: &'a str, file: Arc<PathBuf>) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            parser: Parser::new_from_str(text),
            text,
            file,
            depth: 0,
            seen_document: false,
            mark: Mark::default(),
        }
    }

    /// Where the last event began.
    pub(crate) fn mark(&self) -> Mark {
        self.mark
    }

    /// The next event. After an error the text cannot be read further.
    pub(crate) fn next(&mut self) -> Result<Event<'a>, Box<Finding>> {
        loop {
            let Some(event) = self.parser.next_event() else { return Ok(Event::End) };
            let (event, span) = event.map_err(|e| self.syntax(&e))?;
            self.mark = Mark::from(&span.start);
            let event = match event {
                Raw::Nothing | Raw::StreamStart | Raw::DocumentEnd => continue,
                Raw::StreamEnd => Event::End,
                Raw::DocumentStart(_) if self.seen_document => {
                    return Err(
                        self.refuse("a second YAML document", "keep one document a file: remove the \"---\"")
                    );
                }
                Raw::DocumentStart(_) => {
                    self.seen_document = true;
                    continue;
                }
                Raw::Alias(_) => {
                    return Err(self.refuse(ALIAS.0, ALIAS.1));
                }
                Raw::Scalar(_, _, anchor, ref tag) => {
                    self.no_extras(anchor, tag.is_some())?;
                    let Raw::Scalar(text, style, _, _) = event else { continue };
                    Event::Scalar(Scalar { text, style: style.into() })
                }
                Raw::SequenceStart(anchor, tag) => {
                    self.no_extras(anchor, tag.is_some())?;
                    self.deeper()?;
                    Event::ListStart
                }
                Raw::MappingStart(anchor, tag) => {
                    self.no_extras(anchor, tag.is_some())?;
                    self.deeper()?;
                    Event::MapStart
                }
                Raw::SequenceEnd => {
                    self.depth = self.depth.saturating_sub(1);
                    Event::ListEnd
                }
                Raw::MappingEnd => {
                    self.depth = self.depth.saturating_sub(1);
                    Event::MapEnd
                }
            };
            return Ok(event);
        }
    }

    /// Passes over the value that `first` began.
    pub(crate) fn skip(&mut self, first: &Event<'_>) -> Result<(), Box<Finding>> {
        let mut open = match first {
            Event::ListStart | Event::MapStart => 1_u32,
            Event::Scalar(_) | Event::ListEnd | Event::MapEnd | Event::End => 0,
        };
        while open > 0 {
            match self.next()? {
                Event::ListStart | Event::MapStart => open += 1,
                Event::ListEnd | Event::MapEnd => open -= 1,
                Event::Scalar(_) => {}
                Event::End => break,
            }
        }
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), Box<Finding>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(
                self.refuse("lists or mappings nested too deep", "nothing here needs more than a few levels")
            );
        }
        Ok(())
    }

    fn no_extras(&self, anchor: usize, tagged: bool) -> Result<(), Box<Finding>> {
        if anchor != 0 {
            return Err(self.refuse("a YAML anchor", "remove the \"&name\": anchors are not used here"));
        }
        if tagged {
            return Err(self.refuse("a YAML tag", "remove the \"!tag\": a value's type follows from its key"));
        }
        Ok(())
    }

    fn refuse(&self, what: &str, fix: &str) -> Box<Finding> {
        Box::new(Finding::error(self.mark.place(&self.file), what, fix))
    }

    fn syntax(&self, error: &ScanError) -> Box<Finding> {
        // The scanner reads ahead, and where it stops is not always where it began; its own mark is the best there is.
        let place = Mark::from(error.marker()).place(&self.file);
        if error.info().contains("unknown anchor") {
            return Box::new(Finding::error(place, ALIAS.0, ALIAS.1));
        }
        if let Some(tab) = self.tab(Mark::from(error.marker()), error.info()) {
            let place = tab.place(&self.file);
            return Box::new(Finding::error(place, "a tab where YAML wants spaces", "replace it by spaces"));
        }
        let what = format!("this is not YAML: {}", error.info());
        Box::new(Finding::error(
            place,
            what,
            "look for a bracket, a quote or an indentation that is off here or above",
        ))
    }
}

impl Events<'_> {
    /// The tab that an error is about, if it is about one: what the scanner calls one may stand before or behind where
    /// it stopped, and some it calls by another name.
    fn tab(&self, stopped: Mark, info: &str) -> Option<Mark> {
        let number = |n: usize| u32::try_from(n).ok();
        let from = number(self.text.lines().count())?.min(stopped.line);
        let lines = (from..).zip(self.text.lines().skip(usize::try_from(from).ok()?.saturating_sub(1)));
        let mut tabs = lines.flat_map(|(line, text)| {
            let columns = (1..).zip(text.chars()).filter(|(_, c)| *c == '\t');
            columns.map(move |(column, _)| Mark { line, column })
        });
        let first = tabs.find(|tab| *tab >= Mark { column: stopped.column.saturating_sub(1), ..stopped })?;
        let here = first.line == stopped.line && first.column <= stopped.column;
        (here || info.contains(" tab") || info.starts_with("tab")).then_some(first)
    }
}

impl From<ScalarStyle> for Style {
    fn from(style: ScalarStyle) -> Self {
        match style {
            ScalarStyle::Plain => Self::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Self::Quoted,
            ScalarStyle::Literal => Self::Literal,
            ScalarStyle::Folded => Self::Folded,
        }
    }
}
