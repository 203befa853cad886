//! The unit file under a real systemd, in a container that boots from a minimal Debian kept under `target/`.
//!
//! Needs root and Debian's `systemd-container` and `debootstrap`; `tests/run` installs them.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::time::{Duration, Instant};

    use tempfile::TempDir;

    use super::support::process::{Process, installed, output, run};
    use super::support::wait::{equal, until};

    const UNIT: &str = "peeringd.service";
    const BOOTED: Duration = Duration::from_secs(60);
    const STARTED: Duration = Duration::from_secs(20);
    /// What `systemd-analyze security` may say at most, of 100.
    const MAX_EXPOSURE: &str = "--threshold=20";
    const WATCHDOG: Duration = Duration::from_secs(2);

    /// A lab config that needs the right to bind a port below 1024 and no network but loopback.
    const CONFIG: &str = "\
router: { asn: 8075, router_id: 127.0.0.1, listen: [\"127.0.0.1:179\"] }
rib: rib.yaml
http: { listen: \"127.0.0.1:9179\" }
lab: true
peerings:
  - name: contoso
    kind: direct
    direct_peering_type: edge
    peer_asn: 64500
    peering_location: Ashburn
    connections:
      - name: contoso-1
        connection_state: active
        bandwidth_in_mbps: 10000
        bgp_session:
          microsoft_session_ipv4_address: 127.0.0.1
          peer_session_ipv4_address: 127.0.0.2
          passive: true
";

    fn rib(prefix: &str) -> String {
        format!("routes:\n  - prefixes: [{prefix}]\n")
    }

    /// A folder to boot from, made once; a run that was broken off leaves nothing that looks whole.
    fn root() -> PathBuf {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("systemd-root");
        if !root.join("bin/kill").exists() {
            let debootstrap = installed(&["/usr/sbin/debootstrap"], "debootstrap");
            let release = fs::read_to_string("/etc/os-release").unwrap();
            let suite = release.lines().find_map(|l| l.strip_prefix("VERSION_CODENAME=")).unwrap().to_owned();
            let parts =
                tempfile::Builder::new().prefix("systemd-root-").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
            let parts = parts.unwrap();
            let mut command = Command::new(debootstrap);
            run(command
                .args(["--variant=minbase", "--include=systemd,dbus,procps", &suite])
                .arg(parts.path()));
            run(Command::new("chmod").arg("755").arg(parts.path()));
            fs::rename(parts.keep(), &root).unwrap();
        }
        root
    }

    /// The children of a process.
    fn children_of(pid: &str) -> Vec<String> {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        children.split_whitespace().map(str::to_owned).collect()
    }

    /// The container's process 1: systemd-nspawn, itself the first in a namespace, has other children for a moment.
    fn init_of(unshare: u32) -> Option<String> {
        let is_first_of_third = |pid: &String| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let ids = status.lines().find_map(|l| l.strip_prefix("NSpid:")).unwrap_or_default();
            ids.split_whitespace().skip(2).eq(["1"])
        };
        let nspawn = children_of(&unshare.to_string()).pop()?;
        children_of(&nspawn).into_iter().find(is_first_of_third)
    }

    /// A booted system with the unit in it; nothing that happens there is kept.
    struct Container {
        nspawn: Process,
        init: String,
        etc: TempDir,
        _alone: MutexGuard<'static, ()>,
    }

    impl Container {
        /// Boots with peeringd installed, configured and not started; `drop_in` is added to its unit.
        fn boot(drop_in: &str) -> Self {
            static ALONE: Mutex<()> = Mutex::new(());
            let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
            let etc = tempfile::tempdir().unwrap();
            run(Command::new("chmod").arg("755").arg(etc.path()));
            let put = |name: &str, text: &str| fs::write(etc.path().join(name), text).unwrap();
            put("peeringd.yaml", CONFIG);
            put("rib.yaml", &rib("20.33.0.0/16"));
            put("drop-in.conf", drop_in);
            let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/systemd").join(UNIT);
            let bind = |from: &Path, to: &str| format!("--bind-ro={}:{to}", from.display());
            // In a process namespace, so that all of the container ends with the test, also if that is killed.
            let mut command = Command::new("setpriv");
            command.args([
                "--pdeathsig",
                "KILL",
                "--",
                "unshare",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ]);
            command.arg(installed(&["/usr/bin/systemd-nspawn"], "systemd-container"));
            command.arg("-b").arg("-D").arg(root());
            command.args(["--volatile=overlay", "--private-network", "--keep-unit", "--register=no"]);
            command.arg(bind(Path::new(env!("CARGO_BIN_EXE_peeringd")), "/usr/bin/peeringd"));
            command.arg(bind(&unit, &format!("/etc/systemd/system/{UNIT}")));
            command.arg(bind(etc.path(), "/etc/peeringd"));
            let drop_in_file = format!("/etc/systemd/system/{UNIT}.d/test.conf");
            command.arg(bind(&etc.path().join("drop-in.conf"), &drop_in_file));
            command.args(["--", "--show-status=no"]);
            let mut nspawn = Process::spawn("systemd-nspawn", command, &etc.path().join("console.log"));
            let init = until("the container's init", BOOTED, || {
                assert!(nspawn.ended().is_none(), "systemd-nspawn runs on");
                init_of(nspawn.pid())
                    .ok_or_else(|| "no process is the first of a namespace inside".to_owned())
            });
            let container = Self { nspawn, init, etc, _alone: alone };
            until("the container to boot", BOOTED, || {
                // A unit of the system's own that fails, like one that a container is not allowed, does not matter.
                let state =
                    container.command("systemctl is-system-running").output().map_err(|e| e.to_string())?;
                let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
                if ["running", "degraded"].contains(&state.as_str()) { Ok(()) } else { Err(state) }
            });
            container
        }

        fn command(&self, line: &str) -> Command {
            let mut command = Command::new("nsenter");
            command.args(["-t", &self.init, "-m", "-u", "-i", "-n", "-p", "--"]).args(line.split(' '));
            command
        }

        #[track_caller]
        fn run(&self, line: &str) -> String {
            run(&mut self.command(line))
        }

        /// One property of the unit.
        fn property(&self, name: &str) -> String {
            self.run(&format!("systemctl show {UNIT} --value --property {name}")).trim().to_owned()
        }

        fn put_rib(&self, text: &str) {
            fs::write(self.etc.path().join("rib.yaml"), text).unwrap();
        }

        /// Whether the daemon says that this is all that it may advertise.
        fn has_route(&self, prefix: &str) -> Result<(), String> {
            let routes = output(&mut self.command("peeringd show routes --json"))?;
            if routes.contains(prefix) { Ok(()) } else { Err(routes) }
        }

        fn wait_active(&self) {
            until("the unit to be active", STARTED, || {
                equal(&self.property("ActiveState"), &"active".to_owned()).map_err(|e| e + &self.journal())
            });
        }

        fn journal(&self) -> String {
            output(&mut self.command(&format!("journalctl --no-pager -n 30 -u {UNIT}"))).unwrap_or_else(|e| e)
        }
    }

    impl Drop for Container {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("---- journal\n{}----", self.journal());
            }
            self.nspawn.kill();
        }
    }

    #[test]
    fn the_unit_is_sound_and_hardened() {
        let container = Container::boot("");
        let said = container.run(&format!("systemd-analyze verify {UNIT}"));
        assert_eq!(said, "", "systemd-analyze verify has nothing to say");
        container.run(&format!("systemd-analyze security {MAX_EXPOSURE} --no-pager {UNIT}"));
    }

    #[test]
    fn it_runs_without_root_reloads_and_stops() {
        let container = Container::boot("");
        // With Type=notify this returns once READY=1 has come.
        container.run(&format!("systemctl start {UNIT}"));
        assert_eq!(container.property("ActiveState"), "active");
        container.has_route("20.33.0.0/16").unwrap();
        let pid = container.property("MainPID");
        let status = container.run(&format!("cat /proc/{pid}/status"));
        let field =
            |name: &str| status.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default().to_owned();
        assert!(field("Uid:").split_whitespace().all(|uid| uid != "0"), "{status}");
        assert_eq!(field("CapEff:").trim(), "0000000000000400", "CAP_NET_BIND_SERVICE alone: {status}");

        container.put_rib(&rib("20.36.0.0/14"));
        container.run(&format!("systemctl reload {UNIT}"));
        until("the changed RIB to be in force", STARTED, || container.has_route("20.36.0.0/14"));
        container.wait_active();

        container.put_rib(&rib("10.0.0.0/8"));
        container.run(&format!("systemctl reload {UNIT}"));
        until("the refusal to be said", STARTED, || {
            let journal = container.journal();
            if journal.contains("10.0.0.0/8") { Ok(()) } else { Err(journal) }
        });
        container.wait_active();
        container.has_route("20.36.0.0/14").unwrap();
        assert_eq!(container.property("MainPID"), pid, "the same process all the time");

        let began = Instant::now();
        container.run(&format!("systemctl stop {UNIT}"));
        assert!(began.elapsed() < Duration::from_secs(5), "stopped after {:?}", began.elapsed());
        assert_eq!(container.property("ActiveState"), "inactive");
        assert_eq!(container.property("Result"), "success");
    }

    #[test]
    fn a_restart_is_a_clean_end() {
        let container = Container::boot("");
        container.run(&format!("systemctl start {UNIT}"));
        let pid = container.property("MainPID");
        container.run(&format!("systemctl restart {UNIT}"));
        assert_eq!(container.property("ActiveState"), "active");
        assert_ne!(container.property("MainPID"), pid);
        let journal = container.journal();
        assert!(!journal.contains("Failed with result"), "{journal}");
    }

    #[test]
    fn a_rib_in_error_keeps_it_from_starting() {
        let container = Container::boot("[Service]\nRestart=no\n");
        container.put_rib(&rib("10.0.0.0/8"));
        output(&mut container.command(&format!("systemctl start {UNIT}"))).unwrap_err();
        assert_eq!(container.property("ActiveState"), "failed");
        assert_eq!(container.property("ExecMainStatus"), "1");
        let journal = container.journal();
        assert!(journal.contains("10.0.0.0/8"), "{journal}");
    }

    #[test]
    fn the_watchdog_restarts_what_hangs() {
        let container = Container::boot(&format!("[Service]\nWatchdogSec={}\n", WATCHDOG.as_secs()));
        container.run(&format!("systemctl start {UNIT}"));
        let pid = container.property("MainPID");
        // Fed in time, it lives on.
        super::support::wait::stays("the same process", WATCHDOG * 2, || {
            equal(&container.property("MainPID"), &pid)
        });
        container.run(&format!("systemctl kill --signal=STOP --kill-whom=main {UNIT}"));
        // The dog may just have been fed; then comes TimeoutAbortSec's SIGABRT, which a stopped process keeps
        // waiting, and then SIGKILL.
        until("another process in its place", WATCHDOG + STARTED, || {
            let now = container.property("MainPID");
            if now != pid && now != "0" { Ok(()) } else { Err(container.journal()) }
        });
        container.wait_active();
        container.has_route("20.33.0.0/16").unwrap();
        assert!(container.journal().contains("Watchdog timeout"), "{}", container.journal());
    }
}
