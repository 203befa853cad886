//! Azure's list of received routes, and the explanation of a prefix.

use super::super::fixtures::{established, received};
use super::*;
use crate::accept::ReceivedRoute;
use crate::peering::{RouteOrigin, Validity};

const LIST: &str = "/api/v1/peerings/contoso-ashburn/receivedRoutes";

async fn json(router: &Router, path: &str) -> serde_json::Value {
    serde_json::from_str(&ok(router, path).await).unwrap()
}

fn prefixes(page: &serde_json::Value) -> Vec<String> {
    page["value"].as_array().unwrap().iter().map(|r| r["prefix"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn f53_received_routes_have_azures_seven_fields() {
    let text = ok(&Speaker::new().router(), LIST).await;
    expect![[r#"
        {"value":[
        {"prefix":"4.1.0.0/16","nextHop":"4.68.74.181","asPath":"3356 65001 {7,8}","originAsValidationState":"Unknown","rpkiValidationState":"Unknown","trustAnchor":"None","receivedTimestamp":"2026-11-22T12:00:00Z"},
        {"prefix":"4.2.0.0/16","nextHop":"4.68.74.181","asPath":"3356 65001 {7,8}","originAsValidationState":"Unknown","rpkiValidationState":"Unknown","trustAnchor":"None","receivedTimestamp":"2026-11-22T12:00:00Z"},
        {"prefix":"4.1.0.0/16","nextHop":"4.68.74.181","asPath":"3356 65001 {7,8}","originAsValidationState":"Unknown","rpkiValidationState":"Unknown","trustAnchor":"None","receivedTimestamp":"2026-11-22T12:00:00Z"},
        {"prefix":"4.2.0.0/16","nextHop":"4.68.74.181","asPath":"3356 65001 {7,8}","originAsValidationState":"Unknown","rpkiValidationState":"Unknown","trustAnchor":"None","receivedTimestamp":"2026-11-22T12:00:00Z"},
        {"prefix":"4.1.0.0/16","nextHop":"4.68.74.181","asPath":"3356 65001 {7,8}","originAsValidationState":"Unknown","rpkiValidationState":"Unknown","trustAnchor":"None","receivedTimestamp":"2026-11-22T12:00:00Z"},
        {"prefix":"4.2.0.0/16","nextHop":"4.68.74.181","asPath":"3356 65001 {7,8}","originAsValidationState":"Unknown","rpkiValidationState":"Unknown","trustAnchor":"None","receivedTimestamp":"2026-11-22T12:00:00Z"}
        ],"nextLink":null}
    "#]].assert_eq(&text);
}

/// A daemon with these routes on one session.
fn holding(routes: Vec<ReceivedRoute>) -> Speaker {
    Speaker::with(vec![established()], routes, None, None)
}

#[tokio::test]
async fn f53_received_routes_are_filtered_by_each_of_the_four() {
    let trusted = |irr, rpki| RouteOrigin { irr, rpki, trust_anchor: Some("Arin".into()) };
    let mut routes: Vec<ReceivedRoute> = (1..=4).map(received).collect();
    routes[1].validity = trusted(Validity::Invalid, Validity::Valid);
    routes[2].validity = trusted(Validity::Valid, Validity::Valid);
    let speaker = holding(routes);
    let router = speaker.router();
    for (query, found) in [
        ("prefix=4.2.0.0/16", &["4.2.0.0/16"][..]),
        ("prefix=4.2.0.0%2F16", &["4.2.0.0/16"]),
        ("prefix=4.0.0.0/8", &[]),
        ("asPath=3356%2065001%20{7,8}", &["4.1.0.0/16", "4.2.0.0/16", "4.3.0.0/16", "4.4.0.0/16"]),
        ("asPath=3356", &[]),
        ("asPath=3356++65001%20{7,8}", &["4.1.0.0/16", "4.2.0.0/16", "4.3.0.0/16", "4.4.0.0/16"]),
        ("originAsValidationState=Invalid", &["4.2.0.0/16"]),
        ("rpkiValidationState=Valid", &["4.2.0.0/16", "4.3.0.0/16"]),
        ("rpkiValidationState=vALID", &["4.2.0.0/16", "4.3.0.0/16"]),
        ("rpkiValidationState=Valid&originAsValidationState=Valid", &["4.3.0.0/16"]),
        ("rpkiValidationState=Unknown&api-version=2025-05-01", &["4.1.0.0/16", "4.4.0.0/16"]),
    ] {
        let page = json(&router, &format!("{LIST}?{query}")).await;
        assert_eq!(prefixes(&page), found, "{query}");
        assert!(page["nextLink"].is_null(), "{query}");
    }
    let page = json(&router, &format!("{LIST}?prefix=4.2.0.0/16")).await;
    assert_eq!(page["value"][0]["trustAnchor"], "Arin");
    for (query, said) in [
        ("rpkiValidationState=fine", "Valid, Invalid or Unknown, not \"fine\""),
        ("asPath=AS3356", "asPath takes AS numbers, the whole path, like 3356 7018, not \"AS3356\""),
        ("asPath=3356,7018", "like 3356 7018, not"),
        ("asPath=03356", "like 3356 7018, not"),
        ("asPath=4294967296", "like 3356 7018, not"),
        ("asPath={7,8", "like 3356 7018, not"),
        ("prefix=4.2.0.0", "a prefix like"),
        ("peer=1", "not \"peer\""),
        ("asPath=1&asPath=2", "given twice"),
        ("$skipToken=x", "nextLink"),
        ("$skipToken=4.68.74.181,4.1.0.0/16", "nextLink"),
    ] {
        let message = message(&router, &format!("{LIST}?{query}"), StatusCode::BAD_REQUEST).await;
        assert!(message.contains(said), "{query}: {message}");
    }
    let nobody = message(&router, "/api/v1/peerings/nobody/receivedRoutes", StatusCode::NOT_FOUND).await;
    assert_eq!(nobody, "no peering is called \"nobody\"; the peerings are contoso-ashburn, ix-london");
    message(&router, &format!("{LIST}?$skipToken=192.0.2.9"), StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn f53_received_routes_come_in_pages_of_100_with_a_skip_token() {
    let speaker = holding((0..=249).map(received).collect());
    let router = speaker.router();
    let (mut sizes, mut all) = (Vec::new(), Vec::new());
    let mut next = Some(format!("{LIST}?rpkiValidationState=Unknown"));
    while let Some(path) = next {
        let page = json(&router, &path).await;
        sizes.push(prefixes(&page).len());
        all.extend(prefixes(&page));
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!(sizes, [100, 100, 50]);
    let expected: Vec<String> = (0..=249).map(|n| format!("4.{n}.0.0/16")).collect();
    assert_eq!(all, expected, "each once, in order");
}

#[tokio::test]
async fn f53_the_next_link_is_absolute_where_the_request_says_whom_it_asks() {
    let speaker = holding((0..=150).map(received).collect());
    let router = speaker.router();
    let link = async |uri: &str, host: Option<&str>| {
        let mut request = Request::builder().uri(uri);
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let page: serde_json::Value = serde_json::from_slice(&body).unwrap();
        page["nextLink"].as_str().unwrap().to_owned()
    };
    let rest = format!("{LIST}?$skipToken=4.68.74.181,4.99.0.0/16,0");
    let asked = format!("{LIST}?$skipToken=4.68.74.181");
    assert_eq!(link(&asked, None).await, rest);
    assert_eq!(link(&asked, Some("pe1.example:9179")).await, format!("http://pe1.example:9179{rest}"));
    assert_eq!(link(&asked, Some("[2001:db8::1]:9179")).await, format!("http://[2001:db8::1]:9179{rest}"));
    let absolute = format!("http://127.0.0.1:9179{LIST}?%24skipToken=4.68.74.181");
    assert_eq!(link(&absolute, Some("other")).await, format!("http://127.0.0.1:9179{rest}"));
    for no_host in ["", "a b", "a/b", "\"><script>"] {
        assert_eq!(link(&asked, Some(no_host)).await, rest, "{no_host}");
    }
}

#[tokio::test]
async fn f55_why_tells_each_check_with_the_documented_words_and_the_way_out() {
    let speaker = Speaker::new();
    let router = speaker.router();
    let rows = json(&router, "/api/v1/why?prefix=4.2.0.0/16").await;
    let first = &rows[0];
    assert_eq!(
        (first["session"].as_str(), first["outbound"].is_null()),
        (Some("contoso-ashburn-1-v4"), true)
    );
    let checks = &first["inbound"]["paths"][0]["checks"];
    assert_eq!(
        (checks[0]["check"].as_str(), checks[0]["passed"].as_bool()),
        (Some("AddressSpace"), Some(true))
    );
    assert_eq!(
        (checks[1]["note"].as_str(), checks[1]["passed"].as_bool()),
        (Some("RPKI: Unknown, which the config lets in (rpki.unknown: show)"), Some(true))
    );
    assert_eq!((checks[0]["note"].is_null(), checks[2]["note"].is_null()), (true, true));
    assert_eq!(checks[2]["reason"], "Advertisement missing MAPS community");
    assert_eq!(
        checks[2]["fix"],
        "add 8075:8007 to the route in the export policy, and send communities to this neighbour"
    );
    let names = |rows: &serde_json::Value| {
        let all = rows.as_array().unwrap().iter();
        all.map(|row| row["session"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&rows), ["contoso-ashburn-1-v4", "ix-london-1-v4"], "of those that carry IPv4");
    let rows = json(&router, "/api/v1/why?prefix=2001:db8::/32").await;
    assert_eq!(names(&rows), ["contoso-ashburn-1-v6"], "of those that carry IPv6");

    let absent = json(&router, "/api/v1/why?prefix=4.9.0.0/16&session=contoso-ashburn-1-v4").await;
    let missing = &absent[0]["inbound"]["missing"];
    assert_eq!(missing["reason"], "Prefix not received from IP");
    assert_eq!(missing["detail"], "4.68.74.181");
    let other = json(&router, "/api/v1/why?prefix=4.9.0.0/16&session=contoso-ashburn-1-v6").await;
    assert!(other[0]["inbound"]["missing"].is_null(), "a session without the family need not have it");
    let down = json(&router, "/api/v1/why?prefix=4.9.0.0/16&session=ix-london-1").await;
    assert_eq!(down[0]["inbound"]["missing"]["detail"], "5.57.80.2: the session is down");

    let by_address = json(&router, "/api/v1/why?prefix=4.2.255.1&session=contoso-ashburn-1-v4").await;
    assert_eq!(by_address[0]["inbound"]["prefix"], "4.2.0.0/16");
}

#[tokio::test]
async fn f55_why_tells_what_becomes_of_our_own_routes() {
    let speaker = Speaker::new();
    let router = speaker.router();
    let rows = json(&router, "/api/v1/why?prefix=13.64.0.0/11").await;
    let told = &rows[0]["outbound"];
    assert_eq!(
        (told["advertised"].as_bool(), told["file"].as_str()),
        (Some(true), Some("rib/microsoft.yaml"))
    );
    assert!(told["line"].is_u64() && told["route"]["since"]["time"].is_string(), "{told}");
    let down = &rows[1]["outbound"];
    assert_eq!(
        (down["advertised"].as_bool(), down["reason"].as_str()),
        (Some(false), Some("the session is not Established"))
    );
    for (query, said) in [
        ("", "name a prefix"),
        ("?prefix=x", "takes a prefix"),
        ("?prefix=4.0.0.0/8&all=1", "this path takes prefix and session, not \"all\""),
    ] {
        let message = message(&router, &format!("/api/v1/why{query}"), StatusCode::BAD_REQUEST).await;
        assert!(message.contains(said), "{query}: {message}");
    }
    message(&router, "/api/v1/why?prefix=4.0.0.0/8&session=nobody", StatusCode::NOT_FOUND).await;
}
