//! Two machines joined by queues, in any order of arrival that TCP allows.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use peeringd::fsm::{Action, ConnId, Event, FsmConfig, Incoming, Moment, Outgoing};

use crate::machine::Watched;

enum Packet {
    Syn,
    SynAck,
    Message(Incoming),
    Fin,
}

/// A TCP connection; what is of an end is by machine, 0 and 1.
#[derive(Default)]
struct Link {
    conn: [Option<ConnId>; 2],
    /// On the way to an end.
    queue: [VecDeque<Packet>; 2],
    is_over: [bool; 2],
}

/// Two speakers, each the other's peer.
pub struct Pair {
    now: Moment,
    machines: [Watched; 2],
    links: Vec<Link>,
    /// The link of a connection of a machine.
    of: [HashMap<ConnId, usize>; 2],
}

impl Pair {
    /// Two machines that have not started.
    #[must_use]
    pub fn new(configs: [FsmConfig; 2], seed: u64) -> Self {
        let [first, second] = configs;
        Self {
            now: Moment::default(),
            machines: [Watched::new(first, seed), Watched::new(second, seed ^ 1)],
            links: Vec::new(),
            of: [HashMap::new(), HashMap::new()],
        }
    }

    /// Tells a machine something, and carries out what it asks for.
    pub fn tell(&mut self, who: usize, event: Event) {
        let (actions, _) = self.machines[who].tell(self.now, event);
        self.act(who, actions);
    }

    fn act(&mut self, who: usize, actions: Vec<Action>) {
        let other = 1 - who;
        for action in actions {
            match action {
                Action::Dial(conn) => {
                    let mut link = Link::default();
                    link.conn[who] = Some(conn);
                    link.queue[other].push_back(Packet::Syn);
                    self.of[who].insert(conn, self.links.len());
                    self.links.push(link);
                }
                Action::Send(conn, message) => self.put(who, conn, Packet::Message(received(message))),
                Action::Close(conn) => {
                    self.put(who, conn, Packet::Fin);
                    if let Some(link) = self.of[who].get(&conn) {
                        self.links[*link].is_over[who] = true;
                    }
                }
                Action::Up(..) | Action::Down(..) | Action::AttemptFailed(..) => {}
            }
        }
    }

    fn put(&mut self, from: usize, conn: ConnId, packet: Packet) {
        let link = self.of[from].get(&conn).expect("a connection that is there");
        self.links[*link].queue[1 - from].push_back(packet);
    }

    /// Where something is on its way to.
    fn waiting(&self) -> Vec<(usize, usize)> {
        let ends = self.links.iter().enumerate().flat_map(|(link, of)| {
            [0, 1].into_iter().filter(|to| !of.queue[*to].is_empty()).map(move |to| (link, to))
        });
        ends.collect()
    }

    /// Lets the `nth` of what could arrive next arrive; false where nothing could.
    pub fn deliver(&mut self, nth: usize) -> bool {
        let waiting = self.waiting();
        if waiting.is_empty() {
            return false;
        }
        let (link, to) = waiting[nth % waiting.len()];
        let Some(packet) = self.links[link].queue[to].pop_front() else { return false };
        if self.links[link].is_over[to] {
            return true;
        }
        match (packet, self.links[link].conn[to]) {
            (Packet::Syn, _) => self.accept(link, to),
            (Packet::SynAck, Some(conn)) => self.tell(to, Event::Connected(conn)),
            (Packet::Message(message), Some(conn)) => self.tell(to, Event::Message(conn, message)),
            (Packet::Fin, conn) => {
                self.links[link].is_over[to] = true;
                if let Some(conn) = conn {
                    self.tell(to, Event::Closed(conn));
                }
            }
            // The answer to who was refused, before the end.
            (Packet::SynAck | Packet::Message(_), None) => {}
        }
        true
    }

    fn accept(&mut self, link: usize, to: usize) {
        let from = 1 - to;
        self.links[link].queue[from].push_back(Packet::SynAck);
        let (actions, answer) = self.machines[to].tell(self.now, Event::Accepted);
        match answer.expect("an answer") {
            Ok(conn) => {
                self.links[link].conn[to] = Some(conn);
                self.of[to].insert(conn, link);
            }
            Err(refused) => {
                let said = refused.0.map(|n| Packet::Message(Incoming::Notification(n)));
                self.links[link].queue[from].extend(said);
                self.links[link].queue[from].push_back(Packet::Fin);
                self.links[link].is_over[to] = true;
            }
        }
        self.act(to, actions);
    }

    /// TCP of the `nth` connection fails, and both ends learn of it.
    pub fn cut(&mut self, nth: usize) {
        let count = self.links.len().max(1);
        if let Some(link) = self.links.get_mut(nth % count) {
            for to in [0, 1] {
                link.queue[to].clear();
                link.queue[to].push_back(Packet::Fin);
            }
        }
    }

    /// Time goes by, and what is due is done.
    pub fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        for who in [0, 1] {
            if self.machines[who].fsm().poll_deadline().is_some_and(|at| at <= self.now) {
                self.tell(who, Event::Timeout);
            }
        }
    }

    /// The link of the session that both have, where they have one and nothing else.
    fn common_link(&self) -> Option<usize> {
        let [first, second] = [0, 1].map(|who| {
            let conn = self.machines[who].fsm().established()?;
            (self.machines[who].connections() == 1).then(|| self.of[who].get(&conn).copied())?
        });
        first.filter(|_| first == second)
    }

    /// From here on nothing goes wrong: the two must find each other, end up on one connection, and stay there.
    pub fn settle(mut self) {
        for who in [0, 1] {
            self.tell(who, Event::Start);
        }
        let mut end = self.now + Duration::from_secs(600);
        let (mut deliveries, mut found) = (0_usize, None);
        loop {
            while self.deliver(0) {
                deliveries += 1;
                assert!(deliveries < 20_000, "messages without end");
            }
            if found.is_none() && self.common_link().is_some() {
                found = self.common_link();
                end = self.now + Duration::from_secs(30);
            }
            let due = self.machines.iter().filter_map(|machine| machine.fsm().poll_deadline()).min();
            let Some(due) = due.filter(|due| *due <= end) else { break };
            self.pass(due.max(self.now).0 - self.now.0);
        }
        assert!(found.is_some(), "no session in 600 s without faults");
        assert_eq!(self.common_link(), found, "another session than the first");
        self.machines.into_iter().for_each(Watched::check_replay);
    }
}

fn received(message: Outgoing) -> Incoming {
    match message {
        Outgoing::Open(open) => Incoming::Open(open),
        Outgoing::Keepalive => Incoming::Keepalive,
        Outgoing::Notification(notification) => Incoming::Notification(notification),
    }
}
