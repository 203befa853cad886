//! BGP capabilities (RFC 5492): values and bytes.
//!
//! ```text
//! 1  code
//! 1  length of the value, also behind RFC 9072
//! n  value
//! ```

use nom::Parser;
use nom::combinator::{all_consuming, map};
use nom::multi::{length_data, many0};
use nom::number::complete::{be_u8, be_u16, be_u24, be_u32};

use super::codes::capability as code;
use super::{Asn, EncodeError, OpenError, Parsed};

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
    /// Code 69 (RFC 7911): AFI, SAFI, [`ADD_PATH_RECEIVE`](Self::ADD_PATH_RECEIVE), [`ADD_PATH_SEND`](Self::ADD_PATH_SEND)
    /// or both.
    AddPath(Vec<(u16, u8, u8)>),
    /// Code 70 (RFC 7313).
    EnhancedRouteRefresh,
    /// Code 71 (RFC 9494): AFI, SAFI, F, seconds (24 bits).
    LongLivedGracefulRestart(Vec<(u16, u8, bool, u32)>),
    /// Any other, its value as it came.
    Unknown {
        /// The capability code.
        code: u8,
        /// At most 255 octets.
        value: Vec<u8>,
    },
}

/// R of RFC 4724 §3.
const RESTARTING: u16 = 0x8000;
/// N of RFC 8538 §2.
const NOTIFICATION: u16 = 0x4000;
/// The field of the restart time, seconds.
const RESTART_TIME: u16 = 0x0FFF;
/// F of RFC 4724 §3 and RFC 9494 §3.1.
const FORWARDING: u8 = 0x80;

impl Capability {
    /// The most that an OPEN may have, repeats not counted: one for each code, and far more than any speaker has. The
    /// limit is ours; without it, 2,000 fit one OPEN by RFC 9072.
    pub const MOST: usize = 256;
    /// Send/Receive of RFC 7911 §4: the speaker takes several paths of a prefix.
    pub const ADD_PATH_RECEIVE: u8 = 1;
    /// Send/Receive of RFC 7911 §4: it may send them.
    pub const ADD_PATH_SEND: u8 = 2;

    /// The capability code.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Multiprotocol(..) => code::MULTIPROTOCOL,
            Self::RouteRefresh => code::ROUTE_REFRESH,
            Self::ExtendedNextHop(_) => code::EXTENDED_NEXT_HOP,
            Self::ExtendedMessage => code::EXTENDED_MESSAGE,
            Self::Role(_) => code::ROLE,
            Self::GracefulRestart { .. } => code::GRACEFUL_RESTART,
            Self::FourOctetAs(_) => code::FOUR_OCTET_AS,
            Self::AddPath(_) => code::ADD_PATH,
            Self::EnhancedRouteRefresh => code::ENHANCED_ROUTE_REFRESH,
            Self::LongLivedGracefulRestart(_) => code::LONG_LIVED_GRACEFUL_RESTART,
            Self::Unknown { code, .. } => *code,
        }
    }

    /// Reads the capabilities of one parameter, behind those read before. One that was there before in the same words
    /// adds nothing (RFC 5492 §4).
    pub(super) fn decode_all(mut octets: &[u8], found: &mut Vec<Self>) -> Result<(), OpenError> {
        while !octets.is_empty() {
            let (rest, (code, value)) =
                (be_u8, length_data(be_u8::<_, ()>)).parse(octets).map_err(|_| OpenError::Truncated {
                    what: "a capability",
                    needed: octets.get(1).map_or(2, |len| usize::from(*len).saturating_add(2)),
                    have: octets.len(),
                })?;
            let capability = Self::decode(code, value)
                .map_err(|_| OpenError::CapabilityLength { code, len: value.len() })?;
            if !found.contains(&capability) {
                if found.len() >= Self::MOST {
                    return Err(OpenError::TooManyCapabilities { max: Self::MOST });
                }
                found.push(capability);
            }
            octets = rest;
        }
        Ok(())
    }

    /// Reads a value. The one error is a length that a known code cannot have.
    fn decode(code: u8, value: &[u8]) -> Result<Self, nom::Err<()>> {
        let unknown = || Self::Unknown { code, value: value.to_vec() };
        Ok(match code {
            code::MULTIPROTOCOL => {
                let (afi, _reserved, safi) = whole((be_u16, be_u8, be_u8), value)?;
                Self::Multiprotocol(afi, safi)
            }
            code::ROUTE_REFRESH => empty(value, Self::RouteRefresh)?,
            code::EXTENDED_MESSAGE => empty(value, Self::ExtendedMessage)?,
            code::ENHANCED_ROUTE_REFRESH => empty(value, Self::EnhancedRouteRefresh)?,
            code::EXTENDED_NEXT_HOP => Self::ExtendedNextHop(whole(many0((be_u16, be_u16, be_u16)), value)?),
            code::ROLE => Self::Role(whole(be_u8, value)?),
            code::GRACEFUL_RESTART => {
                let family =
                    map((be_u16, be_u8, be_u8), |(afi, safi, flags)| (afi, safi, flags >= FORWARDING));
                let (field, families) = whole((be_u16, many0(family)), value)?;
                Self::GracefulRestart {
                    restarting: field & RESTARTING != 0,
                    notification: field & NOTIFICATION != 0,
                    restart_time: field & RESTART_TIME,
                    families,
                }
            }
            code::FOUR_OCTET_AS => Self::FourOctetAs(Asn(whole(be_u32, value)?)),
            code::ADD_PATH => {
                let families: Vec<(u16, u8, u8)> = whole(many0((be_u16, be_u8, be_u8)), value)?;
                // RFC 7911 §4: any other value, and the capability counts as not understood.
                if families.iter().all(|(_, _, mode)| (1..=3).contains(mode)) {
                    Self::AddPath(families)
                } else {
                    unknown()
                }
            }
            code::LONG_LIVED_GRACEFUL_RESTART => {
                let family = map((be_u16, be_u8, be_u8, be_u24), |(afi, safi, flags, time)| {
                    (afi, safi, flags >= FORWARDING, time)
                });
                Self::LongLivedGracefulRestart(whole(many0(family), value)?)
            }
            _ => unknown(),
        })
    }

    /// Writes code, length and value.
    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let value = self.value()?;
        let len = u8::try_from(value.len()).map_err(|_| EncodeError::TooLong {
            what: "a capability",
            len: value.len(),
            max: usize::from(u8::MAX),
        })?;
        out.extend_from_slice(&[self.code(), len]);
        out.extend_from_slice(&value);
        Ok(())
    }

    fn value(&self) -> Result<Vec<u8>, EncodeError> {
        let mut value = Vec::new();
        match self {
            Self::RouteRefresh | Self::ExtendedMessage | Self::EnhancedRouteRefresh => {}
            Self::Multiprotocol(afi, safi) => put_family(&mut value, *afi, &[0, *safi]),
            Self::ExtendedNextHop(entries) => {
                for (afi, safi, next_hop) in entries {
                    put_family(&mut value, *afi, &safi.to_be_bytes());
                    value.extend_from_slice(&next_hop.to_be_bytes());
                }
            }
            Self::Role(role) => value.push(*role),
            Self::GracefulRestart { restarting, notification, restart_time, families } => {
                at_most("a restart time", u32::from(*restart_time), u32::from(RESTART_TIME))?;
                let field = restart_time
                    | if *restarting { RESTARTING } else { 0 }
                    | if *notification { NOTIFICATION } else { 0 };
                value.extend_from_slice(&field.to_be_bytes());
                for (afi, safi, kept) in families {
                    put_family(&mut value, *afi, &[*safi, forwarding(*kept)]);
                }
            }
            Self::FourOctetAs(asn) => value.extend_from_slice(&asn.0.to_be_bytes()),
            Self::AddPath(families) => {
                for (afi, safi, mode) in families {
                    put_family(&mut value, *afi, &[*safi, *mode]);
                }
            }
            Self::LongLivedGracefulRestart(families) => {
                for (afi, safi, kept, time) in families {
                    at_most("a stale time", *time, 0x00FF_FFFF)?;
                    let [_, high, middle, low] = time.to_be_bytes();
                    put_family(&mut value, *afi, &[*safi, forwarding(*kept), high, middle, low]);
                }
            }
            Self::Unknown { value: octets, .. } => value.extend_from_slice(octets),
        }
        Ok(value)
    }
}

/// The whole value by one parser.
fn whole<'a, P>(parser: P, value: &'a [u8]) -> Result<P::Output, nom::Err<()>>
where
    P: Parser<&'a [u8], Error = ()>,
{
    let result: Parsed<'_, P::Output> = all_consuming(parser).parse(value);
    result.map(|(_, output)| output)
}

/// A capability without a value.
fn empty(value: &[u8], capability: Capability) -> Result<Capability, nom::Err<()>> {
    if value.is_empty() { Ok(capability) } else { Err(nom::Err::Error(())) }
}

fn put_family(value: &mut Vec<u8>, afi: u16, more: &[u8]) {
    value.extend_from_slice(&afi.to_be_bytes());
    value.extend_from_slice(more);
}

fn forwarding(kept: bool) -> u8 {
    if kept { FORWARDING } else { 0 }
}

fn at_most(what: &'static str, value: u32, max: u32) -> Result<(), EncodeError> {
    if value > max { Err(EncodeError::TooLarge { what, value, max }) } else { Ok(()) }
}
