//! Config and RIB, read whole: what `run` starts with and what a reload puts in force.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::interfaces;
use crate::config::{self, Plan};
use crate::metrics::{GenerationFigures, Metrics, figure};
use crate::rib::{BuildError, Finding, Findings, Generation, Place, Rows};
use crate::speaker::{Generations, give_memory_back};
use crate::wire::{Family, PerFamily};

/// A plan and a generation, as they came from their files.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) plan: Arc<Plan>,
    pub(super) generation: Arc<Generation>,
    warnings: Findings,
    took: Duration,
}

impl Loaded {
    fn say_difference(&self, before: &Generation) {
        if self.generation.hash() == before.hash() {
            info!("the reload changes no route");
            return;
        }
        let (was, is) = (before.count(), self.generation.count());
        for family in Family::ALL {
            let (was, is) = (*was.get(family), *is.get(family));
            if is.saturating_mul(100) < was.saturating_mul(SHRUNK_PERCENT) {
                warn!(%family, was, is, "the table has shrunk");
            } else if is != was {
                info!(%family, was, is, "the table has changed in size");
            }
        }
    }

    /// Reads a config and its RIB. Blocks on files.
    ///
    /// # Errors
    /// Every error of both.
    pub(super) fn of(file: &Path, generations: &mut Generations) -> Result<Self, Findings> {
        let begin = Instant::now();
        Self::build(config::load_with_rib(file)?, generations, begin)
    }

    /// Reads the files of a running plan anew. Blocks on files.
    ///
    /// # Errors
    /// Every error of both, and what cannot change while the daemon runs; the generation before stays the newest.
    pub(super) fn next(running: &Plan, generations: &mut Generations) -> Result<Self, Findings> {
        let begin = Instant::now();
        let read = config::load_with_rib(&running.file)?;
        let refused = config::changes(running, &read.0).refused;
        if refused.has_errors() {
            return Err(refused);
        }
        Self::build(read, generations, begin)
    }

    fn build(
        (plan, rows, warnings): (Plan, Rows, Findings),
        generations: &mut Generations,
        begin: Instant,
    ) -> Result<Self, Findings> {
        let generation = generations.build(rows).map_err(|error| too_large(&plan.rib, &error))?;
        give_memory_back();
        Ok(Self { plan: Arc::new(plan), generation, warnings, took: begin.elapsed() })
    }

    /// Says what is in force now, in the log and to the metrics, and how it differs from what was before.
    pub(super) fn say(&self, metrics: &Metrics, before: Option<&Generation>) {
        self.warnings.log();
        interfaces::warnings(&self.plan).log();
        if let Some(before) = before {
            self.say_difference(before);
        }
        let count = self.generation.count();
        info!(
            generation = self.generation.number(),
            hash = %self.generation.hash_hex(),
            ipv4 = count.ipv4,
            ipv6 = count.ipv6,
            load_ms = self.took.as_millis(),
            "RIB in force"
        );
        metrics.rib().loaded(GenerationFigures {
            number: self.generation.number(),
            prefixes: PerFamily::from_fn(|family| figure(*count.get(family))),
            attribute_sets: figure(self.generation.attribute_sets()),
            load_time: self.took,
            at: self.generation.installed_at(),
        });
    }
}

/// A reload that leaves fewer than this share of a family's prefixes is said as a warning.
const SHRUNK_PERCENT: usize = 80;

fn too_large(rib: &Path, error: &BuildError) -> Findings {
    let fix = "divide the table over several daemons, or report this as a bug";
    Findings(vec![Finding::error(Place::file(rib), error.to_string(), fix)])
}
