//! Next hops as a plan and two OPENs settle them.

use std::net::{IpAddr, Ipv6Addr};

use super::*;
use crate::fsm::{Direction, Moment, Negotiated, negotiate};
use crate::speaker::terms::{self, Life};

const LOCAL: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2a01, 0x111, 0, 0, 0, 0, 0, 6));
const PEER: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2a01, 0x111, 0, 0, 0, 0, 0, 5));
const HOP_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(4, 68, 74, 182));

/// A session over IPv6 that offers both families.
fn over_ipv6(extended_next_hop: bool, next_hop_v4: Option<IpAddr>) -> SessionPlan {
    SessionPlan {
        local_address: LOCAL,
        peer_address: PEER,
        extended_next_hop,
        next_hop: PerFamily { ipv4: next_hop_v4, ipv6: Some(LOCAL) },
        ..session(US, THEM, THEIRS, true)
    }
}

fn router() -> RouterPlan {
    RouterPlan { asn: OURS, router_id: US, listen: Vec::new() }
}

/// What such a plan agrees on with a peer that has these capabilities beside both families.
fn agreed(plan: &SessionPlan, more: &[Capability]) -> Negotiated {
    let families = [Capability::Multiprotocol(1, 1), Capability::Multiprotocol(2, 1)];
    let capabilities = [&families, more].concat();
    let open = Open { my_as: THEIRS.as_u16(), hold_time: 90, bgp_id: THEM, capabilities };
    negotiate(&terms::fsm_config(&router(), plan, Life::First, Moment::default()), Direction::Inbound, open)
        .unwrap()
}

#[test]
fn ipv4_goes_by_way_of_ipv6_where_both_sides_say_so() {
    let extended = [Capability::ExtendedNextHop(vec![(1, 1, 2)])];
    for (wanted, hop_v4, theirs, ipv4, lacks) in [
        (true, None, &extended[..], Some(LOCAL), false),
        (true, Some(HOP_V4), &extended, Some(LOCAL), false),
        (true, Some(HOP_V4), &[], Some(HOP_V4), false),
        (true, None, &[], None, true),
        (false, Some(HOP_V4), &extended, Some(HOP_V4), false),
    ] {
        let plan = over_ipv6(wanted, hop_v4);
        let negotiated = agreed(&plan, theirs);
        let what = format!("{wanted} {hop_v4:?} {theirs:?}");
        assert_eq!(negotiated.extended_next_hop, wanted && !theirs.is_empty(), "{what}");
        let profile = terms::session_profile(OURS, &plan, &negotiated);
        assert_eq!(profile.next_hop, PerFamily { ipv4, ipv6: Some(LOCAL) }, "{what}");
        assert_eq!(terms::lacks_next_hop(&plan, &negotiated), lacks, "{what}");
    }
}

#[test]
fn our_open_lists_what_the_plan_asks_for() {
    let listed = |plan: &SessionPlan, code: u8| {
        terms::capabilities(OURS, plan, Life::First, Moment::default())
            .into_iter()
            .find(|capability| capability.code() == code)
    };
    let plain = over_ipv6(false, Some(HOP_V4));
    assert_eq!((listed(&plain, 5), listed(&plain, 69)), (None, None));
    let both = SessionPlan { add_path_receive: true, ..over_ipv6(true, None) };
    assert_eq!(listed(&both, 5), Some(Capability::ExtendedNextHop(vec![(1, 1, 2)])));
    assert_eq!(listed(&both, 69), Some(Capability::AddPath(vec![(1, 1, 1), (2, 1, 1)])));
    let one = SessionPlan { families: PerFamily { ipv4: false, ipv6: true }, ..both };
    assert_eq!(listed(&one, 69), Some(Capability::AddPath(vec![(2, 1, 1)])));
}

#[test]
fn our_end_of_the_session_is_no_next_hop_of_the_peers() {
    let of = |plan: &SessionPlan| terms::update_context(OURS, plan, &agreed(plan, &[])).local_address;
    let over6 = over_ipv6(false, Some(HOP_V4));
    assert_eq!(of(&over6), PerFamily { ipv4: None, ipv6: Some(LOCAL) });
    // Other next hops than that may be anybody's, as in a lab where both sides have the same.
    let next_hop = PerFamily { ipv4: Some(HOP_V4), ipv6: Some(LOCAL) };
    let over4 = SessionPlan { next_hop, ..session(US, THEM, THEIRS, true) };
    assert_eq!(of(&over4), PerFamily { ipv4: Some(US.into()), ipv6: None });
}
