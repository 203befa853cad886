use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

const SERVICE_TAGS: &str = include_str!("../../../tests/fixtures/sources/service-tags.json");
const SERVICE_TAGS_API: &str = include_str!("../../../tests/fixtures/sources/service-tags-api.json");
const PUBLIC_IPS: &str = include_str!("../../../tests/fixtures/sources/public-ips.csv");
const ENDPOINTS: &str = include_str!("../../../tests/fixtures/sources/office365-endpoints.json");
const FLAT: &str = include_str!("../../../tests/fixtures/sources/office365-flat.json");
const LIST: &str = include_str!("../../../tests/fixtures/sources/list.txt");

fn read_with(format: Format, text: &str, select: &[&str]) -> Result<Source, Findings> {
    let select = Select::new(select.iter().map(|condition| condition.parse().unwrap()).collect());
    read(format, Path::new("folder/file"), text.as_bytes(), &select, &mut |_| {})
}

fn read_all(format: Format, text: &str) -> Result<Source, Findings> {
    read_with(format, text, &[])
}

/// The prefixes in file order.
fn nets(source: &Source) -> Vec<String> {
    source.entries.iter().map(|entry| entry.net.to_string()).collect()
}

fn labels(source: &Source) -> Vec<&str> {
    source.labels.iter().map(String::as_str).collect()
}

fn check_error(format: Format, text: &str, expected: Expect) {
    expected.assert_eq(&read_all(format, text).unwrap_err().to_string());
}

#[test]
fn service_tags_give_prefixes_under_their_tags() {
    let source = read_all(Format::ServiceTags, SERVICE_TAGS).unwrap();
    assert_eq!(source.version.as_deref(), Some("12"));
    assert_eq!(labels(&source), ["Ferry", "Ferry.northsea", "Lighthouse.northsea"]);
    assert_eq!(source.entries.len(), 9);
    assert_eq!(source.distinct(), Count { v4: 4, v6: 3 });
    assert_eq!(source.entries.last().unwrap().label, Some(2));
    assert_eq!(source.entries.last().unwrap().net.to_string(), "2603:1040:a:b::/64");
}

#[test]
fn service_tags_load_with_crlf_a_mark_and_as_the_api_gives_them() {
    let plain = read_all(Format::ServiceTags, SERVICE_TAGS).unwrap();
    let other_ends = format!("\u{feff}{}", SERVICE_TAGS.trim_end().replace('\n', "\r\n"));
    assert_eq!(read_all(Format::ServiceTags, &other_ends).unwrap(), plain);

    let api = read_all(Format::ServiceTags, SERVICE_TAGS_API).unwrap();
    assert_eq!(api.version.as_deref(), Some("12"));
    assert_eq!(nets(&api), ["20.1.0.0/16", "2603:1040::/32"]);
    let page = SERVICE_TAGS_API.replace("\"nextLink\":\"\"", "\"nextLink\":\"https://x\"");
    check_error(
        Format::ServiceTags,
        &page,
        expect!["folder/file:1:387: this is one page of several: fetch all pages into one file"],
    );
}

#[test]
fn public_ips_load_with_crlf_spaces_blank_lines_and_repeats() {
    let source = read_all(Format::PublicIps, PUBLIC_IPS).unwrap();
    assert_eq!(nets(&source), ["20.1.0.0/16", "20.2.4.0/24", "2603:1040::/32", "20.1.0.0/16"]);
    assert_eq!(source.distinct(), Count { v4: 2, v6: 1 });
    let with_mark = format!("\u{feff}{}\n", PUBLIC_IPS.replace("\r\n", "\n"));
    assert_eq!(read_all(Format::PublicIps, &with_mark).unwrap(), source);
    let other_order = "Type,prefix\nBlock, 20.1.0.0/16\n";
    assert_eq!(nets(&read_all(Format::PublicIps, other_order).unwrap()), ["20.1.0.0/16"]);
}

#[test]
fn office365_loads_as_records_and_as_a_flat_list() {
    let source = read_all(Format::Office365, ENDPOINTS).unwrap();
    assert_eq!(labels(&source), ["Exchange Optimize", "Skype Allow"]);
    assert_eq!(nets(&source), ["20.7.0.0/16", "2603:1050::/40", "20.8.0.0/24"]);
    assert_eq!(source.version, None);

    let flat = read_all(Format::Office365, FLAT).unwrap();
    assert_eq!(flat.version.as_deref(), Some("20260101"));
    assert_eq!(nets(&flat), ["20.7.0.0/16", "2603:1050::/40"]);
}

#[test]
fn a_list_loads_with_comments() {
    let source = read_all(Format::List, LIST).unwrap();
    assert_eq!(nets(&source), ["20.1.0.0/17", "20.1.128.0/17", "2603:1040::/32"]);
    assert_eq!(read_all(Format::List, &LIST.replace('\n', "\r\n")).unwrap(), source);
}

#[test]
fn selections_narrow_and_note_what_is_offered() {
    let tags = |select: &[&str]| {
        let source = read_with(Format::ServiceTags, SERVICE_TAGS, select).unwrap();
        source.labels.join(" ")
    };
    assert_eq!(tags(&["tag=ferry"]), "Ferry");
    assert_eq!(tags(&["tag=Ferry", "tag=Lighthouse.northsea"]), "Ferry Lighthouse.northsea");
    assert_eq!(tags(&["region=northsea", "service=FerryService"]), "Ferry.northsea");
    assert_eq!(tags(&["region="]), "Ferry");
    assert_eq!(tags(&["area=Exchange"]), "");

    let areas = |select: &[&str]| nets(&read_with(Format::Office365, ENDPOINTS, select).unwrap()).join(" ");
    assert_eq!(areas(&["express_route=false"]), "20.8.0.0/24");
    assert_eq!(areas(&["category=optimize", "category=Allow", "area=Skype"]), "20.8.0.0/24");
    assert_eq!(areas(&["area=Common"]), "");

    for (format, text) in [(Format::List, LIST), (Format::PublicIps, PUBLIC_IPS), (Format::Office365, FLAT)] {
        assert!(read_with(format, text, &["area=Exchange"]).unwrap().entries.is_empty());
    }
}

#[test]
fn a_selection_that_nothing_meets_is_told_with_near_values() {
    let select = Select::new(vec![
        "tag=Fery".parse().unwrap(),
        "tag=Ferry".parse().unwrap(),
        "area=Ferry".parse().unwrap(),
    ]);
    let source =
        read(Format::ServiceTags, Path::new("f"), SERVICE_TAGS.as_bytes(), &select, &mut |_| {}).unwrap();
    assert_eq!(
        select.unmet(&[source]),
        [
            "--select tag=Fery matches nothing: near it there is Ferry",
            "--select area=Ferry matches nothing: no source has any area",
        ]
    );
}

#[test]
fn each_wrong_prefix_is_a_finding_with_line_column_and_tag() {
    let text = SERVICE_TAGS
        .replace("20.2.4.0/24", "20.2.4.1/24")
        .replace("\"20.1.0.0/17\"", "\"0.0.0.0/0\", \"192.168.0.0/16\", \"2001:db8::/32\"")
        .replace("2603:1040:a:B::/64", "2603:1040:a:B::/640");
    check_error(
        Format::ServiceTags,
        &text,
        expect![[r#"
            folder/file:15:12: tag Ferry: 0.0.0.0/0 may not be advertised, it is a default route: remove it from the file
            folder/file:15:25: tag Ferry: 192.168.0.0/16 may not be advertised, it is private space (RFC 1918): remove it from the file
            folder/file:15:43: tag Ferry: 2001:db8::/32 may not be advertised, it is documentation space (RFC 3849): remove it from the file
            folder/file:53:12: tag Lighthouse.northsea: 20.2.4.1/24 has host bits set: mend it (20.2.4.0/24 is its network) or fetch the file again
            folder/file:54:12: tag Lighthouse.northsea: "2603:1040:a:B::/640" has no length between 0 and 128: mend the length or fetch the file again"#]],
    );
    // A record that is not selected is checked all the same.
    assert!(read_with(Format::ServiceTags, &text, &["tag=Ferry.northsea"]).is_err());
    check_error(
        Format::Office365,
        &ENDPOINTS.replace("20.8.0.0/24", "224.0.0.0/24"),
        expect![
            "folder/file:28:14: record 3 (Skype): 224.0.0.0/24 may not be advertised, it is multicast space (RFC 5771): remove it from the file"
        ],
    );
    check_error(
        Format::PublicIps,
        &PUBLIC_IPS.replace("2603:1040::/32", "2603:1040::1/32").replace("\"20.2.4.0/24\"", ""),
        expect![[r#"
            folder/file:4:1: the row has no prefix: mend the row or fetch the file again
            folder/file:5:1: 2603:1040::1/32 has host bits set: mend it (2603:1040::/32 is its network) or fetch the file again"#]],
    );
    check_error(
        Format::List,
        &LIST.replace("  2603:1040::/32", "  2603:1040:: # all"),
        expect![
            "folder/file:5:3: 2603:1040:: has no prefix length: write 2603:1040::/128 if one address is meant"
        ],
    );
}

#[test]
fn many_findings_are_counted_and_not_spelled_out() {
    let text: String = (0..1000).map(|i| format!("10.0.{}.0/24\n", i % 256)).collect();
    let findings = read_all(Format::List, &text).unwrap_err();
    assert_eq!(findings.0.len(), 21);
    assert_eq!(findings.0[20].to_string(), "folder/file:1:1: and 980 more: mend the file or fetch it again");
}

#[test]
fn a_quote_that_is_never_closed_does_not_swallow_rows() {
    check_error(
        Format::PublicIps,
        "Prefix,Type\n20.1.0.0/16,\"Block\n20.2.0.0/16,Block\n",
        expect!["folder/file:2:1: a field spans several lines: mend the row or fetch the file again"],
    );
}

#[test]
fn an_escaped_prefix_is_placed_near_the_one_before() {
    check_error(
        Format::Office365,
        "{\"list\":[\"20.7.0.0/16\",\n\"10.0.0.0\\/8\"]}",
        expect![
            "folder/file:1:11: 10.0.0.0/8 may not be advertised, it is private space (RFC 1918): remove it from the file"
        ],
    );
}

#[test]
fn empty_truncated_and_other_files_are_refused() {
    for format in Format::ALL {
        for text in ["", "\u{feff}", " \r\n\n"] {
            check_error(format, text, expect!["folder/file:1:1: the file is empty: fetch it again"]);
        }
        let page = read_all(format, "<!DOCTYPE html>\n<html></html>").unwrap_err().to_string();
        assert!(page.contains("HTML or XML"), "{page}");
    }
    let cut = SERVICE_TAGS.find("20.9.1.16").unwrap();
    check_error(
        Format::ServiceTags,
        &SERVICE_TAGS[..cut],
        expect!["folder/file:17:11: the file is truncated: fetch it again"],
    );
    let none = "the file has no prefixes at all";
    for (format, text) in [
        (Format::ServiceTags, "{\"changeNumber\":1,\"values\":[]}"),
        (Format::ServiceTags, "{\"values\":[{\"name\":\"A\",\"properties\":{\"addressPrefixes\":null}}]}"),
        (Format::PublicIps, "Prefix,Type\r\n\r\n"),
        (Format::Office365, "[]"),
        (Format::Office365, "[{\"id\":2,\"serviceArea\":\"Common\",\"urls\":[\"a\"]}]"),
        (Format::Office365, "{\"list\":[]}"),
        (Format::List, "# nothing yet\n"),
    ] {
        let said = read_all(format, text).unwrap_err().to_string();
        assert!(said.contains(none), "{text}: {said}");
    }
}

#[test]
fn every_document_under_a_wrong_flag_is_told_the_right_one() {
    let documents = [
        (Format::ServiceTags, SERVICE_TAGS),
        (Format::PublicIps, PUBLIC_IPS),
        (Format::Office365, ENDPOINTS),
        (Format::Office365, FLAT),
        (Format::List, LIST),
    ];
    for (right, text) in documents {
        for wrong in Format::ALL.into_iter().filter(|format| *format != right) {
            let said = read_all(wrong, text).unwrap_err().to_string();
            assert!(said.ends_with(&format!(": give it with --{right}")), "{wrong} for {right}: {said}");
        }
    }
}

#[test]
fn other_json_is_refused_with_what_is_missing() {
    check_error(
        Format::ServiceTags,
        "{\"values\":[{\"name\":\"A\",\n\"properties\":{\"prefixes\":[]}}]}",
        expect![
            "folder/file:2:28: not ServiceTags JSON: missing field `addressPrefixes`: fetch the file again or name the right one"
        ],
    );
    check_error(
        Format::ServiceTags,
        "{\"values\":[{\"name\":\"A\",\"properties\":{\"addressPrefixes\":[7]}}]}",
        expect![
            "folder/file:1:57: not ServiceTags JSON: invalid type: integer `7`, expected a string: fetch the file again or name the right one"
        ],
    );
    check_error(
        Format::Office365,
        "[{\"id\":1,\"endpointSetId\":1,\"add\":{\"ips\":[\"20.7.0.0/16\"]}}]",
        expect![
            "folder/file:1:57: not Office 365 JSON: missing field `serviceArea`: fetch the file again or name the right one"
        ],
    );
    check_error(
        Format::ServiceTags,
        "{\"values\": oops}",
        expect!["folder/file:1:12: not JSON: expected value: fetch the file again"],
    );
}

proptest! {
    #[test]
    fn no_bytes_panic_and_what_is_read_may_be_advertised(
        which in 0_usize..4,
        seed in 0_usize..6,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 0..4),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let seeds = [SERVICE_TAGS, SERVICE_TAGS_API, PUBLIC_IPS, ENDPOINTS, FLAT, LIST];
        let mut bytes = seeds[seed].as_bytes().to_vec();
        for (at, byte, insert) in edits {
            let at = at.index(bytes.len());
            if insert { bytes.insert(at, byte) } else { bytes[at] = byte }
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len()));
        }
        let select = Select::default();
        match read(Format::ALL[which], Path::new("f"), &bytes, &select, &mut |_| {}) {
            Ok(source) => {
                prop_assert!(!source.entries.is_empty());
                for entry in &source.entries {
                    prop_assert_eq!(entry.net.trunc(), entry.net);
                    prop_assert_eq!(crate::rib::special::reason(&entry.net), None);
                    prop_assert!(entry.label.is_none_or(|label| (label as usize) < source.labels.len()));
                }
            }
            Err(findings) => {
                prop_assert!(findings.has_errors() && findings.0.len() <= 22);
                prop_assert!(findings.0.iter().all(|finding| !finding.what.contains(['\n', '\r'])));
            }
        }
    }
}
