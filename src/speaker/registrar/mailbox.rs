//! What sessions see of registered prefixes, on its way to the registrar: the newest word on each counts, so that it holds
//! at most one for each session and registered prefix, however fast a peer changes its mind.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use ipnet::IpNet;
use tokio::sync::Notify;

use crate::peering::Sighting;

/// Whose and which: the peer's address, which is what makes a session the same from one plan to the next, and the
/// registered prefix.
pub(in crate::speaker) type SeenBy = (IpAddr, IpNet);

/// Where sessions leave what they see.
#[derive(Debug, Default)]
pub(in crate::speaker) struct Mailbox {
    newest: Mutex<HashMap<SeenBy, Option<Sighting>>>,
    came: Notify,
}

impl Mailbox {
    /// What a session has now of registered prefixes; `None`: no longer, or not, there.
    pub(in crate::speaker) fn post(
        &self,
        peer: IpAddr,
        seen: impl IntoIterator<Item = (IpNet, Option<Sighting>)>,
    ) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.extend(seen.into_iter().map(|(prefix, sighting)| ((peer, prefix), sighting)));
        drop(newest);
        self.came.notify_one();
    }

    /// All that came since it was last asked, as soon as there is some.
    pub(in crate::speaker) async fn take(&self) -> HashMap<SeenBy, Option<Sighting>> {
        loop {
            let news = std::mem::take(&mut *self.newest.lock().unwrap_or_else(PoisonError::into_inner));
            if !news.is_empty() {
                return news;
            }
            self.came.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_word_counts() {
        let mailbox = Mailbox::default();
        let peer: IpAddr = "192.0.2.1".parse().unwrap();
        let prefix: IpNet = "203.0.113.0/24".parse().unwrap();
        let seen = Sighting { origin: None, validity: Default::default(), received_at: 1, reasons: vec![] };
        mailbox.post(peer, [(prefix, Some(seen))]);
        mailbox.post(peer, [(prefix, None)]);
        assert_eq!(mailbox.take().await, HashMap::from([((peer, prefix), None)]));
    }
}
