//! Extensions of the protocol as a peer made of bytes meets them.

use super::*;
use crate::accept::LimitExceeded;
use crate::config::MaxPrefixAction;
use crate::fsm::DownReason;
use crate::metrics::SessionLabels;
use crate::speaker::status::Status;
use crate::speaker::{CannotRefresh, LimitPassed, RefreshWay, ResetDone, ResetOrder};
use crate::wire::{RefreshSubtype, Role, RouteRefresh};

/// Our side with these choices, and a partner that is to dial.
fn us_with(protocol: ProtocolPlan) -> Side {
    let ours = SessionPlan { protocol, ..session(US, THEM, THEIRS, true) };
    Side::start(plan(OURS, US, vec![ours]), &["13.64.0.0/11"])
}

fn open_with(capabilities: Vec<Capability>) -> Open {
    let own = [Capability::Multiprotocol(1, 1), Capability::FourOctetAs(THEIRS)];
    let capabilities = own.into_iter().chain(capabilities).collect();
    Open { my_as: THEIRS.as_u16(), hold_time: 90, bgp_id: THEM, capabilities }
}

fn refresh(subtype: RefreshSubtype) -> Vec<u8> {
    RouteRefresh { afi: 1, safi: 1, subtype }.encode()
}

/// An UPDATE with these /8s, and ONLY_TO_CUSTOMER where it is given.
fn update(firsts: &[u8], otc: Option<u32>) -> Vec<u8> {
    let mut attributes = vec![0x40, 1, 1, 0, 0x40, 2, 6, 2, 1];
    attributes.extend(THEIRS.0.to_be_bytes());
    attributes.extend([0x40, 3, 4, 127, 0, 7, 1]);
    if let Some(asn) = otc {
        attributes.extend([0xC0, 35, 4]);
        attributes.extend(asn.to_be_bytes());
    }
    let nlri: Vec<u8> = firsts.iter().flat_map(|first| [8, *first]).collect();
    let attributes_len = u16::try_from(attributes.len()).unwrap().to_be_bytes();
    let len = u16::try_from(23 + attributes.len() + nlri.len()).unwrap().to_be_bytes();
    [&[0xFF; 16][..], &len, &[2, 0, 0], &attributes_len, &attributes, &nlri].concat()
}

async fn up(us: &Side, capabilities: Vec<Capability>) -> Raw {
    let mut peer = Raw::dial(THEM, us.at).await;
    peer.send(&open_with(capabilities).encode().unwrap()).await;
    peer.send(&KEEPALIVE).await;
    us.session("up", |s| s.state == State::Established).await;
    peer
}

/// The answer to an OPEN of these octets: code and subcode.
async fn answer(protocol: ProtocolPlan, open: Vec<u8>) -> [u8; 2] {
    let us = us_with(protocol);
    let mut peer = Raw::dial(THEM, us.at).await;
    peer.send(&open).await;
    let messages = peer.rest().await;
    us.stop().await;
    let (kind, body) = messages.last().expect("an answer");
    assert_eq!(*kind, 3, "{messages:?}");
    [body[0], body[1]]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_speaker_may_say_in_its_open_is_refused() {
    let raw = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut octets = open_with(vec![]).encode().unwrap();
        change(&mut octets);
        octets
    };
    let none = ProtocolPlan::default;
    // My Autonomous System of 0, in either place (RFC 7607).
    assert_eq!(answer(none(), raw(&|o| o[20..22].fill(0))).await, [2, 2]);
    let zero = raw(&|o| {
        let at = o.len() - 4;
        o[at..].fill(0);
    });
    assert_eq!(answer(none(), zero).await, [2, 2]);
    // A BGP Identifier of 0 (RFC 6286); ours is fine, since the AS is another.
    assert_eq!(answer(none(), raw(&|o| o[24..28].fill(0))).await, [2, 3]);
    assert_eq!(answer(none(), raw(&|o| o[22..24].copy_from_slice(&[0, 2]))).await, [2, 6]);
    // Roles (RFC 9234).
    let peer = ProtocolPlan { local_role: Some(Role::Peer), ..none() };
    let customer = open_with(vec![Capability::Role(3)]).encode().unwrap();
    assert_eq!(answer(peer.clone(), customer).await, [2, 11]);
    let strict = ProtocolPlan { strict_role: true, ..peer };
    assert_eq!(answer(strict, open_with(vec![]).encode().unwrap()).await, [2, 11]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_as_may_have_our_bgp_identifier() {
    let us = us_with(ProtocolPlan::default());
    let mut peer = Raw::dial(THEM, us.at).await;
    peer.send(&Open { bgp_id: US, ..open_with(vec![]) }.encode().unwrap()).await;
    peer.send(&KEEPALIVE).await;
    us.session("up", |s| s.state == State::Established).await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_asked_for_at_once_begins_behind_end_of_rib() {
    let us = us_with(ProtocolPlan::default());
    let mut peer = Raw::dial(THEM, us.at).await;
    let open = open_with(vec![Capability::RouteRefresh, Capability::EnhancedRouteRefresh]);
    let request = refresh(RefreshSubtype::Request);
    let all = [open.encode().unwrap(), KEEPALIVE.to_vec(), request.repeat(3)].concat();
    peer.send(&all).await;
    let counted = us.metrics.find_session(THEM.into()).unwrap();
    until("two refreshes", || (counted.announced(Way::Sent, Family::Ipv4) == 3).then_some(())).await;
    us.stop().await;
    let told: Vec<&str> = peer
        .rest()
        .await
        .iter()
        .filter_map(|(kind, body)| match (*kind, body.as_slice()) {
            (2, [0, 0, 0, 0]) => Some("End-of-RIB"),
            (2, _) => Some("routes"),
            (5, [0, 1, 1, 1]) => Some("BoRR"),
            (5, [0, 1, 2, 1]) => Some("EoRR"),
            _ => None,
        })
        .collect();
    let refresh = ["BoRR", "routes", "EoRR"];
    let wanted = [&["routes", "End-of-RIB"][..], &refresh, &refresh].concat();
    assert_eq!(told, wanted, "one runs, and those that come meanwhile are one");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_peer_does_not_say_again_is_gone_where_it_marks_its_refresh() {
    let us = us_with(ProtocolPlan::default());
    let mut peer = up(&us, vec![Capability::RouteRefresh, Capability::EnhancedRouteRefresh]).await;
    peer.send(&update(&[5, 6, 7], None)).await;
    us.session("three routes", |s| s.received.ipv4 == 3).await;
    us.handle().refresh("link-v4", RefreshWay::In).await.unwrap();
    peer.send(&[refresh(RefreshSubtype::Borr), update(&[6], None)].concat()).await;
    peer.send(&refresh(RefreshSubtype::Eorr)).await;
    us.session("one route", |s| s.received.ipv4 == 1).await;
    assert_eq!(us.received().await, nets(&["6.0.0.0/8"]));
    us.stop().await;
    let messages = peer.rest().await;
    assert!(messages.contains(&(5, vec![0, 1, 0, 1])), "our request: {messages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_mean_nothing_where_they_were_not_negotiated() {
    let us = us_with(ProtocolPlan::default());
    let mut peer = up(&us, vec![Capability::RouteRefresh]).await;
    peer.send(&update(&[5], None)).await;
    peer.send(&[refresh(RefreshSubtype::Borr), refresh(RefreshSubtype::Eorr), update(&[6], None)].concat())
        .await;
    us.session("both routes", |s| s.received.ipv4 == 2).await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_without_route_refresh_cannot_be_asked() {
    let us = us_with(ProtocolPlan::default());
    let ask = async || us.handle().refresh("link-v4", RefreshWay::In).await;
    assert_eq!(ask().await, Err(CannotRefresh::NotEstablished));
    let peer = up(&us, vec![]).await;
    assert_eq!(ask().await, Err(CannotRefresh::NotNegotiated));
    assert_eq!(us.handle().refresh("link-v4", RefreshWay::Out).await, Ok(()));
    us.stop().await;
    drop(peer);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_to_customer_is_attached_and_judged_by_our_role() {
    let us = us_with(ProtocolPlan { local_role: Some(Role::Provider), ..ProtocolPlan::default() });
    let mut peer = up(&us, vec![Capability::Role(3)]).await;
    peer.send(&[update(&[5, 6], Some(174)), update(&[7], None)].concat()).await;
    let seen = us.session("three routes", |s| s.received.ipv4 == 3).await;
    assert_eq!(seen.leaks, 2);
    assert_eq!(seen.negotiated.as_ref().unwrap().peer_role, Some(Role::Customer));
    us.session("told", |s| s.end_of_rib_sent.ipv4).await;
    let told = us.handle().advertised("link-v4").await.unwrap();
    let told = told.ipv4.map(|told| told.page(None, 9)).unwrap_or_default();
    assert_eq!(told.iter().map(|route| route.otc).collect::<Vec<_>>(), [Some(OURS)], "and shown");
    us.stop().await;
    let messages = peer.rest().await;
    let (_, routes) = messages.iter().find(|(kind, body)| *kind == 2 && body.len() > 4).unwrap();
    let otc = [&[0xC0, 35, 4][..], &OURS.0.to_be_bytes()].concat();
    assert!(routes.windows(otc.len()).any(|window| window == otc), "{routes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_says_why_in_the_operators_words_and_a_stop_in_those_of_the_config() {
    let us =
        us_with(ProtocolPlan { shutdown_communication: Some("call us".into()), ..ProtocolPlan::default() });
    let peer = up(&us, vec![]).await;
    let order = ResetOrder { is_hard: false, text: Some("new card".to_owned()) };
    let done = us.handle().reset("link-v4", order).await.unwrap();
    assert_eq!(done, ResetDone { has_ended: true, is_told: true });
    assert_eq!(peer.rest().await.last().unwrap(), &(3, b"\x06\x04\x08new card".to_vec()));
    let seen = us.session("wanted again", |s| s.flaps == 1 && s.state == State::Active).await;
    assert_eq!(seen.last_error.as_ref().unwrap().text, "sent 6/4 Administrative Reset: \"new card\"");
    let peer = up(&us, vec![]).await;
    us.stop().await;
    assert_eq!(peer.rest().await.last().unwrap(), &(3, b"\x06\x02\x07call us".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_without_a_restart_time_holds_until_a_reset() {
    let protocol = ProtocolPlan { max_prefix_restart: None, ..ProtocolPlan::default() };
    let ours = SessionPlan {
        protocol,
        max_prefixes: PerFamily { ipv4: Some(4), ipv6: Some(4) },
        ..session(US, THEM, THEIRS, true)
    };
    let us = Side::start(plan(OURS, US, vec![ours]), &["13.64.0.0/11"]);
    let mut peer = up(&us, vec![]).await;
    peer.send(&update(&[5, 6], None)).await;
    let seen = us.session("two routes", |s| s.received.ipv4 == 2).await;
    assert_eq!((seen.near_limit.ipv4, seen.limit_passed), (false, None));
    peer.send(&update(&[7], None)).await;
    us.session("three of four are near", |s| s.near_limit.ipv4).await;
    peer.send(&update(&[9, 10], None)).await;
    let down = us.session("held down", |s| s.limit_passed.is_some() && s.state == State::Idle).await;
    let exceeded = LimitExceeded::Session { family: Family::Ipv4, limit: 4 };
    assert_eq!(down.limit_passed, Some(LimitPassed { exceeded, until: None }));
    let refused = Raw::dial(THEM, us.at).await.rest().await;
    assert_eq!(refused, [(3, vec![6, 5])], "Cease, Connection Rejected");
    let done = us.handle().reset("link-v4", ResetOrder::default()).await.unwrap();
    assert_eq!(done, ResetDone { has_ended: false, is_told: false });
    us.session("wanted again", |s| s.limit_passed.is_none() && s.state == State::Active).await;
    let peer = up(&us, vec![]).await;
    us.stop().await;
    drop(peer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_near_as_long_as_so_much_is_held() {
    let max_prefixes = PerFamily { ipv4: Some(4), ipv6: Some(4) };
    let ours = SessionPlan { max_prefixes, ..session(US, THEM, THEIRS, true) };
    let us = Side::start(plan(OURS, US, vec![ours]), &["13.64.0.0/11"]);
    let mut peer = up(&us, vec![]).await;
    let withdrawal = [&[0xFF; 16][..], &[0, 25, 2, 0, 2, 8, 5, 0, 0]].concat();
    for _ in 0..2 {
        peer.send(&update(&[5, 6, 7], None)).await;
        us.session("near", |s| s.near_limit.ipv4 && s.received.ipv4 == 3).await;
        peer.send(&withdrawal).await;
        us.session("not near", |s| !s.near_limit.ipv4 && s.received.ipv4 == 2).await;
    }
    peer.send(&update(&[5], None)).await;
    us.session("near again", |s| s.near_limit.ipv4).await;
    drop(peer);
    us.session("down", |s| s.flaps == 1 && !s.near_limit.ipv4).await;
    us.stop().await;
}

/// What the config asks for at a limit: the session goes on and it is said, or it ends; a reload is enough for either.
#[tokio::test(flavor = "multi_thread")]
async fn f33_a_limit_that_is_only_warned_of_ends_no_session() {
    let plan_of = |max_prefix_action| {
        let ours = SessionPlan {
            protocol: ProtocolPlan { max_prefix_action, ..ProtocolPlan::default() },
            max_prefixes: PerFamily { ipv4: Some(2), ipv6: Some(2) },
            ..session(US, THEM, THEIRS, true)
        };
        plan(OURS, US, vec![ours])
    };
    let mut us = Side::start(plan_of(MaxPrefixAction::Warn), &["13.64.0.0/11"]);
    let mut peer = up(&us, vec![]).await;
    let passed = |side: &Side| side.metrics.find_session(THEM.into()).unwrap().limit_passed(Family::Ipv4);
    peer.send(&update(&[5, 6], None)).await;
    us.session("at the limit", |s| s.received.ipv4 == 2).await;
    assert_eq!(passed(&us), 0);
    peer.send(&update(&[7, 9, 10], None)).await;
    let over = us.session("past it", |s| s.received.ipv4 == 5).await;
    assert_eq!((over.state, over.limit_passed, over.near_limit.ipv4), (State::Established, None, true));
    assert_eq!(passed(&us), 1, "once, however far");
    us.reload(plan_of(MaxPrefixAction::Cease), &["13.64.0.0/11"]).await;
    let down = us.session("held down", |s| s.limit_passed.is_some() && s.state == State::Idle).await;
    let exceeded = LimitExceeded::Session { family: Family::Ipv4, limit: 2 };
    assert_eq!(down.limit_passed.map(|passed| passed.exceeded), Some(exceeded));
    assert_eq!(passed(&us), 2, "and that it ended by it");
    us.reload(plan_of(MaxPrefixAction::Warn), &["13.64.0.0/11"]).await;
    us.session("wanted again", |s| s.limit_passed.is_none() && s.state == State::Active).await;
    us.stop().await;
}

/// What is logged, to be read.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn that_a_limit_is_near_is_said_once_a_session() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let warnings = || String::from_utf8(log.0.lock().unwrap().clone()).unwrap().matches("near its").count();
    let plan = session(US, THEM, THEIRS, true);
    let labels = SessionLabels { connection: plan.connection.clone(), session_ip: plan.peer_address };
    let mut status = Status::new(&plan, Vec::new(), Metrics::new().unwrap().session(labels));
    let near = |status: &mut Status, ipv4, ipv6| {
        let held = PerFamily { ipv4: 900, ipv6: 900 };
        status.watch_limits(PerFamily { ipv4, ipv6 }, held, &plan);
    };
    tracing::subscriber::with_default(subscriber, || {
        near(&mut status, false, false);
        assert_eq!(warnings(), 0);
        near(&mut status, true, false);
        near(&mut status, true, false);
        assert_eq!(warnings(), 1);
        // Across the line and back, as often as the peer likes.
        for _ in 0..10 {
            near(&mut status, false, false);
            near(&mut status, true, false);
        }
        assert_eq!(warnings(), 1);
        near(&mut status, true, true);
        assert_eq!(warnings(), 2, "the other family by itself");
        status.down(&DownReason::ConnectionLost);
        near(&mut status, true, true);
        assert_eq!(warnings(), 4, "of the next session again");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn graceful_shutdown_comes_and_goes_by_reload() {
    let mut us = us_with(ProtocolPlan::default());
    let peer = up(&us, vec![]).await;
    us.session("told", |s| s.end_of_rib_sent.ipv4).await;
    let counted = us.metrics.find_session(THEM.into()).unwrap();
    for (on, announced) in [(true, 2), (false, 3)] {
        let protocol = ProtocolPlan { graceful_shutdown: on, ..ProtocolPlan::default() };
        let ours = SessionPlan { protocol, ..SessionPlan::clone(&us.plan.sessions[0]) };
        let next = Plan { sessions: vec![Arc::new(ours)], ..Plan::clone(&us.plan) };
        us.reload(next, &["13.64.0.0/11"]).await;
        until("told again", || (counted.announced(Way::Sent, Family::Ipv4) == announced).then_some(())).await;
    }
    assert_eq!(counted.flaps(), 0);
    us.stop().await;
    let has = |body: &Vec<u8>| body.windows(4).any(|window| window == [0xFF, 0xFF, 0, 0]);
    let routes: Vec<bool> = peer
        .rest()
        .await
        .iter()
        .filter(|(kind, body)| *kind == 2 && body.len() > 4)
        .map(|(_, b)| has(b))
        .collect();
    assert_eq!(routes, [false, true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_open_waits_for_the_peers_and_can_have_the_extended_form() {
    let protocol = ProtocolPlan {
        delay_open: Duration::from_secs(200),
        parameter_form: crate::wire::ParameterForm::Extended,
        ..ProtocolPlan::default()
    };
    let us = us_with(protocol);
    let mut peer = Raw::dial(THEM, us.at).await;
    us.session("the connection", |s| s.local_address.is_some()).await;
    let mut first = [0; 1];
    let silent = timeout(Duration::from_millis(300), peer.0.peek(&mut first)).await;
    assert!(silent.is_err(), "nothing is said yet");
    peer.send(&open_with(vec![]).encode().unwrap()).await;
    peer.send(&KEEPALIVE).await;
    us.session("up", |s| s.state == State::Established).await;
    us.stop().await;
    let messages = peer.rest().await;
    assert_eq!((messages[0].0, &messages[0].1[9..11]), (1, &[255, 255][..]), "{messages:?}");
    assert_eq!(messages[1].0, 4, "OPEN, then KEEPALIVE");
}
