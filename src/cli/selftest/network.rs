//! Two state machines joined by queues under virtual time: hours pass in a moment.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use fastrand::Rng;

use crate::fsm::{Action, ConnId, FsmConfig, Incoming, Moment, Outgoing, PeerFsm};

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Who {
    First,
    Second,
}

impl Who {
    pub(super) const BOTH: [Self; 2] = [Self::First, Self::Second];

    fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// What is on its way to an end of a link.
enum Packet {
    Start,
    Syn,
    SynAck,
    Message(Incoming),
    Fin,
}

/// An end of a TCP connection.
#[derive(Default)]
struct End {
    conn: Option<ConnId>,
    is_over: bool,
    /// What is sent to it arrives in order.
    not_before: Moment,
}

/// Two speakers and what is between them.
pub(super) struct Network {
    now: Moment,
    machines: [PeerFsm; 2],
    ends: HashMap<(usize, Who), End>,
    links: HashMap<(Who, ConnId), usize>,
    queue: BTreeMap<(Moment, u64), (usize, Who, Packet)>,
    packets: u64,
    longest_delay_ms: u64,
    rng: Rng,
    /// What each machine asked for, and when.
    pub(super) actions: Vec<(Moment, Who, Action)>,
}

impl Network {
    /// Two machines, of which each starts at its own moment; packets take up to so many milliseconds, each its own time.
    pub(super) fn new(
        configs: [FsmConfig; 2],
        starts_ms: [u64; 2],
        longest_delay_ms: u64,
        seed: u64,
    ) -> Self {
        let [first, second] = configs;
        let mut network = Self {
            now: Moment::default(),
            machines: [PeerFsm::new(first, seed), PeerFsm::new(second, seed ^ 1)],
            ends: HashMap::new(),
            links: HashMap::new(),
            queue: BTreeMap::new(),
            packets: 0,
            longest_delay_ms,
            rng: Rng::with_seed(seed),
            actions: Vec::new(),
        };
        for (who, start) in Who::BOTH.into_iter().zip(starts_ms) {
            network.put(Moment(Duration::from_millis(start)), usize::MAX, who, Packet::Start);
        }
        network
    }

    pub(super) fn machine(&mut self, who: Who) -> &mut PeerFsm {
        let [first, second] = &mut self.machines;
        match who {
            Who::First => first,
            Who::Second => second,
        }
    }

    fn put(&mut self, at: Moment, link: usize, to: Who, packet: Packet) {
        self.packets = self.packets.saturating_add(1);
        self.queue.insert((at, self.packets), (link, to, packet));
    }

    fn send(&mut self, link: usize, to: Who, packet: Packet) {
        let delay = Duration::from_millis(self.rng.u64(0..=self.longest_delay_ms));
        let end = self.ends.entry((link, to)).or_default();
        let at = (self.now + delay).max(end.not_before);
        end.not_before = at;
        self.put(at, link, to, packet);
    }

    /// Lets everything happen up to a moment.
    pub(super) fn run_until(&mut self, end: Moment) {
        loop {
            let [first, second] = &self.machines;
            let timers = first.poll_deadline().into_iter().chain(second.poll_deadline());
            let packets = self.queue.keys().next().map(|(at, _)| *at);
            let Some(next) = timers.chain(packets).min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            match self.queue.first_entry().filter(|entry| entry.key().0 <= next) {
                Some(entry) => {
                    let (link, to, packet) = entry.remove();
                    self.deliver(link, to, packet);
                }
                None => {
                    let now = self.now;
                    for who in Who::BOTH {
                        self.machine(who).handle_timeout(now);
                        self.act(who);
                    }
                }
            }
        }
        self.now = end;
    }

    fn deliver(&mut self, link: usize, to: Who, packet: Packet) {
        let now = self.now;
        let end = self.ends.entry((link, to)).or_default();
        if end.is_over {
            return;
        }
        let conn = end.conn;
        end.is_over |= matches!(packet, Packet::Fin);
        match (packet, conn) {
            (Packet::Start, _) => self.machine(to).handle_start(now),
            (Packet::Syn, _) => self.accept(link, to),
            (Packet::SynAck, Some(conn)) => self.machine(to).handle_connected(now, conn),
            (Packet::Message(message), Some(conn)) => self.machine(to).handle_message(now, conn, message),
            (Packet::Fin, Some(conn)) => self.machine(to).handle_closed(now, conn),
            (Packet::SynAck | Packet::Message(_) | Packet::Fin, None) => {}
        }
        self.act(to);
    }

    fn accept(&mut self, link: usize, to: Who) {
        let now = self.now;
        self.send(link, to.other(), Packet::SynAck);
        match self.machine(to).handle_accepted(now) {
            Ok(conn) => {
                self.ends.entry((link, to)).or_default().conn = Some(conn);
                self.links.insert((to, conn), link);
            }
            Err(refused) => {
                if let Some(notification) = refused.0 {
                    self.send(link, to.other(), Packet::Message(Incoming::Notification(notification)));
                }
                self.send(link, to.other(), Packet::Fin);
                self.ends.entry((link, to)).or_default().is_over = true;
            }
        }
    }

    /// Carries out what a machine asks for.
    fn act(&mut self, who: Who) {
        while let Some(action) = self.machine(who).poll_action() {
            self.actions.push((self.now, who, action.clone()));
            match action {
                Action::Dial(conn) => {
                    let link = self.links.len();
                    self.links.insert((who, conn), link);
                    self.ends.entry((link, who)).or_default().conn = Some(conn);
                    self.send(link, who.other(), Packet::Syn);
                }
                Action::Send(conn, message) => self.on(who, conn, Packet::Message(received(message))),
                Action::Close(conn) => {
                    self.on(who, conn, Packet::Fin);
                    if let Some(link) = self.links.get(&(who, conn)) {
                        self.ends.entry((*link, who)).or_default().is_over = true;
                    }
                }
                Action::Up(..) | Action::Down(..) | Action::AttemptFailed(..) => {}
            }
        }
    }

    fn on(&mut self, who: Who, conn: ConnId, packet: Packet) {
        if let Some(link) = self.links.get(&(who, conn)).copied() {
            self.send(link, who.other(), packet);
        }
    }

    /// How many connections there have been.
    pub(super) fn dialled(&self) -> usize {
        self.actions.iter().filter(|(_, _, action)| matches!(action, Action::Dial(_))).count()
    }

    /// The link that is the session of both, and who dialled it; `None` where they do not agree.
    pub(super) fn common_link(&self) -> Option<(usize, Who)> {
        let [first, second] = &self.machines;
        let link = |who, machine: &PeerFsm| self.links.get(&(who, machine.established()?)).copied();
        let (a, b) = (link(Who::First, first)?, link(Who::Second, second)?);
        let dialled = first.negotiated()?.direction == crate::fsm::Direction::Outbound;
        (a == b).then_some((a, if dialled { Who::First } else { Who::Second }))
    }
}

fn received(message: Outgoing) -> Incoming {
    match message {
        Outgoing::Open(open) => Incoming::Open(open),
        Outgoing::Keepalive => Incoming::Keepalive,
        Outgoing::Notification(notification) => Incoming::Notification(notification),
    }
}
