mod lists;
mod resources;
mod sessions;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::RawQuery;
use axum::routing::get;
use clap::Parser as _;
use expect_test::{Expect, expect};
use tempfile::TempDir;

use super::*;
use crate::cli::client::{CONTROL_SOCKET, socket_path};
use crate::control::fixtures::{NOON, Speaker};
use crate::control::{bind_socket, serve_socket};

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    show: ShowArgs,
}

/// A daemon that ends with the test.
struct Daemon {
    dir: TempDir,
    _speaker: Option<Speaker>,
}

impl Daemon {
    fn of(speaker: Speaker) -> Self {
        let daemon = Self::serving(speaker.socket_router());
        Self { _speaker: Some(speaker), ..daemon }
    }

    fn serving(router: Router) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = bind_socket(&dir.path().join("s")).unwrap();
        tokio::spawn(serve_socket(listener, router, std::future::pending()));
        Self { dir, _speaker: None }
    }

    async fn show(&self, words: &str, terminal: Option<usize>) -> Result<String, ClientError> {
        let socket = self.dir.path().join("s");
        let words = ["show", "--socket", socket.to_str().unwrap()].into_iter().chain(words.split(' '));
        let args = Cli::try_parse_from(words).unwrap().show;
        let clock = Clock::at(i64::try_from(NOON).unwrap() + 3 * 86_400 + 2 * 3600 + 5);
        let mut out = Vec::new();
        show(&args, Eye { terminal, clock }, &mut out).await?;
        Ok(String::from_utf8(out).unwrap())
    }

    async fn error(&self, words: &str) -> String {
        self.show(words, None).await.unwrap_err().to_string()
    }
}

async fn check(words: &str, terminal: Option<usize>, expected: Expect) {
    let text = Daemon::of(Speaker::new()).show(words, terminal).await.unwrap();
    assert!(!text.contains('\u{1b}'));
    assert!(terminal.is_none_or(|width| text.lines().all(|line| line.chars().count() <= width)), "{text}");
    expected.assert_eq(&text);
}

/// A speaker with peerings in its plan.
fn with_peerings() -> Daemon {
    let speaker = Speaker::new();
    let config = "
router: {router_id: 192.0.2.1}
rib: rib
peerings:
- name: contoso-ashburn
  peer_asn: 3356
  peering_service: true
  peering_location: Ashburn
  connections:
  - name: contoso-ashburn-1
    bgp_session: {session_prefix_v4: 4.68.74.180/30, session_prefix_v6: '2001:1900::/64'}
- name: ix-london
  kind: exchange
  peer_asn: 6939
  connections:
  - name: ix-london-1
    connection_state: pending_approval
  - name: ix-london-2
    connection_state: provisioning_started
- {name: empty, peer_asn: 3549}
";
    let (plan, _) = crate::config::load_text(std::path::Path::new("c.yaml"), config.to_owned()).unwrap();
    speaker.handle.plan.store(Arc::new(plan));
    Daemon::of(speaker)
}

#[tokio::test]
async fn f28_the_state_of_a_connection_stands_beside_those_of_its_sessions() {
    let text = with_peerings().show("peerings", None).await.unwrap();
    expect![[r#"
        PEERING          TYPE      ASN   LOCATION  PEERING SERVICE  CONNECTION         STATE                SESSIONS                 AVAILABILITY
        contoso-ashburn  Edge      3356  Ashburn   yes              contoso-ashburn-1  Active               v4 Established, v6 Idle  0.00 %
        ix-london        Exchange  6939  -         no               ix-london-1        PendingApproval      v4 Active                0.00 %
                                                                    ix-london-2        ProvisioningStarted  -                        -
        empty            Edge      3549  -         no               -

        PEERING          FINDINGS
        contoso-ashburn  TooFewConnections
        ix-london        for Peering Service it lacks: NoSignedAgreement, NotDirectPeering, ConnectionsNotActive, OneAddressFamily
    "#]].assert_eq(&text);
    let narrow = with_peerings().show("peerings", Some(80)).await.unwrap();
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    expect![[r#"
        PEERING          LOCATION  TYPE      ASN   PEERING SERVICE
        contoso-ashburn  Ashburn   Edge      3356  yes
        ix-london        -         Exchange  6939  no
        empty            -         Edge      3549  no

        CONNECTION         SESSIONS                 STATE                AVAILABILITY
        contoso-ashburn-1  v4 Established, v6 Idle  Active               0.00 %
        ix-london-1        v4 Active                PendingApproval      0.00 %
        ix-london-2        -                        ProvisioningStarted  -

        PEERING          FINDINGS
        contoso-ashburn  TooFewConnections
        ix-london        for Peering Service it lacks: NoSignedAgreement,
                         NotDirectPeering, ConnectionsNotActive, OneAddressFamily
    "#]]
    .assert_eq(&narrow);
}

#[tokio::test]
async fn f60_peerings_as_json_are_azures_array() {
    let text = with_peerings().show("peerings --json", None).await.unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names: Vec<_> =
        all.as_array().unwrap().iter().map(|peering| peering["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["contoso-ashburn", "ix-london", "empty"]);
    assert_eq!(all[1]["properties"]["exchange"]["connections"][1]["connectionState"], "ProvisioningStarted");
}

#[tokio::test]
async fn routes() {
    check("routes", None, expect![[r#"
        PREFIX          AS PATH     SINCE     FROM                  ATTRIBUTES                                      SOURCE
        13.64.0.0/11    8075        #3 3d02h  rib/microsoft.yaml:3
        13.64.0.0/14    8075 12075  #3 3d02h  rib/microsoft.yaml:6  egp med 50 8075:1007 8075:1008 only at Ashburn  service-tags 376
        2603:1000::/24  8075        #3 3d02h  rib/microsoft.yaml:4
    "#]]).await;
}

#[tokio::test]
async fn the_route_of_an_address_on_80_columns() {
    check(
        "routes 13.65.0.9",
        Some(80),
        expect![[r#"
            PREFIX        AS PATH   SINCE     FROM                  ATTRIBUTES  SOURCE
            13.64.0.0/14  8075      #3 3d02h  rib/microsoft.yaml:6  egp med 50  service-tags
                          12075                                     8075:1007   376
                                                                    8075:1008
                                                                    only at
                                                                    Ashburn
        "#]],
    )
    .await;
}

#[tokio::test]
async fn advertised_before_established() {
    check(
        "advertised ix-london-1",
        None,
        expect![[r#"
            PREFIX  NEXT HOP  AS PATH  SINCE  FROM  ATTRIBUTES  SOURCE
        "#]],
    )
    .await;
}

#[tokio::test]
async fn advertised() {
    check("advertised 4.68.74.181", None, expect![[r#"
        PREFIX          NEXT HOP      AS PATH     SINCE     FROM                  ATTRIBUTES                      SOURCE
        13.64.0.0/11    4.68.74.182   8075        #3 3d02h  rib/microsoft.yaml:3
        13.64.0.0/14    4.68.74.182   8075 12075  #3 3d02h  rib/microsoft.yaml:6  egp med 50 8075:1007 8075:1008  service-tags 376
        2603:1000::/24  2001:1900::2  8075        #3 3d02h  rib/microsoft.yaml:4
    "#]]).await;
}

#[tokio::test]
async fn received() {
    check(
        "received contoso-ashburn-1-v4",
        Some(80),
        expect![[r#"
            PREFIX      NEXT HOP     AGE    AS PATH          ACCEPTED         ATTRIBUTES
            4.1.0.0/16  4.68.74.181  3d02h  3356 65001       yes              incomplete
                                            {7,8}                             leak otc 3356
                                                                              8075:8007
                                                                              rt:8075:100
                                                                              8075:1:2
            4.2.0.0/16  4.68.74.181  3d02h  3356 65001       no:              incomplete
                                            {7,8}            Advertisement    leak otc 3356
                                                             missing MAPS     8075:8007
                                                             community; AS    rt:8075:100
                                                             path isn't       8075:1:2
                                                             correct
        "#]],
    )
    .await;
}

#[tokio::test]
async fn where_origins_come_from() {
    check(
        "origin",
        None,
        expect![[r#"
        in force since    2026-11-22T11:59:00Z (3d02h ago)
        VRPs v4/v6        400002/100000
        RPKI invalid      refuse
        RPKI unknown      show
        RTR cache         192.0.2.8:323 synced, in use, serial 12, 400000/100000 VRPs, updated 3d02h ago
        RTR cache         [2001:db8::8]:323 connecting
                          connect: Connection refused, 3d02h ago
        VRP file          vrps.json (2)
        IRR routes v4/v6  3/0
        IRR invalid       show
        IRR unknown       show
        IRR file          radb.db.route (3)
    "#]],
    )
    .await;
}

#[tokio::test]
async fn the_generation() {
    let daemon = Daemon::of(Speaker::new());
    let text = daemon.show("generation", None).await.unwrap();
    let hash = daemon._speaker.as_ref().unwrap().handle.generation().unwrap().hash_hex();
    expect![[r#"
        generation      3
        hash            HASH
        in force since  2026-11-22T12:00:00Z (3d02h ago)
        routes v4/v6    2/1
        local ASN       8075
        router id       192.0.2.1
    "#]]
    .assert_eq(&text.replace(&hash, "HASH"));
    let narrow = daemon.show("generation", Some(80)).await.unwrap();
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    assert!(narrow.contains(&hash), "a hash is not broken: {narrow}");
}

#[tokio::test]
async fn json_is_the_daemons_own() {
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;
    let daemon = Daemon::of(Speaker::large(2500));
    let router = daemon._speaker.as_ref().unwrap().router();
    for (words, path) in [
        ("sessions --json", "/api/v1/sessions"),
        ("--json session contoso-ashburn-1", "/api/v1/sessions/contoso-ashburn-1-v4"),
        ("routes --json", "/api/v1/routes"),
        ("routes 20.0.4.9 --json", "/api/v1/routes?prefix=20.0.4.9"),
        ("routes 20.0.3.0/24 --json", "/api/v1/routes?prefix=20.0.3.0/24"),
        ("received 4.68.74.181 --json", "/api/v1/sessions/4.68.74.181/received"),
        ("advertised 4.68.74.181 --json", "/api/v1/sessions/4.68.74.181/advertised"),
        ("received 4.68.74.181 20.0.4.9 --json", "/api/v1/sessions/4.68.74.181/received?prefix=20.0.4.9"),
        ("advertised 4.68.74.181 20.0.4.9 --json", "/api/v1/sessions/4.68.74.181/advertised?prefix=20.0.4.9"),
        ("generation --json", "/api/v1/generation"),
    ] {
        let request = hyper::Request::get(path).body(Body::empty()).unwrap();
        let body = router.clone().oneshot(request).await.unwrap().into_body();
        let expected = body.collect().await.unwrap().to_bytes();
        let text = daemon.show(words, None).await.unwrap();
        assert_eq!(text.as_bytes(), expected, "{words}");
        assert!(text.ends_with('\n'), "{words}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let daemon = Daemon::of(Speaker::new());
    assert_eq!(
        daemon.error("received contoso-ashburn").await,
        "no session, peer address or connection is \"contoso-ashburn\": did you mean \"contoso-ashburn-1-v4\"? \
         The sessions are contoso-ashburn-1-v4, contoso-ashburn-1-v6, ix-london-1-v4"
    );
    assert!(daemon.error("session a/b?c#d%é").await.contains("\"a/b?c#d%é\""));
    assert!(daemon.error("routes 13.64.0.0/99").await.starts_with("prefix takes a prefix like"));
    let socket = daemon.dir.path().join("gone");
    let error = Client::new(&socket).value("/").await.unwrap_err().to_string();
    assert!(error.contains("gone: is peeringd running?"), "{error}");
    let folder = Client::new(daemon.dir.path()).value("/").await.unwrap_err().to_string();
    assert!(folder.contains(" is a folder, not a socket: name"), "{folder}");
    let file = daemon.dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let file = Client::new(&file).value("/").await.unwrap_err().to_string();
    assert!(file.contains("file is a file, not a socket: name"), "{file}");
}

#[tokio::test]
async fn what_is_looked_up_and_not_there_is_said() {
    let daemon = Daemon::of(Speaker::new());
    for (words, said) in [
        ("routes 1.1.1.1", "no route covers 1.1.1.1 in the table"),
        ("routes 13.64.0.0/12", "13.64.0.0/12 is not in the table"),
        ("routes 13.64.0.0/12 --json", "13.64.0.0/12 is not in the table"),
        ("advertised 4.68.74.181 1.1.1.1", "no route covers 1.1.1.1 in what 4.68.74.181 was told"),
        ("advertised ix-london-1 13.64.0.0/11", "13.64.0.0/11 is not in what ix-london-1 was told"),
        ("received 4.68.74.181 4.3.0.0/16", "4.3.0.0/16 is not in what 4.68.74.181 announced"),
        ("received 4.68.74.181 4.3.0.1", "no route covers 4.3.0.1 in what 4.68.74.181 announced"),
    ] {
        assert_eq!(daemon.error(words).await, said, "{words}");
    }
    let text = daemon.show("received 4.68.74.181 4.2.9.9", None).await.unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(text.lines().nth(1).unwrap().starts_with("4.2.0.0/16 "), "{text}");
}

#[test]
fn a_route_that_is_gone_is_shown_as_far_as_it_is_known() {
    let clock = Clock::at(i64::try_from(NOON).unwrap());
    let cells =
        |json: &str| (routes::ADVERTISED.cells)(serde_json::from_str(json).unwrap(), &clock).join("|");
    let gone = r#"{"prefix":"13.64.0.0/11","nextHop":null,"origin":null,"asPath":null,"med":null,
        "communities":null,"extendedCommunities":null,"largeCommunities":null,"since":null,"source":null,
        "file":null,"line":null,"stale":true,"something new":1}"#;
    assert_eq!(cells(gone), "13.64.0.0/11|-|-|-|-|stale|");
    let there = r#"{"prefix":"2603:1000::/24","nextHop":"2001:db8::1","origin":"incomplete","asPath":"8075",
        "med":0,"communities":["8075:1007"],"extendedCommunities":["rt:8075:1"],"largeCommunities":["1:2:3"],
        "since":{"generation":2,"time":"2026-11-22T11:59:00Z"},"source":"service-tags 376 ServiceTags_Public.json (ActionGroup)","file":"rib/a.yaml","line":7,
        "stale":false}"#;
    assert_eq!(
        cells(there),
        "2603:1000::/24|2001:db8::1|8075|#2 1m00s|rib/a.yaml:7|\
         incomplete med 0 8075:1007 rt:8075:1 1:2:3|service-tags 376 ServiceTags_Public.json (ActionGroup)"
    );
}

#[test]
fn ages_are_in_two_units() {
    let clock = Clock::at(1_000_000_000);
    for (ago, expected) in [
        (0, "0s"),
        (59, "59s"),
        (185, "3m05s"),
        (7800, "2h10m"),
        (4 * 86_400 + 3 * 3600, "4d03h"),
        (-5, "0s"),
    ] {
        let time = jiff::Timestamp::from_second(1_000_000_000 - ago).unwrap().to_string();
        assert_eq!(clock.age(&time), expected);
    }
    assert_eq!(clock.age("whenever"), "whenever");
}

#[test]
fn the_socket_comes_from_the_arguments() {
    let cli = Cli::try_parse_from(["show", "sessions", "--socket", "/x"]).unwrap();
    assert_eq!(cli.show.socket.socket, PathBuf::from("/x"));
    assert_eq!(socket_path("".into()), PathBuf::from(CONTROL_SOCKET));
    for words in [&["show"][..], &["show", "sessions", "x"], &["show", "received"], &["show", "nothing"]] {
        assert!(Cli::try_parse_from(words).is_err(), "{words:?}");
    }
}

#[tokio::test]
async fn f43_registered_prefixes_are_shown_with_state_key_and_error() {
    check("registered", None, expect![[r#"
        PEERING          PREFIX         STATE     KEY                                   ERROR
        contoso-ashburn  8.23.254.0/24  Verified  24d9b6a4-6b0f-4a8e-9a53-2c4c1f7a0b11
        contoso-ashburn  8.24.16.0/23   Failed    -                                     Prefix not received from IP: 4.68.74.181, 104.44.14.34
        contoso-ashburn  8.25.0.0/24    Pending   -
        ix-london        8.99.0.0/24    None      -                                     No connection of the peering is Active
    "#]]).await;
    check(
        "registered 8.24.16.0/23 --peering contoso-ashburn",
        None,
        expect![[r#"
        PEERING          PREFIX        STATE   KEY  ERROR
        contoso-ashburn  8.24.16.0/23  Failed  -    Prefix not received from IP: 4.68.74.181, 104.44.14.34
    "#]],
    )
    .await;
    check(
        "registered-asns",
        None,
        expect![[r#"
        PEERING          ASN   STATE      KEY
        contoso-ashburn  9680  Succeeded  9ce7d3a0-0b0f-4f5e-8a53-2c4c1f7a0b12
    "#]],
    )
    .await;
    check(
        "service-prefixes",
        None,
        expect![[r#"
        PEERING          PREFIX         STATE   LEARNED  ERROR
        contoso-ashburn  8.23.254.0/24  Failed  None     Provider has no sessions in its backup location
    "#]],
    )
    .await;
    let daemon = Daemon::of(Speaker::new());
    assert_eq!(daemon.error("registered 8.8.8.0/24").await, "8.8.8.0/24 is no registered prefix");
    assert_eq!(daemon.error("registered 8.8.8.0/24 --json").await, "8.8.8.0/24 is no registered prefix");
    assert_eq!(
        daemon.error("registered-asns --peering x").await,
        "no peering is called \"x\"; the peerings are contoso-ashburn, ix-london"
    );
}

#[tokio::test]
async fn f52_events_are_shown_the_oldest_first() {
    check("events", None, expect![[r#"
        AGE    LEVEL        EVENT                    OF               WHAT
        3d02h  Information  PrefixAnnouncementEvent  contoso-ashburn  8.23.254.0/24 is announced on the peering: Its origin is AS7018.
        3d02h  Warning      PrefixWithdrawalEvent    contoso-ashburn  8.24.16.0/23 is withdrawn on the peering: No session there has it any more; its origin was AS7018.
    "#]]).await;
}
