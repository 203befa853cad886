//! The readers and what the tables say, over files as they are published.

use std::path::Path;
use std::sync::Arc;

use expect_test::{Expect, expect};
use ipnet::IpNet;
use proptest::prelude::*;

use super::*;

fn vrps(text: &str) -> VrpFile {
    read_vrps(Path::new("vrps.json"), text.as_bytes(), 1000).unwrap_or_else(|findings| panic!("{findings}"))
}

fn irr(text: &str) -> IrrFile {
    read_irr(Path::new("irr"), text.as_bytes()).unwrap_or_else(|findings| panic!("{findings}"))
}

fn tables(files: &[&str], cache: &[Vrp], registries: &[&str]) -> OriginTables {
    let files: Vec<_> = files.iter().map(|text| Arc::new(vrps(text))).collect();
    let routes = registries.iter().flat_map(|text| irr(text).routes).collect();
    OriginTables { rpki: Arc::new(RpkiTable::new(cache, &files)), irr: Arc::new(IrrTable::new(routes)) }
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn rpki(tables: &OriginTables, prefix: &str, origin: u32) -> (Validity, Option<String>) {
    let known = tables.validate(net(prefix), Some(Asn(origin)));
    (known.rpki, known.trust_anchor.map(|name| name.to_string()))
}

/// As rpki-client writes it, cut short.
const RPKI_CLIENT: &str = r#"{
	"metadata": { "buildmachine": "rpki", "buildtime": "2026-11-22T18:00:00Z", "vrps": 4, "nested": [{"a": [1, null]}] },

	"roas": [
		{ "asn": 3356, "prefix": "8.0.0.0/12", "maxLength": 24, "ta": "arin", "expires": 1001 },
		{ "asn": 15169, "prefix": "8.8.8.0/24", "maxLength": 24, "ta": "arin", "expires": 2000 },
		{ "asn": 0, "prefix": "2001:500::/30", "maxLength": 30, "ta": "apnic", "expires": 2000 },
		{ "asn": 64500, "prefix": "9.0.0.0/8", "maxLength": 8, "ta": "arin", "expires": 999 }
	],
	"bgpsec_keys": []
}
"#;

/// As Routinator writes it.
const ROUTINATOR: &str = r#"{"metadata":{"generated":0},"roas":[
  { "asn": "AS6939", "prefix": "2001:470::/32", "maxLength": 48, "ta": "N/A" },
  { "asn": "as3356", "prefix": "8.0.0.0\/12", "ta": "RIPE NCC" }]}"#;

#[test]
fn f42_rpki_validation_is_that_of_rfc_6811() {
    let tables = tables(&[RPKI_CLIENT], &[], &[]);
    let arin = || Some("Arin".to_owned());
    for (prefix, origin, expected) in [
        ("8.0.0.0/12", 3356, (Validity::Valid, arin())),
        ("8.1.2.0/24", 3356, (Validity::Valid, arin())),
        ("8.8.8.0/24", 3356, (Validity::Valid, arin())),
        ("8.8.8.0/24", 15169, (Validity::Valid, arin())),
        ("8.8.8.0/25", 15169, (Validity::Invalid, arin())),
        ("8.8.9.0/24", 15169, (Validity::Invalid, arin())),
        ("8.0.0.0/11", 3356, (Validity::Unknown, None)),
        ("2001:500::/30", 0, (Validity::Invalid, Some("Apnic".to_owned()))),
        ("2001:500:3::/48", 10745, (Validity::Invalid, Some("Apnic".to_owned()))),
        ("9.0.0.0/8", 64500, (Validity::Unknown, None)),
        ("2603:1000::/24", 8075, (Validity::Unknown, None)),
    ] {
        assert_eq!(rpki(&tables, prefix, origin), expected, "{prefix} {origin}");
    }
    assert_eq!(tables.validate(net("8.8.8.0/24"), None).rpki, Validity::Invalid);
    assert_eq!(tables.validate(net("20.0.0.0/8"), None).rpki, Validity::Unknown);
    assert_eq!(OriginTables::default().validate(net("8.8.8.0/24"), Some(Asn(15169))), RouteOrigin::default());
}

#[test]
fn f42_what_a_cache_and_files_have_goes_together() {
    let google = Vrp { prefix: net("8.8.8.0/24"), max_len: 24, asn: Asn(15169) };
    let cache = [google, Vrp { prefix: net("20.33.0.0/16"), max_len: 24, asn: Asn(7018) }];
    let tables = tables(&[RPKI_CLIENT, ROUTINATOR], &cache, &[]);
    assert_eq!(tables.rpki.count(), (4, 2));
    for (prefix, origin, expected) in [
        // A cache names no trust anchor, and the file that has the same VRP does.
        ("8.8.8.0/24", 15169, (Validity::Valid, Some("Arin".to_owned()))),
        ("20.33.1.0/24", 7018, (Validity::Valid, None)),
        ("2001:470:1::/48", 6939, (Validity::Valid, None)),
        ("8.1.0.0/16", 3356, (Validity::Valid, Some("Arin".to_owned()))),
    ] {
        assert_eq!(rpki(&tables, prefix, origin), expected, "{prefix} {origin}");
    }
}

#[test]
fn vrps_are_read_as_validators_write_them() {
    let file = vrps(RPKI_CLIENT);
    assert_eq!((file.vrps.len(), file.expired, file.path.as_path()), (3, 1, Path::new("vrps.json")));
    let file = vrps(ROUTINATOR);
    assert_eq!(file.vrps[1].0, Vrp { prefix: net("8.0.0.0/12"), max_len: 12, asn: Asn(3356) });
    assert_eq!(file.vrps[1].1.map(usize::from), Some(0));
    assert_eq!(vrps(&format!("\u{feff}{ROUTINATOR}")), file);
}

fn vrp_error(text: &str, expected: &Expect) {
    expected.assert_eq(&read_vrps(Path::new("v"), text.as_bytes(), 0).unwrap_err().to_string());
}

#[test]
fn what_is_wrong_with_vrps_has_its_place() {
    vrp_error("", &expect!["v:1:1: the file is empty: have it written anew"]);
    vrp_error("{}", &expect!["v:1:1: this has no \"roas\", so it is no file of VRPs: have it written anew"]);
    vrp_error(r#"{"roas":[]}"#, &expect!["v:1:1: the file has no VRPs at all: have it written anew"]);
    vrp_error(
        "{\"roas\":[\n{\"asn\":1,",
        &expect!["v:2:9: the file is truncated: mend it, or have the file written anew"],
    );
    vrp_error("<html>", &expect!["v:1:1: not JSON: expected value: mend it, or have the file written anew"]);
    let roa = |roa: &str| format!("{{\"roas\":[\n  {{{roa}}}]}}");
    vrp_error(
        &roa(r#""asn":1,"prefix":"8.0.0.1/8""#),
        &expect![
            "v:2:31: not a file of VRPs: 8.0.0.1/8 has host bits, its network is 8.0.0.0/8: mend it, or have the file written anew"
        ],
    );
    vrp_error(
        &roa(r#""asn":"x","prefix":"8.0.0.0/8""#),
        &expect![[r#"v:2:12: not a file of VRPs: "x" is no ASN: mend it, or have the file written anew"#]],
    );
    vrp_error(
        &roa(r#""asn":4294967296,"prefix":"8.0.0.0/8""#),
        &expect![[
            r#"v:2:19: not a file of VRPs: "4294967296" is no ASN: mend it, or have the file written anew"#
        ]],
    );
    vrp_error(
        &roa(r#""asn":1,"prefix":"8.0.0.0/8","maxLength":33"#),
        &expect![
            "v:2:48: not a file of VRPs: 8.0.0.0/8 with maxLength 33: mend it, or have the file written anew"
        ],
    );
    vrp_error(
        &roa(r#""asn":1"#),
        &expect![[
            r#"v:2:11: not a file of VRPs: missing field `prefix`: mend it, or have the file written anew"#
        ]],
    );
    vrp_error(
        r#"{"roas":{}}"#,
        &expect![
            "v:1:8: not a file of VRPs: invalid type: map, expected a list of VRPs: mend it, or have the file written anew"
        ],
    );
    vrp_error(
        r#"{"roas":[]} x"#,
        &expect!["v:1:13: not JSON: trailing characters: mend it, or have the file written anew"],
    );
}

/// As a registry publishes it: remarks, other objects, other encodings, comments, continued lines, both families.
fn rpsl() -> Vec<u8> {
    let text = r"# a registry's routes
% remark of the server

mntner:     MAINT-LEVEL3
route:      not:the first attribute

route:      8.23.254.0/24   # customer
descr:      M\xfcnchen
            route6: not an attribute
origin:     AS3356
source:     RADB

Route6:     2001:1900::/32
Origin:
+           as3356 # of the company
            # and a comment
source:     RADB

route:      8.23.254.0/24
origin:     AS7018";
    let text = text.replace("source:     RADB\n", "source:     RADB\r\n");
    let (before, after) = text.split_once("\\xfc").unwrap();
    [before.as_bytes(), b"\xfc", after.as_bytes()].concat()
}

#[test]
fn route_objects_are_read_as_registries_publish_them() {
    let file = read_irr(Path::new("radb"), &rpsl()).unwrap();
    let said: Vec<_> = file.routes.iter().map(|r| (r.prefix.to_string(), r.origin.0)).collect();
    let wanted = [("8.23.254.0/24", 3356), ("2001:1900::/32", 3356), ("8.23.254.0/24", 7018)];
    assert_eq!(said, wanted.map(|(prefix, origin)| (prefix.to_owned(), origin)));
}

#[test]
fn what_is_wrong_with_route_objects_has_its_place() {
    let text = "\
route: 8.0.0.1/8
origin: AS1

route: 8.0.0.0/8
descr: nobody's

route6: 8.0.0.0/8
origin: AS1

route: 8.0.0.0/8
origin:   3356

route: 8.0.0.0/8
origin: AS1
origin: AS2

route:
origin: AS2
";
    expect![[r#"
        radb:1:8: 8.0.0.1/8 has host bits, its network is 8.0.0.0/8: mend the object or fetch the file again
        radb:4:1: route without an origin: mend the object or fetch the file again
        radb:7:9: 8.0.0.0/8 in a route6 object: mend the object or fetch the file again
        radb:11:11: origin "3356" is no ASN like AS64500: mend the object or fetch the file again
        radb:14:9: more than one origin in an object: mend the object or fetch the file again
        radb:17:1: route without a prefix: mend the object or fetch the file again"#]]
    .assert_eq(&read_irr(Path::new("radb"), text.as_bytes()).unwrap_err().to_string());
    for text in ["", "\n\n", "mntner: X\n", "no colon at all"] {
        let findings = read_irr(Path::new("radb"), text.as_bytes()).unwrap_err().to_string();
        assert_eq!(findings, "radb:1:1: the file has no route objects at all: have it written anew");
    }
    let many = "route: x\norigin: AS1\n\n".repeat(1000);
    let findings = read_irr(Path::new("radb"), many.as_bytes()).unwrap_err();
    assert_eq!(findings.0.len(), 101);
    assert!(findings.to_string().ends_with("900 more errors: mend those above and check again"));
}

/// As bgpq4 writes it, with -l and -R.
const BGPQ4: &str = r#"{ "AS3356": [
    { "prefix": "8.0.0.0\/12", "exact": false,
      "greater-equal": 20, "less-equal": 24 },
    { "prefix": "8.23.254.0\/24", "exact": true },
    { "prefix": "2001:1900::\/32", "exact": false, "less-equal": 48 }
] }
"#;

#[test]
fn f41_the_registry_lists_the_route_with_its_origin_with_others_or_not() {
    let rpsl = String::from_utf8_lossy(&rpsl()).into_owned();
    for (registries, prefix, origin, expected) in [
        (&[rpsl.as_str()][..], "8.23.254.0/24", 3356, Validity::Valid),
        (&[&rpsl], "8.23.254.0/24", 7018, Validity::Valid),
        (&[&rpsl], "8.23.254.0/24", 6939, Validity::Invalid),
        (&[&rpsl], "2001:1900::/32", 3356, Validity::Valid),
        // A route object stands for its own prefix, and for nothing within it.
        (&[&rpsl], "2001:1900:1::/48", 3356, Validity::Unknown),
        (&[&rpsl], "8.23.0.0/16", 3356, Validity::Unknown),
        (&[BGPQ4], "8.1.0.0/20", 3356, Validity::Valid),
        (&[BGPQ4], "8.1.2.0/24", 3356, Validity::Valid),
        (&[BGPQ4], "8.1.2.0/24", 1, Validity::Invalid),
        (&[BGPQ4], "8.0.0.0/12", 3356, Validity::Unknown),
        (&[BGPQ4], "8.1.2.0/25", 3356, Validity::Unknown),
        (&[BGPQ4], "2001:1900:1::/48", 3356, Validity::Valid),
        (&[BGPQ4, &rpsl], "8.23.254.0/24", 7018, Validity::Valid),
        (&[], "8.23.254.0/24", 3356, Validity::Unknown),
    ] {
        let known = tables(&[], &[], registries).validate(net(prefix), Some(Asn(origin)));
        assert_eq!((known.irr, known.rpki), (expected, Validity::Unknown), "{prefix} {origin}");
    }
    let tables = tables(&[], &[], &[BGPQ4, &rpsl]);
    assert_eq!(tables.irr.count(), (3, 2));
    assert_eq!(tables.validate(net("8.23.254.0/24"), None).irr, Validity::Invalid);
}

#[test]
fn what_is_wrong_with_a_list_of_prefixes_has_its_place() {
    let error = |text: &str, expected: Expect| {
        expected.assert_eq(&read_irr(Path::new("b"), text.as_bytes()).unwrap_err().to_string());
    };
    error(
        "{ \"NN\": [\n",
        expect![[
            r#"b:1:6: not a list of bgpq4: the list "NN" does not say whose prefixes these are; have it named by their origin, as by bgpq4 -j -l AS64500 AS64500: mend it, or have the file written anew"#
        ]],
    );
    error("{ \"AS1\": [\n] }", expect!["b:1:1: the file has no prefixes at all: have it written anew"]);
    error(
        "{ \"AS1\": [\n{ \"prefix\": \"8.0.0.0/8\", \"less-equal\": 7 }\n] }",
        expect![
            "b:3:1: not a list of bgpq4: 8.0.0.0/8 with lengths from 8 to 7: mend it, or have the file written anew"
        ],
    );
    error(
        "{ \"AS1\": [ 1, 2 ] }",
        expect![[
            r#"b:1:12: not a list of bgpq4: invalid type: integer `1`, expected struct Entry: mend it, or have the file written anew"#
        ]],
    );
}

/// Registries with few prefixes, lengths and origins, so that many share a prefix.
fn dense() -> impl Strategy<Value = (u8, u8, u8, u32)> {
    (0_u8..=3, 0_u8..4, 0_u8..4, 0_u32..4).prop_map(|(bits, a, b, asn)| (bits, a.min(b), a.max(b), asn))
}

fn dense_net(bits: u8, len: u8) -> IpNet {
    IpNet::new(std::net::IpAddr::from([20, bits << 6, 0, 0]), len).unwrap().trunc()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn validity_is_that_of_going_through_all(
        items in prop::collection::vec((dense(), 6_u8..=10), 0..40),
        asked in prop::collection::vec((0_u8..=3, 6_u8..=12, prop::option::of(0_u32..5)), 1..20),
    ) {
        let vrps: Vec<Vrp> = items
            .iter()
            .map(|((bits, _, more, asn), len)| Vrp { prefix: dense_net(*bits, *len), max_len: len + more, asn: Asn(*asn) })
            .collect();
        let routes: Vec<IrrRoute> = items
            .iter()
            .map(|((bits, a, b, asn), len)| IrrRoute {
                prefix: dense_net(*bits, *len),
                min_len: len + a,
                max_len: len + b,
                origin: Asn(*asn),
            })
            .collect();
        let (rpki, irr) = (RpkiTable::new(&vrps, &[]), IrrTable::new(routes.clone()));
        for (bits, len, origin) in asked {
            let (prefix, origin) = (dense_net(bits, len), origin.map(Asn));
            let of = |any: bool, own: bool| match (any, own) {
                (_, true) => Validity::Valid,
                (true, false) => Validity::Invalid,
                (false, false) => Validity::Unknown,
            };
            let covers: Vec<_> = vrps.iter().filter(|vrp| vrp.prefix.contains(&prefix)).collect();
            let own = |vrp: &&Vrp| vrp.max_len >= len && vrp.asn != Asn(0) && Some(vrp.asn) == origin;
            let wanted = of(!covers.is_empty(), covers.iter().any(own));
            prop_assert_eq!(rpki.validate(prefix, origin).0, wanted, "{} {:?} {:?}", prefix, origin, vrps);
            let stand = |r: &&IrrRoute| r.prefix.contains(&prefix) && (r.min_len..=r.max_len).contains(&len);
            let any = routes.iter().any(|r| stand(&r));
            let own = routes.iter().any(|r| stand(&r) && Some(r.origin) == origin);
            prop_assert_eq!(irr.validate(prefix, origin), of(any, own), "{} {:?} {:?}", prefix, origin, routes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn mangled_files_are_read_or_refused_with_a_place(
        which in 0_usize..4,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..20, prop::collection::vec(any::<u8>(), 0..4)), 1..6),
    ) {
        let rpsl = rpsl();
        let seeds: [&[u8]; 4] = [RPKI_CLIENT.as_bytes(), ROUTINATOR.as_bytes(), &rpsl, BGPQ4.as_bytes()];
        let mut text = seeds[which].to_vec();
        for (at, remove, insert) in edits {
            let at = at.index(text.len() + 1);
            text.splice(at..(at + remove).min(text.len()), insert);
        }
        let refused = [
            read_vrps(Path::new("f"), &text, 0).err(),
            read_irr(Path::new("f"), &text).err(),
        ];
        for findings in refused.into_iter().flatten() {
            prop_assert!(findings.has_errors());
            prop_assert_eq!(findings.to_string().lines().count(), findings.0.len());
        }
    }
}
