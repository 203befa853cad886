//! What can be wrong with a message, as facts. The maps to NOTIFICATIONs are here and nowhere else.

use thiserror::Error;

use super::message::header;
use super::{ErrorCode, HEADER_LEN, MessageKind, Notification};

/// A value that has no place in a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum EncodeError {
    /// More octets than the field, or the message, may have.
    #[error("{what} takes {len} octets, above the maximum of {max}")]
    TooLong {
        /// What was encoded.
        what: &'static str,
        /// Its octets.
        len: usize,
        /// The most that fit.
        max: usize,
    },
    /// A number above what its field holds.
    #[error("{what} is {value}, above the maximum of {max}")]
    TooLarge {
        /// What was encoded.
        what: &'static str,
        /// Its value.
        value: u32,
        /// The largest value of the field.
        max: u32,
    },
}

/// What is wrong with an OPEN (RFC 4271 §6.2, RFC 5492, RFC 7607, RFC 9072).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum OpenError {
    /// A field, parameter or capability needs more octets than are left of what holds it.
    #[error("{what} needs {needed} octets and {have} are left")]
    Truncated {
        /// What was cut short.
        what: &'static str,
        /// Octets it needs.
        needed: usize,
        /// Octets that are left.
        have: usize,
    },
    /// The length of the optional parameters ends before the message does.
    #[error("{extra} octets follow the optional parameters")]
    Trailing {
        /// Octets behind the parameters.
        extra: usize,
    },
    /// A version other than 4.
    #[error("version {0} is not supported")]
    Version(u8),
    /// AS 0 in the two-octet field or in the four-octet capability (RFC 7607).
    #[error("AS 0 is not an autonomous system")]
    AsZero,
    /// A hold time of 1 or 2 s.
    #[error("hold time {0} s is below the minimum of 3 s")]
    HoldTime(u16),
    /// BGP Identifier 0.0.0.0 (RFC 6286).
    #[error("the BGP Identifier is 0.0.0.0")]
    BgpIdZero,
    /// An optional parameter other than capabilities.
    #[error("optional parameter {0} is not supported")]
    UnsupportedParameter(u8),
    /// A capability that we know, of a length that it cannot have.
    #[error("capability {code} has a length of {len}")]
    CapabilityLength {
        /// The capability code.
        code: u8,
        /// Octets of its value.
        len: usize,
    },
    /// More capabilities than any speaker has use for.
    #[error("more than {max} capabilities")]
    TooManyCapabilities {
        /// The most that are read.
        max: usize,
    },
}

impl From<&OpenError> for Notification {
    fn from(error: &OpenError) -> Self {
        match error {
            // RFC 4271 §6.2: the data is the largest version that we support below the one that was bid, or, where
            // the bid is below all, the smallest; for a speaker of one version both are 4.
            OpenError::Version(_) => Self::with_data(ErrorCode::UNSUPPORTED_VERSION, [0, 4]),
            // RFC 7607 §2.
            OpenError::AsZero => Self::new(ErrorCode::BAD_PEER_AS),
            OpenError::HoldTime(_) => Self::new(ErrorCode::UNACCEPTABLE_HOLD_TIME),
            OpenError::BgpIdZero => Self::new(ErrorCode::BAD_BGP_IDENTIFIER),
            OpenError::UnsupportedParameter(_) => Self::new(ErrorCode::UNSUPPORTED_OPTIONAL_PARAMETER),
            // RFC 4271 §6.2: a parameter that is known but malformed is subcode 0.
            OpenError::Truncated { .. }
            | OpenError::Trailing { .. }
            | OpenError::CapabilityLength { .. }
            | OpenError::TooManyCapabilities { .. } => Self::new(ErrorCode::OPEN_ERROR),
        }
    }
}

/// A ROUTE-REFRESH whose length is not that of its subtype (RFC 7313 §5).
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("a ROUTE-REFRESH body has {} octets instead of 4", .body.len())]
pub struct RouteRefreshError {
    /// The body as it came.
    pub body: Vec<u8>,
}

impl From<&RouteRefreshError> for Notification {
    /// 7/1; the data is the whole message, as RFC 7313 §5 asks.
    fn from(error: &RouteRefreshError) -> Self {
        let len = u16::try_from(error.body.len().saturating_add(HEADER_LEN)).unwrap_or(u16::MAX);
        let mut data = header(MessageKind::RouteRefresh, len).to_vec();
        data.extend_from_slice(&error.body);
        Self::with_data(ErrorCode::ROUTE_REFRESH_LENGTH, data)
    }
}

/// A NOTIFICATION without room for code and subcode.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a NOTIFICATION body has {len} octets instead of 2 or more")]
pub struct NotificationError {
    /// Octets of the body.
    pub len: usize,
}
