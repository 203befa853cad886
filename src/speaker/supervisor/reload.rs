//! Another plan, another table: what that does to the sessions that run.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::{Running, Supervisor, labels, selector};
use crate::advertise::{Board, SessionProfile};
use crate::config::{Plan, SessionPlan};
use crate::rib::{Findings, Generation};
use crate::speaker::leaving::Leaving;
use crate::speaker::peer::{Intent, Order};
use crate::speaker::terms::Life;
use crate::wire::{ErrorCode, Notification};

impl Supervisor {
    /// Puts a plan and a table in force, or none of it: the config was checked when it was read, and connections have gone on
    /// since.
    pub(super) async fn reload(
        &mut self,
        plan: Arc<Plan>,
        generation: Arc<Generation>,
    ) -> Result<(), Findings> {
        let refused = self.lifecycle.refusals(&plan);
        if refused.has_errors() {
            return Err(refused);
        }
        let board = Arc::new(self.board.next(generation.clone()));
        self.prepare(&board).await;
        self.board = board;
        self.handle.generation.store(Some(generation));
        let plan = self.lifecycle.follow(plan);
        // Also where it says what it said before: the files may say something else.
        self.origin_plans.send_replace(plan.origin.clone());
        self.overview.send_modify(|o| {
            o.last_reload_error = None;
            o.lab = plan.lab;
        });
        self.put_in_force(plan);
        self.advance();
        Ok(())
    }

    /// Gives every session what the plan has for it.
    pub(super) fn put_in_force(&mut self, plan: Arc<Plan>) {
        self.imports = self.imports.next(&plan, self.handle.generation.load_full());
        self.handle.plan.store(plan.clone());
        self.registrar.put(plan.clone());
        let before = std::mem::replace(&mut self.plan, plan);
        self.pool.budget().set_limit(self.plan.limits.received_prefixes);
        self.keyless = self.keyring.put(&self.plan);
        for session in self.plan.sessions.clone() {
            self.tell(session);
        }
        for session in self.sessions_of_ranges() {
            self.tell(session);
        }
        self.end_removed(&before);
        self.publish();
    }

    /// Has every session judge what it holds by what registries say now.
    pub(super) fn on_origins(&mut self) {
        self.imports.judge_origins_by(&self.origins.borrow_and_update());
        for running in self.running.values() {
            let import = self.imports.policy(&running.door.plan);
            running.intent.send_modify(|intent| intent.import = import);
        }
    }

    /// Gives a session of a new plan its intent, or starts it.
    fn tell(&mut self, plan: Arc<SessionPlan>) {
        let Some(running) = self.running.get_mut(&plan.peer_address) else {
            self.spawn(plan, Life::First, Duration::ZERO);
            return;
        };
        running.door.plan = plan.clone();
        // Its counters stay, under what it is called now.
        drop(self.metrics.session(labels(&plan)));
        let view = self.board.view(&selector(&plan));
        let import = self.imports.policy(&plan);
        let number = self.registrar.plan_number();
        running.intent.send_replace(Intent { plan, number, view, import, order: Order::Run });
    }

    /// Ends the sessions that the plan has no more, and the one before had. Nobody waits for them.
    fn end_removed(&mut self, before: &Plan) {
        let named: HashSet<IpAddr> = self.plan.sessions.iter().map(|s| s.peer_address).collect();
        let plan = self.plan.clone();
        // A peer that was named and now is within a range comes anew.
        let is_wanted = |peer: &IpAddr, running: &Running| match running.range() {
            Some(_) => plan.ranges.iter().any(|range| range.takes(*peer)),
            None => named.contains(peer),
        };
        let code = ErrorCode::PEER_DECONFIGURED;
        for (peer, running) in self.running.extract_if(|peer, running| !is_wanted(peer, running)) {
            info!(session = %running.intent.borrow().plan.name, notification = %code, "session ends");
            running.leave(Some(Notification::new(code)));
            let last = running.entry.snapshot.borrow().clone();
            if let Some(leaving) = Leaving::of(before, last) {
                self.leavers.add(running.task, leaving);
            }
            self.metrics.remove_session(peer);
        }
    }

    /// Makes what the sessions will share before any of them sees the new table, off the sessions' threads.
    async fn prepare(&self, board: &Arc<Board>) {
        let mut profiles: Vec<SessionProfile> = Vec::new();
        for profile in self.running.values().filter_map(|r| r.profile.borrow().clone()) {
            if !profiles.contains(&profile) {
                profiles.push(profile);
            }
        }
        let board = board.clone();
        let prepared = tokio::task::spawn_blocking(move || board.prepare(&profiles)).await;
        if let Err(error) = prepared {
            warn!(%error, "preparing the table failed; sessions will do it themselves");
        }
    }
}
