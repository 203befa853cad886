//! AS_PATH and AS4_PATH (RFC 4271 §4.3 b, RFC 6793 §4.2.3), as views of the message.
//!
//! ```text
//! 1  segment type: 1 set, 2 sequence, 3 and 4 the same within a confederation
//! 1  count of AS numbers
//! n  AS numbers, two or four octets each
//! ```

use std::fmt;

use nom::Parser;
use nom::bytes::complete::take;
use nom::number::complete::{be_u8, be_u16, be_u32};

use super::codes::segment;
use super::{AsPathFault, Asn, FaultKind};

/// Octets of an AS number in a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AsWidth {
    /// Two, with a peer without RFC 6793.
    Two,
    /// Four.
    #[default]
    Four,
}

impl AsWidth {
    fn octets(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

/// The kind of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SegmentKind {
    /// AS_SET.
    Set,
    /// AS_SEQUENCE.
    Sequence,
}

/// One segment of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment<'a> {
    /// Set or sequence.
    pub kind: SegmentKind,
    octets: &'a [u8],
    width: AsWidth,
}

impl<'a> Segment<'a> {
    /// Its AS numbers, in the order of the message.
    pub fn asns(&self) -> impl Iterator<Item = Asn> + use<'a> {
        let width = self.width;
        self.octets.chunks_exact(width.octets()).filter_map(move |octets| {
            let number = match width {
                AsWidth::Two => be_u16::<_, ()>.map(u32::from).parse(octets),
                AsWidth::Four => be_u32(octets),
            };
            number.ok().map(|(_, number)| Asn(number))
        })
    }

    /// How many AS numbers it has.
    fn len(&self) -> usize {
        self.octets.len().checked_div(self.width.octets()).unwrap_or(0)
    }

    /// What it adds to the length of a path: a set counts as one (RFC 4271 §9.1.2.2).
    fn hops(&self) -> usize {
        match self.kind {
            SegmentKind::Set => 1,
            SegmentKind::Sequence => self.len(),
        }
    }

    /// Its first `hops` hops.
    fn leading(self, hops: usize) -> Self {
        match self.kind {
            SegmentKind::Set => self,
            SegmentKind::Sequence => {
                let len = hops.saturating_mul(self.width.octets());
                Self { octets: self.octets.get(..len).unwrap_or(self.octets), ..self }
            }
        }
    }
}

/// The segments of one attribute that was checked; segments of confederations are passed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Segments<'a> {
    octets: &'a [u8],
    width: AsWidth,
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        loop {
            let (rest, code, octets) = split(self.octets, self.width)?;
            self.octets = rest;
            let kind = match code {
                segment::AS_SET => SegmentKind::Set,
                segment::AS_SEQUENCE => SegmentKind::Sequence,
                _ => continue,
            };
            return Some(Segment { kind, octets, width: self.width });
        }
    }
}

/// What follows the first segment, its type and its AS numbers; `None` where it is not whole.
fn split(octets: &[u8], width: AsWidth) -> Option<(&[u8], u8, &[u8])> {
    let (rest, (code, count)) = (be_u8::<_, ()>, be_u8).parse(octets).ok()?;
    let len = usize::from(count).saturating_mul(width.octets());
    let (rest, numbers) = take::<_, _, ()>(len)(rest).ok()?;
    Some((rest, code, numbers))
}

/// The path of a route: AS_PATH, or the leading part of it followed by AS4_PATH.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AsPath<'a> {
    head: &'a [u8],
    /// Segments in four octets that follow.
    tail: &'a [u8],
    /// Hops of `head` that count, all of them with [`ALL`]; the rest of it is what `tail` says in full.
    head_hops: u16,
    head_width: AsWidth,
}

/// More hops than the attributes of a message have room for.
const ALL: u16 = u16::MAX;

impl<'a> AsPath<'a> {
    /// Checks the value of an AS_PATH from a peer outside of any confederation.
    pub(super) fn check(octets: &'a [u8], width: AsWidth) -> Result<Self, FaultKind> {
        let mut rest = octets;
        while let Some(code) = rest.first() {
            match *code {
                segment::AS_SET | segment::AS_SEQUENCE => {}
                segment::AS_CONFED_SEQUENCE | segment::AS_CONFED_SET => {
                    return Err(FaultKind::AsPath(AsPathFault::Confederation));
                }
                other => return Err(FaultKind::AsPath(AsPathFault::SegmentType(other))),
            }
            rest = check_numbers(rest, width)?;
        }
        Ok(Self { head: octets, tail: &[], head_hops: ALL, head_width: width })
    }

    /// Checks the value of an AS4_PATH. Confederation segments in it are left out (RFC 6793 §6).
    pub(super) fn check_as4(octets: &'a [u8]) -> Result<As4Path<'a>, FaultKind> {
        if octets.is_empty() {
            return Err(FaultKind::AsPath(AsPathFault::Empty));
        }
        let mut rest = octets;
        while let Some(code) = rest.first() {
            if !(segment::AS_SET..=segment::AS_CONFED_SET).contains(code) {
                return Err(FaultKind::AsPath(AsPathFault::SegmentType(*code)));
            }
            rest = check_numbers(rest, AsWidth::Four)?;
        }
        Ok(As4Path(Segments { octets, width: AsWidth::Four }))
    }

    /// The path that AS_PATH and AS4_PATH make together (RFC 6793 §4.2.3).
    pub(super) fn merged(self, as4_path: As4Path<'a>) -> Self {
        let tail_hops = as4_path.0.map(|segment| segment.hops()).fold(0, usize::saturating_add);
        match self.hop_count().checked_sub(tail_hops).and_then(|hops| u16::try_from(hops).ok()) {
            Some(head_hops) => Self { head_hops, tail: as4_path.0.octets, ..self },
            None => self,
        }
    }

    /// Its segments in the order of the message. Two sequences may follow each other.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'a>> + use<'a> {
        let mut left = if self.head_hops == ALL { usize::MAX } else { usize::from(self.head_hops) };
        let head = Segments { octets: self.head, width: self.head_width };
        let head = head.map_while(move |segment| {
            let taken = segment.hops().min(left);
            left = left.saturating_sub(taken);
            (taken > 0).then(|| segment.leading(taken))
        });
        head.chain(Segments { octets: self.tail, width: AsWidth::Four })
    }

    /// There is an AS_SET among its segments, which no route should have any more (RFC 9774).
    #[must_use]
    pub fn has_set(&self) -> bool {
        self.segments().any(|segment| segment.kind == SegmentKind::Set)
    }

    /// Every AS number in the order of the message, those of sets included.
    pub fn asns(&self) -> impl Iterator<Item = Asn> + use<'a> {
        self.segments().flat_map(|segment| segment.asns())
    }

    /// Its length as RFC 4271 §9.1.2.2 counts it.
    #[must_use]
    pub fn hop_count(&self) -> usize {
        self.segments().map(|segment| segment.hops()).fold(0, usize::saturating_add)
    }
}

/// An AS4_PATH that was checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct As4Path<'a>(Segments<'a>);

impl As4Path<'_> {
    /// There is a set among its segments, also one of a confederation, which counts for nothing else (RFC 9774 §3).
    pub(super) fn has_set(&self) -> bool {
        let mut rest = self.0.octets;
        while let Some((after, code, _)) = split(rest, AsWidth::Four) {
            if matches!(code, segment::AS_SET | segment::AS_CONFED_SET) {
                return true;
            }
            rest = after;
        }
        false
    }
}

/// Checks the AS numbers of the first segment; what follows it.
fn check_numbers(octets: &[u8], width: AsWidth) -> Result<&[u8], FaultKind> {
    let (rest, _, numbers) = split(octets, width).ok_or(FaultKind::AsPath(AsPathFault::Overrun))?;
    if numbers.is_empty() {
        return Err(FaultKind::AsPath(AsPathFault::EmptySegment));
    }
    // RFC 7607 §2.
    if numbers.chunks_exact(width.octets()).any(|number| number.iter().all(|octet| *octet == 0)) {
        return Err(FaultKind::AsZero);
    }
    Ok(rest)
}

/// The way routers print it: `123 456 {7,8}`.
impl fmt::Display for AsPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for segment in self.segments() {
            let (open, between, close) = match segment.kind {
                SegmentKind::Set => ("{", ",", "}"),
                SegmentKind::Sequence => ("", " ", ""),
            };
            write!(f, "{before}{open}")?;
            for (i, asn) in segment.asns().enumerate() {
                write!(f, "{}{asn}", if i == 0 { "" } else { between })?;
            }
            f.write_str(close)?;
            before = " ";
        }
        Ok(())
    }
}

/// An AS path of its own: what [`AsPath`] shows, kept in four octets for each AS number.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct AsPathBuf(Box<[u8]>);

impl AsPathBuf {
    /// A path of these segments. One of more than 255 AS numbers becomes several.
    pub fn new<A: AsRef<[Asn]>>(segments: impl IntoIterator<Item = (SegmentKind, A)>) -> Self {
        let mut octets = Vec::new();
        for (kind, asns) in segments {
            for asns in asns.as_ref().chunks(usize::from(u8::MAX)) {
                put_segment(&mut octets, kind, asns.len(), asns.iter().copied());
            }
        }
        Self(octets.into_boxed_slice())
    }

    /// A view of it.
    #[must_use]
    pub fn view(&self) -> AsPath<'_> {
        AsPath { head: &self.0, tail: &[], head_hops: ALL, head_width: AsWidth::Four }
    }

    /// The memory that it has beside itself.
    #[must_use]
    pub fn heap_octets(&self) -> usize {
        self.0.len()
    }
}

/// Writes a segment of at most 255 AS numbers.
fn put_segment(octets: &mut Vec<u8>, kind: SegmentKind, count: usize, asns: impl Iterator<Item = Asn>) {
    let code = match kind {
        SegmentKind::Set => segment::AS_SET,
        SegmentKind::Sequence => segment::AS_SEQUENCE,
    };
    octets.extend_from_slice(&[code, u8::try_from(count).unwrap_or(u8::MAX)]);
    octets.extend(asns.flat_map(|asn| asn.0.to_be_bytes()));
}

impl From<&AsPath<'_>> for AsPathBuf {
    fn from(path: &AsPath<'_>) -> Self {
        if path.head_hops == ALL && path.head_width == AsWidth::Four {
            return Self(path.head.into());
        }
        let mut octets = Vec::new();
        for segment in path.segments() {
            put_segment(&mut octets, segment.kind, segment.len(), segment.asns());
        }
        Self(octets.into_boxed_slice())
    }
}

impl fmt::Display for AsPathBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl fmt::Debug for AsPathBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// As text.
impl serde::Serialize for AsPathBuf {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
