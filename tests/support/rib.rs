//! RIB files as the tests write them, and the table that a peer must hold because of one. None of peeringd's own
//! code is used here, so that an error there cannot hide itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde_yaml::Value;

/// A route as a peer holds it. Communities of all kinds are in one set, written as in a RIB file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Route {
    pub(crate) next_hop: IpAddr,
    pub(crate) as_path: Vec<u32>,
    pub(crate) origin: String,
    pub(crate) med: Option<u32>,
    pub(crate) communities: BTreeSet<String>,
}

pub(crate) type Table = BTreeMap<IpNet, Route>;

/// Says the first few differences, since whole tables are too long to read.
pub(crate) fn same_table(found: &Table, wanted: &Table) -> Result<(), String> {
    let mut wrong = Vec::new();
    for (prefix, route) in wanted {
        match found.get(prefix) {
            Some(held) if held == route => {}
            Some(held) => wrong.push(format!("{prefix}: {held:?} instead of {route:?}")),
            None => wrong.push(format!("{prefix} is missing")),
        }
    }
    wrong.extend(found.keys().filter(|p| !wanted.contains_key(p)).map(|p| format!("{p} is too many")));
    if wrong.is_empty() {
        return Ok(());
    }
    let shown = wrong.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
    Err(format!("{} routes held, {} wanted, {} wrong: {shown}", found.len(), wanted.len(), wrong.len()))
}

#[derive(Clone, Default)]
struct Group {
    prefixes: BTreeSet<IpNet>,
    communities: Vec<String>,
    extended: Vec<String>,
    large: Vec<String>,
    med: Option<u32>,
}

/// A RIB: groups of prefixes with what they carry.
#[derive(Clone)]
pub(crate) struct Rib {
    groups: Vec<Group>,
}

impl Rib {
    /// Where the RIB that ships stands.
    pub(crate) fn shipped_file() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/rib/microsoft.yaml")
    }

    /// The RIB that ships: 354 IPv4 and 14 IPv6 prefixes without communities.
    pub(crate) fn shipped() -> Self {
        let text = std::fs::read_to_string(Self::shipped_file()).unwrap();
        let file: Value = serde_yaml::from_str(&text).unwrap();
        let mut prefixes = BTreeSet::new();
        for group in file["routes"].as_sequence().unwrap() {
            let lists = group["prefixes"].as_sequence().into_iter().flatten().filter_map(Value::as_str);
            let block = group["prefixes"].as_str().into_iter().flat_map(str::lines);
            let words =
                lists.chain(block).filter_map(|l| l.split('#').next()).flat_map(str::split_whitespace);
            prefixes.extend(words.map(|p| p.parse::<IpNet>().unwrap()));
        }
        let counts = [false, true].map(|v6| prefixes.iter().filter(|p| p.addr().is_ipv6() == v6).count());
        assert_eq!(counts, [354, 14], "the RIB that ships");
        Self { groups: vec![Group { prefixes, ..Group::default() }] }
    }

    /// The RIB that ships, with communities of the three kinds and a MED on three of its prefixes.
    pub(crate) fn marked() -> Self {
        let mut rib = Self::shipped();
        let marked: BTreeSet<IpNet> = {
            let of = |v6: bool| rib.groups[0].prefixes.iter().filter(move |p| p.addr().is_ipv6() == v6);
            of(false).take(2).chain(of(true).take(1)).copied().collect()
        };
        rib.groups[0].prefixes.retain(|p| !marked.contains(p));
        rib.groups.push(Group {
            prefixes: marked,
            communities: vec!["8075:1007".to_owned(), "8075:51026".to_owned()],
            extended: vec!["rt:8075:100".to_owned(), "ro:8075:7".to_owned()],
            large: vec!["8075:1:4294967295".to_owned()],
            med: Some(50),
        });
        rib
    }

    /// This, without its first IPv4 prefix and with another.
    pub(crate) fn changed(&self) -> Self {
        let mut rib = self.clone();
        let prefixes = &mut rib.groups[0].prefixes;
        prefixes.pop_first();
        assert!(prefixes.insert("8.8.8.0/24".parse().unwrap()), "8.8.8.0/24 is new to the table");
        rib
    }

    /// The RIB file.
    pub(crate) fn yaml(&self) -> String {
        let mut text = "routes:\n".to_owned();
        let list = |items: &[String]| items.iter().map(|i| format!("\"{i}\"")).collect::<Vec<_>>().join(", ");
        for group in &self.groups {
            text += "  - source: a test\n";
            for (key, items) in [
                ("communities", &group.communities),
                ("extended_communities", &group.extended),
                ("large_communities", &group.large),
            ] {
                if !items.is_empty() {
                    writeln!(text, "    {key}: [{}]", list(items)).unwrap();
                }
            }
            if let Some(med) = group.med {
                writeln!(text, "    med: {med}").unwrap();
            }
            text += "    prefixes: |\n";
            for prefix in &group.prefixes {
                writeln!(text, "      {prefix}").unwrap();
            }
        }
        text
    }

    /// What a peer must hold: each family by its next hop.
    pub(crate) fn table(&self, v4: IpAddr, v6: IpAddr) -> Table {
        let mut table = Table::new();
        for group in &self.groups {
            let all = [&group.communities, &group.extended, &group.large];
            let communities: BTreeSet<String> = all.into_iter().flatten().cloned().collect();
            for prefix in &group.prefixes {
                let route = Route {
                    next_hop: if prefix.addr().is_ipv6() { v6 } else { v4 },
                    as_path: vec![8075],
                    origin: "igp".to_owned(),
                    med: group.med,
                    communities: communities.clone(),
                };
                table.insert(*prefix, route);
            }
        }
        table
    }
}
