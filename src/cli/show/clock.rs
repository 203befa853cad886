//! What all views of the daemon's JSON use: ages, and figures by family.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde::Deserialize;

/// Now, to tell ages by.
pub(super) struct Clock {
    now: i64,
}

impl Clock {
    pub(super) fn now() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        Self::at(i64::try_from(now).unwrap_or(i64::MAX))
    }

    pub(super) fn at(now: i64) -> Self {
        Self { now }
    }

    /// How long ago, in two units: `12s`, `3m05s`, `2h10m`, `4d03h`.
    pub(super) fn age(&self, time: &str) -> String {
        let Ok(time) = time.parse::<Timestamp>() else { return time.to_owned() };
        Self::two_units(self.now.saturating_sub(time.as_second()))
    }

    /// How long until then, likewise.
    pub(super) fn left(&self, time: &str) -> String {
        let Ok(time) = time.parse::<Timestamp>() else { return time.to_owned() };
        Self::two_units(time.as_second().saturating_sub(self.now))
    }

    fn two_units(secs: i64) -> String {
        let secs = secs.max(0);
        let (mins, hours, days) = (secs / 60, secs / 3600, secs / 86_400);
        if days > 0 {
            format!("{days}d{:02}h", hours % 24)
        } else if hours > 0 {
            format!("{hours}h{:02}m", mins % 60)
        } else if mins > 0 {
            format!("{mins}m{:02}s", secs % 60)
        } else {
            format!("{secs}s")
        }
    }
}

/// Counts, or whatever there is one of for each family.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Families<T> {
    pub(super) ipv4: T,
    pub(super) ipv6: T,
}

impl Families<u64> {
    pub(super) fn both(&self) -> String {
        format!("{}/{}", self.ipv4, self.ipv6)
    }
}
