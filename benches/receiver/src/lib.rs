//! What the benchmarks share, so that every speaker is measured on the same table by the same receiver.
//!
//! [`table`] makes the table, [`packing`] its densest form on the wire, [`wire`] the little BGP that a receiver and a
//! sender of ready-made bytes need. It shares no code with the speaker under test.

pub mod packing;
pub mod table;
pub mod wire;

/// Seconds on the machine's monotonic clock, the one that Python's `time.monotonic()` reads: times of several processes
/// can be compared.
pub fn now() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
