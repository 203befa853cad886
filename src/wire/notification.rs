//! The NOTIFICATION message (RFC 4271 §4.5) and the names of its codes.

use std::fmt;

use nom::Parser;
use nom::combinator::rest;
use nom::multi::length_data;
use nom::number::complete::be_u8;

use super::message::whole;
use super::text::escape;
use super::{HEADER_LEN, MAX_MESSAGE_LEN, MessageKind, NotificationError};

/// Error code and subcode of a NOTIFICATION.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(pub u8, pub u8);

/// Every code and subcode that has a name: RFC 4271 §4.5, 5492, 4486, 6608, 7313, 8538, 9234, 9384, 9687.
const NAMES: [(ErrorCode, &str); 42] = [
    (ErrorCode(1, 1), "Connection Not Synchronized"),
    (ErrorCode(1, 2), "Bad Message Length"),
    (ErrorCode(1, 3), "Bad Message Type"),
    (ErrorCode(2, 1), "Unsupported Version Number"),
    (ErrorCode(2, 2), "Bad Peer AS"),
    (ErrorCode(2, 3), "Bad BGP Identifier"),
    (ErrorCode(2, 4), "Unsupported Optional Parameter"),
    (ErrorCode(2, 6), "Unacceptable Hold Time"),
    (ErrorCode(2, 7), "Unsupported Capability"),
    (ErrorCode(2, 11), "Role Mismatch"),
    (ErrorCode(3, 1), "Malformed Attribute List"),
    (ErrorCode(3, 2), "Unrecognized Well-known Attribute"),
    (ErrorCode(3, 3), "Missing Well-known Attribute"),
    (ErrorCode(3, 4), "Attribute Flags Error"),
    (ErrorCode(3, 5), "Attribute Length Error"),
    (ErrorCode(3, 6), "Invalid ORIGIN Attribute"),
    (ErrorCode(3, 8), "Invalid NEXT_HOP Attribute"),
    (ErrorCode(3, 9), "Optional Attribute Error"),
    (ErrorCode(3, 10), "Invalid Network Field"),
    (ErrorCode(3, 11), "Malformed AS_PATH"),
    (ErrorCode(5, 1), "Unexpected Message in OpenSent State"),
    (ErrorCode(5, 2), "Unexpected Message in OpenConfirm State"),
    (ErrorCode(5, 3), "Unexpected Message in Established State"),
    (ErrorCode(6, 1), "Maximum Number of Prefixes Reached"),
    (ErrorCode(6, 2), "Administrative Shutdown"),
    (ErrorCode(6, 3), "Peer De-configured"),
    (ErrorCode(6, 4), "Administrative Reset"),
    (ErrorCode(6, 5), "Connection Rejected"),
    (ErrorCode(6, 6), "Other Configuration Change"),
    (ErrorCode(6, 7), "Connection Collision Resolution"),
    (ErrorCode(6, 8), "Out of Resources"),
    (ErrorCode(6, 9), "Hard Reset"),
    (ErrorCode(6, 10), "BFD Down"),
    (ErrorCode(7, 1), "Invalid Message Length"),
    (ErrorCode(1, 0), "Message Header Error"),
    (ErrorCode(2, 0), "OPEN Message Error"),
    (ErrorCode(3, 0), "UPDATE Message Error"),
    (ErrorCode(4, 0), "Hold Timer Expired"),
    (ErrorCode(5, 0), "Finite State Machine Error"),
    (ErrorCode(6, 0), "Cease"),
    (ErrorCode(7, 0), "ROUTE-REFRESH Message Error"),
    (ErrorCode(8, 0), "Send Hold Timer Expired"),
];

#[allow(missing_docs, reason = "each constant's name is the RFC's own word for it")]
impl ErrorCode {
    pub const NOT_SYNCHRONIZED: Self = Self(1, 1);
    pub const BAD_MESSAGE_LENGTH: Self = Self(1, 2);
    pub const BAD_MESSAGE_TYPE: Self = Self(1, 3);
    pub const OPEN_ERROR: Self = Self(2, 0);
    pub const UNSUPPORTED_VERSION: Self = Self(2, 1);
    pub const BAD_PEER_AS: Self = Self(2, 2);
    pub const BAD_BGP_IDENTIFIER: Self = Self(2, 3);
    pub const UNSUPPORTED_OPTIONAL_PARAMETER: Self = Self(2, 4);
    pub const UNACCEPTABLE_HOLD_TIME: Self = Self(2, 6);
    pub const UNSUPPORTED_CAPABILITY: Self = Self(2, 7);
    pub const ROLE_MISMATCH: Self = Self(2, 11);
    pub const MALFORMED_ATTRIBUTE_LIST: Self = Self(3, 1);
    pub const UNRECOGNIZED_WELL_KNOWN: Self = Self(3, 2);
    pub const MISSING_WELL_KNOWN: Self = Self(3, 3);
    pub const ATTRIBUTE_FLAGS: Self = Self(3, 4);
    pub const ATTRIBUTE_LENGTH: Self = Self(3, 5);
    pub const INVALID_ORIGIN: Self = Self(3, 6);
    pub const INVALID_NEXT_HOP: Self = Self(3, 8);
    pub const OPTIONAL_ATTRIBUTE: Self = Self(3, 9);
    pub const INVALID_NETWORK_FIELD: Self = Self(3, 10);
    pub const MALFORMED_AS_PATH: Self = Self(3, 11);
    pub const HOLD_TIMER_EXPIRED: Self = Self(4, 0);
    pub const FSM_OPEN_SENT: Self = Self(5, 1);
    pub const FSM_OPEN_CONFIRM: Self = Self(5, 2);
    pub const FSM_ESTABLISHED: Self = Self(5, 3);
    pub const MAX_PREFIXES: Self = Self(6, 1);
    pub const ADMIN_SHUTDOWN: Self = Self(6, 2);
    pub const PEER_DECONFIGURED: Self = Self(6, 3);
    pub const ADMIN_RESET: Self = Self(6, 4);
    pub const CONNECTION_REJECTED: Self = Self(6, 5);
    pub const CONFIG_CHANGE: Self = Self(6, 6);
    pub const COLLISION: Self = Self(6, 7);
    pub const OUT_OF_RESOURCES: Self = Self(6, 8);
    pub const HARD_RESET: Self = Self(6, 9);
    pub const ROUTE_REFRESH_LENGTH: Self = Self(7, 1);
    pub const SEND_HOLD_TIMER_EXPIRED: Self = Self(8, 0);
}

impl ErrorCode {
    /// The RFC's words for it: of the subcode where it is known, else of the code.
    #[must_use]
    pub fn name(self) -> &'static str {
        let find = |wanted| NAMES.iter().find(|(code, _)| *code == wanted).map(|(_, name)| *name);
        find(self).or_else(|| find(Self(self.0, 0))).unwrap_or("Unknown Error")
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.0, self.1, self.name())
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A NOTIFICATION message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notification {
    /// What is wrong.
    pub code: ErrorCode,
    /// The octets that explain it, never more than what arrived.
    pub data: Vec<u8>,
}

impl Notification {
    /// A notification without data.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self { code, data: Vec::new() }
    }

    /// A notification with data.
    #[must_use]
    pub fn with_data(code: ErrorCode, data: impl Into<Vec<u8>>) -> Self {
        Self { code, data: data.into() }
    }

    /// A Hard Reset that carries `inner` (RFC 8538 §3): the peer that knows it keeps no routes, and learns why.
    #[must_use]
    pub fn hard_reset(inner: &Self) -> Self {
        let ErrorCode(code, subcode) = inner.code;
        Self::with_data(ErrorCode::HARD_RESET, [[code, subcode].as_slice(), &inner.data].concat())
    }

    /// A Cease with words for the peer's operator (RFC 9003 §2): at most 255 octets, cut between characters where there
    /// are more.
    #[must_use]
    pub fn with_communication(code: ErrorCode, text: &str) -> Self {
        let fits = text.floor_char_boundary(Self::MOST_COMMUNICATION);
        let text = text.get(..fits).unwrap_or_default();
        let mut data = vec![u8::try_from(text.len()).unwrap_or(u8::MAX)];
        data.extend_from_slice(text.as_bytes());
        Self::with_data(code, data)
    }

    /// The most octets of a shutdown communication.
    pub const MOST_COMMUNICATION: usize = 255;

    /// Whether a text can go out whole as a shutdown communication and be shown as one line at the other end (RFC 9003 §2,
    /// §4): no more than [`MOST_COMMUNICATION`](Self::MOST_COMMUNICATION) octets, and no control characters.
    #[must_use]
    pub fn is_communication(text: &str) -> bool {
        text.len() <= Self::MOST_COMMUNICATION && !text.chars().any(char::is_control)
    }

    /// Reads a body: code, subcode, data.
    ///
    /// # Errors
    /// A body under two octets. A NOTIFICATION is never answered by one (RFC 4271 §6.4).
    pub fn decode(body: &[u8]) -> Result<Self, NotificationError> {
        let (_, (code, subcode, data)) = (be_u8::<_, ()>, be_u8, rest)
            .parse(body)
            .map_err(|_: nom::Err<()>| NotificationError { len: body.len() })?;
        Ok(Self { code: ErrorCode(code, subcode), data: data.to_vec() })
    }

    /// The whole message; data beyond what fits in 4,096 octets is left out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let ErrorCode(code, subcode) = self.code;
        let mut body = vec![code, subcode];
        body.extend(self.data.iter().take(MAX_MESSAGE_LEN.saturating_sub(HEADER_LEN).saturating_sub(2)));
        // The data was cut to fit, so there is no error to give.
        whole(MessageKind::Notification, "NOTIFICATION", &body).unwrap_or_default()
    }

    /// What a Hard Reset carries (RFC 8538 §3.1); `None` of any other, and of one cut short.
    #[must_use]
    pub fn inner(&self) -> Option<Self> {
        match (self.code, self.data.as_slice()) {
            (ErrorCode::HARD_RESET, [code, subcode, data @ ..]) => {
                Some(Self::with_data(ErrorCode(*code, *subcode), data))
            }
            (_, _) => None,
        }
    }

    /// What the peer's operator says of a shutdown or reset (RFC 9003), escaped; also from within a Hard Reset
    /// (RFC 8538). `None` where there is nothing, or where its length octet lies.
    #[must_use]
    pub fn communication(&self) -> Option<String> {
        let inner = self.inner();
        let Self { code, data } = inner.as_ref().unwrap_or(self);
        let code = *code;
        if code != ErrorCode::ADMIN_SHUTDOWN && code != ErrorCode::ADMIN_RESET {
            return None;
        }
        let (_, text) = length_data(be_u8::<_, ()>).parse(data.as_slice()).ok()?;
        (!text.is_empty()).then(|| escape(text))
    }
}

impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)?;
        self.inner().map_or(Ok(()), |inner| write!(f, ": {}", inner.code))
    }
}
