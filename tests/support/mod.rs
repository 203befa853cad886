//! What the tests that start daemons share: processes that end with the test, network namespaces, waiting for a
//! condition, RIB files and what a router must hold because of them, and peeringd itself.
#![allow(dead_code, reason = "each test binary uses a part of this")]

pub(crate) mod daemon;
pub(crate) mod lab;
pub(crate) mod process;
pub(crate) mod rib;
pub(crate) mod wait;
