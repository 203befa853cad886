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

/// What a resource is called, and whether that was given to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResourceName {
    /// Its own name, or one made of what it is.
    pub name: Arc<str>,
    /// Whether it is its own.
    pub is_given: bool,
}

impl ResourceName {
    fn new(given: Option<&Arc<str>>, made: impl FnOnce() -> String) -> Self {
        let name = given.cloned().unwrap_or_else(|| made().into());
        Self { name, is_given: given.is_some() }
    }

    /// That of a prefix: without a name of its own, one in the characters that Azure takes.
    #[must_use]
    pub fn of_prefix(given: Option<&Arc<str>>, prefix: IpNet) -> Self {
        Self::new(given, || prefix.to_string().replace('/', "_").replace(':', "-"))
    }
}

impl RegisteredPrefix {
    /// What it is called.
    #[must_use]
    pub fn resource_name(&self) -> ResourceName {
        ResourceName::of_prefix(self.name.as_ref(), self.prefix)
    }
}

impl RegisteredAsn {
    /// What it is called: without a name of its own, by its number.
    #[must_use]
    pub fn resource_name(&self) -> ResourceName {
        ResourceName::new(self.name.as_ref(), || self.asn.to_string())
    }
}

impl PeeringServicePrefix {
    /// What it is called.
    #[must_use]
    pub fn resource_name(&self) -> ResourceName {
        ResourceName::of_prefix(self.name.as_ref(), self.prefix)
    }
}

/// A direct connection's bandwidth comes in steps of this many Mbps.
pub const BANDWIDTH_STEP_MBPS: u64 = 10_000;

/// Whether a text can be a resource's name: 1 to 63 of `A-Z a-z 0-9 _ . -`.
#[must_use]
pub fn is_resource_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// Azure's words on a direct connection's bandwidth that it would refuse, where the bandwidth comes in multiples of `step`:
/// [`BANDWIDTH_STEP_MBPS`], or 100000 where the peering policy's 100 Gbps are asked for.
#[must_use]
pub fn bandwidth_refusal(mbps: u64, step: u64) -> Option<String> {
    let whole = mbps > 0 && mbps.is_multiple_of(step);
    (!whole).then(|| format!("Bandwidth {mbps} must have a multiple of {step}."))
}

/// Azure's words on a connection that is to have less bandwidth than before.
#[must_use]
pub fn downgrade_refusal(from: u64, to: u64) -> Option<String> {
    (to < from).then(|| format!("Downgrading bandwidth from {from} to {to} not supported."))
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
        assert_eq!(bandwidth_refusal(100_000, BANDWIDTH_STEP_MBPS), None);
        for (mbps, step) in [(0, 10_000), (1, 10_000), (15_000, 10_000), (10_000, 100_000)] {
            let expected = format!("Bandwidth {mbps} must have a multiple of {step}.");
            assert_eq!(bandwidth_refusal(mbps, step), Some(expected));
        }
        assert_eq!(downgrade_refusal(10_000, 20_000), None);
        let expected = "Downgrading bandwidth from 20000 to 10000 not supported.";
        assert_eq!(downgrade_refusal(20_000, 10_000).as_deref(), Some(expected));
    }
}
