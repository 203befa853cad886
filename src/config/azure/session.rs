//! The BGP session of a connection → lines of config.

use std::net::Ipv4Addr;

use ipnet::IpNet;

use super::object::Object;
use super::output::{Output, key};
use super::resource::Resource;
use crate::config::document::{Node, Value};
use crate::config::faults::Faults;
use crate::peering::{ConnectionState, Kind, link_addresses};

const SESSION: &[&str] = &[
    "sessionPrefixV4",
    "sessionPrefixV6",
    "microsoftSessionIPv4Address",
    "microsoftSessionIPv6Address",
    "peerSessionIPv4Address",
    "peerSessionIPv6Address",
    "sessionStateV4",
    "sessionStateV6",
    "maxPrefixesAdvertisedV4",
    "maxPrefixesAdvertisedV6",
    "md5AuthenticationKey",
];

/// The addresses of one family.
struct Ends<'d> {
    version: &'static str,
    ip: &'static str,
    prefix: Option<&'d Node>,
    microsoft: Option<&'d Node>,
    peer: Option<&'d Node>,
}

impl<'d> Ends<'d> {
    fn of(session: &Object<'d>, version: &'static str, ip: &'static str) -> Self {
        Self {
            version,
            ip,
            prefix: session.get(&format!("sessionPrefix{version}")),
            microsoft: session.get(&format!("microsoftSession{ip}Address")),
            peer: session.get(&format!("peerSession{ip}Address")),
        }
    }

    fn is_absent(&self) -> bool {
        self.prefix.is_none() && self.microsoft.is_none() && self.peer.is_none()
    }

    /// Whether an end is not given yet, as at an exchange, where Microsoft's comes last. What is missing at a connection
    /// in use is an error of the config.
    fn is_early(&self, (kind, state): (Kind, ConnectionState)) -> bool {
        let is_whole = self.microsoft.is_some() && self.peer.is_some();
        let follows = kind == Kind::Direct && self.prefix.is_some();
        !is_whole && !follows && state != ConnectionState::Active
    }

    fn write(&self, resource: &Resource<'_>, faults: &mut Faults, output: &mut Output) {
        let (version, ip) = (self.version.to_lowercase(), self.ip.to_lowercase());
        for (ours, node) in [
            (format!("session_prefix_{version}"), self.prefix),
            (format!("microsoft_session_{ip}_address"), self.microsoft),
            (format!("peer_session_{ip}_address"), self.peer),
        ] {
            if let Some(node) = node {
                key(5, &ours, node, resource, faults, output);
            }
        }
    }
}

/// Writes the session; returns our IPv4 address, if it has one.
pub(super) fn session(
    session: &Object<'_>,
    at: (Kind, ConnectionState),
    resource: &Resource<'_>,
    faults: &mut Faults,
    output: &mut Output,
) -> Option<Ipv4Addr> {
    session.check("a BGP session", SESSION, faults);
    if let Some(node) = session.get("md5AuthenticationKey") {
        let fix = "remove it from the peer too; or put it into a file and see md5_authentication_key_file in \
                   configs/reference.yaml";
        faults.warning(
            node.mark,
            "md5AuthenticationKey is not taken over: Microsoft's policy is no MD5",
            fix,
        );
    }
    let [v4, v6] = [("V4", "IPv4"), ("V6", "IPv6")].map(|(version, ip)| Ends::of(session, version, ip));
    let (early, ready): (Vec<_>, Vec<_>) =
        [&v4, &v6].into_iter().filter(|ends| !ends.is_absent()).partition(|ends| ends.is_early(at));
    for ends in early {
        let what = format!("the {} session lacks an address yet and is left out", ends.ip);
        let given = ends.peer.or(ends.microsoft).or(ends.prefix);
        let mark = given.map_or(session.mark, |node| node.mark);
        faults.warning(mark, what, "add bgp_session to the config when both addresses are known");
        if let Some(node) = given {
            output.comment(
                4,
                &format!("No {} session yet: of its addresses {} is known.", ends.ip, node.shown()),
            );
        }
    }
    if ready.is_empty() {
        return None;
    }
    output.line(4, "bgp_session:", Some(session.mark.place(&resource.file.path)));
    for ends in ready {
        ends.write(resource, faults, output);
    }
    for (azure, ours) in [
        ("maxPrefixesAdvertisedV4", "max_prefixes_advertised_v4"),
        ("maxPrefixesAdvertisedV6", "max_prefixes_advertised_v6"),
    ] {
        // Null is a limit too: none of its own.
        if let Some(node) = session.raw(azure) {
            key(5, ours, node, resource, faults, output);
        }
    }
    ours(&v4, at.0)
}

/// Our IPv4 address, as it is given or as it follows from the prefix.
fn ours(v4: &Ends<'_>, kind: Kind) -> Option<Ipv4Addr> {
    let parsed = |node: Option<&Node>| match &node?.value {
        Value::Text(text) => Some(text.clone()),
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::List(_) | Value::Map(_) => None,
    };
    if let Some(address) = parsed(v4.microsoft) {
        return address.parse().ok();
    }
    let prefix: IpNet = parsed(v4.prefix)?.parse().ok()?;
    match link_addresses(prefix).ok()?.microsoft {
        std::net::IpAddr::V4(address) if kind == Kind::Direct => Some(address),
        std::net::IpAddr::V4(_) | std::net::IpAddr::V6(_) => None,
    }
}
