//! What sessions see of registered prefixes, on its way to the registrar: the newest word on each counts, so that it holds
//! at most one for each session and registered prefix, however fast a peer changes its mind.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use tokio::sync::Notify;

use crate::peering::Sighting;

/// What came since it was last asked, by the peer's address, which is what makes a session the same from one plan to the
/// next.
pub(super) type News = HashMap<IpAddr, Word>;

/// What came of one session.
#[derive(PartialEq, Eq, Debug, Default)]
pub(super) struct Word {
    /// Nothing is known of it any more but what stands in `newest`.
    pub(super) has_gone: bool,
    /// The newest word on each registered prefix.
    pub(super) newest: HashMap<IpNet, Option<Sighting>>,
    /// The plan by which it has said all that there is to say.
    pub(super) answered: Option<u64>,
}

/// Where sessions leave what they see.
#[derive(Debug, Default)]
pub(in crate::speaker) struct Mailbox {
    desk: Mutex<Desk>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Desk {
    news: News,
    /// Which pen writes for a session.
    pens: HashMap<IpAddr, u64>,
    next: u64,
}

/// What the task of one session writes with. Of a task that another took the place of, nothing counts any more; when the
/// last one has dropped its pen, for whatever reason, the session has nothing.
#[derive(Debug)]
pub(in crate::speaker) struct Pen {
    mailbox: Arc<Mailbox>,
    peer: IpAddr,
    number: u64,
}

impl Mailbox {
    /// For a session that begins, and so has nothing.
    pub(in crate::speaker) fn pen(self: &Arc<Self>, peer: IpAddr) -> Pen {
        let mut desk = self.lock();
        let number = desk.next;
        desk.next = number.wrapping_add(1);
        desk.pens.insert(peer, number);
        desk.forget(peer);
        drop(desk);
        self.came.notify_one();
        Pen { mailbox: self.clone(), peer, number }
    }

    /// All that came since it was last asked, as soon as there is some.
    pub(super) async fn take(&self) -> News {
        loop {
            let news = std::mem::take(&mut self.lock().news);
            if !news.is_empty() {
                return news;
            }
            self.came.notified().await;
        }
    }

    /// No invariant spans two entries.
    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    fn forget(&mut self, peer: IpAddr) {
        self.news.insert(peer, Word { has_gone: true, ..Word::default() });
    }
}

impl Pen {
    /// What the session has now of registered prefixes; `None`: no longer, or not, there.
    pub(in crate::speaker) fn post(&self, seen: impl IntoIterator<Item = (IpNet, Option<Sighting>)>) {
        self.write(|word| word.newest.extend(seen));
    }

    /// It has said all that there is to say by a plan.
    pub(in crate::speaker) fn answered(&self, plan: u64) {
        self.write(|word| word.answered = Some(plan));
    }

    fn write(&self, write: impl FnOnce(&mut Word)) {
        let mut desk = self.mailbox.lock();
        if desk.pens.get(&self.peer) != Some(&self.number) {
            return;
        }
        write(desk.news.entry(self.peer).or_default());
        drop(desk);
        self.mailbox.came.notify_one();
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        let mut desk = self.mailbox.lock();
        if desk.pens.get(&self.peer) == Some(&self.number) {
            desk.pens.remove(&self.peer);
            desk.forget(self.peer);
            drop(desk);
            self.mailbox.came.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> IpAddr {
        "192.0.2.1".parse().unwrap()
    }

    fn word(has_gone: bool, seen: &[(IpNet, Option<Sighting>)], answered: Option<u64>) -> News {
        let newest = seen.iter().cloned().collect();
        HashMap::from([(peer(), Word { has_gone, newest, answered })])
    }

    #[tokio::test]
    async fn the_newest_word_counts() {
        let mailbox = Arc::<Mailbox>::default();
        let prefix: IpNet = "203.0.113.0/24".parse().unwrap();
        let seen = Sighting { origin: None, validity: Default::default(), received_at: 1, reasons: vec![] };
        let pen = mailbox.pen(peer());
        pen.post([(prefix, Some(seen.clone()))]);
        pen.post([(prefix, None)]);
        assert_eq!(mailbox.take().await, word(true, &[(prefix, None)], None));
        pen.post([(prefix, Some(seen.clone()))]);
        pen.answered(7);
        assert_eq!(mailbox.take().await, word(false, &[(prefix, Some(seen.clone()))], Some(7)));

        pen.post([(prefix, Some(seen.clone()))]);
        drop(pen);
        assert_eq!(mailbox.take().await, word(true, &[], None));
    }

    #[tokio::test]
    async fn a_task_that_another_took_the_place_of_says_nothing_any_more() {
        let mailbox = Arc::<Mailbox>::default();
        let prefix: IpNet = "203.0.113.0/24".parse().unwrap();
        let seen = Sighting { origin: None, validity: Default::default(), received_at: 1, reasons: vec![] };
        let old = mailbox.pen(peer());
        old.post([(prefix, Some(seen.clone()))]);
        let new = mailbox.pen(peer());
        new.post([(prefix, Some(seen.clone()))]);
        old.post([(prefix, None)]);
        old.answered(7);
        drop(old);
        assert_eq!(mailbox.take().await, word(true, &[(prefix, Some(seen))], None));
        drop(new);
        assert_eq!(mailbox.take().await, word(true, &[], None));
        assert!(mailbox.lock().pens.is_empty());
    }
}
