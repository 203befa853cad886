//! Adj-RIB-In (RFC 4271 §3.2): all that one peer announces and has not withdrawn, as it was announced.

mod refresh;
mod stale;
mod verdict;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Bound;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use thiserror::Error;

pub(super) use self::refresh::REFRESH_WITHIN;
use self::refresh::Rounds;
pub(super) use self::stale::Leftover;
use self::stale::Stale;
use self::verdict::Judge;
pub use self::verdict::{Explained, ExplainedPath};
use super::budget::{Account, Charge};
use super::marks::{Tally, Token};
use super::{Budget, OtcRule, PathKey, ReceivedAttrs, ReceivedRoute};
use crate::peering::{ImportPolicy, Judged};
use crate::wire::{
    Attributes, ErrorCode, Family, NextHop, Nlri, Notification, PathId, PerFamily, Reach, Treatment, Update,
};

/// What one UPDATE did to an Adj-RIB-In. With ADD-PATH, each path of a prefix counts as one prefix, here and wherever
/// prefixes are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applied {
    /// Prefixes it announced that are held now.
    pub announced: PerFamily<u32>,
    /// Prefixes it withdrew, held before or not: named as withdrawn, treated as such, or announced with our own AS in
    /// the path.
    pub withdrawn: PerFamily<u32>,
    /// Of those announced, how many are leaks by RFC 9234.
    pub leaks: u32,
    /// The family whose End-of-RIB it was.
    pub end_of_rib: Option<Family>,
    /// What RFC 7606 had done with it. With [`Treatment::SessionReset`], nothing was changed.
    pub treatment: Treatment,
}

/// The limit that an UPDATE passed. The session is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum LimitExceeded {
    /// The session's own, of one family.
    #[error("more than {limit} {family} prefixes")]
    Session {
        /// The family.
        family: Family,
        /// The most prefixes.
        limit: u64,
    },
    /// The session's own, by octets of attributes: 512 for each prefix of both families, and at least 1 MiB.
    #[error("more than {limit} octets of attributes")]
    SessionAttributes {
        /// The most octets.
        limit: u64,
    },
    /// That of all sessions together, by prefixes. One that holds much meets it before those that hold little.
    #[error("no room for more within the {limit} prefixes of all peers together")]
    Process {
        /// The most prefixes.
        limit: u64,
    },
    /// That of all sessions together, by octets of attributes. One that holds much meets it before those that hold
    /// little.
    #[error("no room for more attributes of all peers together")]
    ProcessAttributes,
}

impl LimitExceeded {
    /// What ends the session (RFC 4486 §4): Cease/1 with AFI, SAFI and the limit; where it is not one of a family's
    /// prefixes, Cease/8.
    #[must_use]
    pub fn notification(&self) -> Notification {
        match self {
            Self::Session { family, limit } => {
                let mut data = family.afi().to_be_bytes().to_vec();
                data.push(Family::SAFI_UNICAST);
                data.extend_from_slice(&u32::try_from(*limit).unwrap_or(u32::MAX).to_be_bytes());
                Notification::with_data(ErrorCode::MAX_PREFIXES, data)
            }
            Self::SessionAttributes { .. } | Self::Process { .. } | Self::ProcessAttributes => {
                Notification::new(ErrorCode::OUT_OF_RESOURCES)
            }
        }
    }
}

/// Attributes that the routes of one UPDATE share, with their place in the budget.
#[derive(Debug)]
struct Shared {
    attrs: Arc<ReceivedAttrs>,
    charge: Charge,
}

#[derive(Debug)]
struct Entry {
    next_hop: IpAddr,
    shared: Arc<Shared>,
    received_at: u64,
    /// It is of a session before.
    stale: Option<Stale>,
    /// In which round of its family's refreshes it was announced.
    round: u32,
    /// It is accepted, and counted as such.
    accepted: Option<Token>,
    _marks: Marks,
}

/// What the routes of one UPDATE have in common.
struct Common {
    shared: Arc<Shared>,
    judged: Judged,
    marks: Marks,
}

/// What a route is counted as beside all others.
#[derive(Clone, Debug, Default)]
struct Marks {
    _graceful_shutdown: Option<Token>,
    _leak: Option<Token>,
}

/// By prefix, then by path; without ADD-PATH there is one, 0.
type Table<N> = BTreeMap<(N, PathId), Entry>;

/// All that one session's peer announces and has not withdrawn. It is judged, looked at and counted, and goes nowhere else.
#[derive(Debug)]
pub struct AdjRibIn {
    v4: Table<Ipv4Net>,
    v6: Table<Ipv6Net>,
    limits: PerFamily<u64>,
    account: Arc<Account>,
    stale: PerFamily<Tally>,
    otc: Option<OtcRule>,
    rounds: PerFamily<Rounds>,
    graceful_shutdown: Tally,
    leaks: Tally,
    judge: Judge,
}

impl AdjRibIn {
    /// An empty one, for at most `limits` prefixes, within the budget of all sessions. It accepts nothing until
    /// [`Self::set_policy`].
    #[must_use]
    pub fn new(limits: PerFamily<u64>, budget: Arc<Budget>) -> Self {
        Self {
            v4: Table::new(),
            v6: Table::new(),
            limits,
            account: Account::new(limits, budget),
            stale: PerFamily::default(),
            otc: None,
            rounds: PerFamily::default(),
            graceful_shutdown: Tally::default(),
            leaks: Tally::default(),
            judge: Judge::default(),
        }
    }

    /// How ONLY_TO_CUSTOMER is judged from now on; without a rule it is only kept.
    pub fn set_otc_rule(&mut self, rule: Option<OtcRule>) {
        self.otc = rule;
    }

    /// Sets the most prefixes, and by them the most octets of attributes. Of what is held beyond them, stale routes go;
    /// others stay, and [`Self::exceeded`] says so.
    pub fn set_limits(&mut self, limits: PerFamily<u64>) {
        self.limits = limits;
        self.account.set_limits(limits);
        if self.exceeded().is_some() {
            self.sweep_all();
        }
    }

    /// The session's own limit that what is held is above, as after [`Self::set_limits`]. The session is to end.
    #[must_use]
    pub fn exceeded(&self) -> Option<LimitExceeded> {
        let (count, limits) = (self.count(), self.limits);
        let over = |family: &Family| count.get(*family) > limits.get(*family);
        let family = Family::ALL.into_iter().find(over);
        family
            .map(|family| LimitExceeded::Session { family, limit: *limits.get(family) })
            .or_else(|| self.account.exceeded())
    }

    /// The limit of all sessions together that was lowered below what they hold, where this one holds the most of it. The
    /// session is to end.
    #[must_use]
    pub fn must_give_way(&self) -> Option<LimitExceeded> {
        self.account.must_give_way()
    }

    /// Takes in an UPDATE that came at `now`, seconds since the epoch. O(k log n) for its k prefixes. Stale routes never
    /// keep others out: where a limit is met, they go. Those of other sessions are for their owners to let go of, as long
    /// as [`Budget::is_overdrawn`] says so.
    ///
    /// # Errors
    /// The limit that one prefix more would pass; that prefix is not held, those before it are.
    pub fn apply(&mut self, update: &Update<'_>, now: u64) -> Result<Applied, LimitExceeded> {
        match self.take_in(update, now) {
            Err(_) if self.sweep_all() > 0 => self.take_in(update, now),
            taken => {
                if self.account.is_overdrawn() {
                    self.sweep_all();
                }
                taken
            }
        }
    }

    fn take_in(&mut self, update: &Update<'_>, now: u64) -> Result<Applied, LimitExceeded> {
        let mut applied = Applied {
            announced: PerFamily::default(),
            withdrawn: PerFamily::default(),
            leaks: 0,
            end_of_rib: update.end_of_rib(),
            treatment: update.treatment(),
        };
        for nlri in update.withdrawn() {
            add(&mut applied.withdrawn, nlri.family(), self.withdraw(nlri));
        }
        let mut common = None;
        for Reach { next_hop, nlri } in update.announced() {
            if update.has_loop() {
                add(&mut applied.withdrawn, nlri.family(), self.withdraw(nlri));
                continue;
            }
            if nlri.is_empty() {
                continue;
            }
            let common = match &common {
                Some(common) => common,
                None => common.insert(self.common(update.attributes())?),
            };
            let count = self.announce(nlri, next_hop, common, now)?;
            if common.shared.attrs.is_leak {
                applied.leaks = applied.leaks.saturating_add(count);
            }
            add(&mut applied.announced, nlri.family(), count);
        }
        Ok(applied)
    }

    fn common(&self, attributes: &Attributes<'_>) -> Result<Common, LimitExceeded> {
        let mut attrs = ReceivedAttrs::from(attributes);
        if let Some(rule) = self.otc {
            let judged = rule.judge(attrs.only_to_customer);
            (attrs.only_to_customer, attrs.is_leak) = (judged.value, judged.is_leak);
        }
        let charge = self.account.charge_octets(attrs.octets())?;
        let judged = self.judge.judge(&attrs);
        let marks = Marks {
            _graceful_shutdown: self.graceful_shutdown.token_if(attrs.has_graceful_shutdown()),
            _leak: self.leaks.token_if(attrs.is_leak),
        };
        let shared = Arc::new(Shared { attrs: Arc::new(attrs), charge });
        Ok(Common { shared, judged, marks })
    }

    fn withdraw(&mut self, nlri: Nlri<'_>) -> u32 {
        let (v4, v6, judge) = (&mut self.v4, &mut self.v6, &mut self.judge);
        let named = match nlri {
            Nlri::Ipv4(prefixes) => withdraw(v4, prefixes.map(sole), judge),
            Nlri::Ipv6(prefixes) => withdraw(v6, prefixes.map(sole), judge),
            Nlri::Ipv4Paths(paths) => withdraw(v4, paths.map(by_prefix), judge),
            Nlri::Ipv6Paths(paths) => withdraw(v6, paths.map(by_prefix), judge),
        };
        self.settle();
        named
    }

    fn announce(
        &mut self,
        nlri: Nlri<'_>,
        next_hop: NextHop,
        common: &Common,
        now: u64,
    ) -> Result<u32, LimitExceeded> {
        let family = nlri.family();
        let (judge, round) = (&mut self.judge, self.rounds.get(family).number());
        let entry = |prefix| Entry {
            next_hop: next_hop.address,
            shared: Arc::clone(&common.shared),
            received_at: now,
            stale: None,
            round,
            accepted: judge.announced(prefix, common.judged),
            _marks: common.marks.clone(),
        };
        let room = Room { family, limit: *self.limits.get(family), account: &self.account };
        let (v4, v6) = (&mut self.v4, &mut self.v6);
        match nlri {
            Nlri::Ipv4(prefixes) => announce(v4, prefixes.map(sole), entry, &room),
            Nlri::Ipv6(prefixes) => announce(v6, prefixes.map(sole), entry, &room),
            Nlri::Ipv4Paths(paths) => announce(v4, paths.map(by_prefix), entry, &room),
            Nlri::Ipv6Paths(paths) => announce(v6, paths.map(by_prefix), entry, &room),
        }
    }

    /// The families that hold at least so many percent of what the session's own limits have.
    #[must_use]
    pub fn near_limit(&self, limits: PerFamily<Option<u64>>, percent: u8) -> PerFamily<bool> {
        let count = self.count();
        PerFamily::from_fn(|family| {
            let held = u128::from(*count.get(family));
            limits.get(family).is_some_and(|limit| held * 100 >= u128::from(limit) * u128::from(percent))
        })
    }

    /// Routes with GRACEFUL_SHUTDOWN (RFC 8326).
    #[must_use]
    pub fn graceful_shutdown(&self) -> u64 {
        self.graceful_shutdown.count()
    }

    /// Routes that are leaks by RFC 9234.
    #[must_use]
    pub fn leaks(&self) -> u64 {
        self.leaks.count()
    }

    /// Prefixes held.
    #[must_use]
    pub fn count(&self) -> PerFamily<u64> {
        PerFamily { ipv4: len(&self.v4), ipv6: len(&self.v6) }
    }

    /// Up to `limit` routes behind `after`: IPv4 before IPv6, each in prefix order (address, then length), the paths of
    /// one prefix by their identifiers. O(log n + limit).
    #[must_use]
    pub fn page(&self, after: Option<PathKey>, limit: usize) -> Vec<ReceivedRoute> {
        let (from_v4, from_v6) = match after {
            None => (Some(Bound::Unbounded), Bound::Unbounded),
            Some((IpNet::V4(prefix), id)) => (Some(Bound::Excluded((prefix, id))), Bound::Unbounded),
            Some((IpNet::V6(prefix), id)) => (None, Bound::Excluded((prefix, id))),
        };
        let v4 = from_v4.into_iter().flat_map(|from| self.v4.range((from, Bound::Unbounded)));
        let v6 = self.v6.range((from_v6, Bound::Unbounded));
        let policy = self.judge.policy();
        v4.map(|((prefix, id), entry)| entry.route((IpNet::V4(*prefix), *id), policy))
            .chain(v6.map(|((prefix, id), entry)| entry.route((IpNet::V6(*prefix), *id), policy)))
            .take(limit)
            .collect()
    }

    /// The route of one path, by exact match. O(log n).
    #[must_use]
    pub fn get(&self, key: PathKey) -> Option<ReceivedRoute> {
        let entry = match key {
            (IpNet::V4(net), id) => self.v4.get(&(net, id)),
            (IpNet::V6(net), id) => self.v6.get(&(net, id)),
        };
        entry.map(|entry| entry.route(key, self.judge.policy()))
    }

    /// Forgets all of it, as when the session ends.
    pub fn clear(&mut self) {
        self.v4.clear();
        self.v6.clear();
        Family::ALL.into_iter().for_each(|family| self.judge.some_went(family));
        self.settle();
        self.rounds = PerFamily::default();
    }

    /// Gives back the room of what is no longer held, and counts what is stale as that.
    fn settle(&self) {
        let (count, stale) = (self.count(), self.stale());
        let stale = stale.ipv4.saturating_add(stale.ipv6);
        let live = count.ipv4.saturating_add(count.ipv6).saturating_sub(stale);
        self.account.settle(live, stale);
    }
}

impl Drop for AdjRibIn {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Entry {
    fn route(&self, (prefix, path_id): PathKey, policy: &ImportPolicy) -> ReceivedRoute {
        let facts = verdict::facts(&self.shared.attrs);
        ReceivedRoute {
            validity: policy.origin_of(prefix, facts.origin()),
            reasons: policy.reasons(prefix, &facts),
            prefix,
            path_id,
            next_hop: self.next_hop,
            med: policy.med,
            attrs: Stale::shown(self.stale.as_ref(), &self.shared.attrs),
            received_at: self.received_at,
            stale: self.stale.is_some(),
        }
    }
}

/// What a table of one family may still take.
struct Room<'a> {
    family: Family,
    limit: u64,
    account: &'a Account,
}

impl Room<'_> {
    /// Takes the room for one prefix more than `held`.
    fn take(&self, held: u64) -> Result<(), LimitExceeded> {
        if held >= self.limit {
            return Err(LimitExceeded::Session { family: self.family, limit: self.limit });
        }
        self.account.take_prefix()
    }

    /// Takes the room for a route in place of one that is held.
    fn replace(&self, held: &Entry) -> Result<(), LimitExceeded> {
        if held.stale.is_some() { self.account.revive_prefix() } else { Ok(()) }
    }
}

/// The one path of a prefix where there is no ADD-PATH.
fn sole<N>(prefix: N) -> (N, PathId) {
    (prefix, PathId::default())
}

/// As the table has it, from as it is on the wire.
fn by_prefix<N>((id, prefix): (PathId, N)) -> (N, PathId) {
    (prefix, id)
}

/// How many were stored.
fn announce<N: Ord + Copy + Into<IpNet>>(
    table: &mut Table<N>,
    paths: impl Iterator<Item = (N, PathId)>,
    mut entry: impl FnMut(IpNet) -> Entry,
    room: &Room<'_>,
) -> Result<u32, LimitExceeded> {
    let mut count = 0_u32;
    for path in paths {
        if let Some(held) = table.get_mut(&path) {
            room.replace(held)?;
            *held = entry(path.0.into());
        } else {
            room.take(len(table))?;
            table.insert(path, entry(path.0.into()));
        }
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// How many were named, held or not.
fn withdraw<N: Ord + Copy + Into<IpNet>>(
    table: &mut Table<N>,
    paths: impl Iterator<Item = (N, PathId)>,
    judge: &mut Judge,
) -> u32 {
    paths.fold(0_u32, |named, path| {
        if table.remove(&path).is_some() {
            judge.withdrawn(path.0.into());
        }
        named.saturating_add(1)
    })
}

fn len<N>(table: &Table<N>) -> u64 {
    u64::try_from(table.len()).unwrap_or(u64::MAX)
}

fn add(counts: &mut PerFamily<u32>, family: Family, more: u32) {
    let count = counts.get_mut(family);
    *count = count.saturating_add(more);
}

#[cfg(test)]
pub(super) mod tests;
