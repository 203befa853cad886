use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use expect_test::expect;
use proptest::prelude::*;

use super::super::{Entry, Format, to_yaml};
use super::*;

fn source(format: Format, file: &str, listed: &[(&str, &str)]) -> Source {
    let mut labels: Vec<String> = Vec::new();
    let entries = listed
        .iter()
        .map(|(net, label)| {
            let index = labels.iter().position(|l| l == label).unwrap_or_else(|| {
                labels.push((*label).to_owned());
                labels.len() - 1
            });
            let label = (!label.is_empty()).then_some(u32::try_from(index).unwrap());
            Entry { net: net.parse().unwrap(), label }
        })
        .collect();
    let version = (format == Format::ServiceTags).then(|| "12".to_owned());
    Source { format, file: Arc::new(PathBuf::from(file)), version, labels, entries, offered: BTreeSet::new() }
}

fn plain(nets: &[IpNet]) -> Source {
    let entries = nets.iter().map(|net| Entry { net: *net, label: None }).collect();
    Source { entries, ..source(Format::List, "list.txt", &[]) }
}

fn prefixes(union: &Union) -> Vec<IpNet> {
    let mut nets: Vec<IpNet> = union.groups.iter().flat_map(|group| group.prefixes.clone()).collect();
    nets.sort_unstable();
    nets
}

fn written(union: &Union) -> Vec<String> {
    prefixes(union).iter().map(ToString::to_string).collect()
}

#[test]
fn longer_prefixes_are_an_error_until_someone_decides() {
    let list = source(
        Format::List,
        "l",
        &[
            ("20.0.0.0/25", ""),
            ("20.0.0.128/25", ""),
            ("20.0.4.64/26", ""),
            ("20.0.8.0/24", ""),
            ("2603::/49", ""),
        ],
    );
    let sources = [list];
    let found = unite(&sources, None).unwrap_err();
    assert_eq!(found.count, Count { v4: 1, v6: 1 });
    assert_eq!(
        found.first.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["20.0.4.64/26", "2603::/49"]
    );

    let dropped = unite(&sources, Some(Longer::Drop)).unwrap();
    assert_eq!(written(&dropped), ["20.0.8.0/24"]);
    assert_eq!(dropped.changed, Count { v4: 3, v6: 1 });

    let wide = unite(&sources, Some(Longer::Widen)).unwrap();
    assert_eq!(written(&wide), ["20.0.0.0/24", "20.0.4.0/24", "20.0.8.0/24", "2603::/48"]);
    assert!(wide.groups.iter().all(|group| !group.allow_longer));

    let kept = unite(&sources, Some(Longer::Keep)).unwrap();
    assert_eq!(written(&kept), ["20.0.0.0/24", "20.0.4.64/26", "20.0.8.0/24", "2603::/49"]);
    assert_eq!(kept.changed, Count::default());
    assert_eq!(kept.groups.len(), 2);
    assert!(kept.groups.iter().all(|g| g.prefixes.iter().all(|net| is_longer(net) == g.allow_longer)));
}

#[test]
fn the_file_names_sources_and_tags_of_each_group() {
    let tags = source(
        Format::ServiceTags,
        "here/tags.json",
        &[("20.0.0.0/16", "A"), ("20.0.0.0/17", "B \"q\" \\ \n"), ("20.1.0.0/16", "A"), ("20.9.0.0/24", "A")],
    );
    let list = source(Format::List, "li#st.txt", &[("20.1.0.0/24", ""), ("2603:1000::/24", "")]);
    let sources = [tags, list];
    let union = unite(&sources, None).unwrap();
    let yaml = to_yaml(&union, &sources, "peeringd import\n--list x");
    expect![[r#"
        # Written by:
        #   peeringd import?--list x
        # Sources, with their distinct prefixes:
        #   service-tags 12 tags.json: 4 IPv4 + 0 IPv6
        #   list li#st.txt: 1 IPv4 + 1 IPv6
        #   all together: 5 IPv4 + 1 IPv6
        # Aggregated: 2 IPv4 + 1 IPv6
        routes:
          - source: "service-tags 12 tags.json (A, B \"q\" \\ ?); list li#st.txt"
            prefixes: |
              20.0.0.0/15
          - source: "service-tags 12 tags.json (A)"
            prefixes: |
              20.9.0.0/24
          - source: "list li#st.txt"
            prefixes: |
              2603:1000::/24
    "#]]
    .assert_eq(&yaml);
    let parsed: serde_yaml::Value = serde_yaml::from_str(&yaml).unwrap();
    assert_eq!(parsed["routes"][0]["source"], "service-tags 12 tags.json (A, B \"q\" \\ ?); list li#st.txt");
    assert_eq!(parsed["routes"][2]["prefixes"], "2603:1000::/24\n");
}

#[test]
fn many_tags_make_one_group_and_few_are_exact() {
    let names: Vec<String> = (0..40).map(|i| format!("T{i:02}")).collect();
    // Two prefixes with different, large sets of tags, and one with exactly four.
    let mut listed: Vec<(&str, &str)> = names.iter().map(|name| ("20.0.0.0/16", name.as_str())).collect();
    listed.extend(names.iter().skip(30).map(|name| ("20.4.0.0/16", name.as_str())));
    listed.extend(names.iter().take(4).map(|name| ("20.8.0.0/16", name.as_str())));
    let union = unite(&[source(Format::ServiceTags, "t.json", &listed)], None).unwrap();
    let said: Vec<&str> = union.groups.iter().map(|group| group.source.as_str()).collect();
    assert_eq!(
        said,
        ["service-tags 12 t.json (40 tags: T30, T31, T32, …)", "service-tags 12 t.json (T00, T01, T02, T03)"]
    );
    assert_eq!(union.groups[0].prefixes.len(), 2);

    // With few tags in all, as after a narrow selection, every set is exact.
    let narrow: Vec<(&str, &str)> = listed.iter().copied().filter(|(_, name)| *name < "T16").collect();
    let union = unite(&[source(Format::ServiceTags, "t.json", &narrow)], None).unwrap();
    assert_eq!(union.groups[0].source.matches('T').count(), 16);
}

/// Blocks of 64 addresses within 20.0.0.0/18 that the prefixes cover: the naive model.
fn blocks(nets: &[IpNet]) -> BTreeSet<u32> {
    let mut covered = BTreeSet::new();
    for net in nets {
        if let IpNet::V4(net) = net {
            let first = u32::from(net.network()) >> 6;
            covered.extend(first..=(u32::from(net.broadcast()) >> 6));
        }
    }
    covered
}

fn v4_nets() -> impl Strategy<Value = Vec<IpNet>> {
    let net = (18_u8..=26, 0_u32..256).prop_map(|(len, block)| {
        let addr = std::net::Ipv4Addr::from((20 << 24) | (block << 6));
        IpNet::new(addr.into(), len).unwrap().trunc()
    });
    proptest::collection::vec(net, 1..40)
}

proptest! {
    #[test]
    fn aggregation_covers_the_same_addresses_with_the_fewest_prefixes(nets in v4_nets()) {
        // The same pattern once more in IPv6, as /48 and longer or shorter.
        let v6: Vec<IpNet> = nets.iter().map(|net| match net {
            IpNet::V4(net) => {
                let addr = (0x2603_u128 << 112) | (u128::from(u32::from(net.network())) << 64);
                IpNet::new(std::net::Ipv6Addr::from(addr).into(), net.prefix_len() + 32).unwrap()
            }
            IpNet::V6(_) => *net,
        }).collect();
        let both: Vec<IpNet> = nets.iter().chain(&v6).copied().collect();
        let union = unite(&[plain(&both)], Some(Longer::Keep)).unwrap();
        let out = prefixes(&union);
        let v4: Vec<IpNet> = out.iter().copied().filter(|net| matches!(net, IpNet::V4(_))).collect();
        prop_assert_eq!(blocks(&v4), blocks(&nets));
        // No two overlap and no two halves are both there: then no smaller set covers the same.
        for pair in out.windows(2) {
            prop_assert!(!pair[0].contains(&pair[1]));
            prop_assert!(pair[0].supernet() != pair[1].supernet() || pair[0].prefix_len() != pair[1].prefix_len());
        }
        prop_assert_eq!(union.aggregated.v4, union.aggregated.v6);
        prop_assert_eq!(union.aggregated, Count::of(&out));
        let lengths = union.lengths();
        prop_assert_eq!(lengths[0].values().sum::<usize>(), union.aggregated.v4);
    }

    #[test]
    fn each_prefix_is_in_the_group_of_just_the_sources_that_list_a_part_of_it(
        a in v4_nets(), b in v4_nets(), c in v4_nets(),
    ) {
        let parts = [a, b, c];
        let sources: Vec<Source> = parts.iter().enumerate().map(|(i, nets)| Source {
            file: Arc::new(PathBuf::from(format!("{i}.txt"))),
            ..plain(nets)
        }).collect();
        let union = unite(&sources, Some(Longer::Keep)).unwrap();
        for group in &union.groups {
            for net in &group.prefixes {
                let listing: Vec<String> = parts.iter().enumerate()
                    .filter(|(_, nets)| nets.iter().any(|part| net.contains(part)))
                    .map(|(i, _)| format!("list {i}.txt"))
                    .collect();
                prop_assert_eq!(&group.source, &listing.join("; "));
                prop_assert_eq!(group.allow_longer, is_longer(net));
            }
        }
        let again = unite(&sources, Some(Longer::Keep)).unwrap();
        prop_assert_eq!(to_yaml(&union, &sources, "x"), to_yaml(&again, &sources, "x"));
    }
}
