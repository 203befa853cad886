//! What may stand only once in the whole config: peers' addresses, and names that could mean two sessions.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::faults::{At, Faults};
use super::{SessionPlan, range};
use crate::rib::load::events::Mark;
use crate::wire::{Asn, Family};

/// What was seen.
#[derive(Default)]
pub(super) struct Unique {
    peers: Vec<Peer>,
    ranges: Vec<At<IpNet>>,
    /// Those of them whose peers have a TCP-MD5 key.
    keyed: Vec<IpNet>,
    /// How many sessions have an address as ours.
    locals: HashMap<IpAddr, usize>,
    connections: Vec<At<String>>,
    sessions: HashMap<Arc<str>, Arc<str>>,
}

struct Peer {
    transport: Family,
    address: At<IpAddr>,
    asn: Asn,
    /// It is also our address in the same session.
    is_local: bool,
    /// It has a TCP-MD5 key.
    is_keyed: bool,
}

impl Unique {
    /// A session's addresses.
    pub(super) fn session(&mut self, mark: Mark, plan: &SessionPlan) {
        let SessionPlan { peer_address, local_address, peer_asn, .. } = *plan;
        self.peers.push(Peer {
            transport: if peer_address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 },
            address: At { value: peer_address, mark },
            asn: peer_asn,
            is_local: peer_address == local_address,
            is_keyed: plan.transport.md5_key.is_some(),
        });
        *self.locals.entry(local_address).or_default() += 1;
    }

    /// A range of peers, and our end of their sessions.
    pub(super) fn range(&mut self, range: At<IpNet>, template: &SessionPlan) {
        self.keyed.extend(template.transport.md5_key.as_ref().map(|_| range.value));
        self.ranges.push(range);
        *self.locals.entry(template.local_address).or_default() += 1;
    }

    /// A connection and its sessions.
    pub(super) fn connection(&mut self, name: Option<&At<String>>, sessions: &[SessionPlan]) {
        self.connections.extend(name.cloned());
        self.sessions.extend(sessions.iter().map(|s| (Arc::clone(&s.name), Arc::clone(&s.connection))));
    }

    /// Says what stands twice, once the whole config has been seen.
    pub(super) fn check(&self, faults: &mut Faults) {
        let mut first: HashMap<IpAddr, (Mark, Asn)> = HashMap::with_capacity(self.peers.len());
        for Peer { transport, address: At { value: address, mark }, asn, is_local, .. } in &self.peers {
            match first.get(address) {
                Some((other, other_asn)) => {
                    let at = faults.at(*other);
                    if asn == other_asn {
                        let what = format!("the peer address {address} is already used at {at}");
                        faults.error(*mark, what, "give each session a peer address of its own");
                    } else {
                        let ip = if *transport == Family::Ipv4 { "IPv4" } else { "IPv6" };
                        let what =
                            format!("{ip} address is already configured with a different ASN ({address})");
                        faults.error(
                            *mark,
                            what,
                            format!("keep one of the two: AS{other_asn} has it at {at}"),
                        );
                    }
                }
                None => {
                    first.insert(*address, (*mark, *asn));
                }
            }
            // Of its own session this has been said already.
            if self.locals.get(address).is_some_and(|count| *count > usize::from(*is_local)) {
                let what = format!("the peer address {address} is one of our own in another session");
                faults.error(*mark, what, "mend one of the two");
            }
        }
        self.keys(faults);
        range::overlaps(&self.ranges, faults);
        for name in &self.connections {
            if let Some(other) = self.sessions.get(name.value.as_str()) {
                let what =
                    format!("the connection name {} is also the name of a session of {other}", name.value);
                faults.error(name.mark, what, "name it otherwise: it could not be told which is meant");
            }
        }
    }

    /// The system holds everybody within a range to the range's key.
    fn keys(&self, faults: &mut Faults) {
        for Peer { address: At { value: address, mark }, .. } in self.peers.iter().filter(|p| !p.is_keyed) {
            if let Some(range) = self.keyed.iter().find(|range| range.contains(address)) {
                let what = format!(
                    "the peer {address} has no TCP-MD5 key, and is within {range}, whose peers have one"
                );
                faults.error(*mark, what, "give its session a key too, or take it out of the range");
            }
        }
    }
}
