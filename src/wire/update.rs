//! The UPDATE message (RFC 4271 §4.3, RFC 4760), decoded whole whatever it holds (RFC 7606).
//!
//! ```text
//! 2  length of the withdrawn routes
//! n  withdrawn routes, IPv4
//! 2  length of the path attributes
//! n  path attributes; MP_REACH_NLRI and MP_UNREACH_NLRI are two of them
//! n  announced routes, IPv4, up to the end
//! ```

use std::net::IpAddr;

use super::nlri::Form;
use super::update_decoder::Decoder;
use super::{Asn, Attributes, Family, Faults, NextHop, Nlri, Notification, PerFamily, Treatment};

/// Whether the leftmost AS of a path must be the peer's (RFC 4271 §6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FirstAs {
    /// It must; a route that differs is treated as withdrawn.
    #[default]
    Peer,
    /// It need not: the peer is a route server (RFC 7947 §2.2.2.1).
    Any,
}

/// What decoding must know of the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UpdateContext {
    /// Our ASN, which makes a path a loop.
    pub local_asn: Asn,
    /// The peer's ASN.
    pub peer_asn: Asn,
    /// The peer's end of the session: the one loopback address that may be a next hop.
    pub peer_address: IpAddr,
    /// Our end of the session, in its family: the address that is no next hop of the peer's (RFC 4271 §6.3).
    pub local_address: PerFamily<Option<IpAddr>>,
    /// Whether paths must begin with the peer's ASN.
    pub first_as: FirstAs,
    /// AS numbers in AS_PATH and AGGREGATOR are four octets wide (RFC 6793).
    pub four_octet_as: bool,
    /// Families that were negotiated; routes of any other are not looked at.
    pub families: PerFamily<bool>,
    /// IPv4 routes may have an IPv6 next hop (RFC 8950).
    pub extended_next_hop: bool,
    /// Each prefix of the family comes behind a path identifier (RFC 7911).
    pub add_path: PerFamily<bool>,
}

/// Announced prefixes and their next hop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reach<'a> {
    /// Where they lead.
    pub next_hop: NextHop,
    /// The prefixes.
    pub nlri: Nlri<'a>,
}

/// An UPDATE as views of its octets. Every octet was checked; nothing was copied. It is at most 256 octets large.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Update<'a> {
    pub(super) treatment: Treatment,
    pub(super) has_loop: bool,
    pub(super) end_of_rib: Option<Family>,
    pub(super) faults: Faults,
    pub(super) notification: Option<Box<Notification>>,
    pub(super) attributes: Attributes<'a>,
    /// How prefixes of IPv4 stand.
    pub(super) ipv4: Form,
    /// Announced in the classic field; the next hop is an attribute.
    pub(super) nlri: Option<&'a [u8]>,
    pub(super) mp_reach: Option<Reach<'a>>,
    /// Withdrawn in the classic field.
    pub(super) withdrawn: Option<&'a [u8]>,
    pub(super) mp_unreach: Option<Nlri<'a>>,
}

/// Decodes the body of an UPDATE. Total: what is wrong comes out as faults and a treatment. O(octets); allocates only
/// where there are faults.
#[must_use]
pub fn decode_update<'a>(body: &'a [u8], ctx: &UpdateContext) -> Update<'a> {
    Decoder::new(ctx).decode(body)
}

impl<'a> Update<'a> {
    /// The strongest treatment that any fault asks for.
    #[must_use]
    pub fn treatment(&self) -> Treatment {
        self.treatment
    }

    /// What ends the session, where the treatment is [`Treatment::SessionReset`].
    #[must_use]
    pub fn notification(&self) -> Option<&Notification> {
        self.notification.as_deref()
    }

    /// What is wrong with it. Those whose treatment is [`Treatment::Accept`] do it no harm.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Our own AS is in the path: no route it announces is usable, and each replaces what was announced before
    /// (RFC 4271 §9.1.2).
    #[must_use]
    pub fn has_loop(&self) -> bool {
        self.has_loop
    }

    /// The family whose End-of-RIB it is (RFC 4724 §2), of those negotiated.
    #[must_use]
    pub fn end_of_rib(&self) -> Option<Family> {
        self.end_of_rib
    }

    /// What the announced routes share.
    #[must_use]
    pub fn attributes(&self) -> &Attributes<'a> {
        &self.attributes
    }

    /// The routes it announces; none where the treatment is treat-as-withdraw or stronger.
    pub fn announced(&self) -> impl Iterator<Item = Reach<'a>> + use<'a> {
        let classic = self.nlri.zip(self.attributes.next_hop).map(|(nlri, next_hop)| Reach {
            next_hop: NextHop { address: IpAddr::V4(next_hop), link_local: None },
            nlri: self.classic(nlri),
        });
        let counts = self.treatment < Treatment::TreatAsWithdraw;
        [classic, self.mp_reach].into_iter().flatten().filter(move |_| counts)
    }

    /// The prefixes it withdraws, to be taken before [`Self::announced`] (RFC 4271 §4.3): with treat-as-withdraw also
    /// those it announces, with a session reset none.
    pub fn withdrawn(&self) -> impl Iterator<Item = Nlri<'a>> + use<'a> {
        let goes = self.treatment >= Treatment::TreatAsWithdraw;
        let classic = |field: Option<&'a [u8]>| field.map(|octets| self.classic(octets));
        let named = [classic(self.withdrawn), self.mp_unreach];
        let announced = [classic(self.nlri), self.mp_reach.map(|reach| reach.nlri)];
        named.into_iter().chain(announced.into_iter().filter(move |_| goes)).flatten()
    }
    /// The prefixes of a field outside the attributes.
    fn classic(&self, octets: &'a [u8]) -> Nlri<'a> {
        Nlri::checked(Family::Ipv4, octets, self.ipv4)
    }
}
