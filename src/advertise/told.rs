//! What one peer was told of one family, at one instant.

use std::fmt::Debug;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;

use super::head::carries_gshut;
use super::picture::{Picture, to_index};
use super::profile::{NextHop, Profile};
use super::zones::{Said, Stroke};
use crate::rib::{InGeneration, Prefix, row_after};
use crate::wire::{Asn, AttrSet, Community};

/// A route as a peer was told it.
#[derive(Clone, Debug)]
pub struct ToldRoute {
    /// The prefix.
    pub prefix: IpNet,
    /// What it was announced with; of a route that the generation in force has no more, or has with other attributes,
    /// `None`.
    pub attrs: Option<Arc<AttrSet>>,
    /// The next hop it was announced with.
    pub next_hop: Option<IpAddr>,
    /// The ONLY_TO_CUSTOMER that it went out with (RFC 9234 §5), where the session attaches one.
    pub otc: Option<Asn>,
    /// Told otherwise from what it should be: a withdrawal or a change is on its way.
    pub stale: bool,
    /// Provenance: file and line, where the generation in force has it.
    pub place: Option<(Arc<PathBuf>, u32)>,
    /// The group's `source`.
    pub source: Option<Arc<str>>,
    /// Number and time (seconds since the epoch) of the generation that last changed it.
    pub since: Option<(u32, u64)>,
}

/// What one peer was told of one family, at one instant. Cheap to make; it holds its generation while it lives.
#[derive(Clone, Debug)]
pub struct Told {
    of: Arc<dyn Pages>,
}

impl Told {
    /// Of a lane's picture.
    pub(super) fn new<A: InGeneration>(
        picture: Picture<A>,
        profile: Profile,
        next_hop: Option<NextHop>,
    ) -> Self {
        Self { of: Arc::new(Snapshot { picture, profile, next_hop: next_hop.map(NextHop::address) }) }
    }

    /// Up to `limit` routes behind `after`, in prefix order (address, then length). O(log n + limit) in sync; while a
    /// transfer is under way, what it has not reached is passed over at O(1) each.
    #[must_use]
    pub fn page(&self, after: Option<IpNet>, limit: usize) -> Vec<ToldRoute> {
        self.of.page(after, limit)
    }

    /// How many routes the peer was told, exactly. O(log n) in sync, else O(exceptions × log n).
    #[must_use]
    pub fn count(&self) -> u64 {
        self.of.count()
    }
}

/// A snapshot of either family.
trait Pages: Debug + Send + Sync {
    fn page(&self, after: Option<IpNet>, limit: usize) -> Vec<ToldRoute>;
    fn count(&self) -> u64;
}

#[derive(Debug)]
struct Snapshot<A> {
    picture: Picture<A>,
    profile: Profile,
    next_hop: Option<IpAddr>,
}

impl<A: InGeneration> Pages for Snapshot<A> {
    fn page(&self, after: Option<IpNet>, limit: usize) -> Vec<ToldRoute> {
        if self.picture.count_is_zero() {
            return Vec::new();
        }
        let table = self.picture.sheet.table();
        let bounds = self.picture.bounds();
        let first = row_after(table, after);
        let mut here = table.prefixes(first..table.count()).enumerate().peekable();
        let mut gone = self.gone(after).peekable();
        let mut routes = Vec::new();
        while routes.len() < limit {
            let from_table = match (here.peek(), gone.peek()) {
                (Some((_, prefix)), Some((gone, _))) => prefix < gone,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            if from_table {
                let Some((i, prefix)) = here.next() else { break };
                let run = self.picture.sheet.run_of_row(first + i);
                let said = self.picture.said_of(prefix, run, &bounds);
                routes.extend(self.route(prefix, run, said, Some(first + i)));
            } else if let Some((prefix, said)) = gone.next() {
                routes.extend(self.route(prefix, None, said, None));
            }
        }
        routes
    }

    fn count(&self) -> u64 {
        self.picture.count()
    }
}

impl<A: InGeneration> Snapshot<A> {
    /// Prefixes behind `after` that the table has no more, but that the peer has not been told so.
    fn gone(&self, after: Option<IpNet>) -> impl Iterator<Item = (Prefix<A>, Said)> {
        let behind_all =
            after.is_some_and(|after| Prefix::<A>::of_net(&after).is_none() && matches!(after, IpNet::V6(_)));
        let after = after.and_then(|after| Prefix::<A>::of_net(&after));
        let table = self.picture.sheet.table();
        self.picture.delta.iter().filter(move |_| !behind_all).flat_map(move |delta| {
            let entries = delta.entries();
            let first = entries.withdrawal_after(after).max(to_index(self.picture.progress.next));
            (first..entries.withdrawals()).filter_map(move |i| {
                let prefix = entries.prefix(i)?;
                table.find(prefix).is_none().then(|| (prefix, delta.told(i, self.picture.brush())))
            })
        })
    }

    /// What a peer that was told so holds.
    fn route(
        &self,
        prefix: Prefix<A>,
        run: Option<usize>,
        said: Said,
        row: Option<usize>,
    ) -> Option<ToldRoute> {
        let Said::Route { attrs, stroke } = said else { return None };
        let view = row.and_then(|row| self.picture.sheet.generation().route::<A>(row));
        let same = run.is_some_and(|run| self.picture.sheet.rank_and_attrs(run).1 == attrs);
        Some(ToldRoute {
            prefix: prefix.to_net(),
            attrs: view.as_ref().filter(|_| same).map(|view| self.inked(&view.attrs, stroke)),
            next_hop: self.next_hop,
            otc: self.profile.otc,
            stale: said != self.picture.desired(run),
            place: view.as_ref().map(|view| (view.file.clone(), view.line)),
            since: view.as_ref().map(|view| view.since),
            source: view.and_then(|view| view.source),
        })
    }

    /// The attributes as they went out.
    fn inked(&self, attrs: &Arc<AttrSet>, stroke: Stroke) -> Arc<AttrSet> {
        if !stroke.gshut || !carries_gshut(&self.profile, attrs) {
            return attrs.clone();
        }
        let mut with = AttrSet::clone(attrs);
        with.communities.push(Community::GRACEFUL_SHUTDOWN);
        with.canonicalize();
        Arc::new(with)
    }
}
