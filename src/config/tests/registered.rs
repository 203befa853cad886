use expect_test::expect;

use super::{plan, said};

/// Two peerings of one partner and one of another, with what each registers.
fn with(first: &str, second: &str, other: &str, rest: &str) -> String {
    let peering = |name: &str, asn: u32, n: u32, lists: &str| {
        format!(
            "- {{name: {name}, peer_asn: {asn}, peering_service: true, {lists}connections: [\
             {{name: {name}-1, bgp_session: {{session_prefix_v4: 4.68.{n}.0/31, session_prefix_v6: '2a01:{n}::/127'}}}}, \
             {{name: {name}-2, bgp_session: {{session_prefix_v4: 4.69.{n}.0/31, session_prefix_v6: '2a02:{n}::/127'}}}}]}}\n"
        )
    };
    format!(
        "router: {{router_id: 192.0.2.1}}\nrib: rib\n{rest}peerings:\n{}{}{}",
        peering("one", 3356, 1, first),
        peering("two", 3356, 2, second),
        peering("other", 6939, 3, other)
    )
}

#[test]
fn f44_a_peering_that_is_not_for_peering_service_registers_nothing() {
    let lists = "registered_prefixes: [8.23.254.0/24], registered_asns: [7018], ";
    let config = with(lists, "", "", "").replacen("peering_service: true", "peering_service: false", 1);
    expect![[r#"
        c.yaml:4:77: registered_prefixes on one, which has peering_service: false (OperationNotSupported: Operation is not supported for this peering type): write peering_service: true there, or remove the list
        c.yaml:4:111: registered_asns on one, which has peering_service: false (OperationNotSupported: Operation is not supported for this peering type): write peering_service: true there, or remove the list"#]]
    .assert_eq(&said(config));
}

#[test]
fn f44_the_config_says_so_where_no_connection_is_active() {
    let config = with("registered_prefixes: [8.23.254.0/24], ", "", "", "");
    assert_eq!(said(&config), "");
    let config = config
        .replace("name: one-1,", "name: one-1, connection_state: validating,")
        .replace("name: one-2,", "name: one-2, connection_state: validating,");
    let (_, warnings) = plan(config);
    let expected = "registered_prefixes on one, which has no connection in state active: \
                    nothing is registered before one is";
    assert!(warnings.contains(expected), "{warnings}");
}

#[test]
fn f45_a_prefix_is_registered_with_one_peering_and_overlaps_with_no_other_ones() {
    let lists = "registered_prefixes: [8.24.0.0/16, 8.24.1.0/24, 8.26.1.0/24, '2a01:5::/32'], ";
    assert_eq!(said(with(lists, "", "", "")), "", "under one peering a part may be registered too");
    let config = with(
        lists,
        "registered_prefixes: [8.24.1.0/24, 8.25.0.0/24], ",
        "registered_prefixes: [8.24.0.0/16, 8.26.0.0/15, '2a01:5:1::/48', 8.27.0.0/25], ",
        "",
    );
    expect![[r#"
        c.yaml:4:89: 8.24.1.0/24: Prefix overlaps with an existing prefix: 8.24.0.0/16 of other at c.yaml:6: keep one of the two: a prefix is registered under a single peering
        c.yaml:4:102: 8.26.1.0/24: Prefix overlaps with an existing prefix: 8.26.0.0/15 of other at c.yaml:6: keep one of the two: a prefix is registered under a single peering
        c.yaml:5:76: 8.24.1.0/24: Prefix overlaps with an existing prefix: 8.24.1.0/24 of one at c.yaml:4: keep one of the two: a prefix is registered under a single peering
        c.yaml:6:78: 8.24.0.0/16: Prefix overlaps with an existing prefix: 8.24.0.0/16 of one at c.yaml:4: keep one of the two: a prefix is registered under a single peering
        c.yaml:6:104: 2a01:5:1::/48: Prefix overlaps with an existing prefix: 2a01:5::/32 of one at c.yaml:4: keep one of the two: a prefix is registered under a single peering"#]]
    .assert_eq(&said(config));
}

#[test]
fn f45_no_two_customers_prefixes_overlap() {
    let config = with(
        "peering_service_prefixes: [8.24.1.0/24], ",
        "peering_service_prefixes: [8.24.1.128/25, 8.24.1.0/24], ",
        "",
        "",
    );
    let said = said(config);
    assert_eq!(said.matches("Prefix overlaps with an existing prefix").count(), 2, "{said}");
}

#[test]
fn f46_how_long_a_prefix_may_be_follows_from_the_kind_of_resource_and_the_policy() {
    let lists = "registered_prefixes: [8.24.1.128/25, '2a01:5::/64'], ";
    assert_eq!(said(with(lists, "", "", "")), "");
    let refused = "Invalid Prefix: 8.24.1.128/25, must be /24 or shorter";
    let by_policy = said(with(lists, "", "", "policy: {accept_longer_than_24: false}\n"));
    expect!["c.yaml:5:76: Invalid Prefix: 8.24.1.128/25, must be /24 or shorter: register the /24, or set policy.accept_longer_than_24: true"]
    .assert_eq(&by_policy);
    let voice = with(&format!("direct_peering_type: voice, {lists}"), "", "", "");
    assert!(said(voice).contains(refused));
    let service =
        "peering_service_prefixes: [8.25.0.0/23, '2a01:5::/48', {prefix: 8.26.0.0/33}, 8.27.0.0/32], ";
    expect![[r#"
        c.yaml:4:81: peering_service_prefixes is too short (Invalid Prefix: 8.25.0.0/23, must be /24 to /32): write an IPv4 prefix of /24 to /32, like 20.33.0.0/24
        c.yaml:4:94: peering_service_prefixes 2a01:5::/48 is IPv6 (Invalid Peering Service prefix, the prefix should be valid format, only IPv4 prefix is supported currently.): write an IPv4 prefix of /24 to /32, like 20.33.0.0/24
        c.yaml:4:118: prefix "8.26.0.0/33" is no prefix (Invalid Peering Service prefix, the prefix should be valid format, only IPv4 prefix is supported currently.): write an IPv4 prefix of /24 to /32, like 20.33.0.0/24"#]]
    .assert_eq(&said(with(service, "", "", "")));
}

#[test]
fn f48_a_registered_asn_is_of_one_partner() {
    let asn = "registered_asns: [7018], ";
    // That these are no peerings with route servers is but a warning.
    let said = |config: String| {
        let all = said(config);
        let errors: Vec<&str> = all.lines().filter(|line| !line.contains(": warning: ")).collect();
        errors.join("\n")
    };
    assert_eq!(said(with(asn, asn, "", "")), "", "at two places of it");
    expect!["c.yaml:6:74: the registered ASN 7018 is already that of one at c.yaml:4: keep one of the two: a registered ASN is of a single partner"]
    .assert_eq(&said(with(asn, "", asn, "")));
    let twice = said(with("registered_asns: [7018, 7018], ", "", "", ""));
    assert!(twice.contains("the registered ASN 7018 is already listed at c.yaml:4"), "{twice}");
}

#[test]
fn f48_registered_asns_are_for_partners_with_route_servers() {
    let asn = "registered_asns: [7018], ";
    let warned = "registered_asns on one, which is no peering with route servers: they are for \
                  direct_peering_type: ix_rs; register the prefixes here";
    assert!(said(with(asn, "", "", "")).contains(warned));
    assert!(said(with(&format!("kind: exchange, {asn}"), "", "", "")).contains(warned));
}

#[test]
fn f50_the_two_locations_of_a_customers_prefix_are_not_one() {
    let one = "peering_location: Ashburn, peering_service_prefixes: [{prefix: 8.25.0.0/24, backup_location: Ashburn}], ";
    let said = said(with(one, "", "", ""));
    assert!(said.contains("the primary and the backup location of 8.25.0.0/24 are one"), "{said}");
}
