//! One session's way through one family: what it is to be told, and what happens when that changes on the way.
//!
//! A lane never holds a table but its target. When the target or the ink changes, [`Lane::rebase`] keeps what the peer
//! was told of every prefix, and nothing that is no longer true is said afterwards, however late the peer is.

use std::sync::Arc;

use super::cuts::Cuts;
use super::delta::Private;
use super::picture::{Pending, Picture, Progress};
use super::profile::{Announcing, NextHop, Profile};
use super::sheet::Sheet;
use super::zones::{Ink, Said, Zones};
use crate::rib::{InGeneration, Prefix};

/// One session and family.
#[derive(Debug)]
pub(super) struct Lane<A> {
    pub(super) picture: Picture<A>,
    /// For the brush's ink.
    pub(super) cuts: Arc<Cuts>,
    pub(super) profile: Profile,
    pub(super) next_hop: Option<NextHop>,
    enhanced_route_refresh: bool,
    /// Which refresh the brush belongs to.
    epoch: u16,
    /// Asked for while there was no room for one more zone; the newest wins.
    pub(super) wanted: Option<Announcing>,
    refresh: bool,
}

/// How a lane begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) profile: Profile,
    /// Without one, nothing is announced.
    pub(super) next_hop: Option<NextHop>,
    pub(super) enhanced_route_refresh: bool,
    pub(super) announcing: Announcing,
}

impl<A: InGeneration> Lane<A> {
    /// A lane of a new session: nothing is told, and End-of-RIB is owed.
    pub(super) fn new(base: &Arc<Sheet<A>>, start: Start) -> Self {
        let Start { profile, next_hop, enhanced_route_refresh, announcing } = start;
        let (sheet, cuts) = base.target(&profile);
        let progress = Progress {
            zones: Zones::one(Ink::Absent),
            next: 0,
            owes_begin: false,
            owes_end_of_rib: true,
            owes_end: false,
        };
        let picture = Picture { sheet, delta: None, progress };
        let mut lane = Self {
            picture,
            cuts,
            profile,
            next_hop,
            enhanced_route_refresh,
            epoch: 0,
            wanted: None,
            refresh: false,
        };
        lane.set_announcing(announcing);
        lane
    }

    /// Takes another target. O(1) when all was told, but for what is made once for all sessions; else O(changes × log n).
    pub(super) fn set_sheet(&mut self, base: &Arc<Sheet<A>>) {
        let (sheet, _) = base.target(&self.profile);
        self.rebase(sheet, self.picture.brush());
        self.settle();
    }

    /// Announces otherwise than before, or waits with that until what is under way is done.
    pub(super) fn set_announcing(&mut self, announcing: Announcing) {
        let possible = if self.next_hop.is_some() { announcing } else { Announcing::No };
        let ink = Ink::of(possible, self.epoch);
        self.wanted = if self.rebase(self.picture.sheet.clone(), ink) { None } else { Some(possible) };
        self.settle();
    }

    /// The peer asked for everything again; two that wait are one.
    pub(super) fn refresh(&mut self) {
        self.refresh = true;
        self.settle();
    }

    /// Whether there is anything to send.
    pub(super) fn has_work(&self) -> bool {
        let progress = &self.picture.progress;
        progress.owes_begin
            || progress.owes_end_of_rib
            || progress.owes_end
            || self.wanted.is_some()
            || self.refresh
            || !self.picture.is_done(progress)
    }

    /// What has been sent up to `progress` is told.
    pub(super) fn commit(&mut self, progress: Progress) {
        self.picture.progress = progress;
    }

    /// Takes the ink that waits as soon as there is room for it. When all is told, lets the exceptions go and starts the
    /// refresh that waits.
    pub(super) fn settle(&mut self) {
        self.take_wanted();
        while self.picture.is_done(&self.picture.progress) {
            if self.picture.delta.take().is_some() {
                self.picture.progress.next = 0;
                self.picture.sheet.forget_deltas();
            }
            let progress = &self.picture.progress;
            if progress.owes_end_of_rib || progress.owes_end || !std::mem::take(&mut self.refresh) {
                return;
            }
            self.start_refresh();
        }
    }

    fn take_wanted(&mut self) {
        if let Some(announcing) = self.wanted {
            let ink = Ink::of(announcing, self.epoch);
            if self.rebase(self.picture.sheet.clone(), ink) {
                self.wanted = None;
            }
        }
    }

    /// Paints all once more, in an ink of its own so that what was told before can be told apart.
    fn start_refresh(&mut self) {
        let progress = &mut self.picture.progress;
        progress.owes_begin = self.enhanced_route_refresh;
        progress.owes_end = self.enhanced_route_refresh;
        if let Ink::As(mut stroke) = progress.zones.brush() {
            self.epoch = self.epoch.wrapping_add(1);
            stroke.epoch = self.epoch;
            progress.zones.take_brush(Ink::As(stroke), self.picture.sheet.strip().end());
        }
    }

    /// Moves to another sheet, another ink, or both; what any prefix was told stays as it was. `false` if there is no
    /// room for the ink; nothing is changed then.
    fn rebase(&mut self, sheet: Arc<Sheet<A>>, brush: Ink) -> bool {
        let same_sheet = Arc::ptr_eq(&sheet, &self.picture.sheet);
        let same_brush = brush == self.picture.brush();
        let done = self.picture.is_done(&self.picture.progress);
        if same_sheet && same_brush {
            return true;
        }
        if done {
            self.picture.delta = None;
            self.picture.progress.next = 0;
        }
        let moved = if done && (same_sheet || same_brush) {
            self.rebase_in_sync(&sheet, brush)
        } else {
            self.rebase_in_transfer(&sheet, brush)
        };
        if moved {
            self.cuts = sheet.prepare(&self.profile_in(brush)).cuts;
            self.picture.sheet = sheet;
        }
        moved
    }

    /// Where all is of one ink and there are no exceptions, a new ink is a zone, and the exceptions to a new sheet are
    /// what changed, the same for every session.
    fn rebase_in_sync(&mut self, sheet: &Arc<Sheet<A>>, brush: Ink) -> bool {
        let old = self.picture.sheet.clone();
        if Arc::ptr_eq(sheet, &old) {
            return self.picture.progress.zones.take_brush(brush, old.strip().end());
        }
        if brush != Ink::Absent {
            let delta = sheet.delta_from(&old);
            if delta.entries().count() > 0 {
                let cuts = delta.cuts(&self.profile_in(brush), sheet);
                self.picture.delta = Some(Pending::Shared(delta, cuts));
            }
        }
        true
    }

    /// Remembers what was told of every prefix that the move could touch, moves, and keeps as exceptions those that the
    /// new paint would have wrong.
    fn rebase_in_transfer(&mut self, sheet: &Arc<Sheet<A>>, brush: Ink) -> bool {
        let old = self.picture.sheet.clone();
        let mut zones = self.picture.progress.zones;
        if !zones.take_brush(brush, old.strip().end()) {
            return false;
        }
        let mut keys: Vec<Prefix<A>> = Vec::new();
        if let Some(delta) = &self.picture.delta {
            keys.extend(delta.entries().prefixes());
        }
        if !Arc::ptr_eq(sheet, &old) {
            keys.extend(sheet.delta_from(&old).keys());
            let strip = sheet.strip();
            zones.translate(strip.end(), |cursor| {
                let (rank, prefix) = self.picture.key_at(cursor);
                strip.lower_bound(rank, prefix)
            });
        }
        keys.sort_unstable();
        keys.dedup();
        let told = self.picture.said_all(&keys);

        self.picture.sheet = sheet.clone();
        self.picture.progress.zones = zones;
        self.picture.progress.next = 0;
        let bounds = self.picture.bounds();
        let exceptions = keys.into_iter().zip(told).filter_map(|(prefix, told)| {
            let run = sheet.run_of(prefix);
            let paint = run.map_or(Said::Nothing, |run| self.picture.paint(prefix, run, &bounds));
            let announced = run.filter(|_| brush != Ink::Absent).and_then(|run| u32::try_from(run).ok());
            (told != paint).then_some((announced, prefix, told))
        });
        let exceptions: Vec<_> = exceptions.collect();
        self.picture.delta =
            (!exceptions.is_empty()).then(|| Pending::Private(Arc::new(Private::new(exceptions))));
        true
    }

    /// The profile that announcements in an ink have.
    pub(super) fn profile_in(&self, ink: Ink) -> Profile {
        match ink {
            Ink::Absent => self.profile,
            Ink::As(stroke) => Profile { gshut: stroke.gshut, ..self.profile },
        }
    }

    /// Octets on the heap that no other lane shares.
    pub(super) fn private_bytes(&self) -> usize {
        match &self.picture.delta {
            Some(Pending::Private(private)) => private.heap_bytes(),
            Some(Pending::Shared(_, _)) | None => 0,
        }
    }
}
