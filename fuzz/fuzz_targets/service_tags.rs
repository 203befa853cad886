//! `import` of Azure's ServiceTags JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peeringd::rib::sources::Format;

fuzz_target!(|input: &[u8]| peeringd_fuzz::import(Format::ServiceTags, input));
