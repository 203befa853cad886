//! Lists: what is looked up in them, how they are paged, and how much of them is held for readers.

use super::super::fixtures::{established, received};
use super::super::list;
use super::super::router::MAX_LONG_READERS;
use super::*;
use crate::accept::ReceivedRoute;

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
        ("colour=red", "this path takes prefix, after and limit, not \"colour\""),
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
