//! What a session asks of its TCP connections, as JSON. Of an MD5 key it says that there is one, and no more.

use ipnet::IpNet;
use serde::Serialize;

use crate::config::TransportPlan;

/// `transport` of a session: `md5`, `ttlSecurityHops` (RFC 5082), `ttl` of what is sent (null: the system's own),
/// `interface`, and `range` where the peer came out of one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransportJson<'a> {
    md5: bool,
    ttl_security_hops: Option<u8>,
    ttl: Option<u8>,
    interface: Option<&'a str>,
    range: Option<IpNet>,
}

impl<'a> TransportJson<'a> {
    pub(super) fn new(plan: &'a TransportPlan) -> Self {
        Self {
            md5: plan.md5_key.is_some(),
            ttl_security_hops: plan.ttl_security_hops,
            ttl: plan.ttl(),
            interface: plan.interface.as_deref(),
            range: plan.range,
        }
    }
}
