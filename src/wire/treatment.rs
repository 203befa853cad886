//! What is wrong with an UPDATE, as facts, and what is to be done about it (RFC 7606).

use std::fmt;
use std::net::IpAddr;

use super::codes::attribute as code;
use super::{Asn, ErrorCode};

/// What RFC 7606 §2 has done with an UPDATE, in rising order; of several, the strongest counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Treatment {
    /// Its routes count.
    #[default]
    Accept,
    /// Its routes count without the attributes that are at fault.
    AttributeDiscard,
    /// The routes it announces are withdrawn.
    TreatAsWithdraw,
    /// The session ends.
    SessionReset,
}

impl Treatment {
    /// As in metric labels and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::AttributeDiscard => "attribute-discard",
            Self::TreatAsWithdraw => "treat-as-withdraw",
            Self::SessionReset => "session-reset",
        }
    }
}

impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing that is wrong with an UPDATE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The attribute's type code; `None` where the fault is outside an attribute.
    pub attribute: Option<u8>,
    /// What is wrong.
    pub kind: FaultKind,
    /// What this fault alone asks for.
    pub treatment: Treatment,
}

/// What can be wrong with an UPDATE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// The lengths of the withdrawn routes and of the attributes do not fit the message.
    SectionLengths,
    /// The attributes end within the type or the length of one.
    AttributeCut,
    /// An attribute's length passes the end of the attributes.
    AttributeOverrun {
        /// Octets its value needs.
        needed: usize,
        /// Octets that are left.
        have: usize,
    },
    /// Optional or Transitive are not as the attribute's definition has them.
    Flags(u8),
    /// A length that the attribute cannot have.
    Length(usize),
    /// The structure inside the value does not end where the value does.
    Structure,
    /// Present more than once.
    Duplicate,
    /// Absent, though well-known and mandatory.
    Missing,
    /// Flagged as well-known, and not known.
    UnrecognizedWellKnown,
    /// Not to be sent over an external session.
    NotFromExternal,
    /// Not to be sent by a speaker of four-octet AS numbers (RFC 6793).
    NotFromFourOctet,
    /// An ORIGIN other than 0, 1 and 2.
    Origin(u8),
    /// AS 0 (RFC 7607).
    AsZero,
    /// A malformed AS_PATH or AS4_PATH.
    AsPath(AsPathFault),
    /// The leftmost AS is not the peer's; `None`: there is none.
    FirstAs(Option<Asn>),
    /// Our own AS is in the path: the route is not usable (RFC 4271 §9.1.2). No error of the message.
    Loop,
    /// A next hop that is no unicast address of another host: also our own (RFC 4271 §6.3).
    NextHop(IpAddr),
    /// A next hop of a length that the family cannot have.
    NextHopLength(u8),
    /// Prefixes that cannot be read.
    Nlri(NlriFault),
    /// Routes of a family that was not negotiated; they are not looked at.
    FamilyNotNegotiated {
        /// Address family identifier.
        afi: u16,
        /// Subsequent address family identifier.
        safi: u8,
    },
}

/// What can be wrong with the segments of an AS path (RFC 7606 §7.2, RFC 5065 §5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AsPathFault {
    /// A segment type that is not defined.
    SegmentType(u8),
    /// A segment without AS numbers.
    EmptySegment,
    /// A segment passes the end, or a single octet is left.
    Overrun,
    /// A confederation segment from a peer outside of any.
    Confederation,
    /// An AS4_PATH without segments (RFC 6793 §6).
    Empty,
    /// A set, of a confederation or not (RFC 9774 §3).
    Set,
}

/// What can be wrong with prefixes (RFC 7606 §5.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NlriFault {
    /// A prefix length above the family's.
    PrefixLength(u8),
    /// The last prefix passes the end.
    Truncated,
}

impl FaultKind {
    /// The error of RFC 4271 §6.3 for it.
    fn code(self) -> ErrorCode {
        match self {
            Self::SectionLengths | Self::AttributeCut | Self::Duplicate => {
                ErrorCode::MALFORMED_ATTRIBUTE_LIST
            }
            Self::Flags(_) => ErrorCode::ATTRIBUTE_FLAGS,
            Self::AttributeOverrun { .. } | Self::Length(_) => ErrorCode::ATTRIBUTE_LENGTH,
            Self::Missing => ErrorCode::MISSING_WELL_KNOWN,
            Self::UnrecognizedWellKnown => ErrorCode::UNRECOGNIZED_WELL_KNOWN,
            Self::Origin(_) => ErrorCode::INVALID_ORIGIN,
            Self::AsZero | Self::AsPath(_) | Self::FirstAs(_) | Self::Loop => ErrorCode::MALFORMED_AS_PATH,
            Self::NextHop(_) => ErrorCode::INVALID_NEXT_HOP,
            Self::Nlri(_) => ErrorCode::INVALID_NETWORK_FIELD,
            Self::Structure
            | Self::NextHopLength(_)
            | Self::NotFromExternal
            | Self::NotFromFourOctet
            | Self::FamilyNotNegotiated { .. } => ErrorCode::OPTIONAL_ATTRIBUTE,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SectionLengths => f.write_str("the lengths of its parts do not fit the message"),
            Self::AttributeCut => f.write_str("the attributes end within the head of one"),
            Self::AttributeOverrun { needed, have } => {
                write!(f, "the value needs {needed} octets and {have} are left")
            }
            Self::Flags(flags) => write!(f, "flags {flags:#04x}"),
            Self::Length(len) => write!(f, "a length of {len}"),
            Self::Structure => f.write_str("its parts do not end where it does"),
            Self::Duplicate => f.write_str("present more than once"),
            Self::Missing => f.write_str("missing"),
            Self::UnrecognizedWellKnown => f.write_str("flagged as well-known, and not known"),
            Self::NotFromExternal => f.write_str("sent by an external peer"),
            Self::NotFromFourOctet => f.write_str("sent by a peer with four-octet AS numbers"),
            Self::Origin(code) => write!(f, "the value {code}"),
            Self::AsZero => f.write_str("AS 0"),
            Self::AsPath(fault) => fault.fmt(f),
            Self::FirstAs(Some(asn)) => write!(f, "the leftmost AS is {asn}, not the peer's"),
            Self::FirstAs(None) => f.write_str("no leftmost AS"),
            Self::Loop => f.write_str("our own AS is in it"),
            Self::NextHop(address) => write!(f, "the next hop {address}"),
            Self::NextHopLength(len) => write!(f, "a next hop of {len} octets"),
            Self::Nlri(NlriFault::PrefixLength(len)) => write!(f, "a prefix length of {len}"),
            Self::Nlri(NlriFault::Truncated) => f.write_str("the last prefix is cut short"),
            Self::FamilyNotNegotiated { afi, safi } => {
                write!(f, "AFI {afi}, SAFI {safi} was not negotiated")
            }
        }
    }
}

impl fmt::Display for AsPathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SegmentType(code) => write!(f, "segment type {code}"),
            Self::EmptySegment => f.write_str("a segment without AS numbers"),
            Self::Overrun => f.write_str("a segment passes the end"),
            Self::Confederation => f.write_str("a confederation segment"),
            Self::Empty => f.write_str("no segment"),
            Self::Set => f.write_str("an AS_SET"),
        }
    }
}

impl Fault {
    /// The error of a NOTIFICATION for it (RFC 4271 §6.3, RFC 4760 §7).
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        let multiprotocol = matches!(self.attribute, Some(code::MP_REACH_NLRI | code::MP_UNREACH_NLRI));
        let routes = matches!(
            self.kind,
            FaultKind::Length(_) | FaultKind::AttributeOverrun { .. } | FaultKind::Nlri(_)
        );
        if multiprotocol && routes { ErrorCode::OPTIONAL_ATTRIBUTE } else { self.kind.code() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attribute {
            Some(code) => write!(f, "attribute {code}: {}", self.kind),
            None => self.kind.fmt(f),
        }
    }
}

/// The first faults of an UPDATE, and how many there were in all. Nothing is allocated where there is none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Faults(Option<Box<Listed>>);

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Listed {
    first: [Option<Fault>; Faults::LISTED],
    count: usize,
}

impl Faults {
    /// How many are kept.
    pub const LISTED: usize = 8;

    pub(super) fn push(&mut self, fault: Fault) {
        let listed = self.0.get_or_insert_default();
        if let Some(place) = listed.first.get_mut(listed.count) {
            *place = Some(fault);
        }
        listed.count = listed.count.saturating_add(1);
    }

    /// How many there were, those that are not listed included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.as_ref().map_or(0, |listed| listed.count)
    }

    /// The first of them, in the order of the message.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter().flat_map(|listed| listed.first.iter().flatten())
    }
}
