//! The text of a RIB file: what loads makes a generation, says the same when it is written anew, and goes out in
//! messages as it is; what does not has its errors in place.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use peeringd::rib::{LoadOptions, load_text};
use peeringd::wire::Asn;
use peeringd_fuzz::{check_findings, check_table};

fuzz_target!(|text: &str| {
    match load_text(Path::new("fuzz.yaml"), text.to_owned(), &LoadOptions { local_asn: Asn(8075) }) {
        Err(findings) => check_findings(&findings, text.as_bytes(), true),
        Ok((rows, warnings)) => {
            check_findings(&warnings, text.as_bytes(), false);
            drop(check_table(rows));
        }
    }
});
