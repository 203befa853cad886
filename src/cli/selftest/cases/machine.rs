//! The state machine: collisions in every order, and timers that take minutes by the clock (RFC 4271 §6.8, §8).

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::cli::selftest::case::{Case, Verdict, ensure, same};
use crate::cli::selftest::network::{Network, Who};
use crate::fsm::{
    Action, ConnId, DownReason, FsmConfig, Incoming, Moment, Outgoing, PeerFsm, State, Timing, our_open,
};
use crate::wire::{Asn, Capability, ErrorCode, Notification, PerFamily};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::virtual_time(
            4271,
            "§6.8",
            "both dial at once: one connection is left, of the higher identifier",
            collisions,
        ),
        Case::virtual_time(
            6286,
            "§2.3",
            "both dial at once with one identifier: the higher ASN's connection is left",
            same_identifier,
        ),
        Case::virtual_time(4271, "§8.1.1", "a passive speaker never dials, and is found", passive),
        Case::virtual_time(
            4271,
            "§8.2.2",
            "TCP without an OPEN ends after 4 minutes by 4/0",
            open_never_sent,
        ),
        Case::virtual_time(
            4271,
            "§8.2.2",
            "a hold time of 90 s ends in silence by 4/0, not before",
            hold_time,
        ),
        Case::virtual_time(
            4271,
            "§4.4",
            "KEEPALIVEs go out at a third of the hold time with jitter",
            keepalives,
        ),
        Case::virtual_time(
            4271,
            "§8.1.1",
            "attempts that fail are ever further apart, up to the longest back-off",
            back_off,
        ),
        Case::virtual_time(
            4271,
            "§8.1.1",
            "who is refused may come again within a minute, however often it fails",
            refusals_end,
        ),
        Case::virtual_time(
            4271,
            "§8.2.2",
            "a stop sends a Cease in each state that has TCP, and ends there",
            stop,
        ),
        Case::virtual_time(4724, "§4", "a restart closes without a NOTIFICATION", restart),
    ]
}

/// AS64500 and AS64501, each the other's peer.
fn speaker(who: Who, id: u8) -> FsmConfig {
    let [local_asn, peer_asn] = match who {
        Who::First => [Asn(64500), Asn(64501)],
        Who::Second => [Asn(64501), Asn(64500)],
    };
    FsmConfig {
        local_asn,
        local_id: Ipv4Addr::new(10, 0, 0, id),
        peer_asn,
        hold_time: 90,
        passive: false,
        families: PerFamily { ipv4: true, ipv6: true },
        capabilities: vec![
            Capability::Multiprotocol(1, 1),
            Capability::Multiprotocol(2, 1),
            Capability::FourOctetAs(local_asn),
        ],
        role: None,
        strict_role: false,
        timing: Timing {
            connect_retry: Duration::from_secs(5),
            max_backoff: Duration::from_secs(60),
            delay_open: Duration::ZERO,
        },
    }
}

pub(super) fn at(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

/// Plays every offset of the two starts and every delay of a grid; of those that collided, who dialled what is left.
fn collide(first: u8, second: u8, wanted: Who) -> Verdict {
    let mut collided: usize = 0;
    for offset in [0, 1, 5, 20, 60, 200] {
        for delay in [0, 1, 10, 80, 300] {
            for seed in 0..8 {
                let starts = if seed % 2 == 0 { [0, offset] } else { [offset, 0] };
                let configs = [speaker(Who::First, first), speaker(Who::Second, second)];
                let mut network = Network::new(configs, starts, delay, seed);
                network.run_until(at(30_000));
                let scene = || format!("starts {starts:?} ms, delays up to {delay} ms, seed {seed}");
                let (_, dialled) =
                    network.common_link().ok_or_else(|| format!("no common session: {}", scene()))?;
                let lost = |action: &Action| {
                    matches!(action, Action::AttemptFailed(_, DownReason::Sent(n) | DownReason::Received(n))
                        if n.code == ErrorCode::COLLISION)
                };
                if network.actions.iter().any(|(_, _, action)| lost(action)) {
                    collided = collided.saturating_add(1);
                    ensure(dialled == wanted || network.dialled() > 2, || {
                        format!("{dialled:?} dialled: {}", scene())
                    })?;
                }
            }
        }
    }
    ensure(collided > 20, || format!("only {collided} collided"))
}

fn collisions() -> Verdict {
    collide(9, 2, Who::First)?;
    collide(2, 9, Who::Second)
}

fn same_identifier() -> Verdict {
    collide(5, 5, Who::Second)
}

fn passive() -> Verdict {
    let first = FsmConfig { passive: true, ..speaker(Who::First, 1) };
    let mut network = Network::new([first, speaker(Who::Second, 2)], [0, 1000], 50, 1);
    network.run_until(at(20_000));
    let (_, dialled) = network.common_link().ok_or("no session")?;
    same(&dialled, &Who::Second, "who dialled")?;
    let dials = network
        .actions
        .iter()
        .filter(|(_, who, action)| *who == Who::First && matches!(action, Action::Dial(_)));
    same(&dials.count(), &0, "dials of the passive one")
}

pub(super) fn drain(machine: &mut PeerFsm) -> Vec<Action> {
    std::iter::from_fn(|| machine.poll_action()).collect()
}

/// A machine to which the peer has dialled.
fn accepted(now: Moment) -> Result<(PeerFsm, ConnId), String> {
    let mut machine = PeerFsm::new(FsmConfig { passive: true, ..speaker(Who::First, 1) }, 7);
    machine.handle_start(at(0));
    let conn = machine.handle_accepted(now).map_err(|refused| format!("{refused:?}"))?;
    Ok((machine, conn))
}

/// The same with a session on that connection.
pub(super) fn established(now: Moment) -> Result<(PeerFsm, ConnId), String> {
    let (mut machine, conn) = accepted(now)?;
    machine.handle_message(now, conn, Incoming::Open(our_open(&speaker(Who::Second, 2))));
    machine.handle_message(now, conn, Incoming::Keepalive);
    same(&machine.state(), &State::Established, "state")?;
    drop(drain(&mut machine));
    Ok((machine, conn))
}

/// Lets time pass; when and by what NOTIFICATION it ended a connection, if it did.
fn ends_at(machine: &mut PeerFsm, limit: Moment) -> Option<(Moment, ErrorCode)> {
    while let Some(now) = machine.poll_deadline().filter(|now| *now <= limit) {
        machine.handle_timeout(now);
        for action in drain(machine) {
            if let Action::Send(_, Outgoing::Notification(notification)) = action {
                return Some((now, notification.code));
            }
        }
    }
    None
}

fn open_never_sent() -> Verdict {
    let (mut machine, _) = accepted(at(1_000))?;
    let ended = ends_at(&mut machine, at(1_000_000));
    same(&ended, &Some((at(241_000), ErrorCode::HOLD_TIMER_EXPIRED)), "the end")
}

fn hold_time() -> Verdict {
    let (mut machine, conn) = established(at(1_000))?;
    machine.handle_message(at(61_000), conn, Incoming::Update);
    let ended = ends_at(&mut machine, at(1_000_000));
    same(&ended, &Some((at(151_000), ErrorCode::HOLD_TIMER_EXPIRED)), "the end")
}

fn keepalives() -> Verdict {
    let (mut machine, conn) = established(at(0))?;
    let (mut last, mut count) = (at(0), 0_u32);
    while let Some(now) = machine.poll_deadline().filter(|now| *now <= at(3_600_000)) {
        machine.handle_message(now, conn, Incoming::Keepalive);
        machine.handle_timeout(now);
        if drain(&mut machine).contains(&Action::Send(conn, Outgoing::Keepalive)) {
            let gap = now.0.saturating_sub(last.0);
            let fits = (Duration::from_millis(22_500)..=Duration::from_secs(30)).contains(&gap);
            ensure(fits, || format!("{gap:?} between two"))?;
            (last, count) = (now, count.saturating_add(1));
        }
    }
    ensure((120..=160).contains(&count), || format!("{count} in an hour"))
}

fn back_off() -> Verdict {
    let mut machine = PeerFsm::new(speaker(Who::First, 1), 7);
    machine.handle_start(at(0));
    let mut gaps = Vec::new();
    let mut ended = at(0);
    while let Some(now) = machine.poll_deadline().filter(|_| gaps.len() < 10) {
        machine.handle_timeout(now);
        for action in drain(&mut machine) {
            if let Action::Dial(conn) = action {
                gaps.push(now.0.saturating_sub(ended.0).as_secs());
                machine.handle_connect_failed(now, conn);
                ended = now;
            }
        }
    }
    // 5 s doubled up to 60 s, each times 0.75 to 1; the first is at once.
    let most = [0, 5, 10, 20, 40, 60, 60, 60, 60, 60];
    let fits = gaps.len() == most.len()
        && gaps
            .iter()
            .zip(most)
            .all(|(gap, most)| *gap <= most && gap.saturating_add(1) >= most.saturating_mul(3) / 4);
    ensure(fits, || format!("{gaps:?} s apart"))
}

fn refusals_end() -> Verdict {
    let mut machine = PeerFsm::new(FsmConfig { passive: true, ..speaker(Who::First, 1) }, 7);
    machine.handle_start(at(0));
    let (mut longest, mut refused_since, mut now) = (Duration::ZERO, None, at(0));
    for _ in 0..20_000 {
        now = now + Duration::from_millis(100);
        machine.handle_timeout(now);
        match machine.handle_accepted(now) {
            Ok(conn) => {
                let since = refused_since.take().unwrap_or(now);
                longest = longest.max(now.0.saturating_sub(since.0));
                machine.handle_message(
                    now,
                    conn,
                    Incoming::Malformed(Notification::new(ErrorCode::BAD_PEER_AS)),
                );
            }
            Err(_) => refused_since = refused_since.or(Some(now)),
        }
        drop(drain(&mut machine));
    }
    ensure(longest > Duration::ZERO && longest <= Duration::from_secs(60), || {
        format!("refused for {longest:?}")
    })
}

fn stop() -> Verdict {
    let cease = Notification::new(ErrorCode::ADMIN_SHUTDOWN);
    let (mut confirming, conn) = accepted(at(0))?;
    confirming.handle_message(at(0), conn, Incoming::Open(our_open(&speaker(Who::Second, 2))));
    for (mut machine, conn) in [accepted(at(0))?, (confirming, conn), established(at(0))?] {
        let state = machine.state();
        drop(drain(&mut machine));
        machine.handle_stop(at(1_000), Some(cease.clone()));
        let actions = drain(&mut machine);
        let begins = [Action::Send(conn, Outgoing::Notification(cease.clone())), Action::Close(conn)];
        ensure(actions.starts_with(&begins), || format!("in {state:?}: {actions:?}"))?;
        same(&(machine.state(), machine.poll_deadline()), &(State::Idle, None), "afterwards")?;
    }
    Ok(())
}

fn restart() -> Verdict {
    let (mut machine, conn) = established(at(0))?;
    machine.handle_stop(at(1_000), None);
    let wanted = vec![Action::Close(conn), Action::Down(conn, DownReason::Restart)];
    same(&drain(&mut machine), &wanted, "actions")
}
