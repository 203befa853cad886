//! What is counted of origin validation: the tables in force, and each RTR cache.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::exposition::{Family, families, float};
use super::labels::Counts;
use crate::wire::{Family as AddressFamily, PerFamily};

/// Of one cache, for the gauges.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CacheFigures {
    /// It is connected, and its VRPs are here.
    pub is_synced: bool,
    /// Its VRPs are those in force.
    pub is_in_use: bool,
    /// Its serial number.
    pub serial: u32,
    /// VRPs that it sent.
    pub vrps: PerFamily<u64>,
    /// Seconds since the epoch at which it last said that they are current; 0: never.
    pub updated_at: u64,
}

/// One RTR cache.
#[derive(Debug, Default)]
pub struct CacheMetrics {
    figures: Mutex<CacheFigures>,
    failures: AtomicU64,
}

impl CacheMetrics {
    /// What has become of it.
    pub fn put(&self, figures: CacheFigures) {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = figures;
    }

    /// A connection ended, or was not to be had.
    pub fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    fn figures(&self) -> CacheFigures {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tables in force and the caches.
#[derive(Debug, Default)]
pub struct OriginMetrics {
    vrps: Counts<2>,
    irr_routes: Counts<2>,
    caches: Mutex<BTreeMap<SocketAddr, Arc<CacheMetrics>>>,
}

impl OriginMetrics {
    /// Tables came into force.
    pub fn put(&self, vrps: PerFamily<u64>, irr_routes: PerFamily<u64>) {
        for family in AddressFamily::ALL {
            self.vrps.set(family, *vrps.get(family));
            self.irr_routes.set(family, *irr_routes.get(family));
        }
    }

    /// The counters of a cache, new or as they were.
    #[must_use]
    pub fn cache(&self, address: SocketAddr) -> Arc<CacheMetrics> {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner).entry(address).or_default().clone()
    }

    /// Drops a cache's series.
    pub fn remove_cache(&self, address: SocketAddr) {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
    }

    pub(super) fn caches(&self) -> Vec<(SocketAddr, Arc<CacheMetrics>)> {
        let caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        caches.iter().map(|(address, metrics)| (*address, metrics.clone())).collect()
    }
}

pub(super) const CACHE_LABELS: [&str; 1] = ["cache"];

pub(super) static ORIGIN: [Family<OriginMetrics>; 2] = [
    Family::gauge(
        "peeringd_rpki_vrps",
        "VRPs that routes are validated by: those of the cache in use and of all files, each once.",
        Some("family"),
        |o, put| families(put, |f| o.vrps.get(f)),
    ),
    Family::gauge(
        "peeringd_irr_routes",
        "Routes of the routing registries' files.",
        Some("family"),
        |o, put| families(put, |f| o.irr_routes.get(f)),
    ),
];

pub(super) static CACHE: [Family<CacheMetrics>; 6] = [
    Family::gauge("peeringd_rpki_cache_up", "1 while the RTR cache is in sync, else 0.", None, |c, put| {
        put(None, float(u64::from(c.figures().is_synced)));
    }),
    Family::gauge(
        "peeringd_rpki_cache_in_use",
        "1 while the RTR cache's VRPs are those that count, else 0.",
        None,
        |c, put| put(None, float(u64::from(c.figures().is_in_use))),
    ),
    Family::gauge("peeringd_rpki_cache_serial", "The RTR cache's serial number.", None, |c, put| {
        put(None, float(u64::from(c.figures().serial)));
    }),
    Family::gauge("peeringd_rpki_cache_vrps", "VRPs that the RTR cache sent.", Some("family"), |c, put| {
        families(put, |f| *c.figures().vrps.get(f));
    }),
    Family::gauge(
        "peeringd_rpki_cache_last_update_timestamp_seconds",
        "When the RTR cache last said that its VRPs are current, in seconds since the epoch; 0 if it never did.",
        None,
        |c, put| put(None, float(c.figures().updated_at)),
    ),
    Family::counter(
        "peeringd_rpki_cache_failures_total",
        "Connections to the RTR cache that ended, or were not to be had.",
        None,
        |c, put| put(None, float(c.failures.load(Ordering::Relaxed))),
    ),
];
