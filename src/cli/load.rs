//! Config and RIB, read whole: what `run` starts with and what a reload puts in force.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::interfaces;
use crate::config::{self, Kept, Plan};
use crate::metrics::{GenerationFigures, Metrics, figure};
use crate::rib::{BuildError, Finding, Findings, Generation, Place, Rows};
use crate::speaker::{Generations, KeptState, StateError, give_memory_back, read_connections, without_place};
use crate::wire::{Family, PerFamily};

/// A plan and a generation, as they came from their files.
#[derive(Debug)]
pub(super) struct Loaded {
    /// As the config has it.
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

    /// Reads a config and its RIB, and what a life before kept of connections, which the config is to follow on. Blocks on
    /// files.
    ///
    /// # Errors
    /// Every error of all of them.
    pub(super) fn of(file: &Path, generations: &mut Generations) -> Result<(Self, Kept), Findings> {
        let begin = Instant::now();
        let read = config::load_with_rib(file)?;
        let kept = kept(&read.0)?;
        Ok((Self::build(read, generations, begin)?, kept))
    }

    /// Reads the files of a running plan anew; `running` is as the config had it. Blocks on files.
    ///
    /// # Errors
    /// Every error of both, and what cannot change while the daemon runs; the generation before stays the newest.
    pub(super) fn next(running: &Plan, kept: &Kept, generations: &mut Generations) -> Result<Self, Findings> {
        let begin = Instant::now();
        let read = config::load_with_rib(&running.file)?;
        let plan = &read.0;
        let mut refused = config::changes(running, plan).refused;
        refused.0.extend(kept.reload_refusals(running, plan).0);
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

/// What a life before kept of connections, which a plan is to follow on.
///
/// # Errors
/// It cannot be read, or the plan does not follow on it.
pub(super) fn kept(plan: &Plan) -> Result<Kept, Findings> {
    let (kept, file) = read_connections(plan).map_err(unreadable)?;
    let refused = kept.refusals(plan, Some(&file));
    if refused.has_errors() { Err(refused) } else { Ok(kept) }
}

/// What a life before kept of registrations, which a plan is to follow on.
///
/// # Errors
/// It cannot be read, or the plan registers more than it may.
pub(super) fn registrations(plan: &Plan) -> Result<KeptState, Findings> {
    let kept = KeptState::read(&plan.state_dir).map_err(unreadable)?;
    let refused = kept.refusals(plan);
    if refused.has_errors() { Err(refused) } else { Ok(kept) }
}

fn unreadable(error: StateError) -> Findings {
    let fix = match &error {
        StateError::Version { .. } => {
            "run the newer peeringd that wrote it, or move it away to begin without what it holds"
        }
        StateError::Read { .. }
        | StateError::Broken { .. }
        | StateError::Write(_)
        | StateError::Encode { .. } => {
            "put back a copy of it, or move it away to begin without what it holds"
        }
    };
    let (place, what) = match &error {
        StateError::Read { path, error } => (Place::file(path), format!("cannot be read: {error}")),
        StateError::Broken { path, error } => {
            let (line, column) = (small(error.line()), small(error.column()));
            (
                Place { line, column, file: Arc::new(path.clone()) },
                format!("is broken: {}", without_place(error)),
            )
        }
        StateError::Version { path, version } => (Place::file(path), format!("is of version {version}")),
        StateError::Write(_) | StateError::Encode { .. } => (Place::file(""), error.to_string()),
    };
    Findings(vec![Finding::error(place, what, fix)])
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A reload that leaves fewer than this share of a family's prefixes is said as a warning.
const SHRUNK_PERCENT: usize = 80;

fn too_large(rib: &Path, error: &BuildError) -> Findings {
    let fix = "divide the table over several daemons, or report this as a bug";
    Findings(vec![Finding::error(Place::file(rib), error.to_string(), fix)])
}
