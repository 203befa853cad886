//! What is counted of registrations: how many prefixes of a peering are in which state.

use std::sync::Arc;

use super::labels::{Counts, Index};
use crate::peering::PrefixValidationState;

/// Every state, in the order of exposition.
const STATES: [PrefixValidationState; 7] = [
    PrefixValidationState::None,
    PrefixValidationState::Invalid,
    PrefixValidationState::Verified,
    PrefixValidationState::Failed,
    PrefixValidationState::Pending,
    PrefixValidationState::Warning,
    PrefixValidationState::Unknown,
];

impl Index for PrefixValidationState {
    fn index(self) -> usize {
        match self {
            Self::None => 0,
            Self::Invalid => 1,
            Self::Verified => 2,
            Self::Failed => 3,
            Self::Pending => 4,
            Self::Warning => 5,
            Self::Unknown => 6,
        }
    }
}

/// One peering's registrations, by state.
#[derive(Debug)]
pub struct RegistryFigures {
    peering: Arc<str>,
    registered: Counts<7>,
    service: Counts<7>,
}

impl RegistryFigures {
    /// Of a peering without any.
    #[must_use]
    pub fn of(peering: Arc<str>) -> Self {
        Self { peering, registered: Counts::default(), service: Counts::default() }
    }

    /// A registered prefix is in this state.
    pub fn count_registered(&self, state: PrefixValidationState) {
        self.registered.add(state, 1);
    }

    /// A Peering Service prefix is in this state.
    pub fn count_service(&self, state: PrefixValidationState) {
        self.service.add(state, 1);
    }

    /// The peering's name.
    #[must_use]
    pub fn peering(&self) -> &Arc<str> {
        &self.peering
    }

    /// Registered prefixes in each state.
    pub(super) fn registered(&self) -> impl Iterator<Item = (&'static str, u64)> {
        STATES.iter().map(|state| (state.config_name(), self.registered.get(*state)))
    }

    /// Peering Service prefixes in each state.
    pub(super) fn service(&self) -> impl Iterator<Item = (&'static str, u64)> {
        STATES.iter().map(|state| (state.config_name(), self.service.get(*state)))
    }
}
