//! What a partner registers, and the rules of the resource model that need nothing but a value.

use std::sync::Arc;

use ipnet::IpNet;

use crate::wire::Asn;

/// A customer prefix that the partner registered under a peering.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegisteredPrefix {
    /// The resource's name, where it has one.
    pub name: Option<Arc<str>>,
    /// The prefix.
    pub prefix: IpNet,
}

/// A customer ASN that an exchange with route servers registered under a peering.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegisteredAsn {
    /// The resource's name, where it has one.
    pub name: Option<Arc<str>>,
    /// The ASN.
    pub asn: Asn,
}

/// A prefix that a customer brought into its own Peering Service by a prefix key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeeringServicePrefix {
    /// The resource's name, where it has one.
    pub name: Option<Arc<str>>,
    /// The prefix.
    pub prefix: IpNet,
    /// The key that the partner gave the customer.
    pub key: Option<Arc<str>>,
    /// Azure's providerPrimaryPeeringLocation; none: that of the peering.
    pub primary_location: Option<Arc<str>>,
    /// Azure's providerBackupPeeringLocation; none: the Internet is the backup.
    pub backup_location: Option<Arc<str>>,
}

/// A direct connection's bandwidth comes in steps of this many Mbps.
pub const BANDWIDTH_STEP_MBPS: u64 = 10_000;

/// Whether a text can be a resource's name: 1 to 63 of `A-Z a-z 0-9 _ . -`.
#[must_use]
pub fn is_resource_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// Azure's words on a direct connection's bandwidth that it would refuse.
#[must_use]
pub fn bandwidth_refusal(mbps: u64) -> Option<String> {
    let whole = mbps > 0 && mbps.is_multiple_of(BANDWIDTH_STEP_MBPS);
    (!whole).then(|| format!("Bandwidth {mbps} must have a multiple of {BANDWIDTH_STEP_MBPS}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_names_keep_to_azures_characters() {
        for name in ["a", "contoso-ashburn_1.2", &"x".repeat(63)] {
            assert!(is_resource_name(name), "{name}");
        }
        for name in ["", "a b", "ä", "a/b", &"x".repeat(64)] {
            assert!(!is_resource_name(name), "{name}");
        }
    }

    #[test]
    fn bandwidth_comes_in_steps() {
        assert_eq!(bandwidth_refusal(100_000), None);
        for mbps in [0, 1, 15_000] {
            let expected = format!("Bandwidth {mbps} must have a multiple of 10000.");
            assert_eq!(bandwidth_refusal(mbps), Some(expected));
        }
    }
}
