//! Microsoft's policy group: what decides how the sessions of a connection are treated. It changes only with a hard restart
//! of the session (internet-peering FAQ).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{DirectPeeringType, SessionAddressProvider};

/// The policy group of a connection. Exchange peerings have the one of `Edge`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyGroup {
    /// The type of the peering.
    pub direct_peering_type: DirectPeeringType,
    /// Azure's useForPeeringService.
    pub use_for_peering_service: bool,
}

impl Default for PolicyGroup {
    fn default() -> Self {
        Self { direct_peering_type: DirectPeeringType::Edge, use_for_peering_service: false }
    }
}

impl PolicyGroup {
    /// What `peeringd type-change` calls the use for Peering Service, beside the types.
    pub const PEERING_SERVICE: &'static str = "peering_service";

    /// The group that a word of `peeringd type-change` asks for: a type in the config's spelling or in Azure's, or
    /// [`Self::PEERING_SERVICE`].
    #[must_use]
    pub fn changed_to(self, word: &str) -> Option<Self> {
        if word == Self::PEERING_SERVICE {
            return Some(Self { use_for_peering_service: true, ..self });
        }
        let azure = |name: &&str| DirectPeeringType::from_config(name).is_some_and(|t| t.name() == word);
        let config = DirectPeeringType::CONFIG_NAMES.iter().find(|name| azure(name)).copied().unwrap_or(word);
        let direct_peering_type = DirectPeeringType::from_config(config)?;
        Some(Self { direct_peering_type, ..self })
    }

    /// The peers are route servers, whose paths begin with their clients' ASNs.
    #[must_use]
    pub fn has_route_servers(self) -> bool {
        self.direct_peering_type == DirectPeeringType::IxRs
    }

    /// Routes need BFD first, which is not supported: a voice connection stays without routes.
    #[must_use]
    pub fn needs_bfd(self) -> bool {
        self.direct_peering_type == DirectPeeringType::Voice
    }
}

impl fmt::Display for PolicyGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.direct_peering_type.name())?;
        if self.use_for_peering_service { f.write_str(" with Peering Service") } else { Ok(()) }
    }
}

impl DirectPeeringType {
    /// Who must give the session addresses, where the type leaves no choice.
    #[must_use]
    pub fn session_address_provider(self) -> Option<SessionAddressProvider> {
        match self {
            Self::Voice => Some(SessionAddressProvider::Microsoft),
            Self::IxRs => Some(SessionAddressProvider::Peer),
            Self::Edge
            | Self::Transit
            | Self::Cdn
            | Self::Internal
            | Self::Ix
            | Self::EdgeZoneForOperators
            | Self::PeerProp => None,
        }
    }

    /// What of the type is not supported yet, if anything is.
    #[must_use]
    pub fn unsupported(self) -> Option<&'static str> {
        match self {
            Self::Edge | Self::Transit | Self::Ix | Self::IxRs => None,
            Self::Voice => {
                Some("BFD, which voice requires, is not supported yet: its sessions stay without routes")
            }
            Self::Cdn => Some(
                "the prefixes of a CDN peering and its unbilled ones are not supported: it is treated as an edge peering",
            ),
            Self::Internal | Self::EdgeZoneForOperators | Self::PeerProp => {
                Some("nothing public says what is particular to it: it is treated as an edge peering")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_change_is_named_as_in_the_config_or_as_in_azure() {
        let edge = PolicyGroup::default();
        let voice = PolicyGroup { direct_peering_type: DirectPeeringType::Voice, ..edge };
        assert_eq!((edge.changed_to("voice"), edge.changed_to("Voice")), (Some(voice), Some(voice)));
        let route_servers = PolicyGroup { direct_peering_type: DirectPeeringType::IxRs, ..edge };
        assert_eq!(edge.changed_to("IxRs"), Some(route_servers));
        let service = voice.changed_to("peering_service").unwrap();
        assert_eq!(service.to_string(), "Voice with Peering Service");
        assert!(service.needs_bfd() && !edge.needs_bfd());
        assert_eq!((edge.changed_to("VOICE"), edge.changed_to("")), (None, None));
    }
}
