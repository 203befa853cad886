//! Prefix keys: whose each is, and which of them wait for the disk.
//!
//! A key that somebody has seen has to be there after whatever comes. So it is made, written down, and only then shown. One
//! whose owner is taken out of the config is kept, out of use, for the case that this was a mistake.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::peering::KeyHolder;
use crate::wire::Asn;

/// How many keys are kept of owners that are gone; of more, those that went first are forgotten.
const MOST_REMOVED: usize = 10_000;
/// Lines in the log on keys that go with one change of the config; the rest is counted.
const MOST_SAID: usize = 20;

/// What is said of a key that goes.
const GOES: &str = "its key is out of use, and its own again if it is listed again";

/// What has a key.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Owner {
    /// A prefix that a partner registered under a peering.
    Prefix { peering: Arc<str>, partner: Asn, prefix: IpNet },
    /// An ASN that a partner registered, under however many peerings.
    Asn { partner: Asn, asn: Asn },
}

/// The key of an owner that is gone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct RemovedKey {
    #[serde(flatten)]
    pub(super) owner: Owner,
    pub(super) key: Arc<str>,
}

/// All keys that there are.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Of those that are shown: whose each is, and what it stands for.
    holders: HashMap<Arc<str>, (Asn, KeyHolder)>,
    /// Which Peering Service prefixes a key was brought with.
    brought: HashMap<Arc<str>, Vec<IpNet>>,
    /// Made, and not known to be on disk.
    waiting: HashMap<Owner, Arc<str>>,
    /// Those of them that are being written.
    writing: Vec<(Owner, Arc<str>)>,
    /// One was made since it was last asked.
    has_new: bool,
    removed: Removed,
}

/// Keys of owners that are gone, which are good for nothing until they are back.
#[derive(Debug, Default)]
struct Removed {
    /// By number, in the order in which they went.
    keys: BTreeMap<u64, RemovedKey>,
    numbers: HashMap<Owner, u64>,
    next: u64,
    /// From which number on nothing was said of them.
    unsaid: u64,
}

impl Removed {
    fn put(&mut self, owner: Owner, key: Arc<str>) {
        drop(self.take(&owner));
        self.numbers.insert(owner.clone(), self.next);
        self.keys.insert(self.next, RemovedKey { owner, key });
        self.next = self.next.wrapping_add(1);
        if self.keys.len() > MOST_REMOVED
            && let Some((_, first)) = self.keys.pop_first()
        {
            self.numbers.remove(&first.owner);
        }
    }

    fn take(&mut self, owner: &Owner) -> Option<Arc<str>> {
        let number = self.numbers.remove(owner)?;
        self.keys.remove(&number).map(|removed| removed.key)
    }
}

impl Keys {
    /// With what a life before kept of owners that were gone.
    pub(super) fn with(removed: Vec<RemovedKey>) -> Self {
        let mut keys = Self::default();
        removed.into_iter().for_each(|RemovedKey { owner, key }| keys.removed.put(owner, key));
        keys.removed.unsaid = keys.removed.next;
        keys
    }

    /// Has one made, unless there is one that waits; an owner that is back gets the one that it had. O(log removed).
    pub(super) fn issue(&mut self, owner: Owner) {
        if self.waiting.contains_key(&owner) {
            return;
        }
        let key = self.removed.take(&owner).unwrap_or_else(new_key);
        self.waiting.insert(owner, key);
        self.has_new = true;
    }

    /// An owner is gone, and with it what its key was good for.
    pub(super) fn retire(&mut self, owner: Owner, key: Arc<str>) {
        self.removed.put(owner, key);
    }

    /// Says which keys went since it was last asked to.
    pub(super) fn say_retired(&mut self) {
        let Removed { keys, next, unsaid, .. } = &mut self.removed;
        let mut gone = keys.range(std::mem::replace(unsaid, *next)..);
        for RemovedKey { owner, key } in gone.by_ref().take(MOST_SAID).map(|(_, removed)| removed) {
            match owner {
                Owner::Prefix { peering, prefix, .. } => {
                    warn!(%prefix, %peering, %key, "a prefix is registered no more: {GOES}");
                }
                Owner::Asn { partner, asn } => {
                    warn!(%asn, peer_asn = %partner, %key, "an ASN is registered no more: {GOES}");
                }
            }
        }
        let more = gone.count();
        if more > 0 {
            warn!(more, "more prefixes and ASNs are registered no more; their keys are kept too");
        }
    }

    /// Those of owners that are gone, in the order in which they went.
    pub(super) fn removed(&self) -> Vec<RemovedKey> {
        self.removed.keys.values().cloned().collect()
    }

    /// The one that waits for the disk, to be written.
    pub(super) fn waiting(&self, owner: &Owner) -> Option<&Arc<str>> {
        self.waiting.get(owner)
    }

    /// How many wait for the disk.
    pub(super) fn waiting_count(&self) -> usize {
        self.waiting.len()
    }

    /// All that wait, with whose they are.
    pub(super) fn all_waiting(&self) -> impl Iterator<Item = (&Owner, &Arc<str>)> {
        self.waiting.iter()
    }

    /// Whether one was made since it was last asked.
    pub(super) fn take_new(&mut self) -> bool {
        std::mem::take(&mut self.has_new)
    }

    /// All that wait are in what is about to be written.
    pub(super) fn write(&mut self) {
        self.writing = self.waiting.iter().map(|(owner, key)| (owner.clone(), key.clone())).collect();
    }

    /// It is written: those that may be shown now. One whose owner went meanwhile is none of them.
    pub(super) fn written(&mut self) -> Vec<(Owner, Arc<str>)> {
        let Self { waiting, writing, .. } = self;
        let is_current = |(owner, key): &(Owner, Arc<str>)| waiting.get(owner) == Some(key);
        let written: Vec<_> = std::mem::take(writing).into_iter().filter(is_current).collect();
        written.iter().for_each(|(owner, _)| drop(waiting.remove(owner)));
        written
    }

    /// Owners that are no more have none that wait; it may be one that they had before.
    pub(super) fn drop_waiting(&mut self, is_listed: impl Fn(&Owner) -> bool) {
        for (owner, key) in self.waiting.extract_if(|owner, _| !is_listed(owner)) {
            self.removed.put(owner, key);
        }
    }

    /// Begins anew with what is shown and brought.
    pub(super) fn clear_index(&mut self) {
        (self.holders, self.brought) = (HashMap::new(), HashMap::new());
    }

    /// A key is shown.
    pub(super) fn show(&mut self, owner: &Owner, key: Arc<str>) {
        let holder = match owner {
            Owner::Prefix { partner, prefix, .. } => (*partner, KeyHolder::Prefix(*prefix)),
            Owner::Asn { partner, asn } => (*partner, KeyHolder::Asn(*asn)),
        };
        self.holders.insert(key, holder);
    }

    /// A customer brought a key with a prefix.
    pub(super) fn bring(&mut self, key: Arc<str>, prefix: IpNet) {
        self.brought.entry(key).or_default().push(prefix);
    }

    /// What a key stands for that a customer of this partner brought.
    pub(super) fn holder(&self, key: Option<&Arc<str>>, partner: Asn) -> KeyHolder {
        let holder = key.and_then(|key| self.holders.get(key)).filter(|(of, _)| *of == partner);
        holder.map_or(KeyHolder::Nobody, |(_, holder)| *holder)
    }

    /// The Peering Service prefixes that a key was brought with.
    pub(super) fn brought_with(&self, key: &Arc<str>) -> &[IpNet] {
        self.brought.get(key).map_or(&[], Vec::as_slice)
    }
}

/// What nobody can guess.
fn new_key() -> Arc<str> {
    uuid::Uuid::new_v4().to_string().into()
}
