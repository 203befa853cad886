use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{LoadOptions, load};
use crate::rib::{Findings, Rows, Severity};
use crate::wire::{Asn, Origin};

const OURS: LoadOptions = LoadOptions { local_asn: Asn(8075) };

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn load_text(text: impl AsRef<[u8]>) -> (TempDir, Result<(Rows, Findings), Findings>) {
    let dir = folder(&[("rib.yaml", text.as_ref())]);
    let result = load(&dir.path().join("rib.yaml"), &OURS);
    (dir, result)
}

fn rows(text: impl AsRef<[u8]>) -> Rows {
    let (dir, result) = load_text(text);
    result.unwrap_or_else(|e| panic!("{}", strip(&e, dir.path()))).0
}

fn strip(findings: &Findings, dir: &Path) -> String {
    findings
        .to_string()
        .replace(&format!("{}/", dir.display()), "")
        .replace(&dir.display().to_string(), "DIR")
}

fn refused(text: impl AsRef<[u8]>, expected: &Expect) {
    let (dir, result) = load_text(text);
    expected.assert_eq(&strip(&result.unwrap_err(), dir.path()));
}

/// Every prefix as `line: prefix`, v4 before v6.
fn listed(rows: &Rows) -> Vec<String> {
    let v4 = rows.v4.iter().map(|r| format!("{}: {}/{}", r.line, std::net::Ipv4Addr::from(r.addr), r.len));
    let v6 = rows.v6.iter().map(|r| format!("{}: {}/{}", r.line, std::net::Ipv6Addr::from(r.addr), r.len));
    v4.chain(v6).collect()
}

const FULL: &str = r#"# a comment
routes:
  - communities: ["8075:1007", no-export, 8075:1007]
    extended_communities: [rt:8075:100]
    large_communities:
      - 8075:1:2
    med: 10
    origin: incomplete
    as_path: [8075, 8075, 64496]
    source: service-tags 376
    peering_locations: [Paris, Ashburn]
    peerings: [contoso]
    prefixes: [13.64.0.0/11, 2603:1000::/24]
  - allow_longer: true
    prefixes: |

      20.36.0.0/14   # behind a prefix
      # a line of its own

        20.33.0.0/16
      20.40.0.128/25
  - as_path: 64496 3356
    prefixes:
      - "4.128.0.0/12"
"#;

#[test]
fn both_forms_load_with_their_lines() {
    let rows = rows(FULL);
    assert_eq!(
        listed(&rows),
        [
            "24: 4.128.0.0/12",
            "13: 13.64.0.0/11",
            "20: 20.33.0.0/16",
            "17: 20.36.0.0/14",
            "21: 20.40.0.128/25",
            "13: 2603:1000::/24"
        ]
    );
    let [first, second, third] = rows.groups.as_slice() else { panic!("{:?}", rows.groups) };
    assert_eq!(format!("{:?}", first.attrs.communities), "[8075:1007, 65535:65281]");
    assert_eq!(format!("{:?}", first.attrs.extended_communities), "[rt:8075:100]");
    assert_eq!(format!("{:?}", first.attrs.large_communities), "[8075:1:2]");
    assert_eq!((first.attrs.med, first.attrs.origin), (Some(10), Origin::Incomplete));
    assert_eq!(first.attrs.as_path, [Asn(8075), Asn(64496)], "what stands behind the first local ASN");
    assert_eq!(first.source.as_deref(), Some("service-tags 376"));
    assert_eq!(first.peering_locations, ["Ashburn", "Paris"]);
    assert_eq!(first.peerings, ["contoso"]);
    assert_eq!((first.line, second.line, third.line), (3, 14, 22));
    assert!(second.allow_longer && !first.allow_longer);
    assert_eq!(second.attrs.as_path, []);
    assert_eq!(third.attrs.as_path, [Asn(64496), Asn(3356)], "the local ASN is put first");
    assert_eq!(rows.v4.iter().map(|r| r.group).collect::<Vec<_>>(), [2, 0, 1, 1, 1]);
    assert_eq!((rows.files.len(), rows.files[0].first_line), (1, 1));
}

#[test]
fn a_byte_order_mark_and_crlf_change_nothing() {
    let plain = rows(FULL);
    for text in [
        format!("\u{feff}{FULL}"),
        FULL.replace('\n', "\r\n"),
        format!("---\n{FULL}").replacen("# a comment\n", "", 1),
    ] {
        let other = rows(&text);
        assert_eq!((&other.v4, &other.v6, &other.groups), (&plain.v4, &plain.v6, &plain.groups), "{text:?}");
    }
}

#[test]
fn every_error_of_a_file_is_found_in_one_run() {
    refused(
        "routes:
  - comunities: []
    communities: [\"70000:1\", 5]
    extended_communities: [rt:x]
    large_communities: 8075:1:2
    med: \"10\"
    origin: bgp
    as_path: [12076, 0, 23456, 64512, 65535, x, 3356, 8075]
    source: {a: b}
    peering_locations: []
    peerings:
    allow_longer: yes
    prefixes: [13.64.0.0/11, 13.64.1.0/11, 0.0.0.0/0, 10.0.0.0/8, 2001:db8::/32, 20.0.0.0/25, x, 13.64.0.0, 1.2.3.0/33]
    prefixes: [20.0.0.0/16]
  - prefixes: |
      20.1.0.0/16 20.2.0.0/16
        192.168.0.0/16
      2603:1000::/49
  - source: nothing
  - prefixes: []
  - prefixes:
  - prefixes: 20.3.0.0/16
  - prefixes: >
      20.4.0.0/16
  - 20.5.0.0/16
  - prefixes: [[20.6.0.0/16]]
  - [a, b]: c
    prefixes:
      - 20.7.0.0/16
      - 20.7.0.0/16
route: []
",
        &expect![[r#"
            rib.yaml:2:5: unknown key comunities: did you mean communities?
            rib.yaml:3:19: "70000:1" in communities: a community is two numbers from 0 to 65535, like "8075:1007", or a well-known name like no-export
            rib.yaml:3:30: "5" in communities: a community is two numbers from 0 to 65535, like "8075:1007", or a well-known name like no-export
            rib.yaml:4:28: "rt:x" in extended_communities: an extended community is like "rt:8075:100", "ro:192.0.2.1:100" or "0x0002000b00000064"
            rib.yaml:5:24: large_communities is a list: write it like large_communities: ["8075:1:2"]
            rib.yaml:6:10: "10" is no med: write a number from 0 to 4294967295, without quotes
            rib.yaml:7:13: "bgp" is no origin: write igp, egp or incomplete
            rib.yaml:8:15: AS12076 (ExpressRoute) in as_path: remove these routes: they are never exchanged with peers
            rib.yaml:8:22: AS0 in as_path is no ASN at all (RFC 7607): remove it from the path
            rib.yaml:8:25: AS23456 in as_path is AS_TRANS (RFC 6793), which stands for another: remove it from the path
            rib.yaml:8:32: AS64512 in as_path is a private ASN (RFC 6996): remove it from the path
            rib.yaml:8:39: AS65535 in as_path is a reserved ASN: remove it from the path
            rib.yaml:8:46: "x" in as_path is no ASN: write numbers from 1 to 4294967295, like [8075, 64496]
            rib.yaml:8:55: as_path comes back to AS8075, our own: keep our own ASN at the front
            rib.yaml:9:13: source is one value: write it like service-tags 376
            rib.yaml:10:24: peering_locations is empty: name at least one, or remove the key to advertise everywhere
            rib.yaml:11:13: peerings is a list: write it like peerings: [contoso-ashburn]
            rib.yaml:12:19: "yes" is not true or false: write true or false, without quotes
            rib.yaml:13:30: 13.64.1.0/11 has host bits set: write 13.64.0.0/11, if that is the network meant
            rib.yaml:13:44: 0.0.0.0/0 is a default route: remove it: such space is not announced
            rib.yaml:13:55: 10.0.0.0/8 is private space (RFC 1918): remove it: such space is not announced
            rib.yaml:13:67: 2001:db8::/32 is documentation space (RFC 3849): remove it: such space is not announced
            rib.yaml:13:82: 20.0.0.0/25 is longer than /24: write 20.0.0.0/24, or set allow_longer: true in its group
            rib.yaml:13:95: "x" is no prefix: write a network and its length, like 13.64.0.0/11 or 2603:1000::/24
            rib.yaml:13:98: 13.64.0.0 has no length: write it with one, like 13.64.0.0/24
            rib.yaml:13:109: 1.2.3.0/33 has a length over 32: write a length from 1 to 32
            rib.yaml:14:5: the key prefixes is already set above: keep one of the two
            rib.yaml:16:7: "20.1.0.0/16 20.2.0.0/16" is no prefix: write a network and its length, like 13.64.0.0/11 or 2603:1000::/24
            rib.yaml:17:9: 192.168.0.0/16 is private space (RFC 1918): remove it: such space is not announced
            rib.yaml:18:7: 2603:1000::/49 is longer than /48: write 2603:1000::/48, or set allow_longer: true in its group
            rib.yaml:19:5: this group has no prefixes: add "prefixes:" with at least one, or remove the group
            rib.yaml:20:15: prefixes is empty: add at least one prefix, or remove the group
            rib.yaml:21:13: prefixes is empty: add at least one prefix, or remove the group
            rib.yaml:22:15: prefixes is no list and no block of text: write a list, or a "|" and a prefix a line below it
            rib.yaml:24:7: prefixes is no list and no block of text: write a list, or a "|" and a prefix a line below it
            rib.yaml:25:5: this is no group: write "- prefixes:" and the prefixes of the group
            rib.yaml:26:16: this is no prefix: write a network and its length, like 13.64.0.0/11
            rib.yaml:27:5: a key is a word: write one of the known keys here
            rib.yaml:30:9: 20.7.0.0/16 stands here again: keep one: it is already at rib.yaml:29
            rib.yaml:31:1: unknown key route: did you mean routes?"#]],
    );
}

#[test]
fn what_is_no_rib_is_refused() {
    for (text, expected) in [
        (
            "",
            expect![[
                r#"rib.yaml:1:1: this file is empty: write "routes:" and its groups, or remove the file"#
            ]],
        ),
        (
            "# nothing\n",
            expect![[
                r#"rib.yaml:2:1: this file is empty: write "routes:" and its groups, or remove the file"#
            ]],
        ),
        (
            "routes:\n",
            expect![[
                r#"rib.yaml:1:7: routes is no list of groups: write each group below it behind a "- ""#
            ]],
        ),
        (
            "routes: []\n",
            expect![
                "rib.yaml:1:1: this RIB has no prefix at all: add one: an empty table is never put in force"
            ],
        ),
        ("- routes\n", expect![[r#"rib.yaml:1:1: a RIB file is a mapping: begin it with "routes:""#]]),
        (
            "{}\n",
            expect![[r#"rib.yaml:1:1: this file has no "routes": write "routes:" and its groups below"#]],
        ),
        (
            "routes:\n  - prefixes: [1.0.0.0/24\n",
            expect![
                "rib.yaml:3:1: this is not YAML: while parsing a flow sequence, expected ',' or ']': look for a bracket, a quote or an indentation that is off here or above"
            ],
        ),
        (
            "routes:\n - prefixes: [1.0.0.0/24]\n\t- x\n",
            expect!["rib.yaml:3:1: a tab where YAML wants spaces: replace it by spaces"],
        ),
        (
            "routes:\n  - prefixes: &all [1.0.0.0/24]\n",
            expect![[r#"rib.yaml:2:15: a YAML anchor: remove the "&name": anchors are not used here"#]],
        ),
        (
            "routes:\n  - prefixes: *all\n",
            expect!["rib.yaml:2:15: a YAML alias: write the value out: aliases are not used here"],
        ),
        (
            "routes:\n  - prefixes: !!seq [1.0.0.0/24]\n",
            expect![[r#"rib.yaml:2:15: a YAML tag: remove the "!tag": a value's type follows from its key"#]],
        ),
        (
            "routes:\n  - prefixes: [1.0.0.0/24]\n---\nroutes: []\n",
            expect![[r#"rib.yaml:3:1: a second YAML document: keep one document a file: remove the "---""#]],
        ),
        (
            "routes: []\nroutes: []\n",
            expect!["rib.yaml:2:1: the key routes is already set above: keep one of the two"],
        ),
        (
            "routes: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
            expect![[r#"
            rib.yaml:1:10: this is no group: write "- prefixes:" and the prefixes of the group
            rib.yaml:1:72: lists or mappings nested too deep: nothing here needs more than a few levels"#]],
        ),
    ] {
        refused(text, &expected);
    }
    refused(
        b"routes:\n  - prefixes: [1.0.0.0/24] # caf\xe9\n",
        &expect!["rib.yaml:2:1: this line is not UTF-8: save the file as UTF-8 text"],
    );
}

#[test]
fn a_duplicate_names_the_other_place() {
    refused(
        "routes:\n- prefixes: [1.0.0.0/24, 1.0.0.0/24]\n- prefixes: |\n    1.0.0.0/24\n",
        &expect![[r#"
        rib.yaml:2:26: 1.0.0.0/24 stands here again: keep one: it is already at rib.yaml:2
        rib.yaml:4:5: 1.0.0.0/24 stands here again: keep one: it is already at rib.yaml:2"#]],
    );
    let dir = folder(&[
        ("a.yaml", b"routes:\n- prefixes: [1.0.0.0/24]\n"),
        ("b.yaml", b"\nroutes:\n- prefixes: [8.8.8.0/24, 1.0.0.0/24, 1.0.0.0/23, 2603::/24]\n"),
        ("c.yaml", b"routes:\n- prefixes:\n  - 9.9.9.0/24\n  - 2603:0::/24\n"),
    ]);
    expect![[r#"
        b.yaml:3:26: 1.0.0.0/24 stands here again: keep one: it is already at a.yaml:2
        c.yaml:4:5: 2603::/24 stands here again: keep one: it is already at b.yaml:3"#]]
    .assert_eq(&strip(&load(dir.path(), &OURS).unwrap_err(), dir.path()));
}

#[test]
fn a_folder_is_its_yaml_files_in_order_of_name() {
    let dir = folder(&[
        ("b.yml", b"routes:\n- prefixes: [8.8.8.0/24]\n"),
        ("a.yaml", b"routes:\n- prefixes: [9.9.9.0/24]\n- prefixes: [7.7.7.0/24, 2603:2::/32]"),
        ("c.YAML", b"routes:\n- source: c\n  prefixes: [6.6.6.0/24, 2603:1::/32]\n"),
        (".hidden.yaml", b"?"),
        ("#a.yaml#", b"?"),
        ("#b.yaml", b"?"),
        ("a.yaml~", b"?"),
        ("readme.txt", b"?"),
    ]);
    fs::create_dir(dir.path().join("more")).unwrap();
    let (rows, warnings) = load(dir.path(), &OURS).unwrap();
    let first_lines: Vec<_> =
        rows.files.iter().map(|f| (f.path.file_name().unwrap().to_str().unwrap(), f.first_line)).collect();
    assert_eq!(first_lines, [("a.yaml", 1), ("b.yml", 5), ("c.YAML", 8)]);
    assert_eq!(
        listed(&rows),
        [
            "10: 6.6.6.0/24",
            "3: 7.7.7.0/24",
            "6: 8.8.8.0/24",
            "2: 9.9.9.0/24",
            "10: 2603:1::/32",
            "3: 2603:2::/32"
        ]
    );
    assert_eq!(rows.groups.iter().map(|g| g.line).collect::<Vec<_>>(), [2, 3, 6, 9]);
    assert_eq!(rows.v4.iter().map(|r| r.group).collect::<Vec<_>>(), [3, 1, 2, 0]);
    expect!["more:1:1: warning: this folder is not read: a RIB folder is flat: move its files up, or hide it with a leading dot"].assert_eq(&strip(&warnings, dir.path()));
}

#[test]
fn what_cannot_be_read_is_an_error_and_never_empty() {
    let dir = folder(&[("good.yaml", b"routes:\n- prefixes: [1.0.0.0/24]\n"), ("empty.yaml", b"")]);
    std::os::unix::fs::symlink("nowhere", dir.path().join("gone.yaml")).unwrap();
    expect![[r#"
        empty.yaml:1:1: this file is empty: write "routes:" and its groups, or remove the file
        gone.yaml:1:1: there is no such file: check the path"#]]
    .assert_eq(&strip(&load(dir.path(), &OURS).unwrap_err(), dir.path()));
    fs::remove_file(dir.path().join("gone.yaml")).unwrap();
    expect![[r#"empty.yaml:1:1: this file is empty: write "routes:" and its groups, or remove the file"#]]
        .assert_eq(&strip(&load(dir.path(), &OURS).unwrap_err(), dir.path()));
    expect!["none:1:1: there is no such file: check the path"]
        .assert_eq(&strip(&load(&dir.path().join("none"), &OURS).unwrap_err(), dir.path()));
    let empty = tempfile::tempdir().unwrap();
    expect!["DIR:1:1: this folder holds no *.yaml or *.yml file: put the RIB files there, or name the right folder"].assert_eq(&strip(&load(empty.path(), &OURS).unwrap_err(), empty.path()));
    assert!(load(Path::new("/dev/null"), &OURS).unwrap_err().to_string().contains("this is not a file"));
}

#[test]
fn findings_are_bounded() {
    let mut text = "routes:\n- prefixes: |\n".to_owned();
    for i in 0..300 {
        writeln!(text, "    bad{i}").unwrap();
        writeln!(text, "    1.0.0.0/24").unwrap();
        writeln!(text, "    2.{}.0.0/25", i % 200).unwrap();
    }
    let (_dir, result) = load_text(&text);
    let findings = result.unwrap_err();
    assert_eq!(findings.0.len(), 101);
    // 300 bad ones, 299 + 100 that stand again, 300 longer ones.
    assert_eq!(findings.0[100].what, "899 more errors");
    assert!(findings.0[..100].windows(2).all(|w| w[0].place <= w[1].place));
}

#[test]
fn long_lines_and_large_texts_load() {
    let many = 100_000_u32;
    let prefixes: Vec<_> =
        (0..many).map(|i| std::net::Ipv4Addr::from(0x0100_0000 + i * 0x100).to_string() + "/24").collect();
    let prefixes: Vec<_> = prefixes.into_iter().filter(|p| !p.starts_with("10.")).collect();
    let flow = rows(format!("routes:\n- prefixes: [{}]\n", prefixes.join(", ")));
    let block = rows(format!("routes:\n- prefixes: |\n    {}\n", prefixes.join("\n    ")));
    let list = rows(format!("routes:\n- prefixes:\n  - {}\n", prefixes.join("\n  - ")));
    assert_eq!(flow.v4.len(), prefixes.len());
    for (i, ((flow, block), list)) in flow.v4.iter().zip(&block.v4).zip(&list.v4).enumerate() {
        let line = u32::try_from(i).unwrap() + 3;
        assert_eq!((flow.line, block.line, list.line), (2, line, line));
        assert_eq!((flow.addr, flow.len), (block.addr, block.len));
        assert_eq!((flow.addr, flow.len), (list.addr, list.len));
    }
}

/// A text of the right form, cut, doubled and overwritten.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit = (
        0..FULL.len(),
        0_usize..12,
        prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(b" \n-[]{}:#&*!|>'\"%@,?\t".to_vec())],
            0..4,
        ),
    );
    prop::collection::vec(edit, 1..6).prop_map(|edits| {
        let mut text = FULL.as_bytes().to_vec();
        for (at, remove, insert) in edits {
            let at = at.min(text.len());
            text.splice(at..(at + remove).min(text.len()), insert);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn hostile_text_never_panics_and_never_fails_without_a_place(text in mutated()) {
        let (_dir, result) = load_text(&text);
        match result {
            Ok((rows, _)) => prop_assert!(rows.v4.len() + rows.v6.len() > 0),
            Err(findings) => {
                prop_assert!(findings.0.iter().any(|f| f.severity == Severity::Error));
                let rendered = findings.to_string();
                prop_assert!(rendered.lines().count() == findings.0.len(), "one line each: {rendered}");
            }
        }
    }

    #[test]
    fn any_prefixes_in_any_files_come_out_sorted(sets in prop::collection::vec(prop::collection::btree_set(0x0B00_0000_u32..0x0C00_0000, 1..40), 1..5)) {
        let dir = tempfile::tempdir().unwrap();
        let mut all = Vec::new();
        for (i, set) in sets.iter().enumerate() {
            let mut text = "routes:\n- prefixes:\n".to_owned();
            for addr in set {
                writeln!(text, "  - {}/24", std::net::Ipv4Addr::from(addr & 0xFFFF_FF00)).unwrap();
                all.push(addr & 0xFFFF_FF00);
            }
            fs::write(dir.path().join(format!("{i}.yaml")), text).unwrap();
        }
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        match load(dir.path(), &OURS) {
            Ok((rows, _)) => prop_assert_eq!(rows.v4.iter().map(|r| r.addr).collect::<Vec<_>>(), all),
            Err(findings) => {
                prop_assert_eq!(findings.0.iter().filter(|f| f.what.ends_with("stands here again")).count(), count - all.len());
                prop_assert!(count > all.len());
            }
        }
    }
}

#[test]
fn a_text_loads_like_its_file() {
    let (dir, from_file) = load_text(FULL);
    let path = dir.path().join("rib.yaml");
    assert_eq!(super::load_text(&path, FULL.to_owned(), &OURS), from_file);
}

#[test]
fn f15_no_path_with_express_route_is_ever_exported() {
    for path in ["[12076]", "[8075, 12076]", "[8075, 3356, 12076]"] {
        let text = format!("routes:\n- as_path: {path}\n  prefixes: [13.64.0.0/11]\n");
        let said = load_text(text).1.unwrap_err().to_string();
        assert!(said.contains("AS12076 (ExpressRoute) in as_path: remove these routes"), "{said}");
    }
}
