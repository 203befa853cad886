mod addresses;
mod errors;
mod lifecycle;
mod origin;
mod protocol;
mod registered;
mod reload;
mod restart;
mod transport;

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use expect_test::expect;
use proptest::prelude::*;
use tempfile::TempDir;

use super::{Plan, load, load_text, load_with_rib, written};
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
    for key in written::SHAPES.iter().flat_map(|shape| shape.all()) {
        let has = |line: &str| {
            line.trim_start().trim_start_matches(['-', '#', ' ']).starts_with(&format!("{key}:"))
        };
        assert!(text.lines().any(has), "{key} is missing in the reference");
    }
}

#[test]
fn the_lab_of_one_session_loads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/lab/one-session.yaml");
    let (plan, warnings) = load(&path).unwrap_or_else(|e| panic!("{e}"));
    let [session] = plan.sessions.as_slice() else { panic!("{:?}", plan.sessions) };
    assert_eq!((&*session.name, session.passive, session.peer_asn), ("lab-1-v4", true, Asn(65001)));
    assert_eq!(warnings.to_string(), "");
    let text =
        fs::read_to_string(&path).unwrap().replace("# next_hop_v4: 192.0.2.1", "next_hop_v4: 192.0.2.1");
    let (plan, warnings) = load_text(&path, text).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(warnings.to_string(), "");
    assert_eq!(plan.sessions[0].next_hop.ipv4, Some("192.0.2.1".parse().unwrap()));
    assert_eq!(session.peer_address, "127.0.1.1".parse::<IpAddr>().unwrap());
}

#[test]
fn what_is_not_written_has_its_default() {
    let (plan, warnings) = plan("router: {router_id: 192.0.2.1}\nrib: rib\n");
    assert_eq!(
        warnings,
        "c.yaml:1:1: warning: there are no peerings: add some: without them nobody is spoken to"
    );
    assert_eq!(said("router: {router_id: 192.0.2.1}\nrib: rib\npeerings: []\n"), warnings);
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
      v6: {passive: true, add_path_receive: true, max_prefixes_advertised_v6: null}
",
    ));
    expect![[r#"
        c.yaml:9:23: warning: c is in state validating: routes flow in state active only
        c.yaml:18:23: warning: with hold_time 0 a peer that is gone is never noticed: write a hold time of 3 s or more, unless the peer insists"#]].assert_eq(&warnings);
    let [v4, v6] = plan.sessions.as_slice() else { panic!("{:?}", plan.sessions) };
    assert_eq!((v4.hold_time, v6.hold_time), (0, 30));
    assert_eq!((v4.passive, v6.passive), (false, true));
    assert_eq!((v4.add_path_receive, v6.add_path_receive), (false, true));
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
        c.yaml:12:12: the connection name x is already used at c.yaml:7: give each connection a name of its own
        c.yaml:12:48: IPv4 address is already configured with a different ASN (4.68.74.181): keep one of the two: AS3356 has it at c.yaml:7
        c.yaml:12:48: the peer address 4.68.74.181 is one of our own in another session: mend one of the two
        c.yaml:13:56: warning: 4.68.74.182 is the peer's address, and 4.68.74.181 is ours: see that they are not the other way round: Azure gives the peer the first address of a link
        c.yaml:13:56: the peer address 4.68.74.182 is one of our own in another session: mend one of the two
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
        c.yaml:4:9: warning: p: TooFewConnections: it has fewer connections than Peering Service asks for: add one on another router, of equal bandwidth
        c.yaml:8:12: warning: x has no session: add bgp_session and its addresses when they are known
        c.yaml:8:33: warning: x is in state pending_approval: routes flow in state active only
        c.yaml:9:9: warning: q is used for Peering Service over an exchange: Azure has this for direct peerings only; ix_rs is the type for route servers
        c.yaml:9:9: warning: q: UnequalBandwidth: its connections differ in bandwidth: give them equal bandwidth, so that one can stand in for the other
        c.yaml:9:9: warning: q carries IPv6 only: add IPv4 sessions: both are expected at every location
        c.yaml:14:34: warning: a port of 1000 Mbps at an exchange: the peering policy asks for 10 Gbps or more
        c.yaml:14:162: warning: with hold_time 0 a peer that is gone is never noticed: write a hold time of 3 s or more, unless the peer insists
        c.yaml:15:12: warning: z has no session: add bgp_session and its addresses when they are known
        c.yaml:15:34: warning: a port of 2000 Mbps at an exchange: the peering policy asks for 10 Gbps or more
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

#[test]
fn a_rib_that_is_not_there_is_said_where_it_is_named() {
    let dir = folder("router: {router_id: 0.0.0.0}\nrib: ./sub/../gone/\nlab: x\n");
    fs::create_dir(dir.path().join("sub")).unwrap();
    expect![[r#"
        c.yaml:1:1: warning: there are no peerings: add some: without them nobody is spoken to
        c.yaml:1:21: router_id 0.0.0.0 identifies no router (RFC 6286): write an IPv4 address that no other router has, like one of this router's own
        c.yaml:2:6: rib: no such file or folder gone: check the path
        c.yaml:3:6: lab "x" is not true or false: write true or false"#]].assert_eq(&strip(&load_with_rib(&dir.path().join("c.yaml")).unwrap_err(), &dir));
}

#[test]
fn paths_are_shown_without_detours_where_that_changes_nothing() {
    let dir = folder(
        "router: {router_id: 192.0.2.1}\nrib: ../rib\nstate_dir: link/../state\ncontrol: {socket: none/../s}\n",
    );
    let sub = dir.path().join("sub");
    fs::create_dir(&sub).unwrap();
    fs::rename(dir.path().join("c.yaml"), sub.join("c.yaml")).unwrap();
    std::os::unix::fs::symlink("/", sub.join("link")).unwrap();
    let (plan, _) = load(&sub.join("c.yaml")).unwrap();
    assert_eq!(plan.rib, dir.path().join("rib"));
    assert_eq!(plan.state_dir, sub.join("link/../state"));
    assert_eq!(plan.control_socket, sub.join("none/../s"));
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
