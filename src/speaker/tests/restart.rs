//! What outlives a session.

use super::*;
use crate::speaker::terms::{self, Life};

const ONE: &str = "5.1.0.0/16";
const OTHER: &str = "5.2.0.0/16";

/// Our side, in sync with a partner that announced two routes, and the partner's plan.
async fn in_sync_with(theirs: impl FnOnce(&mut SessionPlan)) -> (Side, Side, Plan) {
    let (us, them) = pair(ConnectionState::Active, 100);
    them.session("in sync", in_sync).await;
    let mut session = SessionPlan::clone(&them.plan.sessions[0]);
    theirs(&mut session);
    let plan = Plan { sessions: vec![Arc::new(session)], ..Plan::clone(&them.plan) };
    let mut them = them;
    them.reload(plan.clone(), &[ONE, OTHER]).await;
    us.session("both routes", |s| s.received.ipv4 == 2 && in_sync(s)).await;
    (us, them, plan)
}

/// Each prefix that we hold, and whether it is stale.
async fn held(us: &Side) -> Vec<(String, bool)> {
    let name = us.handle().sessions()[0].plan.name.clone();
    let routes = us.handle().received(&name, None, 1000).await.unwrap();
    routes.into_iter().map(|r| (r.prefix.to_string(), r.stale)).collect()
}

fn owned(held: &[(&str, bool)]) -> Vec<(String, bool)> {
    held.iter().map(|(prefix, stale)| ((*prefix).to_owned(), *stale)).collect()
}

fn says_it_restarted(capabilities: &[Capability]) -> bool {
    capabilities.iter().any(|c| matches!(c, Capability::GracefulRestart { restarting: true, .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_restart_of_the_peer_its_routes_are_kept_until_it_has_said_all() {
    let (us, them, plan) = in_sync_with(|_| ()).await;
    let us_metrics = us.metrics.find_session(THEM.into()).unwrap();
    them.speaker.stop(None).await.unwrap();
    let down = us.session("down", |s| s.state != State::Established).await;
    assert_eq!((down.stale.ipv4, down.received.ipv4), (2, 2));
    assert!(down.stale_until.ipv4.is_some_and(|until| until > down.since) && down.stale_until.ipv6.is_none());
    assert_eq!(held(&us).await, owned(&[(ONE, true), (OTHER, true)]));
    assert_eq!(us_metrics.prefixes(PrefixGauge::Stale, Family::Ipv4), 2);

    let them = Side::start(plan, &[ONE]);
    us.session("in sync again", |s| in_sync(s) && s.stale.ipv4 == 0).await;
    assert_eq!(held(&us).await, owned(&[(ONE, false)]));
    assert_eq!(us_metrics.prefixes(PrefixGauge::Stale, Family::Ipv4), 0);
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_of_the_peer_ends_its_routes_at_once() {
    let (us, them, _) = in_sync_with(|_| ()).await;
    them.stop().await;
    let down = us.session("down", |s| s.state != State::Established).await;
    assert_eq!((down.stale.ipv4, down.received.ipv4), (0, 0));
    let error = down.last_error.clone().unwrap();
    assert_eq!(error.text, "received 6/9 Hard Reset: 6/2 Administrative Shutdown");
    assert_eq!(error.code, Some(ErrorCode::ADMIN_SHUTDOWN));
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_without_graceful_restart_leaves_nothing() {
    let (us, them, _) = in_sync_with(|session| session.graceful_restart = None).await;
    let up = us.session("up", |s| s.state == State::Established).await;
    assert_eq!(up.graceful_restart, None);
    them.speaker.stop(None).await.unwrap();
    let down = us.session("down", |s| s.state != State::Established).await;
    assert_eq!((down.stale.ipv4, down.received.ipv4), (0, 0));
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_routes_go_when_the_restart_time_is_over() {
    let short = RestartPlan { restart_time: 1, ..RestartPlan::default() };
    let (us, them, _) = in_sync_with(|session| session.graceful_restart = Some(short)).await;
    them.speaker.stop(None).await.unwrap();
    us.session("stale", |s| s.stale.ipv4 == 2).await;
    us.session("gone", |s| s.received.ipv4 == 0 && s.stale_until.ipv4.is_none()).await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_session_keeps_its_routes_until_they_are_told_again() {
    let (mut us, them, _) = in_sync_with(|_| ()).await;
    let changed = |us: &Side, change: &dyn Fn(&mut SessionPlan)| {
        let mut session = SessionPlan::clone(&us.plan.sessions[0]);
        change(&mut session);
        Plan { sessions: vec![Arc::new(session)], ..Plan::clone(&us.plan) }
    };
    let plan = changed(&us, &|session| session.hold_time = 60);
    us.reload(plan, &["13.64.0.0/11"]).await;
    let down = us.session("ended", |s| s.flaps == 2 || s.state != State::Established).await;
    assert_eq!(down.last_error.as_ref().unwrap().code, Some(ErrorCode::CONFIG_CHANGE));
    us.session("in sync again", |s| in_sync(s) && s.hold_time == Some(60)).await;
    assert_eq!(held(&us).await, owned(&[(ONE, false), (OTHER, false)]));

    // Without graceful restart there is nobody to keep them for.
    let plan = changed(&us, &|session| session.graceful_restart = None);
    us.reload(plan, &["13.64.0.0/11"]).await;
    let down =
        them.session("told", |s| s.last_error.as_ref().is_some_and(|e| e.text.contains("Hard Reset"))).await;
    assert_eq!(down.last_error.as_ref().unwrap().code, Some(ErrorCode::CONFIG_CHANGE));
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_session_of_a_life_says_that_we_have_restarted() {
    let (us, mut them) = pair(ConnectionState::Active, 100);
    let first = them.session("in sync", in_sync).await;
    assert!(says_it_restarted(&first.peer_capabilities) && says_it_restarted(&first.local_capabilities));
    assert!(first.graceful_restart.is_some_and(|agreed| agreed.peer_restarted));
    // The next one has nothing to say of it.
    let mut session = SessionPlan::clone(&them.plan.sessions[0]);
    session.hold_time = 60;
    let plan = Plan { sessions: vec![Arc::new(session)], ..Plan::clone(&them.plan) };
    them.reload(plan, &[ONE]).await;
    let second = them.session("in sync", |s| in_sync(s) && s.hold_time == Some(60)).await;
    assert!(!says_it_restarted(&second.peer_capabilities) && !says_it_restarted(&second.local_capabilities));
    assert!(second.graceful_restart.is_some_and(|agreed| !agreed.peer_restarted));
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_that_pass_the_limit_of_all_sessions_do_not_stay_as_stale_ones() {
    let (mut us, mut them) = pair(ConnectionState::Active, 100);
    let up = us.session("their route", |s| s.received.ipv4 == 1).await;
    assert!(up.graceful_restart.is_some_and(|agreed| agreed.notification));
    let plan = Plan { limits: Limits { received_prefixes: 8 }, ..Plan::clone(&us.plan) };
    us.reload(plan, &["13.64.0.0/11"]).await;
    let many: Vec<String> = (1..=20).map(|n| format!("5.{n}.0.0/16")).collect();
    let plan = Plan::clone(&them.plan);
    them.reload(plan, &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let down = us.session("down", |s| s.last_error.is_some()).await;
    assert_eq!(down.last_error.as_ref().unwrap().text, "sent 6/9 Hard Reset: 6/8 Out of Resources");
    assert_eq!((down.received.ipv4, down.stale.ipv4), (0, 0));
    them.stop().await;
    us.stop().await;
}

/// The capabilities of the OPEN that we answer this address with.
async fn offered(us: &Side, from: Ipv4Addr) -> Vec<Capability> {
    let mut peer = Raw::dial(from, us.at).await;
    // Of another AS than anybody here: it never gets to Established.
    peer.send(&open(Asn(64999))).await;
    let messages = peer.rest().await;
    let opened = messages.iter().find(|(kind, _)| *kind == 1);
    opened.map(|(_, body)| Open::decode(body).unwrap().capabilities).unwrap_or_default()
}

async fn until_offered(us: &Side, from: Ipv4Addr, restarting: bool) {
    let is = |capability: &Capability| matches!(capability, Capability::GracefulRestart { restarting: said, .. } if *said == restarting);
    let waited = timeout(Duration::from_secs(10), async {
        // A dial too soon after another is refused, and says nothing.
        while !offered(us, from).await.iter().any(is) {
            sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(waited.await.is_ok(), "no OPEN whose R is {restarting}");
}

#[tokio::test(flavor = "multi_thread")]
async fn once_no_peer_can_have_our_routes_from_before_a_restart_is_not_spoken_of() {
    let began = std::time::Instant::now();
    let ours = SessionPlan {
        graceful_restart: Some(RestartPlan { restart_time: 2, ..RestartPlan::default() }),
        ..session(US, THEM, THEIRS, true)
    };
    let range = "127.0.7.16/28".parse().unwrap();
    let transport = TransportPlan { range: Some(range), ..TransportPlan::default() };
    let template = Arc::new(SessionPlan { transport, ..ours.clone() });
    let ranges = vec![Arc::new(crate::config::RangePlan { range, peer_limit: 10, template })];
    let us = Side::start(Plan { ranges, ..plan(OURS, US, vec![ours]) }, &["13.64.0.0/11"]);
    until_offered(&us, THEM, true).await;
    until_offered(&us, Ipv4Addr::new(127, 0, 7, 17), true).await;
    us.session("no word of a restart", |s| !says_it_restarted(&s.local_capabilities)).await;
    assert!(began.elapsed() >= Duration::from_secs(2));
    until_offered(&us, THEM, false).await;
    // One of the range that has come before, and one that has not.
    until_offered(&us, Ipv4Addr::new(127, 0, 7, 17), false).await;
    until_offered(&us, Ipv4Addr::new(127, 0, 7, 18), false).await;
    us.stop().await;
}

#[test]
fn a_restart_is_spoken_of_for_as_long_as_any_peer_may_keep_our_routes() {
    let at = |secs| crate::fsm::Moment(Duration::from_secs(secs));
    let with = |graceful_restart| SessionPlan { graceful_restart, ..session(US, THEM, THEIRS, true) };
    let restart = |restart_time, long_lived_stale_time| {
        with(Some(RestartPlan { restart_time, long_lived_stale_time, ..RestartPlan::default() }))
    };
    let begun = Life::Another(at(10));
    assert_eq!(begun.restarting_until(&restart(120, 0)), Some(at(130)));
    assert_eq!(begun.restarting_until(&restart(120, 3600)), Some(at(3730)));
    assert_eq!(begun.restarting_until(&with(None)), None);
    assert_eq!(Life::First.restarting_until(&restart(120, 0)), None);
    let says = |life, now| says_it_restarted(&terms::capabilities(OURS, &restart(120, 0), life, at(now)));
    assert_eq!((says(begun, 129), says(begun, 130), says(Life::First, 10)), (true, false, false));
}
