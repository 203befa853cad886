//! Lanes of both families side by side.

use std::fmt::Debug;

use super::draft::{Body, Draft};
use super::lane::{Lane, Start};
use super::picture::Progress;
use super::profile::{Announcing, SessionProfile};
use super::step::Phase;
use super::told::Told;
use super::view::{InView, View};

/// A lane of a new session.
pub(super) fn lane<A: InView>(
    profile: &SessionProfile,
    view: &View,
    announcing: Announcing,
) -> Box<dyn AnyLane> {
    let (family_profile, next_hop) = profile.of(A::FAMILY);
    let start = Start {
        profile: family_profile,
        next_hop,
        enhanced_route_refresh: profile.enhanced_route_refresh,
        announcing,
    };
    Box::new(Lane::new(A::sheet(view), start))
}

/// A lane of either family; each function is the one of the same name of [`Lane`] or of its picture.
pub(super) trait AnyLane: Debug + Send + Sync {
    fn set_view(&mut self, view: &View);
    fn set_announcing(&mut self, announcing: Announcing);
    fn refresh(&mut self);
    fn has_work(&self) -> bool;
    fn progress(&self) -> Progress;
    fn step(&self, phase: Phase, progress: &mut Progress, draft: &mut Draft) -> bool;
    fn body(&self, body: &Body) -> &[u8];
    fn commit(&mut self, progress: Progress);
    fn settle(&mut self);
    fn told(&self) -> Told;
    fn advertised(&self) -> u64;
    fn pending(&self) -> u64;
    fn private_bytes(&self) -> usize;
    #[cfg(test)]
    fn said(&self, net: &ipnet::IpNet) -> super::zones::Said;
    #[cfg(test)]
    fn waits_for_zone(&self) -> bool;
}

impl<A: InView> AnyLane for Lane<A> {
    fn set_view(&mut self, view: &View) {
        self.set_sheet(A::sheet(view));
    }

    fn set_announcing(&mut self, announcing: Announcing) {
        Lane::set_announcing(self, announcing);
    }

    fn refresh(&mut self) {
        Lane::refresh(self);
    }

    fn has_work(&self) -> bool {
        Lane::has_work(self)
    }

    fn progress(&self) -> Progress {
        self.picture.progress
    }

    fn step(&self, phase: Phase, progress: &mut Progress, draft: &mut Draft) -> bool {
        Lane::step(self, phase, progress, draft)
    }

    fn body(&self, body: &Body) -> &[u8] {
        Lane::body(self, body)
    }

    fn commit(&mut self, progress: Progress) {
        Lane::commit(self, progress);
    }

    fn settle(&mut self) {
        Lane::settle(self);
    }

    fn told(&self) -> Told {
        Told::new(self.picture.clone(), self.profile, self.next_hop)
    }

    fn advertised(&self) -> u64 {
        self.picture.advertised()
    }

    fn pending(&self) -> u64 {
        self.picture.pending()
    }

    fn private_bytes(&self) -> usize {
        Lane::private_bytes(self)
    }

    #[cfg(test)]
    fn said(&self, net: &ipnet::IpNet) -> super::zones::Said {
        crate::rib::Prefix::of_net(net)
            .map_or(super::zones::Said::Nothing, |prefix| self.picture.said(prefix))
    }

    #[cfg(test)]
    fn waits_for_zone(&self) -> bool {
        self.wanted.is_some()
    }
}
