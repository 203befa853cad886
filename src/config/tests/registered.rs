use expect_test::expect;

use super::{plan, said};
use crate::config::{Plan, Registration, changes, registration_refusals};
use crate::rib::Findings;
use crate::wire::Asn;

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

/// What is new is refused as long as no connection is Active; what was registered before stays.
#[test]
fn f44_nothing_is_registered_where_no_connection_is_active() {
    let dir = super::folder("");
    let file = dir.path().join("c.yaml");
    let load = |lists: &str, states: [&str; 2]| {
        let [one, two] = states.map(|state| format!("connection_state: {state},"));
        let config = with(lists, "", "", "")
            .replace("name: one-1,", &format!("name: one-1, {one}"))
            .replace("name: one-2,", &format!("name: one-2, {two}"));
        std::fs::write(&file, config).unwrap();
        crate::config::load(&file).unwrap_or_else(|errors| panic!("{errors}")).0
    };
    let refused = |old: &Plan, new: &Plan| super::strip(&changes(old, new).refused, &dir);
    let lists = "registered_prefixes: [8.23.254.0/24, 8.24.0.0/24], registered_asns: [7018], ";
    let nothing = load("", ["validating", "approved"]);
    let active = load(lists, ["active", "approved"]);
    assert_eq!(refused(&nothing, &active), "", "one is enough");
    let some = load(&lists.replace(", 8.24.0.0/24", ""), ["active", "approved"]);
    let new = load(lists, ["validating", "approved"]);
    expect![[r#"
        c.yaml:4:75: registered_prefixes of one: 8.23.254.0/24, 8.24.0.0/24 cannot be registered before a connection of the peering is Active (one-1 is Validating, one-2 is Approved): list it in the reload that makes a connection active, or in a later one
        c.yaml:4:122: registered_asns of one: AS7018 cannot be registered before a connection of the peering is Active (one-1 is Validating, one-2 is Approved): list it in the reload that makes a connection active, or in a later one"#]].assert_eq(&refused(&nothing, &new));
    let refusals = || Findings(registration_refusals(&new, |_, what| what == Registration::Asn(Asn(7018))));
    expect!["c.yaml:4:75: registered_prefixes of one: 8.23.254.0/24, 8.24.0.0/24 cannot be registered before a connection of the peering is Active (one-1 is Validating, one-2 is Approved): list it in the reload that makes a connection active, or in a later one"].assert_eq(&super::strip(&refusals(), &dir));
    expect!["c.yaml:4:75: registered_prefixes of one: 8.24.0.0/24 cannot be registered before a connection of the peering is Active (one-1 is Validating, one-2 is Approved): list it in the reload that makes a connection active, or in a later one"].assert_eq(&refused(&some, &new));
    assert_eq!(refused(&active, &new), "", "all of it has been registered");
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

#[test]
fn nobody_registers_our_own_asn() {
    let lists = "registered_asns: [8075], ";
    let said = said(with(lists, "", "", ""));
    let what = "c.yaml:4:72: registered ASN 8075 is our own: register the ASN of the partner's customer";
    assert!(said.contains(what), "{said}");
    let other = with("registered_asns: [8075], ", "", "", "router: {asn: 3214, router_id: 192.0.2.1}\n");
    let other = other.replacen("router: {router_id: 192.0.2.1}\n", "", 1);
    assert!(!self::said(other).contains("is our own"), "where it is not ours");
}

/// Names are compared as Azure does, and only within a kind and a peering.
#[test]
fn a_name_is_that_of_one_resource_of_a_peering() {
    let lists = "registered_prefixes: [{name: hq, prefix: 8.24.0.0/24}, {name: HQ, prefix: 8.24.1.0/24}, \
                 8.24.2.0/24, {name: 8.24.2.0_24, prefix: 8.24.3.0/24}], \
                 registered_asns: [{name: hq, asn: 7018}, {name: '7018', asn: 9680}, {name: hq, asn: 174}], \
                 peering_service_prefixes: [{name: hq, prefix: 8.24.0.0/24}, {name: hq, prefix: 8.24.1.0/24}], ";
    let config = with(lists, "registered_prefixes: [{name: hq, prefix: 8.25.0.0/24}], ", "", "");
    let said = said(config);
    let errors: Vec<&str> = said.lines().filter(|line| !line.contains(": warning: ")).collect();
    expect![[r#"
        c.yaml:4:109: the registered prefix name HQ is already used at c.yaml:4: give each of them in a peering a name of its own
        c.yaml:4:155: the registered prefix name 8.24.2.0_24 is already used at c.yaml:4: give each of them in a peering a name of its own
        c.yaml:4:266: the registered ASN name hq is already used at c.yaml:4: give each of them in a peering a name of its own
        c.yaml:4:349: the Peering Service prefix name hq is already used at c.yaml:4: give each of them in a peering a name of its own"#]]
    .assert_eq(&errors.join("\n"));
}

#[test]
fn f49_a_prefix_key_is_a_guid() {
    let key = |key: &str| {
        let list = format!(
            "peering_service_prefixes: [{{prefix: 8.25.0.0/24, peering_service_prefix_key: {key}}}], "
        );
        with(&list, "", "", "")
    };
    expect![[r#"
        c.yaml:4:131: peering_service_prefix_key "secret" is no GUID: write the key as `peeringd show registered` has it, or leave it out until there is one"#]]
    .assert_eq(&said(key("secret")));
    let (plan, warnings) = plan(key("5F4CB5C7-6B43-4444-9338-9ABC72606C16"));
    let given = plan.peerings[0].peering_service_prefixes[0].key.as_deref();
    assert_eq!(
        (given, &*warnings),
        (Some("5f4cb5c7-6b43-4444-9338-9abc72606c16"), ""),
        "as keys are given out"
    );
}

#[test]
fn f50_a_location_is_one_where_the_provider_has_a_peering_for_peering_service() {
    let lists = "peering_location: Ashburn, peering_service_prefixes: [8.25.0.0/24, \
                 {prefix: 8.25.1.0/24, primary_location: Asburn, backup_location: Chicago}, \
                 {prefix: 8.25.2.0/24, backup_location: Dallas}, {prefix: 8.25.3.0/24, backup_location: Miami}], ";
    let config = with(lists, "peering_location: Chicago, ", "peering_location: Dallas, ", "");
    expect![[r#"
        c.yaml:4:121: warning: primary_location Asburn, where AS3356 has no peering for Peering Service: did you mean Ashburn?
        c.yaml:4:196: warning: backup_location Dallas, where AS3356 has no peering for Peering Service: name the peering_location of one: until there is one the prefix is not Verified
        c.yaml:4:244: warning: backup_location Miami, where AS3356 has no peering for Peering Service: name the peering_location of one: until there is one the prefix is not Verified"#]]
    .assert_eq(&said(config));
}

/// Whatever is wrong elsewhere, and wherever the two stand to one another.
#[test]
fn nobody_registers_what_we_announce() {
    let lists = "registered_prefixes: [8.24.0.0/16, 20.33.7.0/24, 20.34.0.0/24, 20.32.0.0/11, '2603:1000:1::/48', '2a01:5::/32'], \
                 peering_service_prefixes: [20.33.0.0/24], ";
    let dir = super::folder(with(lists, "", "", ""));
    let file = dir.path().join("c.yaml");
    let rib = "routes:\n- prefixes: [13.64.0.0/11, 20.33.0.0/16,\n    20.34.0.0/24]\n- prefixes: ['2603:1000::/24']\n";
    std::fs::write(dir.path().join("rib"), rib).unwrap();
    let said = || super::strip(&crate::config::load_with_rib(&file).unwrap_err(), &dir);
    let errors = said();
    expect![[r#"
        c.yaml:4:89: the registered prefix 20.33.7.0/24 is within 20.33.0.0/16, which we announce (rib:2): take it out here, or that out of the RIB: what we announce is not a partner's to register
        c.yaml:4:103: the registered prefix 20.34.0.0/24 is what we announce (rib:3): take it out here, or that out of the RIB: what we announce is not a partner's to register
        c.yaml:4:117: the registered prefix 20.32.0.0/11 covers 20.33.0.0/16, which we announce (rib:2): register what is beside that, or take that out of the RIB: what we announce is not a partner's to register
        c.yaml:4:131: the registered prefix 2603:1000:1::/48 is within 2603:1000::/24, which we announce (rib:4): take it out here, or that out of the RIB: what we announce is not a partner's to register
        c.yaml:4:194: the Peering Service prefix 20.33.0.0/24 is within 20.33.0.0/16, which we announce (rib:2): take it out here, or that out of the RIB: what we announce is not a partner's to register"#]].assert_eq(&errors);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("192.0.2.1", "0.0.0.0")).unwrap();
    assert!(said().ends_with(&errors), "{}", said());
    // What is beside it is nobody's business.
    std::fs::write(&file, with("registered_prefixes: [20.35.0.0/16, 8.24.0.0/16], ", "", "", "")).unwrap();
    crate::config::load_with_rib(&file).unwrap();
}
