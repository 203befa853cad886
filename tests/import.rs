//! `peeringd import` as a process: exit codes, what goes to stdout and stderr, and how files are replaced.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use peeringd::rib::{LoadOptions, load};
use peeringd::wire::Asn;

fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/sources/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn import<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peeringd")).arg("import").args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Ends with this code, with nothing on stdout; gives stderr.
fn fails(args: &[&str], code: i32) -> String {
    let output = import(args);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    stderr(&output)
}

/// A folder of this test's own.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn path(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn all_formats_in_one_rib_on_stdout_and_counts_on_stderr() {
    let args = [
        "--list",
        &fixture("list.txt"),
        "--office365",
        &fixture("office365-endpoints.json"),
        "--office365",
        &fixture("office365-flat.json"),
        "--service-tags",
        &fixture("service-tags.json"),
        "--public-ips",
        &fixture("public-ips.csv"),
        "--longer",
        "drop",
    ];
    let output = import(&args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let rib: serde_yaml::Value = serde_yaml::from_str(&stdout(&output)).unwrap();
    let mut lines: Vec<&str> = Vec::new();
    for group in rib["routes"].as_sequence().unwrap() {
        assert!(group["source"].is_string());
        lines.extend(group["prefixes"].as_str().unwrap().lines());
    }
    lines.sort_unstable();
    assert_eq!(
        lines,
        ["20.1.0.0/16", "20.2.4.0/24", "20.7.0.0/16", "20.8.0.0/24", "2603:1040::/32", "2603:1050::/40"]
    );
    expect_test::expect![[r#"
        service-tags 12 service-tags.json                4 IPv4 +         3 IPv6
        public-ips public-ips.csv                        2 IPv4 +         1 IPv6
        office365 office365-endpoints.json               2 IPv4 +         1 IPv6
        office365 20260101 office365-flat.json           1 IPv4 +         1 IPv6
        list list.txt                                    2 IPv4 +         1 IPv6
        all sources, distinct                            7 IPv4 +         5 IPv6
        longer than /24 or /48, dropped                  1 IPv4 +         1 IPv6
        after aggregation                                4 IPv4 +         2 IPv6
        IPv4 lengths: /16 2, /24 2
        IPv6 lengths: /32 1, /40 1
    "#]]
    .assert_eq(&stderr(&output));
    assert_eq!(stdout(&import(&args)), stdout(&output), "the same input gives the same bytes");
}

#[test]
fn the_head_comment_names_the_command_without_folders() {
    let folder = folder();
    let odd = path(&folder, "it's odd\n.txt");
    fs::write(&odd, "20.1.0.0/16\n").unwrap();
    let output = import(&["--list", text(&odd), "--longer", "keep"]);
    let rib = stdout(&output);
    assert!(rib.contains("\n#   peeringd import --list 'it'\\''s odd?.txt' --longer keep\n"), "{rib}");
    assert!(!rib.contains(text(folder.path())), "{rib}");
    assert_eq!(rib.lines().filter(|line| !line.starts_with('#')).count(), 4, "{rib}");
}

#[test]
fn wrong_usage_is_2() {
    let list = fixture("list.txt");
    assert!(fails(&[], 2).contains("--service-tags"));
    assert!(fails(&["--longer", "keep"], 2).contains("required"));
    assert!(fails(&["--list", &list, "--longer", "perhaps"], 2).contains("widen"));
    assert!(fails(&["--list", &list, "--select", "tags=A"], 2).contains("did you mean `tag`"));
    assert!(fails(&["--list", &list, "--select", "tag"], 2).contains("KEY=VALUE"));
    assert!(fails(&["--list", &list, "--select", "TAG=A"], 2).contains("--service-tags"));
    assert!(fails(&["--list", &list, "--out", &list], 2).contains("both a source and --out"));
    assert!(fs::read_to_string(&list).unwrap().starts_with('#'));
}

#[test]
fn a_selection_is_exact_or_an_error_that_names_near_values() {
    let tags = fixture("service-tags.json");
    let output = import(&["--service-tags", &tags, "--select", "tag=ferry.northsea", "--longer", "keep"]);
    let rib = stdout(&output);
    assert_eq!(rib.matches("service-tags 12 service-tags.json (Ferry.northsea)").count(), 2, "{rib}");
    assert!(rib.contains("      20.1.128.0/17\n") && !rib.contains("      20.1.0.0/1"), "{rib}");

    let said = fails(&["--service-tags", &tags, "--select", "tag=Fery"], 1);
    assert!(said.contains("near it there is Ferry"), "{said}");
    let said =
        fails(&["--service-tags", &tags, "--select", "region=", "--select", "service=LighthouseService"], 1);
    assert!(said.contains("no record meets every --select"), "{said}");
    let said = fails(&["--office365", &fixture("office365-flat.json"), "--select", "area=Exchange"], 1);
    assert!(said.contains("no source has any area"), "{said}");

    let list = fixture("list.txt");
    let output = import(&[
        "--service-tags",
        &tags,
        "--list",
        &list,
        "--select",
        "tag=Lighthouse.northsea",
        "--longer=drop",
    ]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stderr(&output).contains("note: --select takes nothing from list list.txt"),
        "{}",
        stderr(&output)
    );
    assert!(stdout(&output).ends_with("    prefixes: |\n      20.2.4.0/24\n"));
}

#[test]
fn longer_aggregates_are_counted_with_the_three_ways_out() {
    let tags = fixture("service-tags.json");
    let said = fails(&["--service-tags", &tags], 1);
    for word in ["1 IPv4 and 0 IPv6", "20.9.1.16/28", "--longer drop", "--longer widen", "--longer keep"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let kept = stdout(&import(&["--service-tags", &tags, "--longer", "keep"]));
    assert!(kept.contains("    allow_longer: true\n    prefixes: |\n      20.9.1.16/28\n"), "{kept}");
    let wide = stdout(&import(&["--service-tags", &tags, "--longer", "widen"]));
    assert!(wide.contains("      20.9.1.0/24\n") && !wide.contains("allow_longer"), "{wide}");

    let folder = folder();
    let hosts = path(&folder, "hosts.txt");
    fs::write(&hosts, "20.1.0.1/32\n").unwrap();
    assert!(fails(&["--list", text(&hosts), "--longer", "drop"], 1).contains("leaves nothing"));
}

#[test]
fn wrong_input_of_all_files_is_told_in_one_run_and_nothing_is_written() {
    let folder = folder();
    let write = |name: &str, content: &[u8]| {
        fs::write(path(&folder, name), content).unwrap();
        text(&path(&folder, name)).to_owned()
    };
    let tags = fs::read_to_string(fixture("service-tags.json")).unwrap();
    let truncated = write("truncated.json", &tags.as_bytes()[..tags.len() / 2]);
    let host_bits = write("host-bits.csv", b"Prefix,Type\r\n20.1.0.1/16, Block\r\n0.0.0.0/0, Block\r\n");
    let empty = write("empty.json", b"");
    let private = write("private.txt", b"20.1.0.0/16\n10.0.0.0/8 # ours\n2001:db8::/32\n");
    let binary = write("binary.txt", b"20.1.0.0/16\n\xff\xfe\n");
    let out = write("rib.yaml", b"the old table\n");
    let missing = text(&path(&folder, "missing.txt")).to_owned();
    let said = fails(
        &[
            "--service-tags",
            &truncated,
            "--public-ips",
            &host_bits,
            "--office365",
            &empty,
            "--office365",
            &fixture("service-tags.json"),
            "--list",
            &private,
            "--list",
            &binary,
            "--list",
            &missing,
            "--list",
            text(folder.path()),
            "--out",
            &out,
        ],
        1,
    );
    let root = format!("{}/", text(folder.path()));
    for line in [
        "host-bits.csv:2:1: 20.1.0.1/16 has host bits set",
        "host-bits.csv:3:1: 0.0.0.0/0 may not be advertised, it is a default route",
        "empty.json:1:1: the file is empty",
        "private.txt:2:1: 10.0.0.0/8 may not be advertised, it is private space",
        "private.txt:3:1: 2001:db8::/32 may not be advertised, it is documentation space",
        "binary.txt:2:1: not UTF-8",
        "missing.txt:1:1: there is no such file",
    ] {
        assert!(said.contains(&format!("{root}{line}")), "{line}: {said}");
    }
    assert!(said.contains("the file is truncated"), "{said}");
    assert!(said.contains("give it with --service-tags"), "{said}");
    assert!(said.contains(":1:1: this is a directory"), "{said}");
    assert_eq!(said.lines().count(), 10, "{said}");
    assert_eq!(fs::read_to_string(&out).unwrap(), "the old table\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 6, "no temporary file is left");
}

#[test]
fn out_is_replaced_whole_and_keeps_mode_and_link() {
    let folder = folder();
    let list = fixture("list.txt");
    let out = path(&folder, "rib.yaml");
    let link = path(&folder, "link.yaml");
    fs::write(&out, "the old table\n").unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("rib.yaml", &link).unwrap();
    let old = fs::File::open(&out).unwrap();
    let old_inode = fs::metadata(&out).unwrap().ino();

    let output = import(&["--list", &list, "--out", text(&link)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).ends_with(&format!("wrote {}\n", text(&link))));
    assert!(fs::read_to_string(&out).unwrap().ends_with("      20.1.0.0/16\n      2603:1040::/32\n"));
    assert_eq!(fs::metadata(&out).unwrap().mode() & 0o7777, 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    // A new file took the old one's name: whoever has the old one open still reads all of it.
    assert_ne!(fs::metadata(&out).unwrap().ino(), old_inode);
    assert_eq!(std::io::read_to_string(old).unwrap(), "the old table\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_new_out_file_is_readable_as_the_umask_says() {
    let folder = folder();
    let beside = path(&folder, "beside");
    fs::write(&beside, "").unwrap();
    let out = path(&folder, "rib.yaml");
    let dangling = path(&folder, "dangling.yaml");
    symlink(&out, &dangling).unwrap();
    assert!(import(&["--list", &fixture("list.txt"), "--out", text(&dangling)]).status.success());
    assert_eq!(fs::metadata(&out).unwrap().mode(), fs::metadata(&beside).unwrap().mode());

    let here = Command::new(env!("CARGO_BIN_EXE_peeringd"))
        .args(["import", "--list", &fixture("list.txt"), "--out", "bare.yaml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(here.status.success(), "{}", stderr(&here));
    assert!(path(&folder, "bare.yaml").is_file());
}

#[test]
fn what_is_no_file_is_not_replaced() {
    let folder = folder();
    let list = fixture("list.txt");
    assert!(fails(&["--list", &list, "--out", text(folder.path())], 1).contains("a directory"));
    assert!(fails(&["--list", &list, "--out", "/dev/null"], 1).contains("a device or a pipe"));
    let nowhere = path(&folder, "missing/rib.yaml");
    let said = fails(&["--list", &list, "--out", text(&nowhere)], 1);
    let (file, parent) = (text(&nowhere), path(&folder, "missing"));
    let advice = "make it, or choose another place";
    assert_eq!(said, format!("error: {file}: there is no folder {}: {advice}\n", text(&parent)));
    let said = fails(&["--list", &list, "--out", "/proc/rib.yaml"], 1);
    assert!(
        said.starts_with("error: /proc/rib.yaml: cannot be written: ") && !said.contains(".peeringd-"),
        "{said}"
    );
    let looped = path(&folder, "loop");
    symlink("loop", &looped).unwrap();
    assert!(fails(&["--list", &list, "--out", text(&looped)], 1).contains("cannot be written"));
}

#[test]
fn a_pipe_is_a_source_too_and_a_closed_stdout_is_not_success() {
    let fixture = fs::File::open(fixture("list.txt")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_peeringd"))
        .args(["import", "--list", "/dev/stdin"])
        .stdin(Stdio::from(fixture))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));

    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_peeringd"))
        .args(["import", "--list", &self::fixture("list.txt")])
        .stdout(Stdio::from(full))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("stdout: cannot be written"), "{}", stderr(&output));
}

#[test]
fn what_import_writes_loads_as_a_rib() {
    let options = LoadOptions { local_asn: Asn(8075) };
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/rib/microsoft.yaml");
    let (rows, warnings) = load(&shipped, &options).unwrap_or_else(|findings| panic!("{findings}"));
    assert_eq!((rows.v4.len(), rows.v6.len()), (354, 14));
    assert_eq!(warnings.to_string(), "");
    assert!(rows.groups.iter().all(|group| group.source.is_some() && !group.allow_longer));

    let folder = folder();
    let out = path(&folder, "rib.yaml");
    let tags = fixture("service-tags.json");
    assert!(import(&["--service-tags", &tags, "--longer", "keep", "--out", text(&out)]).status.success());
    let (rows, _) = load(&out, &options).unwrap_or_else(|findings| panic!("{findings}"));
    assert_eq!((rows.v4.len(), rows.v6.len()), (3, 1));
    let source = rows.groups[usize::try_from(rows.v4[0].group).unwrap()].source.as_deref();
    assert_eq!(source, Some("service-tags 12 service-tags.json (Ferry, Ferry.northsea)"));
}
