//! Sessions, as a table and one by one.

use super::*;

#[tokio::test]
async fn sessions_in_a_pipe() {
    check("sessions", None, expect![[r#"
        NAME                  PEER          ASN   STATE        FOR    ADV v4/v6  RCV v4/v6  LAST ERROR
        contoso-ashburn-1-v4  4.68.74.181   3356  Established  3d02h  354/0      2/0        near the limit: ipv4 2 / 20,000
        contoso-ashburn-1-v6  2001:1900::1  3356  Idle         3d02h  0/0        0/0        received 2/2 Bad Peer AS: "\u{1b}[2Jgone"
        ix-london-1-v4        5.57.80.2     3356  Active       3d02h  0/0        0/0        connect: Connection refused
    "#]]).await;
}

#[tokio::test]
async fn sessions_on_80_columns() {
    check(
        "sessions",
        Some(80),
        expect![[r#"
            NAME                  PEER          ASN   STATE        FOR    ADV    RCV
            contoso-ashburn-1-v4  4.68.74.181   3356  Established  3d02h  354/0  2/0
            contoso-ashburn-1-v6  2001:1900::1  3356  Idle         3d02h  0/0    0/0
            ix-london-1-v4        5.57.80.2     3356  Active       3d02h  0/0    0/0

            NAME                  LAST ERROR
            contoso-ashburn-1-v4  near the limit: ipv4 2 / 20,000
            contoso-ashburn-1-v6  received 2/2 Bad Peer AS: "\u{1b}[2Jgone"
            ix-london-1-v4        connect: Connection refused
        "#]],
    )
    .await;
}

#[tokio::test]
async fn ranges_stand_below_the_sessions() {
    let daemon = Daemon::of(Speaker::of_ranges());
    let text = daemon.show("sessions", None).await.unwrap();
    expect![[r#"
        NAME                   PEER         ASN   STATE  FOR    ADV v4/v6  RCV v4/v6  LAST ERROR
        ix-lab-v4-5.57.80.130  5.57.80.130  3356  Idle   3d02h  0/0        0/0

        PEERS FROM       CONNECTION  TO             ASN   PEERS
        5.57.80.128/25   ix-lab      5.57.80.1      3356  1 of 100
        2001:7f8:4::/64  ix-lab      2001:7f8:4::1  3356  0 of 100
    "#]]
    .assert_eq(&text);
    let ranges = |text: &str| text.split_once("\n\n").map(|(_, ranges)| ranges.to_owned());
    assert_eq!(ranges(&daemon.show("sessions", Some(80)).await.unwrap()), ranges(&text));
    let json = daemon.show("sessions --json", None).await.unwrap();
    assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&json).unwrap().len(), 1, "sessions alone");
}

#[tokio::test]
async fn a_session() {
    check(
        "session 4.68.74.181",
        None,
        expect![[r#"
            session              contoso-ashburn-1-v4
            connection           contoso-ashburn-1, Active
            peering              contoso-ashburn at Ashburn
            peer                 4.68.74.181 AS3356
            peer id              4.68.74.1
            local address        4.68.74.182
            state                Established for 3d02h
            dialled by           us
            transport            plain TCP
            hold time            30 s
            families             ipv4
            advertised v4/v6     354/0, budget 2000/500
            pending v4/v6        7/0
            received v4/v6       2/0
            accepted v4/v6       1/0
            End-of-RIB           sent ipv4; received -
            graceful restart     we ask for 120 s
            stale v4/v6          0/0
            flaps                0
            availability         0.00 %
            last error           -
            extensions           route refresh
            send hold time       480 s
            roles                ours peer; the peer's peer; leaks among its routes: 2
            over a limit         down for 60 s, warned of from 75 %
            graceful shutdown    on 1 of the peer's routes
            limits               near the limit: ipv4 2 / 20,000
            messages sent        keepalive 0, notification 0, open 0, route refresh 0, update 3
            messages received    keepalive 0, notification 0, open 0, route refresh 0, update 0
            our capabilities     Multiprotocol (1): ipv4
                                 Route Refresh (2)
            peer's capabilities  Multiprotocol (1): ipv4
                                 Four-octet AS Number (65): 3356
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_session_on_80_columns() {
    let text = Daemon::of(Speaker::new()).show("session 4.68.74.181", Some(80)).await.unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let folded: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("messages received")).collect();
    assert_eq!(folded[0], "messages received    keepalive 0, notification 0, open 0, route refresh 0,");
    assert_eq!(folded[1], "                     update 0");
}

#[tokio::test]
async fn a_session_that_is_down() {
    check(
        "session contoso-ashburn-1-v6",
        None,
        expect![[r#"
            session            contoso-ashburn-1-v6
            connection         contoso-ashburn-1, Active
            peering            contoso-ashburn at Ashburn
            peer               2001:1900::1 AS3356
            peer id            -
            local address      2001:1900::2
            state              Idle for 3d02h
            dialled by         -
            transport          plain TCP
            hold time          -
            families           -
            advertised v4/v6   0/0, budget 2000/500
            pending v4/v6      0/0
            received v4/v6     0/0
            accepted v4/v6     0/0
            End-of-RIB         sent -; received -
            graceful restart   we ask for 120 s
            stale v4/v6        0/0
            flaps              2
            availability       0.00 %
            last error         received 2/2 Bad Peer AS: "\u{1b}[2Jgone", 3d02h ago; then connect: Connection refused
            over a limit       down for 60 s, warned of from 75 %
            messages sent      keepalive 0, notification 0, open 0, route refresh 0, update 3
            messages received  keepalive 0, notification 0, open 0, route refresh 0, update 0
        "#]],
    )
    .await;
}

#[test]
fn the_error_of_a_session_that_is_up_has_its_age() {
    let clock = Clock::at(i64::try_from(NOON).unwrap());
    let shown = |state: &str| {
        let json = format!(
            r#"[{{"name":"a","connection":"a","peerAddress":"192.0.2.1","localAddress":"192.0.2.2","peerAsn":1,
            "state":"{state}","families":[],"advertised":{{}},"received":{{}},
            "lastError":{{"code":6,"subcode":2,"text":"received 6/2 Administrative Shutdown","direction":"received",
            "at":"2026-11-22T11:58:00Z"}}}}]"#
        );
        view::sessions(&serde_json::from_str::<Vec<Session>>(&json).unwrap(), &clock, None)
    };
    assert!(shown("Established").ends_with(" received 6/2 Administrative Shutdown, 2m00s ago\n"));
    assert!(shown("Connect").ends_with(" received 6/2 Administrative Shutdown\n"));
}
