//! A stream of events behind two octets of configuration. Either one machine is told them, in any order, even such as
//! no driver would report; or two machines play, and the stream says what arrives when and what goes wrong.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use peeringd::fsm::{Event, Incoming, Moment, our_open};
use peeringd::wire::{ErrorCode, Notification};
use peeringd_fuzz::{Pair, Watched, speaker};

fuzz_target!(|input: &[u8]| {
    let [how, seed, events @ ..] = input else { return };
    let is = |bit: u8| how & bit != 0;
    let hold_time = |bit| if is(bit) { 3 } else { 90 };
    let id = if is(8) { 2 } else { 9 };
    if is(1) {
        // One of the two dials, at least.
        let passive = [is(16), is(32) && !is(16)];
        let configs = [speaker(0, 5, hold_time(2), passive[0]), speaker(1, id, hold_time(4), passive[1])];
        play(Pair::new(configs, u64::from(*seed)), events);
    } else {
        let machine = Watched::new(speaker(0, 5, hold_time(2), is(16)), u64::from(*seed));
        tell(machine, &our_open(&speaker(1, id, hold_time(4), false)), events);
    }
});

fn play(mut pair: Pair, events: &[u8]) {
    for octet in events {
        let (what, which) = (octet & 7, octet >> 3);
        match what {
            0..=2 => drop(pair.deliver(usize::from(which))),
            3 => pair.pass(Duration::from_millis(1 << which.min(17))),
            4 => pair.cut(usize::from(which)),
            5 => pair.tell(usize::from(which & 1), Event::Reset(notification(which))),
            6 => {
                pair.tell(usize::from(which & 1), Event::Stop((which & 2 == 0).then(|| notification(which))))
            }
            _ => pair.tell(usize::from(which & 1), Event::Start),
        }
    }
    pair.settle();
}

fn tell(mut machine: Watched, open: &peeringd::wire::Open, events: &[u8]) {
    let mut now = Moment::default();
    for [what, which] in events.as_chunks().0 {
        now = now + Duration::from_millis(1 << (which >> 3).min(17));
        let conn = machine.conn(usize::from(which & 3));
        let said = notification(*which);
        let message = |message| Event::Message(conn, message);
        let event = match what % 14 {
            0 => Event::Start,
            1 => Event::Stop((which & 4 == 0).then_some(said)),
            2 => Event::Reset(said),
            3 => Event::Accepted,
            4 => Event::Connected(conn),
            5 => Event::ConnectFailed(conn),
            6 => Event::Closed(conn),
            7 => message(Incoming::Open(open.clone())),
            8 => message(Incoming::Keepalive),
            9 => message(Incoming::Update),
            10 => message(Incoming::RouteRefresh),
            11 => message(Incoming::Notification(said)),
            12 => message(Incoming::Malformed(said)),
            _ => Event::Timeout,
        };
        drop(machine.tell(now, event));
    }
    machine.check_replay();
}

fn notification(which: u8) -> Notification {
    Notification::new(match which & 3 {
        0 => ErrorCode::COLLISION,
        1 => ErrorCode::ADMIN_RESET,
        2 => ErrorCode::HOLD_TIMER_EXPIRED,
        _ => ErrorCode(which >> 4, which & 15),
    })
}
