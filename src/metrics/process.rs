//! What the kernel says of this process, read at each scrape from `/proc/self` (Linux; elsewhere nothing is exposed).

use std::time::{SystemTime, UNIX_EPOCH};

/// USER_HZ: the unit of times in `/proc/PID/stat`, 100 in the ABI of every architecture that Linux still runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// One reading.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Process {
    /// Bytes of RAM.
    pub(super) resident: Option<f64>,
    /// Seconds of CPU, user and system together.
    pub(super) cpu: Option<f64>,
    /// Open file descriptors.
    pub(super) open_fds: Option<f64>,
    /// The soft limit of them.
    pub(super) max_fds: Option<f64>,
    /// Threads.
    pub(super) threads: Option<f64>,
}

/// Reads `/proc/self`; what cannot be read is `None`.
pub(super) fn read() -> Process {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    Process {
        resident: field(&status, "VmRSS:").map(|kib| kib * 1024.0),
        cpu: cpu_seconds(&stat),
        open_fds: std::fs::read_dir("/proc/self/fd").ok().map(|dir| dir.count() as f64),
        max_fds: field(&limits, "Max open files"),
        threads: field(&status, "Threads:"),
    }
}

/// Seconds since the epoch, now.
pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// The same, whole seconds.
pub(super) fn now_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// The first number behind a name at the start of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// utime and stime are the 14th and 15th fields; the second, the command's name, may itself hold spaces and brackets.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_text_is_read() {
        let stat = "1234 (a) b) (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 9 0 77 1 2 3";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("1 (x) S 1"), None);
        assert_eq!(cpu_seconds(""), None);
        assert_eq!(field("Name:\tx\nVmRSS:\t  12 kB\n", "VmRSS:"), Some(12.0));
        assert_eq!(field("Max open files            unlimited  unlimited files", "Max open files"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_there() {
        let process = read();
        assert!(process.resident.is_some_and(|b| b > 100_000.0), "{process:?}");
        assert!(process.open_fds.is_some_and(|n| n >= 3.0), "{process:?}");
        assert!(process.threads.is_some_and(|n| n >= 1.0), "{process:?}");
        assert!(process.cpu.is_some(), "{process:?}");
    }
}
