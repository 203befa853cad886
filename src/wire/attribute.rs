//! Path attributes one by one: their bytes, and the table of what each must look like and what is done where it does
//! not (RFC 4271 §4.3, RFC 7606 §7 and the attributes' own RFCs).
//!
//! ```text
//! 1  flags: optional, transitive, partial, extended length; the low four bits are ignored
//! 1  type code
//! 1  length, or 2 with the extended length flag
//! n  value
//! ```

use nom::Parser;
use nom::bytes::complete::take;
use nom::number::complete::{be_u8, be_u16};

use super::codes::{attribute as code, flag};
use super::{FaultKind, Parsed, Treatment, structure};

/// One path attribute as it came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RawAttribute<'a> {
    /// The flags octet.
    pub flags: u8,
    /// The type code.
    pub code: u8,
    /// The value.
    pub value: &'a [u8],
    /// Flags, code, length and value.
    pub whole: &'a [u8],
}

/// An attribute that the end of the attributes cuts off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CutAttribute {
    /// The type code, where that much was there.
    pub(super) code: Option<u8>,
    pub(super) kind: FaultKind,
}

impl<'a> RawAttribute<'a> {
    /// The first attribute of `octets`, and what follows it.
    pub(super) fn split(octets: &'a [u8]) -> Result<(&'a [u8], Self), CutAttribute> {
        let head: Parsed<'_, (u8, u8)> = (be_u8, be_u8).parse(octets);
        let cut = |code, kind| CutAttribute { code, kind };
        let Ok((after_code, (flags, code))) = head else { return Err(cut(None, FaultKind::AttributeCut)) };
        let len: Parsed<'_, u16> = match flags & flag::EXTENDED_LENGTH {
            0 => be_u8.map(u16::from).parse(after_code),
            _ => be_u16(after_code),
        };
        let Ok((after_len, len)) = len else { return Err(cut(Some(code), FaultKind::AttributeCut)) };
        let (rest, value) = take::<_, _, ()>(len)(after_len).map_err(|_| {
            let (needed, have) = (usize::from(len), after_len.len());
            cut(Some(code), FaultKind::AttributeOverrun { needed, have })
        })?;
        let whole = octets.get(..octets.len().saturating_sub(rest.len())).unwrap_or(octets);
        Ok((rest, Self { flags, code, value, whole }))
    }

    /// Flagged as optional.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.flags & flag::OPTIONAL != 0
    }

    /// Flagged as transitive.
    #[must_use]
    pub fn is_transitive(&self) -> bool {
        self.flags & flag::TRANSITIVE != 0
    }
}

/// The lengths that a value can have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length {
    /// Judged with the value, or not at all.
    Any,
    Exactly(usize),
    AtLeast(usize),
    /// Zero is none (RFC 7606 §4).
    MultipleOf(usize),
    /// What the parts inside add up to, by one of [`structure`]; zero is none.
    Parts(fn(&[u8]) -> bool),
}

/// Where an attribute may come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sender {
    Any,
    /// From an external peer it is discarded unseen (RFC 7606 §7.5, §7.9, §7.10).
    Internal,
}

/// What an attribute must look like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    pub(super) code: u8,
    /// Optional and Transitive.
    flags: u8,
    length: Length,
    pub(super) from: Sender,
    /// Where the flags are wrong.
    flags_treatment: Treatment,
    /// Where anything else is.
    pub(super) treatment: Treatment,
}

const WELL_KNOWN: u8 = flag::TRANSITIVE;
const NON_TRANSITIVE: u8 = flag::OPTIONAL;
const OPTIONAL: u8 = flag::OPTIONAL | flag::TRANSITIVE;

/// A row whose wrong flags are treat-as-withdraw, as RFC 7606 §3 c has it unless an attribute's own RFC differs.
const fn row(code: u8, flags: u8, length: Length, treatment: Treatment) -> Spec {
    Spec { code, flags, length, from: Sender::Any, flags_treatment: Treatment::TreatAsWithdraw, treatment }
}

const fn internal(code: u8, flags: u8) -> Spec {
    Spec { from: Sender::Internal, ..row(code, flags, Length::Any, Treatment::AttributeDiscard) }
}

/// A row with one treatment, whatever is wrong.
const fn always(code: u8, flags: u8, length: Length, treatment: Treatment) -> Spec {
    Spec { flags_treatment: treatment, ..row(code, flags, length, treatment) }
}

use Length::{Any, AtLeast, Exactly, MultipleOf, Parts};
use Treatment::{AttributeDiscard, SessionReset, TreatAsWithdraw};

/// Every attribute that has a definition we hold a peer to. Any other is unrecognized.
const SPECS: [Spec; 27] = [
    row(code::ORIGIN, WELL_KNOWN, Exactly(1), TreatAsWithdraw), // RFC 7606 §7.1
    row(code::AS_PATH, WELL_KNOWN, Any, TreatAsWithdraw),       // §7.2
    row(code::NEXT_HOP, WELL_KNOWN, Exactly(4), TreatAsWithdraw), // §7.3
    row(code::MULTI_EXIT_DISC, NON_TRANSITIVE, Exactly(4), TreatAsWithdraw), // §7.4
    row(code::COMMUNITIES, OPTIONAL, MultipleOf(4), TreatAsWithdraw), // §7.8
    row(code::LARGE_COMMUNITY, OPTIONAL, MultipleOf(12), TreatAsWithdraw), // RFC 8092 §6
    row(code::EXTENDED_COMMUNITIES, OPTIONAL, MultipleOf(8), TreatAsWithdraw), // §7.14
    always(code::MP_REACH_NLRI, NON_TRANSITIVE, AtLeast(5), SessionReset), // §5.3, §7.11
    always(code::MP_UNREACH_NLRI, NON_TRANSITIVE, AtLeast(3), SessionReset), // §5.3, §7.12
    internal(code::LOCAL_PREF, WELL_KNOWN),                     // §7.5
    row(code::ATOMIC_AGGREGATE, WELL_KNOWN, Exactly(0), AttributeDiscard), // §7.6
    row(code::AGGREGATOR, OPTIONAL, Any, AttributeDiscard),     // §7.7
    internal(code::ORIGINATOR_ID, NON_TRANSITIVE),              // §7.9
    internal(code::CLUSTER_LIST, NON_TRANSITIVE),               // §7.10
    row(code::AS4_PATH, OPTIONAL, Any, AttributeDiscard),       // RFC 6793 §6
    row(code::AS4_AGGREGATOR, OPTIONAL, Exactly(8), AttributeDiscard), // RFC 6793 §6
    row(code::ONLY_TO_CUSTOMER, OPTIONAL, Exactly(4), TreatAsWithdraw), // RFC 9234 §5
    row(code::PMSI_TUNNEL, OPTIONAL, Parts(structure::is_pmsi_tunnel), TreatAsWithdraw), // RFC 6514 §5
    row(code::TUNNEL_ENCAPSULATION, OPTIONAL, Parts(structure::are_tunnels), TreatAsWithdraw), // RFC 9012 §13
    row(code::TRAFFIC_ENGINEERING, NON_TRANSITIVE, AtLeast(1), TreatAsWithdraw), // §7.13
    row(code::IPV6_EXTENDED_COMMUNITIES, OPTIONAL, MultipleOf(20), TreatAsWithdraw), // §7.15
    // Ignored on a session without AIGP, whatever it holds, but for its flags (RFC 7311 §3.1, §3.2).
    always(code::AIGP, NON_TRANSITIVE, Any, AttributeDiscard),
    row(code::PE_DISTINGUISHER_LABELS, OPTIONAL, Parts(structure::are_labels), TreatAsWithdraw), // RFC 6514 §8
    always(code::BGP_LS, NON_TRANSITIVE, Parts(structure::are_link_state), AttributeDiscard), // RFC 9552 §8.2.2
    row(code::BGPSEC_PATH, NON_TRANSITIVE, Any, TreatAsWithdraw),                             // RFC 8205 §5.2
    row(code::PREFIX_SID, OPTIONAL, Parts(structure::are_segment_ids), AttributeDiscard),     // RFC 8669 §6
    row(code::ATTR_SET, OPTIONAL, Parts(structure::is_attribute_set), TreatAsWithdraw),       // §7.16
];

/// What an attribute must look like; `None` where it is unrecognized.
pub(super) fn spec(code: u8) -> Option<&'static Spec> {
    SPECS.iter().find(|spec| spec.code == code)
}

impl Spec {
    /// What is wrong with an attribute as far as its flags and its length show, and what is done about it.
    pub(super) fn check(&self, attribute: &RawAttribute<'_>) -> Result<(), (FaultKind, Treatment)> {
        if attribute.flags & OPTIONAL != self.flags {
            return Err((FaultKind::Flags(attribute.flags), self.flags_treatment));
        }
        if self.from == Sender::Internal {
            return Err((FaultKind::NotFromExternal, self.treatment));
        }
        self.length.check(attribute.value).map_err(|kind| (kind, self.treatment))
    }
}

impl Length {
    fn check(self, value: &[u8]) -> Result<(), FaultKind> {
        let len = value.len();
        let fits = match self {
            Self::Any => true,
            Self::Exactly(wanted) => len == wanted,
            Self::AtLeast(least) => len >= least,
            Self::MultipleOf(unit) => len != 0 && len.is_multiple_of(unit),
            Self::Parts(_) if len == 0 => false,
            Self::Parts(are_whole) => {
                return if are_whole(value) { Ok(()) } else { Err(FaultKind::Structure) };
            }
        };
        if fits { Ok(()) } else { Err(FaultKind::Length(len)) }
    }
}

/// A set of type codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Codes([u64; 4]);

impl Codes {
    /// Adds a code; false where it was there.
    pub(super) fn insert(&mut self, code: u8) -> bool {
        let Some(word) = self.0.get_mut(usize::from(code >> 6)) else { return false };
        let bit = 1_u64 << (code & 63);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    pub(super) fn contains(&self, code: u8) -> bool {
        self.0.get(usize::from(code >> 6)).is_some_and(|word| word & (1_u64 << (code & 63)) != 0)
    }
}
