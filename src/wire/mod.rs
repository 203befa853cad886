//! Bytes ⇄ messages: the BGP-4 codec and the words of the RFCs. No state, no IO.
//!
//! RFC 4271 (BGP-4), 4760 (multiprotocol), 5492 (capabilities), 6793 (4-octet AS), 7606 (error handling),
//! 1997/4360/8092 (communities), 2918 (route refresh).

mod asn;
mod attribute_set;
mod capability;
pub mod codes;
mod community;
mod family;
mod notification;
mod open;

pub use asn::{Asn, AsnKind};
pub use attribute_set::{AttrSet, Origin};
pub use capability::Capability;
pub use community::{Community, ExtendedCommunity, LargeCommunity};
pub use family::{Family, PerFamily};
pub use notification::{ErrorCode, Notification};
pub use open::Open;

/// The length of the message header: marker, length and type (RFC 4271 §4.1).
pub const HEADER_LEN: usize = 19;
/// The longest message before RFC 8654 is negotiated (RFC 4271 §4.1).
pub const MAX_MESSAGE_LEN: usize = 4096;
/// The longest message after RFC 8654 is negotiated.
pub const MAX_EXTENDED_MESSAGE_LEN: usize = 65535;
