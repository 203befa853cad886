mod accepted;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use expect_test::{Expect, expect};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{oneshot, watch};
use tower::ServiceExt as _;

use super::fixtures::{Speaker, established, received};
use super::router::MAX_LONG_READERS;
use super::{list, serve};
use crate::accept::ReceivedRoute;

async fn call(router: &Router, method: &str, path: &str) -> axum::response::Response {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

async fn get(router: &Router, path: &str) -> (StatusCode, String) {
    let response = call(router, "GET", path).await;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn ok(router: &Router, path: &str) -> String {
    let (status, body) = get(router, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

async fn message(router: &Router, path: &str, expected: StatusCode) -> String {
    let (status, body) = get(router, path).await;
    assert_eq!(status, expected, "{path}: {body}");
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    json["error"]["message"].as_str().unwrap().to_owned()
}

async fn check(path: &str, expected: Expect) {
    let body = ok(&Speaker::new().router(), path).await;
    serde_json::from_str::<serde_json::Value>(&body).unwrap();
    expected.assert_eq(&body);
}

#[tokio::test]
async fn sessions() {
    check("/api/v1/sessions", expect![[r#"
        [
        {"name":"contoso-ashburn-1-v4","connection":"contoso-ashburn-1","peerAddress":"4.68.74.181","localAddress":"4.68.74.182","peerAsn":3356,"state":"Established","families":["ipv4"],"advertised":{"ipv4":354,"ipv6":0},"received":{"ipv4":2,"ipv6":0},"lastError":null,"peering":"contoso-ashburn","peeringLocation":"Ashburn","connectionState":"Active","since":"2026-11-22T12:00:00Z","pending":{"ipv4":7,"ipv6":0},"endOfRibSent":{"ipv4":true,"ipv6":false},"flaps":0},
        {"name":"contoso-ashburn-1-v6","connection":"contoso-ashburn-1","peerAddress":"2001:1900::1","localAddress":"2001:1900::2","peerAsn":3356,"state":"Idle","families":[],"advertised":{"ipv4":0,"ipv6":0},"received":{"ipv4":0,"ipv6":0},"lastError":{"code":2,"subcode":2,"text":"received 2/2 Bad Peer AS: \"\u001b[2Jgone\"","direction":"received","at":"2026-11-22T11:59:55Z"},"peering":"contoso-ashburn","peeringLocation":"Ashburn","connectionState":"Active","since":"2026-11-22T12:00:00Z","pending":{"ipv4":0,"ipv6":0},"endOfRibSent":{"ipv4":false,"ipv6":false},"flaps":2},
        {"name":"ix-london-1-v4","connection":"ix-london-1","peerAddress":"5.57.80.2","localAddress":"5.57.80.1","peerAsn":3356,"state":"Active","families":[],"advertised":{"ipv4":0,"ipv6":0},"received":{"ipv4":0,"ipv6":0},"lastError":{"code":null,"subcode":null,"text":"connect: Connection refused","direction":null,"at":"2026-11-22T12:00:00Z"},"peering":"contoso-ashburn","peeringLocation":"Ashburn","connectionState":"Active","since":"2026-11-22T12:00:00Z","pending":{"ipv4":0,"ipv6":0},"endOfRibSent":{"ipv4":false,"ipv6":false},"flaps":0}
        ]
    "#]]).await;
}

#[tokio::test]
async fn one_session() {
    check("/api/v1/sessions/contoso-ashburn-1-v4", expect![[r#"
        {"name":"contoso-ashburn-1-v4","connection":"contoso-ashburn-1","peerAddress":"4.68.74.181","localAddress":"4.68.74.182","peerAsn":3356,"state":"Established","families":["ipv4"],"advertised":{"ipv4":354,"ipv6":0},"received":{"ipv4":2,"ipv6":0},"lastError":null,"peering":"contoso-ashburn","peeringLocation":"Ashburn","connectionState":"Active","since":"2026-11-22T12:00:00Z","pending":{"ipv4":7,"ipv6":0},"endOfRibSent":{"ipv4":true,"ipv6":false},"flaps":0,"passive":false,"peerPort":179,"configuredHoldTime":90,"holdTime":30,"direction":"outbound","peerId":"4.68.74.1","fourOctetAs":true,"configuredFamilies":["ipv4"],"extendedNextHop":false,"addPathReceive":[],"nextHop":{"ipv4":"4.68.74.182","ipv6":null},"maxPrefixes":{"ipv4":20000,"ipv6":null},"endOfRibReceived":{"ipv4":false,"ipv6":false},"transport":{"md5":false,"ttlSecurityHops":null,"ttl":null,"interface":null,"range":null},"localRole":"peer","strictRole":false,"gracefulShutdown":false,"shutdownCommunication":null,"maxPrefixWarningPercent":75,"maxPrefixRestartSecs":60,"delayOpen":0,"extendedOptionalParameters":"auto","sendHoldTime":480,"negotiated":{"fourOctetAs":false,"routeRefresh":true,"enhancedRouteRefresh":false,"extendedMessage":false,"peerRole":"peer"},"nearLimit":{"ipv4":true,"ipv6":false},"receivedGracefulShutdown":1,"receivedLeaks":2,"needsReset":false,"gracefulRestart":{"configured":{"restartTime":120,"notification":true,"longLivedStaleTime":0},"negotiated":null,"stale":{"ipv4":0,"ipv6":0},"staleUntil":{"ipv4":null,"ipv6":null}},"capabilities":{"local":[{"code":1,"name":"Multiprotocol","text":"ipv4"},{"code":2,"name":"Route Refresh","text":""}],"peer":[{"code":1,"name":"Multiprotocol","text":"ipv4"},{"code":65,"name":"Four-octet AS Number","text":"3356"}]},"messages":{"sent":{"open":0,"update":3,"notification":0,"keepalive":0,"routeRefresh":0},"received":{"open":0,"update":0,"notification":0,"keepalive":0,"routeRefresh":0}}}
    "#]]).await;
}

#[tokio::test]
async fn what_was_received() {
    check("/api/v1/sessions/4.68.74.181/received", expect![[r#"
        [
        {"prefix":"4.1.0.0/16","pathId":0,"nextHop":"4.68.74.181","asPath":"3356 65001 {7,8}","communities":["8075:8007"],"extendedCommunities":["rt:8075:100"],"largeCommunities":["8075:1:2"],"origin":"incomplete","med":10,"onlyToCustomer":3356,"isLeak":true,"receivedAt":"2026-11-22T12:00:00Z","stale":false},
        {"prefix":"4.2.0.0/16","pathId":0,"nextHop":"4.68.74.181","asPath":"3356 65001 {7,8}","communities":["8075:8007"],"extendedCommunities":["rt:8075:100"],"largeCommunities":["8075:1:2"],"origin":"incomplete","med":10,"onlyToCustomer":3356,"isLeak":true,"receivedAt":"2026-11-22T12:00:00Z","stale":false}
        ]
    "#]]).await;
}

#[tokio::test]
async fn what_is_advertised_before_established() {
    check(
        "/api/v1/sessions/ix-london-1/advertised",
        expect![[r#"
        []
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_advertised() {
    check("/api/v1/sessions/contoso-ashburn-1-v4/advertised", expect![[r#"
        [
        {"prefix":"13.64.0.0/11","nextHop":"4.68.74.182","origin":"igp","asPath":"8075","med":null,"communities":[],"extendedCommunities":[],"largeCommunities":[],"since":{"generation":3,"time":"2026-11-22T12:00:00Z"},"source":null,"file":"rib/microsoft.yaml","line":3,"stale":false},
        {"prefix":"13.64.0.0/14","nextHop":"4.68.74.182","origin":"egp","asPath":"8075 12076","med":50,"communities":["8075:1007","8075:1008"],"extendedCommunities":[],"largeCommunities":[],"since":{"generation":3,"time":"2026-11-22T12:00:00Z"},"source":"service-tags 376","file":"rib/microsoft.yaml","line":6,"stale":false},
        {"prefix":"2603:1000::/24","nextHop":"2001:1900::2","origin":"igp","asPath":"8075","med":null,"communities":[],"extendedCommunities":[],"largeCommunities":[],"since":{"generation":3,"time":"2026-11-22T12:00:00Z"},"source":null,"file":"rib/microsoft.yaml","line":4,"stale":false}
        ]
    "#]]).await;
}

#[tokio::test]
async fn what_is_advertised_in_mid_transfer() {
    let router = Speaker::in_transfer().router();
    let body = ok(&router, "/api/v1/sessions/contoso-ashburn-1/advertised").await;
    expect![[r#"
        [
        {"prefix":"13.64.0.0/11","nextHop":"4.68.74.182","origin":"igp","asPath":"8075","med":null,"communities":[],"extendedCommunities":[],"largeCommunities":[],"since":{"generation":4,"time":"2026-11-22T12:00:00Z"},"source":null,"file":"rib/microsoft.yaml","line":3,"stale":false},
        {"prefix":"13.64.0.0/14","nextHop":"4.68.74.182","origin":null,"asPath":null,"med":null,"communities":null,"extendedCommunities":null,"largeCommunities":null,"since":{"generation":4,"time":"2026-11-22T12:00:00Z"},"source":"service-tags 376","file":"rib/microsoft.yaml","line":5,"stale":true},
        {"prefix":"2603:1000::/24","nextHop":"2001:1900::2","origin":null,"asPath":null,"med":null,"communities":null,"extendedCommunities":null,"largeCommunities":null,"since":null,"source":null,"file":null,"line":null,"stale":true}
        ]
    "#]].assert_eq(&body);
}

#[tokio::test]
async fn routes() {
    check("/api/v1/routes", expect![[r#"
        [
        {"prefix":"13.64.0.0/11","origin":"igp","asPath":"8075","med":null,"communities":[],"extendedCommunities":[],"largeCommunities":[],"source":null,"file":"rib/microsoft.yaml","line":3,"since":{"generation":3,"time":"2026-11-22T12:00:00Z"},"peeringLocations":[],"peerings":[]},
        {"prefix":"13.64.0.0/14","origin":"egp","asPath":"8075 12076","med":50,"communities":["8075:1007","8075:1008"],"extendedCommunities":[],"largeCommunities":[],"source":"service-tags 376","file":"rib/microsoft.yaml","line":6,"since":{"generation":3,"time":"2026-11-22T12:00:00Z"},"peeringLocations":["Ashburn"],"peerings":[]},
        {"prefix":"2603:1000::/24","origin":"igp","asPath":"8075","med":null,"communities":[],"extendedCommunities":[],"largeCommunities":[],"source":null,"file":"rib/microsoft.yaml","line":4,"since":{"generation":3,"time":"2026-11-22T12:00:00Z"},"peeringLocations":[],"peerings":[]}
        ]
    "#]]).await;
}

#[tokio::test]
async fn f42_where_origins_come_from() {
    check("/api/v1/origin", expect![[r#"
        {"inForceSince":"2026-11-22T11:59:00Z","rpki":{"vrps":{"ipv4":400002,"ipv6":100000},"invalid":"refuse","caches":[{"address":"192.0.2.8:323","state":"synced","inUse":true,"sessionId":4711,"serial":12,"vrps":{"ipv4":400000,"ipv6":100000},"updatedAt":"2026-11-22T11:59:00Z","expiresAt":"2026-11-22T13:59:00Z","lastError":null},{"address":"[2001:db8::8]:323","state":"connecting","inUse":false,"sessionId":null,"serial":null,"vrps":{"ipv4":0,"ipv6":0},"updatedAt":null,"expiresAt":null,"lastError":{"text":"connect: Connection refused","at":"2026-11-22T11:59:55Z"}}],"files":[{"file":"vrps.json","entries":2}]},"irr":{"routes":{"ipv4":3,"ipv6":0},"invalid":"show","unknown":"show","files":[{"file":"radb.db.route","entries":3}]}}
    "#]]).await;
}

#[tokio::test]
async fn the_generation() {
    let speaker = Speaker::new();
    let body = ok(&speaker.router(), "/api/v1/generation").await;
    let hash = speaker.handle.generation().unwrap().hash_hex();
    assert_eq!(hash.len(), 64);
    expect![[r#"
        {"number":3,"hash":"HASH","installedAt":"2026-11-22T12:00:00Z","routes":{"ipv4":2,"ipv6":1},"localAsn":8075,"routerId":"192.0.2.1","lab":true,"lastReloadError":null}
    "#]]
    .assert_eq(&body.replace(&hash, "HASH"));
}

#[tokio::test]
async fn no_sessions_are_an_empty_array() {
    let speaker = Speaker::with(Vec::new(), Vec::new(), None, None);
    assert_eq!(ok(&speaker.router(), "/api/v1/sessions").await, "[]\n");
    let said = message(&speaker.router(), "/api/v1/sessions/x", StatusCode::NOT_FOUND).await;
    assert!(said.ends_with("; no sessions are configured"), "{said}");
}

#[tokio::test]
async fn a_session_is_found_by_name_by_address_and_by_its_connection() {
    let router = Speaker::new().router();
    for (wanted, name) in [
        ("contoso-ashburn-1-v6", "contoso-ashburn-1-v6"),
        ("2001:1900:0::1", "contoso-ashburn-1-v6"),
        ("::ffff:4.68.74.181", "contoso-ashburn-1-v4"),
        ("4%2e68.74.181", "contoso-ashburn-1-v4"),
        ("ix-london-1", "ix-london-1-v4"),
    ] {
        let body = ok(&router, &format!("/api/v1/sessions/{wanted}")).await;
        assert!(body.starts_with(&format!("{{\"name\":\"{name}\"")), "{wanted}: {body}");
    }
}

#[tokio::test]
async fn what_is_not_found_is_said_with_what_may_have_been_meant() {
    let router = Speaker::new().router();
    let said = |path: &'static str| {
        let router = router.clone();
        async move { get(&router, path).await }
    };
    let all = "contoso-ashburn-1-v4, contoso-ashburn-1-v6, ix-london-1-v4";
    let (status, body) = said("/api/v1/sessions/ix-londno-1-v4/received").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(
        body,
        format!(
            "{{\"error\":{{\"message\":\"no session, peer address or connection is \\\"ix-londno-1-v4\\\": did you \
             mean \\\"ix-london-1-v4\\\"? The sessions are {all}\",\"near\":[\"ix-london-1-v4\"]}}}}"
        )
    );
    let text = message(&router, "/api/v1/sessions/contoso-ashburn-1", StatusCode::NOT_FOUND).await;
    assert_eq!(
        text,
        "connection \"contoso-ashburn-1\" has 2 sessions: contoso-ashburn-1-v4, contoso-ashburn-1-v6; \
         name one of them"
    );
    let text = message(&router, "/api/v1/sessions/192.0.2.9/advertised", StatusCode::NOT_FOUND).await;
    assert!(text.contains("\"192.0.2.9\"; the sessions are contoso"), "{text}");
    let long = format!("/api/v1/sessions/{}", "x".repeat(5000));
    assert!(message(&router, &long, StatusCode::NOT_FOUND).await.len() < 300);
    assert!(message(&router, "/nothing", StatusCode::NOT_FOUND).await.contains("GET /"));
    message(&router, "/api/v1/sessions/%ff", StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn nothing_can_be_changed() {
    let speaker = Speaker::new();
    for router in [speaker.router(), speaker.socket_router()] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let response = call(&router, method, "/api/v1/sessions").await;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
            assert_eq!(response.headers()[header::ALLOW], "GET, HEAD");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert!(body.starts_with(b"{\"error\":{\"message\":"), "{body:?}");
        }
    }
}

#[tokio::test]
async fn routes_are_looked_up_by_prefix_and_by_address() {
    let router = Speaker::new().router();
    let advertised = "/api/v1/sessions/contoso-ashburn-1-v4/advertised";
    for (wanted, found) in [
        ("13.64.0.0/11", Some("13.64.0.0/11")),
        ("13.64.0.0%2F14", Some("13.64.0.0/14")),
        ("13.65.1.1", Some("13.64.0.0/14")),
        ("13.95.1.1", Some("13.64.0.0/11")),
        ("2603:1000::1", Some("2603:1000::/24")),
        ("13.64.0.0/12", None),
        ("8.8.8.8", None),
    ] {
        for list in ["/api/v1/routes", advertised] {
            let body = ok(&router, &format!("{list}?prefix={wanted}")).await;
            let json: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(json[0]["prefix"].as_str(), found, "{list} {wanted}");
            assert!(json[1].is_null());
        }
    }
    for (wanted, found) in [
        ("4.1.0.0/16", Some("4.1.0.0/16")),
        ("4.2.255.255", Some("4.2.0.0/16")),
        ("4.0.0.0/8", None),
        ("4.3.0.0", None),
        ("0.0.0.0/0", None),
        ("::/0", None),
        ("4.1.0.0/17", None),
    ] {
        let list = "/api/v1/sessions/contoso-ashburn-1-v4/received";
        let body = ok(&router, &format!("{list}?prefix={wanted}")).await;
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(json[0]["prefix"].as_str(), found, "{wanted}");
    }
    let refused = StatusCode::BAD_REQUEST;
    let text = message(&router, "/api/v1/routes?prefix=13.64.0.1/11", refused).await;
    assert_eq!(text, "13.64.0.1/11 has host bits: the prefix is 13.64.0.0/11");
    for (query, said) in [
        ("prefix=x", "prefix takes a prefix like 13.64.0.0/11, or an address like 13.64.0.1, not \"x\""),
        ("after=1.1.1.1", "after takes a prefix like 13.64.0.0/11, not \"1.1.1.1\""),
        ("limit=-1", "limit takes a whole number of rows, not \"-1\""),
        ("colour=red", "a list takes prefix, after and limit, not \"colour\""),
        ("prefix=1.1.1.1&prefix=2.2.2.2", "prefix is given twice: keep one of the two"),
        ("prefix=1.1.1.1&limit=2", "prefix stands alone: leave after and limit out"),
    ] {
        for list in ["/api/v1/routes", "/api/v1/sessions/ix-london-1/received", advertised] {
            assert_eq!(message(&router, &format!("{list}?{query}"), refused).await, said);
        }
    }
}

#[tokio::test]
async fn all_paths_of_a_prefix_are_listed_and_looked_up() {
    const PATHS: u32 = 300;
    let mut held = vec![received(1)];
    let of = |prefix: u8, id: u32| ReceivedRoute { path_id: id.into(), ..received(prefix) };
    held.extend((1..=PATHS).map(|id| of(2, id)));
    held.extend([of(3, 0), of(3, 9)]);
    let router = Speaker::with(vec![established()], held, None, None).router();
    let list = "/api/v1/sessions/contoso-ashburn-1/received";
    let rows = async |query: &str| -> Vec<(String, u64)> {
        let body = ok(&router, &format!("{list}{query}")).await;
        let json: Vec<serde_json::Value> = serde_json::from_str(&body).unwrap();
        let row = |r: &serde_json::Value| (r["prefix"].to_string(), r["pathId"].as_u64().unwrap());
        json.iter().map(row).collect()
    };
    let many: Vec<u64> = (1..=u64::from(PATHS)).collect();
    let ids = |rows: Vec<(String, u64)>| rows.into_iter().map(|(_, id)| id).collect::<Vec<_>>();
    assert_eq!(ids(rows("").await), [&[0], many.as_slice(), &[0, 9]].concat());
    // A prefix's paths are behind it as one, however they are asked for.
    assert_eq!(ids(rows("?after=4.2.0.0/16").await), [0, 9]);
    assert_eq!(ids(rows("?prefix=4.2.0.0/16").await), many);
    assert_eq!(ids(rows("?prefix=4.2.7.7").await), many);
    assert_eq!(ids(rows("?prefix=4.3.0.0/16").await), [0, 9]);
    assert_eq!(rows("?prefix=4.1.0.1").await, [("\"4.1.0.0/16\"".to_owned(), 0)]);
    assert!(rows("?prefix=4.4.0.0/16").await.is_empty());
}

#[tokio::test]
async fn a_change_under_way_is_looked_up_as_it_was_told() {
    let router = Speaker::in_transfer().router();
    let list = "/api/v1/sessions/contoso-ashburn-1/advertised";
    for wanted in ["2603:1000::/24", "2603:10ff::1"] {
        let body = ok(&router, &format!("{list}?prefix={wanted}")).await;
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(json[0]["prefix"], "2603:1000::/24");
        assert_eq!(json[0]["stale"], true);
    }
}

#[tokio::test]
async fn long_lists_come_whole_and_in_order_and_can_be_taken_up_again() {
    let count = 2 * list::PAGE + 1;
    let router = Speaker::large(count).router();
    let session = "/api/v1/sessions/contoso-ashburn-1";
    for path in ["/api/v1/routes".to_owned(), format!("{session}/received"), format!("{session}/advertised")]
    {
        let prefixes = |body: String| -> Vec<String> {
            let rows: Vec<serde_json::Value> = serde_json::from_str(&body).unwrap();
            assert_eq!(body.lines().count(), rows.len() + 2);
            rows.iter().map(|r| r["prefix"].as_str().unwrap().to_owned()).collect()
        };
        let all = prefixes(ok(&router, &path).await);
        assert_eq!(all.len(), count, "{path}");
        assert_eq!(all[0], "20.0.0.0/24");
        assert_eq!(all[count - 1], "20.7.208.0/24");
        let rest = prefixes(ok(&router, &format!("{path}?after={}", all[499])).await);
        assert_eq!(rest, all[500..]);
        let some = prefixes(ok(&router, &format!("{path}?after={}&limit=1500", all[9])).await);
        assert_eq!(some, all[10..1510]);
        let none = ok(&router, &format!("{path}?after={}", all[count - 1])).await;
        assert_eq!(none, "[]\n");
        assert_eq!(ok(&router, &format!("{path}?limit=0")).await, "[]\n");
    }
    for exact in [list::PAGE, 2 * list::PAGE] {
        let body = ok(&Speaker::large(exact).router(), "/api/v1/routes").await;
        assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&body).unwrap().len(), exact);
    }
}

#[tokio::test]
async fn a_list_goes_from_ipv4_to_ipv6_within_a_page() {
    let router = Speaker::new().router();
    let after = ok(&router, "/api/v1/routes?after=13.64.0.0/14").await;
    assert!(after.contains("2603:1000::/24") && !after.contains("13.64"), "{after}");
    assert_eq!(ok(&router, "/api/v1/routes?after=2603:1000::/24").await, "[]\n");
}

#[tokio::test]
async fn at_most_eight_long_lists_are_read_at_once() {
    let speaker = Speaker::large(list::PAGE + 1);
    let router = speaker.router();
    let mut open = Vec::new();
    for _ in 0..MAX_LONG_READERS {
        let response = call(&router, "GET", "/api/v1/routes").await;
        assert_eq!(response.status(), StatusCode::OK);
        open.push(response);
    }
    let refused = call(&router, "GET", "/api/v1/routes").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    ok(&router, "/api/v1/routes?limit=50").await;
    ok(&speaker.socket_router(), "/api/v1/routes").await;
    drop(open.pop());
    let last = open.pop().unwrap().into_body().collect().await.unwrap().to_bytes();
    assert!(last.ends_with(b"}\n]\n"));
    ok(&router, "/api/v1/routes").await;
}

#[tokio::test]
async fn what_readers_leave_unread_is_bounded_by_bytes_whatever_a_peer_sends() {
    const ROWS: usize = 60;
    const ROW: usize = 12_000;
    let router = Speaker::hostile(ROWS).router();
    let path = "/api/v1/sessions/contoso-ashburn-1/received?limit=50";
    let mut open = Vec::new();
    for _ in 0..MAX_LONG_READERS {
        let response = call(&router, "GET", path).await;
        assert_eq!(response.status(), StatusCode::OK);
        open.push(response);
    }
    // Two rows are more than a short answer, and one is not.
    for limit in [2, 50, 900] {
        let path = format!("/api/v1/sessions/contoso-ashburn-1/received?limit={limit}");
        message(&router, &path, StatusCode::SERVICE_UNAVAILABLE).await;
    }
    ok(&router, "/api/v1/sessions/contoso-ashburn-1/received?limit=1").await;
    ok(&router, "/api/v1/sessions/contoso-ashburn-1/received?prefix=20.0.0.0/24").await;

    let mut body = open.pop().unwrap().into_body();
    let mut chunks = Vec::new();
    while let Some(frame) = body.frame().await {
        chunks.push(frame.unwrap().into_data().unwrap());
    }
    drop(body);
    assert!(chunks.len() > 50 * ROW / (list::CHUNK + ROW), "{}", chunks.len());
    assert!(chunks.iter().all(|chunk| chunk.len() <= list::CHUNK + ROW));
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&chunks.concat()).unwrap();
    assert_eq!(rows.len(), 50);
    assert_eq!(rows[49]["prefix"], "20.0.49.0/24");
    // A list that has been made to its end keeps its place as long as any of it is in memory.
    drop(chunks.drain(1..));
    message(&router, path, StatusCode::SERVICE_UNAVAILABLE).await;
    drop(chunks);
    ok(&router, path).await;
}

#[tokio::test]
async fn a_short_list_needs_no_place() {
    let router = Speaker::large(2 * list::PAGE).router();
    let row = ok(&router, "/api/v1/routes?limit=1").await.len() - "[\n\n]\n".len();
    let fits = list::SHORT / (row + ",\n".len()) - 1;
    let mut open = Vec::new();
    for _ in 0..MAX_LONG_READERS {
        open.push(call(&router, "GET", "/api/v1/routes").await);
    }
    let body = ok(&router, &format!("/api/v1/routes?limit={fits}")).await;
    assert!(body.len() <= list::SHORT && body.len() > list::SHORT * 9 / 10, "{}", body.len());
    let longer = format!("/api/v1/routes?limit={}", fits + 5);
    message(&router, &longer, StatusCode::SERVICE_UNAVAILABLE).await;
}

#[tokio::test]
async fn health_and_readiness_are_two_things() {
    let speaker = Speaker::new();
    let router = speaker.router();
    assert_eq!(ok(&router, "/healthz").await, "ok\n");
    assert_eq!(ok(&router, "/readyz").await, "ready\n");
    speaker.overview.send_modify(|o| o.ready = false);
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(message(&router, "/readyz", unavailable).await, "the listeners are not bound yet");
    speaker.handle.generation.store(None);
    assert_eq!(message(&router, "/readyz", unavailable).await, "no generation is in force yet");
    message(&router, "/api/v1/routes", unavailable).await;
    message(&router, "/api/v1/generation", unavailable).await;
    assert_eq!(ok(&router, "/healthz").await, "ok\n");
    drop(speaker);
    assert_eq!(message(&router, "/healthz", unavailable).await, "the speaker has stopped");
}

#[tokio::test]
async fn metrics_and_the_index_are_there() {
    for path in ["/api/v1", "/api/v1/"] {
        assert_eq!(ok(&Speaker::new().router(), path).await, ok(&Speaker::new().router(), "/").await);
    }
    let speaker = Speaker::new();
    let router = speaker.router();
    let metrics = call(&router, "GET", "/metrics").await;
    assert_eq!(metrics.headers()[header::CONTENT_TYPE], "text/plain; version=0.0.4");
    let text = metrics.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&text).contains("session_ip=\"2001:1900::1\""));
    let index = call(&router, "GET", "/").await;
    assert_eq!(index.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert_eq!(index.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    let index = index.into_body().collect().await.unwrap().to_bytes();
    let index = String::from_utf8(index.to_vec()).unwrap();
    for link in index.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        ok(&router, link).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_answer_is_given_up() {
    let speaker = Speaker::new();
    let answer = list::asked(speaker.handle.received("ix-london-1-v4", None, 0)).await;
    assert_eq!(answer.unwrap_err().message(), "the session did not answer within 10 s");
}

#[tokio::test]
async fn a_session_that_went_is_said() {
    let speaker = Speaker::new();
    let answer = list::asked(speaker.handle.received("no-such", None, 1)).await;
    assert_eq!(answer.unwrap_err().message(), "the session has been removed");
}

/// Serves one connection in memory, whose buffer holds `room` bytes.
fn serve_in_memory(
    router: Router,
    room: usize,
) -> (tokio::io::DuplexStream, watch::Sender<()>, tokio::task::JoinHandle<()>) {
    let (client, server) = tokio::io::duplex(room);
    let (stop, stopping) = watch::channel(());
    (client, stop, tokio::spawn(serve::connection(server, router, stopping)))
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_for_30_s_is_ended_and_its_place_is_free_again() {
    let router = Speaker::large(20 * list::PAGE).router();
    let mut open = Vec::new();
    for _ in 0..MAX_LONG_READERS {
        let (mut client, stop, task) = serve_in_memory(router.clone(), 1024);
        client.write_all(b"GET /api/v1/routes HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut begun = [0; 12];
        client.read_exact(&mut begun).await.unwrap();
        assert_eq!(&begun, b"HTTP/1.1 200");
        open.push((client, stop, task));
    }
    message(&router, "/api/v1/routes", StatusCode::SERVICE_UNAVAILABLE).await;
    let begun = tokio::time::Instant::now();
    for (mut client, _stop, task) in open {
        task.await.unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        assert!(!rest.ends_with(b"0\r\n\r\n"), "a list that was broken off must not look whole");
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(29) && took <= Duration::from_secs(61), "{took:?}");
    ok(&router, "/api/v1/routes").await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_that_takes_a_little_now_and_then_gets_it_all() {
    let router = Speaker::large(2 * list::PAGE).router();
    let (mut client, _stop, task) = serve_in_memory(router, 16 * 1024);
    client.write_all(b"GET /api/v1/routes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let (mut all, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        tokio::time::sleep(Duration::from_secs(20)).await;
        let n = client.read(&mut buffer).await.unwrap();
        if n == 0 {
            break;
        }
        all.extend_from_slice(&buffer[..n]);
    }
    assert!(all.ends_with(b"0\r\n\r\n"));
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn silence_before_and_between_requests_ends_a_connection() {
    let router = Speaker::new().router();
    for sent in ["", "GET / HTTP/1.1\r\nHost: x\r\n", "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let begun = tokio::time::Instant::now();
        let (mut client, _stop, task) = serve_in_memory(router.clone(), 4096);
        client.write_all(sent.as_bytes()).await.unwrap();
        task.await.unwrap();
        let took = begun.elapsed();
        assert!(took >= serve::HEADER_LIMIT && took < 2 * serve::HEADER_LIMIT, "{sent:?}: {took:?}");
    }
}

#[tokio::test]
async fn a_body_is_ignored_and_a_head_too_long_refused() {
    let router = Speaker::new().router();
    let (mut client, _stop, _task) = serve_in_memory(router.clone(), 4096);
    let request = "GET /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc";
    client.write_all(request.as_bytes()).await.unwrap();
    let mut begun = [0; 12];
    client.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");

    let (client, _stop, task) = serve_in_memory(router, 4096);
    let (mut reading, mut writing) = tokio::io::split(client);
    let long = tokio::spawn(async move {
        let head = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(200_000));
        drop(writing.write_all(head.as_bytes()).await);
    });
    let mut answer = Vec::new();
    reading.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    task.await.unwrap();
    drop(long);
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server =
        tokio::spawn(serve::serve_http(listener, Speaker::new().router(), async { drop(stopped.await) }));
    let mut open = Vec::new();
    for _ in 0..serve::MAX_CONNECTIONS {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut begun = [0; 12];
        stream.read_exact(&mut begun).await.unwrap();
        assert_eq!(&begun, b"HTTP/1.1 200");
        open.push(stream);
    }
    let mut answer = String::new();
    TcpStream::connect(address).await.unwrap().read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("Retry-After: 1"), "{head}");
    assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
    serde_json::from_str::<serde_json::Value>(body).unwrap();
    stop.send(()).unwrap();
    server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_lets_the_answer_under_way_end() {
    let router = Speaker::large(3 * list::PAGE).router();
    let (mut client, stop, task) = serve_in_memory(router, 4096);
    client.write_all(b"GET /api/v1/routes HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut all = vec![0; 12];
    client.read_exact(&mut all).await.unwrap();
    drop(stop);
    client.read_to_end(&mut all).await.unwrap();
    assert!(all.ends_with(b"0\r\n\r\n"));
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_1_s_for_who_takes_nothing_and_the_socket_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    let listener: UnixListener = super::bind_socket(&path).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let router = Speaker::large(20 * list::PAGE).socket_router();
    let server = tokio::spawn(serve::serve_socket(listener, router, async { drop(stopped.await) }));
    let _idle = UnixStream::connect(&path).await.unwrap();
    let mut stuck = UnixStream::connect(&path).await.unwrap();
    stuck.write_all(b"GET /api/v1/routes HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut begun = vec![0; 12];
    stuck.read_exact(&mut begun).await.unwrap();
    let asked = tokio::time::Instant::now();
    stop.send(()).unwrap();
    server.await.unwrap();
    let took = asked.elapsed();
    assert!(took >= serve::STOP_LIMIT && took < 2 * serve::STOP_LIMIT, "{took:?}");
    assert!(!path.exists());
    stuck.read_to_end(&mut begun).await.unwrap();
    assert!(!begun.ends_with(b"0\r\n\r\n"), "a list that was broken off must not look whole");
}

async fn order(router: &Router, path: &str, body: &str) -> (StatusCode, String) {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn orders_are_taken_on_the_control_socket_alone() {
    let speaker = Speaker::new();
    let (socket, http) = (speaker.socket_router(), speaker.router());
    let done = (StatusCode::OK, "{\"session\":\"ix-london-1-v4\"}".to_owned());
    for (path, body) in [
        ("/api/v1/sessions/ix-london-1/reset", "{}"),
        ("/api/v1/sessions/5.57.80.2/reset", "{\"hard\":true,\"text\":\"maintenance\"}"),
        ("/api/v1/sessions/ix-london-1-v4/refresh", "{\"out\":true}"),
    ] {
        assert_eq!(order(&socket, path, body).await, done, "{path}");
        assert_eq!(order(&http, path, body).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(order(&http, "/api/v1/sessions", "{}").await.0, StatusCode::METHOD_NOT_ALLOWED);
    let (status, body) = get(&socket, "/api/v1/sessions/ix-london-1/reset").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(body.contains("use POST"), "{body}");
}

#[tokio::test]
async fn an_order_that_cannot_be_is_said() {
    let socket = Speaker::new().socket_router();
    let long = format!("{{\"text\":\"{}\"}}", "x".repeat(256));
    let huge = format!("{{\"text\":\"{}\"}}", "x".repeat(100_000));
    for (path, body, status, said) in [
        ("reset", "{\"hrad\":true}", StatusCode::BAD_REQUEST, "unknown field `hrad`"),
        ("reset", "{\"hard\":\"yes\"}", StatusCode::BAD_REQUEST, "boolean"),
        ("reset", "", StatusCode::BAD_REQUEST, "EOF"),
        ("reset", "{\"text\":\"a\\u001b[2Jb\"}", StatusCode::BAD_REQUEST, "all printable"),
        ("reset", long.as_str(), StatusCode::BAD_REQUEST, "up to 255 octets"),
        ("reset", huge.as_str(), StatusCode::BAD_REQUEST, "length limit"),
        ("refresh", "{}", StatusCode::CONFLICT, "no route refresh"),
    ] {
        let (found, answer) = order(&socket, &format!("/api/v1/sessions/ix-london-1/{path}"), body).await;
        assert_eq!(found, status, "{path} {answer}");
        assert!(answer.contains(said), "{path}: {answer}");
    }
    let (status, answer) = order(&socket, "/api/v1/sessions/nobody/reset", "{}").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(answer.contains("no session"), "{answer}");
}
