//! `peeringd demo --once`, the whole of it: both sides in one process, over real TCP.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    #[test]
    fn the_partner_holds_exactly_the_rib() {
        let output = Command::new(env!("CARGO_BIN_EXE_peeringd")).args(["demo", "--once"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("exactly the RIB on every session"), "{said}");
    }

    #[test]
    fn nothing_is_left_when_it_is_told_to_end() {
        for signal in ["TERM", "INT", "HUP"] {
            let dir = tempfile::tempdir().unwrap();
            let mut demo = Command::new(env!("CARGO_BIN_EXE_peeringd"))
                .arg("demo")
                .env("TMPDIR", dir.path())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(demo.stdout.take().unwrap()).lines();
            let mut lines = lines.map(Result::unwrap);
            assert!(lines.any(|line| line.contains("Ctrl-C ends it")), "{signal}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{signal}");
            let pid = demo.id().to_string();
            assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
            assert!(lines.any(|line| line == "stopping"), "{signal}");
            assert!(demo.wait().unwrap().success(), "{signal}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{signal}");
        }
    }
}
