//! The budget of all sessions, and the way to wake them when more is held than it allows: each looks for itself whether it
//! is the one to give something back.

use std::sync::Arc;

use tokio::sync::watch;

use crate::accept::Budget;

/// What all sessions share.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    budget: Arc<Budget>,
    overdrawn: watch::Sender<()>,
}

impl Pool {
    /// A pool of so many prefixes.
    pub(super) fn new(prefixes: u64) -> Self {
        Self { budget: Arc::new(Budget::new(prefixes)), overdrawn: watch::Sender::default() }
    }

    pub(super) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// What a session waits by. What was said while it did not wait is not lost.
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.overdrawn.subscribe()
    }

    /// Has every session look.
    pub(super) fn wake_all(&self) {
        self.overdrawn.send_replace(());
    }
}
