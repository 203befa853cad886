//! Routing registries: RPSL, or the JSON of bgpq4.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| peeringd_fuzz::irr(input));
