//! ExaBGP, which keeps no table: what it hears goes to a process of its API, which writes it to a file, and the
//! table is made from that.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::router::{Router, SessionView, fill, read};
use crate::support::daemon::{Dials, Sessions, Setup};
use crate::support::lab::{Lab, Netns, Site};
use crate::support::process::{Process, installed};
use crate::support::rib::{Route, Table};

pub(crate) struct Exabgp {
    _process: Process,
    events: PathBuf,
}

impl Exabgp {
    /// Starts one with this config, in which the process that it tells of all it hears is called `table`.
    pub(crate) fn run(lab: &Lab, netns: &Netns, listen: &[IpAddr], text: &str) -> Self {
        let folder = lab.folder("exabgp");
        let events = folder.join("events.json");
        let table = folder.join("table.sh");
        fs::write(&table, format!("#!/bin/sh\ncat >> {}\n", events.display())).unwrap();
        fs::set_permissions(&table, fs::Permissions::from_mode(0o755)).unwrap();
        let config = folder.join("exabgp.conf");
        let process = format!("process table {{\n    run {};\n    encoder json;\n}}\n", table.display());
        fs::write(&config, process + text).unwrap();
        let program = installed(&["/usr/sbin/exabgp", "/usr/bin/exabgp"], "exabgp");
        let mut command = netns.command("/usr/bin/env");
        command.args(["exabgp.daemon.drop=false", "exabgp.daemon.user=root", "exabgp.api.cli=false"]);
        command.args(["exabgp.log.destination=stdout", "exabgp.tcp.port=179"]);
        let listen: Vec<_> = listen.iter().map(ToString::to_string).collect();
        command.arg(format!("exabgp.tcp.bind={}", listen.join(" ")));
        command.arg(program).arg(config);
        Self { _process: Process::spawn("exabgp", command, &folder.join("log")), events }
    }

    /// Every event so far; the last line may still be in the writing and does not count then.
    fn events(&self) -> Result<Vec<Value>, String> {
        let text = fs::read_to_string(&self.events).map_err(|e| format!("{}: {e}", self.events.display()))?;
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|l| serde_json::from_str(l).map_err(|e| format!("{e}: {l}"))).collect()
    }
}

impl Router for Exabgp {
    fn start(lab: &Lab, site: &Site, setup: Setup) -> Self {
        assert_eq!(setup.sessions, Sessions::EachItsOwn, "the template has no other");
        let passive = if setup.dials == Dials::Peeringd { "true" } else { "false" };
        let text = fill(include_str!("configs/exabgp.conf"), site, setup, &[("PASSIVE", passive)]);
        Self::run(lab, &site.netns, &[site.peer_v4(), site.peer_v6()], &text)
    }

    fn table(&self) -> Result<Table, String> {
        let mut tables = [Table::new(), Table::new()];
        for event in self.events()? {
            let peer = &event["neighbor"]["address"]["peer"];
            let table = &mut tables[usize::from(peer.as_str().is_some_and(|p| p.contains(':')))];
            match event["type"].as_str() {
                Some("state") => table.clear(),
                Some("update") => apply(table, &event["neighbor"]["message"]["update"])?,
                _ => {}
            }
        }
        let [mut all, v6] = tables;
        all.extend(v6);
        Ok(all)
    }

    fn session(&self, ours: IpAddr) -> Result<SessionView, String> {
        let mut view = SessionView { is_established: false, incarnation: String::new(), updates: 0 };
        let mut times_up = 0;
        for event in self.events()?.iter().filter(|e| e["neighbor"]["address"]["peer"] == ours.to_string()) {
            if event["type"] == "state" {
                view.is_established = event["neighbor"]["state"] == "up";
                times_up += u32::from(view.is_established);
            }
            view.updates += u64::from(event["neighbor"]["message"]["update"].is_object());
        }
        view.incarnation = times_up.to_string();
        Ok(view)
    }

    fn saw_cease(&self, ours: IpAddr) -> Result<(), String> {
        let events = self.events()?;
        let mut of_peer = events.iter().filter(|e| e["neighbor"]["address"]["peer"] == ours.to_string());
        let last =
            of_peer.rfind(|e| e["neighbor"]["state"] == "down").map(|e| e["neighbor"]["reason"].to_string());
        match last {
            Some(reason) if reason.contains("notification") && reason.contains("(6,") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }

    fn patience_secs() -> u64 {
        10
    }
}

/// One UPDATE: `announce` is by family, next hop and list of NLRI, `withdraw` by family and list.
fn apply(table: &mut Table, update: &Value) -> Result<(), String> {
    let nlri = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|n| n["nlri"].as_str()).map(str::to_owned).collect()
    };
    for lists in update["withdraw"].as_object().into_iter().flat_map(|f| f.values()) {
        for prefix in nlri(lists) {
            table.remove(&read(&prefix)?).ok_or_else(|| format!("{prefix} is withdrawn but not held"))?;
        }
    }
    for hops in update["announce"].as_object().into_iter().flat_map(|f| f.values()) {
        // A link-local next hop may be listed beside the global one.
        let global = hops.as_object().into_iter().flatten().filter(|(hop, _)| !hop.starts_with("fe80:"));
        for (hop, list) in global {
            for prefix in nlri(list) {
                table.insert(read(&prefix)?, route(hop, &update["attribute"])?);
            }
        }
    }
    Ok(())
}

fn route(hop: &str, attributes: &Value) -> Result<Route, String> {
    let list = |key: &str| attributes[key].as_array().cloned().unwrap_or_default();
    let number = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok()).ok_or_else(|| format!("{v}"));
    let mut communities = BTreeSet::new();
    for community in list("community").iter().chain(&list("large-community")) {
        let parts = community.as_array().cloned().unwrap_or_default();
        communities.insert(parts.iter().map(Value::to_string).collect::<Vec<_>>().join(":"));
    }
    for community in list("extended-community") {
        let [kind, sub, a, b, c, d, e, f] = community["value"].as_u64().unwrap_or_default().to_be_bytes();
        let name = match (kind, sub) {
            (0, 2) => "rt",
            (0, 3) => "ro",
            other => return Err(format!("extended community of type {other:?}")),
        };
        let (asn, value) = (u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f]));
        communities.insert(format!("{name}:{asn}:{value}"));
    }
    Ok(Route {
        next_hop: read(hop)?,
        as_path: list("as-path").iter().map(number).collect::<Result<_, _>>()?,
        origin: attributes["origin"].as_str().unwrap_or_default().to_owned(),
        med: attributes.get("med").map(number).transpose()?,
        communities,
    })
}

mod tests {
    use super::*;
    use crate::scenario::scenarios;

    scenarios!(Exabgp);
}
