//! A thread's share of the sessions: dials, waits for events, and keeps time.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bench_receiver::now;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::args::Args;
use crate::report::Report;
use crate::session::{End, Session, Stage};

/// Seconds between two tries of the one session that waits for the speaker to listen.
const PROBE_EVERY: f64 = 0.002;
/// Seconds until a session dials again that a speaker closed early, though it does listen.
const DIAL_AGAIN_AFTER: f64 = 0.05;
/// Large enough that reads cost little, small enough to stay in the processor's cache.
const BUFFER: usize = 1 << 20;
/// What connect(2) says while it goes on.
const EINPROGRESS: i32 = 115;

enum Slot {
    Waiting { number: usize, dial_at: f64 },
    Open(Box<Session>),
    Failed,
}

/// Runs the sessions with `number % threads == thread` until all sessions everywhere are done and watched.
pub fn run(thread: usize, args: &Args, report: &Report) -> io::Result<()> {
    let threads = args.threads.clamp(1, args.sessions);
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    // Touched before anything is timed.
    let mut buffer = vec![0; BUFFER];
    buffer.fill(0xff);
    let mut slots: Vec<Slot> = (thread..args.sessions)
        .step_by(threads)
        .map(|number| Slot::Waiting { number, dial_at: 0.0 })
        .collect();
    let mut watch_until = None;
    loop {
        let mut wait = 0.1;
        let mut places = places(&slots, args.at_once.div_ceil(threads));
        for (index, slot) in slots.iter_mut().enumerate() {
            if let Slot::Waiting { number, dial_at } = slot {
                let probing = *number == 0 || report.reachable.load(Ordering::Relaxed);
                if probing && places > 0 && now() >= *dial_at {
                    places -= 1;
                    *slot = dial(*number, args, &poll, Token(index))?;
                }
                wait = PROBE_EVERY;
            }
        }
        poll.poll(&mut events, Some(Duration::from_secs_f64(wait)))?;
        for event in &events {
            let Some(slot) = slots.get_mut(event.token().0) else { continue };
            let Slot::Open(session) = slot else { continue };
            let mut outcome = Ok(());
            if event.is_writable() {
                outcome = session.writable(args);
                if session.stage != Stage::Connecting {
                    report.reachable.store(true, Ordering::Relaxed);
                }
            }
            if outcome.is_ok() && session.stage != Stage::Connecting {
                outcome = session.readable(&mut buffer, args);
            }
            settle(slot, outcome, report, args);
        }
        let time = now();
        for slot in &mut slots {
            if let Slot::Open(session) = slot {
                if let Some((begin, before)) = session.burst
                    && time - session.times.last > args.quiet_gap
                {
                    report.burst(session, begin, &before);
                    session.burst = None;
                }
                let outcome = session.keep_alive(args, time);
                settle(slot, outcome, report, args);
            }
        }
        if report.is_over() {
            if time >= *watch_until.get_or_insert(time + args.watch) {
                return Ok(());
            }
        } else if time > report.deadline {
            give_up(&mut slots, report);
        }
    }
}

/// How many more may dial now.
fn places(slots: &[Slot], at_once: usize) -> usize {
    let time = now();
    let dialing = |slot: &&Slot| matches!(slot, Slot::Open(session) if session.is_dialing(time));
    at_once.saturating_sub(slots.iter().filter(dialing).count())
}

fn dial(number: usize, args: &Args, poll: &Poll, token: Token) -> io::Result<Slot> {
    let to = args.speaker_address(number);
    let socket = socket2::Socket::new(socket2::Domain::for_address(to), socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    if to.is_ipv4() {
        socket.bind(&SocketAddr::from((args.local_address(number), 0)).into())?;
    }
    socket.set_nonblocking(true)?;
    if socket.connect(&to.into()).is_err_and(|error| error.raw_os_error() != Some(EINPROGRESS)) {
        return Ok(again(number, PROBE_EVERY));
    }
    let mut stream = TcpStream::from_std(socket.into());
    poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(Slot::Open(Box::new(Session::new(number, stream))))
}

fn again(number: usize, pause: f64) -> Slot {
    Slot::Waiting { number, dial_at: now() + pause }
}

fn settle(slot: &mut Slot, outcome: Result<(), End>, report: &Report, args: &Args) {
    let Slot::Open(session) = slot else { return };
    match outcome {
        Ok(()) => {
            if session.is_newly_done(args) {
                report.done(session);
            }
        }
        Err(End::Early) if session.stage == Stage::Connecting => *slot = again(session.number, PROBE_EVERY),
        Err(End::Early) => *slot = again(session.number, DIAL_AGAIN_AFTER),
        Err(End::Failed(why)) => {
            match session.stage {
                Stage::Done => report.lost(session.number, &why),
                _ => report.failure(session.number, &why),
            }
            *slot = Slot::Failed;
        }
    }
}

fn give_up(slots: &mut [Slot], report: &Report) {
    for slot in slots {
        let why = match slot {
            Slot::Waiting { number, .. } => (*number, "no session by the end of the time".to_owned()),
            Slot::Open(session) if session.stage != Stage::Done => (
                session.number,
                format!("{:?} with {:?} by the end of the time", session.stage, session.counts),
            ),
            Slot::Open(_) | Slot::Failed => continue,
        };
        report.failure(why.0, &why.1);
        *slot = Slot::Failed;
    }
}
