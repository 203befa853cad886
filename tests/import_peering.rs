//! `peeringd import-peering` as a process: exit codes, what goes to stdout and stderr, and a config that `check` takes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/azure/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn peeringd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peeringd")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Ends with this code, with nothing on stdout; gives stderr.
fn fails(args: &[&str], code: i32) -> String {
    let output = peeringd(args);
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
    text(&output.stderr)
}

#[test]
fn what_is_imported_passes_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let (config, rib) = (dir.path().join("peeringd.yaml"), dir.path().join("rib.yaml"));
    fs::write(&rib, "routes: [{prefixes: [13.64.0.0/11]}]\n").unwrap();
    let files = ["direct.json", "list.json", "peer-asns.json", "registered.json", "cli.json"].map(fixture);
    let legacy = fixture("legacy.json");
    let mut args = vec!["import-peering"];
    args.extend(files.iter().map(String::as_str));
    args.extend([
        "--legacy",
        &legacy,
        "--peer-asn",
        "AS3356",
        "--rib",
        "rib.yaml",
        "--out",
        config.to_str().unwrap(),
    ]);
    let output = peeringd(&args);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(text(&output.stdout), "");
    let wrote = format!("wrote {}\n", config.display());
    assert!(said.ends_with(&wrote), "{said}");
    assert!(said.contains(
        "read 6 peerings (2 legacy), 9 connections, 1 peer ASN, 2 registered prefixes, 1 registered ASN"
    ));
    assert!(said.contains("legacy.json:24:41: warning: md5AuthenticationKey is not taken over"), "{said}");

    let checked = peeringd(&["check", "--config", config.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
}

#[test]
fn without_out_the_config_is_on_stdout() {
    let output = peeringd(&["import-peering", &fixture("direct.json"), "--peer-asn", "contoso=3356"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout)
            .starts_with("# Made by `peeringd import-peering` of Azure's resources:\n#   direct.json\n")
    );
}

#[test]
fn resources_come_by_stdin_and_by_pipes() {
    let run = |script: &str| {
        let bin = env!("CARGO_BIN_EXE_peeringd");
        let script = script.replace("IMPORT", &format!("{bin} import-peering"));
        let output = Command::new("bash").arg("-c").arg(script).output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (direct, asns) = (fixture("direct.json"), fixture("peer-asns.json"));
    let (code, config, said) = run(&format!("IMPORT - <(cat {asns}) < {direct}"));
    assert_eq!(code, Some(0), "{said}");
    assert!(
        config.starts_with("# Made by `peeringd import-peering` of Azure's resources:\n#   (stdin)\n"),
        "{config}"
    );
    assert!(said.ends_with("read 1 peering, 2 connections, 1 peer ASN\n"), "{said}");
    let named = config.replace("(pipe)", "peer-asns.json");
    assert_eq!(run(&format!("cat {direct} | IMPORT - {asns}")).1, named);
    let (code, _, said) = run(&format!("set -o pipefail; IMPORT - {asns} < {direct} | true"));
    assert!(code == Some(0) || (code == Some(1) && said.is_empty()), "{code:?} {said}");

    let (code, config, said) = run("printf '{' | IMPORT -");
    assert_eq!((code, config.as_str()), (Some(1), ""));
    assert!(said.starts_with("(stdin):1:1: this is no JSON: EOF"), "{said}");
    let (code, _, said) = run("false | IMPORT -");
    assert!(
        code == Some(1) && said.starts_with("(stdin):1:1: this file is empty: the command that"),
        "{said}"
    );
    let (code, _, said) = run("printf '\\xff\\xfe{\\0}\\0' | IMPORT -");
    assert!(
        code == Some(1) && said.starts_with("(stdin):1:1: this file is UTF-16: save it as UTF-8"),
        "{said}"
    );
    assert_eq!(run("IMPORT - --legacy -").0, Some(2));
    let (code, _, said) = run("IMPORT /dev/null");
    assert!(code == Some(1) && said.starts_with("/dev/null:1:1: this is not a file"), "{said}");
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("c.yaml");
    let said = fails(&["import-peering", &fixture("direct.json"), "--out", out.to_str().unwrap()], 1);
    let expected = "direct.json:56:26: the number of the peer ASN contoso is not known: give the file of that PeerAsn too, or \
                    say --peer-asn contoso=ASN\n";
    assert!(said.ends_with(expected), "{said}");
    assert!(!Path::new(&out).exists());
    let missing = dir.path().join("none.json");
    assert!(
        fails(&["import-peering", missing.to_str().unwrap()], 1)
            .contains("none.json:1:1: there is no such file")
    );

    assert!(fails(&["import-peering"], 2).contains("<FILE>"));
    let twice = ["import-peering", &fixture("direct.json"), "--peer-asn", "3356", "--peer-asn", "3549"];
    assert!(fails(&twice, 2).contains("two ASNs without a name"));
    assert!(fails(&["import-peering", "x", "--peer-asn", "contoso=x"], 2).contains("like contoso=3356"));
    let over = dir.path().join("in.json");
    fs::copy(fixture("direct.json"), &over).unwrap();
    let over = over.to_str().unwrap();
    assert!(
        fails(&["import-peering", over, "--out", over], 2).contains("is both a file of resources and --out")
    );
}
