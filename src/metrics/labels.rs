//! The label values that may appear, all of them, and counters indexed by them.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::wire::{ErrorCode, MessageKind, Treatment};

/// Makes an enum whose values are the only values of a label.
macro_rules! label_values {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $label:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $($(#[$vmeta])* $variant),* }

        impl $name {
            /// Every value, in the order of exposition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The label's value.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }
        }

        impl Index for $name {
            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

/// A place among counters.
pub(super) trait Index {
    /// From 0.
    fn index(self) -> usize;
}

impl Index for crate::wire::Family {
    fn index(self) -> usize {
        match self {
            Self::Ipv4 => 0,
            Self::Ipv6 => 1,
        }
    }
}

/// Which way something went, seen from us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// From us to the peer.
    Sent,
    /// From the peer to us.
    Received,
}

impl Way {
    /// `sent` or `received`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
        }
    }
}

label_values! {
    /// The type of a BGP message.
    MessageType {
        /// Type 1.
        Open = "open",
        /// Type 2.
        Update = "update",
        /// Type 3.
        Notification = "notification",
        /// Type 4.
        Keepalive = "keepalive",
        /// Type 5 (RFC 2918).
        RouteRefresh = "route_refresh",
    }
}

impl From<MessageKind> for MessageType {
    fn from(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Open => Self::Open,
            MessageKind::Update => Self::Update,
            MessageKind::Notification => Self::Notification,
            MessageKind::Keepalive => Self::Keepalive,
            MessageKind::RouteRefresh => Self::RouteRefresh,
        }
    }
}

label_values! {
    /// The error code of a NOTIFICATION. A peer may send codes that no RFC knows: those are one value together.
    NotificationCode {
        /// Code 1.
        MessageHeader = "message_header_error",
        /// Code 2.
        Open = "open_message_error",
        /// Code 3.
        Update = "update_message_error",
        /// Code 4.
        HoldTimer = "hold_timer_expired",
        /// Code 5.
        StateMachine = "finite_state_machine_error",
        /// Code 6.
        Cease = "cease",
        /// Code 7 (RFC 7313).
        RouteRefresh = "route_refresh_message_error",
        /// Code 8 (RFC 9687).
        SendHoldTimer = "send_hold_timer_expired",
        /// Any other.
        Unknown = "unknown",
    }
}

impl From<ErrorCode> for NotificationCode {
    fn from(code: ErrorCode) -> Self {
        match code.0 {
            1 => Self::MessageHeader,
            2 => Self::Open,
            3 => Self::Update,
            4 => Self::HoldTimer,
            5 => Self::StateMachine,
            6 => Self::Cease,
            7 => Self::RouteRefresh,
            8 => Self::SendHoldTimer,
            _ => Self::Unknown,
        }
    }
}

/// What is done about UPDATEs with errors (RFC 7606 §2), with the label's values.
pub(super) const TREATMENTS: [(Treatment, &str); 3] = [
    (Treatment::AttributeDiscard, "attribute_discard"),
    (Treatment::TreatAsWithdraw, "treat_as_withdraw"),
    (Treatment::SessionReset, "session_reset"),
];

impl Index for Treatment {
    fn index(self) -> usize {
        match self {
            Self::Accept => 0,
            Self::AttributeDiscard => 1,
            Self::TreatAsWithdraw => 2,
            Self::SessionReset => 3,
        }
    }
}

label_values! {
    /// How a load of the RIB files ended.
    LoadResult {
        /// A new generation is in force, or the files say what the old one says.
        Ok = "ok",
        /// Refused; nothing changed.
        Failed = "failed",
    }
}

label_values! {
    /// Why a connection to a listener went to no session.
    TurnedAway {
        /// No session and no range has the peer's address.
        Stranger = "stranger",
        /// It came to another address than the session's own.
        WrongAddress = "wrong_address",
        /// It is not as the session's transport asks for, or could not be made so.
        Unfit = "unfit",
        /// Others of the peer, or of a range, are waiting.
        Crowded = "crowded",
        /// The range has as many sessions as it may.
        RangeFull = "range_full",
    }
}

label_values! {
    /// What became of a capture of the flight recorder.
    CaptureResult {
        /// Its files are on disk.
        Written = "written",
        /// The disk or the folder said no.
        Failed = "failed",
        /// Too many waited to be written.
        Dropped = "dropped",
    }
}

/// Counters or gauges, one for each value of a label.
#[derive(Debug)]
pub(super) struct Counts<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Counts<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl<const N: usize> Counts<N> {
    pub(super) fn add(&self, at: impl Index, n: u64) {
        if let Some(count) = self.0.get(at.index()) {
            count.fetch_add(n, Ordering::Relaxed);
        }
    }

    pub(super) fn set(&self, at: impl Index, n: u64) {
        if let Some(count) = self.0.get(at.index()) {
            count.store(n, Ordering::Relaxed);
        }
    }

    pub(super) fn get(&self, at: impl Index) -> u64 {
        self.0.get(at.index()).map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_value_has_its_own_counter() {
        let counts = Counts::<9>::default();
        for (n, code) in (1u64..).zip(NotificationCode::ALL) {
            counts.add(*code, n);
        }
        let seen: Vec<u64> = NotificationCode::ALL.iter().map(|c| counts.get(*c)).collect();
        assert_eq!(seen, (1..=9).collect::<Vec<_>>());
        assert_eq!(MessageType::ALL.len(), 5);
    }

    #[test]
    fn codes_that_no_rfc_knows_share_one_value() {
        for code in [0, 9, 99, 255] {
            assert_eq!(NotificationCode::from(ErrorCode(code, 1)), NotificationCode::Unknown);
        }
        assert_eq!(NotificationCode::from(ErrorCode::ADMIN_RESET).label(), "cease");
        assert_eq!(MessageKind::from_code(6).map(MessageType::from), None);
        assert_eq!(MessageKind::from_code(5).map(MessageType::from), Some(MessageType::RouteRefresh));
    }
}
