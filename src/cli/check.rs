//! `peeringd check`: every error of a config and its RIB in one run.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::{interfaces, load, too_large};
use crate::config::{self, OriginPlan, Plan};
use crate::rib::sources::grouped;
use crate::rib::{Finding, Findings, Place, Rows, Severity};
use crate::speaker::{KeptState, StateError, read_connections};

/// Arguments of `check`.
#[derive(clap::Args, Clone, Debug)]
pub struct CheckArgs {
    /// The config to check, with the RIB that it names and what the daemon keeps in its state_dir.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Says on stderr what is wrong, `file:line:column: what: what to do`, and on stdout what a right config amounts to.
/// Exit code 0, or 1 where there is an error; warnings do not fail it.
#[must_use]
pub fn run(args: &CheckArgs) -> ExitCode {
    let (code, said) = check(args, &mut io::stdout().lock(), &mut io::stderr().lock());
    // A reader that has gone away has what it wanted; the exit code is still the answer.
    drop(said);
    code
}

fn check(args: &CheckArgs, stdout: &mut dyn Write, stderr: &mut dyn Write) -> (ExitCode, io::Result<()>) {
    match config::load_with_rib(&args.config) {
        Ok((plan, rows, warnings)) => {
            let refused = refused_by_state(&plan);
            if refused.has_errors() {
                let said = say(stderr, &warnings).and_then(|()| unusable(args, &refused, stderr));
                return (ExitCode::FAILURE, said);
            }
            let said = say(stderr, &warnings).and_then(|()| say(stderr, &refused));
            let said = said.and_then(|()| say(stderr, &interfaces::warnings(&plan)));
            let said = said.and_then(|()| summary(stdout, &plan, &rows));
            let too_large = too_large::warnings(&plan, rows);
            let said = said.and_then(|()| match too_large {
                Ok(warnings) => say(stderr, &warnings),
                Err(error) => writeln!(stderr, "{}: {error}", plan.rib.display()),
            });
            (ExitCode::SUCCESS, said)
        }
        Err(findings) => (ExitCode::FAILURE, unusable(args, &findings, stderr)),
    }
}

fn unusable(args: &CheckArgs, findings: &Findings, stderr: &mut dyn Write) -> io::Result<()> {
    let errors = findings.0.iter().filter(|f| f.severity == Severity::Error).count();
    say(stderr, findings)?;
    writeln!(stderr, "{} is not usable: {}", args.config.display(), counted(errors, "error"))
}

/// What the daemon's state has against the config. Whoever checks need not be who runs it: state that is out of reach is
/// only worth a warning.
fn refused_by_state(plan: &Plan) -> Findings {
    let connections = match read_connections(plan) {
        Err(StateError::Read { path, error }) if error.kind() == io::ErrorKind::PermissionDenied => {
            out_of_reach(path, &error, "the states of connections are not compared")
        }
        Ok(_) | Err(_) => load::kept(plan).err().unwrap_or_default(),
    };
    let registrations = match KeptState::read(&plan.state_dir) {
        Err(StateError::Read { path, error }) if error.kind() == io::ErrorKind::PermissionDenied => {
            out_of_reach(path, &error, "what is registered is not compared")
        }
        Ok(_) | Err(_) => load::registrations(plan).err().unwrap_or_default(),
    };
    Findings(connections.0.into_iter().chain(registrations.0).collect())
}

fn out_of_reach(path: PathBuf, error: &io::Error, lost: &str) -> Findings {
    let fix = format!("check as the daemon's user: {lost}");
    Findings(vec![Finding::warning(Place::file(path), format!("cannot be read: {error}"), fix)])
}

fn say(out: &mut dyn Write, findings: &Findings) -> io::Result<()> {
    if findings.0.is_empty() { Ok(()) } else { writeln!(out, "{findings}") }
}

fn summary(out: &mut dyn Write, plan: &Plan, rows: &Rows) -> io::Result<()> {
    let connections = plan.peerings.iter().map(|p| p.connections.len()).sum();
    let (file, ranges) = (plan.file.display(), plan.ranges.len());
    writeln!(
        out,
        "{file}: {}, {}, {}{}{}",
        counted(plan.peerings.len(), "peering"),
        counted(connections, "connection"),
        counted(plan.sessions.len(), "session"),
        if ranges == 0 { String::new() } else { format!(", {}", counted(ranges, "range")) },
        if plan.lab { ", lab mode" } else { "" },
    )?;
    writeln!(
        out,
        "{}: {} and {} in {} and {}",
        plan.rib.display(),
        counted(rows.v4.len(), "IPv4 prefix"),
        counted(rows.v6.len(), "IPv6 prefix"),
        counted(rows.groups.len(), "group"),
        counted(rows.files.len(), "file"),
    )?;
    let OriginPlan { vrp_files, irr_files, .. } = &plan.origin;
    let vrps = vrp_files.iter().map(|file| file.vrps.len()).sum();
    let routes = irr_files.iter().map(|(_, routes)| routes).sum();
    for (what, count, files) in
        [("rpki", counted(vrps, "VRP"), vrp_files.len()), ("irr", counted(routes, "route"), irr_files.len())]
    {
        if files > 0 {
            writeln!(out, "{what}: {count} in {}", counted(files, "file"))?;
        }
    }
    Ok(())
}

fn counted(count: usize, noun: &str) -> String {
    let plural = match (count, noun.strip_suffix('x')) {
        (1, _) => "",
        (_, Some(_)) => "es",
        (_, None) => "s",
    };
    format!("{} {noun}{plural}", grouped(count))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use expect_test::expect;

    use super::*;

    /// Exit code, stdout and stderr of a check of these files.
    fn checked(config: &str, rib: &str) -> (ExitCode, String, String) {
        let dir = tempfile::tempdir().unwrap();
        let args = CheckArgs { config: dir.path().join("c.yaml") };
        fs::write(&args.config, config).unwrap();
        fs::write(dir.path().join("rib.yaml"), rib).unwrap();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let (code, said) = check(&args, &mut stdout, &mut stderr);
        said.unwrap();
        let strip =
            |text| String::from_utf8(text).unwrap().replace(&format!("{}/", dir.path().display()), "");
        (code, strip(stdout), strip(stderr))
    }

    const CONFIG: &str = "\
router: {router_id: 192.0.2.1}
rib: rib.yaml
peerings:
- name: p
  peer_asn: 3356
  connections: [{name: c, bgp_session: {session_prefix_v4: 4.68.74.180/30, session_prefix_v6: '2a01::/64'}}]
";

    #[test]
    fn attributes_that_fill_a_message_are_named() {
        let many: Vec<String> = (0..1100).map(|n| format!("'8075:{n}'")).collect();
        let rib = format!(
            "routes:\n- prefixes: [13.64.0.0/11]\n- communities: [{}]\n  prefixes:\n  - 20.33.0.0/16\n",
            many.join(", ")
        );
        let (code, _, stderr) = checked(CONFIG, &rib);
        assert_eq!(code, ExitCode::SUCCESS);
        expect![[r#"
            rib.yaml:5:1: warning: 20.33.0.0/16 is not advertised: its attributes leave no room for a prefix in a message of 4096 octets: give them fewer communities or a shorter as_path
        "#]]
        .assert_eq(&stderr);
    }

    #[test]
    fn an_interface_that_this_machine_has_not_is_a_warning() {
        let rib = "routes:\n- prefixes: [13.64.0.0/11]\n";
        let config =
            CONFIG.replace("bgp_session: {", "bgp_session: {v6: {interface: lo}, interface: none-such, ");
        let (code, stdout, stderr) = checked(&config, rib);
        assert_eq!((code, stdout.lines().count()), (ExitCode::SUCCESS, 2));
        expect![[r#"
            c.yaml:6:73: warning: this machine has no interface none-such: mend the name, or bring it up: no connection is made until it is there
        "#]].assert_eq(&stderr);
    }

    #[test]
    fn state_that_is_broken_is_said_where_it_is() {
        let rib = "routes:\n- prefixes: [13.64.0.0/11]\n";
        for name in ["connections.json", "registered.json", "events.json"] {
            let state = tempfile::tempdir().unwrap();
            fs::write(state.path().join(name), "{\"version\": 1,\n \"content\": [}").unwrap();
            let config = format!("state_dir: {}\n{CONFIG}", state.path().display());
            let (code, stdout, stderr) = checked(&config, rib);
            assert_eq!((code, stdout.as_str()), (ExitCode::FAILURE, ""), "{name}");
            let said = stderr.replace(&format!("{}/", state.path().display()), "");
            let [what, unusable] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
            assert!(what.starts_with(&format!("{name}:2:")) && what.contains(" is broken: "), "{said}");
            assert!(
                what.ends_with(": put back a copy of it, or move it away to begin without what it holds")
            );
            assert!(!what.contains(" at line "), "{said}");
            assert_eq!(unusable, "c.yaml is not usable: 1 error");
        }
    }

    #[test]
    fn state_of_a_newer_version_is_left_to_that() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("registered.json"), "{\"version\": 2, \"content\": {}}").unwrap();
        let config = format!("state_dir: {}\n{CONFIG}", state.path().display());
        let (_, _, stderr) = checked(&config, "routes:\n- prefixes: [13.64.0.0/11]\n");
        let said = "registered.json:1:1: is of version 2: run the newer peeringd that wrote it, or move it away to begin \
                    without what it holds";
        assert!(stderr.contains(said), "{stderr}");
    }

    #[test]
    fn a_right_config_is_summed_up() {
        let rib = "routes:\n- prefixes: [13.64.0.0/11, 20.33.0.0/16]\n- prefixes: ['2603:1000::/24']\n";
        let (code, stdout, stderr) = checked(CONFIG, rib);
        assert_eq!((code, stderr.as_str()), (ExitCode::SUCCESS, ""));
        expect![[r#"
            c.yaml: 1 peering, 1 connection, 2 sessions
            rib.yaml: 2 IPv4 prefixes and 1 IPv6 prefix in 2 groups and 1 file
        "#]]
        .assert_eq(&stdout);
    }

    #[test]
    fn files_of_registries_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let [vrps, routes] = ["vrps.json", "radb"].map(|name| dir.path().join(name));
        fs::write(&vrps, r#"{"roas":[{"asn":1,"prefix":"8.0.0.0/8"},{"asn":2,"prefix":"8.0.0.0/8"}]}"#)
            .unwrap();
        fs::write(&routes, "route: 8.0.0.0/8\norigin: AS1\n").unwrap();
        let origins =
            format!("rpki: {{vrp_files: [{}]}}\nirr: {{files: [{}]}}\n", vrps.display(), routes.display());
        let (_, stdout, _) = checked(&format!("{origins}{CONFIG}"), "routes:\n- prefixes: [13.64.0.0/11]\n");
        assert!(stdout.ends_with("\nrpki: 2 VRPs in 1 file\nirr: 1 route in 1 file\n"), "{stdout}");
    }

    #[test]
    fn counts_are_in_one_style() {
        assert_eq!(counted(1, "IPv4 prefix"), "1 IPv4 prefix");
        assert_eq!(counted(1_234_567, "IPv4 prefix"), "1,234,567 IPv4 prefixes");
    }

    #[test]
    fn warnings_are_said_and_do_not_fail() {
        let (code, stdout, stderr) = checked(
            &CONFIG.replace("  peer_asn", "  peering_service: true\n  peer_asn"),
            "routes:\n- prefixes: [13.64.0.0/11]\n",
        );
        assert_eq!((code, stdout.lines().count()), (ExitCode::SUCCESS, 2));
        assert!(stderr.starts_with("c.yaml:4:9: warning: "), "{stderr}");
    }

    #[test]
    fn errors_of_both_files_are_said_together() {
        let (code, stdout, stderr) = checked(
            &CONFIG.replace("192.0.2.1", "0.0.0.0").replace("peer_asn", "peer_as"),
            "routes:\n- prefixes: [10.0.0.0/8]\n",
        );
        assert_eq!((code, stdout.as_str()), (ExitCode::FAILURE, ""));
        expect![[r#"
            c.yaml:1:21: router_id 0.0.0.0 identifies no router (RFC 6286): write an IPv4 address that no other router has, like one of this router's own
            c.yaml:4:3: peer_asn is missing in a peering: add it, like peer_asn: 3356
            c.yaml:5:3: unknown key peer_as in a peering: did you mean peer_asn?
            rib.yaml:2:14: 10.0.0.0/8 is private space (RFC 1918): remove it: such space is not announced
            c.yaml is not usable: 4 errors
        "#]].assert_eq(&stderr);
        let (code, _, stderr) = checked("", "");
        assert_eq!(code, ExitCode::FAILURE);
        assert!(stderr.contains("c.yaml is not usable: 1 error\n"), "{stderr}");
    }
}
