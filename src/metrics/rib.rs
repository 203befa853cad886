//! What is counted of the RIB and its loads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::labels::{Counts, LoadResult};
use crate::wire::{Family, PerFamily};

/// What a new generation is, for the gauges.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GenerationFigures {
    /// Its number.
    pub number: u32,
    /// Its prefixes.
    pub prefixes: PerFamily<u64>,
    /// Its distinct attribute sets.
    pub attribute_sets: u64,
    /// From the first byte read to the generation made.
    pub load_time: Duration,
    /// Seconds since the epoch at which it came into force.
    pub at: u64,
}

/// The gauges and counters of the RIB.
#[derive(Debug, Default)]
pub struct RibMetrics {
    number: AtomicU64,
    prefixes: Counts<2>,
    attribute_sets: AtomicU64,
    load_micros: AtomicU64,
    last_load: AtomicU64,
    loads: Counts<2>,
}

impl RibMetrics {
    /// A generation came into force.
    pub fn loaded(&self, figures: GenerationFigures) {
        self.number.store(u64::from(figures.number), Ordering::Relaxed);
        for family in Family::ALL {
            self.prefixes.set(family, *figures.prefixes.get(family));
        }
        self.attribute_sets.store(figures.attribute_sets, Ordering::Relaxed);
        let micros = u64::try_from(figures.load_time.as_micros()).unwrap_or(u64::MAX);
        self.load_micros.store(micros, Ordering::Relaxed);
        self.last_load.store(figures.at, Ordering::Relaxed);
        self.loads.add(LoadResult::Ok, 1);
    }

    /// A load was refused, and nothing changed.
    pub fn load_failed(&self) {
        self.loads.add(LoadResult::Failed, 1);
    }

    /// The number of the generation in force; 0: none yet.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    /// The prefixes of the generation in force.
    #[must_use]
    pub fn prefixes(&self, family: Family) -> u64 {
        self.prefixes.get(family)
    }

    /// The distinct attribute sets of the generation in force.
    #[must_use]
    pub fn attribute_sets(&self) -> u64 {
        self.attribute_sets.load(Ordering::Relaxed)
    }

    /// How long the last good load took.
    #[must_use]
    pub fn load_time(&self) -> Duration {
        Duration::from_micros(self.load_micros.load(Ordering::Relaxed))
    }

    /// Seconds since the epoch at which the last good load came into force; 0: never.
    #[must_use]
    pub fn last_load(&self) -> u64 {
        self.last_load.load(Ordering::Relaxed)
    }

    /// Loads that ended so.
    #[must_use]
    pub fn loads(&self, result: LoadResult) -> u64 {
        self.loads.get(result)
    }
}
