//! Message types and the header that all messages share (RFC 4271 §4.1).

use super::codes::message;
use super::{EncodeError, HEADER_LEN, MAX_MESSAGE_LEN};

/// The type of a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MessageKind {
    /// Type 1.
    Open,
    /// Type 2.
    Update,
    /// Type 3.
    Notification,
    /// Type 4.
    Keepalive,
    /// Type 5 (RFC 2918).
    RouteRefresh,
}

impl MessageKind {
    /// The kind of a type octet, if it is one of the five.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            message::OPEN => Some(Self::Open),
            message::UPDATE => Some(Self::Update),
            message::NOTIFICATION => Some(Self::Notification),
            message::KEEPALIVE => Some(Self::Keepalive),
            message::ROUTE_REFRESH => Some(Self::RouteRefresh),
            _ => None,
        }
    }

    /// The type octet.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Open => message::OPEN,
            Self::Update => message::UPDATE,
            Self::Notification => message::NOTIFICATION,
            Self::Keepalive => message::KEEPALIVE,
            Self::RouteRefresh => message::ROUTE_REFRESH,
        }
    }

    /// The shortest and the longest message of the kind, header included, where none may pass `max_len`.
    ///
    /// A ROUTE-REFRESH without its body gets through: its length is judged with its subtype (RFC 7313 §5).
    pub(super) fn len_range(self, max_len: usize) -> std::ops::RangeInclusive<usize> {
        match self {
            // RFC 8654 §4: never extended.
            Self::Open => 29..=max_len.min(MAX_MESSAGE_LEN),
            Self::Update => 23..=max_len,
            Self::Notification => 21..=max_len,
            Self::Keepalive => HEADER_LEN..=HEADER_LEN,
            Self::RouteRefresh => HEADER_LEN..=max_len,
        }
    }
}

/// A KEEPALIVE, whole.
pub const KEEPALIVE: [u8; HEADER_LEN] = header(MessageKind::Keepalive, 19);

/// The header of a message of `len` octets, itself included.
pub(super) const fn header(kind: MessageKind, len: u16) -> [u8; HEADER_LEN] {
    let [high, low] = len.to_be_bytes();
    const F: u8 = 0xFF;
    [F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, high, low, kind.code()]
}

/// Puts the header before a body, where both fit in 4,096 octets.
pub(super) fn whole(kind: MessageKind, what: &'static str, body: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let len = body.len().saturating_add(HEADER_LEN);
    let max = MAX_MESSAGE_LEN;
    let field = u16::try_from(len).ok().filter(|_| len <= max);
    let field = field.ok_or(EncodeError::TooLong { what, len, max })?;
    let mut message = Vec::with_capacity(len);
    message.extend_from_slice(&header(kind, field));
    message.extend_from_slice(body);
    Ok(message)
}
