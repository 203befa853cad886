//! Keys that Azure's resources have and no client writes: named for what they are, in either spelling.

use super::section::Shape;

/// What the service itself sets, in Azure's spelling (api-version 2025-05-01).
const READ_ONLY: &[&str] = &[
    "sessionStateV4",
    "sessionStateV6",
    "provisionedBandwidthInMbps",
    "microsoftTrackingId",
    "errorMessage",
    "provisioningState",
    "prefixValidationState",
    "peeringServicePrefixKey",
    "prefixesToAccesslist",
    "validationState",
    "learnedType",
    "events",
    "originAsValidationState",
    "rpkiValidationState",
    "trustAnchor",
    "receivedTimestamp",
];
/// Keys that have another name here, in Azure's spelling.
const RENAMED: &[(&str, &str)] = &[
    ("useForPeeringService", "peering_service"),
    ("sku", "direct_peering_type and peering_service, which decide it"),
    ("properties", "its keys, one level up"),
    ("direct", "kind: direct, and its keys, one level up"),
    ("exchange", "kind: exchange, and its keys, one level up"),
];

/// What is said of a key that is read-only in a mapping of this shape; none where it is not, or where the config has it
/// for us to set.
pub(super) fn refusal(key: &str, shape: Shape) -> Option<(String, String)> {
    let is_read_only = READ_ONLY.iter().any(|name| is_called(key, name));
    let ours = snake_case(key);
    if !is_read_only || shape.all().any(|known| known == ours) {
        return None;
    }
    Some((format!("{key} is read-only"), "peeringd sets it; remove it".to_owned()))
}

/// What a key of Azure's is called here, where it has another name than in snake_case.
pub(super) fn other_name(key: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(name, _)| key == *name || key == snake_case(name)).map(|(_, ours)| *ours)
}

fn is_called(key: &str, name: &str) -> bool {
    key == name || key == snake_case(name)
}

/// Azure's camelCase as the config spells it: `peeringDBFacilityId` and `microsoftSessionIPv4Address` too.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 8);
    let name = name.replace("DB", "Db").replace("IPv", "Ipv");
    for (at, c) in name.char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azures_names_become_the_configs() {
        for (azure, ours) in [
            ("sessionStateV4", "session_state_v4"),
            ("peeringDBFacilityId", "peering_db_facility_id"),
            ("microsoftSessionIPv4Address", "microsoft_session_ipv4_address"),
            ("maxPrefixesAdvertisedV6", "max_prefixes_advertised_v6"),
            ("bandwidthInMbps", "bandwidth_in_mbps"),
            ("name", "name"),
        ] {
            assert_eq!(snake_case(azure), ours);
        }
    }
}
