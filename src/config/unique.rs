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
}

impl Unique {
    /// A session's addresses.
    pub(super) fn session(&mut self, transport: Family, peer: At<IpAddr>, local: IpAddr, peer_asn: Asn) {
        self.peers.push(Peer { transport, address: peer, asn: peer_asn, is_local: peer.value == local });
        *self.locals.entry(local).or_default() += 1;
    }

    /// A range of peers, and our end of their sessions.
    pub(super) fn range(&mut self, range: At<IpNet>, local: IpAddr) {
        self.ranges.push(range);
        *self.locals.entry(local).or_default() += 1;
    }

    /// A connection and its sessions.
    pub(super) fn connection(&mut self, name: Option<&At<String>>, sessions: &[SessionPlan]) {
        self.connections.extend(name.cloned());
        self.sessions.extend(sessions.iter().map(|s| (Arc::clone(&s.name), Arc::clone(&s.connection))));
    }

    /// Says what stands twice, once the whole config has been seen.
    pub(super) fn check(&self, faults: &mut Faults) {
        let mut first: HashMap<IpAddr, (Mark, Asn)> = HashMap::with_capacity(self.peers.len());
        for Peer { transport, address: At { value: address, mark }, asn, is_local } in &self.peers {
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
        range::overlaps(&self.ranges, faults);
        for name in &self.connections {
            if let Some(other) = self.sessions.get(name.value.as_str()) {
                let what =
                    format!("the connection name {} is also the name of a session of {other}", name.value);
                faults.error(name.mark, what, "name it otherwise: it could not be told which is meant");
            }
        }
    }
}
