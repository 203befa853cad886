//! BGP capabilities (RFC 5492) as values; their bytes are in the codec below.

use super::Asn;

/// One capability of an OPEN. AFI and SAFI are kept as numbers, since a peer may name families that are not ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Capability {
    /// Code 1 (RFC 4760): AFI, SAFI.
    Multiprotocol(u16, u8),
    /// Code 2 (RFC 2918).
    RouteRefresh,
    /// Code 5 (RFC 8950): AFI, SAFI of the routes, AFI of the next hop.
    ExtendedNextHop(Vec<(u16, u16, u16)>),
    /// Code 6 (RFC 8654).
    ExtendedMessage,
    /// Code 9 (RFC 9234).
    Role(u8),
    /// Code 64 (RFC 4724, RFC 8538).
    GracefulRestart {
        /// R: the speaker has restarted.
        restarting: bool,
        /// N: graceful restart also after a NOTIFICATION (RFC 8538).
        notification: bool,
        /// Seconds, 0–4095.
        restart_time: u16,
        /// AFI, SAFI, and F: forwarding state was kept.
        families: Vec<(u16, u8, bool)>,
    },
    /// Code 65 (RFC 6793).
    FourOctetAs(Asn),
    /// Code 69 (RFC 7911): AFI, SAFI, 1 receive, 2 send, 3 both.
    AddPath(Vec<(u16, u8, u8)>),
    /// Code 70 (RFC 7313).
    EnhancedRouteRefresh,
    /// Code 71 (RFC 9494): AFI, SAFI, F, seconds (24 bits).
    LongLivedGracefulRestart(Vec<(u16, u8, bool, u32)>),
    /// Any other, its value as it came.
    Unknown {
        /// The capability code.
        code: u8,
        /// At most 255 octets, or 65,535 behind RFC 9072.
        value: Vec<u8>,
    },
}
