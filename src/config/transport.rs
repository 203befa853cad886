//! What a session asks of its TCP connections: TCP-MD5 (RFC 2385), GTSM (RFC 5082), an interface.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnet::IpNet;

use super::faults::{At, Faults};
use super::secret::{self, Md5Key};
use super::section::Section;
use super::values;
use super::written::{BgpSession, Options};
use crate::wire::{Family, PerFamily};

/// What a session asks of its TCP connections, dialled or accepted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TransportPlan {
    /// The key of TCP-MD5 (RFC 2385), where there is one.
    pub md5_key: Option<Md5Key>,
    /// The file that the key was read from, as the config names it.
    pub md5_key_file: Option<Arc<Path>>,
    /// GTSM (RFC 5082): the most hops that the peer may be away, 1 to 254.
    pub ttl_security_hops: Option<u8>,
    /// No router stands between the two ends.
    pub is_on_link: bool,
    /// The interface that the session keeps to.
    pub interface: Option<Arc<str>>,
    /// The range that the peer's address was taken from; none where the config names the peer.
    pub range: Option<IpNet>,
    /// The prefix of the link, or of the exchange's network, where it was given.
    pub session_prefix: Option<IpNet>,
}

impl TransportPlan {
    /// The TTL, or hop limit, of what is sent; none: the system's own.
    #[must_use]
    pub fn ttl(&self) -> Option<u8> {
        match (self.ttl_security_hops, self.is_on_link) {
            (Some(_), _) => Some(u8::MAX),
            (None, true) => Some(1),
            (None, false) => None,
        }
    }

    /// The least TTL, or hop limit, of what is taken (RFC 5082 §3); none: any.
    #[must_use]
    pub fn least_ttl(&self) -> Option<u8> {
        self.ttl_security_hops.map(|hops| u8::MAX.saturating_sub(hops).saturating_add(1))
    }

    /// Whether connections made by this are of no use to the other. One key for another is no reason: connections take
    /// the new one while they are up, and live on where the peer does so within the hold time. Nor is another TTL of what
    /// is sent, which the next connection has.
    #[must_use]
    pub fn needs_reset(&self, new: &Self) -> bool {
        let Self {
            md5_key,
            md5_key_file: _,
            ttl_security_hops,
            is_on_link: _,
            interface,
            range: _,
            session_prefix: _,
        } = self;
        md5_key.is_some() != new.md5_key.is_some()
            || *ttl_security_hops != new.ttl_security_hops
            || *interface != new.interface
    }
}

/// The keys as written, in `bgp_session` or below its `v4` or `v6`.
#[derive(Clone, Debug)]
pub(super) struct TransportKeys {
    pub(super) md5_key_file: Option<At<PathBuf>>,
    pub(super) ttl_security_hops: Option<At<u8>>,
    pub(super) interface: Option<At<String>>,
}

impl TransportKeys {
    pub(super) fn read(section: &Section<'_>, faults: &mut Faults) -> Self {
        Self {
            md5_key_file: section.read("md5_authentication_key_file", faults, values::path),
            ttl_security_hops: section.read("ttl_security_hops", faults, values::number(1..=254)),
            interface: section.read("interface", faults, values::interface),
        }
    }
}

/// What the whole config says of MD5.
#[derive(Debug)]
pub(super) struct Md5Policy {
    pub(super) is_allowed: bool,
    /// What paths are relative to.
    pub(super) folder: PathBuf,
}

/// The MD5 key of each transport: its own, or that of both.
pub(super) fn md5_keys(
    written: &BgpSession,
    policy: &Md5Policy,
    faults: &mut Faults,
) -> PerFamily<Option<Md5Key>> {
    let mut read = |options: &Options| {
        let at = options.transport.md5_key_file.as_ref()?;
        md5_key(at, policy, faults)
    };
    let common = read(&written.common);
    let own = PerFamily::from_fn(|family: Family| written.own.get(family).as_ref().and_then(&mut read));
    PerFamily::from_fn(|family| own.get(family).clone().or_else(|| common.clone()))
}

fn md5_key(at: &At<PathBuf>, policy: &Md5Policy, faults: &mut Faults) -> Option<Md5Key> {
    if !policy.is_allowed {
        let what = "md5_authentication_key_file, but by Microsoft's policy these sessions have no MD5";
        let fix = "remove it, here and on the peer; policy: { allow_md5: true } allows it all the same";
        faults.error(at.mark, what, fix);
        return None;
    }
    match secret::read(&policy.folder.join(&at.value)) {
        Ok(key) => Some(key),
        Err(fault) => {
            faults.error(at.mark, format!("md5_authentication_key_file {}", fault.what), fault.fix);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ttls_follow_from_the_hops() {
        for (ttl_security_hops, is_on_link, expected) in [
            (None, false, (None, None)),
            (None, true, (Some(1), None)),
            (Some(1), true, (Some(255), Some(255))),
            (Some(2), false, (Some(255), Some(254))),
            (Some(254), false, (Some(255), Some(2))),
        ] {
            let plan = TransportPlan { ttl_security_hops, is_on_link, ..TransportPlan::default() };
            assert_eq!((plan.ttl(), plan.least_ttl()), expected);
        }
    }

    #[test]
    fn one_key_for_another_resets_nothing() {
        let key = |octets: &[u8]| TransportPlan { md5_key: Md5Key::new(octets), ..TransportPlan::default() };
        assert!(!key(b"a").needs_reset(&key(b"b")));
        assert!(key(b"a").needs_reset(&TransportPlan::default()));
        assert!(TransportPlan::default().needs_reset(&key(b"a")));
    }
}
