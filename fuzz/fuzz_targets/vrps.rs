//! RPKI: a file of VRPs.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| peeringd_fuzz::vrps(input));
