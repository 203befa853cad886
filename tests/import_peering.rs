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
