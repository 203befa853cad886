//! `import` of Office 365 endpoints, in either JSON shape.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peeringd::rib::sources::Format;

fuzz_target!(|input: &[u8]| peeringd_fuzz::import(Format::Office365, input));
