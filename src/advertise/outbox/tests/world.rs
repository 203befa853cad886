//! An outbox under events, and the peer that hears it.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::{Error, ErrorKind};
use std::sync::Weak;

use super::super::super::naive::{self, Heard};
use super::super::super::zones::Said;
use super::*;
use crate::rib::{Generation, InGeneration};

/// An outbox, the boards that its views come from, and the peer.
pub(super) struct World {
    ranks: Ranks,
    boards: VecDeque<(Board, Routes)>,
    made: Vec<Weak<Generation>>,
    attrs: HashMap<u32, Arc<AttrSet>>,
    outbox: Outbox,
    session: SessionProfile,
    selector: Selector,
    announcing: Announcing,
    /// Which of `boards` the outbox is on.
    on: usize,
    pub(super) peer: Peer,
}

/// What the peer heard, each message as soon as its first octet came.
#[derive(Default)]
pub(super) struct Peer {
    holds: BTreeMap<IpNet, Heard>,
    /// Octets of the last message that are yet to come.
    rest: usize,
    stream: Vec<u8>,
    begun: Vec<Vec<u8>>,
    pub(super) words: Vec<Word>,
    ended: PerFamily<bool>,
    /// Between BoRR and EoRR: what was not announced since.
    stale: PerFamily<Option<BTreeSet<IpNet>>>,
}

#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A new generation: prefixes set to a spec, or taken out.
    Install(Vec<(usize, Option<usize>)>),
    /// The same from in sync, where just the changes may go out.
    InstallInSync(Vec<(usize, Option<usize>)>),
    Empty,
    /// The generation before, or back.
    Rollback,
    Select(usize),
    Announce(Announcing),
    Refresh(Family),
    Reconnect(usize, Announcing),
    Keepalive,
    /// So many octets are taken; the turn's budget.
    Write(usize, usize),
}

impl World {
    pub(super) fn new(routes: Routes, session: SessionProfile) -> Self {
        let mut world = Self {
            ranks: Ranks::new(),
            boards: VecDeque::new(),
            made: Vec::new(),
            attrs: HashMap::new(),
            outbox: Outbox::new(),
            session,
            selector: selectors()[0].clone(),
            announcing: Announcing::Yes,
            on: 0,
            peer: Peer::default(),
        };
        world.install(routes);
        world.connect();
        world
    }

    /// Makes a generation and lets the oldest board but one go. Tells nobody.
    fn install(&mut self, routes: Routes) {
        let previous = self.boards.back().map(|(board, _)| board.generation().clone());
        let number = u32::try_from(self.made.len() + 1).unwrap();
        let made = Arc::new(sample::generation(&routes, previous.as_deref(), &mut self.ranks, number));
        self.made.push(Arc::downgrade(&made));
        self.learn::<u32>(&made);
        self.learn::<u128>(&made);
        let board = match self.boards.back() {
            Some((board, _)) => board.next(made),
            None => Board::new(made),
        };
        if number.is_multiple_of(2) {
            board.prepare(std::slice::from_ref(&self.session));
        }
        self.boards.push_back((board, routes));
        if self.boards.len() > 2 {
            self.boards.pop_front();
        }
        self.on = self.boards.len() - 1;
    }

    fn learn<A: InGeneration>(&mut self, generation: &Generation) {
        for run in A::table(generation).strip().runs() {
            self.attrs.insert(run.ranked.attrs_id, run.ranked.attrs.clone());
        }
    }

    fn view(&self) -> Arc<View> {
        self.boards[self.on].0.view(&self.selector)
    }

    fn retarget(&mut self) {
        self.outbox.set_view(self.view());
        self.check();
    }

    fn connect(&mut self) {
        self.outbox.down();
        self.peer = Peer::default();
        self.outbox.up(self.session.clone(), self.view(), self.announcing);
        self.check();
    }

    fn changed(&self, changes: &[(usize, Option<usize>)]) -> Routes {
        let mut routes = self.boards[self.on].1.clone();
        for (net, spec) in changes {
            match spec {
                Some(spec) => routes.insert(universe()[*net], specs()[*spec].clone()),
                None => routes.remove(&universe()[*net]),
            };
        }
        routes
    }

    pub(super) fn apply(&mut self, event: Event) {
        match event {
            Event::Install(changes) => {
                self.install(self.changed(&changes));
                self.retarget();
            }
            Event::InstallInSync(changes) => self.install_in_sync(&changes),
            Event::Empty => {
                self.install(Routes::new());
                self.retarget();
            }
            Event::Rollback => {
                self.on = (self.on + 1) % self.boards.len();
                self.retarget();
            }
            Event::Select(selector) => {
                self.selector = selectors()[selector].clone();
                self.retarget();
            }
            Event::Announce(announcing) => {
                self.announcing = announcing;
                self.outbox.set_announcing(announcing);
                self.check();
            }
            Event::Refresh(family) => self.outbox.refresh(family),
            Event::Reconnect(session, announcing) => {
                self.session = sessions()[session].clone();
                self.announcing = announcing;
                self.connect();
            }
            Event::Keepalive => self.outbox.control(keepalive()),
            Event::Write(octets, budget) => {
                self.write(octets, budget);
            }
        }
        let alive = self.made.iter().filter(|made| made.strong_count() > 0).count();
        assert!(alive <= 3, "{alive} generations are alive");
    }

    /// From in sync, the changed prefixes go out, each once, withdrawals first, and nothing else does.
    fn install_in_sync(&mut self, changes: &[(usize, Option<usize>)]) {
        self.drain();
        let before = self.desired();
        self.install(self.changed(changes));
        let heard = self.peer.words.len();
        self.retarget();
        self.drain();
        let after = self.desired();
        for of in Family::ALL {
            let mut announced = Vec::new();
            let mut withdrawn = Vec::new();
            for word in &self.peer.words[heard..] {
                match word {
                    Word::Withdraw(nets) if family(&nets[0]) == of => {
                        assert!(announced.is_empty(), "a withdrawal behind an announcement");
                        withdrawn.extend(nets);
                    }
                    Word::Announce(nets, _) if family(&nets[0]) == of => announced.extend(nets),
                    Word::Withdraw(_) | Word::Announce(..) => {}
                    Word::EndOfRib(_) | Word::Refresh(..) | Word::Other(_) => panic!("{word:?} from in sync"),
                }
            }
            let differ = |net: &&IpNet| family(net) == of && before.get(net) != after.get(net);
            let mut gone: Vec<_> = before.keys().filter(differ).filter(|n| !after.contains_key(n)).collect();
            let mut new: Vec<_> = after.keys().filter(differ).collect();
            gone.sort_unstable();
            new.sort_unstable();
            announced.sort_unstable();
            withdrawn.sort_unstable();
            assert_eq!((withdrawn, announced), (gone, new));
        }
    }

    /// One turn, of which the socket takes so many octets.
    fn write(&mut self, octets: usize, budget: usize) -> Outcome {
        let waits = self.outbox.all().any(|lane| lane.waits_for_zone());
        let mut left = octets;
        let mut taken = Vec::new();
        let wrote = self.outbox.write(100, budget, &mut |slices| {
            assert!(slices.len() <= 192 && !slices.is_empty());
            let all: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            let now = left.min(all.len());
            left -= now;
            if now == 0 {
                return Err(Error::from(ErrorKind::WouldBlock));
            }
            taken.push((all, now));
            Ok(now)
        });
        let wrote = wrote.unwrap();
        assert_eq!(wrote.bytes, taken.iter().map(|(_, now)| now).sum::<usize>());
        for (all, now) in taken {
            self.hear(&all, now, waits);
        }
        self.check();
        wrote.outcome
    }

    /// Writes until nothing is left; then the peer holds what it should.
    pub(super) fn drain(&mut self) {
        for _ in 0..10_000 {
            if self.write(usize::MAX, usize::MAX) == Outcome::Drained {
                break;
            }
        }
        assert!(!self.outbox.wants_write() && self.outbox.control_is_flushed());
        assert_eq!(self.peer.holds, self.desired());
        for of in Family::ALL {
            let count = self.peer.holds.keys().filter(|net| family(net) == of).count();
            assert_eq!(*self.outbox.advertised().get(of), count as u64);
            assert_eq!(*self.outbox.pending().get(of), 0);
            assert_eq!(self.outbox.end_of_rib_sent().get(of), self.session.families.get(of));
            assert_eq!(self.outbox.end_of_rib_sent().get(of), self.peer.ended.get(of));
            assert_eq!(self.outbox.synced_at().get(of).is_some(), *self.session.families.get(of));
        }
        assert_eq!(self.outbox.private_bytes(), 0);
        assert_eq!(self.peer.begun.concat(), self.peer.stream);
        assert!(self.outbox.counters().bytes >= self.peer.stream.len() as u64);
    }

    /// The peer gets the first `now` octets of what was offered.
    fn hear(&mut self, all: &[u8], now: usize, waits: bool) {
        self.peer.stream.extend_from_slice(&all[..now]);
        let mut at = self.peer.rest.min(now);
        self.peer.rest -= at;
        while at < now {
            let len = usize::from(u16::from_be_bytes([all[at + 16], all[at + 17]]));
            let message = all[at..at + len].to_vec();
            let taken = len.min(now - at);
            (at, self.peer.rest) = (at + taken, len - taken);
            let word = naive::read(&message, self.session.max_message_len);
            self.understand(&word, waits);
            self.peer.words.push(word);
            self.peer.begun.push(message);
        }
    }

    fn understand(&mut self, word: &Word, waits: bool) {
        match word {
            Word::Withdraw(nets) => {
                for net in nets {
                    self.peer.holds.remove(net);
                    if let Some(stale) = self.peer.stale.get_mut(family(net)) {
                        stale.remove(net);
                    }
                }
            }
            Word::Announce(nets, heard) => {
                for net in nets {
                    assert!(self.may_say(net, heard, waits), "obsolete: {net} {heard:?}");
                    self.peer.holds.insert(*net, heard.clone());
                    if let Some(stale) = self.peer.stale.get_mut(family(net)) {
                        stale.remove(net);
                    }
                }
            }
            Word::EndOfRib(of) => {
                assert!(!std::mem::replace(self.peer.ended.get_mut(*of), true), "End-of-RIB twice");
                self.check_whole(*of, waits);
            }
            Word::Refresh(of, 1) => {
                assert!(self.peer.ended.get(*of) == &true, "BoRR before End-of-RIB");
                let held = self.peer.holds.keys().filter(|net| family(net) == *of);
                let before = self.peer.stale.get_mut(*of).replace(held.copied().collect());
                assert_eq!(before, None);
            }
            Word::Refresh(of, 2) => {
                assert_eq!(self.peer.stale.get_mut(*of).take(), Some(BTreeSet::new()), "EoRR would purge");
                self.check_whole(*of, waits);
            }
            Word::Other(4) => {}
            Word::Refresh(..) | Word::Other(_) => panic!("{word:?}"),
        }
    }

    /// At an end mark the peer holds all that it should.
    fn check_whole(&self, of: Family, waits: bool) {
        if !waits {
            let mut want = self.desired();
            want.retain(|net, _| family(net) == of);
            let mut holds = self.peer.holds.clone();
            holds.retain(|net, _| family(net) == of);
            assert_eq!(holds, want);
        }
    }

    /// Whether an announcement is of the table and the ink of now. An ink that waits for one before it may be late.
    fn may_say(&self, net: &IpNet, heard: &Heard, waits: bool) -> bool {
        let inks = [Announcing::Yes, Announcing::GracefulShutdown];
        inks.into_iter()
            .filter(|ink| waits || *ink == self.announcing)
            .any(|ink| self.desired_as(ink).get(net) == Some(heard))
    }

    fn desired(&self) -> BTreeMap<IpNet, Heard> {
        self.desired_as(self.announcing)
    }

    /// What the peer should hold in the end, worked out without anything of the hot path.
    fn desired_as(&self, announcing: Announcing) -> BTreeMap<IpNet, Heard> {
        if announcing == Announcing::No {
            return BTreeMap::new();
        }
        let gshut = announcing == Announcing::GracefulShutdown;
        let Selector { peering, location } = &self.selector;
        let routes = self.boards[self.on].1.iter().filter(|(net, spec)| {
            let here = spec.locations.is_empty()
                || location.as_ref().is_some_and(|l| spec.locations.iter().any(|s| **s == **l));
            let this = spec.peerings.is_empty() || spec.peerings.iter().any(|p| **p == **peering);
            here && this && *self.session.families.get(family(net))
        });
        let heard = |(net, spec): (&IpNet, &Spec)| {
            Some((*net, naive::route(&self.session, family(net), &spec.attrs, gshut)?))
        };
        routes.filter_map(heard).collect()
    }

    /// T(x) is what the peer holds, for every x, by every way to ask.
    fn check(&self) {
        for net in universe() {
            let said = self.outbox.lane(family(&net)).map_or(Said::Nothing, |lane| lane.said(&net));
            let heard = match said {
                Said::Nothing => None,
                Said::Route { attrs, stroke } => {
                    let heard = naive::route(&self.session, family(&net), &self.attrs[&attrs], stroke.gshut);
                    Some(heard.unwrap())
                }
            };
            assert_eq!(heard.as_ref(), self.peer.holds.get(&net), "{net}");
        }
        Family::ALL.into_iter().for_each(|of| self.check_told(of));
    }

    fn check_told(&self, of: Family) {
        let Some(told) = self.outbox.told(of) else { return };
        let holds: Vec<_> = self.peer.holds.iter().filter(|(net, _)| family(net) == of).collect();
        assert_eq!(told.count(), holds.len() as u64);
        let page = told.page(None, usize::MAX);
        assert_eq!(
            page.iter().map(|r| &r.prefix).collect::<Vec<_>>(),
            holds.iter().map(|h| h.0).collect::<Vec<_>>()
        );
        for (route, (_, heard)) in page.iter().zip(&holds) {
            if let Some(attrs) = &route.attrs {
                let shown = naive::route(&self.session, of, attrs, false);
                assert_eq!(shown.as_ref(), Some(*heard), "{route:?}");
            } else {
                assert!(route.stale);
            }
        }
        if !self.peer.stream.len().is_multiple_of(3) {
            return;
        }
        let mut paged = Vec::new();
        let mut after = None;
        while let Some(route) = told.page(after, 1).pop() {
            after = Some(route.prefix);
            paged.push(route.prefix);
        }
        assert_eq!(paged, page.iter().map(|r| r.prefix).collect::<Vec<_>>());
    }
}
