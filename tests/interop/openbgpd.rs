//! OpenBGPD, asked through `bgpctl`.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::router::{Refresh, Router, SessionView, fill, hold, read};
use crate::support::daemon::{Dials, Sessions, Setup};
use crate::support::lab::{Lab, Site};
use crate::support::process::{Process, installed, output};
use crate::support::rib::{Route, Table};

pub(crate) struct Openbgpd {
    _process: Process,
    socket: PathBuf,
}

impl Openbgpd {
    /// Starts one with more lines in the block of each neighbour.
    pub(crate) fn start_with(lab: &Lab, site: &Site, setup: Setup, more: &str) -> Self {
        assert_eq!(setup.sessions, Sessions::EachItsOwn, "the template has no other");
        let passive = if setup.dials == Dials::Peeringd { "passive" } else { "" };
        let own = [("MORE", more), ("PASSIVE", passive)];
        Self::run(lab, site, &fill(include_str!("configs/openbgpd.conf"), site, setup, &own))
    }

    /// Starts one with this config.
    pub(crate) fn run(lab: &Lab, site: &Site, text: &str) -> Self {
        let folder = lab.folder("openbgpd");
        let socket = folder.join("bgpd.sock");
        let config = folder.join("bgpd.conf");
        fs::write(&config, format!("socket \"{}\"\n{text}", socket.display())).unwrap();
        fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
        // Its processes change their root to a folder that the service's unit makes; here it is made in a
        // filesystem of their own.
        let mut command = site.netns.command("/bin/sh");
        command.args(["-c", "mount -t tmpfs none /run && mkdir -m 755 /run/openbgpd && exec \"$@\"", "sh"]);
        command.arg(installed(&["/usr/sbin/bgpd"], "openbgpd")).args(["-d", "-v", "-f"]).arg(config);
        Self { _process: Process::spawn("openbgpd", command, &folder.join("log")), socket }
    }

    fn ask(&self, question: &str) -> Result<Value, String> {
        let mut command = Command::new("/usr/sbin/bgpctl");
        let text = output(command.arg("-j").arg("-s").arg(&self.socket).args(question.split(' ')))?;
        serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))
    }

    /// `bgpctl` with a command that has it do something.
    pub(crate) fn order(&self, words: &[&str]) {
        output(Command::new("/usr/sbin/bgpctl").arg("-s").arg(&self.socket).args(words)).unwrap();
    }

    pub(crate) fn neighbor(&self, ours: IpAddr) -> Result<Value, String> {
        let all = self.ask("show neighbor")?;
        let found =
            all["neighbors"].as_array().and_then(|n| n.iter().find(|n| n["remote_addr"] == ours.to_string()));
        found.cloned().ok_or_else(|| format!("no neighbor {ours} in {all:#}"))
    }
}

impl Router for Openbgpd {
    fn start(lab: &Lab, site: &Site, setup: Setup) -> Self {
        Self::start_with(lab, site, setup, "")
    }

    fn table(&self) -> Result<Table, String> {
        let mut table = Table::new();
        for entry in self.ask("show rib detail")?["rib"].as_array().cloned().unwrap_or_default() {
            hold(&mut table, entry["prefix"].as_str().unwrap_or_default(), route(&entry)?)?;
        }
        Ok(table)
    }

    fn session(&self, ours: IpAddr) -> Result<SessionView, String> {
        let neighbor = self.neighbor(ours)?;
        let received = &neighbor["stats"]["update"]["received"];
        let count = |key: &str| received[key].as_u64().unwrap_or_default();
        Ok(SessionView {
            is_established: neighbor["state"] == "Established",
            incarnation: format!(
                "{} {} {}",
                neighbor["stats"]["message"]["received"]["open"],
                neighbor["session"]["local"]["port"],
                neighbor["session"]["remote"]["port"],
            ),
            updates: count("updates") + count("withdraws"),
        })
    }

    fn saw_cease(&self, ours: IpAddr) -> Result<(), String> {
        let neighbor = self.neighbor(ours)?;
        let is_cease = neighbor["last_error_received"].as_str().is_some_and(|e| e.starts_with("Cease"));
        if is_cease { Ok(()) } else { Err(format!("{neighbor:#}")) }
    }

    fn patience_secs() -> u64 {
        30
    }
}

impl Refresh for Openbgpd {
    fn refresh(&self, ours: IpAddr) {
        self.order(&["neighbor", &ours.to_string(), "refresh"]);
    }
}

fn route(entry: &Value) -> Result<Route, String> {
    if entry["valid"] != true || entry["best"] != true {
        return Err(format!("not a path in use: {entry:#}"));
    }
    let text = |key: &str| entry[key].as_str().unwrap_or_default();
    let mut communities = BTreeSet::new();
    for kind in ["communities", "extended_communities", "large_communities"] {
        for word in entry[kind].as_array().into_iter().flatten().filter_map(Value::as_str) {
            communities.insert(word.replace("rt ", "rt:").replace("soo ", "ro:"));
        }
    }
    Ok(Route {
        next_hop: read(text("exit_nexthop"))?,
        as_path: text("aspath").split_whitespace().map(read).collect::<Result<_, _>>()?,
        origin: text("origin").to_lowercase(),
        med: entry["metric"].as_u64().filter(|m| *m != 0).and_then(|m| u32::try_from(m).ok()),
        communities,
    })
}

mod tests {
    use super::*;
    use crate::scenario::{self, scenarios};

    scenarios!(Openbgpd);

    #[test]
    fn a_route_refresh_brings_the_whole_table() {
        scenario::refreshes::<Openbgpd>();
    }
}
