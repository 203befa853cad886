//! Waiting for a condition, with an end.

use std::fmt::Debug;
use std::thread::sleep;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(70);

/// Probes until there is an answer; a probe says what is still wrong.
///
/// # Panics
/// When `limit` has passed, with the last thing that was wrong.
#[track_caller]
pub(crate) fn until<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + limit;
    loop {
        match probe() {
            Ok(found) => return found,
            Err(wrong) if Instant::now() >= end => panic!("waited {limit:?} for {what}: {wrong}"),
            Err(_) => sleep(POLL),
        }
    }
}

/// Probes for the whole of `span`: for what must stay so while protocol time passes.
///
/// # Panics
/// At the first probe that finds something wrong.
#[track_caller]
pub(crate) fn stays(what: &str, span: Duration, mut probe: impl FnMut() -> Result<(), String>) {
    let began = Instant::now();
    while began.elapsed() < span {
        if let Err(wrong) = probe() {
            panic!("{what} for {span:?}, but after {:?}: {wrong}", began.elapsed());
        }
        sleep(POLL);
    }
}

/// An answer when `found` is as wanted.
pub(crate) fn equal<T: PartialEq + Debug>(found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{found:?} instead of {wanted:?}")) }
}
