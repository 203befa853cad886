mod accepted;
mod connections;
mod lists;
mod ranges;
mod received_routes;
mod registered;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use expect_test::{Expect, expect};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::fixtures::Speaker;
use super::list;

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
        {"name":"contoso-ashburn-1-v4","connection":"contoso-ashburn-1","peerAddress":"4.68.74.181","localAddress":"4.68.74.182","peerAsn":3356,"state":"Established","families":["ipv4"],"advertised":{"ipv4":354,"ipv6":0},"received":{"ipv4":2,"ipv6":0},"accepted":{"ipv4":1,"ipv6":0},"lastError":null,"peering":"contoso-ashburn","peeringLocation":"Ashburn","connectionState":"Active","since":"2026-11-22T12:00:00Z","pending":{"ipv4":7,"ipv6":0},"endOfRibSent":{"ipv4":true,"ipv6":false},"flaps":0,"maxPrefixes":{"ipv4":20000,"ipv6":null},"nearLimit":{"ipv4":true,"ipv6":false},"limitPassed":null},
        {"name":"contoso-ashburn-1-v6","connection":"contoso-ashburn-1","peerAddress":"2001:1900::1","localAddress":"2001:1900::2","peerAsn":3356,"state":"Idle","families":[],"advertised":{"ipv4":0,"ipv6":0},"received":{"ipv4":0,"ipv6":0},"accepted":{"ipv4":0,"ipv6":0},"lastError":{"code":2,"subcode":2,"text":"received 2/2 Bad Peer AS: \"\u001b[2Jgone\"","direction":"received","at":"2026-11-22T11:59:55Z","then":"connect: Connection refused"},"peering":"contoso-ashburn","peeringLocation":"Ashburn","connectionState":"Active","since":"2026-11-22T12:00:00Z","pending":{"ipv4":0,"ipv6":0},"endOfRibSent":{"ipv4":false,"ipv6":false},"flaps":2,"maxPrefixes":{"ipv4":20000,"ipv6":null},"nearLimit":{"ipv4":false,"ipv6":false},"limitPassed":null},
        {"name":"ix-london-1-v4","connection":"ix-london-1","peerAddress":"5.57.80.2","localAddress":"5.57.80.1","peerAsn":3356,"state":"Active","families":[],"advertised":{"ipv4":0,"ipv6":0},"received":{"ipv4":0,"ipv6":0},"accepted":{"ipv4":0,"ipv6":0},"lastError":{"code":null,"subcode":null,"text":"connect: Connection refused","direction":null,"at":"2026-11-22T12:00:00Z","then":null},"peering":"contoso-ashburn","peeringLocation":"Ashburn","connectionState":"Active","since":"2026-11-22T12:00:00Z","pending":{"ipv4":0,"ipv6":0},"endOfRibSent":{"ipv4":false,"ipv6":false},"flaps":0,"maxPrefixes":{"ipv4":20000,"ipv6":null},"nearLimit":{"ipv4":false,"ipv6":false},"limitPassed":null}
        ]
    "#]]).await;
}

#[tokio::test]
async fn one_session() {
    check("/api/v1/sessions/contoso-ashburn-1-v4", expect![[r#"
        {"name":"contoso-ashburn-1-v4","connection":"contoso-ashburn-1","peerAddress":"4.68.74.181","localAddress":"4.68.74.182","peerAsn":3356,"state":"Established","families":["ipv4"],"advertised":{"ipv4":354,"ipv6":0},"received":{"ipv4":2,"ipv6":0},"accepted":{"ipv4":1,"ipv6":0},"lastError":null,"peering":"contoso-ashburn","peeringLocation":"Ashburn","connectionState":"Active","since":"2026-11-22T12:00:00Z","pending":{"ipv4":7,"ipv6":0},"endOfRibSent":{"ipv4":true,"ipv6":false},"flaps":0,"maxPrefixes":{"ipv4":20000,"ipv6":null},"nearLimit":{"ipv4":true,"ipv6":false},"limitPassed":null,"passive":false,"peerPort":179,"configuredHoldTime":90,"holdTime":30,"direction":"outbound","peerId":"4.68.74.1","fourOctetAs":true,"configuredFamilies":["ipv4"],"extendedNextHop":false,"addPathReceive":[],"nextHop":{"ipv4":"4.68.74.182","ipv6":null},"announcementBudget":{"ipv4":2000,"ipv6":500},"sessionAvailability":0.0,"endOfRibReceived":{"ipv4":false,"ipv6":false},"transport":{"md5":false,"ttlSecurityHops":null,"ttl":null,"interface":null,"range":null},"localRole":"peer","strictRole":false,"gracefulShutdown":false,"shutdownCommunication":null,"maxPrefixWarningPercent":75,"maxPrefixAction":"cease","maxPrefixRestartSecs":60,"delayOpen":0,"extendedOptionalParameters":"auto","sendHoldTime":480,"negotiated":{"fourOctetAs":false,"routeRefresh":true,"enhancedRouteRefresh":false,"extendedMessage":false,"peerRole":"peer"},"receivedGracefulShutdown":1,"receivedLeaks":2,"needsReset":false,"gracefulRestart":{"configured":{"restartTime":120,"notification":true,"longLivedStaleTime":0},"negotiated":null,"stale":{"ipv4":0,"ipv6":0},"staleUntil":{"ipv4":null,"ipv6":null}},"capabilities":{"local":[{"code":1,"name":"Multiprotocol","text":"ipv4"},{"code":2,"name":"Route Refresh","text":""}],"peer":[{"code":1,"name":"Multiprotocol","text":"ipv4"},{"code":65,"name":"Four-octet AS Number","text":"3356"}]},"messages":{"sent":{"open":0,"update":3,"notification":0,"keepalive":0,"routeRefresh":0},"received":{"open":0,"update":0,"notification":0,"keepalive":0,"routeRefresh":0}}}
    "#]]).await;
}

#[tokio::test]
async fn what_was_received() {
    check("/api/v1/sessions/4.68.74.181/received", expect![[r#"
        [
        {"prefix":"4.1.0.0/16","nextHop":"4.68.74.181","asPath":"3356 65001 {7,8}","originAsValidationState":"Unknown","rpkiValidationState":"Unknown","trustAnchor":"None","receivedTimestamp":"2026-11-22T12:00:00Z","accepted":true,"reasons":[],"pathId":0,"communities":["8075:8007"],"extendedCommunities":["rt:8075:100"],"largeCommunities":["8075:1:2"],"origin":"incomplete","med":0,"receivedMed":10,"onlyToCustomer":3356,"isLeak":true,"stale":false},
        {"prefix":"4.2.0.0/16","nextHop":"4.68.74.181","asPath":"3356 65001 {7,8}","originAsValidationState":"Unknown","rpkiValidationState":"Unknown","trustAnchor":"None","receivedTimestamp":"2026-11-22T12:00:00Z","accepted":false,"reasons":["Advertisement missing MAPS community","AS path isn't correct"],"pathId":0,"communities":["8075:8007"],"extendedCommunities":["rt:8075:100"],"largeCommunities":["8075:1:2"],"origin":"incomplete","med":0,"receivedMed":10,"onlyToCustomer":3356,"isLeak":true,"stale":false}
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
        {"prefix":"13.64.0.0/11","nextHop":"4.68.74.182","origin":"igp","asPath":"8075","med":null,"communities":[],"extendedCommunities":[],"largeCommunities":[],"onlyToCustomer":null,"since":{"generation":3,"time":"2026-11-22T12:00:00Z"},"source":null,"file":"rib/microsoft.yaml","line":3,"stale":false},
        {"prefix":"13.64.0.0/14","nextHop":"4.68.74.182","origin":"egp","asPath":"8075 12075","med":50,"communities":["8075:1007","8075:1008"],"extendedCommunities":[],"largeCommunities":[],"onlyToCustomer":null,"since":{"generation":3,"time":"2026-11-22T12:00:00Z"},"source":"service-tags 376","file":"rib/microsoft.yaml","line":6,"stale":false},
        {"prefix":"2603:1000::/24","nextHop":"2001:1900::2","origin":"igp","asPath":"8075","med":null,"communities":[],"extendedCommunities":[],"largeCommunities":[],"onlyToCustomer":null,"since":{"generation":3,"time":"2026-11-22T12:00:00Z"},"source":null,"file":"rib/microsoft.yaml","line":4,"stale":false}
        ]
    "#]]).await;
}

#[tokio::test]
async fn what_is_advertised_in_mid_transfer() {
    let router = Speaker::in_transfer().router();
    let body = ok(&router, "/api/v1/sessions/contoso-ashburn-1/advertised").await;
    expect![[r#"
        [
        {"prefix":"13.64.0.0/11","nextHop":"4.68.74.182","origin":"igp","asPath":"8075","med":null,"communities":[],"extendedCommunities":[],"largeCommunities":[],"onlyToCustomer":null,"since":{"generation":4,"time":"2026-11-22T12:00:00Z"},"source":null,"file":"rib/microsoft.yaml","line":3,"stale":false},
        {"prefix":"13.64.0.0/14","nextHop":"4.68.74.182","origin":null,"asPath":null,"med":null,"communities":null,"extendedCommunities":null,"largeCommunities":null,"onlyToCustomer":null,"since":{"generation":4,"time":"2026-11-22T12:00:00Z"},"source":"service-tags 376","file":"rib/microsoft.yaml","line":5,"stale":true},
        {"prefix":"2603:1000::/24","nextHop":"2001:1900::2","origin":null,"asPath":null,"med":null,"communities":null,"extendedCommunities":null,"largeCommunities":null,"onlyToCustomer":null,"since":null,"source":null,"file":null,"line":null,"stale":true}
        ]
    "#]].assert_eq(&body);
}

#[tokio::test]
async fn routes() {
    check("/api/v1/routes", expect![[r#"
        [
        {"prefix":"13.64.0.0/11","origin":"igp","asPath":"8075","med":null,"communities":[],"extendedCommunities":[],"largeCommunities":[],"source":null,"file":"rib/microsoft.yaml","line":3,"since":{"generation":3,"time":"2026-11-22T12:00:00Z"},"peeringLocations":[],"peerings":[]},
        {"prefix":"13.64.0.0/14","origin":"egp","asPath":"8075 12075","med":50,"communities":["8075:1007","8075:1008"],"extendedCommunities":[],"largeCommunities":[],"source":"service-tags 376","file":"rib/microsoft.yaml","line":6,"since":{"generation":3,"time":"2026-11-22T12:00:00Z"},"peeringLocations":["Ashburn"],"peerings":[]},
        {"prefix":"2603:1000::/24","origin":"igp","asPath":"8075","med":null,"communities":[],"extendedCommunities":[],"largeCommunities":[],"source":null,"file":"rib/microsoft.yaml","line":4,"since":{"generation":3,"time":"2026-11-22T12:00:00Z"},"peeringLocations":[],"peerings":[]}
        ]
    "#]]).await;
}

#[tokio::test]
async fn f42_where_origins_come_from() {
    check("/api/v1/origin", expect![[r#"
        {"inForceSince":"2026-11-22T11:59:00Z","rpki":{"vrps":{"ipv4":400002,"ipv6":100000},"invalid":"refuse","unknown":"show","caches":[{"address":"192.0.2.8:323","state":"synced","inUse":true,"sessionId":4711,"serial":12,"vrps":{"ipv4":400000,"ipv6":100000},"updatedAt":"2026-11-22T11:59:00Z","expiresAt":"2026-11-22T13:59:00Z","lastError":null},{"address":"[2001:db8::8]:323","state":"connecting","inUse":false,"sessionId":null,"serial":null,"vrps":{"ipv4":0,"ipv6":0},"updatedAt":null,"expiresAt":null,"lastError":{"text":"connect: Connection refused","at":"2026-11-22T11:59:55Z"}}],"files":[{"file":"vrps.json","entries":2}]},"irr":{"routes":{"ipv4":3,"ipv6":0},"invalid":"show","unknown":"show","files":[{"file":"radb.db.route","entries":3}]}}
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
            "{{\"error\":{{\"code\":\"NotFound\",\"message\":\"no session, peer address or connection is \\\"ix-londno-1-v4\\\": did you \
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
            assert!(body.starts_with(b"{\"error\":{\"code\":\"MethodNotAllowed\",\"message\":"), "{body:?}");
        }
    }
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
    let down = "{\"session\":\"ix-london-1-v4\",\"hasEnded\":false,\"isTold\":false}";
    let up = "{\"session\":\"contoso-ashburn-1-v4\",\"hasEnded\":true,\"isTold\":true}";
    for (path, body, done) in [
        ("/api/v1/sessions/ix-london-1/reset", "{}", down),
        ("/api/v1/sessions/5.57.80.2/reset", "{\"hard\":true,\"text\":\"maintenance\"}", down),
        ("/api/v1/sessions/4.68.74.181/reset", "{}", up),
        ("/api/v1/sessions/ix-london-1-v4/refresh", "{\"out\":true}", "{\"session\":\"ix-london-1-v4\"}"),
    ] {
        assert_eq!(order(&socket, path, body).await, (StatusCode::OK, done.to_owned()), "{path}");
        assert_eq!(order(&http, path, body).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(order(&http, "/api/v1/sessions", "{}").await.0, StatusCode::METHOD_NOT_ALLOWED);
    let path = "/api/v1/sessions/ix-london-1/reset";
    assert!(message(&socket, path, StatusCode::METHOD_NOT_ALLOWED).await.ends_with("use POST"));
    assert_eq!(call(&socket, "GET", path).await.headers()[header::ALLOW], "POST");
}

#[tokio::test]
async fn what_no_path_takes_behind_the_question_mark_is_refused_on_every_path() {
    let router = Speaker::new().router();
    let (list, session) = ("prefix, after and limit", "sessions/contoso-ashburn-1-v4");
    let nothing = "nothing behind the ?";
    for (path, taken) in [
        ("sessions", nothing),
        (session, nothing),
        (&format!("{session}/advertised"), list),
        (&format!("{session}/received"), list),
        ("connections", nothing),
        ("ranges", nothing),
        ("routes", list),
        ("why", "prefix and session"),
        ("generation", nothing),
        ("origin", nothing),
        ("peerings", nothing),
        ("peerings/contoso-ashburn", nothing),
        (
            "peerings/contoso-ashburn/receivedRoutes",
            "prefix, asPath, originAsValidationState, rpkiValidationState and $skipToken",
        ),
        ("peerAsns", nothing),
        ("peerAsns/AS3356", nothing),
        ("registeredPrefixes", "prefix and peering"),
        ("registeredAsns", "peering"),
        ("peeringServicePrefixes", "prefix, peering and $expand"),
        ("peerings/contoso-ashburn/registeredPrefixes", "prefix"),
        ("peerings/contoso-ashburn/registeredPrefixes/8.23.254.0_24", nothing),
        ("peerings/contoso-ashburn/registeredAsns", nothing),
        ("peerings/contoso-ashburn/registeredAsns/fabrikam", nothing),
        ("events", "prefix and peering"),
    ] {
        let path = format!("/api/v1/{path}");
        let said = message(&router, &format!("{path}?colour=red"), StatusCode::BAD_REQUEST).await;
        assert_eq!(said, format!("this path takes {taken}, not \"colour\""), "{path}");
        let twice = format!("{path}?colour=red&colour=blue");
        let said = message(&router, &twice, StatusCode::BAD_REQUEST).await;
        assert_eq!(said, "colour is given twice: keep one of the two", "{path}");
        // Azure's clients send their version with every request.
        if path != "/api/v1/why" {
            ok(&router, &format!("{path}?api-version=2025-05-01")).await;
        }
    }
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
