//! The published files that are too large for the repository: counts and the RIB that ships.
//!
//! They lie in `$PEERINGD_SHARED`, else in `../shared`, under `data/`. Without them these tests say so and pass.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use ipnet::IpNet;
use peeringd::rib::sources::{self, Count, Format, Longer, Select, Source, Union, unite};

const TAGS: (Format, &str) = (Format::ServiceTags, "service-tags-376.json");
const TAGS_BEFORE: (Format, &str) = (Format::ServiceTags, "service-tags-371.json");
const CSV: (Format, &str) = (Format::PublicIps, "msft-public-ips-2023.csv");
const OFFICE: (Format, &str) = (Format::Office365, "office365-list-20260811.json");

/// The folder with the files, or `None` and a word on stderr.
fn data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let data = std::env::var_os("PEERINGD_SHARED").map_or(beside, PathBuf::from).join("data");
    if !data.is_dir() {
        eprintln!(
            "left out: {} is absent; set PEERINGD_SHARED to the folder that holds data/",
            data.display()
        );
        return None;
    }
    Some(data)
}

fn load(data: &Path, files: &[(Format, &str)], select: &[&str]) -> Vec<Source> {
    let select = Select::new(select.iter().map(|condition| condition.parse().unwrap()).collect());
    let one = |(format, file): &(Format, &str)| {
        sources::load(*format, &data.join(file), &select, &mut |_| {}).unwrap_or_else(|err| panic!("{err}"))
    };
    files.iter().map(one).collect()
}

fn count(v4: usize, v6: usize) -> Count {
    Count { v4, v6 }
}

fn prefixes(union: &Union) -> Vec<IpNet> {
    union.groups.iter().flat_map(|group| group.prefixes.iter().copied()).collect()
}

#[test]
fn service_tags_376_alone() {
    let Some(data) = data() else { return };
    let sources = load(&data, &[TAGS], &[]);
    assert_eq!(sources[0].version.as_deref(), Some("376"));
    assert_eq!(sources[0].labels.len(), 3041);
    assert_eq!(sources[0].entries.len(), 95_823);
    assert_eq!(sources[0].distinct(), count(39_638, 13_948));
    assert_eq!(unite(&sources, None).unwrap_err().count.total(), 589 + 842);
    for (longer, written) in [
        (Longer::Keep, count(1907, 1241)),
        (Longer::Widen, count(1360, 469)),
        (Longer::Drop, count(1331, 397)),
    ] {
        let union = unite(&sources, Some(longer)).unwrap();
        assert_eq!(union.distinct, count(39_638, 13_948), "{longer:?}");
        assert_eq!(union.aggregated, written, "{longer:?}");
        assert_eq!(Count::of(&prefixes(&union)), written, "{longer:?}");
        assert_eq!(union.groups.iter().any(|group| group.allow_longer), longer == Longer::Keep);
    }
}

#[test]
fn dropping_leaves_7664_and_874_distinct() {
    let Some(data) = data() else { return };
    let union = unite(&load(&data, &[TAGS], &[]), Some(Longer::Drop)).unwrap();
    assert_eq!(union.distinct.v4 - union.changed.v4, 7664);
    assert_eq!(union.distinct.v6 - union.changed.v6, 874);
}

#[test]
fn office365_list_alone() {
    let Some(data) = data() else { return };
    let sources = load(&data, &[OFFICE], &[]);
    assert_eq!(sources[0].version.as_deref(), Some("20260811"));
    assert_eq!(sources[0].distinct(), count(31, 51));
    assert_eq!(unite(&sources, Some(Longer::Keep)).unwrap().aggregated, count(31, 51));
    assert_eq!(unite(&sources, Some(Longer::Widen)).unwrap().aggregated, count(28, 42));
}

#[test]
fn public_ip_space_2023_alone() {
    let Some(data) = data() else { return };
    let sources = load(&data, &[CSV], &[]);
    assert_eq!(sources[0].distinct(), count(290, 16));
    assert_eq!(unite(&sources, None).unwrap().aggregated, count(263, 14));
}

#[test]
fn service_tags_and_office365() {
    let Some(data) = data() else { return };
    let sources = load(&data, &[TAGS, OFFICE], &[]);
    let exact = unite(&sources, Some(Longer::Keep)).unwrap();
    assert_eq!(exact.distinct, count(39_663, 13_989));
    assert_eq!(exact.aggregated, count(1609, 903));
    assert_eq!(unite(&sources, Some(Longer::Widen)).unwrap().aggregated, count(1170, 431));
}

#[test]
fn all_three_need_no_word_on_longer_prefixes() {
    let Some(data) = data() else { return };
    let sources = load(&data, &[TAGS, CSV, OFFICE], &[]);
    let union = unite(&sources, None).unwrap();
    assert_eq!(union.distinct, count(39_939, 14_005));
    assert_eq!(union.aggregated, count(354, 14));
    assert_eq!(union.lengths()[0].get(&16), Some(&129));
    let all: BTreeSet<IpNet> = prefixes(&union).into_iter().collect();
    assert_eq!(all.len(), 368);
    assert!(!all.iter().any(sources::is_longer));
    // Every listed prefix is covered, and every group names only sources that list a part of it.
    for entry in sources.iter().flat_map(|source| &source.entries) {
        assert!(
            all.range(..=entry.net).next_back().is_some_and(|net| net.contains(&entry.net)),
            "{}",
            entry.net
        );
    }
    for group in &union.groups {
        for source in &sources {
            let listed = |net: &IpNet| source.entries.iter().any(|entry| net.contains(&entry.net));
            let named = group.source.contains(&sources::display_name(source));
            assert!(group.prefixes.iter().all(|net| listed(net) == named), "{}", group.source);
        }
    }
}

#[test]
fn a_tag_is_exact_and_its_source_says_so() {
    let Some(data) = data() else { return };
    let sources = load(&data, &[TAGS], &["tag=Storage.westus2"]);
    assert_eq!(sources[0].labels, ["Storage.WestUS2"], "case does not matter, the file's spelling stays");
    let union = unite(&sources, Some(Longer::Keep)).unwrap();
    for group in &union.groups {
        assert_eq!(group.source, "service-tags 376 service-tags-376.json (Storage.WestUS2)");
    }
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(data.join(TAGS.1)).unwrap()).unwrap();
    let tag = json["values"].as_array().unwrap().iter().find(|tag| tag["name"] == "Storage.WestUS2").unwrap();
    let listed = tag["properties"]["addressPrefixes"].as_array().unwrap();
    assert_eq!(sources[0].entries.len(), listed.len());
}

#[test]
fn an_older_release_loads_too() {
    let Some(data) = data() else { return };
    let sources = load(&data, &[TAGS_BEFORE], &[]);
    assert_eq!(sources[0].version.as_deref(), Some("371"));
    assert!(unite(&sources, Some(Longer::Widen)).unwrap().aggregated.v6 < 500);
}

#[test]
fn crlf_changes_nothing() {
    let Some(data) = data() else { return };
    let text = std::fs::read_to_string(data.join(TAGS.1)).unwrap().replace('\n', "\r\n");
    let select = Select::default();
    let path = data.join(TAGS.1);
    let other = sources::read(TAGS.0, &path, text.as_bytes(), &select, &mut |_| {}).unwrap();
    let plain = Source { file: Arc::new(path), ..load(&data, &[TAGS], &[]).remove(0) };
    assert_eq!(other, plain);
}

#[test]
fn the_rib_that_ships_is_what_import_writes() {
    let Some(data) = data() else { return };
    let mut import = Command::new(env!("CARGO_BIN_EXE_peeringd"));
    import.arg("import");
    for (flag, (_, file)) in [("--service-tags", TAGS), ("--public-ips", CSV), ("--office365", OFFICE)] {
        import.arg(flag).arg(data.join(file));
    }
    let output = import.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shipped =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/rib/microsoft.yaml")).unwrap();
    assert!(
        output.stdout == shipped,
        "configs/rib/microsoft.yaml is not what its head comment's command writes"
    );
}
