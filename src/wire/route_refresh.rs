//! The ROUTE-REFRESH message (RFC 2918, RFC 7313).
//!
//! ```text
//! 2  AFI
//! 1  subtype: 0 request, 1 beginning (BoRR), 2 end (EoRR)
//! 1  SAFI
//! ```

use nom::Parser;
use nom::combinator::rest;
use nom::number::complete::{be_u8, be_u16};

use super::message::header;
use super::{MessageKind, Parsed, RouteRefreshError};

/// What a ROUTE-REFRESH says of the family it names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefreshSubtype {
    /// 0: send it all again.
    Request,
    /// 1: what follows replaces what was sent before (BoRR).
    Borr,
    /// 2: what was not sent again since BoRR is gone (EoRR).
    Eorr,
    /// Any other: the message is to be ignored (RFC 7313 §5).
    Other(u8),
}

impl RefreshSubtype {
    fn code(self) -> u8 {
        match self {
            Self::Request => 0,
            Self::Borr => 1,
            Self::Eorr => 2,
            Self::Other(code) => code,
        }
    }

    fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Request,
            1 => Self::Borr,
            2 => Self::Eorr,
            other => Self::Other(other),
        }
    }
}

/// A ROUTE-REFRESH. AFI and SAFI are kept as numbers, since a peer may name a family that is not ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RouteRefresh {
    /// Address family identifier.
    pub afi: u16,
    /// Subsequent address family identifier.
    pub safi: u8,
    /// What it says.
    pub subtype: RefreshSubtype,
}

impl RouteRefresh {
    /// Reads a body.
    ///
    /// A request may have more behind it: the outbound route filters of RFC 5291, which we never offer, so the peer
    /// gets all its routes. A subtype that is not known is no error whatever follows.
    ///
    /// # Errors
    /// A body under four octets, or BoRR or EoRR of any other length.
    pub fn decode(body: &[u8]) -> Result<Self, RouteRefreshError> {
        fn fields(body: &[u8]) -> Parsed<'_, (u16, u8, u8, &[u8])> {
            (be_u16, be_u8, be_u8, rest).parse(body)
        }
        let error = || RouteRefreshError { body: body.to_vec() };
        let (_, (afi, subtype, safi, more)) = fields(body).map_err(|_| error())?;
        let subtype = RefreshSubtype::from_code(subtype);
        match subtype {
            RefreshSubtype::Borr | RefreshSubtype::Eorr if !more.is_empty() => Err(error()),
            RefreshSubtype::Request
            | RefreshSubtype::Borr
            | RefreshSubtype::Eorr
            | RefreshSubtype::Other(_) => Ok(Self { afi, safi, subtype }),
        }
    }

    /// The whole message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let [high, low] = self.afi.to_be_bytes();
        let mut message = header(MessageKind::RouteRefresh, 23).to_vec();
        message.extend_from_slice(&[high, low, self.subtype.code(), self.safi]);
        message
    }
}
