//! Files of VRPs and of route objects: what is read is in bounds, and the tables say of it what RFC 6811 says.

use std::path::Path;
use std::sync::Arc;

use ipnet::IpNet;
use peeringd::peering::Validity;
use peeringd::peering::origin::{IrrTable, RpkiTable, Vrp, VrpChanges, read_irr, read_vrps};
use peeringd::wire::Asn;

use crate::check_findings;

/// Entries of which each is asked for: the check is quadratic.
const ASKED: usize = 50;

/// Reads `input` as a file of VRPs, and checks all that follows.
pub fn vrps(input: &[u8]) {
    let file = match read_vrps(Path::new("fuzz"), input, 1000) {
        Ok(file) => file,
        Err(findings) => return check_findings(&findings, input, true),
    };
    let all: Vec<Vrp> = file.vrps.iter().map(|(vrp, _)| *vrp).collect();
    for vrp in &all {
        check_lengths(vrp.prefix, vrp.prefix.prefix_len(), vrp.max_len);
    }
    let table = RpkiTable::new(&[], &[Arc::new(file)]);
    let mut sorted = all.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(table.count().0 + table.count().1, sorted.len());
    for asked in all.iter().take(ASKED) {
        for origin in [asked.asn, Asn(4_242)] {
            let covering = || all.iter().filter(|vrp| vrp.prefix.contains(&asked.prefix));
            let is_match = |vrp: &Vrp| {
                vrp.asn == origin && origin != Asn(0) && asked.prefix.prefix_len() <= vrp.max_len
            };
            let wanted = if covering().any(is_match) { Validity::Valid } else { Validity::Invalid };
            assert_eq!(table.validate(asked.prefix, Some(origin)).0, wanted, "{asked:?} {origin}");
        }
    }
    // A cache that sends the same comes to the same.
    let mut changes = VrpChanges::new(true);
    sorted.iter().for_each(|vrp| changes.push(*vrp, true).expect("few"));
    assert_eq!(changes.apply(&[]).expect("each once").as_ref(), sorted);
}

/// Reads `input` as a registry's file, and checks all that follows.
pub fn irr(input: &[u8]) {
    let file = match read_irr(Path::new("fuzz"), input) {
        Ok(file) => file,
        Err(findings) => return check_findings(&findings, input, true),
    };
    for route in &file.routes {
        assert!(route.min_len >= route.prefix.prefix_len());
        check_lengths(route.prefix, route.min_len, route.max_len);
    }
    let table = IrrTable::new(file.routes.clone());
    for asked in file.routes.iter().take(ASKED) {
        let prefix = IpNet::new(asked.prefix.addr(), asked.min_len).expect("in bounds");
        assert_eq!(table.validate(prefix, Some(asked.origin)), Validity::Valid, "{asked:?}");
    }
}

fn check_lengths(prefix: IpNet, least: u8, most: u8) {
    assert_eq!(prefix, prefix.trunc());
    assert!(least <= most && most <= prefix.max_prefix_len(), "{prefix} {least} {most}");
}
