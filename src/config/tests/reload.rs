//! What a reload does to the sessions.

use std::fs;
use std::sync::Arc;

use expect_test::expect;

use super::{folder, strip};
use crate::config::{SessionPlan, changes, load};

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
    let names = |sessions: &[Arc<SessionPlan>]| {
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
        // Sessions go by the peer's address: one that is called otherwise is still itself.
        ("name: a", "name: c", ["", "", "", "c-v4", ""]),
        ("name: a,", "name: a, connection_state: validating,", ["", "", "", "a-v4", ""]),
        ("74.180/30", "74.188/30", ["a-v4", "a-v4", "", "", ""]),
        ("74.180/30}", "74.180/30, session_prefix_v6: '2a01::/64'}", ["a-v6", "", "", "", ""]),
        ("74.180/30}", "74.180/30, hold_time: 30}", ["", "", "a-v4", "", ""]),
        ("74.180/30}", "74.180/30, passive: true}", ["", "", "a-v4", "", ""]),
        ("74.180/30}", "74.180/30, ttl_security_hops: 1}", ["", "", "a-v4", "", ""]),
        ("74.180/30}", "74.180/30, interface: eth0}", ["", "", "a-v4", "", ""]),
        ("rib: rib", "rib: rib\nlab: true", ["", "", "", "a-v4 b-v4", ""]),
        ("74.180/30}", "74.180/30, graceful_restart: false}", ["", "", "a-v4", "", ""]),
        ("74.180/30}", "74.180/30, add_path_receive: true}", ["", "", "a-v4", "", ""]),
        // Not for an IPv4 session.
        ("74.180/30}", "74.180/30, extended_next_hop: true}", ["", "", "", "", ""]),
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

#[test]
fn what_a_reload_cannot_do_is_said_where_it_stands() {
    let dir = folder(TWO);
    let path = dir.path().join("c.yaml");
    let (old, _) = load(&path).unwrap();
    let text = TWO.replace("192.0.2.1}", "192.0.2.1, asn: 8068,\n  listen: ['0.0.0.0:1179']}\nstate_dir: s");
    fs::write(&path, text).unwrap();
    let (new, _) = load(&path).unwrap();
    expect![[r#"
        c.yaml:1:32: router.asn has changed, which a reload cannot do: restart to change it, or set it back
        c.yaml:2:3: router.listen has changed, which a reload cannot do: restart to change it, or set it back
        c.yaml:3:1: state_dir has changed, which a reload cannot do: restart to change it, or set it back"#]]
    .assert_eq(&strip(&changes(&old, &new).refused, &dir));
    // What has gone is said where it would stand, and of a file that has gone, there.
    expect![[r#"
        c.yaml:1:32: router.asn has changed, which a reload cannot do: restart to change it, or set it back
        c.yaml:2:3: router.listen has changed, which a reload cannot do: restart to change it, or set it back
        c.yaml:3:1: state_dir has changed, which a reload cannot do: restart to change it, or set it back"#]]
    .assert_eq(&strip(&changes(&new, &old).refused, &dir));
    fs::write(&path, TWO).unwrap();
    expect![[r#"
        c.yaml:1:1: router.asn has changed, which a reload cannot do: restart to change it, or set it back
        c.yaml:1:1: router.listen has changed, which a reload cannot do: restart to change it, or set it back
        c.yaml:1:1: state_dir has changed, which a reload cannot do: restart to change it, or set it back"#]]
    .assert_eq(&strip(&changes(&new, &old).refused, &dir));
    fs::remove_file(&path).unwrap();
    assert!(strip(&changes(&old, &new).refused, &dir).starts_with("c.yaml:1:1: router.asn has changed"));
}
