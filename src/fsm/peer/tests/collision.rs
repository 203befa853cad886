//! Two connections of one peer: a second one that it dials, and collisions (RFC 4271 §6.8).

use super::super::super::collision::favoured;
use super::super::super::fixture::{speaker, theirs};
use super::*;
use crate::wire::Capability;

#[test]
fn beside_a_young_attempt_of_the_peer_a_new_one_is_refused() {
    let mut bench = Bench::new();
    let conn = bench.accept();
    bench.wait(4_999);
    assert!(bench.refuses());
    bench.establish(conn);
}

#[test]
fn an_attempt_of_the_peer_without_progress_gives_way_to_a_new_one() {
    for with_open in [false, true] {
        let mut bench = Bench::new();
        let old = bench.accept();
        if with_open {
            bench.open(old, LOWER);
        }
        bench.drain();
        bench.wait(5_000);
        let new = bench.accept();
        let mut expected = said(old, ErrorCode::COLLISION).to_vec();
        expected.push(Action::Send(new, Outgoing::Open(our_open(&ours()))));
        assert_eq!(bench.drain(), expected);
        bench.establish(new);
    }
}

#[test]
fn beside_a_session_a_new_connection_is_taken_up_to_its_open() {
    let mut bench = Bench::new();
    let session = bench.accept();
    bench.establish(session);
    let new = bench.accept();
    assert_eq!(bench.open(new, HIGHER), said(new, ErrorCode::COLLISION));
    assert_eq!(bench.fsm.established(), Some(session));
    bench.wait(1_000);
    let new = bench.accept();
    bench.drain();
    assert_eq!(bench.close(session).len(), 1, "the session's end may be noticed after the new dial");
    bench.establish(new);
}

fn with_graceful_restart(open: Open, families: Vec<(u16, u8, bool)>) -> Incoming {
    let mut open = open;
    open.capabilities.push(Capability::GracefulRestart {
        restarting: true,
        notification: false,
        restart_time: 120,
        families,
    });
    Incoming::Open(open)
}

#[test]
fn a_peer_with_graceful_restart_that_lost_its_session_is_not_locked_out() {
    for (families, lives) in [(vec![(1, 1, true)], true), (vec![], false)] {
        let mut bench = Bench::new();
        let session = bench.accept();
        bench.establish(session);
        bench.pass(5_000);
        let new = bench.accept();
        let actions = bench.hear(new, with_graceful_restart(open_from(LOWER), families));
        if lives {
            let lost = Action::Down(session, DownReason::ConnectionLost);
            assert_eq!(actions, [Action::Close(session), lost, confirmed(new)]);
            assert!(matches!(bench.keepalive(new).as_slice(), [Action::Up(..)]));
        } else {
            assert_eq!(actions, said(new, ErrorCode::COLLISION), "a helper keeps no routes of its own");
        }
    }
}

#[test]
fn the_late_twin_of_a_collision_is_no_restart() {
    let mut bench = Bench::new();
    let session = bench.accept();
    bench.establish(session);
    bench.pass(1_000);
    let new = bench.accept();
    let actions = bench.hear(new, with_graceful_restart(open_from(LOWER), vec![(1, 1, true)]));
    assert_eq!(actions, said(new, ErrorCode::COLLISION));
}

// Collision.

#[test]
fn the_higher_identifier_is_favoured_and_between_equal_ones_the_higher_asn() {
    let theirs = theirs();
    for (ours_is_higher, config) in [
        (true, ours()),
        (false, FsmConfig { local_id: "10.0.0.3".parse().unwrap(), ..ours() }),
        (false, FsmConfig { local_id: "9.255.255.255".parse().unwrap(), ..ours() }),
        (false, FsmConfig { local_id: theirs.local_id, ..ours() }),
        (true, speaker(64501, theirs.local_id, 64500)),
    ] {
        let agreed = negotiate(&config, Direction::Inbound, our_open(&theirs)).unwrap();
        let expected = if ours_is_higher { Direction::Outbound } else { Direction::Inbound };
        assert_eq!(favoured(&config, &agreed), expected, "{config:?}");
    }
}

/// Both directions in OpenSent.
pub(super) fn both_open_sent() -> (Bench, ConnId, ConnId) {
    let mut bench = Bench::new();
    let outbound = bench.connect();
    let inbound = bench.accept();
    bench.drain();
    (bench, outbound, inbound)
}

#[test]
fn the_second_open_resolves_the_collision_whichever_it_is() {
    for (id, outbound_first) in [(LOWER, true), (LOWER, false), (HIGHER, true), (HIGHER, false)] {
        let (mut bench, outbound, inbound) = both_open_sent();
        let (first, second) = if outbound_first { (outbound, inbound) } else { (inbound, outbound) };
        let (winner, loser) = if id == LOWER { (outbound, inbound) } else { (inbound, outbound) };
        assert_eq!(bench.open(first, id), [confirmed(first)], "a connection without its OPEN is left alone");
        let mut expected = said(loser, ErrorCode::COLLISION).to_vec();
        if winner == second {
            expected.push(confirmed(second));
        }
        assert_eq!(bench.open(second, id), expected, "{id} {outbound_first}");
        assert_eq!(bench.close(loser), [], "late news of the loser");
        assert_eq!(bench.hear(loser, Incoming::Keepalive), []);
        assert_eq!(bench.hear(loser, Incoming::Notification(cease(ErrorCode::COLLISION))), []);
        assert!(matches!(bench.keepalive(winner).as_slice(), [Action::Up(conn, _)] if *conn == winner));
        let calm = bench.pass(60_000);
        assert!(calm.iter().all(|action| *action == confirmed(winner)), "{calm:?}");
    }
}

#[test]
fn a_dial_under_way_is_given_up_once_the_peer_has_shown_itself() {
    for id in [LOWER, HIGHER] {
        let mut bench = Bench::new();
        let (dial, _) = bench.dial();
        let inbound = bench.accept();
        assert_eq!(bench.open(inbound, id), [Action::Close(dial), confirmed(inbound)]);
        bench.fsm.handle_connected(bench.now, dial);
        assert_eq!(bench.drain(), []);
        assert!(matches!(bench.keepalive(inbound).as_slice(), [Action::Up(..)]));
    }
}

#[test]
fn a_dial_goes_out_beside_an_inbound_connection_that_is_silent() {
    let mut bench = Bench::new();
    let inbound = bench.accept();
    let outbound = bench.connect();
    bench.establish(outbound);
    assert_eq!(bench.open(inbound, LOWER), said(inbound, ErrorCode::COLLISION));
    assert_eq!(bench.fsm.established(), Some(outbound));
}

#[test]
fn when_the_winner_dies_the_loser_was_not_promoted_and_a_new_dial_follows_soon() {
    let (mut bench, outbound, inbound) = both_open_sent();
    bench.open(outbound, LOWER);
    bench.open(inbound, LOWER);
    bench.close(outbound);
    assert_eq!(bench.fsm.state_of(inbound), None);
    let (_, waited) = bench.dial();
    assert!(waited <= Duration::from_secs(5));
    bench.wait(500);
    assert!(!bench.refuses(), "a lost collision is not a failure");
}

/// The session went up on the inbound connection though ours, already open, should have won.
pub(super) fn contested() -> (Bench, ConnId, ConnId) {
    let (mut bench, outbound, inbound) = both_open_sent();
    bench.establish(inbound);
    assert_eq!(bench.open(outbound, LOWER), [], "no word on it before the peer has chosen");
    assert_eq!(bench.fsm.state_of(outbound), Some(State::OpenConfirm));
    (bench, outbound, inbound)
}

#[test]
fn a_peer_that_closes_the_session_for_the_favoured_connection_gets_that() {
    let (mut bench, outbound, inbound) = contested();
    let lost = cease(ErrorCode::COLLISION);
    assert_eq!(
        bench.hear(inbound, Incoming::Notification(lost.clone())),
        [Action::Close(inbound), Action::Down(inbound, DownReason::Received(lost)), confirmed(outbound)]
    );
    assert!(matches!(bench.keepalive(outbound).as_slice(), [Action::Up(..)]));
    assert_eq!(bench.fsm.established(), Some(outbound));
}

#[test]
fn a_peer_that_confirms_the_favoured_connection_gets_that() {
    let (mut bench, outbound, inbound) = contested();
    let mut expected = downed(inbound, ErrorCode::COLLISION).to_vec();
    expected.push(confirmed(outbound));
    let agreed = negotiate(&ours(), Direction::Outbound, open_from(LOWER)).unwrap();
    expected.push(Action::Up(outbound, Box::new(agreed)));
    assert_eq!(bench.keepalive(outbound), expected);
    assert_eq!(bench.fsm.established(), Some(outbound));
}

#[test]
fn a_peer_that_keeps_the_session_keeps_it() {
    let (mut bench, outbound, inbound) = contested();
    let lost = cease(ErrorCode::COLLISION);
    assert_eq!(
        bench.hear(outbound, Incoming::Notification(lost.clone())),
        [Action::Close(outbound), Action::AttemptFailed(outbound, DownReason::Received(lost))]
    );
    assert_eq!(bench.fsm.established(), Some(inbound));
    let (mut bench, outbound, inbound) = contested();
    assert_eq!(bench.pass(2_000), said(outbound, ErrorCode::COLLISION), "or does not choose");
    assert_eq!(bench.fsm.established(), Some(inbound));
}

#[test]
fn a_stop_in_a_contest_ends_both() {
    let mut bench = Bench::new();
    let inbound = bench.accept();
    let outbound = bench.connect();
    bench.establish(inbound);
    assert_eq!(bench.open(outbound, LOWER), []);
    bench.fsm.handle_stop(bench.now, Some(cease(ErrorCode::ADMIN_SHUTDOWN)));
    let mut expected = said(outbound, ErrorCode::ADMIN_SHUTDOWN).to_vec();
    expected.extend(downed(inbound, ErrorCode::ADMIN_SHUTDOWN));
    assert_eq!(bench.drain(), expected, "and neither clears the way of the other");
}
