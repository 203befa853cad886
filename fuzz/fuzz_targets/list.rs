//! `import` of a plain list of prefixes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peeringd::rib::sources::Format;

fuzz_target!(|input: &[u8]| peeringd_fuzz::import(Format::List, input));
