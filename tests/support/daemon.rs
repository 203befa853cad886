//! peeringd under test, in a namespace of its own.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::lab::{Lab, Site, command_in};
use super::process::{Process, output, run};
use super::rib::Rib;
use super::wait::until;

/// The shortest hold time that there is (RFC 4271 §4.2), so that tests see several of them pass.
pub(crate) const HOLD_TIME: u16 = 3;

/// Who opens the TCP connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dials {
    Peeringd,
    Router,
    Both,
}

/// Which sessions a peer has, and what rides on them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sessions {
    /// One over each IP version, with the routes of that version.
    EachItsOwn,
    /// One over IPv4, with the routes of both.
    BothOnIpv4,
    /// One over IPv6, with the routes of both, all by way of IPv6 (RFC 8950).
    BothOnIpv6,
}

/// How peeringd and a router are to talk: both are configured by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Setup {
    pub(crate) dials: Dials,
    pub(crate) sessions: Sessions,
    /// Seconds; what both sides propose.
    pub(crate) hold_time: u16,
    /// More of peeringd's keys for its sessions, with "; " between them.
    pub(crate) keys: &'static str,
}

impl Setup {
    /// A session for each IP version, with the shortest hold time.
    pub(crate) const fn dialled_by(dials: Dials) -> Self {
        Self { dials, sessions: Sessions::EachItsOwn, hold_time: HOLD_TIME, keys: "" }
    }

    /// The same with more of peeringd's keys.
    pub(crate) const fn with_keys(self, keys: &'static str) -> Self {
        Self { keys, ..self }
    }
}

/// A running peeringd and its files.
pub(crate) struct Daemon {
    process: Process,
    config: PathBuf,
    rib: PathBuf,
    socket: PathBuf,
    folder: PathBuf,
    place: Place,
}

/// Where a daemon runs.
#[derive(Clone)]
enum Place {
    /// On this machine's own loopback, with no rights needed.
    Loopback,
    /// In a network namespace.
    Netns(String),
}

impl Daemon {
    /// Starts peeringd in its namespace of the lab, with a peering for each site.
    pub(crate) fn start(lab: &Lab, setup: Setup, rib: &Rib) -> Self {
        Self::start_changed(lab, setup, rib, |config, _| config)
    }

    /// The same with another config, made of the usual one, and with whatever files that names in its folder.
    pub(crate) fn start_changed(
        lab: &Lab,
        setup: Setup,
        rib: &Rib,
        change: impl FnOnce(String, &Path) -> String,
    ) -> Self {
        let folder = lab.folder("peeringd");
        let config = change(Self::config(lab, &folder, &lab.sites, setup), &folder);
        Self::start_at(Place::Netns(lab.ours.name().to_owned()), folder, &config, rib)
    }

    /// The same with one more line in each `bgp_session`.
    pub(crate) fn start_with(lab: &Lab, setup: Setup, rib: &Rib, line: &str) -> Self {
        let folder = lab.folder("peeringd");
        let at = "          passive:";
        let config =
            Self::config(lab, &folder, &lab.sites, setup).replace(at, &format!("          {line}\n{at}"));
        Self::start_at(Place::Netns(lab.ours.name().to_owned()), folder, &config, rib)
    }

    /// A config with peerings for these sites of a lab.
    pub(crate) fn config(lab: &Lab, folder: &Path, sites: &[Site], setup: Setup) -> String {
        let peerings: String = sites.iter().map(|s| peering(s, setup)).collect();
        format!(
            "router: {{ asn: 8075, router_id: {} }}\n\
             rib: rib.yaml\n\
             http: {{ listen: \"127.0.0.1:9179\" }}\n\
             control: {{ socket: {} }}\n\
             state_dir: {}\n\
             peerings:\n{peerings}",
            lab.site().our_v4(),
            folder.join("control.sock").display(),
            folder.join("state").display(),
        )
    }

    /// Starts peeringd on loopback, in an empty folder, with these peerings. It listens where the second value says.
    pub(crate) fn start_on_loopback(folder: &Path, peerings: &str, rib: &Rib) -> (Self, SocketAddr) {
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = format!(
            "router: {{ asn: 8075, router_id: 127.0.0.1, listen: [\"{at}\"] }}
rib: rib.yaml
control: {{ socket: {folder}/control.sock }}
state_dir: {folder}/state
lab: true
peerings:
{peerings}",
            folder = folder.display()
        );
        (Self::start_at(Place::Loopback, folder.to_owned(), &config, rib), at)
    }

    fn start_at(place: Place, folder: PathBuf, config: &str, rib: &Rib) -> Self {
        let files = ["peeringd.yaml", "rib.yaml", "control.sock"].map(|name| folder.join(name));
        let [config_file, rib_file, socket] = files;
        fs::write(&config_file, config).unwrap();
        fs::write(&rib_file, rib.yaml()).unwrap();
        let process = spawn(&place, &folder, &config_file);
        Self { process, config: config_file, rib: rib_file, socket, folder, place }
    }

    /// Starts it again after its end, with the same files.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(&self.place, &self.folder, &self.config);
    }

    /// Puts another RIB file in place, at once, and asks for a reload.
    pub(crate) fn reload(&self, rib: &Rib) {
        self.reload_text(&rib.yaml());
    }

    /// The same with whatever text.
    pub(crate) fn reload_text(&self, rib: &str) {
        self.put_rib(rib);
        self.process.signal("HUP");
    }

    /// Puts another RIB file in place, at once.
    pub(crate) fn put_rib(&self, rib: &str) {
        let new = self.rib.with_extension("new");
        fs::write(&new, rib).unwrap();
        fs::rename(&new, &self.rib).unwrap();
    }

    /// Puts another config in place, made of the one that is there, and asks for a reload.
    pub(crate) fn reload_changed(&self, change: impl FnOnce(String) -> String) {
        let config = fs::read_to_string(&self.config).unwrap();
        fs::write(&self.config, change(config)).unwrap();
        self.process.signal("HUP");
    }

    /// What `partner-config` writes of a connection.
    pub(crate) fn partner_config(&self, connection: &str, router: &str, options: &[&str]) -> String {
        partner_config(&self.config, connection, router, options)
    }

    /// The folder of its files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts another config in place, with peerings for these sites alone, and asks for a reload.
    pub(crate) fn reload_with_sites(&self, lab: &Lab, sites: &[Site], setup: Setup) {
        fs::write(&self.config, Self::config(lab, &self.folder, sites, setup)).unwrap();
        self.process.signal("HUP");
    }

    /// The answer of peeringd's HTTP server to a GET, its head included.
    ///
    /// # Errors
    /// Where nothing listens.
    pub(crate) fn get(&self, path: &str) -> Result<String, String> {
        self.http(&format!("GET {path} HTTP/1.0\\r\\n\\r\\n"))
    }

    /// The same to a POST.
    ///
    /// # Errors
    /// Where nothing listens.
    pub(crate) fn post(&self, path: &str, body: &str) -> Result<String, String> {
        let head = "Content-Type: application/json\\r\\nContent-Length";
        self.http(&format!("POST {path} HTTP/1.0\\r\\n{head}: {}\\r\\n\\r\\n{body}", body.len()))
    }

    fn http(&self, request: &str) -> Result<String, String> {
        let Place::Netns(name) = &self.place else { return Err("only inside a lab".to_owned()) };
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/9179 && printf '{request}' >&3 && cat <&3");
        output(command_in(name, "/bin/bash").args(["-c", &script]))
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// A client command's JSON.
    ///
    /// # Errors
    /// What the command said, for instance while the socket is not there yet.
    pub(crate) fn show(&self, arguments: &[&str]) -> Result<Value, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peeringd"));
        let text =
            output(command.arg("show").args(arguments).arg("--json").arg("--socket").arg(&self.socket))?;
        serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))
    }

    /// A command that changes something, like `reset`, with what it prints.
    ///
    /// # Errors
    /// What the command said.
    pub(crate) fn order(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peeringd"));
        output(command.args(arguments).arg("--socket").arg(&self.socket))
    }

    /// One session of `show sessions --json`.
    ///
    /// # Errors
    /// Where the command fails or lists no such session.
    pub(crate) fn session(&self, name: &str) -> Result<Value, String> {
        let sessions = self.show(&["sessions"])?;
        let found = sessions.as_array().and_then(|all| all.iter().find(|s| s["name"] == name));
        found.cloned().ok_or_else(|| format!("no session {name} in {sessions}"))
    }

    /// Waits until `show sessions` has nothing but Established.
    #[track_caller]
    pub(crate) fn wait_established(&self, limit: Duration) {
        until("peeringd's sessions to be Established", limit, || {
            let sessions = self.show(&["sessions"])?;
            let states: Vec<_> = sessions.as_array().unwrap().iter().map(|s| s["state"].clone()).collect();
            let up = !states.is_empty() && states.iter().all(|s| s == "Established");
            if up { Ok(()) } else { Err(format!("{states:?}")) }
        });
    }
}

/// What `partner-config` writes of a connection in a config.
pub(crate) fn partner_config(config: &Path, connection: &str, router: &str, options: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peeringd"));
    run(command
        .args(["partner-config", connection, "--for", router])
        .args(options)
        .arg("--config")
        .arg(config))
}

fn spawn(place: &Place, folder: &Path, config: &Path) -> Process {
    let program = env!("CARGO_BIN_EXE_peeringd");
    let mut command = match place {
        Place::Loopback => Command::new(program),
        Place::Netns(name) => command_in(name, program),
    };
    command.arg("run").arg("--config").arg(config);
    Process::spawn("peeringd", command, &folder.join("log"))
}

fn peering(site: &Site, setup: Setup) -> String {
    let v4 = format!("session_prefix_v4: {}", site.subnet_v4());
    let v6 = format!("session_prefix_v6: \"{}\"", site.subnet_v6());
    let both = "families: [ipv4, ipv6]".to_owned();
    let of_sessions = match setup.sessions {
        Sessions::EachItsOwn => vec![v4, v6],
        Sessions::BothOnIpv4 => vec![v4, both, format!("next_hop_v6: \"{}\"", site.our_v6())],
        Sessions::BothOnIpv6 => vec![v6, both, "extended_next_hop: true".to_owned()],
    };
    format!(
        "  - name: contoso-at-{name}
    kind: direct
    direct_peering_type: edge
    peer_asn: {asn}
    peering_location: Ashburn
    connections:
      - name: {name}
        connection_state: active
        bandwidth_in_mbps: 10000
        bgp_session:
          {of_sessions}
          passive: {passive}
          hold_time: {hold_time}
{keys}",
        name = site.connection(),
        asn = site.asn(),
        of_sessions = of_sessions.join("\n          "),
        passive = setup.dials == Dials::Router,
        hold_time = setup.hold_time,
        keys = setup
            .keys
            .split("; ")
            .filter(|k| !k.is_empty())
            .map(|k| format!("          {k}\n"))
            .collect::<String>(),
    )
}
