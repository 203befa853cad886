//! Peers that take nothing any more (RFC 9687): eight minutes and more, under virtual time.

use std::time::Duration;

use super::machine::{at, drain, established};
use crate::cli::selftest::case::{Case, Verdict, ensure, same};
use crate::fsm::{Action, DownReason, Moment, Outgoing, SendHold};
use crate::wire::{ErrorCode, Notification};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::virtual_time(
            9687,
            "§3",
            "the time is 8 minutes, or twice the hold time if that is more",
            default_limit,
        ),
        Case::virtual_time(
            9687,
            "§3",
            "a peer that acknowledges nothing is given up when the time is over",
            stalled,
        ),
        Case::virtual_time(9687, "§3", "a peer that acknowledges a little now and then is not", slow),
        Case::virtual_time(9687, "§3", "a session whose peer takes nothing ends by 8/0", ends),
    ]
}

fn default_limit() -> Verdict {
    let secs = [0, 90, 240, 300].map(|hold_time| SendHold::default_limit(hold_time).as_secs());
    same(&secs, &[480, 480, 480, 600], "seconds")
}

/// Asks TCP whenever that is due; when the peer is given up, if it is within a day. TCP has 100,000 octets to send and
/// says how many were ever acknowledged.
fn given_up(acknowledged: impl Fn(Moment) -> u64) -> Option<Moment> {
    let mut hold = SendHold::new(at(0), SendHold::default_limit(90))?;
    loop {
        let now = hold.when();
        if now > at(86_400_000) {
            return None;
        }
        if hold.looked(now, 100_000, acknowledged(now)) {
            return Some(now);
        }
    }
}

fn stalled() -> Verdict {
    let when = given_up(|_| 5_000).ok_or("it never was")?;
    let fits = (Duration::from_secs(480)..Duration::from_secs(520)).contains(&when.0);
    ensure(fits, || format!("after {:?}", when.0))
}

fn slow() -> Verdict {
    same(&given_up(|now| now.0.as_secs() / 400), &None, "given up at")
}

fn ends() -> Verdict {
    let (mut machine, conn) = established(at(0))?;
    machine.handle_send_hold(at(1_000), conn);
    let notification = Notification::new(ErrorCode::SEND_HOLD_TIMER_EXPIRED);
    let wanted = vec![
        Action::Send(conn, Outgoing::Notification(notification.clone())),
        Action::Close(conn),
        Action::Down(conn, DownReason::Sent(notification)),
    ];
    same(&drain(&mut machine), &wanted, "actions")
}
