//! Ranges of peers, which are no sessions.

use super::*;

#[tokio::test]
async fn ranges_are_listed_with_their_peers() {
    let body = ok(&Speaker::of_ranges().router(), "/api/v1/ranges").await;
    expect![[r#"
        [
        {"range":"5.57.80.128/25","name":"ix-lab-v4","connection":"ix-lab","peering":"contoso-ashburn","localAddress":"5.57.80.1","peerAsn":3356,"peers":1,"established":0,"peerLimit":100},
        {"range":"2001:7f8:4::/64","name":"ix-lab-v6","connection":"ix-lab","peering":"contoso-ashburn","localAddress":"2001:7f8:4::1","peerAsn":3356,"peers":0,"established":0,"peerLimit":100}
        ]
    "#]].assert_eq(&body);
    assert_eq!(ok(&Speaker::new().router(), "/api/v1/ranges").await, "[]\n");
}

#[tokio::test]
async fn a_range_is_no_session_and_says_which_are_its_own() {
    let router = Speaker::of_ranges().router();
    let said =
        async |name: &str| message(&router, &format!("/api/v1/sessions/{name}"), StatusCode::NOT_FOUND).await;
    for (name, expected) in [
        (
            "ix-lab-v4",
            expect![
                "ix-lab-v4 takes peers from 5.57.80.128/25, 1 of 100 are there: ix-lab-v4-5.57.80.130; name one of them"
            ],
        ),
        ("ix-lab-v6", expect!["ix-lab-v6 takes peers from 2001:7f8:4::/64, 0 of 100 are there"]),
        (
            "5.57.80.131",
            expect![
                "5.57.80.131 is not there: peers from 5.57.80.128/25 have a session of ix-lab from when they dial"
            ],
        ),
        (
            "5.57.81.1",
            expect![[
                r#"no session, peer address or connection is "5.57.81.1"; the sessions are ix-lab-v4-5.57.80.130"#
            ]],
        ),
    ] {
        expected.assert_eq(&said(name).await);
    }
    // The connection's one session is meant by its name.
    assert!(ok(&router, "/api/v1/sessions/ix-lab").await.contains("\"name\":\"ix-lab-v4-5.57.80.130\""));
}
