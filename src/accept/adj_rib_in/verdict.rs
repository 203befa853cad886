//! Which of a peer's routes are accepted, and what whoever waits for a prefix is to hear of it.
//!
//! A route is judged as it comes: what its UPDATE says of all its prefixes once, and then each prefix. Of the verdict only
//! the one bit is kept; why a route is not accepted is found again where somebody asks. When the policy becomes another,
//! all routes are judged anew, so many in a turn that the session goes on beside it.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use ipnet::IpNet;

use super::{AdjRibIn, Entry, Table};
use crate::accept::marks::{Tally, Token};
use crate::accept::{PathKey, ReceivedAttrs, ReceivedRoute};
use crate::peering::{Check, Facts, Finding, ImportPolicy, Judged, Sighting};
use crate::wire::{Family, PathId, PerFamily};

/// The paths of one prefix that are looked at one by one for the best; of more, an accepted one is still found.
const MOST_COMPARED: usize = 64;

/// What routes are judged by, and what there is to tell.
#[derive(Debug, Default)]
pub(super) struct Judge {
    policy: Arc<ImportPolicy>,
    accepted: PerFamily<Tally>,
    /// How far a judging of all routes by the policy in force has come, while there is one.
    anew: Option<Anew>,
    news: News,
}

/// How far a judging of all routes has come. Where another policy comes meanwhile, it goes on from there and round to there
/// again, so that policies that come fast, as of a cache that changes all the time, leave no route unjudged for ever.
#[derive(Clone, Copy, Debug)]
enum Anew {
    /// To the end, and then from the begin to the second, if there is one.
    ToEnd { behind: Option<PathKey>, then_to: Option<PathKey> },
    /// From the begin.
    To { behind: Option<PathKey>, last: PathKey },
}

impl Anew {
    fn behind(self) -> Option<PathKey> {
        match self {
            Self::ToEnd { behind, .. } | Self::To { behind, .. } => behind,
        }
    }
}

/// Of which watched prefixes there is something to tell.
#[derive(Debug, Default)]
struct News {
    /// By place.
    marks: Vec<Mark>,
    /// Places that are touched, the oldest first.
    touched: VecDeque<usize>,
    /// Prefixes that are watched no more, and of which something was told.
    dropped: Vec<IpNet>,
}

/// What there is of one watched prefix.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    is_touched: bool,
    /// What was told last is that it is there.
    is_told: bool,
}

impl News {
    fn touch(&mut self, place: usize) {
        if let Some(mark) = self.marks.get_mut(place)
            && !std::mem::replace(&mut mark.is_touched, true)
        {
            self.touched.push_back(place);
        }
    }

    fn touch_all(&mut self) {
        (0..self.marks.len()).for_each(|place| self.touch(place));
    }
}

impl Judge {
    /// What an UPDATE's attributes come to.
    pub(super) fn judge(&self, attrs: &ReceivedAttrs) -> Judged {
        self.policy.judge(&facts(attrs))
    }

    /// A prefix is announced: the token of an accepted one.
    pub(super) fn announced(&mut self, prefix: IpNet, judged: Judged) -> Option<Token> {
        let place = self.policy.registered.place(prefix);
        if let Some(place) = place {
            self.news.touch(place);
        }
        self.token(prefix, place, judged)
    }

    fn token(&self, prefix: IpNet, place: Option<usize>, judged: Judged) -> Option<Token> {
        let accepted = match prefix {
            IpNet::V4(_) => &self.accepted.ipv4,
            IpNet::V6(_) => &self.accepted.ipv6,
        };
        accepted.token_if(self.policy.accepts(prefix, place, judged))
    }

    /// A prefix is withdrawn.
    pub(super) fn withdrawn(&mut self, prefix: IpNet) {
        if let Some(place) = self.policy.registered.place(prefix) {
            self.news.touch(place);
        }
    }

    /// Routes of a family went or became stale, and nobody noted which. O(watched prefixes).
    pub(super) fn some_went(&mut self, family: Family) {
        for (place, prefix) in self.policy.registered.watched().iter().enumerate() {
            let own = match prefix {
                IpNet::V4(_) => Family::Ipv4,
                IpNet::V6(_) => Family::Ipv6,
            };
            if own == family {
                self.news.touch(place);
            }
        }
    }

    pub(super) fn policy(&self) -> &ImportPolicy {
        &self.policy
    }
}

impl AdjRibIn {
    /// What routes are judged by from now on. Those that are held keep the verdict they have until
    /// [`Self::judge_more`] comes to them. O(watched prefixes).
    pub fn set_policy(&mut self, policy: Arc<ImportPolicy>) {
        if *self.judge.policy == *policy {
            // The same, but it may have a newer table.
            self.judge.policy = policy;
            return;
        }
        let before = std::mem::replace(&mut self.judge.policy, policy);
        let registered = &self.judge.policy.registered;
        let mut news = News { marks: vec![Mark::default(); registered.watched().len()], ..News::default() };
        news.dropped.append(&mut self.judge.news.dropped);
        for (prefix, mark) in before.registered.watched().iter().zip(&self.judge.news.marks) {
            match registered.place(*prefix).and_then(|place| news.marks.get_mut(place)) {
                Some(now) => now.is_told = mark.is_told,
                None if mark.is_told => news.dropped.push(*prefix),
                None => {}
            }
        }
        news.touch_all();
        self.judge.news = news;
        let PerFamily { ipv4, ipv6 } = self.count();
        let behind = self.judge.anew.and_then(Anew::behind);
        self.judge.anew = (ipv4 > 0 || ipv6 > 0).then_some(Anew::ToEnd { behind, then_to: behind });
    }

    /// Whether [`Self::judge_more`] or [`Self::take_sightings`] has something to do.
    #[must_use]
    pub fn has_to_judge(&self) -> bool {
        self.judge.anew.is_some() || self.has_to_tell()
    }

    /// Whether [`Self::take_sightings`] has.
    #[must_use]
    pub fn has_to_tell(&self) -> bool {
        let News { touched, dropped, marks: _ } = &self.judge.news;
        !touched.is_empty() || !dropped.is_empty()
    }

    /// Judges up to `limit` more routes by a policy that is new. O(log n + limit).
    pub fn judge_more(&mut self, limit: usize) {
        let limit = limit.max(1);
        self.judge.anew = match self.judge.anew {
            None => None,
            Some(Anew::ToEnd { behind, then_to }) => match self.judge_between(behind, None, limit) {
                Some(last) => Some(Anew::ToEnd { behind: Some(last), then_to }),
                None => then_to.map(|last| Anew::To { behind: None, last }),
            },
            Some(Anew::To { behind, last }) => self
                .judge_between(behind, Some(last), limit)
                .map(|behind| Anew::To { behind: Some(behind), last }),
        };
    }

    /// Judges up to `limit` routes behind one, and up to another: the last of them, where there may be more.
    fn judge_between(
        &mut self,
        behind: Option<PathKey>,
        up_to: Option<PathKey>,
        limit: usize,
    ) -> Option<PathKey> {
        let (mut left, mut last) = (limit, None);
        let from_v4 = match behind {
            None => Some(Bound::Unbounded),
            Some((IpNet::V4(prefix), id)) => Some(Bound::Excluded((prefix, id))),
            Some((IpNet::V6(_), _)) => None,
        };
        let to_v4 = match up_to {
            Some((IpNet::V4(prefix), id)) => Bound::Included((prefix, id)),
            Some((IpNet::V6(_), _)) | None => Bound::Unbounded,
        };
        if let Some(from) = from_v4 {
            judge_all(&mut self.v4, (from, to_v4), &self.judge, (&mut left, &mut last));
        }
        let from_v6 = match behind {
            Some((IpNet::V6(prefix), id)) => Bound::Excluded((prefix, id)),
            Some((IpNet::V4(_), _)) | None => Bound::Unbounded,
        };
        let to_v6 = match up_to {
            Some((IpNet::V6(prefix), id)) => Some(Bound::Included((prefix, id))),
            Some((IpNet::V4(_), _)) => None,
            None => Some(Bound::Unbounded),
        };
        if let Some(to) = to_v6 {
            judge_all(&mut self.v6, (from_v6, to), &self.judge, (&mut left, &mut last));
        }
        last.filter(|_| left == 0)
    }

    /// What has become of watched prefixes since they were told of last, and of those that are watched no more; `None`:
    /// it is not there, or only as a stale route. Ends at the prefix with which `limit` paths have been looked at; one
    /// without paths counts as one.
    pub fn take_sightings(&mut self, limit: usize) -> Vec<(IpNet, Option<Sighting>)> {
        let mut seen: Vec<(IpNet, Option<Sighting>)> =
            self.judge.news.dropped.drain(..).map(|prefix| (prefix, None)).collect();
        let mut left = limit;
        while left > 0
            && let Some(place) = self.judge.news.touched.pop_front()
        {
            let Some(prefix) = self.judge.policy.registered.watched().get(place).copied() else { continue };
            let (sighting, paths) = self.sighting(prefix);
            left = left.saturating_sub(paths.max(1));
            let Some(mark) = self.judge.news.marks.get_mut(place) else { continue };
            let was_told = std::mem::replace(mark, Mark { is_touched: false, is_told: sighting.is_some() });
            if sighting.is_some() || was_told.is_told {
                seen.push((prefix, sighting));
            }
        }
        seen
    }

    /// Of the paths of a prefix that are not stale, the one that is accepted, or else the one with the fewest reasons; and
    /// how many were looked at.
    fn sighting(&self, prefix: IpNet) -> (Option<Sighting>, usize) {
        match prefix {
            IpNet::V4(net) => best(&self.v4, net, self.judge.policy()),
            IpNet::V6(net) => best(&self.v6, net, self.judge.policy()),
        }
    }

    /// Routes that are accepted; all others of [`Self::count`] are held and not used.
    #[must_use]
    pub fn accepted(&self) -> PerFamily<u64> {
        PerFamily::from_fn(|family| self.judge.accepted.get(family).count())
    }
}

impl AdjRibIn {
    /// The first paths held of a prefix, stale ones too, each with all checks that are made of it.
    #[must_use]
    pub fn explain(&self, prefix: IpNet) -> Explained {
        let policy = self.judge.policy();
        let place = policy.registered.place(prefix);
        Explained {
            is_registered: place.is_some_and(|place| policy.registered.is_own(place)),
            paths: match prefix {
                IpNet::V4(net) => explained(&self.v4, net, policy),
                IpNet::V6(net) => explained(&self.v6, net, policy),
            },
        }
    }
}

/// What there is to say of one prefix.
#[derive(Clone, Debug, Default)]
pub struct Explained {
    /// Exactly this prefix is registered.
    pub is_registered: bool,
    /// By their identifiers; of very many, the first.
    pub paths: Vec<ExplainedPath>,
}

/// One path of it.
#[derive(Clone, Debug)]
pub struct ExplainedPath {
    /// The route.
    pub route: ReceivedRoute,
    /// Every check that is made, in order, and what it found.
    pub checks: Vec<(Check, Finding)>,
}

fn explained<N: Ord + Copy + Into<IpNet>>(
    table: &Table<N>,
    prefix: N,
    policy: &ImportPolicy,
) -> Vec<ExplainedPath> {
    let paths = table.range((prefix, PathId::default())..=(prefix, PathId::MAX)).take(MOST_COMPARED);
    paths
        .map(|((prefix, id), entry)| ExplainedPath {
            route: entry.route(((*prefix).into(), *id), policy),
            checks: policy.checks((*prefix).into(), &facts(&entry.shared.attrs)).collect(),
        })
        .collect()
}

/// Where a judging begins and ends.
type Between<N> = (Bound<(N, PathId)>, Bound<(N, PathId)>);

fn judge_all<N: Ord + Copy + Into<IpNet>>(
    table: &mut Table<N>,
    (from, to): Between<N>,
    judge: &Judge,
    (left, last): (&mut usize, &mut Option<PathKey>),
) {
    if let (Bound::Excluded(from), Bound::Included(to)) = (from, to)
        && from > to
    {
        return;
    }
    let count = *left;
    for ((prefix, id), entry) in table.range_mut((from, to)).take(count) {
        let net: IpNet = (*prefix).into();
        let judged = judge.judge(&entry.shared.attrs);
        entry.accepted = judge.token(net, judge.policy.registered.place(net), judged);
        *left = left.saturating_sub(1);
        *last = Some((net, *id));
    }
}

fn best<N: Ord + Copy + Into<IpNet>>(
    table: &Table<N>,
    prefix: N,
    policy: &ImportPolicy,
) -> (Option<Sighting>, usize) {
    let paths = || table.range((prefix, PathId::default())..=(prefix, PathId::MAX)).map(|(_, entry)| entry);
    let seen = |entry: &Entry| {
        let facts = facts(&entry.shared.attrs);
        let (prefix, origin) = (prefix.into(), facts.origin());
        Sighting {
            origin,
            validity: policy.origin_of(prefix, origin),
            received_at: entry.received_at,
            reasons: policy.reasons(prefix, &facts),
        }
    };
    let mut count = 0_usize;
    let accepted = paths().find(|entry| {
        count = count.saturating_add(1);
        entry.stale.is_none() && entry.accepted.is_some()
    });
    // By a policy that is new it may be so no more.
    let accepted = accepted.map(seen).filter(|sighting| sighting.reasons.is_empty());
    let fewest = || {
        let compared = paths().filter(|entry| entry.stale.is_none()).take(MOST_COMPARED).map(seen);
        compared.min_by_key(|sighting| sighting.reasons.len())
    };
    (accepted.or_else(fewest), count)
}

/// What is looked at of a route's attributes.
pub(super) fn facts(attrs: &ReceivedAttrs) -> Facts<'_> {
    Facts { as_path: attrs.as_path.view(), communities: &attrs.communities, is_leak: attrs.is_leak }
}
