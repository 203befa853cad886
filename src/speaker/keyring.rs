//! The TCP-MD5 keys of listeners: whoever has one cannot connect without it, since the kernel drops what is not signed.

use std::collections::{HashMap, HashSet};
use std::os::fd::AsFd;
use std::sync::Arc;

use ipnet::IpNet;
use tokio::net::TcpListener;
use tracing::{error, warn};

use super::system;
use crate::config::{Md5Key, Plan};

/// The listeners, and the keys that are set on all of them.
#[derive(Debug)]
pub(super) struct Keyring {
    listeners: Vec<Arc<TcpListener>>,
    set: HashMap<IpNet, Md5Key>,
}

impl Keyring {
    /// Listeners without keys.
    pub(super) fn new(listeners: Vec<Arc<TcpListener>>) -> Self {
        Self { listeners, set: HashMap::new() }
    }

    /// Sets the keys of a plan, of its peers and of its ranges, and takes all others away. Returns those whose key could
    /// not be set, who must not be let in.
    #[must_use]
    pub(super) fn put(&mut self, plan: &Plan) -> HashSet<IpNet> {
        let wanted = keys(plan);
        for peers in self.set.keys().filter(|peers| !wanted.contains_key(peers)) {
            // Where this fails the peer is still refused without the key, which is the harmless way to be wrong.
            if let Err(error) = self.tell(*peers, None) {
                warn!(%peers, %error, "a listener's MD5 key could not be taken away");
            }
        }
        let mut refused = HashSet::new();
        let mut set = HashMap::with_capacity(wanted.len());
        for (peers, key) in wanted {
            let told = if self.set.get(&peers) == Some(&key) { Ok(()) } else { self.tell(peers, Some(&key)) };
            match told {
                Ok(()) => {
                    set.insert(peers, key);
                }
                Err(error) => {
                    error!(
                        %peers, %error,
                        "an MD5 key could not be set on the listeners, so connections from there are refused; \
                         net.core.optmem_max bounds how many keys there can be"
                    );
                    refused.insert(peers);
                }
            }
        }
        self.set = set;
        refused
    }

    fn tell(&self, peers: IpNet, key: Option<&Md5Key>) -> std::io::Result<()> {
        for listener in &self.listeners {
            if listener.local_addr()?.is_ipv4() == peers.addr().is_ipv4() {
                system::set_md5(listener.as_fd(), peers, key)?;
            }
        }
        Ok(())
    }
}

fn keys(plan: &Plan) -> HashMap<IpNet, Md5Key> {
    let peers = plan.sessions.iter().map(|session| (IpNet::from(session.peer_address), &session.transport));
    let ranges = plan.ranges.iter().map(|range| (range.range, &range.template.transport));
    let keyed =
        peers.chain(ranges).filter_map(|(peers, transport)| Some((peers, transport.md5_key.clone()?)));
    keyed.collect()
}
