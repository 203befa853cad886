//! Two machines joined by queues under virtual time, whatever the order, delay and loss.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

use fastrand::Rng;
use proptest::prelude::*;

use super::fixture::{at, drain, speaker};
use super::restart::is_restarting;
use super::*;
use crate::wire::{Capability, ErrorCode, Notification};

/// More actions than this of one speaker in one second are a busy loop.
const MOST_ACTIONS_A_SECOND: usize = 24;

/// What goes wrong, or what an operator does.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// TCP of every connection fails, and both ends learn of it.
    Cut,
    /// No packet of the present connections arrives any more, and nobody is told.
    Lose,
    /// For so many milliseconds nothing arrives; then it does.
    Stall(u64),
    /// A speaker forgets everything, and starts again.
    Crash(usize),
    /// An operator's reset.
    Reset(usize),
    /// A stop, and a start so many milliseconds later.
    Pause(usize, u64),
}

enum Delivery {
    Syn(usize),
    SynAck(usize),
    Accept(usize),
    Message(usize, usize, Incoming),
    Fin(usize, usize),
    Start(usize),
    Fault(Fault),
}

/// A TCP connection. Ends are by speaker, 0 and 1.
struct Link {
    dialler: usize,
    conn: [Option<ConnId>; 2],
    open: [bool; 2],
    /// What is sent to an end arrives in order: not before this.
    not_before: [Moment; 2],
    lost: bool,
}

struct Speaker {
    fsm: PeerFsm,
    config: FsmConfig,
    seed: u64,
    record: Vec<(Moment, Event)>,
    acted: Vec<(Moment, Action)>,
    links: HashMap<ConnId, usize>,
    up: Option<ConnId>,
    downs: usize,
    last_second: VecDeque<Moment>,
}

impl Speaker {
    fn new(config: FsmConfig, seed: u64) -> Self {
        Self {
            fsm: PeerFsm::new(config.clone(), seed),
            config,
            seed,
            record: Vec::new(),
            acted: Vec::new(),
            links: HashMap::new(),
            up: None,
            downs: 0,
            last_second: VecDeque::new(),
        }
    }

    /// Up and Down alternate, a restart is told once, and there is no busy loop.
    fn check(&mut self, now: Moment, action: &Action) {
        match action {
            Action::Up(conn, _) => assert_eq!(self.up.replace(*conn), None, "two Ups without a Down"),
            Action::Down(conn, _) => {
                assert_eq!(self.up.take(), Some(*conn), "a Down without its Up");
                self.downs += 1;
            }
            Action::Send(_, Outgoing::Open(open)) => {
                let is_first = self.up.is_none() && self.downs == 0;
                let restarting = is_restarting(&self.config.capabilities) && is_first;
                assert_eq!(is_restarting(&open.capabilities), restarting, "R up to the first session");
            }
            Action::Dial(_) | Action::Send(..) | Action::Close(_) | Action::AttemptFailed(..) => {}
        }
        self.last_second.push_back(now);
        self.last_second.retain(|then| *then + Duration::from_secs(1) > now);
        assert!(self.last_second.len() <= MOST_ACTIONS_A_SECOND, "a busy loop at {now:?}: {action:?}");
    }

    /// The recorded run gives the same actions again.
    fn check_replay(&self) {
        assert_eq!(replay(self.config.clone(), self.seed, self.record.clone()), self.acted);
    }
}

struct Pair {
    now: Moment,
    speakers: [Speaker; 2],
    links: Vec<Link>,
    queue: BTreeMap<(Moment, u64), Delivery>,
    sequence: u64,
    stalled_until: Moment,
    longest_delay_ms: u64,
    rng: Rng,
}

impl Pair {
    fn new(configs: [FsmConfig; 2], seed: u64, longest_delay_ms: u64) -> Self {
        let [first, second] = configs;
        Self {
            now: at(0),
            speakers: [Speaker::new(first, seed), Speaker::new(second, seed ^ 1)],
            links: Vec::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            stalled_until: at(0),
            longest_delay_ms,
            rng: Rng::with_seed(seed),
        }
    }

    fn schedule(&mut self, when: Moment, delivery: Delivery) {
        self.sequence += 1;
        self.queue.insert((when, self.sequence), delivery);
    }

    /// Sends a packet to one end of a link.
    fn packet(&mut self, link: usize, to: usize, delivery: Delivery) {
        let delay = Duration::from_millis(self.rng.u64(0..=self.longest_delay_ms));
        let path = &mut self.links[link];
        if !path.lost {
            let arrival = (self.now + delay).max(self.stalled_until).max(path.not_before[to]);
            path.not_before[to] = arrival;
            self.schedule(arrival, delivery);
        }
    }

    fn run_until(&mut self, end: Moment) {
        loop {
            let timers = [0, 1].map(|who| self.speakers[who].fsm.poll_deadline());
            let timer = timers.into_iter().flatten().min();
            let arrival = self.queue.keys().next().map(|key| key.0);
            let Some(next) = timer.into_iter().chain(arrival).min().filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                if let Some((_, delivery)) = self.queue.pop_first() {
                    self.deliver(delivery);
                }
            } else {
                let who = usize::from(timers[0] != timer);
                self.input(who, Event::Timeout);
                let left = self.speakers[who].fsm.poll_deadline();
                assert!(left.is_none_or(|left| left > self.now), "nothing stays due");
            }
            if self.rng.u8(0..8) == 0 {
                self.input(0, Event::Timeout);
                self.input(1, Event::Timeout);
            }
        }
        self.now = end;
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Start(who) => self.input(who, Event::Start),
            Delivery::Fault(fault) => self.fault(fault),
            Delivery::Syn(link) => {
                // The kernel answers; the driver comes to accept a little later.
                let dialler = self.links[link].dialler;
                self.packet(link, dialler, Delivery::SynAck(link));
                self.packet(link, 1 - dialler, Delivery::Accept(link));
            }
            Delivery::SynAck(link) => {
                let dialler = self.links[link].dialler;
                if let Some(conn) = self.links[link].conn[dialler].filter(|_| self.links[link].open[dialler])
                {
                    self.input(dialler, Event::Connected(conn));
                }
            }
            Delivery::Accept(link) => self.accept(link),
            Delivery::Message(link, to, message) => match self.links[link].conn[to] {
                Some(conn) if self.links[link].open[to] => self.input(to, Event::Message(conn, message)),
                Some(_) | None => self.packet(link, 1 - to, Delivery::Fin(link, 1 - to)),
            },
            Delivery::Fin(link, to) => {
                if std::mem::replace(&mut self.links[link].open[to], false)
                    && let Some(conn) = self.links[link].conn[to]
                {
                    self.input(to, Event::Closed(conn));
                }
            }
        }
    }

    fn accept(&mut self, link: usize) {
        let dialler = self.links[link].dialler;
        let who = 1 - dialler;
        let speaker = &mut self.speakers[who];
        speaker.record.push((self.now, Event::Accepted));
        match speaker.fsm.handle_accepted(self.now) {
            Ok(conn) => {
                self.links[link].conn[who] = Some(conn);
                self.links[link].open[who] = true;
                self.speakers[who].links.insert(conn, link);
            }
            Err(Refused(answer)) => {
                if let Some(answer) = answer {
                    self.packet(
                        link,
                        dialler,
                        Delivery::Message(link, dialler, Incoming::Notification(answer)),
                    );
                }
                self.packet(link, dialler, Delivery::Fin(link, dialler));
            }
        }
        self.act(who);
    }

    fn input(&mut self, who: usize, event: Event) {
        let speaker = &mut self.speakers[who];
        speaker.record.push((self.now, event.clone()));
        assert_eq!(speaker.fsm.handle(self.now, event), None);
        self.act(who);
    }

    fn act(&mut self, who: usize) {
        let other = 1 - who;
        for action in drain(&mut self.speakers[who].fsm) {
            let now = self.now;
            self.speakers[who].check(now, &action);
            self.speakers[who].acted.push((now, action.clone()));
            match action {
                Action::Dial(conn) => {
                    let mut ends = [None, None];
                    ends[who] = Some(conn);
                    let link = self.links.len();
                    let open = [who == 0, who == 1];
                    let not_before = [now; 2];
                    self.links.push(Link { dialler: who, conn: ends, open, not_before, lost: false });
                    self.speakers[who].links.insert(conn, link);
                    self.packet(link, other, Delivery::Syn(link));
                }
                Action::Send(conn, message) => {
                    let link = self.speakers[who].links[&conn];
                    assert!(self.links[link].open[who], "sent on a closed connection");
                    let message = match message {
                        Outgoing::Open(open) => Incoming::Open(open),
                        Outgoing::Keepalive => Incoming::Keepalive,
                        Outgoing::Notification(notification) => Incoming::Notification(notification),
                    };
                    self.packet(link, other, Delivery::Message(link, other, message));
                }
                Action::Close(conn) => {
                    let link = self.speakers[who].links[&conn];
                    let was_open = std::mem::replace(&mut self.links[link].open[who], false);
                    assert!(was_open, "closed twice");
                    self.packet(link, other, Delivery::Fin(link, other));
                }
                Action::Up(..) | Action::Down(..) | Action::AttemptFailed(..) => {}
            }
        }
    }

    fn fault(&mut self, fault: Fault) {
        let cease = || Notification::new(ErrorCode::ADMIN_RESET);
        match fault {
            Fault::Cut => {
                for link in 0..self.links.len() {
                    for to in [0, 1] {
                        self.packet(link, to, Delivery::Fin(link, to));
                    }
                }
            }
            Fault::Lose => self.links.iter_mut().for_each(|link| link.lost = true),
            Fault::Stall(ms) => self.stalled_until = self.now + Duration::from_millis(ms),
            Fault::Crash(who) => {
                self.speakers[who].check_replay();
                let (config, seed) = (self.speakers[who].config.clone(), self.rng.u64(..));
                self.speakers[who] = Speaker::new(config, seed);
                for link in &mut self.links {
                    link.conn[who] = None;
                    link.open[who] = false;
                }
                self.input(who, Event::Start);
            }
            Fault::Reset(who) => self.input(who, Event::Reset(cease())),
            Fault::Pause(who, ms) => {
                self.input(who, Event::Stop(Some(cease())));
                self.schedule(self.now + Duration::from_millis(ms), Delivery::Start(who));
            }
        }
    }

    /// The link on which both are Established.
    fn common_link(&self) -> Option<usize> {
        let link_of = |who: usize| -> Option<usize> {
            let speaker = &self.speakers[who];
            assert_eq!(speaker.fsm.established(), speaker.up, "the actions tell the state");
            speaker.up.map(|conn| speaker.links[&conn])
        };
        link_of(0).filter(|link| Some(*link) == link_of(1))
    }

    fn downs(&self) -> usize {
        self.speakers.iter().map(|speaker| speaker.downs).sum()
    }

    /// Both are Established on one connection, there is no other, and so it stays.
    fn check_settled(&mut self) {
        let link = self.common_link().expect("both Established on one connection");
        let downs = self.downs();
        self.run_until(self.now + Duration::from_secs(120));
        assert_eq!(self.common_link(), Some(link));
        assert_eq!(self.downs(), downs);
        let open: Vec<usize> =
            (0..self.links.len()).filter(|one| self.links[*one].open != [false; 2]).collect();
        assert_eq!(open, [link], "exactly one connection is left");
        self.speakers.iter().for_each(Speaker::check_replay);
    }
}

#[derive(Clone, Debug)]
struct Scene {
    ids: [u8; 2],
    hold_times: [u16; 2],
    passive: Option<usize>,
    graceful_restart: [bool; 2],
    connect_retry: u64,
    max_backoff: u64,
    delay_open_ms: [u64; 2],
    starts: [u64; 2],
    longest_delay_ms: u64,
    faults: Vec<(u64, Fault)>,
    seed: u64,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Cut),
        Just(Fault::Lose),
        (0_u64..20_000).prop_map(Fault::Stall),
        (0_usize..2).prop_map(Fault::Crash),
        (0_usize..2).prop_map(Fault::Reset),
        (0_usize..2, 0_u64..10_000).prop_map(|(who, ms)| Fault::Pause(who, ms)),
    ]
}

fn scene() -> impl Strategy<Value = Scene> {
    let delay_open = || prop_oneof![2 => Just(0_u64), 1 => Just(1_000), 1 => 1_u64..5_000];
    let hold_time = || prop_oneof![Just(0_u16), Just(3), Just(9), Just(30)];
    let speakers = (
        [1_u8..4, 1..4],
        [hold_time(), hold_time()],
        prop_oneof![3 => Just(None), 1 => (0_usize..2).prop_map(Some)],
        any::<[bool; 2]>(),
        1_u64..6,
        5_u64..61,
        [delay_open(), delay_open()],
    );
    let network = (
        [0_u64..3_000, 0..3_000],
        prop_oneof![Just(0_u64), Just(1), Just(20), Just(300), Just(3_000)],
        proptest::collection::vec((0_u64..90_000, fault()), 0..8),
        any::<u64>(),
    );
    (speakers, network).prop_map(|(speakers, (starts, longest_delay_ms, faults, seed))| {
        let (ids, hold_times, passive, graceful_restart, connect_retry, max_backoff, delay_open_ms) =
            speakers;
        // Without a hold time, or with one near the delay, a dead session stays, or a live one does not.
        let hold_times = if longest_delay_ms > 300 { [30, 30] } else { hold_times };
        let starts = if seed % 2 == 0 { [0, 0] } else { starts };
        Scene {
            ids,
            hold_times,
            passive,
            graceful_restart,
            connect_retry,
            max_backoff,
            delay_open_ms,
            starts,
            longest_delay_ms,
            faults,
            seed,
        }
    })
}

impl Scene {
    fn config(&self, who: usize) -> FsmConfig {
        let asns = [8075, 64500];
        let id = Ipv4Addr::new(10, 0, 0, self.ids[who]);
        let mut config = speaker(asns[who], id, asns[1 - who]);
        config.hold_time = self.hold_times[who];
        config.passive = self.passive == Some(who);
        config.timing = Timing {
            connect_retry: Duration::from_secs(self.connect_retry),
            max_backoff: Duration::from_secs(self.max_backoff),
            delay_open: Duration::from_millis(self.delay_open_ms[who]),
        };
        if self.graceful_restart[who] {
            config.capabilities.push(Capability::GracefulRestart {
                restarting: true,
                notification: false,
                restart_time: 120,
                families: vec![(1, 1, true)],
            });
        }
        config
    }

    fn play(&self) -> Pair {
        let configs = [self.config(0), self.config(1)];
        let mut pair = Pair::new(configs, self.seed, self.longest_delay_ms);
        for who in [0, 1] {
            pair.schedule(at(self.starts[who]), Delivery::Start(who));
        }
        let can_detect_death = self.hold_times.iter().all(|hold_time| *hold_time != 0);
        for (when, fault) in &self.faults {
            let needs_hold_timer = matches!(fault, Fault::Lose | Fault::Crash(_));
            if can_detect_death || !needs_hold_timer {
                pair.schedule(at(*when), Delivery::Fault(*fault));
            }
        }
        pair
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// After the last fault: at most the open hold (a lost connection before its OPEN), a hold time and back-offs.
    #[test]
    fn two_speakers_always_become_established_on_one_common_connection(scene in scene()) {
        let mut pair = scene.play();
        pair.run_until(at(120_000 + 400_000));
        pair.check_settled();
    }

    /// Without faults, and where somebody dials, it takes no more than a few tries.
    #[test]
    fn on_a_good_network_it_is_quick(scene in scene()) {
        let mut pair = Scene { faults: Vec::new(), longest_delay_ms: scene.longest_delay_ms.min(300), ..scene }.play();
        pair.run_until(at(60_000));
        pair.check_settled();
    }

    /// Events in any order, even such as no driver would report, leave the machine sound.
    #[test]
    fn no_order_of_events_breaks_the_machine(seed in any::<u64>(), steps in 1_usize..400) {
        let config = Scene { seed, ..still_scene() }.config(0);
        let mut rng = Rng::with_seed(seed);
        let mut speaker = Speaker::new(config, seed);
        let mut now = at(0);
        for _ in 0..steps {
            now = now + Duration::from_millis(1 << rng.u64(8..18));
            let event = any_event(&mut rng);
            speaker.record.push((now, event.clone()));
            drop(speaker.fsm.handle(now, event));
            for action in drain(&mut speaker.fsm) {
                speaker.check(now, &action);
                speaker.acted.push((now, action));
            }
            prop_assert_eq!(speaker.up, speaker.fsm.established());
            prop_assert_eq!(speaker.fsm.state() == State::Established, speaker.up.is_some());
        }
        speaker.check_replay();
    }
}

fn still_scene() -> Scene {
    Scene {
        ids: [2, 2],
        hold_times: [9, 9],
        passive: None,
        graceful_restart: [false, false],
        connect_retry: 1,
        max_backoff: 5,
        delay_open_ms: [0, 0],
        starts: [0, 0],
        longest_delay_ms: 20,
        faults: Vec::new(),
        seed: 0,
    }
}

fn any_event(rng: &mut Rng) -> Event {
    let conn = ConnId(rng.u64(0..30));
    let notification = Notification::new(ErrorCode(rng.u8(1..8), rng.u8(0..9)));
    let open = our_open(&Scene { ids: [2, rng.u8(0..4)], ..still_scene() }.config(1));
    match rng.u8(0..28) {
        0 => Event::Start,
        1 if rng.bool() => Event::Stop(rng.bool().then_some(notification)),
        1 | 2 => Event::Start,
        3 => Event::Reset(notification),
        4..=8 => Event::Accepted,
        9..=12 => Event::Connected(conn),
        13 => Event::ConnectFailed(conn),
        14 => Event::Closed(conn),
        15..=18 => Event::Message(conn, Incoming::Open(open)),
        19..=21 => Event::Message(conn, Incoming::Keepalive),
        22 => Event::Message(conn, Incoming::Update),
        23 => Event::Message(conn, Incoming::Notification(notification)),
        24 => Event::Message(conn, Incoming::Malformed(notification)),
        25 => Event::SendHold(conn),
        26 => Event::Timing(Timing {
            connect_retry: Duration::from_secs(rng.u64(1..9)),
            max_backoff: Duration::from_secs(rng.u64(1..90)),
            delay_open: Duration::from_millis(rng.u64(0..3) * rng.u64(0..4_000)),
        }),
        _ => Event::Timeout,
    }
}

/// Both start at once, three thousand times: a collision is over within 3 s, and hardly ever costs a session that was
/// up already, though each packet's delay is its own.
#[test]
fn a_simultaneous_start_is_over_soon() {
    let (mut collisions, mut downs) = (0, 0);
    for seed in 0..1_000 {
        for longest_delay_ms in [1, 20, 100] {
            let mut pair = Scene { seed, longest_delay_ms, ..still_scene() }.play();
            pair.run_until(at(3_000));
            assert!(pair.common_link().is_some(), "seed {seed}, {longest_delay_ms} ms");
            collisions += usize::from(pair.links.len() > 1);
            downs += pair.downs();
        }
    }
    assert!(collisions > 1_000, "only {collisions} collided, which shows nothing");
    assert!(downs * 10 < collisions, "{downs} sessions lost in {collisions} collisions");
}
