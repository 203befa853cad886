//! What is lacking, and which way connections and peerings may go.

use std::fs;
use std::sync::Arc;

use expect_test::expect;
use tempfile::TempDir;

use super::{folder, plan, said, strip, with_peering};
use crate::config::{
    Change, DenyAll, Kept, KeptConnection, Phase, Plan, SessionPlan, TypeChange, changes, load, load_with_rib,
};
use crate::peering::{ConnectionState, DirectPeeringType, PolicyGroup};
use crate::wire::PerFamily;

/// Two connections of a peering, with more keys for the peering and for each connection.
fn two(peering: &str, first: &str, second: &str) -> String {
    with_peering(&format!(
        "{peering}  connections:
  - {{name: a, {first}bgp_session: {{session_prefix_v4: 4.68.74.180/30, session_prefix_v6: '2a01:111:2000:1::2044/126'}}}}
  - {{name: b, {second}bgp_session: {{session_prefix_v4: 104.44.14.34/31, session_prefix_v6: '2a01:111:2000:1::2050/127'}}}}
"
    ))
}

#[test]
fn f19_session_addresses_follow_from_the_prefix() {
    let (plan, _) = plan(two("", "", ""));
    let ends: Vec<_> =
        plan.sessions.iter().map(|s| format!("{} {}", s.peer_address, s.local_address)).collect();
    let expected = [
        "4.68.74.181 4.68.74.182",
        "2a01:111:2000:1::2045 2a01:111:2000:1::2046",
        "104.44.14.34 104.44.14.35",
        "2a01:111:2000:1::2050 2a01:111:2000:1::2051",
    ];
    assert_eq!(ends, expected);
    for (prefix, why) in [
        ("4.68.74.181/30", "has host bits (Invalid Prefix: 4.68.74.181/30, must be 4.68.74.180/30)"),
        ("4.68.74.0/24", "Invalid Prefix: 4.68.74.0/24, must be /30 or /31"),
        ("4.68.74.1/32", "Invalid Prefix: 4.68.74.1/32, must be /30 or /31"),
    ] {
        let said = said(two("", "", "").replace("4.68.74.180/30", prefix));
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn f20_an_exchange_has_given_addresses_and_several_sessions_of_a_connection() {
    for kind in ["kind: exchange", "direct_peering_type: ix_rs"] {
        let session = |peer: u8| {
            format!(
                "    - {{session_prefix_v4: 206.126.236.0/24, microsoft_session_ipv4_address: 206.126.236.17, peer_session_ipv4_address: 206.126.236.{peer}}}\n"
            )
        };
        let config = format!(
            "  {kind}\n  connections:\n  - name: c\n    bgp_session:\n{}{}",
            session(37),
            session(38)
        );
        let (plan, _) = self::plan(with_peering(&config));
        let ends: Vec<_> = plan
            .sessions
            .iter()
            .map(|s| format!("{} {} {}", s.name, s.peer_address, s.local_address))
            .collect();
        assert_eq!(ends, ["c-v4 206.126.236.37 206.126.236.17", "c-v4-2 206.126.236.38 206.126.236.17"]);
        assert_eq!(plan.peerings[0].connections[0].sessions.len(), 2);
        let outside = said(with_peering(&config.replace("206.126.236.38", "206.126.237.38")));
        assert!(
            outside.contains("206.126.237.38 is no host of the exchange's network 206.126.236.0/24"),
            "{outside}"
        );
    }
}

/// Whose addresses are hosts of an exchange is one at an exchange, or with its route servers; `ix` is a link like others.
#[test]
fn f19_a_peering_with_an_exchange_as_the_partner_is_a_link() {
    let (plan, _) = plan(two("  direct_peering_type: ix\n", "", ""));
    assert_eq!(plan.sessions[0].peer_address.to_string(), "4.68.74.181");
    let lan = said(two("  direct_peering_type: ix\n", "", "").replace("4.68.74.180/30", "4.68.74.0/24"));
    assert!(lan.contains("Invalid Prefix: 4.68.74.0/24, must be /30 or /31"), "{lan}");
}

#[test]
fn more_bandwidth_than_azures_client_takes_is_warned_of() {
    let much = said(two("", "bandwidth_in_mbps: 200000, ", ""));
    let what = "c.yaml:7:34: warning: bandwidth_in_mbps 200000 is more than Azure's client takes";
    assert!(much.contains(what), "{much}");
    assert!(!said(two("", "bandwidth_in_mbps: 100000, ", "")).contains("Azure's client"));
}

#[test]
fn f21_one_session_address_never_serves_two_asns() {
    let other = "- name: q\n  peer_asn: 174\n  connections:\n  - {name: z, bgp_session: {session_prefix_v4: 4.68.74.180/30, session_prefix_v6: '2a01:111:2000:1::2044/126'}}\n";
    let said = said(two("", "", "") + other);
    for address in [
        "IPv4 address is already configured with a different ASN (4.68.74.181)",
        "IPv6 address is already configured with a different ASN (2a01:111:2000:1::2045)",
    ] {
        assert!(said.contains(address), "{said}");
    }
    assert!(said.contains("AS3356 has it at c.yaml:7"), "{said}");
}

#[test]
fn f22_md5_is_refused_unless_the_policy_allows_it() {
    let config =
        two("", "", "").replace("104.44.14.34/31", "104.44.14.34/31, md5_authentication_key_file: key");
    let refused = said(&config);
    assert!(refused.contains("Microsoft's policy"), "{refused}");
    let dir = folder(config + "policy: {allow_md5: true}\n");
    let key = dir.path().join("key");
    fs::write(&key, "secret").unwrap();
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (plan, _) = load(&dir.path().join("c.yaml")).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(plan.sessions.iter().any(|session| session.transport.md5_key.is_some()));
}

#[test]
fn f24_what_redundancy_lacks_is_a_finding_with_a_name() {
    let equal = "bandwidth_in_mbps: 100000, edge_router: r1, ";
    let service = "  peering_service: true\n";
    let names = |config: String| -> Vec<String> {
        let said = said(config);
        let names = said.lines().filter_map(|line| line.split(": ").nth(3).map(str::to_owned));
        names
            .filter(|name| {
                ["TooFewConnections", "ConnectionsOnOneRouter", "UnequalBandwidth"].contains(&&**name)
            })
            .collect()
    };
    assert_eq!(names(two(service, equal, &equal.replace("r1", "r2"))), Vec::<String>::new());
    assert_eq!(names(two(service, equal, equal)), ["ConnectionsOnOneRouter"]);
    assert_eq!(
        names(two(service, equal, "bandwidth_in_mbps: 200000, edge_router: r2, ")),
        ["UnequalBandwidth"]
    );
    assert_eq!(names(two("", equal, equal)), Vec::<String>::new());
    let alone = two(service, equal, "");
    assert_eq!(names(alone[..alone.find("  - {name: b").unwrap()].to_owned()), ["TooFewConnections"]);
}

#[test]
fn f25_every_type_is_known_and_what_is_unsupported_says_so() {
    for name in DirectPeeringType::CONFIG_NAMES {
        let config = two(&format!("  direct_peering_type: {name}\n"), "", "");
        let said = match *name {
            "ix_rs" => self::said(config.replace("session_prefix_v4: 4.68.74.180/30", "session_prefix_v4: 4.68.74.180/30, peer_session_ipv4_address: 4.68.74.181, microsoft_session_ipv4_address: 4.68.74.182")),
            _ => self::said(config),
        };
        let says_so = said.contains(&format!("warning: p is of type {name}: "));
        assert_eq!(says_so, !["edge", "transit", "ix", "ix_rs"].contains(name), "{name}: {said}");
    }
    let (plan, said) = plan(two("  direct_peering_type: voice\n", "", ""));
    assert!(said.contains("BFD, which voice requires, is not supported yet"), "{said}");
    assert!(plan.sessions.iter().all(|session| session.deny_all() == Some(DenyAll::NeedsBfd)));
}

#[test]
fn f32_a_peer_has_a_public_asn() {
    for (asn, why) in [
        ("64512", "a private ASN (RFC 6996)"),
        ("4200000000", "a private ASN (RFC 6996)"),
        ("64496", "an ASN for documentation (RFC 5398)"),
        ("64511", "an ASN for documentation (RFC 5398)"),
        ("65536", "an ASN for documentation (RFC 5398)"),
        ("23456", "AS_TRANS (RFC 6793), which stands for another"),
        ("65535", "a reserved ASN (RFC 7300)"),
        ("4294967295", "a reserved ASN (RFC 7300)"),
        ("12076", "ExpressRoute's, which is never a peer's"),
    ] {
        let config = two("", "", "").replace("peer_asn: 3356", &format!("peer_asn: {asn}"));
        let said = said(&config);
        assert!(said.contains(&format!("c.yaml:5:13: peer_asn {asn} is {why}")), "{said}");
        let in_lab = self::said(format!("{config}lab: true\n"));
        let is_allowed = !in_lab.contains("peer_asn");
        assert_eq!(is_allowed, ["64512", "4200000000", "64496", "64511", "65536"].contains(&asn), "{asn}");
    }
}

#[test]
fn options_say_which_document_counts() {
    let (plan, _) = plan(two("", "bandwidth_in_mbps: 10000, ", ""));
    assert_eq!(plan.policy.announcement_budget, PerFamily { ipv4: 2000, ipv6: 500 });
    assert_eq!(plan.peerings[0].sku(plan.policy.ix_rs_tier).name, "Basic_Direct_Free");
    let policy = |policy: &str, first: &str| said(two("", first, "") + &format!("policy: {{{policy}}}\n"));
    expect!["c.yaml:7:34: bandwidth_in_mbps is refused (Bandwidth 10000 must have a multiple of 100000.): write what the link has, in Mbps, like 100000"]
    .assert_eq(&policy("direct_bandwidth_step_in_mbps: 100000", "bandwidth_in_mbps: 10000, "));
    expect![[r#"
        c.yaml:9:41: direct_bandwidth_step_in_mbps 5 is in no document: write 10000, or 100000 for the 100 Gbps of the peering policy"#]]
    .assert_eq(&policy("direct_bandwidth_step_in_mbps: 5", ""));
    expect!["c.yaml:7:33: pending_remove is a state of sessions only: remove the connection; policy: { pending_remove: connection } allows it, as the walkthroughs have it"]
    .assert_eq(&policy("ix_rs_sku: basic_direct_free", "connection_state: pending_remove, "));
    expect!["c.yaml:7:33: warning: a is in state pending_remove: routes flow in state active only"]
        .assert_eq(&policy("pending_remove: connection", "connection_state: pending_remove, "));
    expect!["c.yaml:7:30: error_message on a connection in state active: remove it: it says why one is in provisioning_failed or external_blocker"]
    .assert_eq(&policy("announcement_note: 1", "error_message: gone, "));
}

#[test]
fn from_legacy_to_peering_service_goes_step_by_step() {
    expect![[r#"
        c.yaml:6:20: peering_service on a legacy peering: convert it first: remove legacy: true, reload, and then use it for Peering Service"#]]
    .assert_eq(&said(two("  peering_service: true\n  legacy: true\n", "", "")));
    expect![[r#"
        c.yaml:6:20: peering_service without a signed agreement (maps_agreement: false): have the agreement signed, or remove peering_service"#]]
    .assert_eq(&said(two("  peering_service: true\n  maps_agreement: false\n", "", "")));
    expect![[r#"
        c.yaml:7:19: warning: p is not eligible for Peering Service (MAPS): LegacyPeering, NoSignedAgreement: mend these first"#]]
    .assert_eq(&said(two("  legacy: true\n  maps_agreement: false\n", "", "")));
    expect![[r#"
        c.yaml:6:19: warning: p is eligible for Peering Service (MAPS), and not used for it: write peering_service: true; its sessions restart"#]]
    .assert_eq(&said(two("  maps_agreement: true\n", "", "")));
}

/// A folder with a config, and another that it becomes.
fn become_another(from: &str, to: &str) -> (Plan, Plan, TempDir) {
    let dir = folder(from);
    let path = dir.path().join("c.yaml");
    let (old, _) = load(&path).unwrap_or_else(|errors| panic!("{errors}"));
    fs::write(&path, to).unwrap();
    let (new, _) = load(&path).unwrap_or_else(|errors| panic!("{errors}"));
    (old, new, dir)
}

#[test]
fn f31_the_conversion_of_a_legacy_peering_keeps_it_as_it_is() {
    let legacy = two("  legacy: true\n", "", "");
    let resource = two("", "", "");
    let (old, new, _dir) = become_another(&legacy, &resource);
    assert!(changes(&old, &new).is_empty());
    for modified in [
        resource.replace("104.44.14.34/31", "104.44.14.36/31"),
        resource.replace("104.44.14.34/31", "104.44.14.34/31, max_prefixes_advertised_v4: 7"),
        two("  peering_service: true\n", "", ""),
    ] {
        let (old, new, dir) = become_another(&legacy, &modified);
        expect![[r#"
            c.yaml:4:3: p is modified while it is converted from a legacy peering: convert it as it is, reload, and change it by another reload"#]]
        .assert_eq(&strip(&changes(&old, &new).refused, &dir));
    }
}

#[test]
fn f30_another_policy_group_takes_another_session() {
    let (old, new, _dir) = become_another(&two("", "", ""), &two("  peering_service: true\n", "", ""));
    let changes = changes(&old, &new);
    assert_eq!((changes.reset.len(), changes.refused.0.len()), (4, 0));
}

#[test]
fn f26_a_config_that_asks_for_an_illegal_step_is_refused_with_its_place() {
    let in_state = |state: &str| two("", &format!("connection_state: {state}, "), "");
    let (old, new, dir) = become_another(&in_state("active"), &in_state("validating"));
    let kept = Kept::default().follow(&old);
    expect!["c.yaml:7:33: a is Active, and no connection goes from Active to Validating: write active"]
        .assert_eq(&strip(&kept.refusals(&new, None), &dir));
    expect!["c.yaml:7:33: a is Active, and no connection goes from Active to Validating: write active; moving state/connections.json away begins without what is known of connections"]
    .assert_eq(&strip(&kept.refusals(&new, Some("state/connections.json".as_ref())), &dir));
    let (old, new, dir) = become_another(&in_state("validating"), &in_state("active"));
    let kept = Kept::default().follow(&old);
    assert_eq!(strip(&kept.refusals(&new, None), &dir), "");
    assert_eq!(kept.follow(&new).connections["a"].state, ConnectionState::Active);
    // What is being provisioned is not deleted.
    let (old, new, dir) = become_another(&in_state("provisioning_started"), &with_peering(""));
    let kept = Kept::default().follow(&old);
    expect![[r#"
        c.yaml:1:1: a has gone, and a connection is not deleted in ProvisioningStarted: put it back until it is in another state"#]]
    .assert_eq(&strip(&kept.refusals(&new, None), &dir));
    assert_eq!(kept.follow(&new), Kept::default());
    let (old, new, dir) = become_another(
        &two("", "bandwidth_in_mbps: 20000, ", ""),
        &two("", "bandwidth_in_mbps: 10000, ", ""),
    );
    expect!["c.yaml:7:34: Downgrading bandwidth from 20000 to 10000 not supported: write 20000 or more"]
        .assert_eq(&strip(&Kept::default().follow(&old).refusals(&new, None), &dir));
    // Nor in two steps.
    let (unsaid, _) = plan(two("", "", ""));
    let kept = Kept::default().follow(&old).follow(&unsaid);
    assert_eq!(kept.connections["a"].bandwidth_in_mbps, Some(20_000));
    assert!(strip(&kept.refusals(&new, None), &dir).contains("Downgrading bandwidth from 20000 to 10000"));
}

fn of_type(direct_peering_type: DirectPeeringType) -> PolicyGroup {
    PolicyGroup { direct_peering_type, ..PolicyGroup::default() }
}

#[test]
fn what_is_kept_is_laid_over_the_config() {
    let (plan, _) = plan(two("", "", ""));
    let mut kept = Kept::default().follow(&plan);
    assert_eq!(kept.overlaid(&plan), plan);
    let voice = of_type(DirectPeeringType::Voice);
    let a = kept.connections.get_mut("a").unwrap();
    *a = KeptConnection { policy_group: voice, ..a.clone() };
    let b = kept.connections.get_mut("b").unwrap();
    let change = Some(Change { to: voice, phase: Phase::Draining });
    *b = KeptConnection { state: ConnectionState::TypeChangeInProgress, change, ..b.clone() };
    let over = kept.overlaid(&plan);
    let state = |session: &Arc<SessionPlan>| (session.deny_all(), session.policy_group);
    let drained = DenyAll::NotActive(ConnectionState::TypeChangeInProgress);
    assert_eq!(state(&over.sessions[0]), (Some(DenyAll::NeedsBfd), voice));
    assert_eq!(state(&over.sessions[3]), (Some(drained), PolicyGroup::default()));
    assert_eq!(over.peerings[0].direct_peering_type, DirectPeeringType::Edge, "one of two");
    // The config says what it said: all goes on.
    assert_eq!(kept.follow(&plan), kept);
    // Both are changed: so is the peering.
    let b = kept.connections.get_mut("b").unwrap();
    *b = KeptConnection { state: ConnectionState::Active, policy_group: voice, change: None, ..b.clone() };
    assert_eq!(kept.overlaid(&plan).peerings[0].direct_peering_type, DirectPeeringType::Voice);
}

#[test]
fn a_type_changes_by_the_command_and_the_config_follows() {
    let edge = two("", "", "");
    let typed = |name: &str| two(&format!("  direct_peering_type: {name}\n"), "", "");
    let (old, new, dir) = become_another(&edge, &typed("voice"));
    let mut kept = Kept::default().follow(&old);
    expect![[r#"
        c.yaml:8:12: a is of type Edge, and the config has voice: write direct_peering_type: edge, and change connection by connection with `peeringd type-change a voice`
        c.yaml:9:12: b is of type Edge, and the config has voice: write direct_peering_type: edge, and change connection by connection with `peeringd type-change b voice`"#]]
    .assert_eq(&strip(&kept.refusals(&new, None), &dir));
    for connection in kept.connections.values_mut() {
        connection.policy_group = of_type(DirectPeeringType::Voice);
    }
    assert_eq!(strip(&kept.refusals(&old, None), &dir), "", "as before");
    assert_eq!(strip(&kept.refusals(&new, None), &dir), "", "as it is");
    let followed = kept.follow(&new);
    assert_eq!(followed.connections["a"].configured, of_type(DirectPeeringType::Voice));
    let (_, third, dir) = become_another(&edge, &typed("transit"));
    assert!(
        strip(&kept.refusals(&third, None), &dir).contains("a is of type Voice, and the config has transit")
    );
    // Nobody's turn comes who is not Active any more.
    kept.queue.push_back(TypeChange { connection: "a".into(), to: PolicyGroup::default() });
    assert_eq!(kept.follow(&old).queue.len(), 1);
    let (_, failed, _dir) = become_another(&edge, &two("", "connection_state: provisioning_failed, ", ""));
    assert_eq!(kept.follow(&failed).queue.len(), 0);
}

/// What the process was down for, and a file from before peers were kept.
#[test]
fn f26_no_step_is_got_around_by_another_name_while_the_daemon_is_down() {
    let in_state = |state: &str| two("", &format!("connection_state: {state}, "), "");
    let renamed = |text: String| text.replace("name: a,", "name: z,");
    let (old, new, dir) = become_another(&in_state("active"), &renamed(in_state("validating")));
    let kept = Kept::default().follow(&old);
    let file = Some("state/connections.json".as_ref());
    expect![[r#"
        c.yaml:7:33: a session of a is one of z now, and the state of the first is Active, not Validating: let a new name be the only change, or take the session away, reload, and add it then; moving state/connections.json away begins without what is known of connections"#]]
    .assert_eq(&strip(&kept.refusals(&new, file), &dir));
    let (same, _) = plan(renamed(in_state("active")));
    assert_eq!(kept.refusals(&same, file).0.len(), 0, "a new name alone");
    let mut json = serde_json::to_value(&kept).unwrap();
    for connection in json["connections"].as_object_mut().unwrap().values_mut() {
        assert!(connection.as_object_mut().unwrap().remove("peers").is_some());
    }
    let before: Kept = serde_json::from_value(json).unwrap();
    assert_eq!(strip(&before.refusals(&new, file), &dir), "", "nobody knows");
    assert_eq!(before.follow(&old), kept, "from then on it is");
}

#[test]
fn while_a_type_changes_nothing_else_of_the_peering_does() {
    let before = two("", "", "");
    let cases = [
        (before.clone(), true),
        (before.replace("104.44.14.34/31", "104.44.14.34/31, hold_time: 30"), false),
        (two("", "connection_state: provisioning_failed, ", ""), true),
        (before.replace("rib: rib", "rib: other"), true),
    ];
    for (text, is_fine) in cases {
        let (old, new, dir) = become_another(&before, &text);
        let mut kept = Kept::default().follow(&old);
        assert_eq!(kept.disturbed(&old, &new), crate::rib::Findings::default());
        let a = kept.connections.get_mut("a").unwrap();
        let change = Some(Change { to: of_type(DirectPeeringType::Voice), phase: Phase::Draining });
        *a = KeptConnection { state: ConnectionState::TypeChangeInProgress, change, ..a.clone() };
        let said = strip(&kept.disturbed(&old, &new), &dir);
        assert_eq!(said.is_empty(), is_fine, "{said}");
        assert_eq!(strip(&kept.refusals(&new, None), &dir), "");
        let still = kept.follow(&new).connections["a"].change.is_some();
        assert_eq!(still, !text.contains("provisioning_failed"));
    }
}

#[test]
fn a_new_name_gets_around_nothing() {
    let first = "connection_state: validating, bandwidth_in_mbps: 20000, ";
    let before = two("", first, "");
    let renamed = |text: &str| text.replace("name: a,", "name: c,");
    let (old, new, dir) = become_another(&before, &renamed(&before));
    let mut kept = Kept::default().follow(&old);
    assert_eq!(strip(&kept.reload_refusals(&old, &new), &dir), "", "as it is");
    for (text, why) in [
        (before.replace("validating", "active"), "the state of the first is Validating, not Active"),
        (before.replace("20000", "10000"), "the bandwidth of the first is 20000, not 10000"),
        (
            two("  direct_peering_type: voice\n", first, ""),
            "a session of a is one of c now, and the type of the first is",
        ),
    ] {
        let (old, new, dir) = become_another(&before, &renamed(&text));
        let said = strip(&kept.reload_refusals(&old, &new), &dir);
        assert!(said.contains(why), "{said}");
    }
    let (old, new, dir) = become_another(&before, &renamed(&before));
    kept.queue.push_back(TypeChange { connection: "a".into(), to: PolicyGroup::default() });
    assert!(strip(&kept.reload_refusals(&old, &new), &dir).contains("the type of the first is changing"));
    // A legacy peering neither.
    let legacy = two("  legacy: true\n", "", "");
    let (old, new, dir) = become_another(&legacy, &two("", "", "").replace("name: p\n", "name: q\n"));
    expect![[r#"
        c.yaml:4:3: sessions of p are under q while the legacy peering p is converted: modifications aren't supported: set it back, take legacy away, reload, and change it then"#]]
    .assert_eq(&strip(&changes(&old, &new).refused, &dir));
}

fn with_rib(config: &str, rib: &str) -> String {
    let dir = folder(config);
    fs::write(dir.path().join("rib"), rib).unwrap();
    let (_, _, warnings) =
        load_with_rib(&dir.path().join("c.yaml")).unwrap_or_else(|errors| panic!("{errors}"));
    strip(&warnings, &dir)
}

/// Two peerings for Peering Service, in two places.
fn two_places(second: &str) -> String {
    let first = "  peering_service: true\n  peering_location: Ashburn\n";
    let other = two(&format!("{first}{second}"), "", "");
    let other = &other[other.find("- name: p").unwrap()..];
    let other = ["name: p", "name: a", "name: b"]
        .iter()
        .fold(other.to_owned(), |text, name| text.replace(name, &format!("{name}2")))
        .replace("Ashburn", "London")
        .replace("4.68.74.180", "4.68.74.184")
        .replace("14.34", "14.36")
        .replace("::2044", "::2144")
        .replace("::2050", "::2150");
    two(first, "", "") + &other
}

#[test]
fn f13_peerings_for_peering_service_are_told_the_same_everywhere() {
    let same = "routes:\n- prefixes: [13.64.0.0/11]\n";
    assert_eq!(with_rib(&two_places(""), same), "");
    let specific = format!("{same}- peering_locations: [London]\n  prefixes: [20.33.0.0/16]\n");
    expect!["c.yaml:11:3: warning: p2 is told prefixes that p is not, at rib:3: Peering Service has the same set at all locations: lift the group's restriction, or write own_announcements: true where another set was agreed"]
    .assert_eq(&with_rib(&two_places(""), &specific));
    assert_eq!(with_rib(&two_places("  own_announcements: true\n"), &specific), "");
}

#[test]
fn the_announcement_budget_is_warned_of() {
    let rib = |count: u32| {
        let prefixes: Vec<String> = (0..count).map(|n| format!("20.{}.{}.0/24", n / 256, n % 256)).collect();
        format!("routes:\n- prefixes: [{}]\n", prefixes.join(", "))
    };
    assert_eq!(with_rib(&two_places(""), &rib(399)), "");
    expect![[r#"
        c.yaml:4:3: warning: p and 1 more are told 400 IPv4 and 0 IPv6 prefixes, and a partner may allow no more than 400 to 500: see that its limits are higher; policy.announcement_note is from when this is said"#]]
    .assert_eq(&with_rib(&two_places(""), &rib(400)));
    expect![[r#"
        c.yaml:4:3: warning: p and 1 more are told 2001 IPv4 and 0 IPv6 prefixes, past the 2000 and 500 that peers are told to allow: aggregate the RIB, or raise policy.announcement_budget_v4 and _v6 with what the peers allow"#]]
    .assert_eq(&with_rib(&two_places(""), &rib(2001)));
    assert_eq!(with_rib(&(two_places("") + "policy: {announcement_note: 900}\n"), &rib(899)), "");
}

#[test]
fn a_connection_of_one_family_beside_one_of_both_is_warned_of() {
    let text = with_peering(
        "  connections:\n  - {name: a, bgp_session: {session_prefix_v4: 4.68.74.180/30, session_prefix_v6: '2a01::/64'}}\n  \
         - {name: b, bgp_session: {session_prefix_v4: 4.68.74.184/30}}\n",
    );
    expect![
        "c.yaml:8:12: warning: b carries IPv4 only: add IPv6 sessions: both are expected at every location"
    ]
    .assert_eq(&said(text));
}
