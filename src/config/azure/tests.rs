use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::config::{PeeringPlan, Plan, changes, load, registration_refusals};
use crate::peering::{ConnectionState, DirectPeeringType, Kind, SessionAddressProvider};
use crate::wire::PerFamily;

fn fixture(name: &str) -> (Source, String) {
    let path = format!("{}/tests/fixtures/azure/{name}", env!("CARGO_MANIFEST_DIR"));
    (source(name), fs::read_to_string(path).unwrap())
}

fn source(name: &str) -> Source {
    Source { path: PathBuf::from(name), is_legacy: false }
}

fn options() -> Options {
    Options { peer_asns: Vec::new(), asn: None, router_id: None, rib: "rib/".to_owned(), is_lab: false }
}

fn plan(imported: &Imported) -> Plan {
    load_text(Path::new("c.yaml"), imported.text.clone()).unwrap().0
}

/// What is said of one text.
fn said(text: &str, options: &Options) -> String {
    match import_texts(vec![(source("a.json"), text.to_owned())], options) {
        Ok(imported) => imported.warnings.to_string(),
        Err(findings) => {
            assert!(findings.has_errors());
            findings.to_string()
        }
    }
}

fn check(text: &str, options: &Options, expected: Expect) {
    expected.assert_eq(&said(text, options));
}

/// A direct peering of one connection, with more in the connection.
fn with(connection: &str) -> String {
    format!(
        "{{\"name\": \"p\", \"id\": \"/x/peerings/p\", \"kind\": \"Direct\", \"properties\": {{\"direct\": {{\n\
         \"peerAsn\": {{\"id\": \"/x/peerAsns/AS3356\"}}, \"connections\": [{{\"connectionState\": \"Active\",\n{connection}}}]}}}}}}"
    )
}

#[test]
fn resources_become_config_with_their_addresses_and_limits() {
    let files = ["direct.json", "peer-asns.json", "registered.json", "list.json"].map(fixture).to_vec();
    let imported = import_texts(files, &options()).unwrap_or_else(|findings| panic!("{findings}"));
    assert_eq!(
        imported.counts.in_words(),
        "3 peerings, 5 connections, 1 peer ASN, 2 registered prefixes, 1 registered ASN"
    );
    assert!(!imported.text.contains("b7c1f0a2"), "a prefix key was copied");
    let plan = plan(&imported);
    let [contoso, fabrikam, northwind] = &plan.peerings[..] else { panic!() };
    assert_eq!(
        (&*contoso.name, contoso.kind, contoso.peer_asn),
        ("contoso-ashburn", Kind::Direct, Asn(3356))
    );
    assert!(contoso.peering_service && northwind.peering_service && !fabrikam.peering_service);
    assert_eq!(contoso.location.as_deref(), Some("eastus"));
    assert_eq!(contoso.tags[0], ("owner".into(), "net ops".into()));
    let registered: Vec<_> = contoso.registered_prefixes.iter().map(|r| r.prefix.to_string()).collect();
    assert_eq!(
        registered,
        ["8.23.254.0/24", "8.24.16.0/23"],
        "whatever the case of the peering in their ids"
    );
    assert_eq!(northwind.registered_asns[0].asn, Asn(7018));
    assert_eq!((fabrikam.kind, northwind.direct_peering_type), (Kind::Exchange, DirectPeeringType::IxRs));
    assert_eq!(plan.peer_asns[0].contacts.len(), 2);

    let [first, second] = &contoso.connections[..] else { panic!() };
    assert_eq!((first.state, second.state), (ConnectionState::Active, ConnectionState::ProvisioningFailed));
    assert_eq!(first.identifier.as_deref(), Some("3D1F6C62-6E2A-4D0B-9E55-0B1D3C0A7E01"));
    assert_eq!(first.session_address_provider, Some(SessionAddressProvider::Peer));
    assert!(
        imported.text.contains("error_message: \"IPv4 address is already configured with a different ASN\"")
    );
    let session = |name: &str| plan.sessions.iter().find(|s| &*s.name == name).unwrap();
    let v4 = session("contoso-ashburn-1-v4");
    assert_eq!(v4.max_prefixes, PerFamily { ipv4: Some(1000), ipv6: None }, "null is no limit");
    assert_eq!(v4.transport.session_prefix, "4.68.74.180/30".parse().ok());
    assert_eq!(
        session("contoso-ashburn-2-v4").max_prefixes.ipv6,
        Some(2000),
        "our default where none is said"
    );
    assert_eq!(session("northwind-rs-1-v4").local_address.to_string(), "80.249.209.20");
    assert_eq!(plan.router.router_id.to_string(), "4.68.74.182");
}

/// The portal registers nothing before a connection is Active, and so does the config.
#[test]
fn f44_what_is_registered_without_an_active_connection_stays_as_comments() {
    let peering = with("\"useForPeeringService\": true");
    let registered = "{\"type\": \"Microsoft.Peering/peerings/registeredPrefixes\", \"id\": \"/x/peerings/p/registeredPrefixes/q\",\n\
        \"name\": \"q\", \"properties\": {\"prefix\": \"8.23.254.0/24\"}}";
    let options = Options { router_id: Some(Ipv4Addr::new(192, 0, 2, 1)), ..options() };
    let import = |peering: &str| {
        let files = vec![
            fixture("peer-asns.json"),
            (source("p.json"), peering.to_owned()),
            (source("q.json"), registered.to_owned()),
        ];
        let imported = import_texts(files, &options).unwrap_or_else(|findings| panic!("{findings}"));
        assert_eq!(registration_refusals(&plan(&imported), |_, _| false), []);
        (imported.text, imported.warnings.to_string())
    };
    let (text, warnings) = import(&peering);
    assert!(
        text.contains("\n    registered_prefixes:\n      - name: q\n        prefix: 8.23.254.0/24\n"),
        "{text}"
    );
    assert!(!warnings.contains("stays as comments"), "{warnings}");
    let (text, warnings) = import(&peering.replace("Active", "Validating"));
    assert!(
        text.contains("\n    # registered_prefixes:\n    #   - name: q\n    #     prefix: 8.23.254.0/24\n"),
        "{text}"
    );
    assert!(warnings.contains("p.json:1:1: warning: what is registered under p stays as comments: none of its connections is Active: take the # away once a connection is Active"), "{warnings}");
}

#[test]
fn peering_service_prefixes_are_of_the_peering_of_their_provider() {
    let files = ["direct.json", "peer-asns.json", "registered.json", "list.json", "services.json"]
        .map(fixture)
        .to_vec();
    let imported = import_texts(files, &options()).unwrap_or_else(|findings| panic!("{findings}"));
    assert!(imported.counts.in_words().ends_with("1 registered ASN, 4 Peering Service prefixes"));
    let plan = plan(&imported);
    let [contoso, _, northwind] = &plan.peerings[..] else { panic!() };
    let shown = |peering: &PeeringPlan| {
        let prefixes = peering.peering_service_prefixes.iter();
        let lines = prefixes.map(|p| {
            let words = [&p.name, &p.key, &p.primary_location, &p.backup_location];
            format!("{} {:?}", p.prefix, words.map(|word| word.as_deref().unwrap_or("-")))
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    expect![[r#"
        8.23.254.0/24 ["office", "b7c1f0a2-53d1-4c1a-8d2e-2f1b7a9c0d11", "Ashburn", "Chicago"]
        8.25.0.0/24 ["contoso-labs-office", "-", "Ashburn", "-"]"#]]
    .assert_eq(&shown(contoso));
    expect![[r#"8.26.0.0/24 ["member", "0c5a7a0e-9a3f-4f0e-8f39-6b1d7c2e4a55", "-", "-"]"#]]
        .assert_eq(&shown(northwind));
    expect![[r#"
        registered.json:9:34: warning: the prefix key of this registered prefix is not taken over: peeringd makes its own: give customers the new key, which `peeringd show registered` has
        registered.json:26:34: warning: the prefix key of this registered ASN is not taken over: peeringd makes its own: give customers the new key, which `peeringd show registered` has
        list.json:30:35: warning: the IPv4 session lacks an address yet and is left out: add bgp_session to the config when both addresses are known
        list.json:69:27: warning: connectivityProbes are not taken over, and stay as comments: probe by other means: peeringd sends BGP only
        services.json:22:13: warning: the tags of a Peering Service are not taken over: put what is needed of them into the peering's tags
        services.json:28:42: warning: logAnalyticsWorkspaceProperties is not taken over: scrape /metrics: peeringd reports to no workspace
        services.json:32:3: warning: nothing of the Peering Service contoso-hq is in the config: no file has a prefix of it: give its prefixes too, which are resources of their own
        services.json:48:34: warning: the prefix key of this Peering Service prefix is as it was there, and peeringd makes its own: write the key that `peeringd show registered` has, once it has one, into the config
        services.json:64:3: warning: the Peering Service elsewhere of this prefix is in none of the files: the peering's location is taken for its primary one, and there is no backup: give the Peering Service too, or add primary_location and backup_location to the config
        services.json:68:32: warning: the prefix key of this Peering Service prefix is as it was there, and peeringd makes its own: write the key that `peeringd show registered` has, once it has one, into the config
        services.json:71:3: warning: the Peering Service prefix 8.27.0.0/24 is left out: the peering of its provider is in none of the files: give that peering too, with its PeerAsn and what is registered under it; or add the prefix to the config's peering_service_prefixes
        services.json:38:3: warning: backup_location Chicago, where AS3356 has no peering for Peering Service: name the peering_location of one: until there is one the prefix is not Verified
        direct.json:38:9: warning: contoso-ashburn-2 carries IPv4 only: add IPv6 sessions: both are expected at every location
        direct.json:45:30: warning: contoso-ashburn-2 is in state provisioning_failed: routes flow in state active only
        list.json:26:7: warning: fabrikam-ix-2 has no session: add bgp_session and its addresses when they are known
        list.json:28:27: warning: fabrikam-ix-2 is in state pending_approval: routes flow in state active only
        list.json:42:3: warning: northwind-rs carries IPv4 only: add IPv6 sessions: both are expected at every location"#]].assert_eq(&imported.warnings.to_string());
    let comments =
        imported.text.lines().filter(|line| line.contains("# Of the") || line.contains("# In Azure"));
    let comments: Vec<_> = comments.map(str::trim).collect();
    expect![[r##"
        # In Azure: Verified
        # In Azure: Pending
        # Of the Peering Service contoso-hq with Contoso in Virginia, sku "Premium"
        # In Azure: Verified, ViaServiceProvider
        # Of the Peering Service contoso-labs with contoso in Virginia
        # In Azure: Failed, Prefix is not announced by the service provider to Microsoft.
        # In Azure: ViaSession"##]]
    .assert_eq(&comments.join("\n"));
}

#[test]
fn peering_service_prefixes_as_peeringd_shows_them_say_their_peering() {
    let shown = |peering: &str| {
        let text = format!(
            "{{\"value\": [{{\"name\": \"hq\", \"type\": \"Microsoft.Peering/peeringServices/prefixes\", \
             \"id\": \"/providers/Microsoft.Peering/peeringServices/p/prefixes/hq\", \"peering\": \"{peering}\", \
             \"properties\": {{\"prefix\": \"8.25.0.0/24\", \"learnedType\": \"None\", \"peeringServicePrefixKey\": null}}}}]}}"
        );
        let peering = with("\"bgpSession\": {\"sessionPrefixV4\": \"4.68.74.180/30\"}")
            .replace("{\"direct\"", "{\"peeringLocation\": \"Ashburn\", \"direct\"")
            .replace("\"connections\"", "\"useForPeeringService\": true, \"connections\"");
        import_texts(vec![(source("a.json"), peering), (source("b.json"), text)], &options())
            .unwrap_or_else(|findings| panic!("{findings}"))
    };
    let imported = shown("P");
    let plan = plan(&imported);
    let [prefix] = plan.peerings[0].peering_service_prefixes.as_slice() else { panic!("{}", imported.text) };
    assert_eq!((prefix.name.as_deref(), prefix.primary_location.as_deref()), (Some("hq"), None));
    let said = imported.warnings.to_string();
    assert!(
        said.contains("b.json:1:12: warning: the Peering Service p of this prefix is in none of the files"),
        "{said}"
    );
    let said = shown("q").warnings.to_string();
    assert!(
        said.contains("8.25.0.0/24 is left out: the peering q is in none of the files: give that peering"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_with_what_is_registered_is_said_of_its_own_file() {
    let registered = (
        source("b.json"),
        "{\"id\": \"/peerings/p/registeredPrefixes/s\", \"name\": \"s\",\n \"properties\": {\"prefix\": [1]}}".to_owned(),
    );
    let router = Options { router_id: Some(Ipv4Addr::new(192, 0, 2, 1)), ..options() };
    let findings =
        import_texts(vec![(source("a.json"), with("\"errorMessage\": null")), registered], &router);
    expect!["b.json:2:27: prefix is a list: write one value"].assert_eq(&findings.unwrap_err().to_string());
}

#[test]
fn what_the_command_line_flattened_is_the_same() {
    let named = Options { peer_asns: vec![("Contoso".to_owned(), Asn(3356))], ..options() };
    let imported =
        import_texts(vec![fixture("cli.json")], &named).unwrap_or_else(|findings| panic!("{findings}"));
    let plan = plan(&imported);
    assert_eq!(plan.peerings[0].direct_peering_type, DirectPeeringType::Cdn);
    assert_eq!(plan.peerings[0].connections[0].peering_db_facility_id, Some(1));
    assert_eq!(plan.sessions[0].local_address.to_string(), "104.44.14.41");
    let whose = import_texts(vec![fixture("cli.json")], &options()).unwrap_err();
    expect!["cli.json:27:26: the number of the peer ASN contoso is not known: give the file of that PeerAsn too, or say --peer-asn contoso=ASN"]
        .assert_eq(&whose.to_string());
}

#[test]
fn f31_the_legacy_list_becomes_connections_with_their_addresses_and_limits() {
    let whose = Options { asn: Some(Asn(3356)), ..options() };
    let imported =
        import_texts(vec![fixture("legacy.json")], &whose).unwrap_or_else(|findings| panic!("{findings}"));
    assert_eq!(imported.counts.in_words(), "2 peerings (2 legacy), 3 connections");
    assert!(!imported.text.contains("not-copied"), "an MD5 key was copied");
    expect![[r#"legacy.json:24:41: warning: md5AuthenticationKey is not taken over: Microsoft's policy is no MD5: remove it from the peer too; or put it into a file and see md5_authentication_key_file in configs/reference.yaml"#]]
        .assert_eq(&imported.warnings.to_string());
    let plan = plan(&imported);
    assert!(plan.peerings.iter().all(|peering| peering.is_legacy));
    assert_eq!(plan.peerings[0].connections[0].bandwidth_in_mbps, Some(20_000), "what is provisioned");
    let sessions: Vec<String> = plan
        .sessions
        .iter()
        .map(|s| format!("{} {} {} {:?}", s.name, s.local_address, s.peer_address, s.max_prefixes))
        .collect();
    expect![[r#"
        AS3356-Amsterdam-direct-1-v4 4.71.156.74 4.71.156.73 PerFamily { ipv4: Some(20000), ipv6: Some(2000) }
        AS3356-Amsterdam-direct-1-v6 2001:1900:4:3::ce 2001:1900:4:3::cd PerFamily { ipv4: Some(20000), ipv6: Some(2000) }
        AS3356-Amsterdam-exchange-1-v4 80.249.209.21 80.249.210.70 PerFamily { ipv4: None, ipv6: Some(2000) }
        AS3356-Amsterdam-exchange-2-v6 2001:7f8:1::a500:8075:2 2001:7f8:1::a500:3356:1 PerFamily { ipv4: Some(20000), ipv6: Some(2000) }"#]]
    .assert_eq(&sessions.join("\n"));

    let nobodys = import_texts(vec![fixture("legacy.json")], &options()).unwrap_err();
    assert_eq!(nobodys.0.iter().filter(|f| f.fix.contains("--peer-asn ASN")).count(), 2, "{nobodys}");
    let mut named = fixture("direct.json");
    named.0.is_legacy = true;
    let imported = import_texts(vec![named, fixture("peer-asns.json")], &options());
    // Named ones are legacy where the file is said to be: and then not used for Peering Service yet.
    match imported {
        Ok(imported) => assert!(imported.text.contains("legacy: true")),
        Err(findings) => assert!(findings.to_string().contains("direct.json:")),
    }
}

#[test]
fn f31_nothing_of_a_legacy_peering_changes_while_it_is_converted() {
    let whose = Options { asn: Some(Asn(3356)), ..options() };
    let imported = import_texts(vec![fixture("legacy.json")], &whose).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.yaml");
    let loaded = |text: &str| {
        fs::write(&path, text).unwrap();
        load(&path).unwrap_or_else(|findings| panic!("{findings}")).0
    };
    let old = loaded(&imported.text);
    let refused = |from: &str, to: &str| {
        assert!(imported.text.contains(from), "{from}");
        let new = loaded(&imported.text.replacen(from, to, 1));
        let said = changes(&old, &new).refused.to_string();
        said.replace(&format!("{}/", dir.path().display()), "")
    };
    expect!["c.yaml:11:5: a limit changes of AS3356-Amsterdam-direct-1-v4 while the legacy peering AS3356-Amsterdam-direct is converted: modifications aren't supported: set it back, take legacy away, reload, and change it then"]
        .assert_eq(refused("_v4: 20000", "_v4: 20001").lines().next().unwrap());
    for (from, to, what) in [
        ("peer_asn: 3356", "peer_asn: 3549", "peer_asn changes from 3356 to 3549"),
        ("address: 80.249.209.21", "address: 80.249.209.22", "our address changes"),
        ("address: 80.249.210.70", "address: 80.249.210.71", "the peer's address changes"),
        // The conversion itself changes nothing else.
        ("    legacy: true\n    peer_asn: 3356", "    peer_asn: 3549", "is modified while it is converted"),
    ] {
        assert!(refused(from, to).contains(what), "{from}: {}", refused(from, to));
    }
    for (from, to) in [
        ("    legacy: true\n", ""),
        ("connection_state: active", "connection_state: validating"),
        ("peering_location: Amsterdam", "peering_location: London"),
        ("max_prefixes_advertised_v4: null", "max_prefixes_advertised_v4: null\n          hold_time: 30"),
    ] {
        assert_eq!(refused(from, to), "", "{from}");
    }
    let converted = loaded(&imported.text.replace("    legacy: true\n", ""));
    let changed =
        loaded(&imported.text.replace("    legacy: true\n", "").replace("_v4: 20000", "_v4: 20001"));
    assert_eq!(changes(&converted, &changed).refused.to_string(), "", "a resource changes as ever");
}

#[test]
fn errors_stand_where_the_resource_does() {
    check(
        &with(
            "\"bandwidthInMbps\": 15000, \"bgpSession\": {\n  \"sessionPrefixV4\": \"4.68.74.180/29\", \"maxPrefixesAdvertisedV4\": 0}",
        ),
        &options(),
        expect![[r#"
            a.json:1:1: no session has an IPv4 address of Microsoft's to be the router_id: give the router's own by --router-id"#]],
    );
    let router = Options { router_id: Some(Ipv4Addr::new(192, 0, 2, 1)), ..options() };
    check(
        &with(
            "\"bandwidthInMbps\": 15000, \"bgpSession\": {\n  \"sessionPrefixV4\": \"4.68.74.180/29\", \"maxPrefixesAdvertisedV4\": 0}",
        ),
        &router,
        expect![[r#"
            a.json:3:20: bandwidth_in_mbps is refused (Bandwidth 15000 must have a multiple of 10000.): write what the link has, in Mbps, like 100000
            a.json:4:22: session_prefix_v4 has host bits (Invalid Prefix: 4.68.74.180/29, must be 4.68.74.176/29): write 4.68.74.176/29
            a.json:4:67: max_prefixes_advertised_v4 is too small (MaxPrefixesAdvertisedV4:0 must be greater than 0 or null.): write a number from 1 to 4294967295, or null for limits.received_prefixes alone"#]],
    );
    check(
        &with("\"bgpSession\": {\"sessionPrefixV4\": \"10.0.0.0/31\"}"),
        &router,
        expect![[r#"
        a.json:3:35: 10.0.0.0 as the peer's address is private space (RFC 1918): write a public address; lab: true (--lab) allows others
        a.json:3:35: 10.0.0.1 as our address is private space (RFC 1918): write a public address; lab: true (--lab) allows others"#]],
    );
    let lab = Options { is_lab: true, ..router.clone() };
    assert!(!said(&with("\"bgpSession\": {\"sessionPrefixV4\": \"10.0.0.0/31\"}"), &lab).contains("private"));
    check(
        &with(
            "\"connectionState\": \"Aktive\", \"sessionAddresProvider\": \"Peer\", \"peeringDBFacilityId\": [1]",
        ),
        &router,
        expect![[r#"
            a.json:3:1: the key connectionState is already set at line 2: keep one of the two
            a.json:3:30: warning: unknown field sessionAddresProvider in a connection: did you mean sessionAddressProvider?
            a.json:3:86: peering_db_facility_id is a list: write one value"#]],
    );
    check(
        &with("\"connectionIdentifier\": \"x\", \"sessionAddressProvider\": \"Contoso\""),
        &router,
        expect![[
            r#"a.json:3:56: sessionAddressProvider "Contoso" is unknown: write one of Microsoft, Peer"#
        ]],
    );
    check(
        "[1, {\"kind\": \"Direct\"}, {\"type\": \"Microsoft.Compute/x\"}, {\"type\": \"Microsoft.Peering/peeringServices\"}]",
        &router,
        expect![[r#"
            a.json:1:2: a resource is 1, and should be an object: give the resource as Azure wrote it
            a.json:1:5: this is no resource that is known: give peerings, peerAsns, registeredPrefixes, registeredAsns, peeringServices and their prefixes of Microsoft.Peering
            a.json:1:25: the type Microsoft.Compute/x is unknown: give peerings, peerAsns, registeredPrefixes, registeredAsns, peeringServices and their prefixes of Microsoft.Peering
            a.json:1:58: warning: nothing of the Peering Service is in the config: no file has a prefix of it: give its prefixes too, which are resources of their own"#]],
    );
    check(
        "{\"value\": [], \"nextLink\": \"https://x\"}",
        &router,
        expect![[r#"
            a.json:1:1: this file has no resource to import: give one with peerings, as Azure wrote it
            a.json:1:27: the list goes on at nextLink, and only 0 of it is here: fetch what stands there too, and give it as a further file; or let `az … list` fetch all"#]],
    );
    check(
        "[{\"name\": \"p\", \"kind\": \"Exchange\", \"properties\": {\"direct\": {}}},\n\
          {\"name\": \"q\", \"kind\": \"IX\", \"properties\": {\"direct\": {}}},\n\
          {\"name\": \"r\", \"properties\": {\"direct\": {\"peerAsn\": 5}}},\n\
          {\"name\": \"s\", \"id\": \"/peerings/t/registeredPrefixes/s\", \"properties\": {}},\n\
          {\"type\": \"registeredAsns\", \"properties\": {\"asn\": 1}},\n\
          {\"name\": \"AS1\", \"type\": \"peerAsns\", \"properties\": {\"peerAsn\": \"x\"}}]",
        &router,
        expect![[r#"
            a.json:1:24: the peering is of kind Exchange, and has no exchange: add exchange, or mend kind
            a.json:2:23: kind "IX" is unknown: write one of Direct, Exchange
            a.json:3:1: the peering does not say whose it is: it has no peerAsn.id: say it by --peer-asn ASN, which holds for every peering that names none
            a.json:3:52: peerAsn is 5, and should be an object: give the resource as Azure wrote it
            a.json:4:1: prefix is missing in a registered prefix: add it
            a.json:4:1: the peering t of this registered prefix is in none of the files: give the file of that peering too
            a.json:5:1: the registered ASN does not say under which peering it is: it has no id: give it with its id, …/peerings/NAME/…, as Azure wrote it
            a.json:6:63: peerAsn "x" is no whole number: write a number from 1 to 4294967295"#]],
    );
}

#[test]
fn a_page_of_a_list_is_not_taken_for_the_whole() {
    let router = Options { router_id: Some(Ipv4Addr::new(192, 0, 2, 1)), ..options() };
    let peering = |name: &str| {
        format!(
            "{{\"name\": \"{name}\", \"kind\": \"Direct\", \"properties\": {{\"direct\": {{\"peerAsn\": {{\"id\": \"AS3356\"}}}}}}}}"
        )
    };
    let first = format!("{{\"value\": [{}],\r\n\"nextLink\": \"https://x\"}}", peering("p"));
    let last = format!("{{\"value\": [{}], \"nextLink\": null}}", peering("q"));
    let said = |files: &[&String]| {
        let texts = files.iter().enumerate().map(|(n, text)| (source(&format!("{n}.json")), (*text).clone()));
        let (Ok(Imported { warnings: said, .. }) | Err(said)) = import_texts(texts.collect(), &router);
        said.to_string()
    };
    expect!["0.json:2:13: the list goes on at nextLink, and only 1 of it is here: fetch what stands there too, and give it as a further file; or let `az … list` fetch all"].assert_eq(&said(&[&first]));
    expect![[r#"
        0.json:2:13: warning: the list goes on at nextLink, and another file has its last page: check that no page between the two is missing
        0.json:1:12: warning: p has no connections: add them: nobody is spoken to there
        1.json:1:12: warning: q has no connections: add them: nobody is spoken to there"#]].assert_eq(&said(&[&first, &last]));
    let asns =
        "[{\"name\": \"AS3356\", \"type\": \"peerAsns\", \"properties\": {\"peerAsn\": 3356}}]".to_owned();
    assert!(said(&[&first, &asns]).contains("0.json:2:13: the list goes on at nextLink"), "a list of others");
    expect![[r#"
        1.json:1:1: warning: this file has no resource to import: check that the command that wrote it asked for what was meant
        0.json:1:12: warning: q has no connections: add them: nobody is spoken to there"#]].assert_eq(&said(&[&last, &"[]".to_owned()]));
    let error = "{\"error\": {\"code\": \"AuthorizationFailed\", \"message\": \"The client has no\\nauthorization\"}}".to_owned();
    expect![[r#"
        0.json:1:1: this file has no resource to import: give one with peerings, as Azure wrote it
        0.json:1:11: Azure answered with an error: AuthorizationFailed: The client has no\nauthorization: ask again, and give the answer that has resources"#]].assert_eq(&said(&[&error]));
}

#[test]
fn an_unknown_peer_asn_is_the_only_thing_wrong() {
    let text = with("\"errorMessage\": null").replace("peerAsns/AS3356", "peerAsns/contoso");
    check(
        &text,
        &options(),
        expect![
            "a.json:2:19: the number of the peer ASN contoso is not known: give the file of that PeerAsn too, or say --peer-asn contoso=ASN"
        ],
    );
}

#[test]
fn a_name_that_is_used_twice_is_said_at_both_places() {
    let peering = "{\"name\": \"p\", \"kind\": \"Direct\", \"properties\": {\"direct\": {\"peerAsn\": {\"id\": \"AS3356\"}}}}";
    let router = Options { router_id: Some(Ipv4Addr::new(192, 0, 2, 1)), ..options() };
    check(
        &format!("[{peering},\n{peering}]"),
        &router,
        expect![[r#"
        a.json:1:2: warning: p has no connections: add them: nobody is spoken to there
        a.json:2:1: the peering name p is already used at a.json:1: give each peering a name of its own"#]],
    );
}

#[test]
fn warnings_are_bounded() {
    let fields: Vec<String> = (0..500).map(|n| format!("\"x{n}\": 1")).collect();
    let text = with(&fields.join(","));
    let router = Options { router_id: Some(Ipv4Addr::new(192, 0, 2, 1)), ..options() };
    let said = said(&text, &router);
    assert_eq!(said.lines().count(), 101, "{said}");
    assert!(said.ends_with("more such warnings up to here: mend those above and import again"), "{said}");
}

proptest! {
    /// Whatever is done to a file of resources, it is imported whole or refused with places in it.
    #[test]
    fn hostile_resources_are_imported_whole_or_refused(
        which in 0_usize..7,
        at in any::<prop::sample::Index>(),
        len in 0_usize..40,
        put in prop::sample::select(vec![
            "", "null", "[]", "{}", "\"\"", "-1", "1e9", "true", "\"\\u0000\\u2028\\n: #\"", ",", "\"AS3356\"", "4294967296",
            "\"0.0.0.0/0\"", "\"::\"", "[[[[", "\"x\":", "\"\\ud83d\\ude00\"",
        ]),
    ) {
        let name = ["direct.json", "list.json", "peer-asns.json", "registered.json", "legacy.json", "cli.json", "services.json"][which];
        let (_, text) = fixture(name);
        let from = at.index(text.len());
        let changed: Vec<u8> = [&text.as_bytes()[..from], put.as_bytes(), &text.as_bytes()[(from + len).min(text.len())..]].concat();
        let lines = changed.iter().filter(|b| **b == b'\n').count() + 2;
        let files = vec![(source(name), String::from_utf8(changed).unwrap())];
        let whose = Options { asn: Some(Asn(3356)), is_lab: true, router_id: Some(Ipv4Addr::LOCALHOST), ..options() };
        let (Ok(Imported { warnings: findings, .. }) | Err(findings)) = import_texts(files, &whose);
        for finding in &findings.0 {
            let line = usize::try_from(finding.place.line).unwrap();
            prop_assert!(line <= lines && !finding.to_string().contains(char::is_control), "{finding}");
        }
    }
}
