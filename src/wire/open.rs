//! The OPEN message (RFC 4271 §4.2).

use std::net::Ipv4Addr;

use super::{Asn, Capability};

/// An OPEN message. The version is 4; any other is a decode error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Open {
    /// My Autonomous System, the two-octet field.
    pub my_as: u16,
    /// Seconds: 0, or 3–65535.
    pub hold_time: u16,
    /// The BGP Identifier.
    pub bgp_id: Ipv4Addr,
    /// In the order of the message.
    pub capabilities: Vec<Capability>,
}

impl Open {
    /// The speaker's ASN: of the four-octet capability where there is one, else of the two-octet field.
    #[must_use]
    pub fn asn(&self) -> Asn {
        self.capabilities
            .iter()
            .find_map(|c| if let Capability::FourOctetAs(asn) = c { Some(*asn) } else { None })
            .unwrap_or(Asn(u32::from(self.my_as)))
    }
}
