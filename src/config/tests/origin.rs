//! `rpki` and `irr`: caches, files, and what they keep from being accepted.

use std::fs;
use std::path::Path;

use expect_test::expect;

use super::{folder, plan, said, strip};
use crate::config::load;
use crate::peering::Enforcement;

const VRPS: &str = r#"{"roas":[{"asn":3356,"prefix":"8.0.0.0/12","ta":"arin"}]}"#;
const ROUTES: &str = "route: 8.23.254.0/24\norigin: AS3356\n";

/// A config with these sections.
fn with(sections: &str) -> String {
    format!("router: {{router_id: 192.0.2.1}}\nrib: rib\n{sections}\npeerings: []\n")
}

/// What is said of a config with these sections, in a folder with these files.
fn said_with(sections: &str, files: &[(&str, &str)]) -> String {
    let dir = folder(with(sections));
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    match load(&dir.path().join("c.yaml")) {
        Ok((_, findings)) | Err(findings) => {
            let none =
                "c.yaml:1:1: warning: there are no peerings: add some: without them nobody is spoken to\n";
            format!("{}\n", strip(&findings, &dir)).replace(none, "")
        }
    }
}

#[test]
fn f41_f42_what_is_refused_is_what_the_config_says_and_by_default_nothing() {
    let (plan, _) = plan(with(""));
    assert_eq!((plan.origin.enforce, plan.origin.caches.len()), (Enforcement::default(), 0));
    for [rpki, unsigned, irr, unknown] in [
        ["show", "show", "show", "show"],
        ["refuse", "show", "show", "show"],
        ["show", "refuse", "show", "show"],
        ["show", "show", "refuse", "show"],
        ["show", "show", "show", "refuse"],
    ] {
        let sections = format!(
            "rpki: {{caches: ['192.0.2.8:323'], invalid: {rpki}, unknown: {unsigned}}}\nirr: {{files: [r], invalid: {irr}, unknown: {unknown}}}"
        );
        let dir = folder(with(&sections));
        fs::write(dir.path().join("r"), ROUTES).unwrap();
        let (plan, _) = load(&dir.path().join("c.yaml")).unwrap();
        let [rpki_invalid, rpki_unknown, irr_invalid, irr_unknown] =
            [rpki, unsigned, irr, unknown].map(|word| word == "refuse");
        let expected = Enforcement { rpki_invalid, rpki_unknown, irr_invalid, irr_unknown };
        assert_eq!(plan.origin.enforce, expected);
    }
}

#[test]
fn files_are_read_with_the_config() {
    let dir = folder(with("rpki: {vrp_files: [v.json]}\nirr: {files: [r, b.json]}"));
    let list = r#"{"AS7018": [{"prefix": "8.24.0.0/16", "exact": true}]}"#;
    for (name, text) in [("v.json", VRPS), ("r", ROUTES), ("b.json", list)] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let (plan, _) = load(&dir.path().join("c.yaml")).unwrap();
    let [file] = plan.origin.vrp_files.as_slice() else { panic!("{:?}", plan.origin) };
    assert_eq!((file.vrps.len(), file.path.file_name()), (1, Some(Path::new("v.json").as_os_str())));
    assert_eq!(plan.origin.irr.count(), (2, 0));
    assert_eq!(plan.origin.irr_files.iter().map(|(_, routes)| *routes).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_place_and_the_config_is_not_used() {
    let sections = "rpki: {vrp_files: [v.json, none.json, d]}\nirr: {files: [r, no.db]}";
    let dir = folder(with(sections));
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("v.json"), "{\"roas\":[\n{\"asn\":\"x\"}]}").unwrap();
    fs::write(dir.path().join("r"), "route: 8.23.254.0/24\n").unwrap();
    let findings = load(&dir.path().join("c.yaml")).unwrap_err();
    expect![[r#"
        c.yaml:1:1: warning: there are no peerings: add some: without them nobody is spoken to
        c.yaml:3:28: rpki.vrp_files: no such file none.json: check the path
        c.yaml:3:39: rpki.vrp_files: d is not a file: name a file
        c.yaml:4:18: irr.files: no such file no.db: check the path
        r:1:1: route without an origin: mend the object or fetch the file again
        v.json:2:10: not a file of VRPs: "x" is no ASN: mend it, or have the file written anew"#]]
    .assert_eq(&strip(&findings, &dir));
}

#[test]
fn what_makes_no_sense_is_said() {
    expect![[r#"
        c.yaml:3:34: rpki.caches: 0.0.0.0:323 is nobody's address: write the cache's address and port, like 192.0.2.1:323
        c.yaml:3:49: rpki.caches has 192.0.2.8:323 twice: keep one of the two
        c.yaml:4:16: irr.unknown: refuse without irr.files, which leaves nothing to accept: name the registry's files, or write show
    "#]]
    .assert_eq(&said_with(
        "rpki: {caches: ['192.0.2.8:323', '0.0.0.0:323', '192.0.2.8:323']}\nirr: {unknown: refuse}",
        &[],
    ));
    expect![[r#"
        c.yaml:3:17: warning: rpki.invalid: refuse, and nothing says what is invalid: name caches or vrp_files
        c.yaml:4:16: warning: irr.invalid: refuse, and nothing says what is invalid: name files
    "#]]
    .assert_eq(&said_with("rpki: {invalid: refuse}\nirr: {invalid: refuse}", &[]));
    expect![[r#"
        c.yaml:3:8: unknown key cache in rpki: did you mean caches?
        c.yaml:4:16: invalid "drop" is unknown: write one of show, refuse
    "#]]
    .assert_eq(&said_with("rpki: {cache: ['192.0.2.8:323']}\nirr: {invalid: drop}", &[]));
    expect![[r#"
        c.yaml:3:17: rpki.unknown: refuse without caches or vrp_files, which leaves nothing to accept: name caches or vrp_files, or write show
    "#]]
    .assert_eq(&said_with("rpki: {unknown: refuse}", &[]));
    let many: Vec<_> = (1..=5).map(|n| format!("'192.0.2.{n}:323'")).collect();
    assert!(said(with(&format!("rpki: {{caches: [{}]}}", many.join(", ")))).contains("more than 4"));
    let old = r#"{"roas":[{"asn":1,"prefix":"8.0.0.0/8","expires":1}]}"#;
    expect![[r#"
        c.yaml:3:20: warning: rpki.vrp_files: the time of 1 VRPs in v.json is over: have a validator write the file anew, and reload
    "#]]
    .assert_eq(&said_with("rpki: {vrp_files: [v.json]}", &[("v.json", old)]));
}
