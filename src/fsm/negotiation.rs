//! Two OPENs → what they agree on, or the NOTIFICATION that says why not (RFC 4271 §6.2).

use crate::wire::{Asn, Capability, ErrorCode, Family, Notification, Open, PerFamily, Role};

use super::{Direction, FsmConfig, Negotiated, restart};

/// The OPEN that we send.
#[must_use]
pub fn our_open(config: &FsmConfig) -> Open {
    Open {
        my_as: config.local_asn.as_u16(),
        hold_time: config.hold_time,
        bgp_id: config.local_id,
        capabilities: config.capabilities.clone(),
    }
}

/// What our OPEN and the peer's agree on.
///
/// # Errors
///
/// The NOTIFICATION to answer the peer's OPEN with: 2/2, 2/3, 2/6 or 2/7, checked in the order of RFC 4271 §6.2, or
/// 2/11.
pub fn negotiate(
    config: &FsmConfig,
    direction: Direction,
    peer_open: Open,
) -> Result<Negotiated, Notification> {
    let peer_asn = peer_asn(config, &peer_open)?;
    check_hold_time(&peer_open)?;
    check_bgp_id(config, &peer_open, peer_asn)?;
    let families = common_families(config, &peer_open)?;
    let peer_role = peer_role(config, &peer_open)?;
    let both = |capability: &Capability| {
        config.capabilities.contains(capability) && peer_open.capabilities.contains(capability)
    };
    let route_refresh = both(&Capability::RouteRefresh);
    Ok(Negotiated {
        direction,
        peer_asn,
        hold_time: config.hold_time.min(peer_open.hold_time),
        families,
        four_octet_as: four_octet_as(&config.capabilities) && four_octet_as(&peer_open.capabilities),
        route_refresh,
        enhanced_route_refresh: both(&Capability::EnhancedRouteRefresh),
        extended_message: both(&Capability::ExtendedMessage),
        extended_next_hop: extended_next_hop(&config.capabilities)
            && extended_next_hop(&peer_open.capabilities),
        graceful_restart: restart::between(&config.capabilities, &peer_open.capabilities),
        local_capabilities: config.capabilities.clone(),
        peer_role,
        add_path_receive: PerFamily::from_fn(|family| {
            *families.get(family)
                && add_path(&config.capabilities, family, Capability::ADD_PATH_RECEIVE)
                && add_path(&peer_open.capabilities, family, Capability::ADD_PATH_SEND)
        }),
        peer_open,
    })
}

/// The peer's ASN, if it is the one configured and stated without contradiction.
///
/// AS 0 is nobody's (RFC 7607), AS_TRANS is a placeholder and nobody's either (RFC 6793 §9); where there is a
/// four-octet number, the two-octet field is the same number or AS_TRANS (RFC 6793 §4.1). AS_TRANS before a number
/// that fits two octets is odd and harmless.
fn peer_asn(config: &FsmConfig, open: &Open) -> Result<Asn, Notification> {
    let asn = open.asn();
    let two_octets = Asn(u32::from(open.my_as));
    let agrees = |stated: &Capability| {
        if let Capability::FourOctetAs(other) = stated { *other == asn } else { true }
    };
    let is_valid = asn != Asn(0)
        && asn != Asn::TRANS
        && (two_octets == asn || two_octets == Asn::TRANS)
        && open.capabilities.iter().all(agrees);
    if is_valid && asn == config.peer_asn { Ok(asn) } else { Err(Notification::new(ErrorCode::BAD_PEER_AS)) }
}

fn check_hold_time(open: &Open) -> Result<(), Notification> {
    match open.hold_time {
        1 | 2 => Err(Notification::new(ErrorCode::UNACCEPTABLE_HOLD_TIME)),
        0 | 3.. => Ok(()),
    }
}

/// Not zero, and within one AS not ours (RFC 6286 §2.2).
fn check_bgp_id(config: &FsmConfig, open: &Open, peer_asn: Asn) -> Result<(), Notification> {
    let is_ours = open.bgp_id == config.local_id && peer_asn == config.local_asn;
    if open.bgp_id.is_unspecified() || is_ours {
        Err(Notification::new(ErrorCode::BAD_BGP_IDENTIFIER))
    } else {
        Ok(())
    }
}

/// The families of both sides. A peer that lists no multiprotocol capability at all speaks plain RFC 4271: IPv4
/// unicast. One that lists some has those and no other (RFC 4760 §8).
fn common_families(config: &FsmConfig, open: &Open) -> Result<PerFamily<bool>, Notification> {
    let mut listed = PerFamily { ipv4: false, ipv6: false };
    let mut lists_any = false;
    for capability in &open.capabilities {
        if let Capability::Multiprotocol(afi, safi) = capability {
            lists_any = true;
            if let Some(family) = Family::from_afi_safi(*afi, *safi) {
                *listed.get_mut(family) = true;
            }
        }
    }
    listed.ipv4 |= !lists_any;
    let common = PerFamily::from_fn(|family| *config.families.get(family) && *listed.get(family));
    if common.ipv4 || common.ipv6 {
        Ok(common)
    } else {
        Err(Notification::with_data(ErrorCode::UNSUPPORTED_CAPABILITY, families_as_capabilities(config)))
    }
}

/// The peer's role, which must be the one that goes with ours (RFC 9234 §4.2). Without a role of our own the peer's is not
/// looked at; a peer without one is good unless the config is strict.
fn peer_role(config: &FsmConfig, open: &Open) -> Result<Option<Role>, Notification> {
    let Some(ours) = config.role else { return Ok(None) };
    let wanted = ours.counterpart();
    let mut listed = open
        .capabilities
        .iter()
        .filter_map(|capability| if let Capability::Role(code) = capability { Some(*code) } else { None });
    let mismatch = || Notification::new(ErrorCode::ROLE_MISMATCH);
    match listed.next() {
        None if config.strict_role => Err(mismatch()),
        None => Ok(None),
        Some(code) if code == wanted.code() && listed.all(|other| other == code) => Ok(Some(wanted)),
        Some(_) => Err(mismatch()),
    }
}

/// The capabilities that the peer lacks, encoded as in an OPEN, which RFC 5492 §5 wants as the data of 2/7.
fn families_as_capabilities(config: &FsmConfig) -> Vec<u8> {
    Family::ALL
        .into_iter()
        .filter(|family| *config.families.get(*family))
        .flat_map(|family| {
            let [high, low] = family.afi().to_be_bytes();
            [1, 4, high, low, 0, Family::SAFI_UNICAST]
        })
        .collect()
}

fn four_octet_as(capabilities: &[Capability]) -> bool {
    capabilities.iter().any(|capability| matches!(capability, Capability::FourOctetAs(_)))
}

/// Whether IPv4 unicast with an IPv6 next hop is among the triples of RFC 8950.
fn extended_next_hop(capabilities: &[Capability]) -> bool {
    let wanted = (Family::Ipv4.afi(), u16::from(Family::SAFI_UNICAST), Family::Ipv6.afi());
    capabilities.iter().any(|capability| {
        if let Capability::ExtendedNextHop(triples) = capability { triples.contains(&wanted) } else { false }
    })
}

/// Whether ADD-PATH is listed for a family in this direction.
fn add_path(capabilities: &[Capability], family: Family, direction: u8) -> bool {
    let wanted = |(afi, safi, way): &(u16, u8, u8)| {
        Family::from_afi_safi(*afi, *safi) == Some(family) && way & direction != 0
    };
    capabilities.iter().any(|capability| {
        if let Capability::AddPath(families) = capability { families.iter().any(wanted) } else { false }
    })
}

#[cfg(test)]
mod tests;
