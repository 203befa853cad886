//! BIRD 2, asked through `birdc`.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::router::{Refresh, Router, SessionView, fill, hold, read};
use crate::support::daemon::{Dials, Sessions, Setup};
use crate::support::lab::{Lab, Site};
use crate::support::process::{Process, installed, output};
use crate::support::rib::{Route, Table};

pub(crate) struct Bird {
    process: Process,
    config: PathBuf,
    control: PathBuf,
}

impl Bird {
    /// Starts one with other values for some of the template's places, like its ASN.
    pub(crate) fn start_with(lab: &Lab, site: &Site, setup: Setup, others: &[(&str, &str)]) -> Self {
        Self::start_by(&[], lab, site, setup, others)
    }

    /// The same with more arguments on its command line.
    pub(crate) fn start_by(
        arguments: &[&str],
        lab: &Lab,
        site: &Site,
        setup: Setup,
        others: &[(&str, &str)],
    ) -> Self {
        let ipv6 = "ipv6 { import all; export where proto = \"own6\"; };";
        let ipv4 = "ipv4 { import all; export where source = RTS_STATIC; extended next hop on; };";
        let over_ipv6 = |families: &str| {
            let ends = "local @PEER_V6@ as @ASN@; neighbor @OUR_V6@ as 8075;";
            format!("protocol bgp microsoft6 from microsoft {{ {ends} {families} }}")
        };
        let (on_ipv4, session) = match setup.sessions {
            Sessions::EachItsOwn => ("", over_ipv6(ipv6)),
            Sessions::BothOnIpv4 => (ipv6, String::new()),
            Sessions::BothOnIpv6 => ("", over_ipv6(&[ipv4, ipv6].concat())),
        };
        let passive = if setup.dials == Dials::Peeringd { "passive on;" } else { "passive off;" };
        let usual = [
            ("PASSIVE", passive),
            ("AS4", "on"),
            ("LIMIT", ""),
            ("MORE", ""),
            ("OWN4", "route 4.0.1.0/24 blackhole;"),
            ("PROTOCOLS", ""),
            ("IPV6_ON_IPV4", on_ipv4),
            ("IPV6_SESSION", session.as_str()),
        ];
        // Twice, for the places inside what fills other places.
        let own = [others, &usual, others].concat();
        Self::run(arguments, lab, site, &fill(include_str!("configs/bird.conf"), site, setup, &own))
    }

    /// Starts one with this config.
    pub(crate) fn run(arguments: &[&str], lab: &Lab, site: &Site, text: &str) -> Self {
        let folder = lab.folder("bird");
        let config = folder.join("bird.conf");
        fs::write(&config, text).unwrap();
        let control = folder.join("bird.ctl");
        let mut command = site.netns.command(&installed(&["/usr/sbin/bird"], "bird2"));
        command.arg("-f").arg("-c").arg(&config).arg("-s").arg(&control).args(arguments);
        Self { process: Process::spawn("bird", command, &folder.join("log")), config, control }
    }

    /// Puts another config in force.
    pub(crate) fn reconfigure(&self, text: &str) {
        fs::write(&self.config, text).unwrap();
        let said = self.ask("configure").unwrap();
        assert!(said.contains("Reconfigured"), "{said}");
    }

    /// Sends it a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Its control socket.
    pub(crate) fn control(&self) -> &Path {
        &self.control
    }

    /// `birdc` with this command.
    pub(crate) fn ask(&self, question: &str) -> Result<String, String> {
        output(Command::new("/usr/sbin/birdc").arg("-s").arg(&self.control).args(question.split(' ')))
    }

    /// The details of the BGP protocol with this address of peeringd's.
    pub(crate) fn protocol(&self, ours: IpAddr) -> Result<String, String> {
        self.ask(&format!("show protocols all {}", protocol_name(ours)))
    }
}

impl Router for Bird {
    fn start(lab: &Lab, site: &Site, setup: Setup) -> Self {
        Self::start_with(lab, site, setup, &[])
    }

    fn table(&self) -> Result<Table, String> {
        parse_routes(&self.ask("show route all where source = RTS_BGP")?)
    }

    fn session(&self, ours: IpAddr) -> Result<SessionView, String> {
        let text = self.protocol(ours)?;
        let row = text.lines().find(|l| l.starts_with("microsoft")).ok_or_else(|| text.clone())?;
        let ups = format!("{}: State changed to up", protocol_name(ours));
        let changes =
            text.lines().filter(|l| l.contains("Import updates:") || l.contains("Import withdraws:"));
        let received = changes.map(|l| read::<u64>(l.split_whitespace().nth(2).unwrap_or_default()));
        Ok(SessionView {
            is_established: row.contains("Established"),
            incarnation: match self.process.log().matches(&ups).count() {
                0 => return Err(format!("it has not said {ups:?}")),
                ups => ups.to_string(),
            },
            updates: received.sum::<Result<u64, _>>().unwrap_or_default(),
        })
    }

    fn saw_cease(&self, ours: IpAddr) -> Result<(), String> {
        let text = self.protocol(ours)?;
        if text.contains("Received: Administrative shutdown") { Ok(()) } else { Err(text) }
    }

    fn patience_secs() -> u64 {
        1
    }
}

impl Refresh for Bird {
    fn refresh(&self, ours: IpAddr) {
        self.ask(&format!("reload in {}", protocol_name(ours))).unwrap();
    }
}

pub(crate) fn protocol_name(ours: IpAddr) -> &'static str {
    if ours.is_ipv4() { "microsoft4" } else { "microsoft6" }
}

/// A line that is not indented opens a prefix; the indented ones behind it tell of its route.
fn parse_routes(text: &str) -> Result<Table, String> {
    let mut table = Table::new();
    let mut open: Option<(String, Vec<(&str, &str)>)> = None;
    let mut close = |open: Option<(String, Vec<(&str, &str)>)>| -> Result<(), String> {
        open.map_or(Ok(()), |(prefix, fields)| hold(&mut table, &prefix, route(&fields)?))
    };
    for line in text.lines() {
        if let Some((name, value)) = line.strip_prefix('\t').and_then(|l| l.split_once(": ")) {
            if let Some((_, fields)) = &mut open {
                fields.push((name, value));
            }
        } else if line.contains(" unicast [") || line.contains(" unreachable [") {
            close(open.take())?;
            open = Some((line.split(' ').next().unwrap_or_default().to_owned(), Vec::new()));
        }
    }
    close(open)?;
    Ok(table)
}

fn route(fields: &[(&str, &str)]) -> Result<Route, String> {
    let field = |name: &str| fields.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
    let wanted = |name: &str| field(name).ok_or_else(|| format!("no {name} in {fields:?}"));
    let mut communities = BTreeSet::new();
    for name in ["BGP.community", "BGP.ext_community", "BGP.large_community"] {
        let groups = field(name).unwrap_or_default().split(['(', ')']).filter(|g| !g.trim().is_empty());
        communities.extend(groups.map(|g| g.replace(", ", ":").replace(',', ":")));
    }
    // A link-local next hop may follow the global one.
    let next_hop = wanted("BGP.next_hop")?.split(' ').next().unwrap_or_default();
    Ok(Route {
        next_hop: read(next_hop)?,
        as_path: wanted("BGP.as_path")?.split_whitespace().map(read).collect::<Result<_, _>>()?,
        origin: wanted("BGP.origin")?.to_lowercase(),
        med: field("BGP.med").map(read).transpose()?,
        communities,
    })
}

mod tests {
    use serde_json::json;

    use super::*;
    use crate::scenario::{self, IN_SYNC, scenarios};
    use crate::support::wait::{equal, until};

    scenarios!(Bird);

    #[test]
    fn f16_both_families_are_established_with_four_octet_asns() {
        scenario::holds_both_families_over_ipv4::<Bird>();
    }

    #[test]
    fn holds_both_families_over_ipv6_and_announces_ipv4_by_way_of_it() {
        let pair = scenario::holds_both_families_over_ipv6::<Bird>();
        let (site, name) = (pair.lab.site(), format!("{}-v6", pair.lab.site().connection()));
        until("the announced prefixes", IN_SYNC, || {
            equal(&pair.daemon.session(&name)?["received"], &json!({ "ipv4": 1, "ipv6": 1 }))
        });
        let routes = pair.daemon.show(&["received", &name]).unwrap();
        for (route, prefix) in routes.as_array().unwrap().iter().zip(["4.0.1.0/24", "2001:1900:1::/48"]) {
            assert_eq!(route["prefix"], prefix, "{routes:#}");
            assert_eq!(route["nextHop"], site.peer_v6().to_string(), "{routes:#}");
        }
    }

    #[test]
    fn f54_the_view_of_what_is_advertised_is_what_the_router_holds() {
        scenario::advertised_is_what_the_router_holds::<Bird>();
    }

    #[test]
    fn a_route_refresh_brings_the_whole_table() {
        scenario::refreshes::<Bird>();
    }
}
