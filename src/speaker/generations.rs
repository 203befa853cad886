//! From RIB files to what every session advertises: the next generation, made whole and off the sessions' threads.

use std::sync::Arc;

use super::clock::Clock;
use crate::rib::{BuildError, Generation, Ranks, Rows};

/// Makes one generation after the other. Ranks, and with them wire order, are stable from each to the next.
#[derive(Debug, Default)]
pub struct Generations {
    ranks: Ranks,
    newest: Option<Arc<Generation>>,
}

impl Generations {
    /// No generation yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next generation. O(n log n).
    ///
    /// # Errors
    /// The rows are not as a load makes them, or more than a generation can number.
    pub fn build(&mut self, rows: Rows) -> Result<Arc<Generation>, BuildError> {
        let number = self.newest.as_ref().map_or(1, |g| g.number().saturating_add(1));
        let generation =
            Generation::build(rows, self.newest.as_deref(), &mut self.ranks, number, Clock::unix());
        let generation = Arc::new(generation?);
        self.newest = Some(generation.clone());
        Ok(generation)
    }
}
