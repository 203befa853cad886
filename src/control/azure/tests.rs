use std::collections::BTreeSet;
use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use expect_test::expect;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::config::azure::{Options, Source as File, import_texts};
use crate::config::load_text;
use crate::control::fixtures::Speaker;

const CONFIG: &str = "
router: {router_id: 192.0.2.1}
rib: rib
peer_asns:
- {name: contoso, peer_asn: 3356, peer_name: Contoso, peer_contact_detail: [{role: noc, email: noc@contoso.example}]}
peerings:
- name: contoso-ashburn
  peering_service: true
  peer_asn: 3356
  peering_location: Ashburn
  location: eastus
  tags: {owner: net ops}
  connections:
  - name: contoso-ashburn-1
    bandwidth_in_mbps: 100000
    session_address_provider: peer
    peering_db_facility_id: 1
    connection_identifier: 3D1F6C62-6E2A-4D0B-9E55-0B1D3C0A7E01
    bgp_session: {session_prefix_v4: 4.68.74.180/30, session_prefix_v6: '2001:1900::/64', max_prefixes_advertised_v4: 1000, max_prefixes_advertised_v6: null}
  - name: contoso-ashburn-2
    connection_state: pending_approval
    bandwidth_in_mbps: 100000
- name: fabrikam-ix
  kind: exchange
  peer_asn: 6939
  connections:
  - name: fabrikam-ix-1
    connection_state: provisioning_failed
    error_message: the port is taken
    bgp_session:
    - {microsoft_session_ipv4_address: 195.66.224.140, peer_session_ipv4_address: 195.66.224.21}
    - {microsoft_session_ipv4_address: 195.66.224.140, peer_session_ipv4_address: 195.66.224.22}
- name: northwind-rs
  direct_peering_type: ix_rs
  peering_service: true
  peer_asn: 6777
  connections:
  - name: northwind-rs-1
    bgp_session: {microsoft_session_ipv4_address: 80.249.209.20, peer_range_v4: 80.249.208.0/24}
";

fn router() -> Router {
    let speaker = Speaker::new();
    let (plan, _) =
        load_text(std::path::Path::new("c.yaml"), CONFIG.to_owned()).unwrap_or_else(|e| panic!("{e}"));
    speaker.handle.plan.store(Arc::new(plan));
    speaker.router()
}

async fn get_json(path: &str) -> (StatusCode, Value) {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let response = router().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// Every field's path, and of lists those of all items together.
fn fields(value: &Value, at: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                into.insert(format!("{at}{name}"));
                fields(value, &format!("{at}{name}."), into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, at, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn f60_peerings_have_azures_fields_and_no_others() {
    let (_, all) = get_json("/api/v1/peerings").await;
    let mut found = BTreeSet::new();
    fields(&all["value"], "", &mut found);
    let session = [
        "sessionPrefixV4",
        "sessionPrefixV6",
        "microsoftSessionIPv4Address",
        "microsoftSessionIPv6Address",
        "peerSessionIPv4Address",
        "peerSessionIPv6Address",
        "sessionStateV4",
        "sessionStateV6",
        "maxPrefixesAdvertisedV4",
        "maxPrefixesAdvertisedV6",
        "md5AuthenticationKey",
    ];
    let exchange =
        ["peeringDBFacilityId", "connectionState", "bgpSession", "connectionIdentifier", "errorMessage"];
    let direct = [
        "bandwidthInMbps",
        "provisionedBandwidthInMbps",
        "sessionAddressProvider",
        "useForPeeringService",
        "microsoftTrackingId",
    ];
    let mut expected: BTreeSet<String> =
        ["name", "type", "id", "kind", "location", "tags", "tags.owner", "sku", "properties"]
            .into_iter()
            .map(str::to_owned)
            .collect();
    expected.extend(["name", "tier", "family", "size"].map(|name| format!("sku.{name}")));
    expected.extend(
        ["direct", "exchange", "connectivityProbes", "peeringLocation", "provisioningState"]
            .map(|name| format!("properties.{name}")),
    );
    expected.extend(
        ["connections", "useForPeeringService", "peerAsn", "peerAsn.id", "directPeeringType"]
            .map(|name| format!("properties.direct.{name}")),
    );
    expected
        .extend(["connections", "peerAsn", "peerAsn.id"].map(|name| format!("properties.exchange.{name}")));
    expected.extend(direct.map(|name| format!("properties.direct.connections.{name}")));
    for kind in ["direct", "exchange"] {
        expected.extend(exchange.map(|name| format!("properties.{kind}.connections.{name}")));
        expected.extend(session.map(|name| format!("properties.{kind}.connections.bgpSession.{name}")));
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn f60_values_are_azures_words() {
    let (_, all) = get_json("/api/v1/peerings").await;
    let all = &all["value"];
    let contoso = &all[0];
    assert_eq!(contoso["type"], "Microsoft.Peering/peerings");
    assert_eq!(contoso["id"], "/providers/Microsoft.Peering/peerings/contoso-ashburn");
    assert_eq!(
        contoso["sku"],
        serde_json::json!({"name": "Premium_Direct_Free", "tier": "Premium", "family": "Direct", "size": "Free"})
    );
    assert_eq!(contoso["properties"]["provisioningState"], "Succeeded");
    expect![[r#"
        {
          "connections": [
            {
              "bandwidthInMbps": 100000,
              "bgpSession": {
                "maxPrefixesAdvertisedV4": 1000,
                "maxPrefixesAdvertisedV6": null,
                "md5AuthenticationKey": null,
                "microsoftSessionIPv4Address": "4.68.74.182",
                "microsoftSessionIPv6Address": "2001:1900::2",
                "peerSessionIPv4Address": "4.68.74.181",
                "peerSessionIPv6Address": "2001:1900::1",
                "sessionPrefixV4": "4.68.74.180/30",
                "sessionPrefixV6": "2001:1900::/64",
                "sessionStateV4": "Established",
                "sessionStateV6": "Idle"
              },
              "connectionIdentifier": "3D1F6C62-6E2A-4D0B-9E55-0B1D3C0A7E01",
              "connectionState": "Active",
              "errorMessage": null,
              "microsoftTrackingId": null,
              "peeringDBFacilityId": 1,
              "provisionedBandwidthInMbps": 100000,
              "sessionAddressProvider": "Peer",
              "useForPeeringService": true
            },
            {
              "bandwidthInMbps": 100000,
              "bgpSession": null,
              "connectionIdentifier": null,
              "connectionState": "PendingApproval",
              "errorMessage": null,
              "microsoftTrackingId": null,
              "peeringDBFacilityId": null,
              "provisionedBandwidthInMbps": 0,
              "sessionAddressProvider": null,
              "useForPeeringService": true
            }
          ],
          "directPeeringType": "Edge",
          "peerAsn": {
            "id": "/providers/Microsoft.Peering/peerAsns/contoso"
          },
          "useForPeeringService": true
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&contoso["properties"]["direct"]).unwrap());

    let fabrikam = &all[1];
    assert_eq!(
        (&fabrikam["kind"], &fabrikam["sku"]["name"]),
        (&"Exchange".into(), &"Basic_Exchange_Free".into())
    );
    let connections = fabrikam["properties"]["exchange"]["connections"].as_array().unwrap();
    assert_eq!(connections.len(), 2, "a list of BGP sessions is as many connections");
    assert_eq!(connections[1]["bgpSession"]["peerSessionIPv4Address"], "195.66.224.22");
    assert_eq!(connections[1]["bgpSession"]["sessionStateV4"], "PendingAdd", "no task has it yet");
    assert_eq!(connections[1]["bgpSession"]["sessionStateV6"], "None");
    assert_eq!(connections[0]["errorMessage"], "the port is taken");

    let northwind = &all[2];
    assert_eq!(northwind["sku"]["name"], "Premium_Direct_Free");
    assert_eq!(northwind["properties"]["direct"]["directPeeringType"], "IxRs");
    let range = &northwind["properties"]["direct"]["connections"][0]["bgpSession"];
    assert_eq!(
        (&range["sessionPrefixV4"], &range["peerSessionIPv4Address"]),
        (&"80.249.208.0/24".into(), &Value::Null)
    );
}

#[tokio::test]
async fn f60_peer_asns_are_azures_too() {
    let (_, all) = get_json("/api/v1/peerAsns").await;
    assert!(all["nextLink"].is_null() && all.as_object().is_some_and(|object| object.len() == 2));
    assert_eq!(
        all["value"],
        serde_json::json!([
            {
                "name": "contoso",
                "type": "Microsoft.Peering/peerAsns",
                "id": "/providers/Microsoft.Peering/peerAsns/contoso",
                "properties": {
                    "peerAsn": 3356,
                    "peerContactDetail": [{"role": "Noc", "email": "noc@contoso.example", "phone": null}],
                    "peerName": "Contoso",
                    "validationState": "Approved",
                    "errorMessage": null,
                },
            },
            {
                "name": "AS6777",
                "type": "Microsoft.Peering/peerAsns",
                "id": "/providers/Microsoft.Peering/peerAsns/AS6777",
                "properties": {
                    "peerAsn": 6777, "peerContactDetail": [], "peerName": null, "validationState": "Approved", "errorMessage": null,
                },
            },
            {
                "name": "AS6939",
                "type": "Microsoft.Peering/peerAsns",
                "id": "/providers/Microsoft.Peering/peerAsns/AS6939",
                "properties": {
                    "peerAsn": 6939, "peerContactDetail": [], "peerName": null, "validationState": "Approved", "errorMessage": null,
                },
            },
        ])
    );
    for (path, of) in
        [("/api/v1/peerings/Contoso-Ashburn", "contoso-ashburn"), ("/api/v1/peerAsns/as6939", "AS6939")]
    {
        let (status, one) = get_json(path).await;
        assert_eq!((status, &one["name"]), (StatusCode::OK, &of.into()), "{path}");
    }
    for path in ["/api/v1/peerings/x", "/api/v1/peerAsns/x"] {
        assert_eq!(get_json(path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn f60_a_session_that_is_removed_is_in_pending_remove_until_it_is_closed() {
    let speaker = Speaker::new();
    let load = |text: String| load_text(std::path::Path::new("c.yaml"), text).unwrap().0;
    let before = load(CONFIG.to_owned());
    // A session of a connection, and a whole peering.
    let after = CONFIG.replace(", session_prefix_v6: '2001:1900::/64'", "");
    let (kept, rest) = after.split_once("- name: fabrikam-ix").unwrap();
    let (_, others) = rest.split_once("- name: northwind-rs").unwrap();
    let after = load(format!("{kept}- name: northwind-rs{others}"));
    let removed = ["contoso-ashburn-1-v6", "fabrikam-ix-1-v4", "fabrikam-ix-1-v4-2"];
    speaker.remove(&before, &removed);
    speaker.handle.plan.store(Arc::new(after));
    let router = speaker.router();
    let json = async |path: &str| -> Value {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let body = router.clone().oneshot(request).await.unwrap().into_body();
        serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap()
    };
    let all = json("/api/v1/peerings").await;
    let states = |of: &Value| -> Vec<String> {
        let kind = if of["kind"] == "Direct" { "direct" } else { "exchange" };
        let connections = of["properties"][kind]["connections"].as_array().unwrap().iter();
        let words = |c: &Value| {
            let session = &c["bgpSession"];
            let words = [&c["connectionState"], &session["sessionStateV4"], &session["sessionStateV6"]];
            words.map(|word| word.as_str().unwrap_or("-")).join(" ")
        };
        connections.map(words).collect()
    };
    let (contoso, fabrikam) = (&all["value"][0], &all["value"][2]);
    assert_eq!(states(contoso), ["Active Established PendingRemove", "PendingApproval - -"]);
    let session = &contoso["properties"]["direct"]["connections"][0]["bgpSession"];
    assert_eq!(session["peerSessionIPv6Address"], "2001:1900::1");
    assert_eq!(contoso["properties"]["provisioningState"], "Updating");
    assert_eq!(states(fabrikam), ["ProvisioningFailed PendingRemove None"; 2]);
    assert_eq!(fabrikam["properties"]["provisioningState"], "Deleting");
    assert_eq!(json("/api/v1/peerings/fabrikam-ix").await, *fabrikam);

    let connections = json("/api/v1/connections").await;
    let gone = connections.as_array().unwrap().last().unwrap();
    assert_eq!((&gone["name"], &gone["sessionAvailability"]), (&"fabrikam-ix-1".into(), &Value::Null));
    assert_eq!(gone["sessions"][1]["sessionState"], "PendingRemove");
    // It is there again: what is left of its last life counts no more.
    speaker.handle.plan.store(Arc::new(before));
    let all = json("/api/v1/peerings").await;
    assert_eq!(states(&all["value"][1])[0], "ProvisioningFailed PendingAdd None");
    assert_eq!(all["value"].as_array().unwrap().len(), 3);
}

/// What we show can be imported, and is the same peerings again.
#[tokio::test]
async fn f60_what_is_shown_can_be_imported() {
    let texts = ["/api/v1/peerings", "/api/v1/peerAsns"].map(|path| async move {
        let (_, mut all) = get_json(path).await;
        if let Some(peerings) = all["value"].as_array_mut() {
            // The range has no peer, which a resource must have.
            peerings.retain(|peering| peering["name"] != "northwind-rs");
        }
        (File { path: PathBuf::from(path), is_legacy: false }, all.to_string())
    });
    let texts = futures_util::future::join_all(texts).await;
    let options =
        Options { peer_asns: Vec::new(), asn: None, router_id: None, rib: "rib".to_owned(), is_lab: false };
    let imported = import_texts(texts, &options).unwrap_or_else(|findings| panic!("{findings}"));
    let (again, _) = load_text(std::path::Path::new("c.yaml"), imported.text).unwrap();
    let (before, _) = load_text(std::path::Path::new("c.yaml"), CONFIG.to_owned()).unwrap();
    let key = |plan: &Plan| -> Vec<_> {
        let of_range = |s: &SessionPlan| &*s.peering == "northwind-rs";
        let sessions = plan.sessions.iter().filter(|s| !of_range(s));
        sessions
            .map(|s| (s.peer_address, s.local_address, s.peer_asn, s.max_prefixes, s.policy_group))
            .collect()
    };
    assert_eq!(key(&again), key(&before));
    assert_eq!(again.peerings[0].tags, before.peerings[0].tags);
    assert_eq!(again.peer_asns[0], before.peer_asns[0]);
}
