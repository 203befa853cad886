//! What `peeringd partner-config` writes, in the router that it is for: the sessions come up, the router holds the whole set,
//! and what is registered arrives as Microsoft asks for it. Against a Microsoft that misbehaves, its filters hold.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ipnet::IpNet;
use serde_json::{Value, json};

use crate::bird::Bird;
use crate::exabgp::Exabgp;
use crate::frr::Frr;
use crate::gobgp::Gobgp;
use crate::openbgpd::Openbgpd;
use crate::peering_service::registered_prefix;
use crate::router::{Router, fill};
use crate::scenario::IN_SYNC;
use crate::support::daemon::{Daemon, Dials, Sessions, Setup, partner_config};
use crate::support::lab::{Lab, Site};
use crate::support::process::{installed, output};
use crate::support::rib::{Rib, same_table};
use crate::support::wait::{equal, stays, until};
use crate::transport::{KEY, over_link_local, with_md5};

const REGISTERED: [&str; 3] = ["8.23.254.0/24", "8.24.16.0/23", "2001:1900:1::/48"];

/// A router that starts by what `partner-config` wrote.
pub(crate) trait Configured: Router {
    /// Its name at `--for`.
    const NAME: &'static str;

    fn configured(lab: &Lab, site: &Site, config: &str) -> Self;
}

impl Configured for Bird {
    const NAME: &'static str = "bird";

    fn configured(lab: &Lab, site: &Site, config: &str) -> Self {
        Self::run(&[], lab, site, config)
    }
}

impl Configured for Frr {
    const NAME: &'static str = "frr";

    fn configured(lab: &Lab, site: &Site, config: &str) -> Self {
        Self::load(lab, site, config)
    }
}

impl Configured for Gobgp {
    const NAME: &'static str = "gobgp";

    /// And gives it the routes that the config names the commands for.
    fn configured(lab: &Lab, site: &Site, config: &str) -> Self {
        let gobgp = Self::run(lab, site, config);
        let commands: Vec<_> = config.lines().filter_map(|line| line.strip_prefix("# gobgp ")).collect();
        assert!(!commands.is_empty(), "{config}");
        for command in commands {
            until("gobgp to take a route", IN_SYNC, || gobgp.ask(command));
        }
        gobgp
    }
}

impl Configured for Openbgpd {
    const NAME: &'static str = "openbgpd";

    fn configured(lab: &Lab, site: &Site, config: &str) -> Self {
        Self::run(lab, site, config)
    }
}

impl Configured for Exabgp {
    const NAME: &'static str = "exabgp";

    /// With a process beside it that hears what ExaBGP hears, since it keeps nothing of that itself.
    fn configured(lab: &Lab, site: &Site, config: &str) -> Self {
        let api =
            "    api { processes [ table ]; neighbor-changes; receive { parsed; update; } }\n    family {";
        let listen = [site.peer_v4(), site.peer_v6()];
        Self::run(lab, &site.netns, &listen, &config.replace("    family {", api))
    }
}

/// A config of the lab with registered prefixes.
fn registered(config: &str) -> String {
    let at = "    peer_asn:";
    let prefixes: Vec<_> = REGISTERED.iter().map(|prefix| format!("\"{prefix}\"")).collect();
    let keys = format!("    peering_service: true\n    registered_prefixes: [{}]\n", prefixes.join(", "));
    assert!(config.contains(at), "{config}");
    config.replace(at, &format!("{keys}{at}"))
}

const SETUP: Setup = Setup::dialled_by(Dials::Both);

/// Microsoft's policy is none of these, and a config may ask for them all the same.
const ROLE_AND_GTSM: Setup = SETUP.with_keys("local_role: peer; strict_role: true; ttl_security_hops: 1");
const GTSM: Setup = SETUP.with_keys("ttl_security_hops: 1");

const fn both_over(sessions: Sessions) -> Setup {
    Setup { sessions, ..SETUP }
}

/// The sessions of a lab's site: name, and the partner's address that each family's routes go by way of.
fn sessions(site: &Site, setup: Setup) -> Vec<(String, Vec<IpAddr>)> {
    let name = |version: &str| format!("{}-{version}", site.connection());
    match setup.sessions {
        Sessions::EachItsOwn => vec![(name("v4"), vec![site.peer_v4()]), (name("v6"), vec![site.peer_v6()])],
        Sessions::BothOnIpv4 => vec![(name("v4"), vec![site.peer_v4(), site.peer_v6()])],
        Sessions::BothOnIpv6 => vec![(name("v6"), vec![site.peer_v6(), site.peer_v6()])],
    }
}

/// The router, by what is written for it, comes up with peeringd, holds the whole set, and announces what is registered so
/// that it becomes Verified.
fn works<R: Configured>(setup: Setup) {
    let lab = Lab::new(1);
    let daemon = Daemon::start_changed(&lab, setup, &Rib::shipped(), |config, _| registered(&config));
    let site = lab.site();
    let (v4, v6) = (site.peer_v4().to_string(), site.peer_v6().to_string());
    let options: &[&str] = match setup.sessions {
        Sessions::EachItsOwn => &[],
        Sessions::BothOnIpv4 => &["--next-hop", &v6],
        Sessions::BothOnIpv6 => &["--router-id", &v4],
    };
    let config = daemon.partner_config(&site.connection(), R::NAME, options);
    let router = R::configured(&lab, site, &config);
    daemon.wait_established(IN_SYNC);
    holds(&router, &lab, setup);
    for (session, hops) in sessions(site, setup) {
        until("what is registered to arrive", IN_SYNC, || arrived(&daemon, &session, &hops, site.asn()));
    }
    wait_verified(&daemon);
}

/// Waits until all that is registered is Verified.
#[track_caller]
fn wait_verified(daemon: &Daemon) {
    for prefix in REGISTERED {
        until("the prefix to be Verified", IN_SYNC, || match registered_prefix(daemon, prefix)? {
            (state, None, Some(_)) if state == "Verified" => Ok(()),
            other => Err(format!("{prefix}: {other:?}")),
        });
    }
}

/// With the MD5 key where the config says that it goes, which is not in it by itself.
fn works_with_md5<R: Configured>() {
    let lab = Lab::new(1);
    let daemon = Daemon::start_changed(&lab, SETUP, &Rib::shipped(), |config, folder| {
        with_md5(&registered(&config), folder, KEY)
    });
    let config = daemon.partner_config(&lab.site().connection(), R::NAME, &[]);
    assert!(!config.contains(KEY), "{config}");
    let keyed: Vec<_> = config.lines().map(with_key).collect();
    assert_eq!(keyed.iter().filter(|line| line.contains(KEY)).count(), 2, "{config}");
    let _router = R::configured(&lab, lab.site(), &(keyed.join("\n") + "\n"));
    daemon.wait_established(IN_SYNC);
    wait_verified(&daemon);
}

/// The line that a comment says the key goes into, with the key; any other as it is.
fn with_key(line: &str) -> String {
    match line.trim_start_matches([' ', '\t', '#', '!']).split_once("  <- the TCP-MD5 key") {
        Some((statement, _)) => statement.replace("KEY", KEY),
        None => line.to_owned(),
    }
}

/// With the name of the router's own interface, which the config does not know, and whatever else the router wants.
fn works_over_link_local<R: Configured>(prepare: fn(&mut R, &Lab)) {
    let lab = Lab::new(1);
    lab.link_local(lab.site());
    let daemon = Daemon::start_changed(&lab, SETUP, &Rib::shipped(), |config, _| {
        over_link_local(&registered(&config), &lab, Some("2001:1900:2100::2"))
    });
    let config = daemon.partner_config(&lab.site().connection(), R::NAME, &["--interface", "microsoft"]);
    let mut router = R::configured(&lab, lab.site(), &config);
    prepare(&mut router, &lab);
    daemon.wait_established(IN_SYNC);
    until("the router to hold all", IN_SYNC, || {
        let mut table = router.table()?;
        table.retain(|prefix, _| !REGISTERED.contains(&prefix.to_string().as_str()));
        equal(&table.len(), &(354 + 14))
    });
    wait_verified(&daemon);
}

/// Waits until the router holds the RIB; some list their own routes too.
#[track_caller]
fn holds<R: Router>(router: &R, lab: &Lab, setup: Setup) {
    let (v4, v6) = (lab.site().our_v4(), lab.site().our_v6());
    let v4 = if setup.sessions == Sessions::BothOnIpv6 { v6 } else { v4 };
    let wanted = Rib::shipped().table(v4, v6);
    until("the router to hold the table", IN_SYNC, || {
        let mut table = router.table()?;
        for prefix in REGISTERED {
            table.remove(&prefix.parse::<IpNet>().unwrap());
        }
        same_table(&table, &wanted)
    });
}

/// Whether a session has exactly what is registered of its families, each as Microsoft asks for it. Over one session that is
/// IPv4 and then IPv6, by way of the second address.
fn arrived(daemon: &Daemon, session: &str, hops: &[IpAddr], asn: u32) -> Result<(), String> {
    let routes = daemon.show(&["received", session])?;
    let mut found: Vec<Value> = routes.as_array().cloned().unwrap_or_default();
    for route in &mut found {
        let whole = route.as_object_mut().ok_or("no route")?;
        whole.retain(|key, _| ["prefix", "nextHop", "asPath", "communities"].contains(&key.as_str()));
    }
    let hop = |prefix: &str| match hops {
        [v4, v6] => Some(if prefix.contains(':') { v6 } else { v4 }),
        [hop] => Some(hop).filter(|hop| hop.is_ipv6() == prefix.contains(':')),
        _ => None,
    };
    let route = |prefix: &&str| {
        let hop = hop(prefix)?;
        Some(json!({
            "prefix": prefix,
            "nextHop": hop.to_string(),
            "asPath": asn.to_string(),
            "communities": ["8075:8007"],
        }))
    };
    equal(&found, &REGISTERED.iter().filter_map(route).collect())
}

/// A Microsoft that announces what it should, and what it never does.
const MISBEHAVING: &str = "
template {
    neighbor partner {
        local-as 8075;
        peer-as @ASN@;
        router-id 192.0.2.9;
        hold-time 9;
    }
}
neighbor @PEER_V4@ {
    inherit partner;
    local-address @OUR_V4@;
    family {
        ipv4 unicast;
    }
    announce {
        ipv4 {
            unicast 13.64.0.0/11 next-hop self;
            unicast 13.96.0.0/13 next-hop self as-path [ 8075 12076 ];
            unicast 13.104.0.0/14 next-hop self as-path [ 8075 12076 64496 ];
            unicast 0.0.0.0/0 next-hop self;
        }
    }
}
neighbor @PEER_V6@ {
    inherit partner;
    local-address @OUR_V6@;
    family {
        ipv6 unicast;
    }
    announce {
        ipv6 {
            unicast 2603:1000::/24 next-hop self;
            unicast 2a01:111::/32 next-hop self as-path [ 8075 12076 ];
            unicast ::/0 next-hop self;
        }
    }
}
";

/// Of all that Microsoft may announce, no default route is used, and none by way of AS12076.
fn filters<R: Configured>() {
    let lab = Lab::new(1);
    let (site, folder) = (lab.site(), lab.folder("peeringd"));
    let file = folder.join("peeringd.yaml");
    fs::write(&file, registered(&Daemon::config(&lab, &folder, &lab.sites, SETUP))).unwrap();
    let text = fill(MISBEHAVING, site, SETUP, &[]);
    let _microsoft = Exabgp::run(&lab, &lab.ours, &[site.our_v4(), site.our_v6()], &text);
    let router = R::configured(&lab, site, &partner_config(&file, &site.connection(), R::NAME, &[]));
    let good_alone = || {
        let mut held: Vec<_> = router.table()?.into_keys().map(|prefix| prefix.to_string()).collect();
        held.retain(|prefix| !REGISTERED.contains(&prefix.as_str()));
        equal(&held, &vec!["13.64.0.0/11".to_owned(), "2603:1000::/24".to_owned()])
    };
    until("the good routes", IN_SYNC, good_alone);
    stays("the good routes alone", Duration::from_secs(2), good_alone);
}

/// Two connections' configs, joined as their headers say.
fn joined(router: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("peeringd.yaml");
    let text = "\
router: { router_id: 192.0.2.1 }
rib: rib.yaml
peerings:
- name: contoso
  peering_service: true
  peer_asn: 3356
  registered_prefixes: [8.23.254.0/24, '2001:1900:1::/48']
  connections:
  - name: contoso-1
    bgp_session: { session_prefix_v4: 4.68.74.180/30, session_prefix_v6: '2001:1900:2100::/126' }
  - name: contoso-2
    bgp_session: { session_prefix_v4: 4.68.74.184/30, session_prefix_v6: '2001:1900:2100:1::/126' }
";
    fs::write(&file, text).unwrap();
    let first = partner_config(&file, "contoso-1", router, &[]);
    let second = partner_config(&file, "contoso-2", router, &[]);
    match second.split_once("# Once a router.\n") {
        Some((head, rest)) => {
            let (_, rest) = rest.split_once("\n\n").unwrap();
            format!("{first}{head}\n{rest}")
        }
        None => first + &second,
    }
}

/// A router's own check of a config takes what is written for it: of every kind, and of two connections joined.
fn passes(router: &str, program: &str, arguments: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/partner_config/expected");
    let texts = ["plain", "everything", "route-server"]
        .map(|kind| fs::read_to_string(expected.join(format!("{kind}.{router}"))).unwrap());
    for text in texts.into_iter().chain([joined(router)]) {
        let file = dir.path().join("config");
        fs::write(&file, &text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let said = output(Command::new(program).args(arguments).arg(&file))
            .unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert!(!said.contains('%'), "{said}\n{text}");
    }
}

mod tests {
    use super::*;

    #[test]
    fn bird_runs_what_is_written_for_it() {
        works::<Bird>(SETUP);
    }

    #[test]
    fn frr_runs_what_is_written_for_it() {
        works::<Frr>(SETUP);
    }

    #[test]
    fn gobgp_runs_what_is_written_for_it() {
        works::<Gobgp>(SETUP);
    }

    #[test]
    fn openbgpd_runs_what_is_written_for_it() {
        works::<Openbgpd>(SETUP);
    }

    #[test]
    fn exabgp_runs_what_is_written_for_it() {
        works::<Exabgp>(SETUP);
    }

    #[test]
    fn bird_has_the_role_and_the_ttl_that_are_asked_for() {
        works::<Bird>(ROLE_AND_GTSM);
    }

    #[test]
    fn frr_has_the_role_and_the_ttl_that_are_asked_for() {
        works::<Frr>(ROLE_AND_GTSM);
    }

    #[test]
    fn openbgpd_has_the_role_and_the_ttl_that_are_asked_for() {
        works::<Openbgpd>(ROLE_AND_GTSM);
    }

    #[test]
    fn gobgp_has_the_ttl_that_is_asked_for() {
        works::<Gobgp>(GTSM);
    }

    #[test]
    fn exabgp_has_the_ttl_that_is_asked_for() {
        works::<Exabgp>(GTSM);
    }

    #[test]
    fn bird_carries_both_families_on_one_session() {
        works::<Bird>(both_over(Sessions::BothOnIpv4));
        works::<Bird>(both_over(Sessions::BothOnIpv6));
    }

    #[test]
    fn frr_carries_both_families_on_one_session() {
        works::<Frr>(both_over(Sessions::BothOnIpv4));
        works::<Frr>(both_over(Sessions::BothOnIpv6));
    }

    #[test]
    fn gobgp_carries_both_families_on_one_session() {
        works::<Gobgp>(both_over(Sessions::BothOnIpv4));
        works::<Gobgp>(both_over(Sessions::BothOnIpv6));
    }

    #[test]
    fn exabgp_carries_both_families_on_one_session() {
        works::<Exabgp>(both_over(Sessions::BothOnIpv4));
        works::<Exabgp>(both_over(Sessions::BothOnIpv6));
    }

    #[test]
    fn bird_takes_the_md5_key_where_it_is_said_to_go() {
        works_with_md5::<Bird>();
    }

    #[test]
    fn frr_takes_the_md5_key_where_it_is_said_to_go() {
        works_with_md5::<Frr>();
    }

    #[test]
    fn gobgp_takes_the_md5_key_where_it_is_said_to_go() {
        works_with_md5::<Gobgp>();
    }

    #[test]
    fn openbgpd_takes_the_md5_key_where_it_is_said_to_go() {
        works_with_md5::<Openbgpd>();
    }

    #[test]
    fn exabgp_takes_the_md5_key_where_it_is_said_to_go() {
        works_with_md5::<Exabgp>();
    }

    #[test]
    fn bird_speaks_over_link_local_addresses() {
        works_over_link_local::<Bird>(|_, _| {});
    }

    /// FRR 8.4 never gets over its look-up of a next hop where the neighbor is a link-local address. By its interface it does.
    #[test]
    fn frr_speaks_over_link_local_addresses() {
        works_over_link_local::<Frr>(Frr::advertise_router);
    }

    #[test]
    fn gobgp_speaks_over_link_local_addresses() {
        works_over_link_local::<Gobgp>(|_, _| {});
    }

    #[test]
    fn openbgpd_speaks_over_link_local_addresses() {
        works_over_link_local::<Openbgpd>(|_, _| {});
    }

    #[test]
    fn openbgpd_carries_both_families_on_one_session() {
        works::<Openbgpd>(both_over(Sessions::BothOnIpv4));
    }

    #[test]
    fn bird_takes_no_default_and_nothing_by_way_of_expressroute() {
        filters::<Bird>();
    }

    #[test]
    fn frr_takes_no_default_and_nothing_by_way_of_expressroute() {
        filters::<Frr>();
    }

    #[test]
    fn gobgp_takes_no_default_and_nothing_by_way_of_expressroute() {
        filters::<Gobgp>();
    }

    #[test]
    fn openbgpd_takes_no_default_and_nothing_by_way_of_expressroute() {
        filters::<Openbgpd>();
    }

    #[test]
    fn each_routers_own_check_takes_every_config() {
        passes("bird", &installed(&["/usr/sbin/bird"], "bird2"), &["-p", "-c"]);
        passes("frr", &installed(&["/usr/bin/vtysh"], "frr"), &["-C", "-f"]);
        passes("gobgp", &installed(&["/usr/bin/gobgpd"], "gobgpd"), &["-d", "-t", "toml", "-f"]);
        passes("openbgpd", &installed(&["/usr/sbin/bgpd"], "openbgpd"), &["-n", "-f"]);
        passes("exabgp", &installed(&["/usr/sbin/exabgp", "/usr/bin/exabgp"], "exabgp"), &["--validate"]);
    }
}
