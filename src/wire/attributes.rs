//! The attributes that an UPDATE's routes share, as views of the message.

use std::net::Ipv4Addr;

use nom::Parser;
use nom::number::complete::{be_u16, be_u32};

use super::as_path::As4Path;
use super::attribute::{Codes, RawAttribute, spec};
use super::{AsPath, Asn, Community, ExtendedCommunity, LargeCommunity, Origin};

/// AGGREGATOR (RFC 4271 §5.1.7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Aggregator {
    /// The AS that made the aggregate.
    pub asn: Asn,
    /// The BGP Identifier of the speaker that did.
    pub bgp_id: Ipv4Addr,
}

impl Aggregator {
    /// Six octets, or eight where AS numbers are four octets wide.
    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        let (asn, bgp_id) = match value.len() {
            6 => (be_u16::<_, ()>.map(u32::from), be_u32).parse(value).ok()?.1,
            8 => (be_u32::<_, ()>, be_u32).parse(value).ok()?.1,
            _ => return None,
        };
        Some(Self { asn: Asn(asn), bgp_id: Ipv4Addr::from_bits(bgp_id) })
    }
}

/// Where a value stands within all the attributes of a message; they have at most 65,535 octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Span {
    start: u16,
    len: u16,
}

impl Span {
    /// That of `value`, behind which `rest` follows up to the end of `all`.
    pub(super) fn of(value: &[u8], rest: &[u8], all: &[u8]) -> Self {
        let start = all.len().saturating_sub(rest.len()).saturating_sub(value.len());
        match (u16::try_from(start), u16::try_from(value.len())) {
            (Ok(start), Ok(len)) => Self { start, len },
            (_, _) => Self::default(),
        }
    }

    fn within(self, all: &[u8]) -> &[u8] {
        let (start, len) = (usize::from(self.start), usize::from(self.len));
        all.get(start..start.saturating_add(len)).unwrap_or_default()
    }
}

/// The attributes of an UPDATE that stood the checks; what RFC 7606 discards is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attributes<'a> {
    pub(super) origin: Option<Origin>,
    pub(super) as_path: Option<AsPath<'a>>,
    pub(super) next_hop: Option<Ipv4Addr>,
    pub(super) med: Option<u32>,
    pub(super) atomic_aggregate: bool,
    pub(super) aggregator: Option<Aggregator>,
    pub(super) communities: Span,
    pub(super) extended_communities: Span,
    pub(super) large_communities: Span,
    pub(super) only_to_customer: Option<Asn>,
    pub(super) all: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// ORIGIN; there wherever routes are announced.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }

    /// The AS path, AS4_PATH included; there wherever routes are announced.
    #[must_use]
    pub fn as_path(&self) -> Option<AsPath<'a>> {
        self.as_path
    }

    /// MULTI_EXIT_DISC.
    #[must_use]
    pub fn med(&self) -> Option<u32> {
        self.med
    }

    /// ATOMIC_AGGREGATE.
    #[must_use]
    pub fn atomic_aggregate(&self) -> bool {
        self.atomic_aggregate
    }

    /// AGGREGATOR, AS4_AGGREGATOR included.
    #[must_use]
    pub fn aggregator(&self) -> Option<Aggregator> {
        self.aggregator
    }

    /// ONLY_TO_CUSTOMER (RFC 9234).
    #[must_use]
    pub fn only_to_customer(&self) -> Option<Asn> {
        self.only_to_customer
    }

    /// COMMUNITIES, in the order of the message.
    pub fn communities(&self) -> impl ExactSizeIterator<Item = Community> + use<'a> {
        self.communities
            .within(self.all)
            .as_chunks::<4>()
            .0
            .iter()
            .map(|octets| Community(u32::from_be_bytes(*octets)))
    }

    /// EXTENDED COMMUNITIES, in the order of the message.
    pub fn extended_communities(&self) -> impl ExactSizeIterator<Item = ExtendedCommunity> + use<'a> {
        self.extended_communities
            .within(self.all)
            .as_chunks::<8>()
            .0
            .iter()
            .map(|octets| ExtendedCommunity(*octets))
    }

    /// LARGE_COMMUNITY, in the order of the message.
    pub fn large_communities(&self) -> impl ExactSizeIterator<Item = LargeCommunity> + use<'a> {
        self.large_communities.within(self.all).as_chunks::<12>().0.iter().map(|octets| {
            let [a, b, c, d, e, f, g, h, i, j, k, l] = *octets;
            LargeCommunity([[a, b, c, d], [e, f, g, h], [i, j, k, l]].map(u32::from_be_bytes))
        })
    }

    /// Optional transitive attributes that are unrecognized, untouched; of repeats, the first.
    pub fn unrecognized(&self) -> impl Iterator<Item = RawAttribute<'a>> + use<'a> {
        let (mut rest, mut seen) = (self.all, Codes::default());
        std::iter::from_fn(move || {
            let (after, attribute) = RawAttribute::split(rest).ok()?;
            rest = after;
            Some(attribute)
        })
        .filter(move |attribute| {
            seen.insert(attribute.code)
                && attribute.is_optional()
                && attribute.is_transitive()
                && spec(attribute.code).is_none()
        })
    }

    /// Brings AS4_PATH and AS4_AGGREGATOR in where the peer has two-octet AS numbers (RFC 6793 §4.2.3).
    pub(super) fn merge_four_octet(
        &mut self,
        as4_path: Option<As4Path<'a>>,
        as4_aggregator: Option<Aggregator>,
    ) {
        match (self.aggregator, as4_aggregator) {
            // A speaker of two octets aggregated after the four-octet attributes were written: they are stale.
            (Some(aggregator), Some(_)) if aggregator.asn != Asn::TRANS => return,
            (Some(_), Some(as4)) => self.aggregator = Some(as4),
            (_, _) => {}
        }
        if let (Some(path), Some(as4_path)) = (self.as_path, as4_path) {
            self.as_path = Some(path.merged(as4_path));
        }
    }
}
