//! TCP-MD5, GTSM and the rest of what is asked of connections, over loopback.

use socket2::SockRef;

use super::*;
use crate::config::Md5Key;

fn keyed(octets: &str) -> TransportPlan {
    TransportPlan { md5_key: Md5Key::new(octets.as_bytes()), ..TransportPlan::default() }
}

fn hops(hops: u8) -> TransportPlan {
    TransportPlan { ttl_security_hops: Some(hops), ..TransportPlan::default() }
}

/// Microsoft's side, which waits, and a partner that dials it, each with its own wishes.
fn pair_of(ours: TransportPlan, theirs: TransportPlan) -> (Side, Side) {
    let ours = SessionPlan { transport: ours, ..session(US, THEM, THEIRS, true) };
    let us = Side::start(plan(OURS, US, vec![ours]), &["13.64.0.0/11"]);
    let theirs = SessionPlan { transport: theirs, peer_port: us.at.port(), ..session(THEM, US, OURS, false) };
    let them = Side::start(plan(THEIRS, THEM, vec![theirs]), &["5.1.0.0/16"]);
    (us, them)
}

async fn come_up(ours: TransportPlan, theirs: TransportPlan) {
    let (us, them) = pair_of(ours, theirs);
    them.session("in sync", in_sync).await;
    them.stop().await;
    us.stop().await;
}

/// For long enough that all of a handshake's retransmissions of the first seconds have been tried.
async fn stay_down(ours: TransportPlan, theirs: TransportPlan) {
    let (us, them) = pair_of(ours, theirs);
    let dialled = |them: &Side| them.metrics.find_session(US.into()).unwrap().connect_attempts();
    until("a dial", || (dialled(&them) > 0).then_some(())).await;
    sleep(Duration::from_millis(2500)).await;
    for side in [&us, &them] {
        let session = side.handle().sessions()[0].clone();
        assert!(session.state < State::OpenConfirm && session.flaps == 0, "{session:?}");
    }
    assert_eq!(us.metrics.find_session(THEM.into()).unwrap().established(), 0);
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_with_one_md5_key_at_both_ends_comes_up() {
    come_up(keyed("hunter2"), keyed("hunter2")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_md5_key_keeps_a_session_down() {
    stay_down(keyed("hunter2"), keyed("hunter3")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_md5_key_at_one_end_keeps_a_session_down() {
    stay_down(keyed("hunter2"), TransportPlan::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_md5_key_that_only_the_peer_has_keeps_a_session_down() {
    stay_down(TransportPlan::default(), keyed("hunter2")).await;
}

/// The plan with another key for its session.
fn rekeyed(side: &Side, octets: &str) -> Plan {
    let session = SessionPlan { transport: keyed(octets), ..SessionPlan::clone(&side.plan.sessions[0]) };
    Plan { sessions: vec![Arc::new(session)], ..Plan::clone(&side.plan) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_an_md5_key_under_a_session_that_stays_up() {
    let (mut us, mut them) = pair_of(keyed("hunter2"), keyed("hunter2"));
    them.session("in sync", in_sync).await;
    us.reload(rekeyed(&us, "hunter3"), &["13.64.0.0/11"]).await;
    them.reload(rekeyed(&them, "hunter3"), &["5.1.0.0/16"]).await;
    us.reload(Plan::clone(&us.plan), &["13.64.0.0/11", "20.33.0.0/16"]).await;
    them.session("a change by the new key", |s| s.received.ipv4 == 2).await;
    assert_eq!((us.handle().sessions()[0].flaps, them.handle().sessions()[0].flaps), (0, 0));
    // And the listener has it too.
    let theirs = Plan::clone(&them.plan);
    them.stop().await;
    let them = Side::start(theirs, &["5.1.0.0/16"]);
    them.session("in sync again", in_sync).await;
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_an_md5_key_and_what_resets_the_session_and_the_peer_hears_why_by_the_old_key() {
    let (mut us, mut them) = pair_of(keyed("hunter2"), keyed("hunter2"));
    them.session("in sync", in_sync).await;
    let with = |side: &Side| {
        let plan = rekeyed(side, "hunter3");
        let session = SessionPlan { hold_time: 60, ..SessionPlan::clone(&plan.sessions[0]) };
        Plan { sessions: vec![Arc::new(session)], ..plan }
    };
    us.reload(with(&us), &["13.64.0.0/11"]).await;
    let down = them.session("told", |s| s.flaps == 1).await;
    let error = down.last_error.as_ref().unwrap();
    assert_eq!((error.code, error.sent), (Some(ErrorCode::CONFIG_CHANGE), false));
    them.reload(with(&them), &["5.1.0.0/16"]).await;
    them.session("up by the new key", |s| in_sync(s) && s.hold_time == Some(60)).await;
    them.stop().await;
    us.stop().await;
}

/// As above, where there was none before.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_adds_an_md5_key_beside_what_resets_the_session() {
    let (mut us, mut them) = pair_of(TransportPlan::default(), TransportPlan::default());
    them.session("in sync", in_sync).await;
    let with = |side: &Side| {
        let plan = rekeyed(side, "hunter2");
        let session = SessionPlan { hold_time: 60, ..SessionPlan::clone(&plan.sessions[0]) };
        Plan { sessions: vec![Arc::new(session)], ..plan }
    };
    us.reload(with(&us), &["13.64.0.0/11"]).await;
    let down = them.session("told", |s| s.flaps == 1).await;
    assert_eq!(down.last_error.as_ref().unwrap().code, Some(ErrorCode::CONFIG_CHANGE));
    them.reload(with(&them), &["5.1.0.0/16"]).await;
    them.session("up by the key", |s| in_sync(s) && s.hold_time == Some(60)).await;
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_an_md5_key_away_from_session_and_listener() {
    let (mut us, them) = pair_of(keyed("hunter2"), keyed("hunter2"));
    them.session("in sync", in_sync).await;
    let bare =
        SessionPlan { transport: TransportPlan::default(), ..SessionPlan::clone(&us.plan.sessions[0]) };
    us.reload(Plan { sessions: vec![Arc::new(bare)], ..Plan::clone(&us.plan) }, &["13.64.0.0/11"]).await;
    let down = them.session("ended", |s| s.flaps == 1).await;
    assert_eq!(down.last_error.as_ref().unwrap().code, Some(ErrorCode::CONFIG_CHANGE));
    let theirs =
        SessionPlan { transport: TransportPlan::default(), ..SessionPlan::clone(&them.plan.sessions[0]) };
    let theirs = Plan { sessions: vec![Arc::new(theirs)], ..Plan::clone(&them.plan) };
    them.stop().await;
    let them = Side::start(theirs, &["5.1.0.0/16"]);
    them.session("in sync without a key", in_sync).await;
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gtsm_at_both_ends_comes_up() {
    come_up(hops(1), hops(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gtsm_refuses_what_may_have_come_from_afar() {
    stay_down(hops(1), TransportPlan::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gtsm_takes_nothing_that_was_sent_before_the_connection_was_accepted() {
    let ours = SessionPlan { transport: hops(2), ..session(US, THEM, THEIRS, true) };
    let us = Side::start(plan(OURS, US, vec![ours]), &["13.64.0.0/11"]);
    let hello = [open(THEIRS), KEEPALIVE.to_vec()].concat();
    for (ttl, is_taken) in [(253, false), (254, true)] {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(SocketAddr::from((THEM, 0))).unwrap();
        SockRef::from(&socket).set_ttl_v4(ttl).unwrap();
        let mut peer = socket.connect(us.at).await.unwrap();
        // It may be refused before this.
        drop(peer.write_all(&hello).await);
        if is_taken {
            us.session("up", |s| s.state == State::Established).await;
        } else {
            assert!(Raw(peer).rest().await.is_empty(), "closed without a word");
            assert_eq!(us.metrics.find_session(THEM.into()).unwrap().connect_failures(), 0);
        }
    }
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_to_its_interface() {
    let on = |name: &str| TransportPlan { interface: Some(name.into()), ..TransportPlan::default() };
    come_up(on("lo"), on("lo")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_interface_a_session_is_refused_and_not_used_without_it() {
    let none = TransportPlan { interface: Some("peeringd-none".into()), ..TransportPlan::default() };
    let (us, them) = pair_of(none.clone(), TransportPlan::default());
    let down = them.session("closed by us", |s| s.last_error.is_some()).await;
    assert_eq!(down.last_error.as_ref().unwrap().code, None, "{down:?}");
    assert_eq!(us.metrics.find_session(THEM.into()).unwrap().established(), 0);
    them.stop().await;
    us.stop().await;
    let (us, them) = pair_of(TransportPlan::default(), none);
    let down = them.session("not dialled", |s| s.last_error.is_some()).await;
    assert_eq!(down.last_error.as_ref().unwrap().text, "connect: No such device (os error 19)");
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_session_sends_has_the_ttl_that_it_asks_for() {
    for (transport, expected) in [
        (TransportPlan::default(), 64),
        (TransportPlan { is_on_link: true, ..TransportPlan::default() }, 1),
        (hops(3), 255),
    ] {
        let listener = tokio::net::TcpListener::bind((US, 0)).await.unwrap();
        SockRef::from(&listener).set_ttl_v4(255).unwrap();
        let at = listener.local_addr().unwrap();
        let dialled = crate::speaker::system::dial(US.into(), at, transport.clone());
        let (dialled, accepted) = tokio::join!(dialled, listener.accept());
        let (dialled, accepted) = (dialled.unwrap(), accepted.unwrap().0);
        assert_eq!(SockRef::from(&dialled).ttl_v4().unwrap(), expected);
        // It began with the listener's.
        assert_eq!(SockRef::from(&accepted).ttl_v4().unwrap(), 255);
        crate::speaker::system::prepare(&accepted, US.into(), &transport).unwrap();
        assert_eq!(SockRef::from(&accepted).ttl_v4().unwrap(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_listener_answers_has_the_greatest_ttl() {
    for at in ["127.0.0.1:0", "[::1]:0"] {
        let listeners = Listeners::bind(&[at.parse().unwrap()]).unwrap().into_inner();
        let socket = SockRef::from(&listeners[0]);
        let ttl = if at.starts_with('[') { socket.unicast_hops_v6() } else { socket.ttl_v4() };
        assert_eq!(ttl.unwrap(), 255, "{at}");
    }
}
