//! FRR (zebra and bgpd), asked through `vtysh`.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Deserializer, Value};

use crate::router::{Refresh, Router, SessionView, fill, hold, read};
use crate::scenario::IN_SYNC;
use crate::support::daemon::{Dials, Sessions, Setup};
use crate::support::lab::{Lab, Site};
use crate::support::process::{Process, installed, output};
use crate::support::rib::{Route, Table};
use crate::support::wait::until;

pub(crate) struct Frr {
    /// Zebra, bgpd and whatever helps them; they end with it.
    processes: Vec<Process>,
    vty: PathBuf,
}

impl Frr {
    pub(crate) fn ask(&self, questions: &[String]) -> Result<String, String> {
        let mut command = Command::new("/usr/bin/vtysh");
        command.arg("--vty_socket").arg(&self.vty).args(["-d", "bgpd"]);
        for question in questions {
            command.arg("-c").arg(question);
        }
        output(&mut command)
    }

    /// All that bgpd has logged.
    pub(crate) fn log(&self) -> String {
        self.processes[1].log()
    }

    pub(crate) fn neighbor(&self, ours: IpAddr) -> Result<Value, String> {
        let text = self.ask(&[format!("show bgp neighbor {ours} json")])?;
        let all: Value = serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))?;
        all.get(ours.to_string()).cloned().ok_or(text)
    }
}

impl Frr {
    /// Starts one with more lines in its `router bgp`, before its neighbors.
    pub(crate) fn start_with(lab: &Lab, site: &Site, setup: Setup, more: &str) -> Self {
        Self::start_around(lab, site, setup, [more, ""], &site.our_v6().to_string())
    }

    /// Starts one with more lines below `router bgp`, before its neighbors and behind them, and with its IPv6 session
    /// with this neighbor.
    pub(crate) fn start_around(
        lab: &Lab,
        site: &Site,
        setup: Setup,
        [first, more]: [&str; 2],
        our_v6: &str,
    ) -> Self {
        let ours = [site.our_v4().to_string(), our_v6.to_owned()];
        let (over4, over6, extended) = match setup.sessions {
            Sessions::EachItsOwn => (&ours[0], &ours[1], "no "),
            Sessions::BothOnIpv4 => (&ours[0], &ours[0], "no "),
            Sessions::BothOnIpv6 => (&ours[1], &ours[1], ""),
        };
        let maybe = if setup.dials == Dials::Peeringd { "" } else { "no " };
        let own = [
            ("FIRST", first),
            ("MORE", more),
            ("OUR_V6", our_v6),
            ("MAYBE", maybe),
            ("IPV4_OVER", over4),
            ("IPV6_OVER", over6),
            ("EXTENDED", extended),
        ];
        Self::run(lab, site, &["zebra", "bgpd"], &fill(include_str!("configs/frr.conf"), site, setup, &own))
    }

    /// Starts these of its daemons, zebra first and bgpd second, which has this config.
    fn run(lab: &Lab, site: &Site, daemons: &[&str], bgpd: &str) -> Self {
        let folder = lab.folder("frr");
        let vty = lab.folder("frr-vty");
        let start = |daemon: &&str| {
            let config = if *daemon == "bgpd" { bgpd } else { "" };
            fs::write(folder.join(format!("{daemon}.conf")), config).unwrap();
            let mut command = site.netns.command(&installed(&[&format!("/usr/lib/frr/{daemon}")], "frr"));
            command.arg("-f").arg(folder.join(format!("{daemon}.conf")));
            command.arg("-i").arg(folder.join(format!("{daemon}.pid")));
            command.arg("-z").arg(folder.join("zserv")).arg("--vty_socket").arg(&vty);
            command.args(["-P", "0", "--log", "stdout"]);
            Process::spawn(daemon, command, &folder.join(format!("{daemon}.log")))
        };
        Self { processes: daemons.iter().map(start).collect(), vty }
    }

    /// Starts one that has no config, and gives it this one as an operator would.
    pub(crate) fn load(lab: &Lab, site: &Site, config: &str) -> Self {
        let frr = Self::run(lab, site, &["zebra", "bgpd", "staticd"], "");
        frr.give(lab, config);
        frr
    }

    /// Gives it more config, by `vtysh -f`.
    pub(crate) fn give(&self, lab: &Lab, config: &str) {
        let file = lab.folder("frr-given").join("frr.conf");
        fs::write(&file, config).unwrap();
        until("vtysh to take the config", IN_SYNC, || {
            let mut command = Command::new("/usr/bin/vtysh");
            command.arg("--vty_socket").arg(&self.vty).args(["-d", "bgpd", "-c", "show version"]);
            output(&mut command)?;
            let mut command = Command::new("/usr/bin/vtysh");
            let said = output(command.arg("--vty_socket").arg(&self.vty).arg("-f").arg(&file))?;
            if said.contains('%') { Err(said) } else { Ok(()) }
        });
    }

    /// Sends router advertisements from peeringd's end of the cable, by which an FRR learns its neighbor's link-local
    /// address; peeringd does not send any.
    pub(crate) fn advertise_router(&mut self, lab: &Lab) {
        let folder = lab.folder("frr-ours");
        let config = "interface peer0\n no ipv6 nd suppress-ra\n ipv6 nd ra-interval 1\n";
        fs::write(folder.join("zebra.conf"), config).unwrap();
        let mut command = lab.ours.command(&installed(&["/usr/lib/frr/zebra"], "frr"));
        command.arg("-f").arg(folder.join("zebra.conf")).arg("-i").arg(folder.join("zebra.pid"));
        command.arg("-z").arg(folder.join("zserv")).arg("--vty_socket").arg(&folder);
        command.args(["-P", "0", "--log", "stdout"]);
        self.processes.push(Process::spawn("zebra at peeringd's end", command, &folder.join("log")));
    }

    /// Everything of its IPv6 routes, as JSON.
    pub(crate) fn ask_ipv6(&self, prefix: &str) -> Result<Value, String> {
        let text = self.ask(&[format!("show bgp ipv6 unicast {prefix} json")])?;
        serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))
    }
}

impl Router for Frr {
    fn start(lab: &Lab, site: &Site, setup: Setup) -> Self {
        Self::start_with(lab, site, setup, "")
    }

    fn table(&self) -> Result<Table, String> {
        let mut prefixes = Vec::new();
        for family in ["ipv4", "ipv6"] {
            let text = self.ask(&[format!("show bgp {family} unicast json")])?;
            let all: Value = serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))?;
            let routes = all["routes"].as_object().cloned().unwrap_or_default();
            prefixes.extend(routes.keys().map(|prefix| format!("show bgp {family} unicast {prefix} json")));
        }
        if prefixes.is_empty() {
            return Ok(Table::new());
        }
        // Only the view of one prefix tells of communities.
        let text = self.ask(&prefixes)?;
        let mut table = Table::new();
        for one in Deserializer::from_str(&text).into_iter::<Value>() {
            let one = one.map_err(|e| e.to_string())?;
            let paths = one["paths"].as_array().cloned().unwrap_or_default();
            // Its own networks are not from peeringd.
            for path in paths.into_iter().filter(|path| path["sourced"] != true) {
                hold(&mut table, one["prefix"].as_str().unwrap_or_default(), route(&path)?)?;
            }
        }
        Ok(table)
    }

    fn session(&self, ours: IpAddr) -> Result<SessionView, String> {
        let neighbor = self.neighbor(ours)?;
        Ok(SessionView {
            is_established: neighbor["bgpState"] == "Established",
            incarnation: neighbor["connectionsEstablished"].to_string(),
            updates: neighbor["messageStats"]["updatesRecv"].as_u64().unwrap_or_default(),
        })
    }

    fn saw_cease(&self, ours: IpAddr) -> Result<(), String> {
        let neighbor = self.neighbor(ours)?;
        let is_cease =
            neighbor["lastResetDueTo"].as_str().is_some_and(|r| r.contains("Notification received"))
                && neighbor["lastNotificationReason"].as_str().is_some_and(|r| r.starts_with("Cease/"));
        if is_cease { Ok(()) } else { Err(format!("{neighbor:#}")) }
    }

    fn patience_secs() -> u64 {
        1
    }
}

impl Refresh for Frr {
    fn refresh(&self, ours: IpAddr) {
        let family = if ours.is_ipv4() { "ipv4" } else { "ipv6" };
        self.ask(&[format!("clear bgp {family} unicast {ours} soft in")]).unwrap();
    }
}

fn route(path: &Value) -> Result<Route, String> {
    let fail = |what: &str| format!("no {what} in {path:#}");
    if path["valid"] != true || path["bestpath"]["overall"] != true {
        return Err(format!("not a path in use: {path:#}"));
    }
    let hops = path["nexthops"].as_array().ok_or_else(|| fail("next hop"))?;
    let hop = hops.iter().find(|h| h["scope"] != "link-local").ok_or_else(|| fail("global next hop"))?;
    let mut communities = BTreeSet::new();
    for kind in ["community", "extendedCommunity", "largeCommunity"] {
        let words = path[kind]["string"].as_str().unwrap_or_default().split_whitespace();
        communities.extend(words.map(|w| w.replace("RT:", "rt:").replace("SoO:", "ro:")));
    }
    let as_path = path["aspath"]["string"].as_str().ok_or_else(|| fail("AS path"))?;
    Ok(Route {
        next_hop: read(hop["ip"].as_str().unwrap_or_default())?,
        as_path: as_path.split_whitespace().map(read).collect::<Result<_, _>>()?,
        origin: path["origin"].as_str().unwrap_or_default().to_lowercase(),
        med: path["metric"].as_u64().filter(|m| *m != 0).and_then(|m| u32::try_from(m).ok()),
        communities,
    })
}

mod tests {
    use super::*;
    use crate::scenario::{self, scenarios};

    scenarios!(Frr);

    #[test]
    fn f16_both_families_are_established_with_four_octet_asns() {
        scenario::holds_both_families_over_ipv4::<Frr>();
    }

    #[test]
    fn holds_both_families_over_ipv6() {
        scenario::holds_both_families_over_ipv6::<Frr>();
    }

    #[test]
    fn a_route_refresh_brings_the_whole_table() {
        scenario::refreshes::<Frr>();
    }
}
