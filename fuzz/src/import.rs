//! One published file through `import`: what is read is fit to be advertised, the union covers exactly that, and what
//! is written loads as a RIB of the same prefixes.

use std::collections::BTreeSet;
use std::path::Path;

use ipnet::IpNet;
use peeringd::rib::sources::{Format, Longer, Select, Source, Union, is_longer, read, to_yaml, unite};
use peeringd::rib::{LoadOptions, load_text, special};
use peeringd::wire::Asn;

use crate::{check_findings, check_table};

/// Reads `input` as a file of this format, and checks all that follows.
pub fn import(format: Format, input: &[u8]) {
    let mut told = 0;
    let mut progress = |octets: usize| {
        assert!((told..=input.len()).contains(&octets), "{octets} octets of {}", input.len());
        told = octets;
    };
    match read(format, Path::new("fuzz"), input, &Select::new(Vec::new()), &mut progress) {
        Err(findings) => check_findings(&findings, input, true),
        Ok(source) => {
            check_source(&source);
            check_unions(&source);
        }
    }
}

fn check_source(source: &Source) {
    assert!(!source.entries.is_empty());
    for entry in &source.entries {
        assert_eq!(entry.net, entry.net.trunc());
        assert_eq!(special::reason(&entry.net), None, "{}", entry.net);
        let label = entry.label.map(|label| usize::try_from(label).expect("an index"));
        assert!(label.is_none_or(|label| label < source.labels.len()));
    }
}

fn check_unions(source: &Source) {
    let listed: Vec<IpNet> = source.entries.iter().map(|entry| entry.net).collect();
    let sources = std::slice::from_ref(source);
    let whole = unite(sources, Some(Longer::Keep)).expect("nothing is too long to keep");
    let smallest: BTreeSet<IpNet> = IpNet::aggregate(&listed).into_iter().collect();
    assert_eq!(prefixes(&whole), smallest);
    check_rib(&whole, sources);

    let short: Vec<IpNet> = listed.iter().copied().filter(|net| !is_longer(net)).collect();
    let dropped = unite(sources, Some(Longer::Drop)).expect("what is too long is left out");
    assert_eq!(prefixes(&dropped), IpNet::aggregate(&short).into_iter().collect());
    check_rib(&dropped, sources);

    let widened = unite(sources, Some(Longer::Widen)).expect("what is too long is widened");
    assert!(prefixes(&widened).iter().all(|net| !is_longer(net)));
    check_rib(&widened, sources);

    let has_longer = smallest.iter().any(is_longer);
    assert_eq!(unite(sources, None).is_err(), has_longer);
}

fn prefixes(union: &Union) -> BTreeSet<IpNet> {
    let all: Vec<IpNet> = union.groups.iter().flat_map(|group| group.prefixes.iter().copied()).collect();
    let set: BTreeSet<IpNet> = all.iter().copied().collect();
    assert_eq!((all.len(), all.len()), (set.len(), union.aggregated.total()));
    set
}

/// What is written loads without an error, and is the same set.
fn check_rib(union: &Union, sources: &[Source]) {
    let wanted = prefixes(union);
    if wanted.is_empty() {
        return;
    }
    let text = to_yaml(union, sources, "peeringd import");
    let options = LoadOptions { local_asn: Asn(8075) };
    let loaded = load_text(Path::new("rib.yaml"), text.clone(), &options);
    let (rows, _) = loaded.unwrap_or_else(|findings| panic!("{findings}\n{text}"));
    assert_eq!(check_table(rows), wanted);
}
