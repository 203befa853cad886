//! Which state of a connection may follow which: the walkthroughs of direct and exchange peering and of type conversion.
//!
//! Two steps are ours, since no document has them: validation comes after provisioning is completed, and a connection gets
//! into ExternalBlocker, and out of it, while it is being provisioned.

use thiserror::Error;

use super::{ConnectionState, Kind};

/// A connection does not go from one state to the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("no connection goes from {} to {}", from.name(), to.name())]
pub struct TransitionRefused {
    /// Where it is.
    pub from: ConnectionState,
    /// Where it was to go.
    pub to: ConnectionState,
    /// Where it can go.
    pub next: &'static [ConnectionState],
}

/// A connection cannot be deleted in the state that it is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a connection is not deleted in {}", .0.name())]
pub struct RemovalRefused(pub ConnectionState);

impl ConnectionState {
    /// The states that may follow, but for PendingRemove, which may follow wherever [`Self::removal`] is allowed.
    #[must_use]
    pub fn successors(self, kind: Kind) -> &'static [Self] {
        match (self, kind) {
            (Self::None, _) => &[Self::PendingApproval],
            (Self::PendingApproval, Kind::Direct) => &[Self::ProvisioningStarted],
            (Self::PendingApproval, Kind::Exchange) => &[Self::Approved],
            (Self::Approved | Self::ProvisioningFailed | Self::ExternalBlocker, _) => {
                &[Self::ProvisioningStarted]
            }
            (Self::ProvisioningStarted, _) => {
                &[Self::ProvisioningCompleted, Self::ProvisioningFailed, Self::ExternalBlocker]
            }
            (Self::ProvisioningCompleted, _) => &[Self::Validating, Self::ProvisioningFailed],
            (Self::Validating, _) => &[Self::Active, Self::ProvisioningFailed],
            (Self::Active, Kind::Direct) => &[Self::TypeChangeRequested],
            (Self::TypeChangeRequested, Kind::Direct) => &[Self::TypeChangeInProgress],
            // The document on conversions names both as states that a conversion may be stuck in.
            (Self::TypeChangeInProgress, Kind::Direct) => &[Self::Active, Self::ProvisioningFailed],
            (Self::Active | Self::TypeChangeRequested | Self::TypeChangeInProgress, Kind::Exchange)
            | (Self::PendingRemove, _) => &[],
        }
    }

    /// Whether a connection of this kind may go from this state to that; staying is no transition.
    ///
    /// # Errors
    /// Where no document has it.
    pub fn transition(self, to: Self, kind: Kind) -> Result<(), TransitionRefused> {
        let next = self.successors(kind);
        let leaves = to == Self::PendingRemove && self.removal().is_ok();
        if self == to || leaves || next.contains(&to) {
            return Ok(());
        }
        Err(TransitionRefused { from: self, to, next })
    }

    /// Whether a connection may be deleted in this state.
    ///
    /// # Errors
    /// While it is being provisioned, and while its type changes, which allows no other change.
    pub fn removal(self) -> Result<(), RemovalRefused> {
        match self {
            Self::ProvisioningStarted | Self::ProvisioningCompleted | Self::TypeChangeInProgress => {
                Err(RemovalRefused(self))
            }
            Self::None
            | Self::PendingApproval
            | Self::Approved
            | Self::ProvisioningFailed
            | Self::Validating
            | Self::Active
            | Self::TypeChangeRequested
            | Self::ExternalBlocker
            | Self::PendingRemove => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use ConnectionState::*;

    fn all() -> impl Iterator<Item = ConnectionState> + Clone {
        ConnectionState::CONFIG_NAMES.iter().filter_map(|name| ConnectionState::from_config(name))
    }

    /// Every transition there is, said once more in the words of the documents, and no other.
    #[test]
    fn f26_only_the_documented_transitions_happen() {
        let direct = [
            // Provisioning: the walkthrough of direct peering.
            (None, PendingApproval),
            (PendingApproval, ProvisioningStarted),
            (Approved, ProvisioningStarted),
            (ProvisioningStarted, ProvisioningCompleted),
            (ProvisioningCompleted, Validating),
            (Validating, Active),
            // It fails, and is tried again.
            (ProvisioningStarted, ProvisioningFailed),
            (ProvisioningCompleted, ProvisioningFailed),
            (Validating, ProvisioningFailed),
            (ProvisioningFailed, ProvisioningStarted),
            (ProvisioningStarted, ExternalBlocker),
            (ExternalBlocker, ProvisioningStarted),
            // Type conversion.
            (Active, TypeChangeRequested),
            (TypeChangeRequested, TypeChangeInProgress),
            (TypeChangeInProgress, Active),
            (TypeChangeInProgress, ProvisioningFailed),
        ];
        let is_conversion =
            |state: &ConnectionState| matches!(state, TypeChangeRequested | TypeChangeInProgress);
        let mut exchange: Vec<_> =
            direct.into_iter().filter(|(from, to)| !is_conversion(from) && !is_conversion(to)).collect();
        exchange.retain(|step| *step != (PendingApproval, ProvisioningStarted));
        exchange.push((PendingApproval, Approved));
        let name = |(from, to): (ConnectionState, ConnectionState)| format!("{} {}", from.name(), to.name());
        for (kind, expected) in [(Kind::Direct, direct.to_vec()), (Kind::Exchange, exchange)] {
            let expected: BTreeSet<String> = expected.into_iter().map(name).collect();
            let steps = all().flat_map(|from| all().map(move |to| (from, to)));
            let allowed = steps.filter(|(from, to)| {
                from != to && *to != PendingRemove && from.transition(*to, kind).is_ok()
            });
            assert_eq!(allowed.map(name).collect::<BTreeSet<_>>(), expected, "{kind:?}");
        }
        for state in all() {
            assert_eq!(state.transition(state, Kind::Direct), Ok(()), "staying is no transition");
            let leaves = state.transition(PendingRemove, Kind::Direct).is_ok();
            assert_eq!(leaves, state.removal().is_ok(), "{}", state.name());
        }
        let refused: Vec<_> = all().filter(|state| state.removal().is_err()).collect();
        assert_eq!(refused, [ProvisioningStarted, ProvisioningCompleted, TypeChangeInProgress]);
    }

    #[test]
    fn a_refusal_says_where_it_could_go() {
        let refused = Active.transition(Validating, Kind::Direct).unwrap_err();
        assert_eq!(refused.to_string(), "no connection goes from Active to Validating");
        assert_eq!(refused.next, [TypeChangeRequested]);
    }
}
