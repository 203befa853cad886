//! The lab of `configs/lab`, in network namespaces and in containers: every partner holds the whole set, each fault
//! shows its documented error and goes when mended, and nothing is left behind.
//!
//! Needs root; the containers need Docker and Compose, whose engine the test starts where none answers. `tests/run`
//! installs what is missing. There is one lab at a time on a machine.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::path::Path;
    use std::process::Command;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::support::process::{Process, installed, output, run};
    use super::support::wait::until;

    const PROMETHEUS: &str = "198.18.75.1:9090";
    /// Each fault and the words of it.
    const FAULTS: [(&str, &str); 4] = [
        ("missing-community", "Advertisement missing MAPS community"),
        ("path-too-long", "AS path isn't correct"),
        ("private-asn", "AS path isn't correct"),
        ("session-down", "Prefix not received from IP"),
    ];
    /// Each partner and its address in the session that `session-down` takes down.
    const PARTNERS: [(&str, &str); 3] = [("frr", "10.75.0.4"), ("bird", "10.75.1.4"), ("gobgp", "10.75.2.4")];

    /// A lab that is taken away when this is dropped.
    struct Lab {
        /// Where the engine answers, of containers.
        engine: Option<String>,
    }

    impl Lab {
        fn up(engine: Option<String>) -> Self {
            let lab = Self { engine };
            let mut up = lab.script("up");
            up.args(["--binary", env!("CARGO_BIN_EXE_peeringd")]);
            if lab.engine.is_none() {
                up.arg("--netns");
            }
            let said = run(&mut up);
            assert!(said.contains("Every partner holds 354 IPv4 and 14 IPv6 prefixes on both"), "{said}");
            lab
        }

        fn script(&self, name: &str) -> Command {
            let mut command = Command::new(Path::new("configs/lab").join(name));
            if let Some(engine) = &self.engine {
                command.env("DOCKER_HOST", engine);
            }
            command
        }

        /// What is left of it.
        fn remains(&self) -> Vec<String> {
            let mut left = Vec::new();
            if Path::new("/run/peeringd-lab").exists() {
                left.push("/run/peeringd-lab".to_owned());
            }
            let mut lists = vec![run(Command::new("ip").args(["netns", "list"]))];
            lists.push(run(Command::new("ip").args(["-brief", "link"])));
            if let Some(engine) = &self.engine {
                let all = ["ps", "--all", "--format", "{{.Names}}"];
                lists.push(run(Command::new("docker").args(all).env("DOCKER_HOST", engine)));
            }
            left.extend(
                lists
                    .iter()
                    .flat_map(|l| l.lines())
                    .filter(|l| l.contains("peeringd-lab"))
                    .map(str::to_owned),
            );
            left
        }
    }

    impl Drop for Lab {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("{:?}", output(self.script("peeringd").args(["show", "registered"])));
                eprintln!("{:?}", output(self.script("peeringd").args(["show", "sessions"])));
            }
            drop(output(&mut self.script("down")));
        }
    }

    /// What Prometheus answers to a query.
    fn asked(query: &str) -> Result<String, String> {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(PROMETHEUS)?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            write!(stream, "GET /api/v1/query?query={query} HTTP/1.0\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        ask().map_err(|e| e.to_string())
    }

    fn tour(lab: &Lab) {
        for (partner, missing) in PARTNERS {
            for (fault, words) in FAULTS {
                let said = run(lab.script("break").args([fault, partner]));
                let line = said.lines().find(|line| line.contains(words));
                let line = line.unwrap_or_else(|| panic!("{fault} at {partner}: no \"{words}\" in\n{said}"));
                assert_eq!(line.contains(missing), fault == "session-down", "{fault} at {partner}: {line}");
                let said = run(lab.script("mend").arg(partner));
                assert!(!said.contains(words), "{fault} at {partner} is mended, but\n{said}");
            }
        }
        until("Prometheus to have scraped peeringd", Duration::from_secs(20), || {
            let answer = asked("sum(peeringd_session_up)")?;
            if answer.contains(",\"12\"]") { Ok(()) } else { Err(answer) }
        });
        run(&mut lab.script("down"));
        assert_eq!(lab.remains(), Vec::<String>::new());
    }

    #[test]
    fn in_namespaces() {
        tour(&Lab::up(None));
    }

    /// A Docker engine of the test's own, with its own folder.
    struct Engine {
        process: Process,
        folder: TempDir,
    }

    impl Engine {
        fn start() -> Self {
            let folder = tempfile::Builder::new().prefix("peeringd-docker-").tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            let mut command = Command::new(installed(&["/usr/sbin/dockerd"], "docker.io"));
            command.arg("--data-root").arg(at("data")).arg("--exec-root").arg(at("exec"));
            command.arg("--pidfile").arg(at("pid")).args(["--iptables=false", "--bridge=none"]);
            command.arg("--host").arg(format!("unix://{}", at("socket").display()));
            let process = Process::spawn("dockerd", command, &at("log"));
            let engine = Self { process, folder };
            until("the Docker engine", Duration::from_secs(30), || {
                output(Command::new("docker").arg("info").env("DOCKER_HOST", engine.host())).map(drop)
            });
            engine
        }

        fn host(&self) -> String {
            format!("unix://{}", self.folder.path().join("socket").display())
        }
    }

    impl Drop for Engine {
        fn drop(&mut self) {
            self.process.signal("TERM");
            self.process.wait_for_exit(Duration::from_secs(20));
            // It would keep the folder from being removed.
            drop(output(Command::new("umount").arg(self.folder.path().join("exec/netns/default"))));
        }
    }

    #[test]
    fn in_containers() {
        installed(&["/usr/bin/docker-compose"], "docker-compose");
        let engine = Engine::start();
        tour(&Lab::up(Some(engine.host())));
    }
}
