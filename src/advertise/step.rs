//! A lane's next message: exceptions first, withdrawals before announcements, then the paint, then End-of-RIB.

use std::sync::Arc;

use super::cuts::DeltaCuts;
use super::delta::{Delta, Private, Section};
use super::draft::{Body, Draft, Message, Source};
use super::head::{
    RefreshMark, announce_room, put_announce, put_end_of_rib, put_refresh_mark, put_withdraw, withdraw_room,
};
use super::lane::Lane;
use super::picture::{Pending, Progress, to_index};
use super::zones::{Ink, Said};
use crate::rib::{InGeneration, nlri_len};
use crate::wire::codes;

/// Which messages are asked for: those of both families that say what changed go before the rest of either.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// BoRR, and exceptions to the paint.
    Changes,
    /// The paint, End-of-RIB and EoRR.
    Rest,
}

/// NLRI of an UPDATE.
struct Nlri {
    body: Body,
    octets: usize,
    prefixes: u32,
}

impl<A: InGeneration> Lane<A> {
    /// Appends the next message to `draft`, if there is one in this phase, and moves `progress` behind it. What is
    /// passed over on the way needs no message, whether or not there is one. O(log n), but for what is encoded here:
    /// private exceptions and the withdrawal of a whole table.
    pub(super) fn step(&self, phase: Phase, progress: &mut Progress, draft: &mut Draft) -> bool {
        match phase {
            Phase::Changes => self.step_changes(progress, draft),
            Phase::Rest => self.step_paint(progress, draft) || self.step_marks(progress, draft),
        }
    }

    fn step_changes(&self, progress: &mut Progress, draft: &mut Draft) -> bool {
        if progress.owes_begin {
            progress.owes_begin = false;
            self.push_mark(progress, draft, codes::message::ROUTE_REFRESH, |lane, out| {
                put_refresh_mark(lane.profile.family, RefreshMark::Begin, out);
            });
            return true;
        }
        match &self.picture.delta {
            Some(Pending::Shared(delta, cuts)) => self.step_shared(delta, cuts, progress, draft),
            Some(Pending::Private(private)) => self.step_private(private, progress, draft),
            None => false,
        }
    }

    fn step_shared(
        &self,
        delta: &Arc<Delta<A>>,
        cuts: &DeltaCuts,
        progress: &mut Progress,
        draft: &mut Draft,
    ) -> bool {
        let Some((start, end)) = cuts.at(progress.next) else { return false };
        let (section, _) = delta.entries().section(to_index(progress.next));
        progress.next = end.entry;
        let nlri = Nlri {
            body: Body::Delta(start.offset, end.offset),
            octets: to_index(end.offset.saturating_sub(start.offset)),
            prefixes: end.entry.saturating_sub(start.entry),
        };
        self.push_update(section, nlri, progress, draft)
    }

    fn step_private(&self, private: &Private<A>, progress: &mut Progress, draft: &mut Draft) -> bool {
        let entries = private.entries();
        let mut next = to_index(progress.next);
        let (section, end) = loop {
            if next >= entries.count() {
                progress.next = u32::try_from(next).unwrap_or(u32::MAX);
                return false;
            }
            let (section, end) = entries.section(next);
            let desired = self.desired_in(section);
            match (next..end).find(|i| private.told(*i) != desired) {
                Some(first) => {
                    next = first;
                    break (section, end);
                }
                None => next = end,
            }
        };
        let (room, desired) = (self.room_in(section), self.desired_in(section));
        let start = draft.scratch.len();
        let mut prefixes = 0_u32;
        while let Some(prefix) = entries.prefix(next).filter(|_| next < end) {
            if private.told(next) != desired {
                if prefixes > 0 && draft.scratch.len() - start + nlri_len(prefix.len) > room {
                    break;
                }
                prefix.put_nlri(&mut draft.scratch);
                prefixes = prefixes.saturating_add(1);
            }
            next += 1;
        }
        progress.next = u32::try_from(next).unwrap_or(u32::MAX);
        let own = start..draft.scratch.len();
        let nlri = Nlri { octets: own.len(), body: Body::Own(own), prefixes };
        self.push_update(section, nlri, progress, draft)
    }

    /// What the prefixes of a section should be told.
    fn desired_in(&self, section: Section) -> Said {
        match section {
            Section::Withdraw => Said::Nothing,
            Section::Announce(run) => self.picture.desired(Some(run)),
        }
    }

    /// Octets of NLRI that fit into a message of a section.
    fn room_in(&self, section: Section) -> usize {
        let profile = self.profile_in(self.picture.brush());
        match section {
            Section::Withdraw => withdraw_room(&profile),
            Section::Announce(run) => {
                let run = self.picture.sheet.strip().runs().get(run);
                run.and_then(|run| announce_room(&profile, &run.ranked.attrs)).unwrap_or(0)
            }
        }
    }

    fn step_paint(&self, progress: &mut Progress, draft: &mut Draft) -> bool {
        let sheet = &self.picture.sheet;
        let strip = sheet.strip();
        while let Some((from, to, _)) = progress.zones.next(strip.end()) {
            let Some((at, run)) = sheet.next_shown(from).filter(|(at, _)| *at < to) else {
                progress.zones.advance(to, strip.end());
                continue;
            };
            let (section, stop, prefixes) = match progress.zones.brush() {
                Ink::Absent => {
                    let room = withdraw_room(&self.profile);
                    let limit = at.saturating_add(u32::try_from(room).unwrap_or(u32::MAX));
                    let stop = strip.fill(at, sheet.shown_until(run, to, limit), room);
                    (Section::Withdraw, stop, strip.number_at(stop).saturating_sub(strip.number_at(at)))
                }
                Ink::As(_) => {
                    let (start, end) = strip.span_of(run);
                    let Some(cut) = self.cuts.at(run, start, at) else {
                        // Shown runs have cuts; without one there is nothing to send of this run.
                        progress.zones.advance(end.min(to), strip.end());
                        continue;
                    };
                    let stop = cut.end.min(to);
                    let whole = at == cut.start && stop == cut.end;
                    let count = || strip.number_at(stop).saturating_sub(strip.number_at(at));
                    (Section::Announce(run), stop, if whole { cut.prefixes } else { count() })
                }
            };
            progress.zones.advance(stop, strip.end());
            let octets = to_index(stop.saturating_sub(at));
            let nlri = Nlri { body: Body::Strip(at, stop), octets, prefixes };
            return self.push_update(section, nlri, progress, draft);
        }
        false
    }

    fn step_marks(&self, progress: &mut Progress, draft: &mut Draft) -> bool {
        if self.wanted.is_some() || !self.picture.is_done(progress) {
            return false;
        }
        if progress.owes_end_of_rib {
            progress.owes_end_of_rib = false;
            self.push_mark(progress, draft, codes::message::UPDATE, |lane, out| {
                put_end_of_rib(lane.profile.family, out);
            });
            return true;
        }
        if progress.owes_end {
            progress.owes_end = false;
            self.push_mark(progress, draft, codes::message::ROUTE_REFRESH, |lane, out| {
                put_refresh_mark(lane.profile.family, RefreshMark::End, out);
            });
            return true;
        }
        false
    }

    /// A message without NLRI.
    fn push_mark(
        &self,
        progress: &Progress,
        draft: &mut Draft,
        kind: u8,
        put: impl FnOnce(&Self, &mut Vec<u8>),
    ) {
        let start = draft.scratch.len();
        put(self, &mut draft.scratch);
        let end = draft.scratch.len();
        draft.push(Message {
            kind,
            head: start..end,
            body: Body::None,
            tail: 0..0,
            octets: end - start,
            source: self.source(0, 0, progress),
        });
    }

    /// An UPDATE. Nothing is pushed for a run that is not there or without a next hop, which no sheet and no ink allows.
    fn push_update(&self, section: Section, nlri: Nlri, progress: &Progress, draft: &mut Draft) -> bool {
        let profile = self.profile_in(progress.zones.brush());
        let start = draft.scratch.len();
        let (between, source) = match section {
            Section::Withdraw => (
                put_withdraw(&profile, nlri.octets, &mut draft.scratch),
                self.source(0, nlri.prefixes, progress),
            ),
            Section::Announce(run) => {
                let run = self.picture.sheet.strip().runs().get(run);
                let (Some(run), Some(next_hop)) = (run, self.next_hop) else { return false };
                let attrs = &run.ranked.attrs;
                let between = put_announce(&profile, attrs, next_hop, nlri.octets, &mut draft.scratch);
                (between, self.source(nlri.prefixes, 0, progress))
            }
        };
        let end = draft.scratch.len();
        draft.push(Message {
            kind: codes::message::UPDATE,
            head: start..between,
            body: nlri.body,
            tail: between..end,
            octets: end - start + nlri.octets,
            source,
        });
        true
    }

    fn source(&self, announced: u32, withdrawn: u32, progress: &Progress) -> Source {
        Source::Lane { family: A::FAMILY, announced, withdrawn, after: *progress }
    }

    /// The NLRI of a message of this lane, where it is not in the draft.
    pub(super) fn body(&self, body: &Body) -> &[u8] {
        match (body, &self.picture.delta) {
            (Body::Strip(from, to), _) => self.picture.sheet.strip().bytes(*from, *to),
            (Body::Delta(from, to), Some(Pending::Shared(delta, _))) => delta.bytes(*from, *to),
            (Body::Delta(_, _), Some(Pending::Private(_)) | None) | (Body::None | Body::Own(_), _) => &[],
        }
    }
}
