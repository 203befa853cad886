//! The log of events: of each peering the newest, so that one partner's storm hides no other's past, nor that of one prefix
//! the others'.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use tokio::sync::Notify;

use crate::peering::Event;

/// How many events of a peering are kept.
const KEPT: usize = 1024;
/// How many of one prefix, or of connections, are kept of a peering where there are many more of others.
const SHARE: usize = KEPT / 4;

/// The log. Clones are the same log; nothing that has it waits for longer than it takes to put a line in.
#[derive(Clone, Debug, Default)]
pub struct Events(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    log: Mutex<Log>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Log {
    next: u64,
    by_peering: HashMap<Arc<str>, Ring>,
    is_saved: bool,
}

/// The newest events of one peering, with their numbers.
#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<(u64, Arc<Event>)>,
    /// How many there are of each prefix.
    counts: HashMap<Option<IpNet>, usize>,
}

impl Ring {
    /// O(1), or O(kept) where one prefix has more than its share.
    fn push(&mut self, number: u64, event: Event) {
        let of = event.prefix;
        if self.events.len() >= KEPT {
            let has_share = self.counts.get(&of).is_some_and(|count| *count >= SHARE);
            let own = || self.events.iter().position(|(_, event)| event.prefix == of);
            self.remove(if has_share { own().unwrap_or(0) } else { 0 });
        }
        *self.counts.entry(of).or_default() += 1;
        self.events.push_back((number, Arc::new(event)));
    }

    fn remove(&mut self, at: usize) {
        let Some((_, event)) = self.events.remove(at) else { return };
        let count = self.counts.entry(event.prefix).or_default();
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.counts.remove(&event.prefix);
        }
    }

    fn events(&self) -> impl Iterator<Item = &(u64, Arc<Event>)> {
        self.events.iter()
    }
}

impl Events {
    /// Notes an event; of its peering the oldest goes where there are too many.
    pub(crate) fn record(&self, event: Event) {
        self.lock().push(event);
        self.0.came.notify_one();
    }

    /// All that are kept, the oldest first. Whoever records one waits for a single peering's at most. O(n log n).
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Event>> {
        let peerings: Vec<Arc<str>> = self.lock().by_peering.keys().cloned().collect();
        let mut all = Vec::new();
        for peering in peerings {
            all.extend(self.lock().by_peering.get(&peering).into_iter().flat_map(Ring::events).cloned());
        }
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, event)| event).collect()
    }

    /// Those of one peering, the oldest first.
    #[must_use]
    pub fn of_peering(&self, peering: &str) -> Vec<Arc<Event>> {
        let log = self.lock();
        log.by_peering
            .get(peering)
            .into_iter()
            .flat_map(Ring::events)
            .map(|(_, event)| event.clone())
            .collect()
    }

    /// With what a life before recorded.
    pub(in crate::speaker) fn with(before: Vec<Event>) -> Self {
        let mut log = Log::default();
        before.into_iter().for_each(|event| log.push(event));
        log.is_saved = true;
        Self(Arc::new(Inner { log: Mutex::new(log), came: Notify::default() }))
    }

    /// Lets go of peerings that are no more.
    pub(super) fn keep_only(&self, is_known: impl Fn(&str) -> bool) {
        let mut log = self.lock();
        let before = log.by_peering.len();
        log.by_peering.retain(|peering, _| is_known(peering));
        log.is_saved &= log.by_peering.len() == before;
    }

    /// The log, to be written down where anything came since it was last asked.
    pub(super) fn unsaved(&self) -> Option<Self> {
        let is_saved = std::mem::replace(&mut self.lock().is_saved, true);
        (!is_saved).then(|| self.clone())
    }

    /// What was taken to be written down was not.
    pub(super) fn save_again(&self) {
        self.lock().is_saved = false;
    }

    /// Until something has come that nobody has been told of.
    pub(super) async fn came(&self) {
        self.0.came.notified().await;
    }

    /// No invariant spans two entries.
    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn push(&mut self, event: Event) {
        let number = self.next;
        self.next = number.wrapping_add(1);
        self.is_saved = false;
        self.by_peering.entry(event.peering.clone()).or_default().push(number, event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peering::{EventLevel, EventType};

    fn event(peering: &str, at: u64) -> Event {
        Event {
            event_timestamp: at,
            event_type: EventType::PrefixAnnouncementEvent,
            event_summary: String::new(),
            event_level: EventLevel::Information,
            event_description: String::new(),
            peering: peering.into(),
            connection: None,
            prefix: None,
        }
    }

    fn times(events: &[Arc<Event>]) -> Vec<u64> {
        events.iter().map(|e| e.event_timestamp).collect()
    }

    #[test]
    fn a_storm_at_one_peering_leaves_the_others_past_alone() {
        let events = Events::default();
        events.record(event("a", 1));
        (0..3000).for_each(|n| events.record(event("b", 10 + n)));
        events.record(event("a", 2));
        assert_eq!(times(&events.of_peering("a")), [1, 2]);
        let list = times(&events.list());
        assert_eq!((list.len(), list[0], list[1], list[KEPT], list[KEPT + 1]), (KEPT + 2, 1, 1986, 3009, 2));
        events.keep_only(|peering| peering == "a");
        assert_eq!(times(&events.list()), [1, 2]);
        assert_eq!(events.unsaved().map(|log| log.list().len()), Some(2));
        assert!(events.unsaved().is_none());
        events.save_again();
        assert!(events.unsaved().is_some());
    }

    #[test]
    fn a_storm_of_one_prefix_leaves_the_past_of_the_others_of_its_peering() {
        let of = |prefix: &str, at| Event { prefix: Some(prefix.parse().unwrap()), ..event("a", at) };
        let events = Events::default();
        (0..700).for_each(|n| events.record(of("8.1.0.0/24", n)));
        events.record(of("8.2.0.0/24", 700));
        (1000..9000).for_each(|n| events.record(of("8.3.0.0/24", n)));
        let list = events.list();
        let count = |prefix: &str| list.iter().filter(|e| e.prefix == Some(prefix.parse().unwrap())).count();
        assert_eq!((list.len(), count("8.1.0.0/24"), count("8.2.0.0/24")), (KEPT, 700, 1));
        let newest: Vec<u64> = (9000 - 323..9000).collect();
        assert_eq!(times(&list[701..]), newest, "the newest of the storm, in order");
        // Of many prefixes with few each, the oldest goes.
        (0..2000_u32).for_each(|n| events.record(of(&format!("9.{}.{}.0/24", n >> 8, n & 255), 9000)));
        assert_eq!(events.list().first().map(|e| e.event_timestamp), Some(9000));
    }
}
