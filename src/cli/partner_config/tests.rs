//! Every router's config of three connections, as files to read and compare; the real routers try theirs in `tests/interop/`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use clap::ValueEnum as _;
use expect_test::expect_file;

use super::*;

/// A direct link with a session of each family, and another connection beside it.
const PLAIN: &str = "\
router: { router_id: 192.0.2.1 }
rib: rib.yaml
peerings:
- name: contoso-ashburn
  peering_service: true
  peer_asn: 3356
  peering_location: Ashburn
  registered_prefixes: [8.24.16.0/23, {name: branch, prefix: 8.23.254.0/24}, '2001:1900:1::/48']
  connections:
  - name: contoso-ashburn-1
    bgp_session: { session_prefix_v4: 4.68.74.180/30, session_prefix_v6: '2001:1900:2100::/126' }
  - name: contoso-ashburn-2
    connection_state: validating
    bgp_session: { session_prefix_v4: 4.68.74.184/30 }
";

/// A lab's session with all that can be asked of one.
const EVERYTHING: &str = "\
lab: true
router: { router_id: 192.0.2.1, listen: ['[2001:db8::2]:1790'] }
rib: rib.yaml
policy: { allow_md5: true, announcement_budget_v4: 1000, announcement_budget_v6: 100 }
peerings:
- name: p
  peering_service: true
  peer_asn: 4200000001
  peering_location: 'Zürich */ } \\ # the \"cellar\"'
  registered_prefixes: [8.23.254.0/24, '2001:1900:1::/48']
  connections:
  - name: a.connection_of-63-characters-which-is-as-long-as-one-may-be...
    connection_state: provisioning_completed
    bgp_session:
      microsoft_session_ipv6_address: '2001:db8::2'
      peer_session_ipv6_address: '2001:db8:1::1'
      peer_port: 1791
      hold_time: 30
      families: [ipv4, ipv6]
      extended_next_hop: true
      local_role: provider
      strict_role: true
      ttl_security_hops: 2
      md5_authentication_key_file: 'key of contoso'
";

/// An exchange's route server, whose customers are registered by their ASNs, and which gives no IPv4 address.
const ROUTE_SERVER: &str = "\
router: { router_id: 192.0.2.1 }
rib: rib.yaml
peerings:
- name: ix
  direct_peering_type: ix_rs
  peering_service: true
  peer_asn: 6939
  registered_asns: [200700, 7018]
  connections:
  - name: rs1
    bgp_session:
    - { microsoft_session_ipv6_address: '2001:504:0:2::8075:1', peer_session_ipv6_address: '2001:504:0:2::6939:1' }
    - { microsoft_session_ipv6_address: '2001:504:0:2::8075:1', peer_session_ipv6_address: '2001:504:0:2::6939:2' }
";

fn arguments(folder: &Path, connection: &str, router: Router) -> PartnerConfigArgs {
    PartnerConfigArgs {
        connection: connection.to_owned(),
        router,
        config: folder.join("c.yaml"),
        out: None,
        router_id: None,
        interface: None,
        next_hop: Vec::new(),
        peer_address: Vec::new(),
    }
}

/// What the command writes, or says.
fn written(config: &str, change: impl FnOnce(&Path) -> PartnerConfigArgs) -> Result<String, String> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("c.yaml"), config).unwrap();
    let key = dir.path().join("key of contoso");
    fs::write(&key, "a secret").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let text = text(&change(dir.path()));
    text.map_err(|said| said.replace(&format!("{}/", dir.path().display()), ""))
}

fn three(router: Router) -> [String; 3] {
    let long = "a.connection_of-63-characters-which-is-as-long-as-one-may-be...";
    [
        written(PLAIN, |folder| arguments(folder, "contoso-ashburn-1", router)).unwrap(),
        written(EVERYTHING, |folder| PartnerConfigArgs {
            router_id: Some(Ipv4Addr::new(192, 0, 2, 2)),
            ..arguments(folder, long, router)
        })
        .unwrap(),
        written(ROUTE_SERVER, |folder| PartnerConfigArgs {
            router_id: Some(Ipv4Addr::new(198, 32, 0, 1)),
            peer_address: vec!["2001:504:0:2::6939:2".parse().unwrap()],
            ..arguments(folder, "rs1", router)
        })
        .unwrap(),
    ]
}

/// Two configs behind one another, as their headers say that they may be joined.
fn joined(router: Router) -> String {
    let one = |name: &str| written(PLAIN, |folder| arguments(folder, name, router)).unwrap();
    one("contoso-ashburn-1") + &one("contoso-ashburn-2")
}

#[test]
fn bird_is_told_in_its_own_language() {
    let [plain, everything, route_server] = three(Router::Bird);
    expect_file!["expected/plain.bird"].assert_eq(&plain);
    expect_file!["expected/everything.bird"].assert_eq(&everything);
    expect_file!["expected/route-server.bird"].assert_eq(&route_server);
}

#[test]
fn frr_is_told_in_its_own_language() {
    let [plain, everything, route_server] = three(Router::Frr);
    expect_file!["expected/plain.frr"].assert_eq(&plain);
    expect_file!["expected/everything.frr"].assert_eq(&everything);
    expect_file!["expected/route-server.frr"].assert_eq(&route_server);
}

#[test]
fn gobgp_is_told_in_its_own_language() {
    let [plain, everything, route_server] = three(Router::Gobgp);
    expect_file!["expected/plain.gobgp"].assert_eq(&plain);
    expect_file!["expected/everything.gobgp"].assert_eq(&everything);
    expect_file!["expected/route-server.gobgp"].assert_eq(&route_server);
}

#[test]
fn openbgpd_is_told_in_its_own_language() {
    let [plain, everything, route_server] = three(Router::Openbgpd);
    expect_file!["expected/plain.openbgpd"].assert_eq(&plain);
    expect_file!["expected/everything.openbgpd"].assert_eq(&everything);
    expect_file!["expected/route-server.openbgpd"].assert_eq(&route_server);
}

#[test]
fn exabgp_is_told_in_its_own_language() {
    let [plain, everything, route_server] = three(Router::Exabgp);
    expect_file!["expected/plain.exabgp"].assert_eq(&plain);
    expect_file!["expected/everything.exabgp"].assert_eq(&everything);
    expect_file!["expected/route-server.exabgp"].assert_eq(&route_server);
}

#[test]
fn ios_xr_is_told_in_its_own_language() {
    let [plain, everything, route_server] = three(Router::IosXr);
    expect_file!["expected/plain.ios-xr"].assert_eq(&plain);
    expect_file!["expected/everything.ios-xr"].assert_eq(&everything);
    expect_file!["expected/route-server.ios-xr"].assert_eq(&route_server);
    for text in [plain, everything, route_server, joined(Router::IosXr)] {
        ios_xr_blocks(&text);
    }
}

#[test]
fn junos_is_told_in_its_own_language() {
    let [plain, everything, route_server] = three(Router::Junos);
    expect_file!["expected/plain.junos"].assert_eq(&plain);
    expect_file!["expected/everything.junos"].assert_eq(&everything);
    expect_file!["expected/route-server.junos"].assert_eq(&route_server);
    for text in [plain, everything, route_server, joined(Router::Junos)] {
        junos_blocks(&text);
    }
}

/// Blocks of sets, policies and conditions end with their own words and contain what they may; all other blocks are deeper by
/// one than the line that opens them. Policies and sets are defined before they are used.
#[track_caller]
fn ios_xr_blocks(text: &str) {
    let (mut defined, mut open, mut depth) = (Vec::new(), Vec::new(), 0);
    for line in text.lines().filter(|line| !line.trim_start().starts_with('!')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let indent = line.len() - line.trim_start().len();
        assert!(indent <= depth + 1, "{line:?} is too deep");
        let ends = ["end-set", "end-policy", "endif"].contains(&words[0]);
        match words.as_slice() {
            ["prefix-set", name] => {
                open.push("end-set");
                defined.push((*name).to_owned());
            }
            ["route-policy", name] if indent == 0 => {
                open.push("end-policy");
                defined.push((*name).to_owned());
            }
            ["if", .., "then"] => {
                assert_eq!(open.last(), Some(&"end-policy"), "{line:?}");
                open.push("endif");
            }
            [end] if ends => assert_eq!(open.pop(), Some(*end), "{line:?}"),
            ["route-policy", name, "in" | "out"] => {
                assert!(open.is_empty() && defined.iter().any(|known| known == name), "{line:?}");
            }
            [first, ..] => {
                let in_policy = ["drop", "pass", "done", "set"].contains(first);
                let in_set = first.trim_end_matches(',').parse::<ipnet::IpNet>().is_ok() && words.len() == 1;
                let expected = match open.last() {
                    None => !in_policy && !in_set,
                    Some(&"end-set") => in_set,
                    Some(_) => in_policy,
                };
                assert!(expected, "{line:?} within {open:?}");
            }
            [] => panic!("an empty line"),
        }
        if let ["if", "destination", "in", set, "then"] = words.as_slice() {
            assert!(set.starts_with('(') || defined.iter().any(|known| known == set), "{line:?}");
        }
        depth = if ends { indent.saturating_sub(1) } else { indent };
    }
    assert!(open.is_empty(), "{open:?} is missing");
}

/// Every line is a statement, a begin or an end of a block; what a policy speaks of is defined, and every policy that a
/// session names.
#[track_caller]
fn junos_blocks(text: &str) {
    let mut depth = 0_usize;
    let mut defined = Vec::new();
    let code: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.starts_with('#')).collect();
    for line in &code {
        match line.chars().last() {
            Some('{') => depth += 1,
            Some('}') if *line == "}" => depth = depth.checked_sub(1).expect("a block to end"),
            Some(';') => assert!(!line.contains(['{', '}']), "{line}"),
            _ => panic!("{line:?} is no statement"),
        }
        assert_eq!(line.matches('"').count() % 2, 0, "{line}");
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["policy-statement" | "community" | "as-path", name, "{" | "members" | "\".*", ..] =
            words.as_slice()
        {
            defined.push((*name).to_owned());
        }
    }
    assert_eq!(depth, 0, "every block ends");
    for line in code {
        let words = line.trim_end_matches(';').split_whitespace();
        let words: Vec<&str> = words.filter(|word| !matches!(*word, "[" | "]")).collect();
        let named = match words.as_slice() {
            ["import" | "export", names @ ..] => names,
            ["as-path", names @ ..] if !line.contains('"') => names,
            ["community", "add", name] => std::slice::from_ref(name),
            _ => &[],
        };
        for name in named {
            assert!(defined.iter().any(|known| known == name), "{name} in {line}");
        }
    }
}

#[test]
fn no_text_of_the_config_gets_out_of_its_comment() {
    for router in Router::value_variants() {
        let [_, everything, _] = three(*router);
        let leader = if matches!(router, Router::Frr | Router::IosXr) { '!' } else { '#' };
        let lines: Vec<_> = everything.lines().filter(|line| line.contains("cellar")).collect();
        assert!(matches!(lines.as_slice(), [line] if line.starts_with(leader)), "{router:?}: {lines:?}");
        assert!(!everything.contains("a secret") && everything.contains("key of contoso"), "{router:?}");
        assert!(
            everything.is_ascii() && !everything.contains("\\\n") && !everything.contains("*/"),
            "{router:?}"
        );
    }
}

#[test]
fn a_connection_not_active_or_without_registered_prefixes_is_told_of() {
    let list = "[8.24.16.0/23, {name: branch, prefix: 8.23.254.0/24}, '2001:1900:1::/48']";
    let config = PLAIN.replace(list, "[]");
    assert_ne!(config, PLAIN);
    let text = written(&config, |folder| arguments(folder, "contoso-ashburn-2", Router::Bird)).unwrap();
    assert!(text.contains(
        "# The connection is Validating: sessions come up and carry no routes until it is Active.\n"
    ));
    assert!(text.contains("# Nothing is registered under the peering yet, so nothing is announced.\n"));
    assert!(text.contains("export none;") && !text.contains("8.24.16.0"), "{text}");
}

#[test]
fn a_range_and_link_local_sessions_need_what_only_the_partner_knows() {
    let config = "\
lab: true
router: { router_id: 192.0.2.1 }
rib: rib.yaml
peerings:
- name: p
  peer_asn: 65001
  connections:
  - name: range
    bgp_session: { peer_range_v4: 10.0.0.0/24, microsoft_session_ipv4_address: 10.0.0.1 }
  - name: local
    bgp_session:
      microsoft_session_ipv6_address: 'fe80::2'
      peer_session_ipv6_address: 'fe80::1'
      interface: eth0
  - name: none
";
    let said = |change: fn(&mut PartnerConfigArgs), name: &str| {
        written(config, |folder| {
            let mut args = arguments(folder, name, Router::Bird);
            change(&mut args);
            args
        })
    };
    let error = |change, name| said(change, name).unwrap_err();
    assert_eq!(
        error(|_| {}, "range"),
        "error: the connection range takes peers from 10.0.0.0/24: say which one this is, by --peer-address"
    );
    let elsewhere: fn(&mut PartnerConfigArgs) = |args| args.peer_address = vec!["10.0.1.7".parse().unwrap()];
    assert_eq!(
        error(elsewhere, "range"),
        "error: --peer-address 10.0.1.7 is no peer of the connection range, which has 10.0.0.0/24"
    );
    let text = said(|args| args.peer_address = vec!["10.0.0.7".parse().unwrap()], "range").unwrap();
    assert!(text.contains("protocol bgp 'range-v4-10.0.0.7' {\n    local 10.0.0.7 as 65001;"), "{text}");
    assert_eq!(
        error(|_| {}, "local"),
        "error: the session local-v6 is over link-local addresses: name the router's own interface, by --interface"
    );
    assert_eq!(
        error(|args| args.interface = Some("ge-0/0/0.0".to_owned()), "local"),
        "error: the peering gives the router no IPv4 address to be known by: choose one by --router-id"
    );
    assert_eq!(
        error(|_| {}, "none"),
        "error: the connection none has no session: give it a session prefix or addresses"
    );
    assert_eq!(
        error(|_| {}, "nine"),
        "error: there is no connection nine: the config has range, local, none"
    );
    assert_eq!(
        written(ROUTE_SERVER, |folder| arguments(folder, "rs1", Router::Frr)).unwrap_err(),
        "error: 2001:504:0:2::6939:1 and 2001:504:0:2::6939:2 are both peers of 2001:504:0:2::8075:1, so of two routers: \
         say which this is, by --peer-address"
    );
    assert!(
        written("{}", |folder| arguments(folder, "x", Router::Bird)).unwrap_err().starts_with("c.yaml:1:1: ")
    );
    for name in ["", "eth0; x", "a b", "x\"", "é"] {
        assert!(interface(name).is_err(), "{name}");
    }
    assert_eq!(interface("GigabitEthernet0/0/0/0.7").as_deref(), Ok("GigabitEthernet0/0/0/0.7"));
}

#[test]
fn an_option_without_a_meaning_is_refused_and_says_where_it_has_one() {
    let said = |config: &str, interface: Option<&str>, next_hops: &[&str]| {
        written(config, |folder| PartnerConfigArgs {
            interface: interface.map(str::to_owned),
            next_hop: next_hops.iter().map(|hop| hop.parse().unwrap()).collect(),
            ..arguments(folder, "contoso-ashburn-1", Router::Bird)
        })
    };
    assert_eq!(
        said(PLAIN, Some("eth0"), &[]).unwrap_err(),
        "error: --interface eth0 has no meaning: it is for sessions over link-local addresses (fe80::), and the connection \
         contoso-ashburn-1 has none: leave it out"
    );
    assert_eq!(
        said(PLAIN, None, &["4.68.74.181"]).unwrap_err(),
        "error: --next-hop 4.68.74.181 has no meaning: it is for ipv4 routes on a session over ipv6 without \
         extended_next_hop, and the connection contoso-ashburn-1 has none: leave it out"
    );
    let both = PLAIN.replace(
        "session_prefix_v6: '2001:1900:2100::/126' }",
        "v4: { families: [ipv4, ipv6], next_hop_v6: '2001:1900:2100::2' } }",
    );
    assert_ne!(both, PLAIN);
    let text = said(&both, None, &["2001:1900:2100::1"]).unwrap();
    assert!(
        text.contains("next hop address 2001:1900:2100::1") || text.contains("2001:1900:2100::1;"),
        "{text}"
    );
    assert_eq!(
        said(&both, None, &["2001:1900:2100::1", "2001:1900:2100::5"]).unwrap_err(),
        "error: --next-hop has two ipv6 addresses: give one, which holds for all sessions of the connection"
    );
    assert_eq!(
        said(&both, None, &["fe80::1"]).unwrap_err(),
        "error: --next-hop fe80::1 is link-local, and no next hop by itself: give a global address of the router's"
    );
    assert!(said(&both, None, &["4.68.74.181"]).unwrap_err().contains("ipv4 routes on a session over ipv6"));
}
