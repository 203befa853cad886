//! Configurations and machines for the tests of this room.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::wire::{Asn, Capability, Open, PerFamily};

use super::*;

/// AS8075 as 10.0.0.8, peer AS64500, both families, hold time 90 s, back-off 5–60 s.
pub(super) fn ours() -> FsmConfig {
    speaker(8075, Ipv4Addr::new(10, 0, 0, 8), 64500)
}

/// AS64500 as 10.0.0.4, the other side of [`ours`], whose connections are favoured.
pub(super) fn theirs() -> FsmConfig {
    speaker(64500, Ipv4Addr::new(10, 0, 0, 4), 8075)
}

pub(super) fn speaker(local_asn: u32, local_id: Ipv4Addr, peer_asn: u32) -> FsmConfig {
    FsmConfig {
        local_asn: Asn(local_asn),
        local_id,
        peer_asn: Asn(peer_asn),
        hold_time: 90,
        passive: false,
        families: PerFamily { ipv4: true, ipv6: true },
        capabilities: vec![
            Capability::Multiprotocol(1, 1),
            Capability::Multiprotocol(2, 1),
            Capability::RouteRefresh,
            Capability::FourOctetAs(Asn(local_asn)),
        ],
        role: None,
        strict_role: false,
        timing: Timing {
            connect_retry: Duration::from_secs(5),
            max_backoff: Duration::from_secs(60),
            delay_open: Duration::ZERO,
        },
    }
}

/// The peer's OPEN, with the BGP Identifier 10.0.0.`last`: below 8 ours wins a collision, above the peer's.
pub(super) fn open_from(last: u8) -> Open {
    Open { bgp_id: Ipv4Addr::new(10, 0, 0, last), ..our_open(&theirs()) }
}

/// The moment so many milliseconds after the start.
pub(super) fn at(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

/// All that the machine wants done.
pub(super) fn drain(machine: &mut PeerFsm) -> Vec<Action> {
    std::iter::from_fn(|| machine.poll_action()).collect()
}
