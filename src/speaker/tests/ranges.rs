//! Peers by address range.

use super::*;
use crate::config::RangePlan;
use crate::speaker::flight::shelf;

/// Microsoft's side with a range of peers.
fn with_range(peer_limit: u32) -> Side {
    let range = "127.0.7.0/28".parse().unwrap();
    let transport = TransportPlan { range: Some(range), ..TransportPlan::default() };
    let template = SessionPlan { transport, ..session(US, THEM, THEIRS, true) };
    let range = RangePlan { range, peer_limit, template: Arc::new(template) };
    Side::start(Plan { ranges: vec![Arc::new(range)], ..plan(OURS, US, Vec::new()) }, &["13.64.0.0/11"])
}

/// A partner that dials from an address.
fn partner(us: &Side, last: u8) -> Side {
    partner_with(us, last, &["5.1.0.0/16"])
}

fn partner_with(us: &Side, last: u8, prefixes: &[&str]) -> Side {
    let address = Ipv4Addr::new(127, 0, 7, last);
    let theirs = SessionPlan { peer_port: us.at.port(), ..session(address, US, OURS, false) };
    Side::start(plan(THEIRS, address, vec![theirs]), prefixes)
}

fn names(side: &Side) -> Vec<String> {
    side.handle().sessions().iter().map(|s| s.plan.name.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_out_of_a_range_have_sessions_that_end_when_they_go() {
    let us = with_range(10);
    assert!(us.handle().sessions().is_empty());
    let (second, first) = (partner(&us, 2), partner(&us, 1));
    first.session("in sync", in_sync).await;
    second.session("in sync", in_sync).await;
    assert_eq!(names(&us), ["link-v4-127.0.7.1", "link-v4-127.0.7.2"], "in order of address");
    let received = us.handle().received("link-v4-127.0.7.1", None, 10).await.unwrap();
    assert_eq!(received.len(), 1);
    first.stop().await;
    until("the session to go", || (names(&us) == ["link-v4-127.0.7.2"]).then_some(())).await;
    assert!(us.metrics.find_session(THEM.into()).is_none(), "and its series with it");
    let again = partner(&us, 1);
    again.session("in sync again", in_sync).await;
    again.stop().await;
    second.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_has_one_md5_key_for_all_its_peers() {
    let key = crate::config::Md5Key::new(b"hunter2");
    let mut us = with_range(10);
    let mut range = RangePlan::clone(&us.plan.ranges[0]);
    let transport = TransportPlan { md5_key: key.clone(), ..range.template.transport.clone() };
    range.template = Arc::new(SessionPlan { transport, ..SessionPlan::clone(&range.template) });
    us.reload(Plan { ranges: vec![Arc::new(range)], ..Plan::clone(&us.plan) }, &["13.64.0.0/11"]).await;
    let address = Ipv4Addr::new(127, 0, 7, 2);
    let transport = TransportPlan { md5_key: key, ..TransportPlan::default() };
    let theirs = SessionPlan { peer_port: us.at.port(), transport, ..session(address, US, OURS, false) };
    let without = partner(&us, 1);
    let with = Side::start(plan(THEIRS, address, vec![theirs]), &["5.1.0.0/16"]);
    with.session("in sync", in_sync).await;
    until("dials", || (without.metrics.find_session(US.into())?.connect_attempts() > 0).then_some(())).await;
    assert_eq!(names(&us), ["link-v4-127.0.7.2"]);
    with.stop().await;
    without.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_the_range_everyone_is_a_stranger() {
    let us = with_range(10);
    let peer = Raw::dial(Ipv4Addr::new(127, 0, 7, 16), us.at).await;
    assert!(peer.rest().await.is_empty());
    assert!(names(&us).is_empty());
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_range_takes_no_more_until_one_goes_or_says_nothing_for_5_s() {
    let us = with_range(2);
    let first = partner(&us, 1);
    first.session("in sync", in_sync).await;
    let silent = Raw::dial(Ipv4Addr::new(127, 0, 7, 2), us.at).await;
    until("two sessions", || (names(&us).len() == 2).then_some(())).await;
    let began = std::time::Instant::now();
    let refused = Raw::dial(Ipv4Addr::new(127, 0, 7, 3), us.at).await;
    assert!(refused.rest().await.is_empty());
    assert_eq!(us.metrics.turned_away(crate::metrics::TurnedAway::RangeFull), 1);
    assert!(names(&us).contains(&"link-v4-127.0.7.2".to_owned()));
    // Nobody else comes in before the silent one has had its time.
    while began.elapsed() < Duration::from_millis(4500) {
        assert!(Raw::dial(Ipv4Addr::new(127, 0, 7, 3), us.at).await.rest().await.is_empty());
        sleep(Duration::from_millis(100)).await;
    }
    sleep(Duration::from_millis(700)).await;
    // The one that is up stays.
    let third = partner(&us, 4);
    third.session("in sync", in_sync).await;
    assert_eq!(names(&us), ["link-v4-127.0.7.1", "link-v4-127.0.7.4"]);
    let (kind, body) = silent.rest().await.pop().unwrap();
    assert_eq!((kind, &body[..2]), (3, &[6, 5][..]), "Cease, Connection Rejected");
    assert_eq!(first.handle().sessions()[0].flaps, 0);
    first.stop().await;
    third.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_adjusts_ends_or_names_the_sessions_of_a_range() {
    let mut us = with_range(10);
    let them = partner(&us, 1);
    them.session("in sync", in_sync).await;
    us.reload(Plan::clone(&us.plan), &["13.64.0.0/11", "20.33.0.0/16"]).await;
    them.session("the change", |s| s.received.ipv4 == 2).await;
    // Named, it is the same session.
    let range = us.plan.ranges.clone();
    let named = Plan { sessions: vec![Arc::new(session(US, THEM, THEIRS, true))], ..Plan::clone(&us.plan) };
    us.reload(named, &["13.64.0.0/11"]).await;
    them.session("the change", |s| s.received.ipv4 == 1).await;
    // It shows what it is called at its next turn.
    until("its name", || (names(&us) == ["link-v4"]).then_some(())).await;
    assert_eq!(them.handle().sessions()[0].flaps, 0);
    // Not named any more, it begins anew out of the range; without the range, not at all.
    us.reload(Plan { sessions: Vec::new(), ranges: range, ..Plan::clone(&us.plan) }, &["13.64.0.0/11"]).await;
    them.session("ended and up again", |s| s.flaps == 1 && s.state == State::Established).await;
    assert_eq!(names(&us), ["link-v4-127.0.7.1"]);
    us.reload(Plan { ranges: Vec::new(), ..Plan::clone(&us.plan) }, &["13.64.0.0/11"]).await;
    let down = them.session("ended", |s| s.flaps == 2).await;
    assert_eq!(down.last_error.as_ref().unwrap().code, Some(ErrorCode::PEER_DECONFIGURED));
    assert!(names(&us).is_empty());
    them.stop().await;
    us.stop().await;
}

#[test]
fn all_peers_of_a_range_have_one_shelf_of_captures() {
    let transport =
        TransportPlan { range: Some("127.0.7.0/28".parse().unwrap()), ..TransportPlan::default() };
    let template = Arc::new(SessionPlan { transport, ..session(US, THEM, THEIRS, true) });
    let range = RangePlan { range: "127.0.7.0/28".parse().unwrap(), peer_limit: 9, template };
    for peer in ["127.0.7.1", "127.0.7.14"] {
        let plan = range.session(peer.parse().unwrap());
        assert_eq!((&*plan.name, &*shelf(&plan)), (format!("link-v4-{peer}").as_str(), "link-v4"));
    }
    assert_eq!(&*shelf(&session(US, THEM, THEIRS, true)), "link-v4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_of_a_range_that_restarts_finds_its_session_and_its_routes() {
    let us = with_range(10);
    let them = partner(&us, 1);
    them.session("in sync", in_sync).await;
    us.session("its route", |s| s.received.ipv4 == 1 && in_sync(s)).await;
    them.speaker.stop(None).await.unwrap();
    let kept = us.session("kept", |s| s.stale.ipv4 == 1).await;
    assert_eq!((kept.flaps, kept.state == State::Established), (1, false));
    assert_eq!(names(&us), ["link-v4-127.0.7.1"]);
    let them = partner(&us, 1);
    let back = us.session("back", |s| in_sync(s) && s.stale.ipv4 == 0).await;
    assert_eq!((back.flaps, back.received.ipv4), (1, 1), "the same session");
    them.stop().await;
    until("the session to go", || names(&us).is_empty().then_some(())).await;

    // And one that does not come back in its time is gone with its routes.
    let address = Ipv4Addr::new(127, 0, 7, 2);
    let theirs = SessionPlan {
        peer_port: us.at.port(),
        graceful_restart: Some(RestartPlan { restart_time: 1, ..RestartPlan::default() }),
        ..session(address, US, OURS, false)
    };
    let them = Side::start(plan(THEIRS, address, vec![theirs]), &["5.1.0.0/16"]);
    us.session("its route", |s| s.received.ipv4 == 1).await;
    them.speaker.stop(None).await.unwrap();
    us.session("kept", |s| s.stale.ipv4 == 1).await;
    until("the session to go", || names(&us).is_empty().then_some(())).await;
    assert!(us.metrics.find_session(address.into()).is_none());
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_a_limit_keeps_down_does_not_come_back_sooner_by_way_of_a_full_range() {
    let us = with_range(2);
    let mut range = RangePlan::clone(&us.plan.ranges[0]);
    let max_prefixes = PerFamily { ipv4: Some(1), ipv6: Some(1) };
    range.template = Arc::new(SessionPlan { max_prefixes, ..SessionPlan::clone(&range.template) });
    let mut us = us;
    us.reload(Plan { ranges: vec![Arc::new(range)], ..Plan::clone(&us.plan) }, &["13.64.0.0/11"]).await;
    let hog = partner_with(&us, 1, &["5.1.0.0/16", "5.2.0.0/16"]);
    let held_down = us.session("held down", |s| s.limit_passed.is_some()).await;
    assert!(held_down.limit_passed.is_some_and(|l| l.until.is_some()) && held_down.state == State::Idle);
    let silent = Raw::dial(Ipv4Addr::new(127, 0, 7, 2), us.at).await;
    until("two sessions", || (names(&us).len() == 2).then_some(())).await;
    // The hog has waited for longer, but it is the silent one that gives way.
    let third = partner(&us, 3);
    third.session("in sync", in_sync).await;
    assert_eq!(names(&us), ["link-v4-127.0.7.1", "link-v4-127.0.7.3"]);
    assert!(us.handle().sessions()[0].limit_passed.is_some());
    let told = hog.session("refused", |s| s.last_error.as_ref().is_some_and(|e| !e.sent)).await;
    assert_eq!(told.flaps, 1);
    assert!(!silent.rest().await.is_empty());
    hog.stop().await;
    third.stop().await;
    us.stop().await;
}
