//! `bgpsink`, a receiver that shares no code with peeringd, against `peeringd run`. Its source lies in
//! `$PEERINGD_SHARED`, else in `../shared`, under `tools/`; `tests/run` leaves this out where it does not.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::support::daemon::Daemon;
    use super::support::process::{Process, run};
    use super::support::rib::Rib;

    const PEERINGS: &str = "  - name: bgpsink
    kind: direct
    direct_peering_type: edge
    peer_asn: 65001
    peering_location: Ashburn
    connections:
      - name: bgpsink-1
        connection_state: active
        bandwidth_in_mbps: 10000
        bgp_session:
          microsoft_session_ipv4_address: 127.0.0.1
          peer_session_ipv4_address: 127.0.1.1
          passive: true
";

    /// Builds bgpsink from a copy of its source, which may lie where nothing can be written.
    fn bgpsink() -> PathBuf {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let shared = std::env::var_os("PEERINGD_SHARED").map_or(manifest.join("../shared"), PathBuf::from);
        let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bgpsink");
        fs::create_dir_all(copy.join("src/bin")).unwrap();
        for file in ["Cargo.toml", "src/main.rs", "src/bin/bgpreplay.rs"] {
            let text = fs::read(shared.join("tools/bgpsink").join(file)).unwrap();
            // An unchanged file keeps its time, and cargo what it has built.
            if fs::read(copy.join(file)).ok().as_ref() != Some(&text) {
                fs::write(copy.join(file), text).unwrap();
            }
        }
        // The same versions as peeringd's own build, so that nothing new is fetched.
        fs::copy(manifest.join("Cargo.lock"), copy.join("Cargo.lock")).unwrap();
        run(Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--bin", "bgpsink"])
            .current_dir(&copy)
            .env_remove("CARGO_TARGET_DIR"));
        copy.join("target/debug/bgpsink")
    }

    #[test]
    fn one_ipv4_session_gets_354_prefixes_end_of_rib_and_no_more() {
        let bgpsink = bgpsink();
        let folder = tempfile::tempdir().unwrap();
        let (mut daemon, at) = Daemon::start_on_loopback(folder.path(), PEERINGS, &Rib::shipped());
        // It dials until it is heard, ends at End-of-RIB, and then listens on for what should not come.
        let mut command = Command::new(bgpsink);
        command.args(["--connect", &at.to_string(), "--local-base", "127.0.1.1"]);
        command.args(["--local-as", "65001", "--eor", "--timeout", "30", "--watch", "3"]);
        let mut sink = Process::spawn("bgpsink", command, &folder.path().join("bgpsink.log"));
        let (status, _) = sink.wait_for_exit(Duration::from_secs(45));
        let said = sink.log();
        assert!(status.success(), "{status}: {said}");
        let lines: Vec<Value> = said.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let session = lines.iter().find(|l| l["session"] == 0 && l.get("v4").is_some()).unwrap();
        let got = ["v4", "v6", "withdrawn", "eor"].map(|key| session[key].clone());
        assert_eq!(got, [json!(354), json!(0), json!(0), json!([true, false])], "{said}");
        assert!(
            lines.iter().all(|l| l.get("burst_end").is_none()),
            "nothing comes behind End-of-RIB: {said}"
        );
        assert!(daemon.process().ended().is_none(), "peeringd runs on");
    }
}
