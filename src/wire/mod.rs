//! Bytes ⇄ messages: the BGP-4 codec and the words of the RFCs. No state, no IO.
//!
//! RFC 4271 (BGP-4), 4760 (multiprotocol), 5492 (capabilities), 6793 (4-octet AS), 7606 (error handling), 7911 (ADD-PATH),
//! 1997/4360/8092 (communities), 2918/7313 (route refresh), 8654 (extended messages), 9072 (extended parameters), 9003
//! (shutdown communication), 9234 (roles), 9774 (no AS_SET).

mod as_path;
mod asn;
mod attribute;
mod attribute_set;
mod attributes;
mod capability;
pub mod codes;
mod community;
mod error;
mod family;
mod frame;
mod message;
mod nlri;
mod notification;
mod open;
mod role;
mod route_refresh;
mod structure;
mod text;
mod treatment;
mod update;
mod update_decoder;

#[cfg(test)]
mod tests;

pub use as_path::{AsPath, AsPathBuf, AsWidth, Segment, SegmentKind};
pub use asn::{Asn, AsnKind};
pub use attribute::RawAttribute;
pub use attribute_set::{AttrSet, Origin};
pub use attributes::{Aggregator, Attributes};
pub use capability::Capability;
pub use community::{Community, ExtendedCommunity, LargeCommunity};
pub use error::{EncodeError, NotificationError, OpenError, RouteRefreshError};
pub use family::{Family, PerFamily};
pub use frame::{Frame, frame};
pub use message::{KEEPALIVE, MessageKind};
pub use nlri::{Ipv4Paths, Ipv4Prefixes, Ipv6Paths, Ipv6Prefixes, NextHop, Nlri, PathId, Prefixes};
pub use notification::{ErrorCode, Notification};
pub use open::{Open, ParameterForm};
pub use role::Role;
pub use route_refresh::{RefreshSubtype, RouteRefresh};
pub use text::escape;
pub use treatment::{AsPathFault, Fault, FaultKind, Faults, NlriFault, Treatment};
pub use update::{FirstAs, Reach, Update, UpdateContext, decode_update};

/// What a nom parser over octets gives; where a parser can fail for one reason only, its caller names it.
type Parsed<'a, T> = nom::IResult<&'a [u8], T, ()>;

/// The length of the message header: marker, length and type (RFC 4271 §4.1).
pub const HEADER_LEN: usize = 19;
/// The longest message before RFC 8654 is negotiated (RFC 4271 §4.1).
pub const MAX_MESSAGE_LEN: usize = 4096;
/// The longest message after RFC 8654 is negotiated.
pub const MAX_EXTENDED_MESSAGE_LEN: usize = 65535;
