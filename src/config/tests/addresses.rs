//! What is said of sessions' addresses and next hops.

use expect_test::{Expect, expect};

use super::{plan, said, with_peering};
use crate::wire::PerFamily;

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
fn addresses_are_settled_or_refused() {
    let exchange = "  kind: exchange\n";
    let cases: [(&str, &str, Expect); 26] = [
        (
            "",
            "{peer_session_ipv4_address: 4.68.74.182, microsoft_session_ipv4_address: 4.68.74.181, families: [ipv4, ipv6], next_hop_v6: '2a01::2'}",
            expect![
                "c.yaml:6:68: warning: 4.68.74.182 is the peer's address, and 4.68.74.181 is ours: see that they are not the other way round: Azure gives the peer the first address of a link"
            ],
        ),
        (
            LAB,
            "{peer_session_ipv4_address: 4.68.74.182, microsoft_session_ipv4_address: 4.68.74.181}",
            expect![""],
        ),
        (
            "  direct_peering_type: ix_rs\n",
            "{}, session_address_provider: microsoft",
            expect![
                "c.yaml:7:70: session_address_provider microsoft on an ix_rs peering: write peer, or remove the key"
            ],
        ),
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
            expect![
                "c.yaml:6:68: 4.68.74.181 and 4.68.75.182 are not on one link: write the two hosts of its /30, /31 or IPv6 prefix; lab: true allows other"
            ],
        ),
        (
            "",
            "{peer_session_ipv4_address: 4.68.74.181, microsoft_session_ipv4_address: 4.68.74.181}",
            expect![
                "c.yaml:6:68: 4.68.74.181 is both ends of the session: give each end an address of its own"
            ],
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
                c.yaml:6:68: 10.0.0.1 as the peer's address is private space (RFC 1918): write a public address; lab: true allows others
                c.yaml:6:110: 10.0.0.2 as our address is private space (RFC 1918): write a public address; lab: true allows others"#]],
        ),
        (
            "",
            "{peer_session_ipv4_address: 0.0.0.0, microsoft_session_ipv4_address: 224.0.0.1}",
            expect![[r#"
                c.yaml:6:68: 0.0.0.0 as the peer's address is unspecified: write an address of the link
                c.yaml:6:109: 224.0.0.1 as our address is multicast: write an address of the link"#]],
        ),
        (
            "",
            "{peer_session_ipv6_address: fe80::1, microsoft_session_ipv6_address: fe80::2}",
            expect![[r#"
                c.yaml:6:68: fe80::1 as the peer's address is link-local, and has no interface: name the interface by interface:, or write another address of the link
                c.yaml:6:109: fe80::2 as our address is link-local, and has no interface: name the interface by interface:, or write another address of the link"#]],
        ),
        (
            LAB,
            "{peer_session_ipv6_address: fe80::1, microsoft_session_ipv6_address: '::ffff:1.2.3.4'}",
            expect![[r#"
                c.yaml:6:68: fe80::1 as the peer's address is link-local, and has no interface: name the interface by interface:, or write another address of the link
                c.yaml:6:109: ::ffff:1.2.3.4 as our address is an IPv4 address in IPv6 form: write an address of the link"#]],
        ),
        (
            LAB,
            "{peer_session_ipv4_address: 127.0.1.1, microsoft_session_ipv4_address: 127.0.0.1}",
            expect![""],
        ),
        (LAB, "{session_prefix_v4: 10.0.0.0/30}", expect![""]),
        (
            exchange,
            "{session_prefix_v4: 206.126.236.0/22}",
            expect![
                "c.yaml:7:60: microsoft_session_ipv4_address and peer_session_ipv4_address are missing: add them: on an exchange both addresses are given"
            ],
        ),
        (
            exchange,
            "{session_prefix_v4: 206.126.236.0/22, peer_session_ipv4_address: 206.126.240.1, microsoft_session_ipv4_address: 206.126.236.0}",
            expect![[r#"
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
            expect![
                "c.yaml:6:81: c-v6 offers ipv4, and IPv4 routes over an IPv6 session have no next hop: add next_hop_v4 with an IPv4 address of this router, or extended_next_hop: true, or take ipv4 out of families"
            ],
        ),
        ("{session_prefix_v4: 4.68.74.180/30, families: [ipv4, ipv6], next_hop_v6: '2a01::2'}", expect![""]),
        ("{session_prefix_v6: 2a01::/64, families: [ipv4, ipv6], next_hop_v4: 4.68.74.182}", expect![""]),
        (
            "{session_prefix_v4: 4.68.74.180/30, families: [ipv4, ipv6], next_hop_v6: '::1'}",
            expect![
                "c.yaml:6:113: ::1 as next hop is outside global unicast space 2000::/3 (RFC 4291): write a public address; lab: true allows others"
            ],
        ),
        (
            "{session_prefix_v4: 4.68.74.180/30, next_hop_v6: '2a01::2'}",
            expect![[r#"
            c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
            c.yaml:6:89: warning: next_hop_v6 is not used: add ipv6 to the families of a session over the other transport, or remove it"#]],
        ),
        (
            "{session_prefix_v4: 4.68.74.180/30, v4: {next_hop_v4: 4.68.74.182}}",
            expect![
                "c.yaml:6:94: next_hop_v4 has no use here: remove it: the session's own address is the next hop of its own family; lab: true allows another"
            ],
        ),
        (
            "{session_prefix_v4: 4.68.74.180/30, v4: {next_hop_v6: '2a01::2'}}",
            expect![[r#"
            c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
            c.yaml:6:94: warning: next_hop_v6 is not used: add ipv6 to the families of this session, or remove it"#]],
        ),
        (
            "{session_prefix_v4: 4.68.74.180/30, next_hop_v4: 4.68.74.182}",
            expect![[r#"
            c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
            c.yaml:6:89: warning: next_hop_v4 is not used: add ipv4 to the families of a session over the other transport, or remove it"#]],
        ),
        (
            "{session_prefix_v4: 4.68.74.180/30, extended_next_hop: true}",
            expect![[r#"
            c.yaml:4:9: warning: p carries IPv4 only: add IPv6 sessions: both are expected at every location
            c.yaml:6:95: warning: extended_next_hop is not used: add ipv4 to the families of an IPv6 session, or remove it"#]],
        ),
        ("{session_prefix_v6: '2a01::4/126', extended_next_hop: true, families: [ipv4, ipv6]}", expect![""]),
        (
            "{session_prefix_v4: 4.68.74.180/30, session_prefix_v6: '2a01::4/126', v4: {extended_next_hop: true}}",
            expect![
                "c.yaml:6:134: warning: extended_next_hop is not used: add ipv4 to the families of an IPv6 session, or remove it"
            ],
        ),
        (
            "{session_prefix_v4: 4.68.74.181/30, next_hop_v6: '2a01::2'}",
            expect![[r#"
            c.yaml:6:60: session_prefix_v4 has host bits (Invalid Prefix: 4.68.74.181/30, must be 4.68.74.180/30): write 4.68.74.180/30"#]],
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
fn what_has_no_name_is_not_named() {
    let config = with_peering(
        "  connections: [{bgp_session: {session_prefix_v4: 4.68.74.180/30, families: [ipv4, ipv6]}}]\n",
    );
    expect![[r#"
        c.yaml:6:17: name is missing in a connection: add it, like name: contoso-ashburn-1
        c.yaml:6:77: the session offers ipv6, and IPv6 routes over an IPv4 session have no next hop: add next_hop_v6 with an IPv6 address of this router, or take ipv6 out of families"#]].assert_eq(&said(config));
}

#[test]
fn a_lab_may_give_a_session_another_next_hop_of_its_own_family() {
    let given = "  connections:
  - name: c
    bgp_session:
      microsoft_session_ipv4_address: 127.0.0.1
      peer_session_ipv4_address: 127.0.1.1
      microsoft_session_ipv6_address: fd00::1
      peer_session_ipv6_address: fd00::2
      next_hop_v4: 192.0.2.1
      v6: {next_hop_v6: '2001:db8::1'}
lab: true
";
    let (plan, warnings) = plan(with_peering(given));
    assert_eq!(warnings, "");
    let hops: Vec<_> = plan.sessions.iter().map(|s| s.next_hop).collect();
    let ip = |text: &str| Some(text.parse().unwrap());
    assert_eq!(
        hops,
        [PerFamily { ipv4: ip("192.0.2.1"), ipv6: None }, PerFamily { ipv4: None, ipv6: ip("2001:db8::1") },]
    );
    expect!["c.yaml:13:20: 224.0.0.1 as next hop is multicast: write an address of the link"]
        .assert_eq(&said(with_peering(&given.replace("192.0.2.1", "224.0.0.1").replace("v6: {", "v4: {"))));
}
