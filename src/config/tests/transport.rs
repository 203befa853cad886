//! What is said of MD5, GTSM, interfaces, link-local addresses and ranges.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use expect_test::{Expect, expect};

use super::{folder, said, strip, with_peering};
use crate::config::{Md5Key, Plan, TransportPlan, load};

/// A lab with a session, given as a flow mapping.
fn lab(session: &str) -> String {
    let connection = format!("  connections: [{{name: c, bgp_session: {session}}}]\n");
    with_peering(&connection) + "lab: true\n"
}

/// The plan or the errors of a config beside which a key's file stands.
fn with_key(config: &str, key: &str, mode: u32) -> Result<Plan, String> {
    let dir = folder(config);
    let path = dir.path().join("key");
    fs::write(&path, key).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    load(&dir.path().join("c.yaml")).map(|(plan, _)| plan).map_err(|findings| strip(&findings, &dir))
}

const KEYED: &str = "{session_prefix_v4: 10.0.0.0/30, md5_authentication_key_file: key}";
const ALLOWED: &str = "policy: {allow_md5: true}\n";

#[test]
fn an_md5_key_is_read_from_its_file_where_the_policy_allows_it() {
    let config = lab(KEYED) + ALLOWED;
    let plan = with_key(&config, "hunter2\n", 0o400).unwrap();
    assert_eq!(plan.sessions[0].transport.md5_key, Md5Key::new(b"hunter2"));
    assert!(!format!("{plan:?}").contains("hunter2"), "a key is never shown");
    for (config, mode, expected) in [
        (
            lab(KEYED),
            0o400,
            expect![
                "c.yaml:6:102: md5_authentication_key_file, but by Microsoft's policy these sessions have no MD5: remove it, here and on the peer; policy: { allow_md5: true } allows it all the same"
            ],
        ),
        (
            lab(KEYED) + "policy: {allow_md5: false}\n",
            0o400,
            expect![
                "c.yaml:6:102: md5_authentication_key_file, but by Microsoft's policy these sessions have no MD5: remove it, here and on the peer; policy: { allow_md5: true } allows it all the same"
            ],
        ),
        (
            config,
            0o644,
            expect![
                "c.yaml:6:102: md5_authentication_key_file can be used by others than its owner (mode 0644): make it readable by peeringd's user alone: chmod 0400, and chown where needed"
            ],
        ),
    ] {
        expected.assert_eq(&with_key(&config, "hunter2", mode).unwrap_err());
    }
}

#[test]
fn each_transport_has_its_own_key_or_that_of_both() {
    let session = "{session_prefix_v4: 10.0.0.0/30, session_prefix_v6: 'fd00::/64', \
                   md5_authentication_key_file: key, v6: {md5_authentication_key_file: other}}";
    let config = lab(session) + ALLOWED;
    let said = with_key(&config, "hunter2", 0o400).unwrap_err();
    expect![
        "c.yaml:6:173: md5_authentication_key_file names no file: write the path of a file that holds nothing but the key"
    ]
    .assert_eq(&said);
    let plan = with_key(&config.replace("other", "./key"), "hunter2", 0o400).unwrap();
    let keys: Vec<_> = plan.sessions.iter().map(|s| s.transport.md5_key.clone()).collect();
    assert_eq!(keys, [Md5Key::new(b"hunter2"), Md5Key::new(b"hunter2")]);
}

#[test]
fn a_key_in_the_config_is_refused_and_not_shown() {
    for key in ["md5_authentication_key", "password"] {
        let said = said(lab(&format!("{{session_prefix_v4: 10.0.0.0/30, {key}: hunter2}}")));
        assert!(said.contains("policy: { allow_md5: true }") && !said.contains("hunter2"), "{said}");
    }
}

/// What a session of a lab asks of TCP.
fn transport(session: &str) -> TransportPlan {
    let (plan, _) = super::plan(lab(session));
    plan.sessions[0].transport.clone()
}

#[test]
fn what_is_written_holds_for_the_session() {
    let plain = TransportPlan::default();
    assert_eq!(transport("{session_prefix_v4: 10.0.0.0/30}"), plain);
    let session =
        "{session_prefix_v4: 10.0.0.0/30, ttl_security_hops: 2, v4: {interface: eth0, ttl_security_hops: 1}}";
    let expected = TransportPlan { ttl_security_hops: Some(1), interface: Some("eth0".into()), ..plain };
    assert_eq!(transport(session), expected);
    let live = with_peering("  connections: [{name: c, bgp_session: {session_prefix_v4: 4.68.74.180/30}}]\n");
    let (plan, _) = super::plan(live);
    assert_eq!(plan.sessions[0].transport.ttl(), Some(1), "off a lab both ends are on one link");
}

fn check(cases: &[(String, Expect)]) {
    for (config, expected) in cases {
        expected.assert_eq(&said(config));
    }
}

#[test]
fn what_is_no_hop_count_or_interface_is_refused() {
    check(&[
        (
            lab("{session_prefix_v4: 10.0.0.0/30, ttl_security_hops: 0, interface: a/b}"),
            expect![[r#"
                c.yaml:6:92: ttl_security_hops 0 is out of range: write a number from 1 to 254
                c.yaml:6:106: interface "a/b" is no interface: write its name, of up to 15 characters, like eth0"#]],
        ),
        (
            lab("{session_prefix_v4: 10.0.0.0/30, ttl_security_hops: 255, interface: abcdefghijklmnop}"),
            expect![[r#"
                c.yaml:6:92: ttl_security_hops 255 is out of range: write a number from 1 to 254
                c.yaml:6:108: interface "abcdefghijklmnop" is no interface: write its name, of up to 15 characters, like eth0"#]],
        ),
    ]);
}

const LINK_LOCAL: &str = "peer_session_ipv6_address: fe80::1, microsoft_session_ipv6_address: fe80::2";

#[test]
fn link_local_addresses_need_an_interface_at_both_ends() {
    let live =
        |session: &str| with_peering(&format!("  connections: [{{name: c, bgp_session: {{{session}}}}}]\n"));
    let (plan, _) = super::plan(live(&format!("{LINK_LOCAL}, interface: eth0")));
    assert_eq!(plan.sessions[0].next_hop.ipv6, Some("fe80::2".parse().unwrap()));
    let (plan, warnings) =
        super::plan(live(&format!("{LINK_LOCAL}, v6: {{interface: eth0, next_hop_v6: '2a01:111::1'}}")));
    assert_eq!(plan.sessions[0].next_hop.ipv6, Some("2a01:111::1".parse().unwrap()));
    assert!(!warnings.contains("next_hop"), "{warnings}");
    check(&[
        (
            live(LINK_LOCAL),
            expect![[r#"
                c.yaml:6:68: fe80::1 as the peer's address is link-local, and has no interface: name the interface by interface:, or write another address of the link
                c.yaml:6:109: fe80::2 as our address is link-local, and has no interface: name the interface by interface:, or write another address of the link"#]],
        ),
        (
            live(
                "peer_session_ipv6_address: fe80::1, microsoft_session_ipv6_address: '2a01:111::2', interface: eth0",
            ),
            expect![
                "c.yaml:6:68: of fe80::1 and 2a01:111::2 one is link-local and the other is not: write link-local addresses at both ends, or at neither"
            ],
        ),
        (
            live(&format!("{LINK_LOCAL}, interface: eth0, next_hop_v6: fe80::3")),
            expect![
                "c.yaml:6:148: fe80::3 as next hop is link-local, and has no interface: name the interface by interface:, or write another address of the link"
            ],
        ),
    ]);
}

/// A config of an exchange with a session, given as a flow mapping.
fn exchange(session: &str) -> String {
    let connection = format!("  kind: exchange\n  connections: [{{name: c, bgp_session: {session}}}]\n");
    with_peering(&connection)
}

const RANGE: &str = "peer_range_v4: 206.126.236.128/25";
const OURS: &str = "microsoft_session_ipv4_address: 206.126.236.17";

#[test]
fn a_range_is_a_template_of_sessions() {
    let (plan, warnings) =
        super::plan(exchange(&format!("{{{RANGE}, {OURS}, peer_limit: 7, hold_time: 30}}")));
    assert!(warnings.contains("p carries IPv4 only") && !warnings.contains("no session"), "{warnings}");
    assert!(plan.sessions.is_empty());
    let [range] = plan.ranges.as_slice() else { panic!("{:?}", plan.ranges) };
    assert_eq!((range.range, range.peer_limit), ("206.126.236.128/25".parse().unwrap(), 7));
    let peer = "206.126.236.200".parse().unwrap();
    assert!(range.takes(peer));
    for stranger in ["206.126.236.17", "206.126.236.127", "2a01:111::1"] {
        assert!(!range.takes(stranger.parse().unwrap()), "{stranger}");
    }
    let session = range.session(peer);
    assert_eq!((&*session.name, session.peer_address), ("c-v4-206.126.236.200", peer));
    assert_eq!((session.passive, session.hold_time), (true, 30));
    assert_eq!(session.transport.range, Some(range.range));
    let (plan, _) = super::plan(exchange(&format!("{{{RANGE}, {OURS}}}")));
    assert_eq!(plan.ranges[0].peer_limit, 100);
}

#[test]
fn ranges_that_cannot_be_are_refused() {
    let direct = with_peering(&format!("  connections: [{{name: c, bgp_session: {{{RANGE}, {OURS}}}}}]\n"));
    check(&[
        (
            direct,
            expect![
                "c.yaml:6:56: the range 206.126.236.128/25 on a direct connection: give the two ends of the link: a range is for kind: exchange, for ix_rs and for labs"
            ],
        ),
        (
            exchange(&format!("{{peer_session_ipv4_address: 206.126.236.1, {OURS}, peer_limit: 5}}")),
            expect![[r#"
                c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
                c.yaml:7:143: warning: peer_limit is not used: give peer_range_v4 or peer_range_v6, or remove it"#]],
        ),
        (
            exchange(&format!("{{{RANGE}}}")),
            expect![
                "c.yaml:7:56: microsoft_session_ipv4_address is missing: add it: it is our end of every session of the range"
            ],
        ),
        (
            exchange(&format!(
                "{{{RANGE}, {OURS}, peer_session_ipv4_address: 206.126.236.1, peer_limit: 0}}"
            )),
            expect![[r#"
                c.yaml:7:151: peer_session_ipv4_address beside a range of peers: keep one of the two; a peer within the range that is to have keys of its own is another session
                c.yaml:7:178: peer_limit 0 is out of range: write a number from 1 to 10000"#]],
        ),
        (
            exchange(&format!("{{peer_range_v4: 0.0.0.0/0, {OURS}}}")),
            expect!["c.yaml:7:56: the range 0.0.0.0/0 is everybody: write the network that the peers are in"],
        ),
        (
            exchange(&format!("{{peer_range_v4: 10.0.0.0/8, {OURS}, session_prefix_v4: 206.126.236.0/22}}")),
            expect![[r#"
                c.yaml:7:56: the range 10.0.0.0/8 is private space (RFC 1918): write public space; lab: true allows other
                c.yaml:7:56: the range 10.0.0.0/8 is not within the network 206.126.236.0/22: mend the range or the session prefix"#]],
        ),
        (
            exchange(&format!("[{{{RANGE}, {OURS}}}, {{peer_range_v4: 206.126.236.0/22, {OURS}}}]")),
            expect![[r#"
                c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
                c.yaml:7:57: the range 206.126.236.128/25 has addresses of 206.126.236.0/22 at c.yaml:7: give each address to one range"#]],
        ),
    ]);
}

#[test]
fn what_holds_for_no_peer_of_a_range_is_said() {
    let peer = "peer_session_ipv6_address: '2a01:111::1', microsoft_session_ipv6_address: '2a01:111::2'";
    check(&[
        (
            exchange(&format!(
                "{{{RANGE}, {OURS}, passive: false, v4: {{peer_port: 1790, connect_retry: 9}}}}"
            )),
            expect![[r#"
                c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
                c.yaml:7:133: warning: passive is not used: remove it: the peers of a range always dial
                c.yaml:7:156: warning: peer_port is not used: remove it: the peers of a range always dial"#]],
        ),
        (exchange(&format!("{{{RANGE}, {OURS}, {peer}, passive: true, peer_port: 1790}}")), expect![""]),
        (
            exchange(&format!("{{{RANGE}, {OURS}, {peer}, v4: {{passive: true}}}}")),
            expect![
                "c.yaml:7:227: warning: passive is not used: remove it: the peers of a range always dial"
            ],
        ),
    ]);
}

#[test]
fn a_peer_without_a_key_within_a_range_that_has_one_is_refused() {
    let range = format!("{{{RANGE}, {OURS}, md5_authentication_key_file: key}}");
    let peer = format!("peer_session_ipv4_address: 206.126.236.200, {OURS}");
    let with = |peer: &str| exchange(&format!("[{range}, {{{peer}}}]")) + ALLOWED;
    let said = with_key(&with(&peer), "hunter2", 0o400).unwrap_err();
    assert!(
        said.contains(
            "the peer 206.126.236.200 has no TCP-MD5 key, and is within 206.126.236.128/25, whose peers have one: \
             give its session a key too, or take it out of the range"
        ),
        "{said}"
    );
    let keyed = with(&format!("{peer}, md5_authentication_key_file: key"));
    assert_eq!(with_key(&keyed, "hunter2", 0o400).unwrap().sessions.len(), 1);
    let outside = with(&peer.replace("236.200", "236.100"));
    assert_eq!(with_key(&outside, "hunter2", 0o400).unwrap().sessions.len(), 1);
}
