//! The rpki crate's RTR client, fitted to [`VrpChanges`].

use std::io;

use rpki::rtr::client::{PayloadError, PayloadTarget, PayloadUpdate};
use rpki::rtr::payload::RouteOrigin;
use rpki::rtr::{Action, Payload, Timing};

use crate::peering::origin::{ChangeError, MAX_VRPS, Vrp, VrpChanges};
use crate::wire::Asn;

/// What RFC 8210 says of version 2 is not out yet, and all that is wanted is in version 1; a cache may have only 0.
pub(super) const VERSION: u8 = 1;

/// Takes what the client reads, for whoever drives it.
#[derive(Debug, Default)]
pub(super) struct Intake {
    /// The last answer, whole.
    pub(super) answer: Option<(VrpChanges, Timing)>,
}

impl PayloadTarget for Intake {
    type Update = Answer;

    fn start(&mut self, reset: bool) -> Answer {
        Answer(VrpChanges::new(reset))
    }

    fn apply(&mut self, update: Answer, timing: Timing) -> Result<(), PayloadError> {
        self.answer = Some((update.0, timing));
        Ok(())
    }
}

/// An answer as it comes.
pub(super) struct Answer(VrpChanges);

impl PayloadUpdate for Answer {
    fn push_update(&mut self, action: Action, payload: Payload) -> Result<(), PayloadError> {
        match payload {
            Payload::Origin(origin) => self.0.push(vrp(origin)?, action.is_announce()).map_err(payload_error),
            // Keys of BGPsec and ASPA mean nothing here.
            Payload::RouterKey(_) | Payload::Aspa(_) => Ok(()),
        }
    }
}

fn vrp(origin: RouteOrigin) -> Result<Vrp, PayloadError> {
    let (address, len) = origin.prefix.prefix().addr_and_len();
    let prefix = ipnet::IpNet::new(address, len).map_err(|_| PayloadError::Corrupt)?;
    Ok(Vrp { prefix, max_len: origin.prefix.resolved_max_len(), asn: Asn(origin.asn.into_u32()) })
}

/// What the cache is told of an answer that is not taken.
pub(super) fn payload_error(error: ChangeError) -> PayloadError {
    match error {
        ChangeError::UnknownWithdrawal => PayloadError::UnknownWithdraw,
        ChangeError::DuplicateAnnouncement => PayloadError::DuplicateAnnounce,
        ChangeError::TooMany => PayloadError::Internal,
    }
}

/// Why the connection to a cache is over, or never came to be.
#[derive(Debug, thiserror::Error)]
pub(super) enum RtrError {
    #[error("connect: {0}")]
    Connect(io::Error),
    #[error("connect: no answer within {0} s")]
    NoConnection(u64),
    #[error("the cache closed the connection")]
    Closed,
    #[error("{0}")]
    Io(io::Error),
    #[error("the cache sent what RFC 8210 does not allow: {0}")]
    Protocol(String),
    #[error("the cache did not come to the end of its answer within {0} s")]
    Stalled(u64),
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error("taking the cache's answer died: {0}")]
    Died(tokio::task::JoinError),
    #[error("reading what the cache sent died: this is a bug")]
    Panicked,
}

impl RtrError {
    /// What the client says, which tells a connection that ended from a cache that is wrong by the kind alone.
    pub(super) fn of(error: io::Error) -> Self {
        use io::ErrorKind::{InvalidData, Other, QuotaExceeded, UnexpectedEof};
        let kind = error.kind();
        if kind == UnexpectedEof {
            Self::Closed
        } else if [InvalidData, QuotaExceeded, Other].contains(&kind) {
            let said = error.to_string();
            let unsaid = || format!("a VRP that is none, or more than {MAX_VRPS}");
            Self::Protocol(if said.is_empty() { unsaid() } else { said })
        } else {
            Self::Io(error)
        }
    }

    /// Whether the cache and we may differ on what it sent before, so that all of it is to be asked for anew.
    pub(super) fn is_out_of_step(&self) -> bool {
        match self {
            Self::Protocol(_) | Self::Change(_) | Self::Died(_) | Self::Panicked | Self::Stalled(_) => true,
            Self::Connect(_) | Self::NoConnection(_) | Self::Closed | Self::Io(_) => false,
        }
    }
}
