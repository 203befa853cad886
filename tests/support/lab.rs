//! Network namespaces: one for peeringd, one for each peer, and a cable from the one to each of the others with a
//! /30 and a /126 on it. All of them go when the test ends, with whatever still runs in them.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::process::{installed, output, run};

/// How namespaces of these tests begin; the process that made it follows, so that a later one can tell which are
/// left from a test that was killed.
const PREFIX: &str = "peeringd-test";

/// One network namespace.
pub(crate) struct Netns {
    name: String,
}

impl Netns {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{PREFIX}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        run(ip().args(["netns", "add", &name]));
        let made = Self { name };
        made.configure("link set lo up");
        made
    }

    /// `ip` with these arguments, inside.
    pub(crate) fn configure(&self, arguments: &str) {
        run(ip().args(["-n", &self.name]).args(arguments.split(' ')));
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A command that runs inside; see [`command_in`].
    pub(crate) fn command(&self, program: &str) -> Command {
        command_in(&self.name, program)
    }

    /// SIGKILL to all that runs inside.
    pub(crate) fn kill_all(&self) {
        kill_all_in(&self.name);
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// A command that runs inside a namespace and ends with the test, even if the test is killed.
pub(crate) fn command_in(netns: &str, program: &str) -> Command {
    let mut command = ip();
    command.args(["netns", "exec", netns, "setpriv", "--pdeathsig", "KILL", "--", program]);
    command
}

fn ip() -> Command {
    Command::new("ip")
}

fn pids_in(name: &str) -> Vec<String> {
    let pids = output(ip().args(["netns", "pids", name])).unwrap_or_default();
    pids.split_whitespace().map(str::to_owned).collect()
}

fn kill_all_in(name: &str) {
    let pids = pids_in(name);
    if !pids.is_empty() {
        // One that has ended meanwhile makes `kill` fail, which is no matter.
        drop(output(Command::new("sh").args(["-c", &format!("kill -KILL {}", pids.join(" "))])));
    }
}

fn remove(name: &str) {
    kill_all_in(name);
    if let Err(e) = output(ip().args(["netns", "del", name])) {
        eprintln!("{e}");
    }
}

/// Removes the namespaces of tests that were killed before they could.
fn remove_stale() {
    let list = output(ip().args(["netns", "list"])).unwrap_or_default();
    for name in list.lines().filter_map(|l| l.split_whitespace().next()) {
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').nth(1));
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            remove(name);
        }
    }
}

/// One peer's place: its namespace and the two subnets between it and peeringd.
pub(crate) struct Site {
    pub(crate) netns: Netns,
    index: u8,
}

impl Site {
    pub(crate) fn asn(&self) -> u32 {
        [3356, 6939, 1299, 2914][usize::from(self.index)]
    }

    /// The name of the connection; its sessions are this with `-v4` and `-v6`.
    pub(crate) fn connection(&self) -> String {
        format!("contoso-{}", self.index)
    }

    pub(crate) fn subnet_v4(&self) -> String {
        format!("{}/30", self.v4(0))
    }

    pub(crate) fn subnet_v6(&self) -> String {
        format!("{}/126", self.v6(0))
    }

    pub(crate) fn peer_v4(&self) -> IpAddr {
        self.v4(1)
    }

    pub(crate) fn our_v4(&self) -> IpAddr {
        self.v4(2)
    }

    pub(crate) fn peer_v6(&self) -> IpAddr {
        self.v6(1)
    }

    pub(crate) fn our_v6(&self) -> IpAddr {
        self.v6(2)
    }

    fn v4(&self, host: u8) -> IpAddr {
        Ipv4Addr::new(4, 68, 74, 180 + 4 * self.index + host).into()
    }

    fn v6(&self, host: u16) -> IpAddr {
        Ipv6Addr::new(0x2001, 0x1900, 0x2100, u16::from(self.index), 0, 0, 0, host).into()
    }
}

/// peeringd's namespace, its peers' and a folder for all their files.
pub(crate) struct Lab {
    pub(crate) ours: Netns,
    pub(crate) sites: Vec<Site>,
    dir: TempDir,
    folders: AtomicU32,
}

impl Lab {
    /// A lab for so many peers.
    pub(crate) fn new(peers: u8) -> Self {
        installed(&["/sbin/ip", "/usr/sbin/ip", "/bin/ip", "/usr/bin/ip"], "iproute2");
        remove_stale();
        let dir = tempfile::Builder::new().prefix("peeringd-test-").tempdir().unwrap();
        // Routers drop root and must still reach their own files.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let ours = Netns::new();
        let sites = (0..peers).map(|index| Site { netns: Netns::new(), index }).collect();
        let lab = Self { ours, sites, dir, folders: AtomicU32::new(0) };
        for site in &lab.sites {
            lab.lay_cable(site);
        }
        lab
    }

    /// The only peer's place, of a lab with one.
    pub(crate) fn site(&self) -> &Site {
        &self.sites[0]
    }

    /// A new folder that anyone may write to, named after what it is for.
    pub(crate) fn folder(&self, what: &str) -> PathBuf {
        let number = self.folders.fetch_add(1, Ordering::Relaxed);
        let folder = self.dir.path().join(format!("{what}-{number}"));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        folder
    }

    /// Gives the ends of a site's cable `fe80::2`, ours, and `fe80::1`, and no other link-local address. The devices are
    /// `peerN` and `microsoft`.
    pub(crate) fn link_local(&self, site: &Site) {
        let near = format!("peer{}", site.index);
        for (netns, device, address) in
            [(&self.ours, near.as_str(), "fe80::2"), (&site.netns, "microsoft", "fe80::1")]
        {
            netns.configure(&format!("-6 addr flush dev {device} scope link"));
            netns.configure(&format!("addr add {address}/64 dev {device} nodad"));
        }
    }

    fn lay_cable(&self, site: &Site) {
        let near = format!("peer{}", site.index);
        let far = "microsoft";
        run(ip().args(["link", "add", &near, "netns", &self.ours.name, "type", "veth"]).args([
            "peer",
            "name",
            far,
            "netns",
            &site.netns.name,
        ]));
        let ends = [
            (&self.ours, near.as_str(), site.our_v4(), site.our_v6()),
            (&site.netns, far, site.peer_v4(), site.peer_v6()),
        ];
        for (netns, device, v4, v6) in ends {
            // Duplicate address detection would keep the addresses unusable for a second or two.
            netns.configure(&format!("addr add {v4}/30 dev {device}"));
            netns.configure(&format!("addr add {v6}/126 dev {device} nodad"));
            netns.configure(&format!("link set {device} up"));
        }
    }
}
