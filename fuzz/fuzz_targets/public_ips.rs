//! `import` of Microsoft's CSV of public IP space.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peeringd::rib::sources::Format;

fuzz_target!(|input: &[u8]| peeringd_fuzz::import(Format::PublicIps, input));
