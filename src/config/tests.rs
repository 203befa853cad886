use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{Plan, changes, load, load_with_rib, written};
use crate::peering::{ConnectionState, DirectPeeringType, Kind};
use crate::rib::{Findings, Severity};
use crate::wire::{Asn, PerFamily};

fn folder(config: impl AsRef<[u8]>) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("c.yaml"), config).unwrap();
    dir
}

fn strip(findings: &Findings, dir: &TempDir) -> String {
    findings.to_string().replace(&format!("{}/", dir.path().display()), "")
}

fn plan(config: impl AsRef<[u8]>) -> (Plan, String) {
    let dir = folder(config);
    let (plan, warnings) =
        load(&dir.path().join("c.yaml")).unwrap_or_else(|errors| panic!("{}", strip(&errors, &dir)));
    (plan, strip(&warnings, &dir))
}

fn said(config: impl AsRef<[u8]>) -> String {
    let dir = folder(config);
    match load(&dir.path().join("c.yaml")) {
        Ok((_, findings)) | Err(findings) => strip(&findings, &dir),
    }
}

/// A config of one peering, whose keys behind its ASN are given.
fn with_peering(rest: &str) -> String {
    format!("router: {{router_id: 192.0.2.1}}\nrib: rib\npeerings:\n- name: p\n  peer_asn: 3356\n{rest}")
}

/// The errors and warnings of a session given as a flow mapping, in a connection `c` of peering `p`.
fn session(peering: &str, session: &str) -> String {
    let connection = format!("  connections: [{{name: c, bgp_session: {session}}}]\n");
    match peering {
        LAB => said(with_peering(&connection) + "lab: true\n"),
        peering => said(with_peering(&format!("{peering}{connection}"))),
    }
}

const LAB: &str = "lab";

#[test]
fn the_reference_loads_and_has_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/reference.yaml");
    let (plan, warnings) = load(&path).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(warnings.to_string(), "");
    let names: Vec<_> = plan.sessions.iter().map(|s| &*s.name).collect();
    assert_eq!(
        names,
        [
            "contoso-ashburn-1-v4",
            "contoso-ashburn-1-v6",
            "contoso-ashburn-2-v4",
            "contoso-ashburn-2-v6",
            "fabrikam-ix-1-v4",
            "fabrikam-ix-1-v6"
        ]
    );
    let text = fs::read_to_string(path).unwrap();
    for key in written::SHAPES.iter().flat_map(|shape| shape.keys) {
        let has = |line: &str| {
            line.trim_start().trim_start_matches(['-', '#', ' ']).starts_with(&format!("{key}:"))
        };
        assert!(text.lines().any(has), "{key} is missing in the reference");
    }
}

#[test]
fn the_lab_of_one_session_loads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/lab/one-session.yaml");
    let (plan, _) = load(&path).unwrap_or_else(|e| panic!("{e}"));
    let [session] = plan.sessions.as_slice() else { panic!("{:?}", plan.sessions) };
    assert_eq!((&*session.name, session.passive, session.peer_asn), ("lab-1-v4", true, Asn(65001)));
    assert_eq!(session.peer_address, "127.0.1.1".parse::<IpAddr>().unwrap());
}

#[test]
fn what_is_not_written_has_its_default() {
    let (plan, warnings) = plan("router: {router_id: 192.0.2.1}\nrib: rib\n");
    assert_eq!(
        warnings,
        "c.yaml:1:1: warning: there are no peerings: add some: without them nobody is spoken to"
    );
    assert_eq!(plan.router.asn, Asn(8075));
    assert_eq!(plan.router.listen, ["0.0.0.0:179".parse().unwrap(), "[::]:179".parse().unwrap()]);
    assert_eq!((plan.http, plan.lab, plan.limits.received_prefixes), (None, false, 1_000_000));
    assert_eq!(plan.control_socket, Path::new("/run/peeringd/control.sock"));
    assert_eq!(plan.state_dir, Path::new("/var/lib/peeringd"));
    assert_eq!(plan.rib, plan.file.with_file_name("rib"));

    let config =
        with_peering("  connections: [{name: c, bgp_session: {session_prefix_v4: 4.68.74.180/30}}]\n");
    let (plan, _) = self::plan(config);
    let [peering] = plan.peerings.as_slice() else { panic!("{:?}", plan.peerings) };
    assert_eq!((peering.kind, peering.direct_peering_type), (Kind::Direct, DirectPeeringType::Edge));
    assert!(!peering.peering_service);
    let [session] = plan.sessions.as_slice() else { panic!("{:?}", plan.sessions) };
    assert_eq!((&*session.name, &*session.connection, &*session.peering), ("c-v4", "c", "p"));
    assert_eq!(session.connection_state, ConnectionState::Active);
    assert_eq!((session.peer_port, session.hold_time, session.passive), (179, 90, false));
    assert_eq!(session.connect_retry, Duration::from_secs(5));
    assert_eq!(session.families, PerFamily { ipv4: true, ipv6: false });
    let local: IpAddr = "4.68.74.182".parse().unwrap();
    assert_eq!((session.peer_address, session.local_address), ("4.68.74.181".parse().unwrap(), local));
    assert_eq!(session.next_hop, PerFamily { ipv4: Some(local), ipv6: None });
    assert_eq!(session.max_prefixes, PerFamily { ipv4: Some(20_000), ipv6: Some(2_000) });
}

#[test]
fn keys_of_one_session_stand_over_those_of_both() {
    let (plan, warnings) = plan(with_peering(
        "  peering_location: Ashburn
  connections:
  - name: c
    connection_state: validating
    bgp_session:
      session_prefix_v4: 104.44.14.34/31
      session_prefix_v6: 2a01:111:2000:1::2044/126
      hold_time: 30
      connect_retry: 1
      max_prefixes_advertised_v4: null
      max_prefixes_advertised_v6: 7
      next_hop_v6: 2a01:111:2000:1::2046
      v4: {hold_time: 0, families: [ipv6, ipv4], peer_port: 1179}
      v6: {passive: true, max_prefixes_advertised_v6: null}
",
    ));
    expect![[r#"
        c.yaml:9:23: warning: c is in state validating: routes flow in state active only
        c.yaml:18:23: warning: with hold_time 0 a peer that is gone is never noticed: write a hold time of 3 s or more, unless the peer insists"#]].assert_eq(&warnings);
    let [v4, v6] = plan.sessions.as_slice() else { panic!("{:?}", plan.sessions) };
    assert_eq!((v4.hold_time, v6.hold_time), (0, 30));
    assert_eq!((v4.passive, v6.passive), (false, true));
    assert_eq!((v4.peer_port, v6.peer_port), (1179, 179));
    assert_eq!(v4.connect_retry, Duration::from_secs(1));
    assert_eq!(v4.max_prefixes, PerFamily { ipv4: None, ipv6: Some(7) });
    assert_eq!(v6.max_prefixes, PerFamily { ipv4: None, ipv6: None });
    assert_eq!(v4.families, PerFamily { ipv4: true, ipv6: true });
    let (hop4, hop6): (IpAddr, IpAddr) =
        ("104.44.14.35".parse().unwrap(), "2a01:111:2000:1::2046".parse().unwrap());
    assert_eq!(v4.next_hop, PerFamily { ipv4: Some(hop4), ipv6: Some(hop6) });
    assert_eq!(v6.next_hop, PerFamily { ipv4: None, ipv6: Some(hop6) });
    assert_eq!(v6.connection_state, ConnectionState::Validating);
    assert_eq!(v6.peering_location.as_deref(), Some("Ashburn"));
}

#[test]
fn sessions_of_a_list_are_numbered_by_transport() {
    let (plan, _) = plan(with_peering(
        "  direct_peering_type: ix_rs
  connections:
  - name: c
    bgp_session:
    - {session_prefix_v4: 206.126.236.0/22, microsoft_session_ipv4_address: 206.126.236.17, peer_session_ipv4_address: 206.126.236.37}
    - {microsoft_session_ipv6_address: 2001:504:0:2::1, peer_session_ipv6_address: 2001:504:0:2::2}
    - {microsoft_session_ipv4_address: 206.126.236.17, peer_session_ipv4_address: 206.126.236.38}
",
    ));
    let names: Vec<_> = plan.sessions.iter().map(|s| &*s.name).collect();
    assert_eq!(names, ["c-v4", "c-v6", "c-v4-2"]);
    assert_eq!(plan.peerings[0].connections[0].sessions.len(), 3);
}

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
        c.yaml:20:51: unknown key key in a Peering Service prefix: remove it; the keys of a Peering Service prefix are name, prefix, peering_service_prefix_key
        c.yaml:23:24: Bandwidth 15000 must have a multiple of 10000.: write what the link has, in Mbps, like 100000
        c.yaml:24:23: connection_state "aktive" is unknown: did you mean active? write one of none, pending_approval, approved, provisioning_started, provisioning_failed, provisioning_completed, validating, active, type_change_requested, type_change_in_progress, external_blocker
        c.yaml:25:31: session_address_provider "microsft" is unknown: did you mean microsoft? write one of microsoft, peer
        c.yaml:26:29: peering_db_facility_id -1 is out of range: write a number from 0 to 4294967295
        c.yaml:28:26: session_prefix_v4 has host bits (Invalid Prefix: 4.68.74.181/30, must be 4.68.74.180/30): write 4.68.74.180/30
        c.yaml:29:26: session_prefix_v6 4.68.74.180/30 is an IPv4 prefix: write an IPv6 prefix, like 2a01:111:2000:1::2044/126
        c.yaml:30:7: md5_authentication_key, but by Microsoft's policy these sessions have no MD5: remove the key, here and on the peer
        c.yaml:31:18: hold_time 2 s is below the minimum of 3 s: write seconds: 0, or from 3 to 65535
        c.yaml:32:22: connect_retry "5" is text: write the number without quotes
        c.yaml:33:18: peer_port 65536 is out of range: write a number from 1 to 65535
        c.yaml:34:16: passive "no" is not true or false: write true or false
        c.yaml:35:35: max_prefixes_advertised_v4 is too small (MaxPrefixesAdvertisedV4:0 must be greater than 0 or null.): write a number from 1 to 4294967295, or null for limits.received_prefixes alone
        c.yaml:36:35: max_prefixes_advertised_v6 "many" is no whole number: write a number from 1 to 4294967295, or null for limits.received_prefixes alone
        c.yaml:37:24: families "ipv5" is unknown: did you mean ipv4? write one of ipv4, ipv6
        c.yaml:37:30: families has ipv4 twice: keep one of the two
        c.yaml:38:11: v4 is a list, and should be a mapping: write one; its keys are families, next_hop_v4, next_hop_v6, passive, peer_port, hold_time, connect_retry, max_prefixes_advertised_v4, max_prefixes_advertised_v6
        c.yaml:39:7: unknown key bfd in bgp_session: remove it; the keys of bgp_session are session_prefix_v4, session_prefix_v6, microsoft_session_ipv4_address, microsoft_session_ipv6_address, peer_session_ipv4_address, peer_session_ipv6_address, families, next_hop_v4, next_hop_v6, passive, peer_port, hold_time, connect_retry, max_prefixes_advertised_v4, max_prefixes_advertised_v6, v4, v6
        c.yaml:40:11: the connection name c is already used at c.yaml:22: give each connection a name of its own
        c.yaml:41:18: bgp_session is a list on a direct connection: write one mapping: a list is for kind: exchange and for ix_rs
        c.yaml:41:39: Invalid Prefix: 4.68.74.0/24, must be /30 or /31: write the link's own prefix in session_prefix_v4
        c.yaml:41:63: families is empty: name ipv4, ipv6 or both, or remove the key
        c.yaml:42:9: warning: p2 has no connections: add them: nobody is spoken to there
        c.yaml:43:13: peer_asn 64512 is a private ASN (RFC 6996): write a public ASN; lab: true allows these
        c.yaml:44:16: connections is a mapping, and should be a list: write each item below connections behind a "- "
        c.yaml:45:3: peer_asn is missing in a peering: add it, like peer_asn: 3356
        c.yaml:45:9: warning: p2 has no connections: add them: nobody is spoken to there
        c.yaml:45:9: the peering name p2 is already used at c.yaml:42: give each peering a name of its own
        c.yaml:46:3: a peering is 5, and should be a mapping: write one; its keys are name, kind, direct_peering_type, peering_service, peer_asn, peering_location, registered_prefixes, registered_asns, peering_service_prefixes, connections"#]].assert_eq(&said);
}

#[test]
fn what_is_no_config_is_refused() {
    for (text, expected) in [
        ("", expect![[r#"c.yaml:1:1: this file is empty: write the config; "router:" is a beginning"#]]),
        (
            "[]\n",
            expect![
                "c.yaml:1:1: the config is a list, and should be a mapping: write one; its keys are router, rib, http, control, state_dir, lab, limits, peerings"
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
    assert!(load(Path::new("/nonexistent/c.yaml")).unwrap_err().has_errors());
}

#[test]
fn addresses_are_settled_or_refused() {
    let exchange = "  kind: exchange\n";
    let cases: [(&str, &str, Expect); 23] = [
        (
            "",
            "{session_prefix_v4: 4.68.74.180/30, peer_session_ipv4_address: 4.68.74.181, families: [ipv4]}",
            expect![
                "c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location"
            ],
        ),
        (
            "",
            "{session_prefix_v4: 4.68.74.180/30, peer_session_ipv4_address: 4.68.74.182}",
            expect![[r#"
            c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
            c.yaml:6:103: 4.68.74.182 is not the address that 4.68.74.180/30 gives the peer: write 4.68.74.181, or remove the address or the prefix
            c.yaml:6:103: 4.68.74.182 is both ends of the session: give each end an address of its own"#]],
        ),
        (
            "",
            "{session_prefix_v4: 4.68.74.0/24}",
            expect![
                "c.yaml:6:60: Invalid Prefix: 4.68.74.0/24, must be /30 or /31: write the link's own prefix in session_prefix_v4"
            ],
        ),
        (
            "",
            "{session_prefix_v6: 2a01::/48}",
            expect![
                "c.yaml:6:60: Invalid Prefix: 2a01::/48, must be /64 to /127: write the link's own prefix in session_prefix_v6"
            ],
        ),
        (
            "",
            "{peer_session_ipv4_address: 4.68.74.181}",
            expect![
                "c.yaml:6:68: microsoft_session_ipv4_address is missing: add it, or give session_prefix_v4 and neither address"
            ],
        ),
        (
            "",
            "{microsoft_session_ipv6_address: 2a01::1}",
            expect![
                "c.yaml:6:73: peer_session_ipv6_address is missing: add it, or give session_prefix_v6 and neither address"
            ],
        ),
        (
            "",
            "{peer_session_ipv4_address: 4.68.74.181, microsoft_session_ipv4_address: 4.68.74.182}",
            expect![
                "c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location"
            ],
        ),
        (
            "",
            "{peer_session_ipv4_address: 4.68.74.181, microsoft_session_ipv4_address: 4.68.75.182}",
            expect![[r#"
                c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
                c.yaml:6:68: 4.68.74.181 and 4.68.75.182 are not on one link: write the two hosts of its /30, /31 or IPv6 prefix; lab: true allows other"#]],
        ),
        (
            "",
            "{peer_session_ipv4_address: 4.68.74.181, microsoft_session_ipv4_address: 4.68.74.181}",
            expect![[r#"
                c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
                c.yaml:6:68: 4.68.74.181 is both ends of the session: give each end an address of its own"#]],
        ),
        (
            "",
            "{peer_session_ipv4_address: 2a01::1, microsoft_session_ipv4_address: 4.68.74.181}",
            expect![[
                r#"c.yaml:6:68: peer_session_ipv4_address "2a01::1" is no IPv4 address: write one like 4.68.74.181"#
            ]],
        ),
        (
            "",
            "{peer_session_ipv4_address: 10.0.0.1, microsoft_session_ipv4_address: 10.0.0.2}",
            expect![[r#"
            c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
            c.yaml:6:68: 10.0.0.1 as the peer's address is private space (RFC 1918): write a public address; lab: true allows others
            c.yaml:6:110: 10.0.0.2 as our address is private space (RFC 1918): write a public address; lab: true allows others"#]],
        ),
        (
            "",
            "{peer_session_ipv4_address: 0.0.0.0, microsoft_session_ipv4_address: 224.0.0.1}",
            expect![[r#"
            c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
            c.yaml:6:68: 0.0.0.0 as the peer's address is unspecified: write an address of the link
            c.yaml:6:109: 224.0.0.1 as our address is multicast: write an address of the link"#]],
        ),
        (
            "",
            "{peer_session_ipv6_address: fe80::1, microsoft_session_ipv6_address: fe80::2}",
            expect![[r#"
            c.yaml:4:9: warning: p carries IPv6 only: add IPv4 sessions: both are expected at every location
            c.yaml:6:68: fe80::1 as the peer's address is link-local, and has no interface: write an address of the link
            c.yaml:6:109: fe80::2 as our address is link-local, and has no interface: write an address of the link"#]],
        ),
        (
            LAB,
            "{peer_session_ipv6_address: fe80::1, microsoft_session_ipv6_address: '::ffff:1.2.3.4'}",
            expect![[r#"
                c.yaml:4:9: warning: p carries IPv6 only: add IPv4 sessions: both are expected at every location
                c.yaml:6:68: fe80::1 as the peer's address is link-local, and has no interface: write an address of the link
                c.yaml:6:109: ::ffff:1.2.3.4 as our address is an IPv4 address in IPv6 form: write an address of the link"#]],
        ),
        (
            LAB,
            "{peer_session_ipv4_address: 127.0.1.1, microsoft_session_ipv4_address: 127.0.0.1}",
            expect![
                "c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location"
            ],
        ),
        (
            LAB,
            "{session_prefix_v4: 10.0.0.0/30}",
            expect![
                "c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location"
            ],
        ),
        (
            exchange,
            "{session_prefix_v4: 206.126.236.0/22}",
            expect![
                "c.yaml:7:60: microsoft_session_ipv4_address and peer_session_ipv4_address are missing: add it: on an exchange both addresses are given"
            ],
        ),
        (
            exchange,
            "{session_prefix_v4: 206.126.236.0/22, peer_session_ipv4_address: 206.126.240.1, microsoft_session_ipv4_address: 206.126.236.0}",
            expect![[r#"
                c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
                c.yaml:7:105: 206.126.240.1 is no host of the exchange's network 206.126.236.0/22: mend the address or the session prefix
                c.yaml:7:152: 206.126.236.0 is no host of the exchange's network 206.126.236.0/22: mend the address or the session prefix"#]],
        ),
        (
            exchange,
            "[]",
            expect![
                "c.yaml:7:24: warning: c has no session: add bgp_session and its addresses when they are known"
            ],
        ),
        (
            "",
            "[{session_prefix_v4: 4.68.74.180/30}]",
            expect![[r#"
            c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
            c.yaml:6:40: bgp_session is a list on a direct connection: write one mapping: a list is for kind: exchange and for ix_rs"#]],
        ),
        (
            "",
            "{}",
            expect![
                "c.yaml:6:24: warning: c has no session: add bgp_session and its addresses when they are known"
            ],
        ),
        (
            "",
            "{session_prefix_v4: 4.68.74.180/30, v6: {passive: true}}",
            expect![[r#"
            c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
            c.yaml:6:80: warning: v6 holds for no session: give that session its addresses, or remove these keys"#]],
        ),
        (
            "  direct_peering_type: voice\n",
            "{session_prefix_v4: 4.68.74.180/31}, session_address_provider: peer",
            expect![[r#"
                c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
                c.yaml:7:103: session_address_provider peer on a voice peering: write microsoft, or remove the key"#]],
        ),
    ];
    for (peering, given, expected) in &cases {
        expected.assert_eq(&session(peering, given));
    }
}

#[test]
fn a_family_that_the_address_cannot_carry_needs_a_next_hop() {
    for (given, expected) in [
        (
            "{session_prefix_v4: 4.68.74.180/30, families: [ipv4, ipv6]}",
            expect![
                "c.yaml:6:86: c-v4 offers ipv6, and IPv6 routes over an IPv4 session have no next hop: add next_hop_v6 with an IPv6 address of this router, or take ipv6 out of families"
            ],
        ),
        (
            "{session_prefix_v6: 2a01::/64, families: [ipv4]}",
            expect![[r#"
            c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
            c.yaml:6:81: c-v6 offers ipv4, and IPv4 routes over an IPv6 session have no next hop: add next_hop_v4 with an IPv4 address of this router, or take ipv4 out of families"#]],
        ),
        ("{session_prefix_v4: 4.68.74.180/30, families: [ipv4, ipv6], next_hop_v6: '2a01::2'}", expect![""]),
        ("{session_prefix_v6: 2a01::/64, families: [ipv4, ipv6], next_hop_v4: 4.68.74.182}", expect![""]),
        (
            "{session_prefix_v4: 4.68.74.180/30, families: [ipv4, ipv6], next_hop_v6: '::1'}",
            expect!["c.yaml:6:113: ::1 as next hop is loopback: write an address of the link"],
        ),
        (
            "{session_prefix_v4: 4.68.74.180/30, next_hop_v6: '2a01::2'}",
            expect![[r#"
            c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
            c.yaml:6:89: warning: next_hop_v6 is not used: add ipv6 to the families of a session over the other transport, or remove it"#]],
        ),
        (
            "{session_prefix_v4: 4.68.74.180/30, v4: {next_hop_v4: 4.68.74.182}}",
            expect![[r#"
            c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
            c.yaml:6:94: next_hop_v4 has no use here: remove it: the session's own address is the next hop of its own family"#]],
        ),
        (
            "{session_prefix_v4: 4.68.74.180/30, families: [ipv4, ipv6], next_hop_v6: nowhere}",
            expect![[
                r#"c.yaml:6:113: next_hop_v6 "nowhere" is no IPv6 address: write one like 2a01:111:2000:1::2045"#
            ]],
        ),
    ] {
        expected.assert_eq(&session("", given));
    }
}

#[test]
fn what_is_to_be_unique_is() {
    let config = "\
router: {router_id: 192.0.2.1}
rib: rib
peerings:
- name: a
  peer_asn: 3356
  connections:
  - {name: x, bgp_session: {session_prefix_v4: 4.68.74.180/30}}
  - {name: x-v4, bgp_session: {session_prefix_v4: 4.68.74.180/30}}
- name: b
  peer_asn: 174
  connections:
  - {name: x, bgp_session: {session_prefix_v4: 4.68.74.180/30}}
  - {name: y, bgp_session: {peer_session_ipv4_address: 4.68.74.182, microsoft_session_ipv4_address: 4.68.74.181}}
- name: a
  peer_asn: 8075
";
    expect![[r#"
        c.yaml:4:9: warning: a carries IPv4 only: add IPv6 sessions: both are expected at every location
        c.yaml:7:48: the peer address 4.68.74.181 is one of our own in another session: mend one of the two
        c.yaml:8:12: the connection name x-v4 is also the name of a session of x: name it otherwise: it could not be told which is meant
        c.yaml:8:51: the peer address 4.68.74.181 is already used at c.yaml:7: give each session a peer address of its own
        c.yaml:8:51: the peer address 4.68.74.181 is one of our own in another session: mend one of the two
        c.yaml:9:9: warning: b carries IPv4 only: add IPv6 sessions: both are expected at every location
        c.yaml:12:12: the connection name x is already used at c.yaml:7: give each connection a name of its own
        c.yaml:12:48: IPv4 address is already configured with a different ASN (4.68.74.181): keep one of the two: AS3356 has it at c.yaml:7
        c.yaml:12:48: the peer address 4.68.74.181 is one of our own in another session: mend one of the two
        c.yaml:13:56: the peer address 4.68.74.182 is one of our own in another session: mend one of the two
        c.yaml:14:9: warning: a has no connections: add them: nobody is spoken to there
        c.yaml:14:9: the peering name a is already used at c.yaml:4: give each peering a name of its own
        c.yaml:15:13: peer_asn 8075 is our own: write the partner's ASN: sessions here are between networks"#]].assert_eq(&said(config));
}

#[test]
fn what_a_partner_should_mend_is_a_warning() {
    let config = with_peering(
        "  peering_service: true
  connections:
  - {name: x, connection_state: pending_approval, bandwidth_in_mbps: 10000}
- name: q
  peer_asn: 174
  kind: exchange
  peering_service: true
  connections:
  - {name: y, bandwidth_in_mbps: 1000, bgp_session: {microsoft_session_ipv6_address: '2001:504:0:2::1', peer_session_ipv6_address: '2001:504:0:2::2', hold_time: 0}}
  - {name: z, bandwidth_in_mbps: 2000}
- name: r
  peer_asn: 7018
",
    );
    let (_, warnings) = plan(config);
    expect![[r#"
        c.yaml:4:9: warning: p has one connection, and Peering Service asks for two: add one on another router, of equal bandwidth
        c.yaml:8:12: warning: x has no session: add bgp_session and its addresses when they are known
        c.yaml:8:33: warning: x is in state pending_approval: routes flow in state active only
        c.yaml:9:9: warning: q is used for Peering Service over an exchange: Azure has this for direct peerings only; ix_rs is the type for route servers
        c.yaml:9:9: warning: the connections of q differ in bandwidth: give them equal bandwidth, so that one can stand in for the other
        c.yaml:9:9: warning: q carries IPv6 only: add IPv4 sessions: both are expected at every location
        c.yaml:14:162: warning: with hold_time 0 a peer that is gone is never noticed: write a hold time of 3 s or more, unless the peer insists
        c.yaml:15:12: warning: z has no session: add bgp_session and its addresses when they are known
        c.yaml:16:9: warning: r has no connections: add them: nobody is spoken to there"#]].assert_eq(&warnings);
}

#[test]
fn the_rib_is_checked_with_the_config() {
    let dir = folder("router: {router_id: 0.0.0.0, asn: 64500}\nlab: true\nrib: rib\n");
    let config = dir.path().join("c.yaml");
    fs::create_dir(dir.path().join("rib")).unwrap();
    fs::write(dir.path().join("rib/a.yaml"), "routes:\n- as_path: [64500, 8075]\n  prefixes: [10.0.0.0/8]\n")
        .unwrap();
    expect![[r#"
        c.yaml:1:1: warning: there are no peerings: add some: without them nobody is spoken to
        c.yaml:1:21: router_id 0.0.0.0 identifies no router (RFC 6286): write an IPv4 address that no other router has, like one of this router's own
        rib/a.yaml:3:14: 10.0.0.0/8 is private space (RFC 1918): remove it: such space is not announced"#]].assert_eq(&strip(&load_with_rib(&config).unwrap_err(), &dir));

    let text = with_peering("  peering_location: Ashburn\n");
    fs::write(&config, text).unwrap();
    let rib =
        "routes:\n- peering_locations: [Ashbourn, Ashburn]\n  peerings: [p, zz]\n  prefixes: [8.8.8.0/24]\n";
    fs::write(dir.path().join("rib/a.yaml"), rib).unwrap();
    let (_, rows, warnings) = load_with_rib(&config).unwrap();
    assert_eq!(rows.v4.len(), 1);
    expect![[r#"
        c.yaml:4:9: warning: p has no connections: add them: nobody is spoken to there
        rib/a.yaml:2:1: warning: peering_locations names Ashbourn, which no peering of the config has: did you mean Ashburn?
        rib/a.yaml:2:1: warning: peerings names zz, which no peering of the config has: these prefixes are advertised to nobody; name a peering of the config"#]].assert_eq(&strip(&warnings, &dir));

    fs::remove_file(dir.path().join("rib/a.yaml")).unwrap();
    expect![[r#"
        c.yaml:4:9: warning: p has no connections: add them: nobody is spoken to there
        rib:1:1: this folder holds no *.yaml or *.yml file: put the RIB files there, or name the right folder"#]].assert_eq(&strip(&load_with_rib(&config).unwrap_err(), &dir));
}

const TWO: &str = "\
router: {router_id: 192.0.2.1}
rib: rib
peerings:
- name: p
  peer_asn: 3356
  connections:
  - {name: a, bgp_session: {session_prefix_v4: 4.68.74.180/30}}
  - {name: b, bgp_session: {session_prefix_v4: 4.68.74.184/30}}
";

/// The changes from [`TWO`] when `from` is replaced: names added, removed, reset and adjusted, and what is refused.
fn changed(from: &str, to: &str) -> [String; 5] {
    assert!(TWO.contains(from));
    let dir = folder(TWO);
    let path = dir.path().join("c.yaml");
    let (old, _) = load(&path).unwrap();
    fs::write(&path, TWO.replacen(from, to, 1)).unwrap();
    let (new, _) = load(&path).unwrap();
    let changes = changes(&old, &new);
    let names = |sessions: &[std::sync::Arc<super::SessionPlan>]| {
        sessions.iter().map(|s| s.name.to_string()).collect::<Vec<_>>().join(" ")
    };
    let keys: Vec<_> = changes.refused.0.iter().filter_map(|f| f.what.split(' ').next()).collect();
    assert_eq!(changes.is_empty(), old.sessions == new.sessions && keys.is_empty());
    [
        names(&changes.added),
        names(&changes.removed),
        names(&changes.reset),
        names(&changes.adjusted),
        keys.join(" "),
    ]
}

#[test]
fn changes_are_told_apart() {
    let rows = [
        ("rib: rib", "rib: other", ["", "", "", "", ""]),
        ("name: p", "name: q", ["", "", "", "a-v4 b-v4", ""]),
        ("name: a", "name: c", ["c-v4", "a-v4", "", "", ""]),
        ("name: a,", "name: a, connection_state: validating,", ["", "", "", "a-v4", ""]),
        ("74.180/30", "74.188/30", ["", "", "a-v4", "", ""]),
        ("74.180/30}", "74.180/30, session_prefix_v6: '2a01::/64'}", ["a-v6", "", "", "", ""]),
        ("74.180/30}", "74.180/30, hold_time: 30}", ["", "", "a-v4", "", ""]),
        ("74.180/30}", "74.180/30, passive: true}", ["", "", "a-v4", "", ""]),
        (
            "74.180/30}",
            "74.180/30, families: [ipv4, ipv6], next_hop_v6: '2a01::1'}",
            ["", "", "a-v4", "", ""],
        ),
        (
            "74.180/30}",
            "74.180/30, max_prefixes_advertised_v4: 9, connect_retry: 9}",
            ["", "", "", "a-v4", ""],
        ),
        ("peer_asn: 3356", "peer_asn: 174", ["", "", "a-v4 b-v4", "", ""]),
        (
            "192.0.2.1}",
            "192.0.2.2, asn: 8068, listen: ['0.0.0.0:1179']}\nhttp: {listen: '127.0.0.1:80'}\nstate_dir: s\ncontrol: {socket: s.sock}",
            [
                "",
                "",
                "",
                "",
                "router.asn router.router_id router.listen http.listen control.socket state_dir",
            ],
        ),
    ];
    for (from, to, expected) in rows {
        assert_eq!(changed(from, to), expected, "{from} -> {to}");
    }
}

/// A text of the right form, cut, doubled and overwritten.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let reference = include_str!("../../configs/reference.yaml").as_bytes();
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b" \n-[]{}:#&*!|>'\"%@,?\t0/.".to_vec())];
    let edit = (0..reference.len(), 0_usize..40, prop::collection::vec(byte, 0..4));
    prop::collection::vec(edit, 1..8).prop_map(move |edits| {
        let mut text = reference.to_vec();
        for (at, remove, insert) in edits {
            let at = at.min(text.len());
            text.splice(at..(at + remove).min(text.len()), insert);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn hostile_text_never_panics_and_never_fails_without_a_place(text in mutated()) {
        let dir = folder(&text);
        match load(&dir.path().join("c.yaml")) {
            Ok((plan, warnings)) => {
                prop_assert!(!warnings.has_errors());
                for session in &plan.sessions {
                    prop_assert_eq!(session.peer_address.is_ipv4(), session.local_address.is_ipv4());
                    for family in crate::wire::Family::ALL {
                        prop_assert_eq!(*session.families.get(family), session.next_hop.get(family).is_some());
                    }
                }
            }
            Err(findings) => {
                prop_assert!(findings.0.iter().any(|f| f.severity == Severity::Error));
                prop_assert_eq!(findings.to_string().lines().count(), findings.0.len());
            }
        }
    }
}
