//! What `peeringd partner-config` writes, in the router that it is for: the sessions come up, the router holds the whole set,
//! and what is registered arrives as Microsoft asks for it. Against a Microsoft that misbehaves, its filters hold.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde_json::{Value, json};

use crate::bird::Bird;
use crate::exabgp::Exabgp;
use crate::frr::Frr;
use crate::gobgp::Gobgp;
use crate::openbgpd::Openbgpd;
use crate::router::{Router, fill};
use crate::scenario::{IN_SYNC, Pair};
use crate::support::daemon::{Daemon, Dials, Setup, partner_config};
use crate::support::lab::{Lab, Site};
use crate::support::rib::{Rib, same_table};
use crate::support::wait::{equal, stays, until};

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

/// peeringd, and the router as its config for the other end has it.
fn pair<R: Configured>() -> Pair<R> {
    let (lab, rib) = (Lab::new(1), Rib::shipped());
    let daemon = Daemon::start_changed(&lab, SETUP, &rib, |config, _| registered(&config));
    let config = daemon.partner_config(&lab.site().connection(), R::NAME);
    let router = R::configured(&lab, lab.site(), &config);
    Pair { router, daemon, lab }
}

fn works<R: Configured>() {
    let pair = pair::<R>();
    pair.daemon.wait_established(IN_SYNC);
    pair.wait_for_registered(&Rib::shipped());
    for (version, peer) in [("v4", pair.lab.site().peer_v4()), ("v6", pair.lab.site().peer_v6())] {
        let session = format!("{}-{version}", pair.lab.site().connection());
        let wanted: Vec<_> = REGISTERED.iter().filter(|p| p.contains(':') == peer.is_ipv6()).collect();
        until("what is registered to arrive", IN_SYNC, || {
            arrived(&pair.daemon, &session, &wanted, peer, pair.lab.site().asn())
        });
    }
}

/// Whether a session has exactly these routes of the partner's, each as Microsoft asks for it.
fn arrived(daemon: &Daemon, session: &str, wanted: &[&&str], peer: IpAddr, asn: u32) -> Result<(), String> {
    let routes = daemon.show(&["received", session])?;
    let mut found: Vec<Value> = routes.as_array().cloned().unwrap_or_default();
    for route in &mut found {
        let whole = route.as_object_mut().ok_or("no route")?;
        whole.retain(|key, _| ["prefix", "nextHop", "asPath", "communities"].contains(&key.as_str()));
    }
    let route = |prefix: &&&str| json!({ "prefix": prefix, "nextHop": peer.to_string(), "asPath": asn.to_string(), "communities": ["8075:8007"] });
    equal(&found, &wanted.iter().map(route).collect())
}

impl<R: Router> Pair<R> {
    /// Waits until the router holds the RIB; some list their own routes too.
    #[track_caller]
    fn wait_for_registered(&self, rib: &Rib) {
        let wanted = self.wanted(rib);
        until("the router to hold the table", IN_SYNC, || {
            let mut table = self.router.table()?;
            for prefix in REGISTERED {
                table.remove(&prefix.parse::<IpNet>().unwrap());
            }
            same_table(&table, &wanted)
        });
    }
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
    let router = R::configured(&lab, site, &partner_config(&file, &site.connection(), R::NAME));
    let good_alone = || {
        let mut held: Vec<_> = router.table()?.into_keys().map(|prefix| prefix.to_string()).collect();
        held.retain(|prefix| !REGISTERED.contains(&prefix.as_str()));
        equal(&held, &vec!["13.64.0.0/11".to_owned(), "2603:1000::/24".to_owned()])
    };
    until("the good routes", IN_SYNC, good_alone);
    stays("the good routes alone", Duration::from_secs(2), good_alone);
}

mod tests {
    use super::*;

    #[test]
    fn bird_runs_what_is_written_for_it() {
        works::<Bird>();
    }

    #[test]
    fn frr_runs_what_is_written_for_it() {
        works::<Frr>();
    }

    #[test]
    fn gobgp_runs_what_is_written_for_it() {
        works::<Gobgp>();
    }

    #[test]
    fn openbgpd_runs_what_is_written_for_it() {
        works::<Openbgpd>();
    }

    #[test]
    fn exabgp_runs_what_is_written_for_it() {
        works::<Exabgp>();
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
}
