//! Registrations and events in Azure's shapes.

use super::*;
use crate::peering::{Event, EventType};

#[tokio::test]
async fn f43_registered_prefixes_have_azures_fields() {
    check("/api/v1/peerings/contoso-ashburn/registeredPrefixes", expect![[r#"
        {"value":[
        {"name":"8.23.254.0_24","type":"Microsoft.Peering/peerings/registeredPrefixes","id":"/providers/Microsoft.Peering/peerings/contoso-ashburn/registeredPrefixes/8.23.254.0_24","peering":"contoso-ashburn","properties":{"prefix":"8.23.254.0/24","prefixValidationState":"Verified","peeringServicePrefixKey":"24d9b6a4-6b0f-4a8e-9a53-2c4c1f7a0b11","errorMessage":null,"provisioningState":"Succeeded"}},
        {"name":"8.24.16.0_23","type":"Microsoft.Peering/peerings/registeredPrefixes","id":"/providers/Microsoft.Peering/peerings/contoso-ashburn/registeredPrefixes/8.24.16.0_23","peering":"contoso-ashburn","properties":{"prefix":"8.24.16.0/23","prefixValidationState":"Failed","peeringServicePrefixKey":null,"errorMessage":"Prefix not received from IP: 4.68.74.181, 104.44.14.34","provisioningState":"Succeeded"}},
        {"name":"8.25.0.0_24","type":"Microsoft.Peering/peerings/registeredPrefixes","id":"/providers/Microsoft.Peering/peerings/contoso-ashburn/registeredPrefixes/8.25.0.0_24","peering":"contoso-ashburn","properties":{"prefix":"8.25.0.0/24","prefixValidationState":"Pending","peeringServicePrefixKey":null,"errorMessage":null,"provisioningState":"Succeeded"}}
        ],"nextLink":null}
    "#]]).await;
    check("/api/v1/registeredPrefixes?prefix=8.99.0.0/24", expect![[r#"
        {"value":[
        {"name":"8.99.0.0_24","type":"Microsoft.Peering/peerings/registeredPrefixes","id":"/providers/Microsoft.Peering/peerings/ix-london/registeredPrefixes/8.99.0.0_24","peering":"ix-london","properties":{"prefix":"8.99.0.0/24","prefixValidationState":"None","peeringServicePrefixKey":null,"errorMessage":"No connection of the peering is Active","provisioningState":"Failed"}}
        ],"nextLink":null}
    "#]]).await;
}

#[tokio::test]
async fn f48_registered_asns_have_azures_fields() {
    check("/api/v1/peerings/contoso-ashburn/registeredAsns", expect![[r#"
        {"value":[
        {"name":"fabrikam","type":"Microsoft.Peering/peerings/registeredAsns","id":"/providers/Microsoft.Peering/peerings/contoso-ashburn/registeredAsns/fabrikam","peering":"contoso-ashburn","properties":{"asn":9680,"peeringServicePrefixKey":"9ce7d3a0-0b0f-4f5e-8a53-2c4c1f7a0b12","provisioningState":"Succeeded"}}
        ],"nextLink":null}
    "#]]).await;
    check(
        "/api/v1/registeredAsns?peering=ix-london",
        expect![[r#"
            {"value":[],"nextLink":null}
        "#]],
    )
    .await;
}

#[tokio::test]
async fn f49_peering_service_prefixes_have_azures_fields_and_their_events_where_asked_for() {
    check("/api/v1/peeringServicePrefixes", expect![[r#"
        {"value":[
        {"name":"contoso-hq","type":"Microsoft.Peering/peeringServices/prefixes","id":"/providers/Microsoft.Peering/peeringServices/contoso-ashburn/prefixes/contoso-hq","peering":"contoso-ashburn","properties":{"prefix":"8.23.254.0/24","prefixValidationState":"Failed","learnedType":"None","errorMessage":"Provider has no sessions in its backup location","peeringServicePrefixKey":"24d9b6a4-6b0f-4a8e-9a53-2c4c1f7a0b11","provisioningState":"Succeeded"}}
        ],"nextLink":null}
    "#]]).await;
    check("/api/v1/peeringServicePrefixes?$expand=events&prefix=8.23.254.0%2F24", expect![[r#"
        {"value":[
        {"name":"contoso-hq","type":"Microsoft.Peering/peeringServices/prefixes","id":"/providers/Microsoft.Peering/peeringServices/contoso-ashburn/prefixes/contoso-hq","peering":"contoso-ashburn","properties":{"prefix":"8.23.254.0/24","prefixValidationState":"Failed","learnedType":"None","errorMessage":"Provider has no sessions in its backup location","events":[{"eventTimestamp":"2026-11-22T11:59:00Z","eventType":"PrefixAnnouncementEvent","eventSummary":"8.23.254.0/24 is announced on the peering","eventLevel":"Information","eventDescription":"Its origin is AS7018."}],"peeringServicePrefixKey":"24d9b6a4-6b0f-4a8e-9a53-2c4c1f7a0b11","provisioningState":"Succeeded"}}
        ],"nextLink":null}
    "#]]).await;
}

#[tokio::test]
async fn f52_a_peering_service_prefix_has_azures_events_of_its_own_peering() {
    let speaker = Speaker::new();
    let router = speaker.router();
    let path = "/api/v1/peeringServicePrefixes?$expand=events";
    let before = ok(&router, path).await;
    let log = speaker.handle.events();
    let first = log.list().first().unwrap().clone();
    log.record(Event { event_type: EventType::PrefixValidationEvent, ..(*first).clone() });
    log.record(Event { peering: "ix-london".into(), ..(*first).clone() });
    assert_eq!(ok(&router, path).await, before);
    log.record((*first).clone());
    assert_ne!(ok(&router, path).await, before);
}

#[tokio::test]
async fn f52_events_are_listed_by_prefix_and_peering() {
    check("/api/v1/events", expect![[r#"
        [
        {"eventTimestamp":"2026-11-22T11:59:00Z","eventType":"PrefixAnnouncementEvent","eventSummary":"8.23.254.0/24 is announced on the peering","eventLevel":"Information","eventDescription":"Its origin is AS7018.","peering":"contoso-ashburn","connection":null,"prefix":"8.23.254.0/24"},
        {"eventTimestamp":"2026-11-22T11:59:55Z","eventType":"PrefixWithdrawalEvent","eventSummary":"8.24.16.0/23 is withdrawn on the peering","eventLevel":"Warning","eventDescription":"No session there has it any more; its origin was AS7018.","peering":"contoso-ashburn","connection":null,"prefix":"8.24.16.0/23"}
        ]
    "#]]).await;
    let router = Speaker::new().router();
    for (query, count) in [
        ("prefix=8.24.16.0/23", 1),
        ("prefix=8.24.17.0/24", 0),
        ("peering=contoso-ashburn", 2),
        ("peering=contoso-ashburn&prefix=8.23.254.0%2F24", 1),
    ] {
        let body = ok(&router, &format!("/api/v1/events?{query}")).await;
        let json: Vec<serde_json::Value> = serde_json::from_str(&body).unwrap();
        assert_eq!(json.len(), count, "{query}");
    }
}

#[tokio::test]
async fn f60_one_of_them_is_found_by_its_name() {
    let of = "/api/v1/peerings/contoso-ashburn";
    check(&format!("{of}/registeredPrefixes/8.24.16.0_23"), expect![[r#"
        {"name":"8.24.16.0_23","type":"Microsoft.Peering/peerings/registeredPrefixes","id":"/providers/Microsoft.Peering/peerings/contoso-ashburn/registeredPrefixes/8.24.16.0_23","peering":"contoso-ashburn","properties":{"prefix":"8.24.16.0/23","prefixValidationState":"Failed","peeringServicePrefixKey":null,"errorMessage":"Prefix not received from IP: 4.68.74.181, 104.44.14.34","provisioningState":"Succeeded"}}
    "#]]).await;
    check(&format!("{of}/registeredAsns/Fabrikam"), expect![[r#"
        {"name":"fabrikam","type":"Microsoft.Peering/peerings/registeredAsns","id":"/providers/Microsoft.Peering/peerings/contoso-ashburn/registeredAsns/fabrikam","peering":"contoso-ashburn","properties":{"asn":9680,"peeringServicePrefixKey":"9ce7d3a0-0b0f-4f5e-8a53-2c4c1f7a0b12","provisioningState":"Succeeded"}}
    "#]]).await;
}

#[tokio::test]
async fn what_cannot_be_listed_is_said() {
    const NOBODY: &str = "no peering is called \"nobody\"; the peerings are contoso-ashburn, ix-london";
    let router = Speaker::new().router();
    for (path, status, expected) in [
        ("peerings/nobody/registeredPrefixes", StatusCode::NOT_FOUND, NOBODY),
        ("registeredAsns?peering=nobody", StatusCode::NOT_FOUND, NOBODY),
        ("events?peering=nobody", StatusCode::NOT_FOUND, NOBODY),
        (
            "peerings/Contoso-Ashburn/registeredAsns/fabrikan",
            StatusCode::NOT_FOUND,
            "no registered ASN is called \"fabrikan\": did you mean \"fabrikam\"? The registered ASNs are fabrikam",
        ),
        (
            "registeredPrefixes?prefix=8",
            StatusCode::BAD_REQUEST,
            "\"8\" is no prefix: write one like 8.23.254.0/24",
        ),
        (
            "registeredPrefixes?prefix=8.8.8.8/24",
            StatusCode::BAD_REQUEST,
            "8.8.8.8/24 has host bits: the prefix is 8.8.8.0/24",
        ),
        ("peeringServicePrefixes?$expand=all", StatusCode::BAD_REQUEST, "$expand takes events, not \"all\""),
        ("events?limit=1", StatusCode::BAD_REQUEST, "this path takes prefix and peering, not \"limit\""),
    ] {
        assert_eq!(message(&router, &format!("/api/v1/{path}"), status).await, expected);
    }
}

#[tokio::test]
async fn f43_a_prefix_is_validated_over_the_control_socket_alone() {
    let speaker = Speaker::new();
    let path = "/api/v1/registered/8.23.254.0%2F24/validate";
    let response = call(&speaker.router(), "POST", path).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let socket = speaker.socket_router();
    assert_eq!(call(&socket, "GET", path).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    let bad = call(&socket, "POST", "/api/v1/registered/8.8.8.8/validate").await;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    // Nobody stands behind the fixtures' desk.
    assert_eq!(call(&socket, "POST", path).await.status(), StatusCode::SERVICE_UNAVAILABLE);
}
