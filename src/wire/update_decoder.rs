//! The one pass over an UPDATE that finds its parts and all that is wrong with them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nom::Parser;
use nom::combinator::rest;
use nom::multi::length_data;
use nom::number::complete::{be_u8, be_u16, be_u32, be_u128};

use super::as_path::As4Path;
use super::attribute::{Codes, RawAttribute, spec};
use super::attributes::{Aggregator, Span};
use super::codes::attribute as code;
use super::nlri::Form;
use super::{
    AsPath, AsPathFault, AsWidth, Asn, Family, Fault, FaultKind, FirstAs, NextHop, Nlri, Notification,
    Origin, Parsed, Reach, Treatment, Update, UpdateContext,
};

/// What has been found so far.
pub(super) struct Decoder<'a, 'c> {
    ctx: &'c UpdateContext,
    update: Update<'a>,
    /// The first of the strongest faults, and the octets that a NOTIFICATION shows for it.
    worst: Option<(Fault, &'a [u8])>,
    seen: Codes,
    as4_path: Option<As4Path<'a>>,
    as4_aggregator: Option<Aggregator>,
    /// The first of AS_PATH and AS4_PATH that has a set in it.
    set_in: Option<u8>,
    /// Routes are announced in a family that was not negotiated.
    reaches_elsewhere: bool,
    /// Something other than MP_UNREACH_NLRI is among the attributes.
    has_others: bool,
}

/// A session reset is due: nothing behind this point matters.
struct Reset;

/// The withdrawn routes, the attributes and the announced routes.
fn sections(body: &[u8]) -> Parsed<'_, (&[u8], &[u8], &[u8])> {
    (length_data(be_u16), length_data(be_u16), rest).parse(body)
}

impl<'a, 'c> Decoder<'a, 'c> {
    pub(super) fn new(ctx: &'c UpdateContext) -> Self {
        Self {
            ctx,
            update: Update { ipv4: Form::of(Family::Ipv4, ctx), ..Update::default() },
            worst: None,
            seen: Codes::default(),
            as4_path: None,
            as4_aggregator: None,
            set_in: None,
            reaches_elsewhere: false,
            has_others: false,
        }
    }

    pub(super) fn decode(mut self, body: &'a [u8]) -> Update<'a> {
        match self.read(body) {
            Ok(()) => self.finish(),
            Err(Reset) => self.reset(),
        }
    }

    fn read(&mut self, body: &'a [u8]) -> Result<(), Reset> {
        let Ok((_, (withdrawn, attributes, nlri))) = sections(body) else {
            return self.fault(None, FaultKind::SectionLengths, Treatment::SessionReset, &[]);
        };
        self.update.withdrawn = self.classic(withdrawn)?;
        self.path_attributes(attributes)?;
        self.update.nlri = self.classic(nlri)?;
        if !self.ctx.families.ipv4 && !nlri.is_empty() {
            self.reaches_elsewhere = true;
        }
        self.check_routes()?;
        self.check_missing_nlri()
    }

    /// Notes a fault. `shown` is what a NOTIFICATION for it has as data.
    fn fault(
        &mut self,
        attribute: Option<u8>,
        kind: FaultKind,
        treatment: Treatment,
        shown: &'a [u8],
    ) -> Result<(), Reset> {
        let fault = Fault { attribute, kind, treatment };
        self.update.faults.push(fault);
        if self.worst.is_none_or(|(worst, _)| worst.treatment < treatment) {
            self.worst = Some((fault, shown));
        }
        if treatment == Treatment::SessionReset { Err(Reset) } else { Ok(()) }
    }

    /// A field of IPv4 prefixes outside the attributes; `None` where there are none to look at.
    fn classic(&mut self, octets: &'a [u8]) -> Result<Option<&'a [u8]>, Reset> {
        if octets.is_empty() {
            return Ok(None);
        }
        if !self.ctx.families.ipv4 {
            let kind = FaultKind::FamilyNotNegotiated { afi: 1, safi: Family::SAFI_UNICAST };
            self.fault(None, kind, Treatment::AttributeDiscard, &[])?;
            return Ok(None);
        }
        match Nlri::check(Family::Ipv4, octets, self.update.ipv4) {
            Ok(_) => Ok(Some(octets)),
            Err(fault) => {
                self.fault(None, FaultKind::Nlri(fault), Treatment::SessionReset, &[])?;
                Ok(None)
            }
        }
    }

    fn path_attributes(&mut self, field: &'a [u8]) -> Result<(), Reset> {
        self.update.attributes.all = field;
        let mut rest = field;
        while !rest.is_empty() {
            match RawAttribute::split(rest) {
                Ok((after, attribute)) => {
                    self.has_others |= attribute.code != code::MP_UNREACH_NLRI;
                    self.attribute(&attribute, after)?;
                    rest = after;
                }
                Err(cut) => {
                    // RFC 7606 §4: the length of all attributes still says where the routes begin, unless the routes
                    // are in what was cut (§3 j).
                    let multiprotocol = matches!(cut.code, Some(code::MP_REACH_NLRI | code::MP_UNREACH_NLRI));
                    let treatment =
                        if multiprotocol { Treatment::SessionReset } else { Treatment::TreatAsWithdraw };
                    self.has_others = true;
                    return self.fault(cut.code, cut.kind, treatment, rest);
                }
            }
        }
        if !self.ctx.four_octet_as {
            self.update.attributes.merge_four_octet(self.as4_path, self.as4_aggregator);
        }
        Ok(())
    }

    fn attribute(&mut self, attribute: &RawAttribute<'a>, after: &'a [u8]) -> Result<(), Reset> {
        let (code, whole) = (attribute.code, attribute.whole);
        if !self.seen.insert(code) {
            // RFC 7606 §3 g.
            let multiprotocol = matches!(code, code::MP_REACH_NLRI | code::MP_UNREACH_NLRI);
            let treatment = if multiprotocol { Treatment::SessionReset } else { Treatment::AttributeDiscard };
            return self.fault(Some(code), FaultKind::Duplicate, treatment, &[]);
        }
        let Some(spec) = spec(code) else {
            if attribute.is_optional() {
                return Ok(());
            }
            return self.fault(Some(code), FaultKind::UnrecognizedWellKnown, Treatment::SessionReset, whole);
        };
        if let Err((kind, treatment)) = spec.check(attribute) {
            return self.fault(Some(code), kind, treatment, whole);
        }
        match code {
            code::MP_REACH_NLRI => self.mp_reach(attribute),
            code::MP_UNREACH_NLRI => self.mp_unreach(attribute),
            _ => match self.value(attribute, after) {
                Ok(()) => Ok(()),
                Err(kind) => self.fault(Some(code), kind, spec.treatment, whole),
            },
        }
    }

    /// Takes in a value whose flags and length are right, and behind which `after` follows.
    fn value(&mut self, attribute: &RawAttribute<'a>, after: &[u8]) -> Result<(), FaultKind> {
        let (code, value) = (attribute.code, attribute.value);
        let span = Span::of(value, after, self.update.attributes.all);
        let width = if self.ctx.four_octet_as { AsWidth::Four } else { AsWidth::Two };
        let number =
            || be_u32::<_, ()>(value).map(|(_, number)| number).map_err(|_| FaultKind::Length(value.len()));
        match code {
            code::ORIGIN => {
                let octet = value.first().copied().unwrap_or(u8::MAX);
                self.update.attributes.origin =
                    Some(Origin::from_code(octet).ok_or(FaultKind::Origin(octet))?);
            }
            code::AS_PATH => {
                let path = AsPath::check(value, width)?;
                self.set_in = self.set_in.or(path.has_set().then_some(code));
                self.update.attributes.as_path = Some(path);
            }
            code::NEXT_HOP => self.update.attributes.next_hop = Some(Ipv4Addr::from_bits(number()?)),
            code::MULTI_EXIT_DISC => self.update.attributes.med = Some(number()?),
            code::ATOMIC_AGGREGATE => self.update.attributes.atomic_aggregate = true,
            code::AGGREGATOR => {
                let wanted = if self.ctx.four_octet_as { 8 } else { 6 };
                self.update.attributes.aggregator = Some(aggregator(value, wanted)?);
            }
            code::AS4_PATH | code::AS4_AGGREGATOR if self.ctx.four_octet_as => {
                return Err(FaultKind::NotFromFourOctet);
            }
            code::AS4_PATH => {
                let path = AsPath::check_as4(value)?;
                self.set_in = self.set_in.or(path.has_set().then_some(code));
                self.as4_path = Some(path);
            }
            code::AS4_AGGREGATOR => self.as4_aggregator = Some(aggregator(value, 8)?),
            code::COMMUNITIES => self.update.attributes.communities = span,
            code::EXTENDED_COMMUNITIES => self.update.attributes.extended_communities = span,
            code::LARGE_COMMUNITY => self.update.attributes.large_communities = span,
            code::ONLY_TO_CUSTOMER => self.update.attributes.only_to_customer = Some(Asn(number()?)),
            _ => {}
        }
        Ok(())
    }

    /// AFI 2, SAFI 1, next hop with its length of 1, reserved 1, prefixes (RFC 4760 §3).
    fn mp_reach(&mut self, attribute: &RawAttribute<'a>) -> Result<(), Reset> {
        let Some((family, octets)) = self.family(attribute)? else {
            self.reaches_elsewhere = true;
            return Ok(());
        };
        let fields: Parsed<'_, (&[u8], u8)> = (length_data(be_u8), be_u8).parse(octets);
        let fields = fields
            .ok()
            .and_then(|(prefixes, (next_hop, _reserved))| Some((self.next_hop(next_hop, family)?, prefixes)));
        let Some((next_hop, prefixes)) = fields else {
            // RFC 7606 §7.11: behind a next hop of the wrong length, the prefixes cannot be found.
            let len = octets.first().copied().unwrap_or(0);
            return self.unreadable(attribute, FaultKind::NextHopLength(len));
        };
        match Nlri::check(family, prefixes, Form::of(family, self.ctx)) {
            Ok(nlri) => self.update.mp_reach = Some(Reach { next_hop, nlri }),
            Err(fault) => return self.unreadable(attribute, FaultKind::Nlri(fault)),
        }
        if NextHop::is_usable(next_hop.address, self.ctx) {
            return Ok(());
        }
        let kind = FaultKind::NextHop(next_hop.address);
        self.fault(Some(attribute.code), kind, Treatment::TreatAsWithdraw, attribute.whole)
    }

    /// AFI 2, SAFI 1, prefixes (RFC 4760 §4).
    fn mp_unreach(&mut self, attribute: &RawAttribute<'a>) -> Result<(), Reset> {
        let Some((family, octets)) = self.family(attribute)? else { return Ok(()) };
        match Nlri::check(family, octets, Form::of(family, self.ctx)) {
            Ok(nlri) => self.update.mp_unreach = Some(nlri),
            Err(fault) => return self.unreadable(attribute, FaultKind::Nlri(fault)),
        }
        Ok(())
    }

    /// The family at the head of a multiprotocol attribute, where it was negotiated, and what follows.
    fn family(&mut self, attribute: &RawAttribute<'a>) -> Result<Option<(Family, &'a [u8])>, Reset> {
        let fields: Parsed<'_, (u16, u8)> = (be_u16, be_u8).parse(attribute.value);
        let Ok((octets, (afi, safi))) = fields else {
            self.unreadable(attribute, FaultKind::Length(attribute.value.len()))?;
            return Ok(None);
        };
        let negotiated = Family::from_afi_safi(afi, safi).filter(|family| *self.ctx.families.get(*family));
        if negotiated.is_none() {
            let kind = FaultKind::FamilyNotNegotiated { afi, safi };
            self.fault(Some(attribute.code), kind, Treatment::AttributeDiscard, attribute.whole)?;
        }
        Ok(negotiated.map(|family| (family, octets)))
    }

    /// A multiprotocol attribute whose routes cannot be told (RFC 7606 §3 j, §5.3).
    fn unreadable(&mut self, attribute: &RawAttribute<'a>, kind: FaultKind) -> Result<(), Reset> {
        self.fault(Some(attribute.code), kind, Treatment::SessionReset, attribute.whole)
    }

    /// 4 octets, or 16 or 32 for IPv6 and, with RFC 8950, for IPv4.
    fn next_hop(&self, octets: &[u8], family: Family) -> Option<NextHop> {
        match (family, octets.len()) {
            (Family::Ipv4, 4) => {
                let (_, bits) = be_u32::<_, ()>(octets).ok()?;
                Some(NextHop { address: IpAddr::V4(Ipv4Addr::from_bits(bits)), link_local: None })
            }
            (Family::Ipv4, 16 | 32) if !self.ctx.extended_next_hop => None,
            (Family::Ipv4 | Family::Ipv6, 16 | 32) => {
                let (rest, bits) = be_u128::<_, ()>(octets).ok()?;
                let link_local = be_u128::<_, ()>(rest).ok().map(|(_, bits)| Ipv6Addr::from_bits(bits));
                Some(self.on_this_link(Ipv6Addr::from_bits(bits), link_local))
            }
            (Family::Ipv4 | Family::Ipv6, _) => None,
        }
    }
}

/// Next hops of sessions over link-local addresses.
impl Decoder<'_, '_> {
    /// Over link-local addresses a peer without a global one sends the unspecified address and its link-local one, as
    /// BIRD does: that is a link-local next hop that came alone.
    fn on_this_link(&self, first: Ipv6Addr, second: Option<Ipv6Addr>) -> NextHop {
        match (self.ctx.peer_address, second) {
            (IpAddr::V6(peer), Some(local)) if peer.is_unicast_link_local() && first.is_unspecified() => {
                NextHop { address: IpAddr::V6(local), link_local: None }
            }
            (IpAddr::V4(_) | IpAddr::V6(_), link_local) => NextHop { address: IpAddr::V6(first), link_local },
        }
    }
}

/// What can be judged only with the message read to its end.
impl<'a> Decoder<'a, '_> {
    fn announces(&self) -> bool {
        self.update.nlri.is_some() || self.update.mp_reach.is_some_and(|reach| !reach.nlri.is_empty())
    }

    /// What announced routes need, and whether this path can lead to them.
    fn check_routes(&mut self) -> Result<(), Reset> {
        if !self.announces() {
            return Ok(());
        }
        // RFC 7606 §3 d. One that was there, but malformed, is not missing.
        for (mandatory, code) in
            [(true, code::ORIGIN), (true, code::AS_PATH), (self.update.nlri.is_some(), code::NEXT_HOP)]
        {
            if mandatory && !self.seen.contains(code) {
                self.fault(Some(code), FaultKind::Missing, Treatment::TreatAsWithdraw, &[])?;
            }
        }
        // RFC 4760 §3: where all routes are in MP_REACH_NLRI, NEXT_HOP is ignored.
        if let (Some(_), Some(next_hop)) = (self.update.nlri, self.update.attributes.next_hop) {
            let next_hop = IpAddr::V4(next_hop);
            if !NextHop::is_usable(next_hop, self.ctx) {
                let kind = FaultKind::NextHop(next_hop);
                self.fault(Some(code::NEXT_HOP), kind, Treatment::TreatAsWithdraw, &[])?;
            }
        }
        if let Some(code) = self.set_in {
            let kind = FaultKind::AsPath(AsPathFault::Set);
            self.fault(Some(code), kind, Treatment::TreatAsWithdraw, &[])?;
        }
        let Some(path) = self.update.attributes.as_path else { return Ok(()) };
        if let Some(kind) = self.first_as(&path) {
            self.fault(Some(code::AS_PATH), kind, Treatment::TreatAsWithdraw, &[])?;
        }
        let local = self.ctx.local_asn;
        if path.asns().any(|asn| asn == local) {
            self.update.has_loop = true;
            self.fault(Some(code::AS_PATH), FaultKind::Loop, Treatment::Accept, &[])?;
        }
        Ok(())
    }

    /// A peer whose ASN does not fit two octets is AS_TRANS to one that has no more (RFC 6793 §4.2.2).
    fn first_as(&self, path: &AsPath<'a>) -> Option<FaultKind> {
        let peer = self.ctx.peer_asn;
        let first = path.asns().next();
        let is_peer =
            |asn: Asn| asn == peer || (!self.ctx.four_octet_as && asn == Asn(u32::from(peer.as_u16())));
        let wrong = self.ctx.first_as == FirstAs::Peer && !first.is_some_and(is_peer);
        wrong.then_some(FaultKind::FirstAs(first))
    }

    /// RFC 7606 §5.2: with attributes but no route to go with them, treat-as-withdraw might miss some.
    fn check_missing_nlri(&mut self) -> Result<(), Reset> {
        let withdraw = self.worst.is_some_and(|(fault, _)| fault.treatment == Treatment::TreatAsWithdraw);
        if withdraw && self.has_others && !self.announces() && !self.reaches_elsewhere {
            return Err(Reset);
        }
        Ok(())
    }

    fn end_of_rib(&self) -> Option<Family> {
        if self.has_others
            || self.worst.is_some()
            || self.update.withdrawn.is_some()
            || self.update.nlri.is_some()
        {
            return None;
        }
        match self.update.mp_unreach {
            Some(nlri) => nlri.is_empty().then(|| nlri.family()),
            None => (self.update.attributes.all.is_empty() && self.ctx.families.ipv4).then_some(Family::Ipv4),
        }
    }

    fn finish(mut self) -> Update<'a> {
        self.update.end_of_rib = self.end_of_rib();
        self.update.treatment = self.worst.map_or(Treatment::Accept, |(fault, _)| fault.treatment);
        self.update
    }

    fn reset(self) -> Update<'a> {
        let notification = self.worst.map(|(fault, shown)| Notification::with_data(fault.code(), shown));
        Update {
            treatment: Treatment::SessionReset,
            notification: notification.map(Box::new),
            faults: self.update.faults,
            ..Update::default()
        }
    }
}

/// An AGGREGATOR or AS4_AGGREGATOR of the length it must have.
fn aggregator(value: &[u8], wanted: usize) -> Result<Aggregator, FaultKind> {
    let aggregator = Aggregator::decode(value).filter(|_| value.len() == wanted);
    let aggregator = aggregator.ok_or(FaultKind::Length(value.len()))?;
    // RFC 7607 §2.
    if aggregator.asn == Asn(0) { Err(FaultKind::AsZero) } else { Ok(aggregator) }
}
