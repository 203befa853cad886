//! What is said of texts that are wrong as a whole or in single values.

use std::path::Path;

use expect_test::expect;

use super::{load, said};

#[test]
fn every_error_of_a_file_is_found_in_one_run() {
    let config = "\
routr: {}
router:
  asn: 23456
  router_id: 0.0.0.0
  listen: [\"0.0.0.0:179\", \"10.0.0.1:179\", \"10.0.0.1\", \"224.0.0.1:1790\", \"[::1]:0\"]
http: {listen: \"10.0.0.1:179\", tls: yes}
control: {}
state_dir: []
lab: yes
lab: false
limits: {received_prefixes: 0}
peerings:
- name: a b
  kind: exchanges
  direct_peering_type: IX-RS
  peering_service: 1
  peer_asn: 12076
  registered_prefixes: [8.8.8.8/24, 10.0.0.0/8, 8.8.8.0/24, {prefix: 8.8.8.0/24}, {name: x}, 5, 0.0.0.0/0]
  registered_asns: [0, 7018, {asn: 7018}, x]
  peering_service_prefixes: [{prefix: 8.8.4.0/24, key: x}]
  connections:
  - name: c
    bandwidth_in_mbps: 15000
    connection_state: aktive
    session_address_provider: microsft
    peering_db_facility_id: -1
    bgp_session:
      session_prefix_v4: 4.68.74.181/30
      session_prefix_v6: 4.68.74.180/30
      md5_authentication_key: hunter2
      hold_time: 2
      connect_retry: \"5\"
      peer_port: 65536
      passive: no
      max_prefixes_advertised_v4: 0
      max_prefixes_advertised_v6: many
      families: [ipv4, ipv5, ipv4]
      v4: []
      bfd: true
  - name: c
    bgp_session: [{session_prefix_v4: 4.68.74.0/24, families: []}]
- name: p2
  peer_asn: 64512
  connections: {}
- name: p2
- 5
";
    let said = said(config);
    assert!(!said.contains("hunter2"), "a secret is never shown");
    expect![[r#"
        c.yaml:1:1: unknown key routr in the config: did you mean router?
        c.yaml:1:1: rib is missing in the config: add it, like rib: rib/
        c.yaml:3:8: asn 23456 is AS_TRANS (RFC 6793), which stands for another: write the ASN that the network really has
        c.yaml:4:14: router_id 0.0.0.0 identifies no router (RFC 6286): write an IPv4 address that no other router has, like one of this router's own
        c.yaml:5:27: listen 10.0.0.1:179 collides with 0.0.0.0:179 at c.yaml:5: keep one of the two, or give them different ports
        c.yaml:5:43: listen "10.0.0.1" is no address and port: write one like 127.0.0.1:9179 or "[::1]:9179"
        c.yaml:5:55: listen 224.0.0.1:1790 is multicast: write an address of this machine
        c.yaml:5:73: listen [::1]:0 has no port: name the port; any free one (0) is for labs
        c.yaml:6:16: http.listen 10.0.0.1:179 collides with 0.0.0.0:179 at c.yaml:5: keep one of the two, or give them different ports
        c.yaml:6:32: unknown key tls in http: remove it; the keys of http are listen
        c.yaml:7:10: socket is missing in control: add it, like socket: /run/peeringd/control.sock
        c.yaml:8:12: state_dir a list is no text: write one value
        c.yaml:9:6: lab "yes" is not true or false: write true or false
        c.yaml:10:1: the key lab is already set at line 9: keep one of the two
        c.yaml:11:29: received_prefixes 0 is out of range: write a number from 1 to 4294967295
        c.yaml:13:9: name "a b" is no name: write 1 to 63 of the characters A-Z a-z 0-9 _ . -
        c.yaml:14:9: kind "exchanges" is unknown: did you mean exchange? write one of direct, exchange
        c.yaml:15:24: direct_peering_type "IX-RS" is unknown: did you mean ix_rs? write one of edge, transit, cdn, internal, ix, ix_rs, voice, edge_zone_for_operators, peer_prop
        c.yaml:16:20: peering_service 1 is not true or false: write true or false
        c.yaml:17:13: peer_asn 12076 is ExpressRoute's, which is never a peer's: write the ASN that the network really has
        c.yaml:18:25: registered_prefixes has host bits (Invalid Prefix: 8.8.8.8/24, must be 8.8.8.0/24): write 8.8.8.0/24
        c.yaml:18:37: Invalid IP prefix 10.0.0.0/8: it is private space (RFC 1918): register public space; lab: true allows other
        c.yaml:18:61: the registered prefix 8.8.8.0/24 is already listed at c.yaml:18: keep one of the two
        c.yaml:18:83: prefix is missing in a registered prefix: add it, like prefix: 20.33.0.0/24
        c.yaml:18:94: registered_prefixes 5 is no prefix: write a network and its length, like 4.68.74.180/30
        c.yaml:18:97: Invalid IP prefix 0.0.0.0/0: it is a default route: register public space; lab: true allows other
        c.yaml:19:21: registered_asns 0 is out of range: write a number from 1 to 4294967295
        c.yaml:19:30: the registered ASN 7018 is already listed at c.yaml:19: keep one of the two
        c.yaml:19:43: registered_asns "x" is no whole number: write a number from 1 to 4294967295
        c.yaml:20:51: unknown key key in a Peering Service prefix: remove it; the keys of a Peering Service prefix are name, prefix, peering_service_prefix_key, primary_location, backup_location
        c.yaml:23:24: bandwidth_in_mbps is refused (Bandwidth 15000 must have a multiple of 10000.): write what the link has, in Mbps, like 100000
        c.yaml:24:23: connection_state "aktive" is unknown: did you mean active? write one of none, pending_approval, approved, provisioning_started, provisioning_failed, provisioning_completed, validating, active, type_change_requested, type_change_in_progress, external_blocker, pending_remove
        c.yaml:25:31: session_address_provider "microsft" is unknown: did you mean microsoft? write one of microsoft, peer
        c.yaml:26:29: peering_db_facility_id -1 is out of range: write a number from 0 to 4294967295
        c.yaml:28:26: session_prefix_v4 has host bits (Invalid Prefix: 4.68.74.181/30, must be 4.68.74.180/30): write 4.68.74.180/30
        c.yaml:29:26: session_prefix_v6 4.68.74.180/30 is an IPv4 prefix: write an IPv6 prefix, like 2a01:111:2000:1::2044/126
        c.yaml:30:7: md5_authentication_key: a key does not stand in the config, and Microsoft's policy is no MD5: remove it, here and on the peer; or put the key into a file that peeringd's user alone can read, and write md5_authentication_key_file with policy: { allow_md5: true }
        c.yaml:31:18: hold_time 2 s is below the minimum of 3 s: write seconds: 0, or from 3 to 65535
        c.yaml:32:22: connect_retry "5" is text: write the number without quotes
        c.yaml:33:18: peer_port 65536 is out of range: write a number from 1 to 65535
        c.yaml:34:16: passive "no" is not true or false: write true or false
        c.yaml:35:35: max_prefixes_advertised_v4 is too small (MaxPrefixesAdvertisedV4:0 must be greater than 0 or null.): write a number from 1 to 4294967295, or null for limits.received_prefixes alone
        c.yaml:36:35: max_prefixes_advertised_v6 "many" is no whole number: write a number from 1 to 4294967295, or null for limits.received_prefixes alone
        c.yaml:37:24: families "ipv5" is unknown: did you mean ipv4? write one of ipv4, ipv6
        c.yaml:37:30: families has ipv4 twice: keep one of the two
        c.yaml:38:11: v4 is a list, and should be a mapping: write one; its keys are families, add_path_receive, extended_next_hop, next_hop_v4, next_hop_v6, passive, peer_port, hold_time, connect_retry, max_prefixes_advertised_v4, max_prefixes_advertised_v6, peer_limit, md5_authentication_key_file, ttl_security_hops, interface, local_role, strict_role, graceful_shutdown, shutdown_communication, send_hold_time, max_prefix_warning_percent, max_prefix_action, max_prefix_restart_secs, delay_open, extended_optional_parameters, graceful_restart
        c.yaml:39:7: unknown key bfd in bgp_session: remove it; the keys of bgp_session are session_prefix_v4, session_prefix_v6, microsoft_session_ipv4_address, microsoft_session_ipv6_address, peer_session_ipv4_address, peer_session_ipv6_address, peer_range_v4, peer_range_v6, v4, v6, families, add_path_receive, extended_next_hop, next_hop_v4, next_hop_v6, passive, peer_port, hold_time, connect_retry, max_prefixes_advertised_v4, max_prefixes_advertised_v6, peer_limit, md5_authentication_key_file, ttl_security_hops, interface, local_role, strict_role, graceful_shutdown, shutdown_communication, send_hold_time, max_prefix_warning_percent, max_prefix_action, max_prefix_restart_secs, delay_open, extended_optional_parameters, graceful_restart
        c.yaml:40:11: the connection name c is already used at c.yaml:22: give each connection a name of its own
        c.yaml:41:18: bgp_session is a list on a direct connection: write one mapping: a list is for kind: exchange and for ix_rs
        c.yaml:41:39: Invalid Prefix: 4.68.74.0/24, must be /30 or /31: write the link's own prefix in session_prefix_v4
        c.yaml:41:63: families is empty: name ipv4, ipv6 or both, or remove the key
        c.yaml:43:13: peer_asn 64512 is a private ASN (RFC 6996): write a public ASN; lab: true allows these
        c.yaml:44:16: connections is a mapping, and should be a list: write each item below connections behind a "- "
        c.yaml:45:3: peer_asn is missing in a peering: add it, like peer_asn: 3356
        c.yaml:45:9: the peering name p2 is already used at c.yaml:42: give each peering a name of its own
        c.yaml:46:3: a peering is 5, and should be a mapping: write one; its keys are name, kind, direct_peering_type, peering_service, legacy, maps_agreement, own_announcements, peer_asn, peering_location, location, tags, registered_prefixes, registered_asns, peering_service_prefixes, connections"#]].assert_eq(&said);
}

#[test]
fn what_is_no_config_is_refused() {
    for (text, expected) in [
        ("", expect![[r#"c.yaml:1:1: this file is empty: write the config; "router:" is a beginning"#]]),
        (
            "[]\n",
            expect![
                "c.yaml:1:1: the config is a list, and should be a mapping: write one; its keys are router, rib, http, control, state_dir, lab, limits, policy, peer_asns, rpki, irr, peerings"
            ],
        ),
        (
            "rib: x\n",
            expect![[r#"
            c.yaml:1:1: warning: there are no peerings: add some: without them nobody is spoken to
            c.yaml:1:1: router is missing: add it, with router_id: and an IPv4 address below it"#]],
        ),
        (
            "a: [1\n",
            expect![
                "c.yaml:2:1: this is not YAML: while parsing a flow sequence, expected ',' or ']': look for a bracket, a quote or an indentation that is off here or above"
            ],
        ),
        ("router:\n\tasn: 1\n", expect!["c.yaml:2:1: a tab where YAML wants spaces: replace it by spaces"]),
        (
            "router:\n  asn: 1\n\trib: x\n",
            expect!["c.yaml:3:1: a tab where YAML wants spaces: replace it by spaces"],
        ),
        ("rib:\tx\nlab: true\n", expect!["c.yaml:1:5: a tab where YAML wants spaces: replace it by spaces"]),
        (
            "rib: x # a\ttab\nlab: [\n",
            expect![
                "c.yaml:3:1: this is not YAML: while parsing a node, did not find expected node content: look for a bracket, a quote or an indentation that is off here or above"
            ],
        ),
        (
            "router: {router_id: 192.0.2.1}\nrib: x\nlab: 'true'\npeerings: [5]\n",
            expect![[r#"
                c.yaml:3:6: lab "true" is text: write true without quotes
                c.yaml:4:12: a peering is 5, and should be a mapping: write one; its keys are name, kind, direct_peering_type, peering_service, legacy, maps_agreement, own_announcements, peer_asn, peering_location, location, tags, registered_prefixes, registered_asns, peering_service_prefixes, connections"#]],
        ),
        (
            "a: &x 1\nb: *x\n",
            expect![[r#"c.yaml:1:4: a YAML anchor: remove the "&name": anchors are not used here"#]],
        ),
        (
            "router: {router_id: 192.0.2.1}\nrib: rib\n---\nrib: x\n",
            expect![[r#"c.yaml:3:1: a second YAML document: keep one document a file: remove the "---""#]],
        ),
        (
            "[a, b]: c\nrib: {}\n",
            expect![[r#"
            c.yaml:1:1: warning: there are no peerings: add some: without them nobody is spoken to
            c.yaml:1:1: a key is a word: write one of the known keys here
            c.yaml:1:1: router is missing: add it, with router_id: and an IPv4 address below it
            c.yaml:2:6: rib a mapping is no text: write one value"#]],
        ),
    ] {
        expected.assert_eq(&said(text));
    }
    expect!["c.yaml:1:1: this line is not UTF-8: save the file as UTF-8 text"]
        .assert_eq(&said(b"rib: \xff\n"));
    let missing = load(Path::new("/nonexistent/c.yaml")).unwrap_err();
    expect!["/nonexistent/c.yaml:1:1: there is no such file: check the path"].assert_eq(&missing.to_string());
}

/// In Azure's spelling and in ours, wherever a client would write them.
#[test]
fn f60_what_the_service_sets_is_refused_in_words() {
    let config = "\
router: {router_id: 192.0.2.1}
rib: rib
peer_asns:
- {name: contoso, peer_asn: 3356, validation_state: approved, errorMessage: x}
peerings:
- name: p
  peer_asn: 3356
  provisioningState: Succeeded
  sku: {name: Premium_Direct_Free}
  useForPeeringService: true
  registered_prefixes: [{prefix: 8.8.8.0/24, prefixValidationState: Verified, peering_service_prefix_key: x}]
  peering_service_prefixes: [{prefix: 8.8.4.0/24, learned_type: via_session}]
  connections:
  - name: c
    provisioned_bandwidth_in_mbps: 10000
    microsoftTrackingId: x
    connection_state: active
    bgp_session: {session_prefix_v4: 4.68.74.180/30, session_state_v4: established, sessionStateV6: None, md5AuthenticationKey: x}
";
    let said = said(config);
    for key in [
        "4:63: errorMessage",
        "8:3: provisioningState",
        "11:46: prefixValidationState",
        "11:79: peering_service_prefix_key",
        "12:51: learned_type",
        "15:5: provisioned_bandwidth_in_mbps",
        "16:5: microsoftTrackingId",
        "18:54: session_state_v4",
        "18:85: sessionStateV6",
    ] {
        let line = format!("c.yaml:{key} is read-only: peeringd sets it; remove it");
        assert!(said.lines().any(|l| l == line), "{line}\n{said}");
    }
    for line in [
        "c.yaml:9:3: unknown key sku in a peering: write direct_peering_type and peering_service, which decide it",
        "c.yaml:10:3: unknown key useForPeeringService in a peering: write peering_service",
    ] {
        assert!(said.lines().any(|l| l == line), "{line}\n{said}");
    }
    assert!(said.contains("18:107: md5AuthenticationKey: a key does not stand in the config"), "{said}");
    assert_eq!(said.lines().count(), 12, "{said}");
}

#[test]
fn peer_asns_are_resources_of_their_own() {
    let config = "\
router: {router_id: 192.0.2.1}
rib: rib
peer_asns:
- {name: contoso, peer_asn: 3356, peer_name: Contoso 2, peer_contact_detail: [{role: boss, email: noc}, {role: noc}, 5]}
- {name: contoso, peer_asn: 3356, validation_state: fine}
- {name: fabrikam, peer_asn: 12076}
- {peer_asn: 64512}
peerings:
- {name: p, peer_asn: 3356, tags: [x], location: '', connections: [{name: c, connection_identifier: x}, {name: d, connection_identifier: 5f4cb5c7-6b43-4444-9338-9abc72606c16}, {name: e, connection_identifier: 5F4CB5C7-6b43-4444-9338-9abc72606c16}]}
";
    expect![[r#"
        c.yaml:4:46: peer_name "Contoso 2" has more than letters and spaces: write letters and spaces only
        c.yaml:4:86: role "boss" is unknown: write one of noc, policy, technical, service, escalation, other
        c.yaml:4:99: email "noc" is no mail address: write one like noc@contoso.example
        c.yaml:4:105: a contact without email and phone: add one of the two
        c.yaml:4:118: a contact is 5, and should be a mapping: write one; its keys are role, email, phone
        c.yaml:5:10: the name contoso is already used at c.yaml:4: give each peer ASN a name of its own
        c.yaml:5:29: the peer ASN 3356 is already listed at c.yaml:4: keep one of the two
        c.yaml:5:53: validation_state "fine" is unknown: write one of none, pending, approved, failed
        c.yaml:6:30: peer_asn 12076 is ExpressRoute's, which is never a peer's: write the ASN that the network really has
        c.yaml:7:3: name is missing in a peer ASN: add it, like name: AS3356
        c.yaml:9:35: tags is a list, and should be a mapping: write each entry below tags, like owner: contoso
        c.yaml:9:50: location "" is no name: write up to 200 printable characters
        c.yaml:9:101: connection_identifier "x" is no GUID: write one like 5f4cb5c7-6b43-4444-9338-9abc72606c16
        c.yaml:9:210: connection_identifier 5F4CB5C7-6b43-4444-9338-9abc72606c16 is already used at c.yaml:9: give each connection the one that Azure gave it"#]].assert_eq(&said(config));
    let pending = "router: {router_id: 192.0.2.1}\nrib: rib\npeer_asns: [{name: contoso, peer_asn: 3356, validation_state: pending}]\n\
                   peerings: [{name: p, peer_asn: 3356}]\n";
    expect![[r#"
        c.yaml:4:19: warning: p has no connections: add them: nobody is spoken to there
        c.yaml:4:32: warning: the peer ASN contoso is in validation_state pending: Azure makes peerings of one that is approved only"#]].assert_eq(&said(pending));
}
