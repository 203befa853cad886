//! The registrar on its own, for benches.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use ipnet::IpNet;

use super::mailbox::Pen;
use super::{Events, KeptState, Registrar, Registry};
use crate::config::Plan;
use crate::metrics::Metrics;
use crate::peering::Sighting;
use crate::speaker::store::StateError;

/// A registrar without a speaker; whoever has it plays the sessions.
#[doc(hidden)]
#[derive(Debug)]
pub struct RegistrarApart(Registrar);

/// What a session that somebody plays writes with.
#[doc(hidden)]
#[derive(Debug)]
pub struct PenApart(Pen);

impl RegistrarApart {
    /// Starts it on the runtime that this is called in, with its state in a folder.
    ///
    /// # Errors
    /// Where what is there cannot be read.
    pub fn start(plan: Arc<Plan>, state_dir: &Path, metrics: Metrics) -> Result<Self, StateError> {
        Ok(Self(Registrar::start(plan, KeptState::read(state_dir)?, Events::default(), metrics)))
    }

    /// For a session that begins.
    #[must_use]
    pub fn pen(&self, peer: IpAddr) -> PenApart {
        PenApart(self.0.mailbox.pen(peer))
    }

    /// What readers see.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        self.0.desk.registry()
    }
}

impl PenApart {
    /// What the session has now of registered prefixes.
    pub fn post(&self, seen: Vec<(IpNet, Option<Sighting>)>) {
        self.0.post(seen);
    }
}
