//! `import-peering` of a file of resources: what is made loads as a config; of any other, the errors are in place.
#![no_main]

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use peeringd::config::azure::{Options, Source, import_texts};
use peeringd::config::load_text;
use peeringd::wire::Asn;
use peeringd_fuzz::check_findings;

fuzz_target!(|text: &str| {
    let source = Source { path: PathBuf::from("fuzz.json"), is_legacy: false };
    let options = Options {
        peer_asns: Vec::new(),
        asn: Some(Asn(3356)),
        router_id: Some(Ipv4Addr::new(192, 0, 2, 1)),
        rib: "rib/".to_owned(),
        is_lab: true,
    };
    match import_texts(vec![(source, text.to_owned())], &options) {
        Err(findings) => check_findings(&findings, text.as_bytes(), true),
        Ok(imported) => {
            check_findings(&imported.warnings, text.as_bytes(), false);
            let (plan, _) = load_text(Path::new("c.yaml"), imported.text).expect("what was made of resources");
            assert_eq!(plan.peerings.len(), imported.counts.peerings);
        }
    }
});
