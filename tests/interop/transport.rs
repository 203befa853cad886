//! What sessions ask of TCP, with routers that ask the same: TCP-MD5, GTSM, link-local addresses, ranges.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bird::Bird;
use crate::frr::Frr;
use crate::router::Router;
use crate::scenario::{IN_SYNC, NOTICED};
use crate::support::daemon::{Daemon, Dials, HOLD_TIME, Setup};
use crate::support::lab::Lab;
use crate::support::rib::{Rib, Route, same_table};
use crate::support::wait::{equal, stays, until};

pub(crate) const KEY: &str = "correct-horse";
const HOLD: Duration = Duration::from_secs(HOLD_TIME as u64);

/// A config with more keys in every `bgp_session`.
fn with_keys(config: &str, keys: &str) -> String {
    let last = format!("          hold_time: {HOLD_TIME}\n");
    assert!(config.contains(&last), "{config}");
    config.replace(&last, &format!("{last}{}", lines(10, keys)))
}

fn lines(indent: usize, text: &str) -> String {
    text.lines().map(|line| format!("{:indent$}{}\n", "", line.trim())).collect()
}

/// A config whose sessions have an MD5 key, from a file that is put beside it.
pub(crate) fn with_md5(config: &str, folder: &Path, key: &str) -> String {
    put_key(folder, key);
    with_keys(config, "md5_authentication_key_file: key") + "policy: { allow_md5: true }\n"
}

fn put_key(folder: &Path, key: &str) {
    let path = folder.join("key");
    fs::write(&path, format!("{key}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A router whose sessions have this MD5 key.
trait Md5: Router {
    fn start_keyed(lab: &Lab, setup: Setup, key: &str) -> Self;
}

/// A router whose sessions have GTSM with a peer one hop away.
trait Gtsm: Router {
    fn start_near(lab: &Lab, setup: Setup) -> Self;
}

impl Bird {
    /// One with a line more for both its sessions.
    fn start_with_line(lab: &Lab, setup: Setup, line: &str) -> Self {
        let passive = if setup.dials == Dials::Peeringd { "on" } else { "off" };
        let with_line = format!("passive {passive}; {line}");
        Self::start_with(lab, lab.site(), setup, &[("PASSIVE", &with_line)])
    }
}

impl Frr {
    /// One with a line more for both its sessions.
    fn start_with_line(lab: &Lab, setup: Setup, line: &str) -> Self {
        let ours = [lab.site().our_v4(), lab.site().our_v6()].map(|ip| ip.to_string());
        let more: String = ours.iter().map(|ip| format!("neighbor {ip} {line}\n ")).collect();
        Self::start_around(lab, lab.site(), setup, ["", &more], &ours[1])
    }
}

impl Md5 for Bird {
    fn start_keyed(lab: &Lab, setup: Setup, key: &str) -> Self {
        Self::start_with_line(lab, setup, &format!("password \"{key}\";"))
    }
}

impl Md5 for Frr {
    fn start_keyed(lab: &Lab, setup: Setup, key: &str) -> Self {
        Self::start_with_line(lab, setup, &format!("password {key}"))
    }
}

impl Gtsm for Bird {
    fn start_near(lab: &Lab, setup: Setup) -> Self {
        Self::start_with_line(lab, setup, "ttl security on;")
    }
}

impl Gtsm for Frr {
    fn start_near(lab: &Lab, setup: Setup) -> Self {
        Self::start_with_line(lab, setup, "ttl-security hops 1")
    }
}

/// The router holds the shipped RIB by the two usual sessions.
#[track_caller]
fn wait_for(router: &impl Router, lab: &Lab, rib: &Rib) {
    let wanted = rib.table(lab.site().our_v4(), lab.site().our_v6());
    until("the router to hold the table", IN_SYNC, || same_table(&router.table()?, &wanted));
}

fn transport(daemon: &Daemon, lab: &Lab, version: &str) -> Value {
    let name = format!("{}-{version}", lab.site().connection());
    daemon.show(&["session", &name]).unwrap()["transport"].clone()
}

/// No session comes up while a dial is tried several times.
#[track_caller]
fn stays_down(router: &impl Router, daemon: &Daemon, lab: &Lab) {
    until("the sessions to be there", IN_SYNC, || daemon.show(&["sessions"]).map(|_| ()));
    stays("no session", HOLD + Duration::from_secs(2), || {
        for session in daemon.show(&["sessions"])?.as_array().unwrap() {
            equal(&(session["state"] == "Established"), &false)?;
        }
        let views = [lab.site().our_v4(), lab.site().our_v6()].map(|ours| router.session(ours));
        // One that has just started may not answer yet; what it answers must not be a session.
        let up = views.iter().flatten().any(|view| view.is_established);
        equal(&up, &false)
    });
}

/// One key at both ends, whoever dials; the daemon shows that there is one, and nowhere which.
fn holds_with_md5<R: Md5>(dials: Dials) {
    let (lab, rib, setup) = (Lab::new(1), Rib::shipped(), Setup::dialled_by(dials));
    let start = || Daemon::start_changed(&lab, setup, &rib, |config, folder| with_md5(&config, folder, KEY));
    let (router, mut daemon) = match dials {
        Dials::Peeringd | Dials::Both => {
            let router = R::start_keyed(&lab, setup, KEY);
            (router, start())
        }
        Dials::Router => {
            let daemon = start();
            (R::start_keyed(&lab, setup, KEY), daemon)
        }
    };
    wait_for(&router, &lab, &rib);
    for version in ["v4", "v6"] {
        assert_eq!(transport(&daemon, &lab, version)["md5"], true);
        let name = format!("{}-{version}", lab.site().connection());
        assert!(!daemon.show(&["session", &name]).unwrap().to_string().contains(KEY));
    }
    assert!(!daemon.process().log().contains(KEY), "a key is never logged");
}

/// Another key, or none at one end.
fn stays_down_without_the_key<R: Md5 + Router>() {
    let (lab, rib, setup) = (Lab::new(1), Rib::shipped(), Setup::dialled_by(Dials::Both));
    let router = R::start_keyed(&lab, setup, "another");
    let daemon = Daemon::start_changed(&lab, setup, &rib, |config, folder| with_md5(&config, folder, KEY));
    stays_down(&router, &daemon, &lab);
    drop(router);
    let router = R::start(&lab, lab.site(), setup);
    stays_down(&router, &daemon, &lab);
    // It is the key and nothing else that kept them apart.
    put_key(daemon.folder(), "another");
    drop(router);
    let router = R::start_keyed(&lab, setup, "another");
    daemon.reload(&rib);
    wait_for(&router, &lab, &rib);
}

/// GTSM at both ends, whoever dials.
fn holds_with_gtsm<R: Gtsm>(dials: Dials) {
    let (lab, rib, setup) = (Lab::new(1), Rib::shipped(), Setup::dialled_by(dials));
    let start =
        || Daemon::start_changed(&lab, setup, &rib, |config, _| with_keys(&config, "ttl_security_hops: 1"));
    let (router, daemon) = match dials {
        Dials::Peeringd | Dials::Both => {
            let router = R::start_near(&lab, setup);
            (router, start())
        }
        Dials::Router => {
            let daemon = start();
            (R::start_near(&lab, setup), daemon)
        }
    };
    wait_for(&router, &lab, &rib);
    for version in ["v4", "v6"] {
        let shown = transport(&daemon, &lab, version);
        assert_eq!((&shown["ttlSecurityHops"], &shown["ttl"]), (&json!(1), &json!(255)), "{shown}");
    }
}

/// A router that sends with the TTL of one hop is not let in, and a session that is up is ended by a reload.
fn gtsm_at_our_end_alone_keeps_it_down<R: Router>() {
    let (lab, rib, setup) = (Lab::new(1), Rib::shipped(), Setup::dialled_by(Dials::Both));
    let router = R::start(&lab, lab.site(), setup);
    let daemon = Daemon::start(&lab, setup, &rib);
    wait_for(&router, &lab, &rib);
    assert_eq!(transport(&daemon, &lab, "v4")["ttl"], 1);
    daemon.reload_changed(|config| with_keys(&config, "ttl_security_hops: 1"));
    until("the routes to go", NOTICED, || same_table(&router.table()?, &std::collections::BTreeMap::new()));
    stays_down(&router, &daemon, &lab);
}

/// A config whose IPv6 session is over link-local addresses.
pub(crate) fn over_link_local(config: &str, lab: &Lab, next_hop: Option<&str>) -> String {
    let prefix = format!("          session_prefix_v6: \"{}\"\n", lab.site().subnet_v6());
    assert!(config.contains(&prefix), "{config}");
    let next_hop = next_hop.map(|ip| format!(", next_hop_v6: \"{ip}\"")).unwrap_or_default();
    let link_local = format!(
        "microsoft_session_ipv6_address: \"fe80::2\"\npeer_session_ipv6_address: \"fe80::1\"\nv6: {{ interface: peer0{next_hop} }}"
    );
    config.replace(&prefix, &lines(10, &link_local))
}

/// What the router must have of the IPv6 routes, and of the others as usual.
fn wanted(lab: &Lab, rib: &Rib, next_hop_v6: &str) -> crate::support::rib::Table {
    let mut table = rib.table(lab.site().our_v4(), lab.site().our_v6());
    for (_, route) in table.iter_mut().filter(|(prefix, _)| prefix.addr().is_ipv6()) {
        let Route { next_hop, .. } = route;
        *next_hop = next_hop_v6.parse().unwrap();
    }
    table
}

const LINK_LOCAL_BIRD: &str = "protocol bgp microsoft6 from microsoft {
    local fe80::1 as @ASN@;
    neighbor fe80::2%'microsoft' as 8075;
    ipv6 { import all; export where proto = \"own6\"; };
}";

/// FRR 8.4 waits for ever for the next hop of a neighbor by its link-local address, and takes one by its interface.
const LINK_LOCAL_FRR: &str = "neighbor microsoft interface v6only remote-as 8075";

/// What the router announces over link-local addresses is held, with whatever next hop it gives.
#[track_caller]
fn is_received(daemon: &Daemon, lab: &Lab, prefix: &str) {
    let name = format!("{}-v6", lab.site().connection());
    until("the router's route", IN_SYNC, || {
        let routes = daemon.show(&["received", &name])?;
        equal(&routes[0]["prefix"], &json!(prefix))
    });
}

fn bird_over_link_local(dials: Dials, next_hop: Option<&str>) -> (Lab, Bird, Daemon) {
    let (lab, setup) = (Lab::new(1), Setup::dialled_by(dials));
    lab.link_local(lab.site());
    let bird = Bird::start_with(&lab, lab.site(), setup, &[("IPV6_SESSION", LINK_LOCAL_BIRD)]);
    let daemon = Daemon::start_changed(&lab, setup, &Rib::shipped(), |config, _| {
        over_link_local(&config, &lab, next_hop)
    });
    (lab, bird, daemon)
}

fn frr_over_link_local(dials: Dials, next_hop: Option<&str>) -> (Lab, Frr, Daemon) {
    let (lab, setup) = (Lab::new(1), Setup::dialled_by(dials));
    lab.link_local(lab.site());
    let mut frr = Frr::start_around(&lab, lab.site(), setup, [LINK_LOCAL_FRR, ""], "microsoft");
    frr.advertise_router(&lab);
    let daemon = Daemon::start_changed(&lab, setup, &Rib::shipped(), |config, _| {
        over_link_local(&config, &lab, next_hop)
    });
    (lab, frr, daemon)
}

mod tests {
    use super::*;

    #[test]
    fn md5_with_bird_when_peeringd_dials() {
        holds_with_md5::<Bird>(Dials::Peeringd);
    }

    #[test]
    fn md5_with_bird_when_the_router_dials() {
        holds_with_md5::<Bird>(Dials::Router);
    }

    #[test]
    fn md5_with_frr_when_peeringd_dials() {
        holds_with_md5::<Frr>(Dials::Peeringd);
    }

    #[test]
    fn md5_with_frr_when_the_router_dials() {
        holds_with_md5::<Frr>(Dials::Router);
    }

    #[test]
    fn without_the_md5_key_bird_stays_down_and_a_reload_changes_it() {
        stays_down_without_the_key::<Bird>();
    }

    #[test]
    fn gtsm_with_bird_when_peeringd_dials() {
        holds_with_gtsm::<Bird>(Dials::Peeringd);
    }

    #[test]
    fn gtsm_with_bird_when_the_router_dials() {
        holds_with_gtsm::<Bird>(Dials::Router);
    }

    #[test]
    fn gtsm_with_frr_when_peeringd_dials() {
        holds_with_gtsm::<Frr>(Dials::Peeringd);
    }

    #[test]
    fn gtsm_with_frr_when_the_router_dials() {
        holds_with_gtsm::<Frr>(Dials::Router);
    }

    #[test]
    fn a_bird_without_gtsm_is_not_let_in() {
        gtsm_at_our_end_alone_keeps_it_down::<Bird>();
    }

    #[test]
    fn bird_over_link_local_addresses_has_both_next_hops() {
        for dials in [Dials::Peeringd, Dials::Router] {
            let (lab, bird, daemon) = bird_over_link_local(dials, Some("2001:1900:2100::2"));
            let rib = Rib::shipped();
            wait_for(&bird, &lab, &rib);
            let text = bird.ask("show route all where source = RTS_BGP").unwrap();
            assert!(text.contains("BGP.next_hop: 2001:1900:2100::2 fe80::2"), "{text}");
            is_received(&daemon, &lab, "2001:1900:1::/48");
        }
    }

    #[test]
    fn what_came_by_another_interface_is_refused() {
        let (lab, bird, mut daemon) = bird_over_link_local(Dials::Router, Some("2001:1900:2100::2"));
        let rib = Rib::shipped();
        wait_for(&bird, &lab, &rib);
        daemon.reload_changed(|config| config.replace("interface: peer0", "interface: lo"));
        until("the daemon to say so", IN_SYNC, || {
            let log = daemon.process().log();
            let told = log.contains("it came by peer0, and the session keeps to lo");
            if told { Ok(()) } else { Err("it has not".to_owned()) }
        });
        let name = format!("{}-v6", lab.site().connection());
        assert_ne!(daemon.session(&name).unwrap()["state"], "Established");
        let six = bird.table().unwrap().keys().filter(|prefix| prefix.addr().is_ipv6()).count();
        assert_eq!(six, 0);
    }

    #[test]
    fn bird_takes_a_link_local_next_hop_alone() {
        let (lab, bird, _daemon) = bird_over_link_local(Dials::Peeringd, None);
        let rib = Rib::shipped();
        until("the router to hold the table", IN_SYNC, || {
            let text = bird.ask("show route all where source = RTS_BGP")?;
            let alone = text.lines().filter(|l| l.contains("BGP.next_hop:") && l.contains("fe80::2")).count();
            let wanted = wanted(&lab, &rib, "fe80::2");
            let six = wanted.keys().filter(|prefix| prefix.addr().is_ipv6()).count();
            if alone == six { Ok(()) } else { Err(format!("{alone} of {six}: {text}")) }
        });
    }

    #[test]
    fn frr_over_link_local_addresses_has_both_next_hops() {
        for dials in [Dials::Peeringd, Dials::Router] {
            let (lab, frr, daemon) = frr_over_link_local(dials, Some("2001:1900:2100::2"));
            let rib = Rib::shipped();
            wait_for(&frr, &lab, &rib);
            let table = rib.table(lab.site().our_v4(), lab.site().our_v6());
            let prefix = table.keys().find(|prefix| prefix.addr().is_ipv6()).unwrap();
            let route = frr.ask_ipv6(&prefix.to_string()).unwrap();
            let hops = route["paths"][0]["nexthops"].as_array().unwrap();
            let has = |ip: &str| hops.iter().any(|hop| hop["ip"] == ip);
            assert!(has("2001:1900:2100::2") && has("fe80::2"), "{route:#}");
            daemon.wait_established(NOTICED);
        }
    }

    #[test]
    fn peers_out_of_a_range_come_and_go() {
        let (lab, rib, setup) = (Lab::new(2), Rib::shipped(), Setup::dialled_by(Dials::Router));
        let ours = lab.sites[0].our_v4();
        // The first site's session is one of a range, which its /30 lies in.
        let daemon = Daemon::start_changed(&lab, setup, &rib, |config, _| {
            let prefix = format!("          session_prefix_v4: {}\n", lab.sites[0].subnet_v4());
            let range = format!(
                "peer_range_v4: 4.68.74.128/26\nmicrosoft_session_ipv4_address: {ours}\npeer_limit: 1"
            );
            config.replace(&prefix, &lines(10, &range)) + "lab: true\n"
        });
        let name = format!("{}-v4-{}", lab.sites[0].connection(), lab.sites[0].peer_v4());
        until("the other sessions", IN_SYNC, || {
            let sessions = daemon.show(&["sessions"])?;
            equal(&sessions.as_array().unwrap().len(), &3)
        });
        let bird = Bird::start(&lab, &lab.sites[0], setup);
        wait_for(&bird, &lab, &rib);
        let shown = daemon.show(&["session", &name]).unwrap();
        assert_eq!(
            (&shown["state"], &shown["transport"]["range"]),
            (&json!("Established"), &json!("4.68.74.128/26"))
        );
        // Another session within the range is not of it, since it is named.
        let other = Bird::start(&lab, &lab.sites[1], setup);
        until("the named session", IN_SYNC, || {
            let wanted = rib.table(lab.sites[1].our_v4(), lab.sites[1].our_v6());
            same_table(&other.table()?, &wanted)
        });
        assert_eq!(daemon.session("contoso-1-v4").unwrap()["state"], "Established");
        lab.sites[0].netns.kill_all();
        until("the session to go", NOTICED, || match daemon.session(&name) {
            Ok(session) => Err(format!("{session:#}")),
            Err(_) => Ok(()),
        });
        let bird = Bird::start(&lab, &lab.sites[0], setup);
        wait_for(&bird, &lab, &rib);
    }
}
