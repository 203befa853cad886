//! Azure's resources on the command line.

use super::*;
use crate::control::fixtures::{established, received};
use crate::peering::{RouteOrigin, Validity};

#[tokio::test]
async fn connections_have_their_words_below_them_on_80_columns() {
    let daemon = with_peerings();
    expect![[r#"
        CONNECTION         STATE                SESSIONS UP  AVAILABILITY  FLAPS  PEERING          TYPE                   NOTE
        contoso-ashburn-1  Active               1/2          0.00 %        2      contoso-ashburn  Edge, Peering Service  TooFewConnections
        ix-london-1        PendingApproval      0/1          0.00 %        0      ix-london        Exchange               for Peering Service it lacks: NoSignedAgreement, NotDirectPeering, ConnectionsNotActive, OneAddressFamily
        ix-london-2        ProvisioningStarted  0/0          -             0      ix-london        Exchange               for Peering Service it lacks: NoSignedAgreement, NotDirectPeering, ConnectionsNotActive, OneAddressFamily
    "#]].assert_eq(&daemon.show("connections", None).await.unwrap());
    let narrow = daemon.show("connections", Some(80)).await.unwrap();
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    expect![[r#"
        CONNECTION         STATE                SESSIONS UP  AVAILABILITY  FLAPS
        contoso-ashburn-1  Active               1/2          0.00 %        2
          contoso-ashburn; Edge, Peering Service; TooFewConnections
        ix-london-1        PendingApproval      0/1          0.00 %        0
          ix-london; Exchange; for Peering Service it lacks: NoSignedAgreement,
          NotDirectPeering, ConnectionsNotActive, OneAddressFamily
        ix-london-2        ProvisioningStarted  0/0          -             0
          ix-london; Exchange; for Peering Service it lacks: NoSignedAgreement,
          NotDirectPeering, ConnectionsNotActive, OneAddressFamily
    "#]]
    .assert_eq(&narrow);
}

#[tokio::test]
async fn f60_peer_asns_are_shown_with_state_and_contacts() {
    let speaker = Speaker::new();
    let config = "
router: {router_id: 192.0.2.1}
rib: rib
peer_asns:
- name: contoso
  peer_asn: 3356
  peer_name: Contoso
  peer_contact_detail:
  - {role: noc, email: noc@contoso.example, phone: +1 425 555 0100}
  - {role: policy, email: peering@contoso.example}
peerings:
- {name: contoso-ashburn, peer_asn: 3356}
- {name: ix-london, kind: exchange, peer_asn: 6939}
";
    let (plan, _) = crate::config::load_text(std::path::Path::new("c.yaml"), config.to_owned()).unwrap();
    speaker.handle.plan.store(Arc::new(plan));
    let daemon = Daemon::of(speaker);
    expect![[r#"
        NAME     ASN   PEER NAME  STATE     CONTACTS
        contoso  3356  Contoso    Approved  Noc noc@contoso.example +1 425 555 0100, Policy peering@contoso.example
        AS6939   6939  -          Approved
    "#]].assert_eq(&daemon.show("peer-asns", None).await.unwrap());
    let narrow = daemon.show("peer-asns", Some(80)).await.unwrap();
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    expect![[r#"
        NAME     ASN   PEER NAME  STATE
        contoso  3356  Contoso    Approved
          Noc noc@contoso.example +1 425 555 0100, Policy peering@contoso.example
        AS6939   6939  -          Approved
    "#]]
    .assert_eq(&narrow);
    let json = daemon.show("peer-asns --json", None).await.unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(
        all.iter().map(|of| of["properties"]["peerAsn"].as_u64().unwrap()).collect::<Vec<_>>(),
        [3356, 6939]
    );
    assert_eq!(all[0]["properties"]["peerContactDetail"][1]["role"], "Policy");
}

/// A daemon whose one session holds so many routes, the second of them with what registries say.
fn holding(routes: u8) -> Daemon {
    let mut held: Vec<_> = (1..=routes).map(received).collect();
    held[1].validity =
        RouteOrigin { irr: Validity::Invalid, rpki: Validity::Valid, trust_anchor: Some("Arin".into()) };
    Daemon::of(Speaker::with(vec![established()], held, None, None))
}

#[tokio::test]
async fn f53_received_routes_of_a_peering_have_azures_fields_and_filters() {
    let daemon = holding(3);
    let text = daemon.show("received-routes contoso-ashburn", Some(80)).await.unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    expect![[r#"
        PREFIX      NEXT HOP     AS PATH           ORIGIN AS  RPKI     ANCHOR  AGE
        4.1.0.0/16  4.68.74.181  3356 65001 {7,8}  Unknown    Unknown  None    3d02h
        4.2.0.0/16  4.68.74.181  3356 65001 {7,8}  Invalid    Valid    Arin    3d02h
        4.3.0.0/16  4.68.74.181  3356 65001 {7,8}  Unknown    Unknown  None    3d02h
    "#]]
    .assert_eq(&text);
    let json =
        daemon.show("received-routes contoso-ashburn --rpki-validation-state valid --json", None).await;
    expect![[r#"
        [
        {"prefix":"4.2.0.0/16","nextHop":"4.68.74.181","asPath":"3356 65001 {7,8}","originAsValidationState":"Invalid","rpkiValidationState":"Valid","trustAnchor":"Arin","receivedTimestamp":"2026-11-22T12:00:00Z"}
        ]
    "#]].assert_eq(&json.unwrap());
    for (filter, count) in [
        ("--prefix 4.3.0.0/16", 1),
        ("--prefix 4.0.0.0/8", 0),
        ("--as-path=3356", 0),
        ("--origin-as-validation-state Unknown", 2),
        ("--rpki-validation-state Unknown --prefix 4.2.0.0/16", 0),
    ] {
        let text = daemon.show(&format!("received-routes contoso-ashburn {filter}"), None).await.unwrap();
        assert_eq!(text.lines().count(), 1 + count, "{filter}: {text}");
    }
    let error = daemon.error("received-routes contoso-ashbrn").await;
    assert!(
        error.contains("no peering is called \"contoso-ashbrn\": did you mean \"contoso-ashburn\"?"),
        "{error}"
    );
    let error = daemon.error("received-routes contoso-ashburn --as-path AS3356").await;
    assert!(error.starts_with("asPath takes AS numbers"), "{error}");
}

#[tokio::test]
async fn f53_all_pages_of_received_routes_are_shown_or_one_of_them() {
    let daemon = holding(250);
    let words = "received-routes contoso-ashburn";
    let all = daemon.show(words, None).await.unwrap();
    assert_eq!(all.lines().count(), 251);
    let json = daemon.show(&format!("{words} --json"), None).await.unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!((rows.len(), &rows[249]["prefix"]), (250, &"4.250.0.0/16".into()));

    let first = daemon.show(&format!("{words} --page"), None).await.unwrap();
    let (table, next) = first.split_once("\n\nThe next page: ").unwrap();
    assert_eq!((table.lines().count(), next), (101, "--skip-token 4.68.74.181,4.100.0.0/16,0\n"));
    let last = "--skip-token 4.68.74.181,4.200.0.0/16,0";
    let text = daemon.show(&format!("{words} --page {last}"), None).await.unwrap();
    assert!(text.lines().count() == 51 && !text.contains("next page"), "{text}");
    let rest = daemon.show(&format!("{words} {}", next.trim_end()), None).await.unwrap();
    assert_eq!(rest.lines().count(), 151, "from there on");

    let page = daemon.show(&format!("{words} --page --json"), None).await.unwrap();
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert_eq!(page["value"].as_array().unwrap().len(), 100);
    let link = "/api/v1/peerings/contoso-ashburn/receivedRoutes?$skipToken=4.68.74.181,4.100.0.0/16,0";
    assert_eq!(page["nextLink"], link, "a socket has no host");
}

#[tokio::test]
async fn f60_a_session_that_is_removed_is_shown_in_pending_remove() {
    let connection = |n: u8| {
        format!(
            "  - {{name: contoso-ashburn-{n}, bgp_session: {{session_prefix_v4: 4.68.{}.180/30}}}}\n",
            73 + n
        )
    };
    let config = |connections: String| {
        let text = format!(
            "router: {{router_id: 192.0.2.1}}\nrib: rib\npeerings:\n- name: contoso-ashburn\n  peer_asn: 3356\n  \
             connections:\n{connections}"
        );
        crate::config::load_text(std::path::Path::new("c.yaml"), text).unwrap().0
    };
    let speaker = Speaker::with(vec![established()], Vec::new(), None, None);
    speaker.remove(&config(connection(1) + &connection(2)), &["contoso-ashburn-2-v4"]);
    speaker.handle.plan.store(Arc::new(config(connection(1))));
    let daemon = Daemon::of(speaker);
    let text = daemon.show("peerings", None).await.unwrap();
    expect![[r#"
        PEERING          TYPE  ASN   LOCATION  PEERING SERVICE  CONNECTION         STATE   SESSIONS          AVAILABILITY
        contoso-ashburn  Edge  3356  -         no               contoso-ashburn-1  Active  v4 Established    0.00 %
                                                                contoso-ashburn-2  Active  v4 PendingRemove  -"#]].assert_eq(text.split("\n\n").next().unwrap());
    expect![[r#"
        CONNECTION         STATE   SESSIONS UP  AVAILABILITY  FLAPS  PEERING          TYPE  NOTE
        contoso-ashburn-1  Active  1/1          0.00 %        0      contoso-ashburn  Edge  for Peering Service it lacks: NoSignedAgreement, TooFewConnections, OneAddressFamily
        contoso-ashburn-2  Active  0/1          -             0      contoso-ashburn  Edge  for Peering Service it lacks: NoSignedAgreement, TooFewConnections, OneAddressFamily
    "#]].assert_eq(&daemon.show("connections", None).await.unwrap());
}
