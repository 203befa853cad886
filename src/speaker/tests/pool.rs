//! What sessions may hold together, and who gives way.

use super::*;

/// Microsoft's side, which waits for partners of these addresses, 127.0.7.N, and holds so many prefixes of them.
fn shared_by(lasts: &[u8], received_prefixes: u64) -> Side {
    let of = |last: &u8| SessionPlan {
        name: format!("link-{last}").into(),
        ..session(US, Ipv4Addr::new(127, 0, 7, *last), THEIRS, true)
    };
    let sessions = lasts.iter().map(of).collect();
    Side::start(limited(&plan(OURS, US, sessions), received_prefixes), &["13.64.0.0/11"])
}

fn limited(plan: &Plan, received_prefixes: u64) -> Plan {
    Plan { limits: Limits { received_prefixes }, ..plan.clone() }
}

/// A partner with so many routes.
fn partner(us: &Side, last: u8, routes: u8) -> Side {
    let address = Ipv4Addr::new(127, 0, 7, last);
    let theirs = SessionPlan { peer_port: us.at.port(), ..session(address, US, OURS, false) };
    let routes: Vec<String> = (1..=routes).map(|n| format!("5.{n}.0.0/16")).collect();
    let routes: Vec<&str> = routes.iter().map(String::as_str).collect();
    Side::start(plan(THEIRS, address, vec![theirs]), &routes)
}

fn of(us: &Side, last: u8) -> Arc<SessionSnapshot> {
    let name = format!("link-{last}");
    us.handle().sessions().into_iter().find(|s| &*s.plan.name == name.as_str()).unwrap()
}

async fn until_held(us: &Side, last: u8, received: u64, stale: u64) -> Arc<SessionSnapshot> {
    until("so many routes", || {
        let session = of(us, last);
        ((session.received.ipv4, session.stale.ipv4) == (received, stale)).then_some(session)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_routes_of_others_go_before_a_live_session_ends() {
    let us = shared_by(&[1, 2, 3], 16);
    let first = partner(&us, 1, 10);
    until_held(&us, 1, 10, 0).await;
    first.speaker.stop(None).await.unwrap();
    until_held(&us, 1, 10, 10).await;
    // There is room for these beside them.
    let second = partner(&us, 2, 6);
    until_held(&us, 2, 6, 0).await;
    assert_eq!((of(&us, 1).received.ipv4, of(&us, 1).stale.ipv4), (10, 10));
    let third = partner(&us, 3, 7);
    until_held(&us, 3, 7, 0).await;
    let gone = until_held(&us, 1, 0, 0).await;
    assert_eq!(gone.stale_until, PerFamily::default());
    for side in [&second, &third] {
        let session = side.session("in sync", in_sync).await;
        assert_eq!((session.state, session.flaps), (State::Established, 0));
    }
    second.stop().await;
    third.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_limit_that_was_lowered_those_that_hold_the_most_end_until_it_is_kept() {
    let mut us = shared_by(&[1, 2, 3, 4], 100);
    let sides = [partner(&us, 1, 9), partner(&us, 2, 6), partner(&us, 3, 3), partner(&us, 4, 2)];
    for (last, routes) in [(1, 9), (2, 6), (3, 3), (4, 2)] {
        until_held(&us, last, routes, 0).await;
    }
    us.reload(limited(&us.plan, 20), &["13.64.0.0/11"]).await;
    us.reload(limited(&us.plan, 10), &["13.64.0.0/11"]).await;
    let told = |side: &Side| side.handle().sessions()[0].last_error.as_ref().map(|error| error.code);
    let out_of_resources = Some(Some(ErrorCode::OUT_OF_RESOURCES));
    until("the first to end", || (told(&sides[0]) == out_of_resources).then_some(())).await;
    let ended = until_held(&us, 1, 0, 0).await;
    assert_eq!(ended.last_error.as_ref().unwrap().text, "sent 6/9 Hard Reset: 6/8 Out of Resources");
    // 11 are left, which is one too many still.
    until("the second to end", || (told(&sides[1]) == out_of_resources).then_some(())).await;
    until_held(&us, 2, 0, 0).await;
    for last in [3, 4] {
        assert_eq!((of(&us, last).state, of(&us, last).flaps), (State::Established, 0));
    }
    for side in sides {
        side.stop().await;
    }
    us.stop().await;
}
