//! What sessions see of registered prefixes, on its way to the registrar: the newest word on each counts, so that it holds
//! at most one for each session and registered prefix, however fast a peer changes its mind.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use tokio::sync::Notify;

use crate::peering::Sighting;

/// Whose and which: the peer's address, which is what makes a session the same from one plan to the next, and the
/// registered prefix.
pub(in crate::speaker) type SeenBy = (IpAddr, IpNet);

/// What came since it was last asked.
#[derive(PartialEq, Eq, Debug, Default)]
pub(in crate::speaker) struct News {
    /// Sessions of which nothing is known any more but what stands in `newest`.
    pub(in crate::speaker) gone: HashSet<IpAddr>,
    /// The newest word on each.
    pub(in crate::speaker) newest: HashMap<SeenBy, Option<Sighting>>,
}

/// Where sessions leave what they see.
#[derive(Debug, Default)]
pub(in crate::speaker) struct Mailbox {
    news: Mutex<News>,
    came: Notify,
}

impl Mailbox {
    /// What a session has now of registered prefixes; `None`: no longer, or not, there.
    pub(in crate::speaker) fn post(
        &self,
        peer: IpAddr,
        seen: impl IntoIterator<Item = (IpNet, Option<Sighting>)>,
    ) {
        let mut news = self.lock();
        news.newest.extend(seen.into_iter().map(|(prefix, sighting)| ((peer, prefix), sighting)));
        drop(news);
        self.came.notify_one();
    }

    /// A session has gone without a word: it has nothing. O(what waits).
    pub(in crate::speaker) fn forget(&self, peer: IpAddr) {
        let mut news = self.lock();
        news.newest.retain(|(of, _), _| *of != peer);
        news.gone.insert(peer);
        drop(news);
        self.came.notify_one();
    }

    /// All that came since it was last asked, as soon as there is some.
    pub(in crate::speaker) async fn take(&self) -> News {
        loop {
            let news = std::mem::take(&mut *self.lock());
            if !news.gone.is_empty() || !news.newest.is_empty() {
                return news;
            }
            self.came.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
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
        mailbox.post(peer, [(prefix, Some(seen.clone()))]);
        mailbox.post(peer, [(prefix, None)]);
        assert_eq!(mailbox.take().await.newest, HashMap::from([((peer, prefix), None)]));

        mailbox.post(peer, [(prefix, Some(seen.clone()))]);
        mailbox.forget(peer);
        let gone = News { gone: HashSet::from([peer]), newest: HashMap::new() };
        assert_eq!(mailbox.take().await, gone);
        mailbox.forget(peer);
        mailbox.post(peer, [(prefix, Some(seen.clone()))]);
        let newest = HashMap::from([((peer, prefix), Some(seen))]);
        assert_eq!(mailbox.take().await, News { newest, ..gone });
    }
}
