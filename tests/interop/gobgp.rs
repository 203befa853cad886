//! GoBGP, asked through `gobgp`.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;

use serde_json::Value;

use crate::router::{Router, SessionView, fill, hold, read};
use crate::support::daemon::{Dials, Sessions, Setup};
use crate::support::lab::{Lab, Site, command_in};
use crate::support::process::{Process, installed, output};
use crate::support::rib::{Route, Table};

/// In GoBGP's numbering of states.
const ESTABLISHED: u64 = 6;

pub(crate) struct Gobgp {
    process: Process,
    netns: String,
}

impl Gobgp {
    /// `gobgp` with this command.
    pub(crate) fn ask(&self, question: &str) -> Result<String, String> {
        let mut command = command_in(&self.netns, "/usr/bin/gobgp");
        output(command.args(["-u", "127.0.0.1", "-p", "50051"]).args(question.split(' ')))
    }

    fn ask_json(&self, question: &str) -> Result<Value, String> {
        let text = self.ask(&format!("{question} -j"))?;
        serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))
    }

    /// Starts one with other values for some of the template's places.
    pub(crate) fn start_with(lab: &Lab, site: &Site, setup: Setup, others: &[(&str, &str)]) -> Self {
        assert_eq!(setup.sessions, Sessions::EachItsOwn, "the template has no other");
        let passive = if setup.dials == Dials::Peeringd { "true" } else { "false" };
        let own = [others, &[("PASSIVE", passive), ("SEND_MAX", "0")]].concat();
        Self::run(lab, site, &fill(include_str!("configs/gobgp.toml"), site, setup, &own))
    }

    /// Starts one with this config.
    pub(crate) fn run(lab: &Lab, site: &Site, text: &str) -> Self {
        let folder = lab.folder("gobgp");
        let config = folder.join("gobgpd.toml");
        fs::write(&config, text).unwrap();
        let mut command = site.netns.command(&installed(&["/usr/bin/gobgpd"], "gobgpd"));
        command
            .args(["-t", "toml", "-p", "--pprof-disable", "--api-hosts", "127.0.0.1:50051", "-f"])
            .arg(config);
        let process = Process::spawn("gobgpd", command, &folder.join("log"));
        Self { process, netns: site.netns.name().to_owned() }
    }
}

impl Router for Gobgp {
    fn start(lab: &Lab, site: &Site, setup: Setup) -> Self {
        Self::start_with(lab, site, setup, &[])
    }

    fn table(&self) -> Result<Table, String> {
        let mut table = Table::new();
        for family in ["ipv4", "ipv6"] {
            let all = self.ask_json(&format!("global rib -a {family}"))?;
            for (prefix, paths) in all.as_object().cloned().unwrap_or_default() {
                // Its own routes have no path yet, and are not from peeringd.
                let is_heard = |path: &&Value| attribute(path, AS_PATH).is_some();
                for path in paths.as_array().into_iter().flatten().filter(is_heard) {
                    hold(&mut table, &prefix, route(path)?)?;
                }
            }
        }
        Ok(table)
    }

    fn session(&self, ours: IpAddr) -> Result<SessionView, String> {
        let neighbor = self.ask_json(&format!("neighbor {ours}"))?;
        let received = &neighbor["state"]["messages"]["received"];
        Ok(SessionView {
            is_established: neighbor["state"]["session_state"].as_u64() == Some(ESTABLISHED),
            incarnation: format!("{} {}", neighbor["timers"]["state"]["uptime"], received["open"]),
            updates: received["update"].as_u64().unwrap_or_default(),
        })
    }

    fn saw_cease(&self, ours: IpAddr) -> Result<(), String> {
        let log = self.process.log();
        let key = if ours.is_ipv4() { format!("Key={ours}") } else { format!("Key=\"{ours}\"") };
        let told = log
            .lines()
            .any(|l| l.contains(&key) && l.contains("received notification") && l.contains("Code=6"));
        if told { Ok(()) } else { Err(log) }
    }

    fn patience_secs() -> u64 {
        10
    }
}

const AS_PATH: u64 = 2;

/// Attributes are told of by their type codes.
fn attribute(path: &Value, code: u64) -> Option<&Value> {
    path["attrs"].as_array()?.iter().find(|a| a["type"].as_u64() == Some(code))
}

fn route(path: &Value) -> Result<Route, String> {
    let find = |code: u64| attribute(path, code);
    let fail = |what: &str| format!("no {what} in {path:#}");
    let hop = find(14).or_else(|| find(3)).ok_or_else(|| fail("next hop"))?;
    let segments =
        find(AS_PATH).and_then(|a| a["as_paths"].as_array().cloned()).ok_or_else(|| fail("AS path"))?;
    let hops = segments.iter().flat_map(|s| s["asns"].as_array().cloned().unwrap_or_default());
    let number = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok()).ok_or_else(|| format!("{v}"));
    let mut communities = BTreeSet::new();
    for c in find(8).and_then(|a| a["communities"].as_array()).into_iter().flatten() {
        let c = number(c)?;
        communities.insert(format!("{}:{}", c >> 16, c & 0xFFFF));
    }
    for c in find(16).and_then(|a| a["value"].as_array()).into_iter().flatten() {
        let name = match c["subtype"].as_u64() {
            Some(2) => "rt",
            Some(3) => "ro",
            other => return Err(format!("extended community of subtype {other:?}")),
        };
        communities.insert(format!("{name}:{}", c["value"].as_str().unwrap_or_default()));
    }
    for c in find(32).and_then(|a| a["value"].as_array()).into_iter().flatten() {
        communities.insert(format!("{}:{}:{}", c["ASN"], c["LocalData1"], c["LocalData2"]));
    }
    Ok(Route {
        next_hop: read(hop["nexthop"].as_str().unwrap_or_default())?,
        as_path: hops.map(|n| number(&n)).collect::<Result<_, _>>()?,
        origin: match find(1).and_then(|a| a["value"].as_u64()) {
            Some(0) => "igp".to_owned(),
            other => format!("{other:?}"),
        },
        med: find(4).map(|a| number(&a["metric"])).transpose()?,
        communities,
    })
}

mod tests {
    use super::*;
    use crate::scenario::scenarios;

    scenarios!(Gobgp);
}
