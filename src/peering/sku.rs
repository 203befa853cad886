//! The SKU of a peering: its name, and what that says.

use serde::Serialize;

use super::{DirectPeeringType, Kind, PolicyGroup, Size, Tier};

/// A SKU, with the fields of Azure's `PeeringSku`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Sku {
    /// Like `Premium_Direct_Free`.
    pub name: &'static str,
    /// The first part.
    pub tier: Tier,
    /// The second.
    pub family: Kind,
    /// The third.
    pub size: Size,
}

impl Sku {
    /// Of an ordinary direct peering.
    pub const BASIC_DIRECT_FREE: Self =
        Self { name: "Basic_Direct_Free", tier: Tier::Basic, family: Kind::Direct, size: Size::Free };
    /// Of a direct peering that is used for Peering Service.
    pub const PREMIUM_DIRECT_FREE: Self =
        Self { name: "Premium_Direct_Free", tier: Tier::Premium, family: Kind::Direct, size: Size::Free };
    /// Of an exchange peering.
    pub const BASIC_EXCHANGE_FREE: Self =
        Self { name: "Basic_Exchange_Free", tier: Tier::Basic, family: Kind::Exchange, size: Size::Free };
    /// Of an exchange peering that is used for Peering Service.
    pub const PREMIUM_EXCHANGE_FREE: Self =
        Self { name: "Premium_Exchange_Free", tier: Tier::Premium, family: Kind::Exchange, size: Size::Free };

    /// The SKU of a peering. Azure's documents name two for an exchange with route servers, so that one is an option.
    #[must_use]
    pub fn of(kind: Kind, group: PolicyGroup, ix_rs: Tier) -> Self {
        match (kind, group.direct_peering_type, group.use_for_peering_service) {
            (Kind::Direct, DirectPeeringType::IxRs, _) => match ix_rs {
                Tier::Premium => Self::PREMIUM_DIRECT_FREE,
                Tier::Basic => Self::BASIC_DIRECT_FREE,
            },
            (Kind::Direct, _, true) => Self::PREMIUM_DIRECT_FREE,
            (Kind::Direct, _, false) => Self::BASIC_DIRECT_FREE,
            (Kind::Exchange, _, true) => Self::PREMIUM_EXCHANGE_FREE,
            (Kind::Exchange, _, false) => Self::BASIC_EXCHANGE_FREE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_servers_are_premium_unless_the_older_document_counts() {
        let group = |direct_peering_type, use_for_peering_service| PolicyGroup {
            direct_peering_type,
            use_for_peering_service,
        };
        for (kind, group, ix_rs, name) in [
            (Kind::Direct, group(DirectPeeringType::Edge, false), Tier::Premium, "Basic_Direct_Free"),
            (Kind::Direct, group(DirectPeeringType::Edge, true), Tier::Basic, "Premium_Direct_Free"),
            (Kind::Direct, group(DirectPeeringType::IxRs, true), Tier::Premium, "Premium_Direct_Free"),
            (Kind::Direct, group(DirectPeeringType::IxRs, true), Tier::Basic, "Basic_Direct_Free"),
            (Kind::Exchange, PolicyGroup::default(), Tier::Premium, "Basic_Exchange_Free"),
        ] {
            let sku = Sku::of(kind, group, ix_rs);
            assert_eq!(sku.name, name);
            let said = format!("{}_{}_{}", sku.tier.name(), sku.family.name(), sku.size.name());
            assert_eq!(sku.name, said);
        }
    }
}
