//! Everything that is to be written to one session's socket, in the order in which it may go: the rest of a begun message,
//! control messages, then routes.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::Arc;

use bytes::Bytes;

use super::any_lane::{AnyLane, lane};
use super::counters::Counters;
use super::draft::{Body, Draft, Message, Slices, Source};
use super::picture::Progress;
use super::profile::{Announcing, SessionProfile};
use super::step::Phase;
use super::told::Told;
use super::view::{LeftOut, View};
use crate::wire::{Family, PerFamily, codes};

/// Control messages that may wait.
const MOST_CONTROL: usize = 32;

thread_local! {
    /// One buffer for heads a thread, whatever the number of sessions.
    static DRAFT: RefCell<Draft> = RefCell::default();
}

/// What a turn of writing came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wrote {
    /// Octets that the sink took.
    pub bytes: usize,
    /// Why it ended.
    pub outcome: Outcome,
}

/// Why a turn of writing ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// There is nothing left to write.
    Drained,
    /// The sink takes no more for now.
    Blocked,
    /// The turn's budget is spent.
    Budget,
}

/// One session's way out. A message counts as told when the sink takes its first octet; the rest of it is kept here, goes
/// before anything else, and holds no table.
///
/// Sans-IO: `write` is given a sink, and the time. Nothing here waits; a newer view or another word on announcing takes
/// effect at the next message boundary.
#[derive(Debug, Default)]
pub struct Outbox {
    /// What is left of a begun message.
    tail: Vec<u8>,
    control: VecDeque<Bytes>,
    /// A NOTIFICATION was queued: nothing is begun after it.
    closing: bool,
    lanes: PerFamily<Option<Box<dyn AnyLane>>>,
    up: Option<(SessionProfile, Arc<View>)>,
    synced_at: PerFamily<Option<u64>>,
    counters: Counters,
}

impl Outbox {
    /// Of a session that is not up.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues one whole message: OPEN, KEEPALIVE, NOTIFICATION or ROUTE-REFRESH. It goes out at the next message
    /// boundary, before any route that has not begun, in the order of the calls.
    ///
    /// At most 32 wait. One that equals one that waits (a KEEPALIVE, the same ROUTE-REFRESH) is not queued again, and a
    /// further one is dropped and counted, but for a NOTIFICATION, which takes the place of the newest. After a
    /// NOTIFICATION nothing else is queued, and no route begins.
    pub fn control(&mut self, message: impl Into<Bytes>) {
        let message = message.into();
        if self.closing || self.control.contains(&message) {
            return;
        }
        self.closing = message.get(18) == Some(&codes::message::NOTIFICATION);
        if self.control.len() >= MOST_CONTROL {
            self.counters.control_dropped += 1;
            if !self.closing {
                return;
            }
            self.control.pop_back();
        }
        self.control.push_back(message);
    }

    /// The session is Established: its families' tables are to be told, then End-of-RIB.
    pub fn up(&mut self, profile: SessionProfile, view: Arc<View>, announcing: Announcing) {
        self.synced_at = PerFamily::default();
        let has = |family| *profile.families.get(family);
        self.lanes = PerFamily {
            ipv4: has(Family::Ipv4).then(|| lane::<u32>(&profile, &view, announcing)),
            ipv6: has(Family::Ipv6).then(|| lane::<u128>(&profile, &view, announcing)),
        };
        self.up = Some((profile, view));
    }

    /// The session is over: the peer knows nothing any more, and nothing that waits will be written.
    pub fn down(&mut self) {
        self.lanes = PerFamily::default();
        self.up = None;
        self.synced_at = PerFamily::default();
        self.tail = Vec::new();
        self.control.clear();
        self.closing = false;
    }

    /// Another view is to be told. The newest wins, however much of the one before was told; a peer that is in sync
    /// hears only what changes. Without a session, nothing.
    pub fn set_view(&mut self, view: Arc<View>) {
        if let Some((_, current)) = &mut self.up {
            *current = view.clone();
            self.each(|lane| lane.set_view(&view));
        }
    }

    /// Announces otherwise from now on. Without a session, nothing.
    pub fn set_announcing(&mut self, announcing: Announcing) {
        self.each(|lane| lane.set_announcing(announcing));
    }

    /// The peer sent ROUTE-REFRESH: the family goes out whole once more as soon as it is in sync and End-of-RIB is
    /// sent. Requests that wait are one. Of a family that was not negotiated, nothing.
    pub fn refresh(&mut self, family: Family) {
        if let Some(lane) = self.lanes.get_mut(family) {
            lane.refresh();
        }
    }

    /// Whether a driver should wait for the socket to be writable.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        let routes = !self.closing && self.all().any(|lane| lane.has_work());
        !self.control_is_flushed() || routes
    }

    /// Whether a family's peer has been told all that it is to be told, a refresh that was asked for included.
    #[must_use]
    pub fn is_done(&self, family: Family) -> bool {
        self.lane(family).is_none_or(|lane| !lane.has_work())
    }

    /// Whether no control message waits and none of any kind is half written. After a NOTIFICATION, the driver closes
    /// when it is so.
    #[must_use]
    pub fn control_is_flushed(&self) -> bool {
        self.tail.is_empty() && self.control.is_empty()
    }

    /// Nothing is begun any more: what is half written is finished, what is queued goes out, and no route after it.
    pub fn finish(&mut self) {
        self.closing = true;
    }

    /// Whether a NOTIFICATION was queued: nothing follows it.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// Writes into `sink` until there is nothing left, it blocks, or about `budget` octets are written (a begun message
    /// may pass it). `now` is in seconds since the epoch. The sink is a vectored write: at most 192 slices, and it says
    /// how many octets it took.
    ///
    /// # Errors
    /// What the sink fails with, but for `WouldBlock`, which is an [`Outcome`], and `Interrupted`, which is tried again.
    pub fn write(
        &mut self,
        now: u64,
        budget: usize,
        sink: &mut dyn FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Wrote> {
        // Taken out while the sink runs, so that a sink may use another outbox of this thread.
        let mut draft = DRAFT.take();
        let wrote = self.write_with(&mut draft, now, budget, sink);
        draft.clear();
        DRAFT.set(draft);
        wrote
    }

    fn write_with(
        &mut self,
        draft: &mut Draft,
        now: u64,
        budget: usize,
        sink: &mut dyn FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Wrote> {
        let mut bytes = 0;
        let mut settled = false;
        loop {
            if bytes >= budget && self.wants_write() {
                return Ok(Wrote { bytes, outcome: Outcome::Budget });
            }
            draft.clear();
            let planned = self.plan(draft, budget.saturating_sub(bytes));
            if self.tail.is_empty() && draft.messages().is_empty() {
                self.commit_all(planned, now);
                // What waited for the lanes to be done begins now.
                if settled || !self.wants_write() {
                    return Ok(Wrote { bytes, outcome: Outcome::Drained });
                }
                settled = true;
                continue;
            }
            settled = false;
            let slices = self.slices(draft);
            let taken = match sink(slices.as_slices()) {
                Ok(0) => return Ok(Wrote { bytes, outcome: Outcome::Blocked }),
                Ok(taken) => taken,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(Wrote { bytes, outcome: Outcome::Blocked });
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            bytes = bytes.saturating_add(taken);
            self.counters.bytes =
                self.counters.bytes.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
            if self.accept(draft, taken) {
                self.commit_all(planned, now);
            } else {
                self.each(AnyLane::settle);
            }
        }
    }

    /// Appends messages to the draft until it is full or nothing is left; how far the lanes are then.
    fn plan(&self, draft: &mut Draft, budget: usize) -> PerFamily<Option<Progress>> {
        for (place, message) in self.control.iter().enumerate() {
            draft.push_control(place, message);
        }
        let mut progress = PerFamily::from_fn(|family| self.lane(family).map(AnyLane::progress));
        while !self.closing && !draft.is_full(budget) {
            let mut step = |phase| {
                Family::ALL.into_iter().any(|family| match (self.lane(family), progress.get_mut(family)) {
                    (Some(lane), Some(progress)) => lane.step(phase, progress, draft),
                    (_, _) => false,
                })
            };
            if !step(Phase::Changes) && !step(Phase::Rest) {
                break;
            }
        }
        progress
    }

    /// The tail and every message of the draft, as slices of where they stand.
    fn slices<'a>(&'a self, draft: &'a Draft) -> Slices<'a> {
        let mut slices = Slices::new();
        slices.push(&self.tail);
        draft
            .messages()
            .iter()
            .flat_map(|message| self.parts(draft, message))
            .for_each(|part| slices.push(part));
        slices
    }

    /// A message in up to three parts.
    fn parts<'a>(&'a self, draft: &'a Draft, message: &Message) -> [&'a [u8]; 3] {
        let body = match (&message.body, &message.source) {
            (Body::Own(range), _) => draft.bytes(range),
            (_, Source::Control(place)) => self.control.get(*place).map_or(&[][..], |message| message),
            (body, Source::Lane { family, .. }) => self.lane(*family).map_or(&[][..], |lane| lane.body(body)),
        };
        [draft.bytes(&message.head), body, draft.bytes(&message.tail)]
    }

    /// The sink took so many octets of the tail and the draft. Whether every message has begun.
    fn accept(&mut self, draft: &Draft, taken: usize) -> bool {
        let of_tail = taken.min(self.tail.len());
        let mut rest = taken - of_tail;
        self.tail.drain(..of_tail);
        if !self.tail.is_empty() {
            return false;
        }
        self.tail = Vec::new();
        let (mut begun, mut control) = (0, 0);
        for message in draft.messages() {
            if rest == 0 {
                break;
            }
            if rest < message.octets {
                self.tail = self.parts(draft, message).concat();
                self.tail.drain(..rest);
            }
            rest = rest.saturating_sub(message.octets);
            self.begun(message);
            begun += 1;
            control += usize::from(matches!(message.source, Source::Control(_)));
        }
        self.control.drain(..control);
        begun == draft.messages().len()
    }

    /// A message's first octet is taken: what it says is told.
    fn begun(&mut self, message: &Message) {
        self.counters.message(message.kind);
        match &message.source {
            Source::Control(_) => {}
            Source::Lane { family, announced, withdrawn, after } => {
                *self.counters.announced.get_mut(*family) += u64::from(*announced);
                *self.counters.withdrawn.get_mut(*family) += u64::from(*withdrawn);
                if let Some(lane) = self.lanes.get_mut(*family) {
                    lane.commit(*after);
                }
            }
        }
    }

    /// Everything that was planned has begun.
    fn commit_all(&mut self, planned: PerFamily<Option<Progress>>, now: u64) {
        for family in Family::ALL {
            if let (Some(lane), Some(progress)) = (self.lanes.get_mut(family), planned.get(family)) {
                lane.commit(*progress);
                lane.settle();
                if !lane.has_work() {
                    self.synced_at.get_mut(family).get_or_insert(now);
                }
            }
        }
    }

    fn lane(&self, family: Family) -> Option<&dyn AnyLane> {
        self.lanes.get(family).as_deref()
    }

    fn all(&self) -> impl Iterator<Item = &dyn AnyLane> {
        Family::ALL.into_iter().filter_map(|family| self.lane(family))
    }

    fn each(&mut self, mut change: impl FnMut(&mut (dyn AnyLane + 'static))) {
        for family in Family::ALL {
            if let Some(lane) = self.lanes.get_mut(family) {
                change(lane.as_mut());
                if lane.has_work() {
                    *self.synced_at.get_mut(family) = None;
                }
            }
        }
    }

    /// What the peer was told of a family; of one without a lane, `None`. O(1): it shares everything.
    #[must_use]
    pub fn told(&self, family: Family) -> Option<Told> {
        self.lane(family).map(AnyLane::told)
    }

    /// How many prefixes the peer holds: exact when it is in sync, else off by no more than what is pending. O(log n).
    #[must_use]
    pub fn advertised(&self) -> PerFamily<u64> {
        PerFamily::from_fn(|family| self.lane(family).map_or(0, AnyLane::advertised))
    }

    /// How many prefixes are still to be told or withdrawn. O(log n).
    #[must_use]
    pub fn pending(&self) -> PerFamily<u64> {
        PerFamily::from_fn(|family| self.lane(family).map_or(0, AnyLane::pending))
    }

    /// Whether End-of-RIB has been sent.
    #[must_use]
    pub fn end_of_rib_sent(&self) -> PerFamily<bool> {
        PerFamily::from_fn(|family| self.lane(family).is_some_and(|lane| !lane.progress().owes_end_of_rib))
    }

    /// Seconds since the epoch at which the last of what is wanted was handed to the sink; while something waits, `None`.
    #[must_use]
    pub fn synced_at(&self) -> PerFamily<Option<u64>> {
        self.synced_at
    }

    /// What is not told to this session because its attributes leave no room for a prefix in a message, for the log.
    #[must_use]
    pub fn left_out(&self) -> Vec<LeftOut> {
        self.up.as_ref().map_or_else(Vec::new, |(profile, view)| view.left_out(profile))
    }

    /// What has been sent.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Octets of memory that this session alone costs now: exceptions that it was caught with in mid-transfer, and the
    /// rest of a message. In sync, next to nothing.
    #[must_use]
    pub fn private_bytes(&self) -> usize {
        let control: usize = self.control.iter().map(Bytes::len).sum();
        self.tail.capacity() + control + self.all().map(AnyLane::private_bytes).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
